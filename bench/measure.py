"""Runs calls and takes the time of each, inside the process of the client that is measured.

CPU is user and system time of the whole process, helper threads of the client included. The loops below are the same
for every client, so what they cost is the same for all.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Sample = dict[str, float]
AsyncCall = Callable[[Any], Awaitable[Any]]


def summarise(latencies_ns: list[int], wall_ns: int, cpu_ns: int) -> Sample:
    """One round of one case in figures."""
    latencies_ns.sort()
    calls = len(latencies_ns)
    return {
        "calls": calls,
        "p50_us": latencies_ns[calls // 2] / 1e3,
        "p99_us": latencies_ns[min(calls - 1, calls * 99 // 100)] / 1e3,
        "cpu_us": cpu_ns / calls / 1e3,
        "per_s": calls / wall_ns * 1e9,
    }


def until(seconds: float, arguments: list[Any]) -> Iterator[Any]:
    """The arguments over and over, until the time is up; once through when there is no time."""
    if not seconds:
        yield from arguments
        return
    end = time.monotonic() + seconds
    for argument in itertools.cycle(arguments):
        if time.monotonic() > end:
            return
        yield argument


def time_sync(call: Callable[[Any], Any], arguments: list[Any], latencies: list[int]) -> None:
    """Calls one after another on this thread."""
    clock = time.perf_counter_ns
    note = latencies.append
    for argument in arguments:
        before = clock()
        call(argument)
        note(clock() - before)


async def time_async(call: AsyncCall, waiting: Iterator[Any], concurrency: int, latencies: list[int]) -> None:
    """`concurrency` workers take calls from one list."""
    clock = time.perf_counter_ns
    note = latencies.append

    async def work() -> None:
        for argument in waiting:
            before = clock()
            await call(argument)
            note(clock() - before)

    await asyncio.gather(*[work() for _ in range(concurrency)])


async def time_thinking(
    call: AsyncCall, arguments: list[Any], concurrency: int, think_ms: float, latencies: list[int]
) -> None:
    """The same with a random pause before every call, not counted as its time; twice the mean is the longest."""
    clock = time.perf_counter_ns
    note = latencies.append
    draw = random.Random(len(arguments))
    waiting = iter([(argument, draw.uniform(0, 2 * think_ms / 1e3)) for argument in arguments])

    async def work() -> None:
        for argument, pause in waiting:
            await asyncio.sleep(pause)
            before = clock()
            await call(argument)
            note(clock() - before)

    await asyncio.gather(*[work() for _ in range(concurrency)])


def run_sync(call: Callable[[Any], Any], arguments: list[Any]) -> Sample:
    """One round on this thread."""
    latencies: list[int] = []
    gc.collect()
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    time_sync(call, arguments, latencies)
    wall = time.perf_counter_ns() - start
    return summarise(latencies, wall, time.process_time_ns() - cpu)


async def run_async(
    call: AsyncCall, arguments: list[Any], concurrency: int, think_ms: float = 0.0, seconds: float = 0.0
) -> Sample:
    """One round on this loop."""
    latencies: list[int] = []
    gc.collect()
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    if think_ms:
        await time_thinking(call, arguments, concurrency, think_ms, latencies)
    else:
        await time_async(call, until(seconds, arguments), concurrency, latencies)
    wall = time.perf_counter_ns() - start
    return summarise(latencies, wall, time.process_time_ns() - cpu)


def run_parts(work: Callable[[list[int]], None], parts: int) -> Sample:
    """The same round on several threads at once; each calls `work` with a list for its latencies."""
    gate = threading.Barrier(parts + 1)
    latencies: list[list[int]] = [[] for _ in range(parts)]

    def part(number: int) -> None:
        gate.wait(10)
        work(latencies[number])
        gate.wait(60)

    threads = [threading.Thread(target=part, args=(number,)) for number in range(parts)]
    for thread in threads:
        thread.start()
    gc.collect()
    gate.wait(10)
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    gate.wait(60)
    wall, cpu = time.perf_counter_ns() - start, time.process_time_ns() - cpu
    for thread in threads:
        thread.join()
    return summarise([one for part in latencies for one in part], wall, cpu)


def compare(chunks: list[tuple[bool, Sample]]) -> Sample:
    """What a switch costs, from chunks measured off, on, on, off: the median of the ratios of such fours.

    A slow phase of the machine then spoils a few ratios and not the result.
    """
    off = [sample["cpu_us"] for on, sample in chunks if not on]
    on = [sample["cpu_us"] for on, sample in chunks if on]
    ratios = [sum(on[at : at + 2]) / sum(off[at : at + 2]) for at in range(0, len(off) - 1, 2)]
    typical = statistics.median(off)
    calls = sum(sample["calls"] for _, sample in chunks)
    return {"calls": calls, "cpu_off_us": typical, "cpu_us": typical * statistics.median(ratios)}
