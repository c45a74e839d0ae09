"""A node that is slow now and then: what reads and batches take with and without a second replica being asked."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
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
SLOW_NODE = 4
HEDGED_READS = {"after_ms": 5, "share": 0.05}


@dataclasses.dataclass(frozen=True)
class Rhythm:
    """What is read, and how often, whether the last one has ended or not."""

    name: str
    keys: int  # of one read
    every_seconds: float

    def reads(self, seconds: float) -> Iterator[list[tuple[str, str, int]]]:
        """The keys of each read."""
        for turn in range(int(seconds / self.every_seconds)):
            yield [KEYS[(turn * self.keys + i) % len(KEYS)] for i in range(self.keys)]


GETS = Rhythm("reads", 1, 0.002)
BATCHES = Rhythm("batches of 100", 100, 0.01)


class Readings:
    """What the reads of one client took, and how they failed."""

    def __init__(self, client: aerospike_py.AsyncClient) -> None:
        self._client = client
        self.took: list[float] = []
        self.failed: list[str] = []

    async def read(self, keys: list[tuple[str, str, int]]) -> None:
        """One read, of one record or of many."""
        start = time.monotonic()
        try:
            if len(keys) == 1:
                await self._client.get(keys[0])
            elif any(value is None for value in (await self._client.batch_read(keys)).to_list()):
                self.failed.append("a record is missing")
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


async def _read_both(hosts: list[tuple[str, int]], rhythm: Rhythm, seconds: int) -> tuple[Readings, Readings]:
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
        for turn, keys in enumerate(rhythm.reads(seconds)):
            await asyncio.sleep(began + turn * rhythm.every_seconds - time.monotonic())
            for readings in both:
                task = asyncio.ensure_future(readings.read(keys))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
    return both


def run_hiccups(scale: Scale, rhythm: Rhythm) -> Report:
    """One node of five stands still for 50 ms four times a second: a fifth of all reads that ask it meet that."""
    report = Report()
    over = threading.Event()
    before = _hedges()
    with Ring(5, dead_ms=NEVER_MS) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        stopping = threading.Thread(target=_hiccup, args=(ring, over))
        stopping.start()
        began = time.monotonic()
        try:
            plain, hedging = asyncio.run(_read_both(ring.hosts, rhythm, scale.pick(3, 10, 60)))
        finally:
            over.set()
            stopping.join()
        stalls = meter.p99(began, time.monotonic())
    hedges = _hedges() - before
    share = hedges / len(hedging.took) / rhythm.keys
    failed = plain.failed + hedging.failed
    report.need(not failed, f"{len(failed)} reads failed: {failed[:1]}")
    report.need(share <= HEDGED_READS["share"] * 1.1, f"{share:.1%} of the records were asked for twice")
    allowed = plain.at(0.99) / 2 + stalls
    report.need(
        hedging.at(0.99) <= allowed, f"p99 of hedged {rhythm.name} is {ms(hedging.at(0.99))}, over {ms(allowed)}"
    )
    report.figures = {
        "reads of each client": str(len(hedging.took)),
        "p99 without": ms(plain.at(0.99)),
        "p99 with": ms(hedging.at(0.99)),
        "asked twice": f"{share:.1%}",
    }
    report.tables[f"hedged {rhythm.name}"] = _table(rhythm, plain, hedging, share)
    return report


def _hedges() -> int:
    for line in aerospike_py.get_metrics().splitlines():
        if line.startswith('db_client_core_events_total{event="hedge_sent"}'):
            return int(line.split()[-1])
    return 0


def _table(rhythm: Rhythm, plain: Readings, hedging: Readings, share: float) -> str:
    text = (
        f"One node of five stands still for {STOPPED_SECONDS * 1e3:.0f} ms of every {SECONDS_BETWEEN * 1e3:.0f} ms. "
        f"Two asyncio clients read\nside by side, one with `hedged_reads: {HEDGED_READS}`, each "
        f"{1 / rhythm.every_seconds:.0f} times a second:\n\n"
        f"| {rhythm.name} | p50 | p95 | p99 | p99.9 | asked twice |\n|---|---|---|---|---|---|\n"
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
        functools.partial(run_hiccups, rhythm=GETS),
    ),
    Drill(
        "batches among hiccups",
        "one node of five stands still for 50 ms four times a second, and every batch needs it: asking the replicas "
        "for its rows after 5 ms halves the p99 of batches at least, and at most one record in twenty is asked for "
        "twice",
        functools.partial(run_hiccups, rhythm=BATCHES),
        in_short=False,
    ),
]
