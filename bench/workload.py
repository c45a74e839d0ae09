"""The one workload that every client is measured with, and what the calls of a case are given.

9 sets `fv_0`..`fv_8` of 2,000 records `user_000000`..`user_001999`, 8 bins each: four integers, two floats, two strings
of 12 characters. Keys are drawn from a seed, so that every client reads the same ones in the same order. In one call
no user key repeats, also not in another set: dictionaries by user key would then have fewer entries than the request.
"""

from __future__ import annotations

import random
from typing import Any

from cases import CASES, Case

NAMESPACE = "test"
SETS = [f"fv_{number}" for number in range(9)]
WRITE_SET = "fv_w"
NUMPY_WRITE_SET = "fv_wn"
RECORDS_PER_SET = 2000
NUMPY_FIELDS = [(f"i{n}", "i8") for n in range(4)] + [("f0", "f8"), ("f1", "f8"), ("s0", "S12"), ("s1", "S12")]
# Written without strings: clients differ in what a fixed-length field becomes on the server.
NUMPY_WRITE_FIELDS = [("_key", "i8"), *NUMPY_FIELDS[:6]]

Key = tuple[str, str, Any]


def user_key(number: int) -> str:
    """The user key of a record."""
    return f"user_{number:06d}"


def bins_of(number: int) -> dict[str, Any]:
    """The eight bins of a record; the same in every set."""
    text = f"value_{number:06d}"
    integers = {f"i{n}": number * 1000 + n for n in range(4)}
    return integers | {"f0": number * 0.5, "f1": number * 0.5 + 1.0, "s0": text, "s1": text}


def case_named(name: str) -> Case:
    """Finds a case."""
    return next(case for case in CASES if case.name == name)


def numpy_rows(numbers: list[int]) -> Any:
    """Records as a structured array, keyed by their number."""
    import numpy as np

    names = [name for name, _ in NUMPY_WRITE_FIELDS[1:]]
    rows = [(number, *[bins_of(number)[name] for name in names]) for number in numbers]
    return np.array(rows, dtype=np.dtype(NUMPY_WRITE_FIELDS))


def batch_of(draw: random.Random, case: Case) -> Any:
    """The argument of one call for many records."""
    numbers = draw.sample(range(RECORDS_PER_SET), case.keys)
    if case.op == "write_numpy":
        return numpy_rows(numbers)
    if case.op == "write_batch":
        return [((NAMESPACE, WRITE_SET, user_key(number)), bins_of(number)) for number in numbers]
    keys = [(NAMESPACE, SETS[row * case.sets // case.keys], user_key(number)) for row, number in enumerate(numbers)]
    if case.op != "gather":
        return keys
    size = case.keys // case.sets
    return [keys[start : start + size] for start in range(0, case.keys, size)]


def arguments(case: Case, calls: int, seed: int) -> list[Any]:
    """What each call of a round is given: a key, (key, bins), keys, lists of keys, (key, bins) pairs or an array."""
    draw = random.Random(f"{case.op} {case.keys} {case.sets} {seed}")
    if case.op == "put":
        numbers = [draw.randrange(RECORDS_PER_SET) for _ in range(calls)]
        return [((NAMESPACE, WRITE_SET, user_key(number)), bins_of(number)) for number in numbers]
    if case.op == "get":
        return [(NAMESPACE, draw.choice(SETS), user_key(draw.randrange(RECORDS_PER_SET))) for _ in range(calls)]
    return [batch_of(draw, case) for _ in range(calls)]


def keys_of(case: Case, argument: Any) -> list[Key]:
    """The keys of the records that one call reads or writes."""
    if case.op == "get":
        return [argument]
    if case.op == "put":
        return [argument[0]]
    if case.op == "gather":
        return [key for group in argument for key in group]
    if case.op == "write_batch":
        return [key for key, _ in argument]
    if case.op == "write_numpy":
        return [(NAMESPACE, NUMPY_WRITE_SET, number) for number in argument["_key"].tolist()]
    return list(argument)


def expected(case: Case, argument: Any) -> dict[Any, dict[str, Any]]:
    """What a read gives, or what is there after a write, by user key."""
    if case.op == "write_numpy":
        names = argument.dtype.names[1:]
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in argument.tolist()}
    return {key[2]: bins_of(int(key[2].removeprefix("user_"))) for key in keys_of(case, argument)}
