"""Few connections and many threads: whether each has its turn."""

from __future__ import annotations

import time

import aerospike_py
from aerospike_py import exception
from crowded import CROWD, NEVER_MS, SCENE, crowd
from drill import Drill, Report, Scale, bar, counted, ms
from history import percentile
from ring import Ring
from turnstile import DOOR, turnstile

KEY = ("test", "shared", 1)
PATIENT = {"total_timeout": 30_000}
FEW, DEFAULT = 8, 256


class Measured:
    """What the threads of a client with so many connections met."""

    def __init__(self, hosts: list[tuple[str, int]], connections: int, seconds: float) -> None:
        self._took: list[list[float]] = [[] for _ in range(CROWD)]  # by thread
        self.failed: list[str] = []
        before = counted("connection_opened")
        config = {"hosts": hosts, "max_conns_per_node": connections}
        with aerospike_py.client(config).connect() as client:
            client.put(KEY, {"n": 1}, policy=PATIENT)
            self._until = time.monotonic() + seconds
            crowd(lambda number: self._read_on(client, self._took[number]))
        self.opened = counted("connection_opened") - before
        self.all = [each for took in self._took for each in took]
        self.rate = len(self.all) / seconds
        self.fewest, *_, self.most = sorted(map(len, self._took))

    def _read_on(self, client: aerospike_py.Client, took: list[float]) -> None:
        while (start := time.monotonic()) < self._until:
            try:
                client.get(KEY, PATIENT)
                took.append(time.monotonic() - start)
            except exception.AerospikeError as error:
                self.failed.append(f"{type(error).__name__}: {error}")


def run_shared(scale: Scale) -> Report:
    """A node that works on four requests at once and 64 threads, first with eight connections, then with their own."""
    report = Report()
    seconds = scale.pick(2, 4, 20)
    with Ring(1, dead_ms=NEVER_MS, told={"access": DOOR}) as ring, turnstile(ring.ports[0]):
        ring.wait_until_settled()
        hosts = [(DOOR, ring.ports[0])]
        few, own = (Measured(hosts, connections, seconds) for connections in (FEW, DEFAULT))
    for each in (few, own):
        report.need(not each.failed, f"{len(each.failed)} reads failed: {each.failed[:1]}")
    report.need(few.fewest * 2 >= few.most, f"one thread had {few.fewest} reads and another {few.most}")
    report.need(few.rate >= own.rate / 2, f"{few.rate:.0f} reads/s by few connections, {own.rate:.0f} by many")
    report.need(few.opened < own.opened, f"{few.opened} connections were opened, {own.opened} without the limit")
    report.figures = {
        "reads of a thread": f"{few.fewest} to {few.most}",
        "p99": ms(percentile(few.all, 0.99)),
        "with connections of their own": ms(percentile(own.all, 0.99)),
    }
    report.tables["shared connections"] = _table({str(FEW): few, f"{DEFAULT}, the default": own})
    return report


def _table(all_of: dict[str, Measured]) -> str:
    text = SCENE + (
        "| `max_conns_per_node` | opened, tend included | served | half within | 99 % | reads of the thread with the "
        "fewest | with the most |\n|---|---|---|---|---|---|---|\n"
    )
    most = max(measured.most for measured in all_of.values())
    for name, measured in all_of.items():
        times = f"{ms(percentile(measured.all, 0.5))} | {ms(percentile(measured.all, 0.99))}"
        shares = " | ".join(f"{bar(each, most)} {each}" for each in (measured.fewest, measured.most))
        text += f"| {name} | {measured.opened} | {measured.rate:.0f}/s | {times} | {shares} |\n"
    return text


DRILLS = [
    Drill(
        "few connections",
        "64 threads share eight connections first come, first served: none has less than half of the reads of another, "
        "and none fails",
        run_shared,
    )
]
