"""More callers than a node can serve: how long those wait that are served, with a bound on calls and without."""

from __future__ import annotations

import time

import aerospike_py
from aerospike_py import exception
from crowded import NEVER_MS, SCENE, crowd
from drill import Drill, Report, Scale, ms
from history import percentile
from ring import Ring
from turnstile import DOOR, turnstile

KEY = ("test", "backpressure", 1)
PATIENT = {"total_timeout": 30_000}
BOUND = {"max_concurrent_operations": 8, "operation_queue_timeout_ms": 20}
PAUSE_SECONDS = 0.005  # after a refusal


class Measured:
    """What callers of a client with this config met."""

    def __init__(self, hosts: list[tuple[str, int]], config: dict[str, int], seconds: float) -> None:
        self.took: list[float] = []
        self.refused: list[float] = []
        self.failed: list[str] = []
        with aerospike_py.client({"hosts": hosts, **config}).connect() as client:
            client.put(KEY, {"n": 1}, policy=PATIENT)
            until = time.monotonic() + seconds
            crowd(lambda _: self._read_until(client, until))
        self.rate = len(self.took) / seconds

    def _read_until(self, client: aerospike_py.Client, until: float) -> None:
        while (start := time.monotonic()) < until:
            try:
                client.get(KEY, PATIENT)
            except exception.BackpressureError:
                self.refused.append(time.monotonic() - start)
                time.sleep(PAUSE_SECONDS)
            except exception.AerospikeError as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            else:
                self.took.append(time.monotonic() - start)


def run_backpressure(scale: Scale) -> Report:
    """A node of four workers and 64 threads that want all of it."""
    report = Report()
    seconds = scale.pick(2, 5, 20)
    with Ring(1, dead_ms=NEVER_MS, told={"access": DOOR}) as ring, turnstile(ring.ports[0]):
        ring.wait_until_settled()
        hosts = [(DOOR, ring.ports[0])]
        unbounded, bounded = (Measured(hosts, config, seconds) for config in ({}, BOUND))
    failed = unbounded.failed + bounded.failed
    report.need(not failed, f"{len(failed)} reads failed: {failed[:1]}")
    report.need(bool(bounded.refused), "nobody was refused: the drill shows nothing")
    report.need(not unbounded.refused, "somebody was refused without a bound")
    report.need(
        bounded.rate >= unbounded.rate / 2, f"{bounded.rate:.0f} of {unbounded.rate:.0f} reads/s with the bound"
    )
    halves = percentile(unbounded.took, 0.5), percentile(bounded.took, 0.5)
    report.need(halves[1] <= halves[0] * 0.75, f"those served wait {ms(halves[1])}, {ms(halves[0])} without the bound")
    report.figures = {
        "median of those served without": ms(halves[0]),
        "with": ms(halves[1]),
        "reads without": f"{unbounded.rate:.0f}/s",
        "with ": f"{bounded.rate:.0f}/s",
        "refused": str(len(bounded.refused)),
    }
    report.tables["backpressure"] = _table({"none": unbounded, "8, and 20 ms in line": bounded})
    return report


def _table(all_of: dict[str, Measured]) -> str:
    text = SCENE + (
        "| bound | served | half of them within | 99 % | refused | half of them within |\n|---|---|---|---|---|---|\n"
    )
    for name, measured in all_of.items():
        served = f"{measured.rate:.0f}/s | {ms(percentile(measured.took, 0.5))} | {ms(percentile(measured.took, 0.99))}"
        refused = ms(percentile(measured.refused, 0.5)) if measured.refused else ""
        text += f"| {name} | {served} | {len(measured.refused)} | {refused} |\n"
    return text


DRILLS = [
    Drill(
        "more callers than slots",
        "64 threads want all that a node can do: with a bound on calls at once those served wait three quarters of it "
        "at most, the others are refused, and the node is kept busy",
        run_backpressure,
    )
]
