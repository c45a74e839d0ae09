"""The one workload that every client is measured with, and the cases cut from it.

9 sets `fv_0`..`fv_8` of 2,000 records `user_000000`..`user_001999`, 8 bins each: four integers, two floats, two strings
of 12 characters. Keys are drawn from a seed, so that every client reads the same ones in the same order. In one call
no user key repeats, also not in another set: dictionaries by user key would then have fewer entries than the request.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

NAMESPACE = "test"
SETS = [f"fv_{number}" for number in range(9)]
WRITE_SET = "fv_w"
RECORDS_PER_SET = 2000
NUMPY_FIELDS = [(f"i{n}", "i8") for n in range(4)] + [("f0", "f8"), ("f1", "f8"), ("s0", "S12"), ("s1", "S12")]

Key = tuple[str, str, str]


def user_key(number: int) -> str:
    """The user key of a record."""
    return f"user_{number:06d}"


def bins_of(number: int) -> dict[str, Any]:
    """The eight bins of a record; the same in every set."""
    text = f"value_{number:06d}"
    integers = {f"i{n}": number * 1000 + n for n in range(4)}
    return integers | {"f0": number * 0.5, "f1": number * 0.5 + 1.0, "s0": text, "s1": text}


@dataclass(frozen=True)
class Case:
    """One thing that is measured. `calls` is how many calls one round makes."""

    name: str
    title: str
    face: str  # "sync" or "async"
    op: str  # "get", "put", "batch" or "gather"
    calls: int
    keys: int = 1  # per call
    sets: int = 1  # that a batch spans
    result: str = "record"  # or "dict", "numpy", "untouched", "none"
    concurrency: int = 1
    option: str = ""  # a switch of one client: "no_merge" sends every get on its own
    toggle: str = ""  # measured off and on in turns: "stages" or "metrics"

    @property
    def is_batch(self) -> bool:
        """Whether cost is given per key."""
        return self.keys > 1


CASES = [
    Case("get", "sync get", "sync", "get", 1500),
    Case("put", "sync put", "sync", "put", 1500, result="none"),
    Case("aget_1", "asyncio get, 1 at a time", "async", "get", 1000),
    Case("aget_32", "asyncio get, 32 at a time", "async", "get", 3200, concurrency=32),
    Case("aget_128", "asyncio get, 128 at a time", "async", "get", 3840, concurrency=128),
    Case("aget_32_alone", "asyncio get, 32, unmerged", "async", "get", 3200, concurrency=32, option="no_merge"),
    Case("aput_32", "asyncio put, 32 at a time", "async", "put", 2560, result="none", concurrency=32),
    Case("batch_200_dict", "batch of 200 to dict", "sync", "batch", 60, 200, 1, "dict"),
    Case("batch_1800_dict", "batch of 1,800 of 9 sets to dict", "sync", "batch", 12, 1800, 9, "dict"),
    Case("batch_1800_numpy", "batch of 1,800 to NumPy", "sync", "batch", 12, 1800, 9, "numpy"),
    Case("batch_1800_raw", "batch of 1,800, untouched", "sync", "batch", 16, 1800, 9, "untouched"),
    Case("abatch_1800_dict", "asyncio batch of 1,800 to dict", "async", "batch", 12, 1800, 9, "dict"),
    Case("agather_9x200", "asyncio gather of 9 x 200 to dicts", "async", "gather", 12, 1800, 9, "dict"),
    Case("stages_get", "stage profiling, sync get", "sync", "get", 4000, toggle="stages"),
    Case("stages_aget", "stage profiling, asyncio get", "async", "get", 4000, toggle="stages"),
    Case("stages_batch", "stage profiling, batch of 200", "sync", "batch", 800, 200, 1, "dict", toggle="stages"),
    Case("metrics_get", "operation metrics, sync get", "sync", "get", 4000, toggle="metrics"),
]


def case_named(name: str) -> Case:
    """Finds a case."""
    return next(case for case in CASES if case.name == name)


def arguments(case: Case, calls: int, seed: int) -> list[Any]:
    """What each call of a round is given: a key, (key, bins), a list of keys, or nine lists of keys."""
    draw = random.Random(f"{case.op} {case.keys} {case.sets} {seed}")
    if case.op == "put":
        numbers = [draw.randrange(RECORDS_PER_SET) for _ in range(calls)]
        return [((NAMESPACE, WRITE_SET, user_key(number)), bins_of(number)) for number in numbers]
    if case.op == "get":
        return [(NAMESPACE, draw.choice(SETS), user_key(draw.randrange(RECORDS_PER_SET))) for _ in range(calls)]
    batches = []
    for _ in range(calls):
        numbers = draw.sample(range(RECORDS_PER_SET), case.keys)
        keys = [(NAMESPACE, SETS[row * case.sets // case.keys], user_key(number)) for row, number in enumerate(numbers)]
        size = case.keys // case.sets
        batches.append(
            [keys[start : start + size] for start in range(0, case.keys, size)] if case.op == "gather" else keys
        )
    return batches


def expected(case: Case, argument: Any) -> dict[str, dict[str, Any]]:
    """The right answer of a read, by user key."""
    if case.op == "get":
        keys: list[Key] = [argument]
    elif case.op == "gather":
        keys = [key for group in argument for key in group]
    else:
        keys = argument
    return {key[2]: bins_of(int(key[2].removeprefix("user_"))) for key in keys}
