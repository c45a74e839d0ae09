"""A node before which a crowd stands: what a neighbour of the crowd gets, with and without a limit that adapts."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, StallMeter, ms
from history import percentile
from ring import Ring
from turnstile import DOOR, WORK_MS, WORKERS, turnstile

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER_MS = 60_000
CROWD = 64  # threads of one client, each of which reads as fast as it is answered
NEIGHBOUR_EVERY_SECONDS = 0.02
SETTLING_SECONDS = 3.0
KEY = ("test", "crowded", 1)
PATIENT = {"total_timeout": 30_000}


SCENE = (
    f"A node that works on {WORKERS} requests at once, {WORK_MS} ms on each, and {CROWD} threads of one client "
    "that read as fast as\nthey are answered:\n\n"
)


def crowd(read_on: Callable[[int], None]) -> None:
    """Runs it in as many threads, each with its number, until all have ended."""
    threads = [threading.Thread(target=read_on, args=(number,)) for number in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Measured:
    """A crowd with a config of its own, and what a neighbour met beside it."""

    def __init__(self, hosts: list[tuple[str, int]], adapts: bool, seconds: float) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.failed: list[str] = []
        self.crowd = 0
        self.neighbour: list[float] = []
        with (
            aerospike_py.client({"hosts": hosts, "adaptive_concurrency": adapts}).connect() as of_crowd,
            aerospike_py.client({"hosts": hosts}).connect() as of_neighbour,
        ):
            of_neighbour.put(KEY, {"n": 1}, policy=PATIENT)
            threads = [threading.Thread(target=self._read_on, args=(of_crowd,)) for _ in range(CROWD)]
            for thread in threads:
                thread.start()
            time.sleep(SETTLING_SECONDS)
            self.began, before = time.monotonic(), self.crowd
            while time.monotonic() < self.began + seconds:
                start = time.monotonic()
                self._read(of_neighbour)
                self.neighbour.append(time.monotonic() - start)
                time.sleep(NEIGHBOUR_EVERY_SECONDS)
            self.ended = time.monotonic()
            self.rate = (self.crowd - before) / (self.ended - self.began)
            self._over.set()
            for thread in threads:
                thread.join()

    def _read_on(self, client: aerospike_py.Client) -> None:
        while not self._over.is_set():
            self._read(client)
            with self._lock:
                self.crowd += 1

    def _read(self, client: aerospike_py.Client) -> None:
        try:
            client.get(KEY, PATIENT)
        except exception.AerospikeError as error:
            self.failed.append(type(error).__name__)

    def at(self, share: float) -> float:
        """The time that so many reads of the neighbour stayed within."""
        return percentile(self.neighbour, share)


def run_crowded(scale: Scale) -> Report:
    """A node of four workers, 64 threads of one client that want all of it, and a client that reads now and then."""
    report = Report()
    seconds = scale.pick(3, 8, 40)
    with (
        Ring(1, dead_ms=NEVER_MS, told={"access": DOOR}) as ring,
        turnstile(ring.ports[0]),
        StallMeter() as meter,
    ):
        ring.wait_until_settled()
        hosts = [(DOOR, ring.ports[0])]
        plain, adapting = (Measured(hosts, adapts, seconds) for adapts in (False, True))
        stalls = meter.p99(adapting.began, adapting.ended)
    failed = plain.failed + adapting.failed
    report.need(not failed, f"{len(failed)} reads failed: {failed[:1]}")
    allowed = plain.at(0.5) / 2 + stalls
    report.need(adapting.at(0.5) <= allowed, f"the neighbour waits {ms(adapting.at(0.5))}, over {ms(allowed)}")
    report.need(adapting.rate >= plain.rate * 0.5, f"the crowd has {adapting.rate:.0f} reads/s of {plain.rate:.0f}")
    report.figures = {
        "median of the neighbour without": ms(plain.at(0.5)),
        "with": ms(adapting.at(0.5)),
        "reads of the crowd without": f"{plain.rate:.0f}/s",
        "with ": f"{adapting.rate:.0f}/s",
    }
    report.tables["adaptive concurrency"] = _table(plain, adapting)
    return report


def _table(plain: Measured, adapting: Measured) -> str:
    text = (
        f"A node that works on {WORKERS} requests at once, {WORK_MS} ms on each. {CROWD} threads of one client read as "
        f"fast as they are\nanswered; beside them another client reads every "
        f"{NEIGHBOUR_EVERY_SECONDS * 1e3:.0f} ms:\n\n"
        "| `adaptive_concurrency` of the crowd | neighbour p50 | p95 | p99 | reads of the crowd |\n"
        "|---|---|---|---|---|\n"
    )
    for name, measured in (("off", plain), ("on", adapting)):
        figures = " | ".join(ms(measured.at(at)) for at in (0.5, 0.95, 0.99))
        text += f"| {name} | {figures} | {measured.rate:.0f}/s |\n"
    return text


DRILLS = [
    Drill(
        "crowd before one node",
        "64 threads want all that a node can do: with a limit that adapts another client waits half as long as without "
        "at most, and the crowd has half of its reads at least",
        run_crowded,
    )
]
