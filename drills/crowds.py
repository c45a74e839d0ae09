"""Many at once: calls, threads and clients; and what a process holds when they are gone."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, ms
from ring import Ring

MEMORY_GROWTH_MAX = 48 * 2**20
ENDS_WITHIN_SECONDS = 10.0


@dataclass(frozen=True)
class Held:
    """What this process holds."""

    descriptors: int
    threads: int
    memory: int

    @classmethod
    def now(cls) -> Held:
        """At this moment."""
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return cls(len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir())), memory)


def judge_held(report: Report, before: Held) -> str:
    """Everything is given back, shortly after it is needed no longer; what is still held, for the figures."""
    until = time.monotonic() + ENDS_WITHIN_SECONDS
    after = Held.now()
    while (after.descriptors > before.descriptors or after.threads > before.threads) and time.monotonic() < until:
        time.sleep(0.05)
        after = Held.now()
    report.need(after.descriptors <= before.descriptors, f"descriptors: {before.descriptors}, then {after.descriptors}")
    report.need(after.threads <= before.threads, f"threads: {before.threads}, then {after.threads}")
    growth = after.memory - before.memory
    report.need(growth <= MEMORY_GROWTH_MAX, f"memory grew by {growth / 2**20:.0f} MiB")
    return (
        f"{after.descriptors - before.descriptors:+d} descriptors, {after.threads - before.threads:+d} threads, "
        f"{growth / 2**20:+.1f} MiB"
    )


def run_coroutines(scale: Scale) -> Report:
    """10,000 calls at once on one loop, again and again."""
    report = Report()
    rounds = scale.pick(2, 3, 20)
    calls = 10_000
    with Ring(3) as ring:
        asyncio.run(_gather(ring, 1, 1000, report))
        before = Held.now()
        start = time.monotonic()
        asyncio.run(_gather(ring, rounds, calls, report))
        took = time.monotonic() - start
        report.figures = {"rounds": str(rounds), "calls a round": str(calls), "a round": ms(took / rounds / 2)}
        report.figures["afterwards"] = judge_held(report, before)
    return report


async def _gather(ring: Ring, rounds: int, calls: int, report: Report) -> None:
    policy = {"total_timeout": 30_000, "max_retries": 5}
    async with aerospike_py.async_client({"hosts": ring.hosts}) as client:
        await client.connect()
        keys = [("test", "crowd", i) for i in range(calls)]
        for turn in range(rounds):
            wrote = await asyncio.gather(
                *(client.put(key, {"n": key[2] + turn}, policy=policy) for key in keys), return_exceptions=True
            )
            read = await asyncio.gather(*(client.get(key, policy) for key in keys), return_exceptions=True)
            for failed in {type(each).__name__ for each in [*wrote, *read] if isinstance(each, BaseException)}:
                report.need(False, f"a call failed: {failed}")
            wrong = sum(
                not isinstance(each, BaseException) and each.bins != {"n": key[2] + turn}
                for key, each in zip(keys, read, strict=True)
            )
            report.need(not wrong, f"{wrong} reads gave another record's value")


def run_threads(scale: Scale) -> Report:
    """200 threads share one client."""
    report = Report()
    each_calls = scale.pick(30, 60, 1000)
    policy = {"total_timeout": 30_000, "max_retries": 5}
    with Ring(3) as ring:
        _share_client(ring, 5, policy, report)  # what is made once is there before it is counted
        before = Held.now()
        start = time.monotonic()
        _share_client(ring, each_calls, policy, report)
        report.figures = {"calls": str(400 * each_calls), "in": ms(time.monotonic() - start)}
        report.figures["afterwards"] = judge_held(report, before)
    return report


def _share_client(ring: Ring, each_calls: int, policy: dict[str, int], report: Report) -> None:
    with aerospike_py.client({"hosts": ring.hosts}).connect() as client:

        def work(number: int) -> None:
            key = ("test", "threads", number)
            for turn in range(each_calls):
                try:
                    client.put(key, {"n": turn}, policy=policy)
                    report.need(client.get(key, policy).bins == {"n": turn}, "a read gave another value")
                except exception.AerospikeError as error:
                    report.need(False, f"a call failed: {type(error).__name__}: {error}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run_clients(scale: Scale) -> Report:
    """50 clients connect, call and close, again and again."""
    report = Report()
    seconds = scale.pick(4, 10, 60)
    with Ring(3) as ring:
        _connect_and_close(ring, time.monotonic() + 1, report, [])  # what is made once is there before it is counted
        before = Held.now()
        made: list[int] = []
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=_connect_and_close, args=(ring, until, report, made)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        del threads
        report.figures = {"clients made": str(len(made)), "in": f"{seconds} s"}
        report.figures["afterwards"] = judge_held(report, before)
    return report


def _connect_and_close(ring: Ring, until: float, report: Report, made: list[int]) -> None:
    while time.monotonic() < until:
        key = ("test", "clients", threading.get_ident())
        try:
            with aerospike_py.client({"hosts": ring.hosts, "timeout": 20_000}).connect() as client:
                client.put(key, {"n": 1}, policy={"total_timeout": 20_000})
                client.get(key, {"total_timeout": 20_000})
            made.append(1)
        except exception.AerospikeError as error:
            report.need(False, f"a client failed: {type(error).__name__}: {error}")


DRILLS = [
    Drill("10,000 calls at once", "all end well on one loop, and nothing stays behind", run_coroutines),
    Drill("200 threads", "share a client; all calls end well, and nothing stays behind", run_threads),
    Drill("50 clients come and go", "all are served, and nothing stays behind", run_clients),
]
