"""A node that is slow now and then: what reads take with and without a second replica being asked."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, StallMeter, ms
from history import percentile
from ring import Ring

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_MS = 60_000  # no node is left out for its silence
KEYS = [("test", "hiccups", i) for i in range(400)]
STOPPED_SECONDS = 0.05  # of each SECONDS_BETWEEN
SECONDS_BETWEEN = 0.25
READ_EVERY_SECONDS = 0.002  # whether the last one has ended or not
SLOW_NODE = 4
HEDGED_READS = {"after_ms": 5, "share": 0.05}


class Readings:
    """What the reads of one client took, and how they failed."""

    def __init__(self, client: aerospike_py.AsyncClient) -> None:
        self._client = client
        self.took: list[float] = []
        self.failed: list[str] = []

    async def read(self, key: tuple[str, str, int]) -> None:
        """One read."""
        start = time.monotonic()
        try:
            await self._client.get(key)
        except exception.AerospikeError as error:
            self.failed.append(type(error).__name__)
        self.took.append(time.monotonic() - start)

    def at(self, share: float) -> float:
        """The time that so many of the reads stayed within."""
        return percentile(self.took, share)


def _hiccup(ring: Ring, over: threading.Event) -> None:
    while not over.wait(SECONDS_BETWEEN - STOPPED_SECONDS):
        ring.pause(SLOW_NODE)
        time.sleep(STOPPED_SECONDS)
        ring.resume(SLOW_NODE)


async def _read_both(hosts: list[tuple[str, int]], seconds: int) -> tuple[Readings, Readings]:
    """Two clients side by side meet the same hiccups; each read begins at its time, however long others take."""
    config: dict[str, Any] = {"hosts": hosts}
    async with (
        aerospike_py.async_client(config) as plain,
        aerospike_py.async_client(config | {"hedged_reads": HEDGED_READS}) as hedging,
    ):
        await plain.connect()
        await hedging.connect()
        for key in KEYS:
            await plain.put(key, {"i": key[2]})
            await hedging.get(key)
        both = Readings(plain), Readings(hedging)
        under_way = set()
        began = time.monotonic()
        for turn, key in enumerate(_keys_for(seconds)):
            await asyncio.sleep(began + turn * READ_EVERY_SECONDS - time.monotonic())
            for readings in both:
                task = asyncio.ensure_future(readings.read(key))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
    return both


def _keys_for(seconds: int) -> Iterator[tuple[str, str, int]]:
    for turn in range(int(seconds / READ_EVERY_SECONDS)):
        yield KEYS[turn % len(KEYS)]


def run_hiccups(scale: Scale) -> Report:
    """One node of five stands still for 50 ms four times a second: a twenty-fifth of all reads meet that."""
    report = Report()
    over = threading.Event()
    before = _hedges()
    with Ring(5, dead_ms=NEVER_MS) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        stopping = threading.Thread(target=_hiccup, args=(ring, over))
        stopping.start()
        began = time.monotonic()
        try:
            plain, hedging = asyncio.run(_read_both(ring.hosts, scale.pick(3, 10, 60)))
        finally:
            over.set()
            stopping.join()
        stalls = meter.p99(began, time.monotonic())
    hedges = _hedges() - before
    share = hedges / len(hedging.took)
    failed = plain.failed + hedging.failed
    report.need(not failed, f"{len(failed)} reads failed: {failed[:1]}")
    report.need(share <= HEDGED_READS["share"] * 1.1, f"{share:.1%} of the reads asked twice")
    allowed = plain.at(0.99) / 2 + stalls
    report.need(hedging.at(0.99) <= allowed, f"p99 of hedged reads is {ms(hedging.at(0.99))}, over {ms(allowed)}")
    report.figures = {
        "reads of each client": str(len(hedging.took)),
        "p99 without": ms(plain.at(0.99)),
        "p99 with": ms(hedging.at(0.99)),
        "asked twice": f"{share:.1%}",
    }
    report.tables["hedged reads"] = _table(plain, hedging, share)
    return report


def _hedges() -> int:
    for line in aerospike_py.get_metrics().splitlines():
        if line.startswith('db_client_core_events_total{event="hedge_sent"}'):
            return int(line.split()[-1])
    return 0


def _table(plain: Readings, hedging: Readings, share: float) -> str:
    text = (
        f"One node of five stands still for {STOPPED_SECONDS * 1e3:.0f} ms of every {SECONDS_BETWEEN * 1e3:.0f} ms. "
        f"Two asyncio clients read\nside by side, one with `hedged_reads: {HEDGED_READS}`, each "
        f"{1 / READ_EVERY_SECONDS:.0f} times a second:\n\n"
        "| reads | p50 | p95 | p99 | p99.9 | asked twice |\n|---|---|---|---|---|---|\n"
    )
    for name, readings, twice in (("plain", plain, 0.0), ("hedged", hedging, share)):
        figures = " | ".join(ms(readings.at(at)) for at in (0.5, 0.95, 0.99, 0.999))
        text += f"| {name} | {figures} | {twice:.1%} |\n"
    return text


DRILLS = [
    Drill(
        "hiccups of one node of five",
        "it stands still for 50 ms four times a second: asking a second replica after 5 ms halves the p99 of reads at "
        "least, and at most one read in twenty asks twice",
        run_hiccups,
    )
]
