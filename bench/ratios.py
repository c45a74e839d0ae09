"""What pairs of measurements say about a change: the ratio of after to before, how sure it is, a line that draws it.

Each pair is one figure before and one after, taken in turns within seconds of each other. The ratio of a case is the
median of its pairs' ratios; its interval holds 95 % of the medians that draws from these pairs have (bootstrap).
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass, field

LIMIT = 1.02  # what may be lost and is still called kept
PAIRS_MIN = 10  # fewer decide nothing
DRAWS = 2000
DRAWN_FROM, DRAWN_TO, WIDTH = 0.90, 1.10, 41


@dataclass
class Ratio:
    """A case's pairs."""

    title: str
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    def add(self, before: float, after: float) -> None:
        """One more pair, microseconds."""
        self.before.append(before)
        self.after.append(after)

    def pairs(self) -> list[float]:
        """After divided by before, pair by pair."""
        return [after / before for before, after in zip(self.before, self.after, strict=True)]

    def typical(self) -> float:
        """The median of the pairs."""
        return statistics.median(self.pairs())

    def interval(self) -> tuple[float, float]:
        """Where that median is with a certainty of 95 %. The draws are the same every time."""
        draw, pairs = random.Random(len(self.before)), self.pairs()
        medians = sorted(statistics.median(draw.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
        return medians[DRAWS * 25 // 1000], medians[DRAWS * 975 // 1000 - 1]

    def verdict(self) -> str:
        """`less`, `kept` and `MORE` are sure; what is `unclear` needs more pairs."""
        low, high = self.interval()
        if len(self.before) < PAIRS_MIN or low <= LIMIT < high:
            return "unclear"
        if low > LIMIT:
            return "MORE"
        return "less" if high < 1 else "kept"

    def picture(self) -> str:
        """The interval on a scale from 0.90 to 1.10; `|` is 1, `o` the median."""
        low, high = self.interval()
        line = [" "] * WIDTH
        for column in range(column_of(low), column_of(high) + 1):
            line[column] = "-"
        line[column_of(1.0)] = "|"
        line[column_of(self.typical())] = "o"
        return "".join(line)


def column_of(ratio: float) -> int:
    """Where a ratio is drawn; what is off the scale stands at its end."""
    inside = min(max(ratio, DRAWN_FROM), DRAWN_TO)
    return round((inside - DRAWN_FROM) / (DRAWN_TO - DRAWN_FROM) * (WIDTH - 1))


def table(ratios: list[Ratio]) -> str:
    """A line per case, under what the columns are."""
    scale = f"{DRAWN_FROM:<{WIDTH - 4}.2f}{DRAWN_TO:.2f}"
    lines = [f"{'':<36}{'before':>10}{'after':>10} us  {'ratio':>7}  {'95 %':<13}{'pairs':>6}  {scale}  verdict"]
    for each in ratios:
        low, high = each.interval()
        before, after = statistics.median(each.before), statistics.median(each.after)
        lines.append(
            f"{each.title:<36}{before:>10.1f}{after:>10.1f} {'':<4}{each.typical():>7.3f}  {low:.3f}..{high:.3f} "
            f"{len(each.before):>6}  {each.picture()}  {each.verdict()}"
        )
    return "\n".join(lines)
