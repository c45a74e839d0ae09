"""What programs of this package print to people: lines, tables of stages, and progress bars."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ._profile import format_bar, table_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._profile import OperationProfile


class Screen:
    """Plain lines, with colours when a person looks at a terminal and blocks when the encoding has them."""

    def __init__(self) -> None:
        self.tty = sys.stdout.isatty()
        self.colours = self.tty and "NO_COLOR" not in os.environ
        try:
            "█▏".encode(sys.stdout.encoding or "ascii")
            self.ascii_only = False
        except UnicodeEncodeError:
            self.ascii_only = True

    def say(self, text: str = "") -> None:
        """Print a line at once, also into a pipe."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Print a heading after an empty line."""
        self.say(f"\n{self.paint(text, '1')}")

    def paint(self, text: str, code: str) -> str:
        """Wrap text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and text else text

    def table(self, operation: OperationProfile) -> None:
        """Print the stages of an operation, bars in colour."""
        for line in table_lines(operation, ascii_only=self.ascii_only):
            bar = line[len(line.rstrip("█▏▎▍▌▋▊▉#")) :]
            self.say(line[: len(line) - len(bar)] + self.paint(bar, "36"))

    def progress(self, label: str, parts: int) -> Callable[[int], None]:
        """Start a progress bar; the function returned takes the number of parts done."""
        width, shown = 50, 0

        def show(done: int) -> None:
            nonlocal shown
            filled = done * width // parts
            if self.tty:
                bar = format_bar(done / parts, width=width, ascii_only=self.ascii_only).ljust(width)
                end = "\n" if done == parts else ""
                sys.stdout.write(f"\r{label} [{self.paint(bar, '36')}] {done / parts:4.0%}{end}")
            else:
                start = f"{label} [" if not shown and filled else ""
                sys.stdout.write(start + "#" * (filled - shown) + ("]\n" if done == parts else ""))
            shown = filled
            sys.stdout.flush()

        return show
