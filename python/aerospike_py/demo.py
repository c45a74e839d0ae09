"""Where does the time of a `batch_read` go? `python -m aerospike_py.demo` measures it and says so.

Starts the embedded server with three nodes in a process of its own, loads nine sets of records, and reads 1,800 of them
again and again: as nine gathered calls of 200 keys and as one call with the keys of all sets, as dicts and as NumPy
arrays, with the profiling of stages off and on. Needs nothing but this package; NumPy when it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import selectors
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import aerospike_py

from ._profile import OperationProfile, format_time
from ._screen import Screen

SETS = 9
KEYS_PER_SET = 200
NAMESPACE = "test"
GATHERED, MIXED = f"{SETS} gathered calls of {KEYS_PER_SET} keys", f"one call of {SETS * KEYS_PER_SET:,} keys"
START_SECONDS = 15.0

Groups = list[list[tuple[str, str, str]]]
Convert = Callable[[aerospike_py.LazyBatchRecords], object]
Read = Callable[["Request", Convert], Awaitable[object]]


# ---- the cluster and its records -----------------------------------------------------------------------------------


@contextlib.contextmanager
def embedded_cluster(nodes: int) -> Iterator[Sequence[str]]:
    """Run the embedded server in a process of its own; gives `HOST:PORT` of each node."""
    command = [sys.executable, "-m", "aerospike_py.server", "--port", "0", "--nodes", str(nodes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(START_SECONDS) else ""
        word, _, hosts = line.strip().partition(" ")
        if word != "ready":
            raise SystemExit(f"demo: the embedded server did not start within {START_SECONDS:.0f} s ({line.strip()!r})")
        yield hosts.split(",")
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def key_of(number: int, record: int) -> tuple[str, str, str]:
    """Name a record of a set."""
    return (NAMESPACE, f"fv_{number}", f"user_{record:06d}")


def load(client: aerospike_py.Client, records: int, screen: Screen) -> None:
    """Write `records` records of eight bins into each set."""
    chunk = 500
    starts = [(number, start) for number in range(SETS) for start in range(0, records, chunk)]
    show = screen.progress(f"loading {SETS * records:,} records", len(starts))
    rng = random.Random(1)
    for done, (number, start) in enumerate(starts, 1):
        rows = []
        for record in range(start, min(start + chunk, records)):
            bins: dict[str, Any] = {f"i{field}": rng.randrange(1_000_000) for field in range(4)}
            bins |= {f"f{field}": rng.random() for field in range(2)}
            bins |= {f"s{field}": f"value_{record:06d}" for field in range(2)}
            rows.append((key_of(number, record), bins))
        written = client.batch_write(rows, {"total_timeout": 10_000})
        failed = sum(each.result != 0 for each in written.batch_records)
        if failed:
            raise SystemExit(f"demo: {failed} records of set fv_{number} could not be written")
        show(done)


# ---- the study -----------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """One way of reading the records: a shape of calls and a form of the result."""

    shape: str
    form: str


class Measured(NamedTuple):
    """What a case took: seconds per round with profiling off and on; then its stages alone, beside a stopwatch."""

    plain: list[float]
    profiled: list[float]
    watched: list[float]
    report: OperationProfile


class Request:
    """Keys to be read at once: by set, and all in one list."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.keys = [key for group in groups for key in group]


