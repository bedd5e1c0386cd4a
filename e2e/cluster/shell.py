"""Running other programs: one line of progress per step, silence when all is well, the log's end when it is not."""

import pathlib
import subprocess
import sys
import time


class Failed(Exception):
    """What went wrong, in words for the person at the terminal; no traceback is needed with it."""


def step(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(*command, log=None, env=None, cwd=None, stdin=None):
    """Runs command to its end and returns its output; its output goes to the file `log` instead where one is given."""
    command = [str(part) for part in command]
    if log is None:
        done = subprocess.run(command, env=env, cwd=cwd, input=stdin, text=True, capture_output=True)
        output = done.stderr + done.stdout
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as sink:
            done = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
        output = f"(whole log: {log})\n" + log.read_text(errors="replace")[-3000:]
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)[:300]}: exit status {done.returncode}\n{output.strip()[-3000:]}")
    return done.stdout


def retry(what, attempts, attempt):
    """Downloads fail for reasons that pass; everything that downloads goes through here."""
    for left in reversed(range(attempts)):
        try:
            return attempt()
        except Failed as failure:
            if left == 0:
                raise
            step(f"{what}: failed, {left} more attempts\n{str(failure)[-600:]}")
            time.sleep(5)


def wait_until(what, timeout_seconds, condition, log=None):
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            tail = pathlib.Path(log).read_text(errors="replace")[-3000:] if log else ""
            raise Failed(f"{what}: not so after {timeout_seconds} s {log or ''}\n{tail}")
        time.sleep(0.1)


def main(program):
    """The frame of every command here: a Failed becomes a message and exit status 1."""
    try:
        sys.exit(program(sys.argv[1:]))
    except Failed as failure:
        print(f"{pathlib.Path(sys.argv[0]).name}: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
