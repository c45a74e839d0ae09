"""What the figures have to be. Ratios of medians within one run bind; nothing else does.

`FIRST` must hold, or `make bench` fails. `NEXT` is where the project goes: printed, met or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from clients import CORE, FLOOR, FREE_THREADED, OURS, RIVALS
from results import Results
from workload import case_named

BEST_OTHER = "best other"
LIMIT = "limit"  # the factor itself
# Cases that the others do not have, and the one in which they do the same work.
SAME_WORK = {"aget_32_alone": "aget_32"}
HIGHER_IS_BETTER = ("per_s",)


@dataclass(frozen=True)
class Gate:
    """`figure` of ours in `case` is at most (throughput: at least) `factor` times that of `than`, plus an allowance."""

    case: str
    figure: str  # "cpu_us", "p50_us", "p99_us", "per_s" or a column of the case
    factor: float
    than: str  # a client, BEST_OTHER, LIMIT, another case of the same client as "case NAME"; "off" for a switch
    allowance_us: float = 0.0
    client: str = OURS

    def reference(self, results: Results) -> tuple[str, float] | None:
        """Who is compared with, and their figure."""
        if self.than == LIMIT:
            return "a fixed limit", self.factor
        if self.than == "off":
            value = results.median(self.case, self.client, "cpu_off_us")
            return None if value is None else ("switched off", value)
        if self.than.startswith("case "):
            value = results.median(self.than[5:], self.client, self.figure)
            return None if value is None else (case_named(self.than[5:]).title, value)
        candidates = RIVALS if self.than == BEST_OTHER else [self.than]
        case = SAME_WORK.get(self.case, self.case) if candidates[0] in RIVALS else self.case
        values = [(name, results.median(case, name, self.figure)) for name in candidates]
        known = [(name, value) for name, value in values if value is not None]
        if not known:
            return None
        pick = max if self.figure in HIGHER_IS_BETTER else min
        return pick(known, key=lambda pair: pair[1])

    def judge(self, results: Results) -> Verdict | None:
        """Compares; nothing when one side was not measured."""
        ours = results.median(self.case, self.client, self.figure)
        reference = self.reference(results)
        if ours is None or reference is None:
            return None
        who, theirs = reference
        limit = self.factor if self.than == LIMIT else self.factor * theirs + self.allowance_us
        met = ours >= limit if self.figure in HIGHER_IS_BETTER else ours <= limit
        return Verdict(self, ours, who, theirs, ours / theirs, limit / theirs, met)


@dataclass(frozen=True)
class Verdict:
    """A gate with the figures of a run; `bound` is what the ratio may be."""

    gate: Gate
    ours: float
    who: str
    theirs: float
    ratio: float
    bound: float
    met: bool


# Measured on the free-threaded interpreter too, beside the cases of several threads, and what they may cost there.
FREE_THREADED_CASES = {
    "get": 1.25,
    "put": 1.25,
    "aget_1": 1.25,
    "aget_32": 1.25,
    "aget_32_alone": 1.25,
    "aget_128": 1.25,
    "aput_32": 1.25,
    "batch_200_dict": 1.25,
    "batch_1800_dict": 1.25,
    "batch_1800_numpy": 1.25,
    "batch_1800_raw": 1.25,
    "abatch_1800_dict": 1.25,
    "agather_9x200": 1.25,
    "write_batch": 1.25,
    "write_numpy": 1.25,
}

FIRST = [
    Gate("batch_1800_dict", "cpu_us", 1 / 3, BEST_OTHER),
    Gate("batch_1800_numpy", "cpu_us", 1 / 6, "aerospike_py_community"),
    Gate("get", "cpu_us", 1.0, BEST_OTHER),
    Gate("aget_1", "cpu_us", 1.0, BEST_OTHER),
    Gate("aget_32", "cpu_us", 1.0, BEST_OTHER),
    Gate("stages_batch", "cpu_us", 1.02, "off"),
]

NEXT = [
    Gate("get", "cpu_us", 1.25, FLOOR),
    Gate("get", "p50_us", 1.2, FLOOR),
    Gate("put", "cpu_us", 1.25, FLOOR),
    Gate("put", "cpu_us", 1.0, BEST_OTHER),
    Gate("put", "p50_us", 1.2, FLOOR),
    Gate("aget_1", "cpu_us", 1.5, FLOOR),
    Gate("aget_1", "cpu_us", 0.5, "native"),
    Gate("aget_1", "p50_us", 0.7, "native"),
    Gate("aget_32_alone", "cpu_us", 0.6, "native"),
    Gate("aget_32_alone", "per_s", 1.4, "native"),
    Gate("aget_32", "cpu_us", 0.25, "native"),
    Gate("aget_32", "per_s", 2.2, "native"),
    Gate("aget_128", "cpu_us", 0.2, "native"),
    Gate("aget_128", "per_s", 3.5, "native"),
    *[
        Gate(f"think_{mean}", figure, factor, f"case think_{mean}_alone")
        for mean in ("0.5", "2", "5")
        for figure, factor in (("cpu_us", 1.0), ("p50_us", 1.25), ("p99_us", 1.0))
    ],
    Gate("aput_32", "cpu_us", 0.6, "native"),
    Gate("aput_32", "per_s", 1.4, "native"),
    Gate("batch_1800_one", "cpu_us", 2.5, FLOOR),
    Gate("batch_1800_one", "p50_us", 1.1, FLOOR),
    # Split over two connections, and compared with the floor of one.
    Gate("batch_1800_raw", "cpu_us", 3.2, FLOOR),
    Gate("batch_1800_free", "p50_us", 0.75, FLOOR),
    Gate("batch_1800_numpy", "cpu_us", 3.5, FLOOR),
    Gate("batch_1800_numpy", "p50_us", 1.3, FLOOR),
    Gate("batch_1800_numpy", "cpu_us", 1 / 20, "aerospike_py_community"),
    Gate("batch_1800_dict", "cpu_us", 1 / 6, BEST_OTHER),
    Gate("batch_1800_dict", "p50_us", 0.35, BEST_OTHER),
    Gate("batch_200_dict", "cpu_us", 1 / 6, BEST_OTHER),
    Gate("batch_200_dict", "p50_us", 0.35, BEST_OTHER),
    Gate("agather_9x200", "cpu_us", 1.15, "case abatch_1800_dict"),
    Gate("agather_9x200", "p50_us", 1.15, "case abatch_1800_dict"),
    Gate("agather_9x200", "p50_us", 0.4, BEST_OTHER),
    Gate("write_batch", "cpu_us", 1 / 5, BEST_OTHER),
    Gate("write_numpy", "cpu_us", 1 / 5, BEST_OTHER),
    Gate("core_get", "cpu_us", 1.05, FLOOR, client=CORE),
    Gate("core_batch", "cpu_us", 2.5, FLOOR, client=CORE),
    Gate("beside_thread", "per_s", 5.0, BEST_OTHER),
    Gate("beside_coroutine", "per_s", 1.0, BEST_OTHER),
    Gate("io_truth", "io_error_us", 300.0, LIMIT),
    Gate("stages_batch", "cpu_us", 1.01, "off"),
    Gate("stages_get", "cpu_us", 1.0, "off", allowance_us=0.2),
    Gate("stages_aget", "cpu_us", 1.0, "off", allowance_us=0.6),
    Gate("metrics_get", "cpu_us", 1.0, "off", allowance_us=0.04),
    *[Gate(case, "cpu_us", factor, OURS, client=FREE_THREADED) for case, factor in FREE_THREADED_CASES.items()],
    Gate("get_2_threads", "cpu_us", 1.15, "case get_1_threads", client=FREE_THREADED),
    Gate("aget_32_2_loops", "cpu_us", 1.15, "case aget_32_1_loops", client=FREE_THREADED),
    Gate("hold", "held_bytes", 1.25, FLOOR),
    Gate("growth", "growth_kib", 64.0, LIMIT),
    Gate("client", "client_kib", 4096.0, LIMIT),
    Gate("import", "import_ms", 30.0, LIMIT),
    Gate("import", "import_mib", 10.0, LIMIT),
]
