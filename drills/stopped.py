"""Nodes that live and do not answer: stopped and left out, stopped and still named, and slow."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time

import aerospike_py
from aerospike_py import exception
from drill import SLACK_SECONDS, Drill, Report, Scale, StallMeter, ms
from history import percentile
from load import Load
from ring import Ring, info

STOPPED_SECONDS = 5.0
NEVER_MS = 60_000  # no node is left out for its silence
KEYS = 400
WAITED_SECONDS = 0.1
READS_WITHOUT_BREAKER = 20


def run_stopped(scale: Scale) -> Report:
    """SIGSTOP for five seconds: the others go on without the node, and take it in again as a new one."""
    report = Report()
    with Ring(3) as ring:
        ring.wait_until_settled()
        with Load(ring.hosts) as load:
            time.sleep(0.5)
            for turn in range(scale.pick(1, 2, 6)):
                ring.pause(turn % 3)
                time.sleep(STOPPED_SECONDS)
                ring.resume(turn % 3)
                time.sleep(0.5)
                ring.wait_until_settled(3)
            load.stop()
        load.judge(report, ring)
    report.figures = load.history.counts()
    return report


def masters_of(ring: Ring, keys: list[tuple[str, str, int]]) -> list[int]:
    """The node that is master of each key, as the nodes tell."""
    maps = []
    for node in ring.running:
        text = info(ring.host, ring.ports[node], "replicas-master")
        assert text is not None
        maps.append(base64.b64decode(text.partition(";")[0].partition(":")[2]))
    found = []
    for _, name, number in keys:
        digest = hashlib.new("ripemd160", name.encode() + b"\x01" + number.to_bytes(8, "big")).digest()
        partition = int.from_bytes(digest[:2], "little") & 4095
        found.append(next(n for n, bits in enumerate(maps) if bits[partition // 8] & (0x80 >> partition % 8)))
    return found


def run_mute(scale: Scale) -> Report:
    """A node accepts connections and never answers, and nobody leaves it out: reads go to the replica."""
    report = Report()
    keys = [("test", "mute", i) for i in range(KEYS)]
    times = scale.pick(40, 80, 300)
    with Ring(3, dead_ms=NEVER_MS) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        with (
            aerospike_py.client({"hosts": ring.hosts}).connect() as client,
            aerospike_py.client({"hosts": ring.hosts, "circuit_breaker": False}).connect() as without,
        ):
            for key in keys:
                client.put(key, {"i": key[2]})
            of_node_2 = [key for key, node in zip(keys, masters_of(ring, keys), strict=True) if node == 2]
            at_once = asyncio.run(_read_at_once(ring, of_node_2, report))
            ring.pause(2)
            started = time.monotonic()
            took = _read_each(client, (of_node_2 * 9)[:times], report)
            slack = SLACK_SECONDS + meter.largest(started, time.monotonic())
            if not scale.short:
                took_without = _read_each(without, of_node_2[:READS_WITHOUT_BREAKER], report)
                report.tables["circuit breaker"] = _strips(took, took_without)
            ring.resume(2)
    report.need(max(took) <= 0.3 + slack + 0.02, f"a read took {ms(max(took))}: more than a third of 900 ms")
    waited = sum(each > WAITED_SECONDS for each in took)
    report.need(waited <= times // 4, f"{waited} of {times} reads waited for the node although its breaker is open")
    report.figures = {
        "reads of its keys": str(times),
        "that waited for it": str(waited),
        "deadline": "900 ms",
        "slowest": ms(max(took)),
        "median": ms(percentile(took, 0.5)),
        "at once on a loop": f"{len(of_node_2)} in {ms(at_once)}",
    }
    return report


def _read_each(client: aerospike_py.Client, keys: list[tuple[str, str, int]], report: Report) -> list[float]:
    took = []
    for key in keys:
        start = time.monotonic()
        try:
            if client.get(key, {"total_timeout": 900}).bins != {"i": key[2]}:
                report.need(False, "a read gave a wrong value")
        except exception.AerospikeError as error:
            report.need(False, f"a read failed: {type(error).__name__}")
        took.append(time.monotonic() - start)
    return took


def _strips(took: list[float], took_without: list[float]) -> str:
    """One mark a read, high for those that waited for the silent node."""
    strips = [("on", took[:60]), ("off", took_without)]
    lines = [f"{name:3} {''.join('█' if each > WAITED_SECONDS else '▁' for each in strip)}" for name, strip in strips]
    return (
        "One node of three is silent. A thread reads records of that node, one after another, with a deadline of "
        "900 ms. High\nmarks are reads that waited a third of it for the node, low ones went to a replica at once:\n\n"
        "```text\n" + "\n".join(lines) + "\n```\n"
    )


async def _read_at_once(ring: Ring, keys: list[tuple[str, str, int]], report: Report) -> float:
    """Reads that share messages move to the replica as well, with the time that a client has by default."""
    async with aerospike_py.async_client({"hosts": ring.hosts}) as client:
        await client.connect()
        ring.pause(2)
        start = time.monotonic()
        found = await asyncio.gather(*(client.get(key) for key in keys), return_exceptions=True)
        took = time.monotonic() - start
        ring.resume(2)
    failed = [type(each).__name__ for each in found if isinstance(each, BaseException)]
    report.need(not failed, f"{len(failed)} of {len(keys)} reads at once failed: {failed[:1]}")
    return took


def run_slow(scale: Scale) -> Report:
    """One of five nodes answers only every half second: reads from the others keep their p99."""
    report = Report()
    keys = [("test", "slow", i) for i in range(KEYS)]
    seconds = scale.pick(2, 3, 20)
    slow = 4
    with Ring(5, dead_ms=NEVER_MS) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        with aerospike_py.client({"hosts": ring.hosts}).connect() as client:
            for key in keys:
                client.put(key, {"i": key[2]})
            masters = masters_of(ring, keys)
            others = [key for key, node in zip(keys, masters, strict=True) if node != slow]
            its_own = [key for key, node in zip(keys, masters, strict=True) if node == slow]
            before, stall_before = _read_for(client, others, seconds, meter)
            slowness = threading.Event()
            braking = threading.Thread(target=_brake, args=(ring, slow, slowness))
            reading = threading.Thread(target=_read_until, args=(client, its_own, slowness, report))
            braking.start()
            reading.start()
            during, stall_during = _read_for(client, others, seconds, meter)
            slowness.set()
            braking.join()
            reading.join()
    allowed = percentile(before, 0.99) + SLACK_SECONDS + max(0.0, stall_during - stall_before)
    grown = percentile(during, 0.99)
    report.need(grown <= allowed, f"p99 of reads of the others grew to {ms(grown)}: more than to {ms(allowed)}")
    report.figures = {
        "reads of the others": str(len(during)),
        "p99 before": ms(percentile(before, 0.99)),
        "p99 beside a slow node": ms(grown),
    }
    return report


def _brake(ring: Ring, node: int, over: threading.Event) -> None:
    while not over.is_set():
        ring.pause(node)
        over.wait(0.5)
        ring.resume(node)
        time.sleep(0.02)


def _read_until(
    client: aerospike_py.Client, keys: list[tuple[str, str, int]], over: threading.Event, report: Report
) -> None:
    while not over.is_set():
        for key in keys:
            if over.is_set():
                return
            try:
                client.get(key)
            except exception.AerospikeError as error:
                report.need(False, f"a read of the slow node's records failed: {type(error).__name__}")


def _read_for(
    client: aerospike_py.Client, keys: list[tuple[str, str, int]], seconds: float, meter: StallMeter
) -> tuple[list[float], float]:
    took: list[float] = []
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        for key in keys:
            start = time.monotonic()
            client.get(key)
            took.append(time.monotonic() - start)
        time.sleep(0.002)
    return took, meter.p99(started, time.monotonic())


DRILLS = [
    Drill(
        "node stopped for 5 s",
        "SIGSTOP, then SIGCONT: no read fails, no acknowledged write is lost, not even by the node that wakes up and "
        "believes that it is still master",
        run_stopped,
    ),
    Drill(
        "node that never answers",
        "it accepts connections and stays named: each read goes to the replica within a third of its deadline, and "
        "to it first once the breaker is open",
        run_mute,
    ),
    Drill("one slow node of five", "half a second late: reads from the others keep their p99", run_slow),
]
