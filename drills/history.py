"""What clients were told, and the rules it is judged by.

Every write has a number of its own, so that a value that is read names the write it came from and a line of a server's
log names the call that caused it. A key is written by one worker only, which therefore knows what it may read: the last
write that was acknowledged, or one that failed in doubt.
"""

from __future__ import annotations

import itertools
import math
import threading
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROBLEMS_SHOWN = 5
FAST_SECONDS = 0.05
_numbers = itertools.count(1)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so large a share of all stays at or below; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


@dataclass(frozen=True)
class Call:
    """One call that has ended."""

    kind: str  # "read" or "write"
    start: float
    end: float
    error: str = ""  # name of the exception's class; empty when it went well
    in_doubt: bool = False
    patient: bool = False  # had more time than the others
    in_core: float = 0.0  # seconds from the call's admission to its answer or error, as the core measured them
    gil_wait: float = 0.0  # seconds that its thread then waited for the interpreter's lock
    text: str = ""  # of the error

    @property
    def took(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass
class Slot:
    """One key and what may be found there."""

    key: tuple[str, str, str]
    acknowledged: int = 0
    doubtful: set[int] = field(default_factory=set)

    def allows(self, value: int) -> bool:
        """Whether a read may give this."""
        return value == self.acknowledged or value in self.doubtful


class History:
    """The calls of a load, and what is wrong with them. Safe from any thread.

    Calls that went well and fast are only counted when `all_of_them` is not wanted: half an hour has millions.
    """

    def __init__(self, all_of_them: bool = True) -> None:
        self.calls: list[Call] = []
        self.slots: list[Slot] = []
        self.acknowledged = array("q")
        self._all_of_them = all_of_them
        self._tally: Counter[str] = Counter()
        self.denied: dict[int, str] = {}  # failed, and said not to be in doubt
        self.doubted: dict[int, str] = {}
        self._problems: Counter[str] = Counter()
        self._lock = threading.Lock()

    @staticmethod
    def next_number() -> int:
        """A number for a write, of no other."""
        return next(_numbers)

    def add(self, call: Call) -> None:
        """Note a call that has ended."""
        with self._lock:
            self._tally[call.kind] += 1
            if self._all_of_them or call.error or call.took > FAST_SECONDS:
                self.calls.append(call)

    @property
    def number_of_calls(self) -> int:
        """Of both kinds."""
        return sum(self._tally.values())

    def problem(self, text: str) -> None:
        """Note what must not happen."""
        with self._lock:
            self._problems[text] += 1

    @property
    def problems(self) -> list[str]:
        """What must not happen and did, the like counted together."""
        lines = [text if times == 1 else f"{text} ({times} times)" for text, times in self._problems.most_common()]
        more = len(lines) - PROBLEMS_SHOWN
        return lines[:PROBLEMS_SHOWN] + ([f"and {more} more"] if more > 0 else [])

    def of(self, kind: str, since: float = 0.0, until: float = math.inf) -> list[Call]:
        """Calls of a kind that were under way in a span of time."""
        return [c for c in self.calls if c.kind == kind and c.end >= since and c.start <= until]

    def failed(self, kind: str) -> list[Call]:
        """Calls of a kind that failed."""
        return [c for c in self.calls if c.kind == kind and c.error]

    def counts(self) -> dict[str, str]:
        """For the figures of a drill."""
        failed = self.failed("write")
        return {
            "reads": f"{self._tally['read']}, {len(self.failed('read'))} failed",
            "writes": f"{self._tally['write']}, {len(failed)} failed, {sum(c.in_doubt for c in failed)} in doubt",
            "slowest call": f"{self._slowest('took'):.1f} ms",
            "slowest in the core": f"{self._slowest('in_core'):.1f} ms",
            "longest wait for the GIL": f"{self._slowest('gil_wait'):.1f} ms",
        }

    def _slowest(self, part: str) -> float:
        return max((getattr(c, part) for c in self.calls if not c.patient), default=0.0) * 1e3

    def judge_reads(self) -> None:
        """No read may fail."""
        for call in self.failed("read"):
            self.problem(f"a read failed: {call.error}: {call.text}")

    def judge_logs(self, logs: list[Path]) -> None:
        """Hold what was told against what the servers carried out."""
        carried_out: set[int] = set()
        for log in logs:
            carried_out |= numbers_of(log)
        for number in self.acknowledged:
            if number not in carried_out:
                self.problem("an acknowledged write is in no server's log")
        for number, error in self.denied.items():
            if number in carried_out:
                self.problem(f"a write was carried out, but its {error} says that it is not in doubt")


def numbers_of(log: Path) -> set[int]:
    """The writes a server carried out, by their numbers: the value of the one bin they have."""
    found = set()
    for line in log.read_text(encoding="ascii").splitlines():
        parts = line.split(" ")
        # A process that is killed may leave half a line, of a write that was not acknowledged yet.
        if len(parts) == 4 and parts[0] in "mr" and len(parts[3]) >= 16:
            found.add(int(parts[3][-16:], 16))
    return found
