"""What a drill is: a function that plays with a cluster and reports figures and what was wrong."""

from __future__ import annotations

import bisect
import threading
import time
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aerospike_py
from history import percentile

if TYPE_CHECKING:
    from collections.abc import Callable

SLACK_SECONDS = 0.005


@dataclass
class Report:
    """What a drill found."""

    problems: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)  # for docs/flow_control.md, by the marks that hold them

    def need(self, holds: bool, otherwise: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(otherwise)


@dataclass(frozen=True)
class Drill:
    """A name, what is promised, and the function that tries it. `scale` is 1 by default, more for the long form."""

    name: str
    promise: str
    run: Callable[[Scale], Report]
    in_short: bool = True  # also part of the short form of every build


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    short: bool = False
    long: bool = False

    def pick(self, short: int, normal: int, long: int) -> int:
        """The number for the form that runs."""
        return short if self.short else long if self.long else normal


class StallMeter:
    """How long this process was kept from running, measured by a thread that sleeps two milliseconds at a time.

    What a drill measures from Python holds the wait for the interpreter's lock and for a processor; bounds on time
    allow for as much of it as was seen in the same span.
    """

    def __init__(self) -> None:
        self._ended = array("d")
        self._took = array("d")  # as long as the other at least
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        nap = 0.002
        while not self._stopping.is_set():
            start = time.monotonic()
            time.sleep(nap)
            now = time.monotonic()
            self._took.append(max(0.0, now - start - nap))
            self._ended.append(now)

    def seen(self, since: float, until: float) -> list[float]:
        """The stalls that ended in a span, or shortly after it."""
        first, last = bisect.bisect_left(self._ended, since), bisect.bisect_right(self._ended, until + 0.01)
        return self._took[first:last].tolist()

    def largest(self, since: float, until: float) -> float:
        """Seconds of the longest of them."""
        return max(self.seen(since, until), default=0.0)

    def p99(self, since: float, until: float) -> float:
        """Seconds that 99 % of them stayed below."""
        return percentile(self.seen(since, until), 0.99)

    def __enter__(self) -> StallMeter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()


def counted(event: str) -> int:
    """How often the core of this process counted something."""
    lines = aerospike_py.get_metrics().splitlines()
    return sum(int(line.split()[-1]) for line in lines if f'{{event="{event}"}}' in line)


def bar(value: float, longest: float) -> str:
    """For a table: thirty marks for the longest."""
    return "█" * max(1, round(value / longest * 30))


def ms(seconds: float) -> str:
    """For a table."""
    return f"{seconds * 1e3:.1f} ms"
