"""Draws the text on its standard input as a picture: `make -s demo | .venv/bin/python tools/draw_text.py FILE.png`.

For the README, where people look before they read. Needs matplotlib (`requirements/bench.txt`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend must be chosen first

FONT_POINTS = 11.0
INK, PAPER, BAR = "#d8dee9", "#1f2430", "#88c0d0"


def draw(text: str, target: Path) -> None:
    """Write `text` in fixed columns to `target`; lines that hold bars are coloured."""
    lines = text.rstrip("\n").split("\n")
    columns = max(len(line) for line in lines)
    width, height = columns * FONT_POINTS * 0.602 / 72 + 0.4, len(lines) * FONT_POINTS * 1.35 / 72 + 0.4
    figure = plt.figure(figsize=(width, height), facecolor=PAPER)
    for number, line in enumerate(lines):
        colour = BAR if any(mark in line for mark in "█▏▎▍▌▋▊▉") else INK
        y = 1 - (0.2 + (number + 1) * FONT_POINTS * 1.35 / 72) / height
        figure.text(0.2 / width, y, line, family="DejaVu Sans Mono", size=FONT_POINTS, color=colour)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110, facecolor=PAPER)


def main() -> int:
    """Read standard input, write the picture named by the argument."""
    if len(sys.argv) != 2:
        print("usage: draw_text.py FILE.png < TEXT", file=sys.stderr)
        return 2
    draw(sys.stdin.read(), Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
