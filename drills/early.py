"""Masters that die: how long writes stand still where failed calls ask the nodes early, and where they do not."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from typing import TYPE_CHECKING

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, bar
from ring import Ring

if TYPE_CHECKING:
    from types import TracebackType

KEYS = [("test", "early", number) for number in range(100)]
PATIENT = {"total_timeout": 10_000, "max_retries": 2}
TEND_SECONDS = 3
FAILOVER_SECONDS = 5.0
DEAD_SECONDS = 1.0  # of silence, and the others leave a node out
SLACK_SECONDS = 0.5


class Writer:
    """A client with a thread that writes one record after another."""

    def __init__(self, ring: Ring, early: bool) -> None:
        config = {"hosts": ring.hosts, "early_tend": early, "tend_interval": TEND_SECONDS * 1000}
        self._client = aerospike_py.client(config)
        self._thread = threading.Thread(target=self._write_on)
        self._over = threading.Event()
        self._served: list[float] = []  # when each write ended well
        self.failed: list[str] = []

    def _write_on(self) -> None:
        for key in itertools.cycle(KEYS):
            if self._over.is_set():
                return
            try:
                self._client.put(key, {"n": 1}, policy=PATIENT)
                self._served.append(time.monotonic())
            except exception.AerospikeError as error:
                if not error.in_doubt:  # what was under way at the kill cannot be known
                    self.failed.append(f"{type(error).__name__}: {error}")

    def stood_still(self, since: float) -> float:
        """Seconds of the longest pause between two writes that ended well."""
        ends = [since, *(end for end in self._served.copy() if end > since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(ends))

    def __enter__(self) -> Writer:
        self._client.connect()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()


def run_early(scale: Scale) -> Report:
    """Two clients write side by side while one node after another is killed and comes back."""
    report = Report()
    kills = scale.pick(1, 6, 10)
    pauses: dict[str, list[float]] = {"on": [], "off": []}
    with Ring(3, dead_ms=round(DEAD_SECONDS * 1000)) as ring:
        ring.wait_until_settled()
        with Writer(ring, early=True) as on, Writer(ring, early=False) as off:
            for turn in range(kills):
                time.sleep(1 + TEND_SECONDS * turn / kills)  # at another moment of the tend's round each time
                killed = time.monotonic()
                ring.kill(turn % 3)
                time.sleep(FAILOVER_SECONDS)
                pauses["on"].append(on.stood_still(killed))
                pauses["off"].append(off.stood_still(killed))
                ring.wait_until_settled(2)
                ring.start_nodes(turn % 3)
                ring.wait_until_settled(3)
    failed = on.failed + off.failed
    report.need(not failed, f"{len(failed)} writes failed: {failed[:1]}")
    typical = {name: statistics.median(seconds) for name, seconds in pauses.items()}
    report.need(
        typical["on"] <= DEAD_SECONDS + SLACK_SECONDS,
        f"writes stand still for {typical['on']:.2f} s, the next master is known after {DEAD_SECONDS} s",
    )
    # A round of the tend that happens to follow the kill at the right moment serves as well, every third time or so.
    report.need(sum(pauses["on"]) < sum(pauses["off"]), "early tends are not early: the drill shows nothing")
    report.need(max(pauses["off"]) < FAILOVER_SECONDS, "writes did not go on")
    report.figures = {f"writes stood still, {name}": f"{seconds:.2f} s" for name, seconds in typical.items()}
    report.tables["early tends"] = _table(pauses)
    return report


def _table(pauses: dict[str, list[float]]) -> str:
    text = (
        "A node of three is killed; the others leave it out after a second of silence. How long the writes of a thread "
        f"stand still\nuntil they reach the next master, with a `tend_interval` of {TEND_SECONDS} s:\n\n"
        "| `early_tend` | half of the times | longest | drawn |\n|---|---|---|---|\n"
    )
    longest = max(map(max, pauses.values()))
    for name, seconds in pauses.items():
        typical = statistics.median(seconds)
        text += f"| {name} | {typical:.2f} s | {max(seconds):.2f} s | {bar(typical, longest)} |\n"
    return text


DRILLS = [
    Drill(
        "early tends",
        "a node is killed: writes reach the next master within half a second of its being named, whatever "
        "`tend_interval` says, and none fails but what was under way",
        run_early,
        in_short=False,  # one kill says nothing
    )
]
