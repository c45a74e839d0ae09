"""How the cost of our client grows: `make bench-growth`.

Each sweep changes one size (keys of a batch, bins, bytes of a value, nodes, calls at a time, connections, loops) and
measures some curves at every point, round by round. What should grow in a straight line is compared with the line
`fixed + slope * size` that fits best in ratio; what should not grow at all with its own median. Points are written to
`bench/results/growth.jsonl`, drawn into `docs/images/growth.png`, and told in `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import numpy as np

import aerospike_py
import build
import growth_report
import measure
import workload
from clients import ROOT, Cores, Server
from growth_report import Point, Sweep

POLICY = {"total_timeout": 30_000}
ALL_CORES = sorted(os.sched_getaffinity(0))  # before we are kept on some of them
DTYPE = np.dtype(workload.NUMPY_FIELDS)
Thunk = Callable[[int], measure.Sample]  # one round of so many calls
Curves = dict[str, Thunk]


@contextmanager
def connected(nodes: int = 1) -> Iterator[tuple[dict[str, Any], Any]]:
    """An embedded cluster with the records of the workload: the client's configuration, and a synchronous client."""
    server = Server(nodes)
    Cores(ALL_CORES).part_from(server)
    config = {"hosts": [(server.host, server.port)]}
    try:
        client = aerospike_py.client(config).connect()
        records = [
            ((workload.NAMESPACE, name, workload.user_key(number)), workload.bins_of(number))
            for name in workload.SETS
            for number in range(workload.RECORDS_PER_SET)
        ]
        for start in range(0, len(records), 2000):
            client.batch_write(records[start : start + 2000], POLICY)
        yield config, client
        client.close()
    finally:
        server.close()


def sync(call: Callable[[Any], Any], argument: Any) -> Thunk:
    """The same call over and over."""
    return lambda calls: measure.run_sync(call, [argument] * calls)


