"""Racks of which one is near: what reads cost that stay there, and where they go when it is gone."""

from __future__ import annotations

import contextlib
import itertools
import time

import aerospike_py
from aerospike_py import exception
from aerospike_py.testing import Server
from drill import Drill, Report, Scale, bar, counted, ms
from history import percentile
from turnstile import DOOR, turnstile

RACKS = [1, 2, 3]
PREFERRED = [1, 2]
FAR_MS = 2  # to the racks 2 and 3
PASSING = 64  # at once through a door; a thread that reads alone never waits for it
KEYS = [("test", "racks", number) for number in range(100)]
PATIENT = {"total_timeout": 30_000}
PREFERRING = PATIENT | {"replica": aerospike_py.POLICY_REPLICA_PREFER_RACK}


class Measured:
    """What one thread met that read for some seconds."""

    def __init__(self, client: aerospike_py.Client, policy: dict[str, int], seconds: float) -> None:
        self.took: list[float] = []
        self.failed: list[str] = []
        before, until = counted("rack_left"), time.monotonic() + seconds
        keys = itertools.cycle(KEYS)
        while (start := time.monotonic()) < until:
            try:
                client.get(next(keys), policy)
                self.took.append(time.monotonic() - start)
            except exception.AerospikeError as error:
                self.failed.append(f"{type(error).__name__}: {error}")
        self.left = counted("rack_left") - before

    def at(self, share: float) -> float:
        """The time that so many reads stayed within."""
        return percentile(self.took, share)


def run_racks(scale: Scale) -> Report:
    """Every node holds every record; then the nodes of the preferred racks stop, the near one first."""
    report = Report()
    seconds = scale.pick(1, 2, 10)
    measured: dict[str, Measured] = {}
    with (
        contextlib.ExitStack() as all_doors,
        Server(nodes=3, replication_factor=3, rack_ids=RACKS, access_address=DOOR) as server,
    ):
        ports = [port for _, port in server.hosts]
        doors = [all_doors.enter_context(contextlib.ExitStack()) for _ in ports]
        for node, (door, port) in enumerate(zip(doors, ports, strict=True)):
            door.enter_context(turnstile(port, PASSING, 0 if node == 0 else FAR_MS))
        hosts = [(DOOR, port) for port in ports]
        with (
            aerospike_py.client({"hosts": hosts}).connect() as plain,
            aerospike_py.client({"hosts": hosts, "rack_ids": PREFERRED}).connect() as preferring,
        ):
            for key in KEYS:
                plain.put(key, {"n": 1}, policy=PATIENT)
            measured["the masters, the default"] = Measured(plain, PATIENT, seconds)
            measured["`rack_ids: [1, 2]`"] = Measured(preferring, PREFERRING, seconds)
            for node, name in enumerate(("rack 1 gone", "rack 2 gone too")):
                server.stop_node(node)
                doors[node].close()
                report.need(server.wait_until_stable(), "the cluster does not settle")
                preferring.get(KEYS[0], PREFERRING)  # finds out
                time.sleep(1.5)  # and so do all, by the next round of the tend
                measured[name] = Measured(preferring, PREFERRING, seconds)
    _judge(report, *measured.values())
    report.figures = {name.replace("`", ""): ms(each.at(0.5)) for name, each in measured.items()}
    report.tables["racks"] = _table(measured)
    return report


def _judge(report: Report, plain: Measured, near: Measured, second: Measured, third: Measured) -> None:
    for each in (plain, near, second, third):
        report.need(not each.failed, f"{len(each.failed)} reads failed: {each.failed[:1]}")
    far = FAR_MS / 1e3
    report.need(near.at(0.5) < far, f"half of the reads on the near rack take {ms(near.at(0.5))}")
    report.need(plain.at(0.5) >= far, "the other racks are not far: the drill shows nothing")
    for each in (near, second):
        report.need(each.left == 0, f"{each.left} of {len(each.took)} reads left the racks")
    report.need(third.left == len(third.took), f"{third.left} of {len(third.took)} reads are said to leave the racks")


def _table(measured: dict[str, Measured]) -> str:
    text = (
        f"Three nodes hold every record. Rack 1 is near, the others are {FAR_MS} ms away; a thread reads one record "
        "after another:\n\n"
        "| reads from | p50 | p99 | p50 drawn | off the racks |\n|---|---|---|---|---|\n"
    )
    longest = max(each.at(0.5) for each in measured.values())
    for name, each in measured.items():
        left = f"{each.left / len(each.took):.0%}" if name != "the masters, the default" else ""
        text += f"| {name} | {ms(each.at(0.5))} | {ms(each.at(0.99))} | {bar(each.at(0.5), longest)} | {left} |\n"
    return text


DRILLS = [
    Drill(
        "racks",
        "reads stay on the near rack, on the next one when its node stops, and are counted when no preferred rack is "
        "left; none fails",
        run_racks,
    )
]
