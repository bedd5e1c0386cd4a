"""What a person sees: sentences, and tables that live where there is a terminal."""

import sys
import time


class Screen:
    def __init__(self, quiet=False, stream=sys.stdout):
        self._quiet = quiet
        self._stream = stream
        self._tty = stream.isatty() and not quiet
        self._live_lines = 0

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._tty else text

    def _write(self, text):
        if not self._quiet:
            self._stream.write(text + "\n")
            self._stream.flush()

    def title(self, text):
        self._settle()
        self._write("\n" + self._paint("1", text))

    def say(self, text):
        self._settle()
        self._write("  " + text)

    def held(self, name, held, detail):
        self._settle()
        mark = self._paint("32", "held  ") if held else self._paint("31;1", "FAILED")
        self._write(f"  {mark} {name}: {detail}")

    def table(self, header, rows, live=False):
        """Draws aligned columns; a live table overwrites the one before it, and exists on terminals only."""
        if live and not self._tty:
            return
        self._clear_live()
        widths = [max(len(str(cell)) for cell in column) for column in zip(header, *rows)]
        lines = ["  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                           for i, (cell, width) in enumerate(zip(row, widths))) for row in [header, *rows]]
        self._write("    " + self._paint("2", lines[0]))
        for line in lines[1:]:
            self._write("    " + line)
        self._live_lines = len(lines) if live else 0

    def _clear_live(self):
        if self._live_lines:
            self._stream.write(f"\033[{self._live_lines}A\033[J")
            self._live_lines = 0

    def _settle(self):
        """What was live stays as it is; the next line goes below it."""
        self._live_lines = 0


def answer_rows(answers, pods, window_seconds=1.0):
    """One row per backend: name, answers, share, answers in the last second."""
    now = time.monotonic()
    good = [answer for answer in list(answers) if answer.status == 200]
    rows = []
    for pod in pods:
        own = [answer for answer in good if pod in answer.body]
        recent = sum(now - answer.at < window_seconds for answer in own)
        rows.append((pod, len(own), f"{100 * len(own) / len(good):.1f} %" if good else "-", recent))
    return rows


ANSWER_HEADER = ("backend", "answers", "share", "last second")
