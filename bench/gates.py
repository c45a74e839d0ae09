"""What the figures have to be. Ratios of medians within one run bind; nothing else does.

`FIRST` must hold, or `make bench` fails. `NEXT` is where the project goes: printed, met or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from clients import FLOOR, OURS, RIVALS
from results import Results
from workload import case_named

BEST_OTHER = "best other"
# Cases only we have, and the case in which the others do the same work.
SAME_WORK = {"aget_32_alone": "aget_32"}


@dataclass(frozen=True)
class Gate:
    """`figure` of ours in `case` is at most (throughput: at least) `factor` times that of `than`, plus an allowance."""

    case: str
    figure: str  # "cpu_us", "p50_us" or "per_s"
    factor: float
    than: str  # a client, BEST_OTHER, or another case of ours as "case NAME"; "off" for a switch
    allowance_us: float = 0.0

    def reference(self, results: Results) -> tuple[str, float] | None:
        """Who is compared with, and their figure."""
        if self.than == "off":
            value = results.median(self.case, OURS, "cpu_off_us")
            return None if value is None else ("switched off", value)
        if self.than.startswith("case "):
            value = results.median(self.than[5:], OURS, self.figure)
            return None if value is None else (case_named(self.than[5:]).title, value)
        candidates = RIVALS if self.than == BEST_OTHER else [self.than]
        case = floor_case(self.case) if self.than == FLOOR else SAME_WORK.get(self.case, self.case)
        values = [(name, results.median(case, name, self.figure)) for name in candidates]
        known = [(name, value) for name, value in values if value is not None]
        if not known:
            return None
        pick = max if self.figure == "per_s" else min
        return pick(known, key=lambda pair: pair[1])

    def judge(self, results: Results) -> Verdict | None:
        """Compares; nothing when one side was not measured."""
        ours = results.median(self.case, OURS, self.figure)
        reference = self.reference(results)
        if ours is None or reference is None:
            return None
        ratio = ours / reference[1]
        limit = self.factor * reference[1] + self.allowance_us
        met = ours >= limit if self.figure == "per_s" else ours <= limit
        return Verdict(self, ours, reference[0], reference[1], ratio, met)


@dataclass(frozen=True)
class Verdict:
    """A gate with the figures of a run."""

    gate: Gate
    ours: float
    who: str
    theirs: float
    ratio: float
    met: bool


def floor_case(case: str) -> str:
    """The floor reads batches of 1,800 without looking at them, whatever a client makes of the reply."""
    known = case_named(case)
    if known.is_batch:
        return "batch_1800_raw" if known.keys == 1800 else case
    return {"aget_1": "get"}.get(case, case)


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
    Gate("aput_32", "cpu_us", 0.6, "native"),
    Gate("aput_32", "per_s", 1.4, "native"),
    Gate("batch_1800_raw", "cpu_us", 2.5, FLOOR),
    Gate("batch_1800_raw", "p50_us", 1.1, FLOOR),
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
    Gate("stages_batch", "cpu_us", 1.01, "off"),
    Gate("stages_get", "cpu_us", 1.0, "off", allowance_us=0.2),
    Gate("stages_aget", "cpu_us", 1.0, "off", allowance_us=0.6),
    Gate("metrics_get", "cpu_us", 1.0, "off", allowance_us=0.04),
]
