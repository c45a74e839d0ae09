"""Runs calls and takes the time of each, inside the process of the client that is measured.

CPU is user and system time of the whole process, helper threads of the client included. The loops below are the same
for every client, so what they cost is the same for all.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

Sample = dict[str, float]


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


def run_sync(call: Callable[[Any], Any], arguments: list[Any]) -> Sample:
    """Calls one after another on this thread."""
    clock = time.perf_counter_ns
    latencies: list[int] = []
    note = latencies.append
    gc.collect()
    cpu, start = time.process_time_ns(), clock()
    for argument in arguments:
        before = clock()
        call(argument)
        note(clock() - before)
    wall = clock() - start
    return summarise(latencies, wall, time.process_time_ns() - cpu)


async def run_async(call: Callable[[Any], Awaitable[Any]], arguments: list[Any], concurrency: int) -> Sample:
    """`concurrency` workers take calls from one list."""
    clock = time.perf_counter_ns
    latencies: list[int] = []
    note = latencies.append
    waiting = iter(arguments)

    async def work() -> None:
        for argument in waiting:
            before = clock()
            await call(argument)
            note(clock() - before)

    gc.collect()
    cpu, start = time.process_time_ns(), clock()
    await asyncio.gather(*[work() for _ in range(concurrency)])
    wall = clock() - start
    return summarise(latencies, wall, time.process_time_ns() - cpu)


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
