"""Waiting for what comes in its own time, and many things at once."""

import threading
import time


def eventually(what, within=5):
    """Waits until what() is true; its last value."""
    deadline = time.monotonic() + within
    while not (value := what()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def together(count, work, within=60):
    """Runs work(0), work(1)… at the same moment in threads of their own; the failures, as (number, what)."""
    failures, barrier = [], threading.Barrier(count)

    def one(number):
        try:
            barrier.wait(within)
            work(number)
        except Exception as error:  # whatever it is, the test wants to see it
            failures.append((number, repr(error)))
    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return failures + [(number, "hangs") for number, thread in enumerate(threads) if thread.is_alive()]
