"""What is measured: one line per case.

A case that only some clients can do says so in `option`; drivers that do not know an option refuse the case. Cases of
one `group` are measured together, round by round, because their figures are divided by each other.
"""

from __future__ import annotations

from dataclasses import dataclass

MEMORY_OPS = ("import", "client", "hold", "growth")


@dataclass(frozen=True)
class Case:
    """One thing that is measured. `calls` is how many calls one round makes."""

    name: str
    title: str
    face: str  # "sync" or "async"
    op: str  # "get", "put", "batch", "gather", "write_batch", "write_numpy", "io_truth" or one of MEMORY_OPS
    calls: int
    keys: int = 1  # per call
    sets: int = 1  # that a batch spans
    result: str = "record"  # or "dict", "numpy", "untouched", "none"
    concurrency: int = 1
    # "no_merge": gets apart; "no_split": large batches in one message; "core": C++ without Python; "parts": several
    # threads without a GIL
    option: str = ""
    toggle: str = ""  # measured off and on in turns: "stages" or "metrics"
    group: str = ""
    think_ms: float = 0.0  # mean of a random pause before every call
    seconds: float = 0.0  # when set, a round lasts so long, whatever `calls` says
    beside: str = ""  # "thread": a Python thread burns CPU; "coroutine": one burns 20 ms, sleeps 20 ms, and so on
    parts: int = 1  # threads, each with a loop of its own on the asyncio face
    pinned: bool = True  # client and server on cores of their own, where calls are made one at a time
    lanes: int = 0  # of the digests; 0: what the processor offers
    columns: tuple[tuple[str, str], ...] = ()  # figures and their titles, where the usual ones do not apply

    @property
    def is_batch(self) -> bool:
        """Whether cost is given per key."""
        return self.keys > 1

    @property
    def is_one_at_a_time(self) -> bool:
        """Whether a client has one call at a time and nothing beside it."""
        return self.concurrency == 1 and self.option != "parts" and not self.beside and self.op != "gather"

    @property
    def is_apart(self) -> bool:
        """Whether client and server are kept on cores of their own."""
        return self.is_one_at_a_time and self.pinned

    @property
    def is_plain(self) -> bool:
        """Whether CPU per call is what it is about."""
        return not self.toggle and not self.columns and not self.beside


READS = [
    Case("get", "sync get", "sync", "get", 1500),
    Case("put", "sync put", "sync", "put", 1500, result="none"),
    Case("aget_1", "asyncio get, 1 at a time", "async", "get", 1000),
    Case("aget_32", "asyncio get, 32 at a time", "async", "get", 3200, concurrency=32, group="32"),
    Case(
        "aget_32_alone",
        "asyncio get, 32, unmerged",
        "async",
        "get",
        3200,
        concurrency=32,
        option="no_merge",
        group="32",
    ),
    Case("aget_128", "asyncio get, 128 at a time", "async", "get", 3840, concurrency=128),
    Case("aput_32", "asyncio put, 32 at a time", "async", "put", 2560, result="none", concurrency=32),
]

THINK = [
    Case(
        f"think_{text}{'_alone' if option else ''}",
        f"asyncio get, 32, think {text} ms{', unmerged' if option else ''}",
        "async",
        "get",
        calls,
        concurrency=32,
        option=option,
        group=f"think_{text}",
        think_ms=mean_ms,
    )
    for text, mean_ms, calls in (("0.5", 0.5, 3200), ("2", 2.0, 2560), ("5", 5.0, 1920))
    for option in ("", "no_merge")
]