def spread_keys(count: int) -> list[Any]:
    """`count` keys over all sets; beyond 18,000 they begin again."""
    sets, records = len(workload.SETS), workload.RECORDS_PER_SET
    return [
        (workload.NAMESPACE, workload.SETS[number % sets], workload.user_key(number // sets % records))
        for number in range(count)
    ]


def reads_of(client: Any, keys: list[Any]) -> Curves:
    """A batch read in its forms."""
    return {
        "untouched": sync(lambda argument: client.batch_read(argument, policy=POLICY), keys),
        "to NumPy": sync(lambda argument: client.batch_read(argument, policy=POLICY).to_numpy(DTYPE), keys),
        "to dict": sync(lambda argument: client.batch_read(argument, policy=POLICY).to_dict(by="key"), keys),
    }


def sweep_keys(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Keys of one batch read."""
    with connected() as (_, client):
        for size in sizes:
            take(size, reads_of(client, spread_keys(size)))


def sweep_bins(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Integer bins of every record."""
    with connected() as (_, client):
        for size in sizes:
            keys = [(workload.NAMESPACE, "bins", f"{size}-{number}") for number in range(50)]
            bins = {f"bin_{number}": number for number in range(size)}
            client.batch_write([(key, bins) for key in keys], POLICY)
            curves = {
                "get": sync(client.get, keys[0]),
                "put": sync(lambda key, bins=bins: client.put(key, bins), keys[0]),
                "batch of 50 to dict": sync(lambda keys: client.batch_read(keys, policy=POLICY).to_dict(), keys),
            }
            take(size, curves)


def sweep_bytes(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Bytes of one blob."""
    with connected() as (_, client):
        for size in sizes:
            key, bins = (workload.NAMESPACE, "bytes", f"{size}"), {"b": bytes(size)}
            client.put(key, bins, policy=POLICY)
            take(size, {"get": sync(client.get, key), "put": sync(lambda key, bins=bins: client.put(key, bins), key)})


def sweep_nodes(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Nodes of the cluster, all in one server process."""
    for size in sizes:
        with connected(size) as (_, client):
            keys = spread_keys(1800)
            read = reads_of(client, keys)["untouched"]
            take(size, {"get": sync(client.get, keys[0]), "batch of 1,800, untouched": read})


def on_loop(config: dict[str, Any], concurrency: int) -> Thunk:
    """Gets of an asyncio client of its own, so many at a time."""

    def run(calls: int) -> measure.Sample:
        async def main() -> measure.Sample:
            client = aerospike_py.AsyncClient(config)
            await client.connect()

            def get(key: Any) -> Any:
                return client.get(key, policy=POLICY)

            case = workload.case_named("aget_32")
            await measure.run_async(get, workload.arguments(case, 200, 0), min(concurrency, 200))  # warm
            sample = await measure.run_async(get, workload.arguments(case, calls, 1), concurrency)
            await client.close()
            return sample

        return asyncio.run(main())

    return run


def sweep_concurrency(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Gets at a time on one loop."""
    with connected() as (config, _):
        apart = config | {"merge_concurrent_reads": False}
        for size in sizes:
            take(size, {"merged": on_loop(config, size), "unmerged": on_loop(apart, size)})


def sweep_connections(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Connections that a client may have to its node."""
    with connected() as (config, _):
        for size in sizes:
            limited = config | {"max_conns_per_node": size, "merge_concurrent_reads": False}
            take(size, {"unmerged, 128 at a time": on_loop(limited, 128)})


def on_loops(client: Any, loops: int) -> Thunk:
    """Gets of one client on so many loops, each on a thread of its own, 32 at a time on each."""

    def run(calls: int) -> measure.Sample:
        arguments = workload.arguments(workload.case_named("aget_32"), calls, 1)

        def work(latencies: list[int]) -> None:
            asyncio.run(measure.time_async(client.get, iter(arguments), 32, latencies))

        return measure.run_parts(work, loops)

    return run


def sweep_loops(sizes: list[int], take: Callable[[int, Curves], None]) -> None:
    """Loops that share a client."""
    with connected() as (config, _):
        for size in sizes:
            client = aerospike_py.AsyncClient(config)
            asyncio.run(client.connect())
            take(size, {"merged, 32 at a time on each": on_loops(client, size)})
            asyncio.run(client.close())


Measured = Callable[[list[int], Callable[[int, Curves], None]], None]
UP_TO_100_000 = [1, 3, 10, 32, 100, 320, 1000, 3200, 10_000, 32_000, 100_000]
SWEEPS: list[tuple[Sweep, Measured, list[int]]] = [
    (Sweep("keys", "keys of a batch", "call", True), sweep_keys, UP_TO_100_000),
    (Sweep("bins", "bins of a record", "call", True), sweep_bins, [1, 2, 5, 10, 20, 50, 100, 200]),
    (Sweep("bytes", "bytes of a value", "call", True), sweep_bytes, [8, 64, 512, 4096, 32_768, 262_144, 1_048_000]),
    (Sweep("nodes", "nodes", "call", True), sweep_nodes, [1, 2, 4, 8, 16, 32]),
    (Sweep("concurrency", "gets at a time", "get", False), sweep_concurrency, UP_TO_100_000[:9]),
    (Sweep("connections", "connections", "get", False), sweep_connections, [1, 2, 4, 8, 16, 32]),
    (Sweep("loops", "loops", "get", False), sweep_loops, [1, 2, 4, 8]),
]


def calls_within(thunk: Thunk, seconds: float, least: int) -> int:
    """How many calls fit into a round; the try warms up as well."""
    start = time.perf_counter()
    thunk(least)
    took = (time.perf_counter() - start) / least
    return max(least, int(seconds / took))


def run_sweep(sweep: Sweep, work: Measured, sizes: list[int], seconds: float, rounds: int) -> list[Point]:
    """All points of a sweep; every point is measured in rounds, curve after curve."""
    points: list[Point] = []

    def take(size: int, curves: Curves) -> None:
        # On a loop a round holds every call twice, or the last ones would run with few beside them.
        least = 2 if sweep.straight else max(500, 2 * size)
        counts = {name: calls_within(thunk, seconds, least) for name, thunk in curves.items()}
        samples: dict[str, list[measure.Sample]] = {name: [] for name in curves}
        for _ in range(rounds):
            for name, thunk in curves.items():
                samples[name].append(thunk(counts[name]))
        for name, found in samples.items():
            # The cheapest round: what else the machine does only ever adds.
            best = {key: min(sample[key] for sample in found) for key in ("cpu_us", "p50_us")}
            points.append(Point(sweep.name, name, size, **best, per_s=max(sample["per_s"] for sample in found)))

    start = time.monotonic()
    work(sizes, take)
    print(f"{sweep.title:<24}{time.monotonic() - start:6.1f} s", flush=True)
    return points


def main() -> int:
    """Measures every sweep, writes points, picture and page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short rounds; leaves the documents alone")
    parser.add_argument("--sweeps", nargs="+", default=[sweep.name for sweep, _, _ in SWEEPS])
    chosen = parser.parse_args()
    seconds, rounds = (0.03, 2) if chosen.quick else (0.25, 5)
    points: list[Point] = []
    sweeps: list[Sweep] = []
    for sweep, work, sizes in SWEEPS:
        if sweep.name in chosen.sweeps:
            sweeps.append(sweep)
            points += run_sweep(sweep, work, sizes, seconds, rounds)
    place = ROOT / ("build/bench" if chosen.quick else "bench/results")
    place.mkdir(parents=True, exist_ok=True)
    with (place / "growth.jsonl").open("w") as out:
        out.writelines(json.dumps(point.plain()) + "\n" for point in points)
    load = os.getloadavg()[0]
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{date}, {build.processor()}, load {load:.1f}\n\n{growth_report.table(sweeps, points)}"
    print(text)
    image = place / "growth.png" if chosen.quick else ROOT / "docs/images/growth.png"
    growth_report.picture(sweeps, points, image)
    if not chosen.quick:
        growth_report.write_section(text, ROOT / "docs/performance.md", "images/growth.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