def median(values: list[float]) -> float:
    """Return the value in the middle."""
    return sorted(values)[len(values) // 2]


def forms_of_results() -> dict[str, dict[str, Convert]]:
    """What a result is turned into, by form and shape: dicts always, arrays when NumPy is there.

    The sets share user keys, so the dict of a call that reads several is one by set.
    """
    forms: dict[str, dict[str, Convert]] = {
        "dict": {GATHERED: lambda result: result.to_dict(), MIXED: lambda result: result.by_set()}
    }
    with contextlib.suppress(ImportError):
        import numpy as np

        fields = [(f"i{n}", "i8") for n in range(4)] + [(f"f{n}", "f8") for n in range(2)]
        dtype = np.dtype([*fields, ("s0", "S12"), ("s1", "S12")])
        forms["NumPy"] = dict.fromkeys((GATHERED, MIXED), lambda result: result.to_numpy(dtype))
    return forms


async def study(hosts: Sequence[str], records: int, rounds: int, screen: Screen) -> dict[Case, Measured]:
    """Measure every case."""
    rng = random.Random(2)
    requests = [
        Request([[key_of(number, rng.randrange(records)) for _ in range(KEYS_PER_SET)] for number in range(SETS)])
        for _ in range(rounds)
    ]
    measured: dict[Case, Measured] = {}
    async with aerospike_py.async_client({"hosts": hosts}) as client:
        await client.connect()

        async def gathered(request: Request, convert: Convert) -> object:
            results = await asyncio.gather(*(client.batch_read(group) for group in request.groups))
            return [convert(result) for result in results]

        async def mixed(request: Request, convert: Convert) -> object:
            return convert(await client.batch_read(request.keys))

        shapes: dict[str, Read] = {GATHERED: gathered, MIXED: mixed}
        forms = forms_of_results()
        show = screen.progress("reading", 3 * len(forms))
        for place, (form, converts) in enumerate(forms.items()):
            await by_turns(shapes, requests[:10], converts)  # connections, caches and the branch predictor warm up
            took = await by_turns(shapes, requests, converts)
            show(3 * place + 1)
            for part, (shape, read) in enumerate(shapes.items(), 2):
                watched, report = await profiled(read, requests, converts[shape])
                measured[Case(shape, form)] = Measured(took[shape, False], took[shape, True], watched, report)
                show(3 * place + part)
    return measured


async def timed(read: Read, request: Request, convert: Convert) -> float:
    """Seconds of one read by the stopwatch; what it returned is freed after the clock is stopped."""
    start = time.perf_counter()
    kept = await read(request, convert)
    seconds = time.perf_counter() - start
    del kept
    return seconds


async def by_turns(
    shapes: Mapping[str, Read], requests: list[Request], converts: Mapping[str, Convert]
) -> dict[tuple[str, bool], list[float]]:
    """Time each request in each shape, profiled and not, by turns: a slow moment of the machine hits all alike."""
    took: dict[tuple[str, bool], list[float]] = {(shape, on): [] for on in (False, True) for shape in shapes}
    for number, request in enumerate(requests):
        order = list(took.items())
        if number % 2:
            order.reverse()  # whoever reads the same records later finds them in a warmer cache
        for (shape, on), seconds in order:
            with aerospike_py.internal_stage_profiling() if on else contextlib.nullcontext():
                seconds.append(await timed(shapes[shape], request, converts[shape]))
    return took


async def profiled(read: Read, requests: list[Request], convert: Convert) -> tuple[list[float], OperationProfile]:
    """Stages of one shape alone, and the times of the stopwatch beside them."""
    aerospike_py.reset_stage_metrics()
    with aerospike_py.internal_stage_profiling():
        watched = [await timed(read, request, convert) for request in requests]
    (report,) = (each for each in aerospike_py.profile_report().operations if each.name == "batch_read")
    return watched, report


# ---- what came out -------------------------------------------------------------------------------------------------


def print_times(measured: dict[Case, Measured], screen: Screen) -> None:
    """Print how long a round took in each case."""
    screen.heading(f"Time to read {SETS * KEYS_PER_SET:,} records of {SETS} sets")
    screen.say(f"{'':<30}{'as':<8}{'median':>10}{'p95':>10}{'median, profiled':>19}{'profiling costs':>18}")
    for case, result in measured.items():
        off, on = median(result.plain), median(result.profiled)
        p95 = sorted(result.plain)[int(len(result.plain) * 0.95)]
        screen.say(
            f"{case.shape:<30}{case.form:<8}{format_time(off):>10}{format_time(p95):>10}{format_time(on):>19}"
            f"{(on - off) / off:>18.1%}"
        )


def print_stages(measured: dict[Case, Measured], screen: Screen) -> None:
    """Print the stages of each case."""
    for case, result in measured.items():
        screen.heading(f"Stages of {case.shape}, as {case.form}")
        screen.table(result.report)
    share = stopwatch_share(measured[Case(MIXED, "dict")])
    screen.say(
        f"\nOf the wall time that a stopwatch saw around each call of {MIXED[12:]}, {share:.1%} is accounted for."
    )


def stopwatch_share(result: Measured) -> float:
    """Share of the stopwatch's time that stages explain; only for calls that do not overlap."""
    explained = sum(line.total for line in result.report.stages if line.name != "unaccounted")
    return explained / sum(result.watched)


def conclusion(measured: dict[Case, Measured]) -> list[str]:
    """Say in three lines what the figures mean."""
    one, nine = measured[Case(MIXED, "dict")], measured[Case(GATHERED, "dict")]
    ratio = median(nine.plain) / median(one.plain)
    if ratio > 1.1:
        verdict = f"{ratio:.2f} times as long as one mixed call: read mixed keys in one call"
    elif ratio < 0.9:
        verdict = f"only {ratio:.2f} times as long as one mixed call: gathering by set pays here"
    else:
        verdict = f"as long as one mixed call ({ratio:.2f} x): calls of one tick share their messages"
    largest = max(one.report.stages, key=lambda line: line.share)
    held = sum(line.total for line in one.report.stages if line.gil == "held") / one.report.calls
    third = f"Keys and dicts hold the GIL for {format_time(held)} a call"
    if Case(MIXED, "NumPy") in measured:
        arrays = median(measured[Case(MIXED, "NumPy")].plain)
        third += f"; as NumPy the whole call takes {format_time(arrays)}, not {format_time(median(one.plain))}"
    return [
        f"{SETS} gathered calls take {verdict}.",
        f"Most of the time of a call, {largest.share:.0%}, is {largest.name}: {meaning_of(largest.name)}.",
        f"{third}.",
    ]


def meaning_of(stage: str) -> str:
    """Say in words what a stage waits for or does."""
    return {
        "io": "the server and the network, not Python",
        "to_dict": "making Python objects, which arrays avoid",
        "into_pyobject": "making Python objects",
        "key_parse": "reading and hashing the keys",
        "event_loop_resume_delay": "the event loop was busy elsewhere",
        "tokio_schedule_delay": "waiting for a flush or a connection",
    }.get(stage, "see the table above")


def main(arguments: list[str] | None = None) -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m aerospike_py.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=3, help="nodes of the embedded server")
    parser.add_argument("--records", type=int, default=2000, help="records in each of the nine sets")
    parser.add_argument("--rounds", type=int, default=100, help="times each case is measured")
    chosen = parser.parse_args(arguments)
    screen = Screen()
    start = time.perf_counter()
    with embedded_cluster(chosen.nodes) as hosts:
        screen.say(
            f"aerospike_py {aerospike_py.__version__}, embedded server with {chosen.nodes} nodes: {', '.join(hosts)}"
        )
        with aerospike_py.client({"hosts": hosts}).connect() as client:
            load(client, chosen.records, screen)
        measured = asyncio.run(study(hosts, chosen.records, max(chosen.rounds, 10), screen))
    print_times(measured, screen)
    print_stages(measured, screen)
    if Case(MIXED, "NumPy") not in measured:
        screen.say("\nNumPy is not installed: the part with arrays was left out.")
    screen.heading("What the figures say")
    for line in conclusion(measured):
        screen.say(line)
    screen.say(f"\nDone in {time.perf_counter() - start:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