BATCHES = [
    Case("batch_200_dict", "batch of 200 to dict", "sync", "batch", 60, 200, 1, "dict"),
    Case("batch_1800_dict", "batch of 1,800 of 9 sets to dict", "sync", "batch", 12, 1800, 9, "dict"),
    Case("batch_1800_numpy", "batch of 1,800 to NumPy", "sync", "batch", 12, 1800, 9, "numpy"),
    Case("batch_1800_raw", "batch of 1,800, untouched", "sync", "batch", 16, 1800, 9, "untouched", group="raw"),
    Case(
        "batch_1800_one",
        "batch of 1,800, untouched, one message",
        "sync",
        "batch",
        16,
        1800,
        9,
        "untouched",
        option="no_split",
        group="raw",
    ),
    # Two messages gain time only when two threads of the server can run.
    Case("batch_1800_free", "the same split, not pinned", "sync", "batch", 16, 1800, 9, "untouched", pinned=False),
    Case("abatch_1800_dict", "asyncio batch of 1,800 to dict", "async", "batch", 12, 1800, 9, "dict", group="gather"),
    Case("agather_9x200", "asyncio gather of 9 x 200 to dicts", "async", "gather", 12, 1800, 9, "dict", group="gather"),
    Case("write_batch", "batch_write of 1,000 records", "sync", "write_batch", 10, 1000, 1, "none"),
    Case("write_numpy", "batch_write_numpy of 1,000 records", "sync", "write_numpy", 10, 1000, 1, "none"),
]

CORE = [
    Case("core_get", "core from C++: get", "sync", "get", 1500, option="core"),
    Case("core_batch", "core from C++: batch of 1,800", "sync", "batch", 16, 1800, 9, "untouched", option="core"),
    *[
        Case(
            f"core_batch_{lanes}",
            f"core from C++: the same, {lanes} lane{'s' if lanes > 1 else ''}",
            "sync",
            "batch",
            16,
            1800,
            9,
            "untouched",
            option="core",
            group="core",
            lanes=lanes,
        )
        for lanes in (1, 4, 8, 16)
    ],
]

LOADED = [
    Case("beside_thread", "asyncio get, 1, beside a thread", "async", "get", 1, seconds=0.4, beside="thread"),
    Case(
        "beside_coroutine",
        "10 x batch of 200 beside 20 ms burns",
        "async",
        "batch",
        1,
        200,
        1,
        "dict",
        concurrency=10,
        seconds=0.4,
        beside="coroutine",
    ),
    Case(
        "io_truth",
        "`io` stage while the loop burns 20 ms",
        "async",
        "io_truth",
        24,
        200,
        1,
        columns=(("io_idle_us", "io us, idle"), ("io_burning_us", "io us, burning"), ("io_error_us", "differ by us")),
    ),
]

# One part beside several, because both have to run on the same cores to be compared.
PARTS = [
    Case(
        f"get_{parts}_threads", f"sync get, {parts} thread{'s' if parts > 1 else ''}", "sync", "get", 1500,
        option="parts", parts=parts, group="threads",
    )
    for parts in (1, 2)
] + [
    Case(
        f"aget_32_{parts}_loops", f"asyncio get, 32, on {'each of 2 loops' if parts > 1 else '1 loop'}", "async", "get",
        3200, concurrency=32, option="parts", parts=parts, group="loops",
    )
    for parts in (1, 2)
]  # fmt: skip

SWITCHES = [
    Case("stages_get", "stage profiling, sync get", "sync", "get", 4000, toggle="stages"),
    Case("stages_aget", "stage profiling, asyncio get", "async", "get", 4000, toggle="stages"),
    Case("stages_batch", "stage profiling, batch of 200", "sync", "batch", 800, 200, 1, "dict", toggle="stages"),
    Case("metrics_get", "operation metrics, sync get", "sync", "get", 4000, toggle="metrics"),
]

MEMORY = [
    Case(
        "hold", "batch of 1,800 held untouched", "sync", "hold", 60, 1800, 9, "untouched",
        columns=(("held_bytes", "bytes each"),),
    ),
    Case(
        "growth", "100 batches after 100", "sync", "growth", 100, 1800, 9, "dict",
        columns=(("growth_kib", "KiB more"),),
    ),
    Case(
        "client", "client, one loop, 32 connections", "async", "client", 96,
        columns=(("client_kib", "KiB"), ("connections", "connections")),
    ),
    Case("import", "import", "sync", "import", 1, columns=(("import_ms", "ms"), ("import_mib", "MiB"))),
]  # fmt: skip

CASES = [*READS, *THINK, *BATCHES, *CORE, *LOADED, *PARTS, *SWITCHES, *MEMORY]
