"""Calls as an application makes them: plain HTTP, no idea that there is a mesh."""

import collections
import http.client
import threading
import time

Answer = collections.namedtuple("Answer", "at status body reason failure")
TIMEOUT_SECONDS = 10


def _ask(connection, host):
    connection.request("GET", "/", headers={"Host": host})
    response = connection.getresponse()
    body = response.read().decode(errors="replace").strip()
    return Answer(time.monotonic(), response.status, body, response.getheader("x-tulle-reason"), None)


def call(namespace, address, port, host, path="/"):
    """One call from inside `namespace` on a connection of its own."""
    with namespace.inside():
        connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path, headers={"Host": host, "Connection": "close"})
            response = connection.getresponse()
            body = response.read().decode(errors="replace").strip()
            return Answer(time.monotonic(), response.status, body, response.getheader("x-tulle-reason"), None)
        except (OSError, http.client.HTTPException) as error:
            return Answer(time.monotonic(), 0, "", None, f"{type(error).__name__}: {error}")
        finally:
            connection.close()


class Load:
    """Keep-alive connections of one client, each a thread, until stopped or until `count` answers are in.

    per_second limits all connections together; None is as fast as it goes."""

    def __init__(self, namespace, address, port, host, connections=8, per_second=None, count=None):
        self._namespace, self._target, self._host = namespace, (address, port), host
        self._pause = connections / per_second if per_second else 0
        self._left = count
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.answers = []
        self._threads = [threading.Thread(target=self._work, args=(i / connections,), daemon=True)
                         for i in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self.wait()

    def wait(self):
        for thread in self._threads:
            thread.join()

    @property
    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    @property
    def failed(self):
        return [answer for answer in self.answers if answer.status != 200]

    def _take(self):
        with self._lock:
            if self._stop.is_set() or self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            return True

    def _work(self, phase):
        self._namespace.enter()
        connection = http.client.HTTPConnection(*self._target, timeout=TIMEOUT_SECONDS)
        due = time.monotonic() + phase * self._pause
        while self._take():
            if self._pause:
                time.sleep(max(0, due - time.monotonic()))
                due += self._pause
            try:
                answer = _ask(connection, self._host)
            except (OSError, http.client.HTTPException) as error:
                answer = Answer(time.monotonic(), 0, "", None, f"{type(error).__name__}: {error}")
                connection.close()
            self.answers.append(answer)
        connection.close()


def count_by_body(answers):
    return collections.Counter(answer.body for answer in answers if answer.status == 200)


def share(answers, word):
    """The part of the good answers whose body contains `word`, from 0 to 1."""
    good = [answer for answer in answers if answer.status == 200]
    return sum(word in answer.body for answer in good) / len(good) if good else 0.0
