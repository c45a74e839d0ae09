"""The table of bad input: each case ends with the named error, within its time, and the client goes on working.

One row is one `Case`; every row runs on the sync and on the asyncio face. What a row leaves behind (file descriptors,
threads, memory) is counted by `leak_check`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy
import pytest
from fixtures import hostile
from fixtures.stopwatch import Stopwatch

import aerospike_py
from aerospike_py import exception

SLACK_S = 0.4  # what a busy machine may add to a deadline
KEY = ("test", "bad", "k")
MANY = [("test", "bad", i) for i in range(60)]
SHORT = {"total_timeout": 300}
READ_AGAIN = {"total_timeout": 2000, "max_retries": 2}


@dataclass(frozen=True)
class Case:
    """One row: what is done under which fault, and how it must end."""

    name: str
    act: Callable[[Any], object]
    error: type[BaseException] | tuple[type[BaseException], ...] | None = None  # None: it succeeds
    text: str = ""  # pattern that the message must contain
    code: int | None = None  # result code of the error
    within_s: float = 1.0
    fault: hostile.Fault | None = None
    expect: object = ...  # what the act gives when it succeeds
    sends_nothing: bool = False  # refused before a byte leaves


def get(face):
    return face.get(KEY, READ_AGAIN).bins


def put(face):
    return face.put(KEY, {"a": 1}, policy={"total_timeout": 2000})


def read_many(face):
    return face.batch_read(MANY, policy=READ_AGAIN).to_list()


def late_get(face):
    return face.get(KEY, SHORT)


def late_put(face):
    return face.put(KEY, {"a": 1}, policy=SHORT)


def late_read_many(face):
    return face.batch_read(MANY, policy=SHORT)


CALLS = {"get": get, "put": put, "batch_read": read_many}
LATE_CALLS = {"get": late_get, "put": late_put, "batch_read": late_read_many}

# The reply is unusable and the client can tell at once.
BROKEN = [
    hostile.closing,
    hostile.resetting,
    hostile.garbage,
    hostile.http,
    hostile.wrong_version,
    hostile.wrong_kind,
    hostile.short_body,
    hostile.oversized,
    hostile.truncated,
    hostile.too_many_fields,
]
# Only replies that carry records can be broken like this.
BROKEN_READS = [hostile.too_many_ops, hostile.overrunning_op, hostile.long_bin_name]
BROKEN_BATCHES = [hostile.wrong_row]
# Nothing is wrong yet, it just never ends.
LATE = [hostile.silent, hostile.stalling, hostile.promising, hostile.dripping, hostile.never_ending]


def fault_cases():
    for fault in BROKEN:
        for call, act in CALLS.items():
            yield Case(f"{fault.__name__} reply to {call}", act, exception.ClusterError, fault=fault)
    for fault in BROKEN_READS:
        yield Case(f"{fault.__name__} reply to get", get, exception.ClusterError, fault=fault)
        yield Case(f"{fault.__name__} reply to batch_read", read_many, exception.ClusterError, fault=fault)
    for fault in BROKEN_BATCHES:
        yield Case(f"{fault.__name__} reply to batch_read", read_many, exception.ClusterError, fault=fault)
    for fault in LATE:
        for call, act in LATE_CALLS.items():
            yield Case(
                f"{fault.__name__} reply to {call}",
                act,
                (exception.AerospikeTimeoutError, exception.ClusterError)
                if fault is hostile.never_ending
                else exception.AerospikeTimeoutError,
                fault=fault,
                within_s=0.3 + SLACK_S,
            )
    for call, act in CALLS.items():
        yield Case(f"reply to {call} 50 ms late", act, fault=hostile.delayed(0.05))
        yield Case(f"reply to {call} in pieces of 1 byte", act, fault=hostile.in_pieces(1), within_s=2)
        yield Case(f"reply to {call} in pieces of 7 bytes", act, fault=hostile.in_pieces(7))
    for code, error in ((9, exception.AerospikeTimeoutError), (8, exception.ServerError), (22, exception.ServerError)):
        yield Case(f"server answers get with code {code}", get, error, code=code, fault=hostile.refusing(code))
        yield Case(f"server answers put with code {code}", put, error, code=code, fault=hostile.refusing(code))


def one_ms(method, *arguments):
    def act(face):
        return getattr(face, method)(*arguments, policy={"total_timeout": 1})

    return act


def deadline_cases():
    for method, arguments in {
        "get": (KEY,),
        "exists": (KEY,),
        "put": (KEY, {"a": 1}),
        "remove": (KEY,),
        "operate": (KEY, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
        "batch_read": (MANY,),
        "batch_write": ([(key, {"a": 1}) for key in MANY],),
        "batch_remove": (MANY,),
    }.items():
        yield Case(
            f"deadline of 1 ms for {method}",
            one_ms(method, *arguments),
            exception.AerospikeTimeoutError,
            fault=hostile.delayed(0.25),
            within_s=0.001 + 0.2,
        )


def deep(levels):
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def cyclic_list():
    value: list[Any] = []
    value.append(value)
    return value


def cyclic_dict():
    value: dict[str, Any] = {}
    value["self"] = value
    return value


class Growing:
    """An integer that adds a bin to the dict it stands in while it is read."""

    def __init__(self, where):
        self.where = where

    def __index__(self):
        self.where[f"new{len(self.where)}"] = 1
        return 7


class Shrinking(Growing):
    """An integer that empties the container it stands in while it is read."""

    def __index__(self):
        self.where.clear()
        return 7


class Failing:
    """An integer that raises while it is read."""

    def __index__(self):
        raise ZeroDivisionError("on purpose")


def put_changing(kind, nested):
    def act(face):
        inner: dict[str, Any] = {}
        inner["a"] = kind(inner)
        inner["b"] = 1
        face.put(KEY, {"outer": inner} if nested else inner)

    return act


def put_shrinking_list(face):
    inner: list[Any] = []
    inner += [Shrinking(inner), 1, 2, 3]
    face.put(KEY, {"l": inner})


def put_bins(bins):
    return lambda face: face.put(KEY, bins)


def get_key(key):
    return lambda face: face.get(key)


def argument_cases():
    yield from value_cases()
    yield from bin_name_cases()
    yield from key_cases()
    yield from other_argument_cases()


def value_cases():
    too_big = exception.InvalidArgError
    for name, number in (("2**63", 2**63), ("-2**63 - 1", -(2**63) - 1), ("10**5000", 10**5000)):
        for place, bins in (("bin", {"a": number}), ("list", {"a": [number]}), ("dict", {"a": {"b": number}})):
            yield Case(f"int {name} in a {place}", put_bins(bins), too_big, "64 bits")
        yield Case(f"int {name} as key", get_key(("test", "bad", number)), too_big, "64 bits")
        yield Case(f"int {name} is an OverflowError", put_bins({"a": number}), OverflowError)
        yield Case(f"increment by {name}", lambda face, n=number: face.increment(KEY, "a", n), too_big, "64 bits")
    for value in ({1, 2}, frozenset(), object(), 1j, range(3), lambda: None, Exception):
        kind = type(value).__name__
        yield Case(f"unsupported {kind}", put_bins({"a": value}), TypeError, f"Unsupported type.*{kind}")
        yield Case(
            f"unsupported {kind} in a list", put_bins({"a": [1, [value]]}), TypeError, f"Unsupported type.*{kind}"
        )
    yield Case("unsupported key of a map", put_bins({"a": {1.5: 1}}), TypeError, "float")
    yield Case("list of 100,000 levels", put_bins({"a": deep(100_000)}), ValueError, "deep")
    yield Case("list in itself", put_bins({"a": cyclic_list()}), ValueError, "deep")
    yield Case("dict in itself", put_bins({"a": cyclic_dict()}), ValueError, "deep")
    yield Case("lone surrogate", put_bins({"a": "\ud800"}), UnicodeEncodeError)
    yield Case("lone surrogate as key", get_key(("test", "bad", "\ud800")), UnicodeEncodeError)
    yield Case("dict grows while it is read", put_changing(Growing, nested=False), RuntimeError, "changed size")
    yield Case("dict shrinks while it is read", put_changing(Shrinking, nested=False), RuntimeError, "changed size")
    yield Case("inner dict grows while it is read", put_changing(Growing, nested=True), RuntimeError, "changed size")
    yield Case(
        "inner dict shrinks while it is read", put_changing(Shrinking, nested=True), RuntimeError, "changed size"
    )
    yield Case("list shrinks while it is read", put_shrinking_list, RuntimeError, "changed size")
    yield Case("value raises while it is read", put_bins({"a": Failing()}), ZeroDivisionError, "on purpose")


def bin_name_cases():
    yield Case("bins are no dict", put_bins([("a", 1)]), TypeError, "dict")
    yield Case("bin name of 16 bytes", put_bins({"a" * 16: 1}), ValueError, "exceeds the 15-byte limit")
    yield Case("bin name of 8 two-byte letters", put_bins({"é" * 8: 1}), ValueError, r"15-byte limit \(16 bytes\)")
    yield Case("bin name is no str", put_bins({1: 1}), TypeError)
    yield Case("selected bin name of 16 bytes", lambda face: face.select(KEY, ["a" * 16]), ValueError, "15-byte limit")
    yield Case("batch_read of a bin name of 16 bytes", lambda f: f.batch_read([KEY], ["a" * 16]), ValueError, "15-byte")
    yield Case("bin names as one str", lambda face: face.select(KEY, "abc"), TypeError)
    yield Case("record of 2 MiB", put_bins({"a": bytes(2**21)}), exception.RecordTooBig, code=13, within_s=2)


def message_cases():
    """What no message can hold: the value, the limit and what to do are told, and nothing is sent."""
    big = bytes(70_000_000)
    too_long = r"\b134217728\b.*128 MiB.*several"

    def case(name, act, text):
        return Case(name, act, exception.InvalidArgError, text, sends_nothing=True, within_s=5)

    yield case("value of 200 MB", lambda f: f.put(KEY, {"a": bytes(200_000_000)}), r"\b200000000\b.*" + too_long)
    yield case("text of 200 MB", lambda f: f.put(KEY, {"a": "a" * 200_000_000}), r"\b200000000\b.*" + too_long)
    yield case("append of 200 MB", lambda f: f.append(KEY, "a", bytes(200_000_000)), r"\b200000000\b.*" + too_long)
    yield case("list of 140 MB", lambda f: f.put(KEY, {"a": [big, big]}), r"\b1400000\d\d\b.*" + too_long)
    yield case("bins of 140 MB", lambda f: f.put(KEY, {"a": big, "b": big}), r"\b1400000\d\d\b.*" + too_long)
    yield case(
        "operations of 140 MB",
        lambda f: f.operate(KEY, [{"op": aerospike_py.OPERATOR_WRITE, "bin": name, "val": big} for name in "ab"]),
        r"\b1400000\d\d\b.*" + too_long,
    )
    yield case(
        "batch of 140 MB",
        lambda f: f.batch_write([(key, {"a": big + bytes([i])}) for i, key in enumerate(MANY[:2])]),
        r"\b1400000\d\d\b.*" + too_long,
    )
    yield case(
        "stored key of 140 MB",
        lambda f: f.put(("test", "bad", big + big), {"a": 1}, policy={"key": aerospike_py.POLICY_KEY_SEND}),
        r"\b140000\d\d\d\b.*" + too_long,
    )
    yield case(
        "stored keys of 140 MB in a batch",
        lambda f: f.batch_write(
            [(("test", "bad", big + bytes([i])), {"a": 1}) for i in range(2)],
            {"key": aerospike_py.POLICY_KEY_SEND},
        ),
        r"\b140000\d\d\d\b.*" + too_long,
    )
    yield case("info command of 140 MB", lambda f: f.info_all("x" * 140_000_000), r"\b140000000\b.*\b134217728\b")
    many = [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}] * 32_769
    yield case("32,769 bins", put_bins({f"b{i}": i for i in range(32_769)}), r"\b32768\b.*several")
    yield case("32,769 operations", lambda f: f.operate(KEY, many), r"\b32768\b.*several")
    yield case("32,769 bins read", lambda f: f.select(KEY, ["a"] * 32_769), r"\b32768\b.*several")
    for name, key, text in (
        ("set of 64 bytes", ("test", "s" * 64, 1), r"set 's+' has 64 bytes.*\b63\b.*shorter"),
        ("namespace of 32 bytes", ("n" * 32, "bad", 1), r"namespace 'n+' has 32 bytes.*\b31\b.*shorter"),
        ("namespace of 300 bytes", ("n" * 300, "bad", 1), r"has 300 bytes.*\b31\b.*shorter"),
    ):
        yield case(f"{name} in a get", get_key(key), text)
        yield case(f"{name} in a put", lambda f, k=key: f.put(k, {"a": 1}), text)
        yield case(f"{name} in a batch_read", lambda f, k=key: f.batch_read([KEY, k]), text)
        yield case(f"{name} in a batch_write", lambda f, k=key: f.batch_write([(KEY, {"a": 1}), (k, {"a": 1})]), text)
    yield Case("set of 63 bytes", lambda f: f.put(("test", "s" * 63, 1), {"a": 1}))


def key_cases():
    for name, key in (
        ("None", None),
        ("a list", ["test", "bad", 1]),
        ("None as set", ("test", None, 1)),
        ("int as namespace", (1, "bad", 1)),
    ):
        yield Case(f"key is {name}", get_key(key), TypeError)
    for name, key in (
        ("empty", ()),
        ("two elements", ("test", "bad")),
        ("five elements", ("test", "bad", 1, None, None)),
        ("float", ("test", "bad", 1.5)),
        ("bool", ("test", "bad", True)),
        ("None without digest", ("test", "bad", None)),
        ("digest of 19 bytes", ("test", "bad", None, bytes(19))),
    ):
        yield Case(f"key is {name}", get_key(key), ValueError)
        yield Case(f"key of a batch is {name}", lambda face, k=key: face.batch_read([KEY, k]), ValueError)
    yield Case("keys are no list", lambda face: face.batch_read(5), TypeError)
    yield Case("keys are a str", lambda face: face.batch_read("abc"), TypeError)
    yield Case("key of 1 MiB", get_key(("test", "bad", "k" * 2**20)), exception.RecordNotFound, code=2)


def other_argument_cases():
    yield Case("policy is no dict", lambda face: face.get(KEY, 5), TypeError)
    yield Case("text as timeout", lambda face: face.get(KEY, {"total_timeout": "fast"}), TypeError)
    yield Case("float as timeout", lambda face: face.get(KEY, {"total_timeout": 1.5}), TypeError)
    yield Case(
        "ttl beyond 32 bits",
        lambda f: f.put(KEY, {"a": 1}, {"ttl": 2**32}),
        exception.InvalidArgError,
        "ttl out of range",
    )
    yield Case(
        "filter before expressions exist",
        lambda f: f.get(KEY, {"filter_expression": {"op": 1}}),
        exception.InvalidArgError,
    )
    yield Case("append a number", lambda face: face.append(KEY, "a", 5), TypeError)
    yield Case("operation is no dict", lambda face: face.operate(KEY, [5]), TypeError)
    yield Case("operation without code", lambda face: face.operate(KEY, [{"bin": "a"}]), exception.InvalidArgError)
    yield Case("record of batch_write is no tuple", lambda face: face.batch_write([5]), TypeError, "must be a tuple")
    yield Case(
        "record of batch_write without bins", lambda f: f.batch_write([(KEY,)]), ValueError, "at least 2 elements"
    )


UNKNOWN = ("nowhere", "bad", 1)
PATIENT = {"total_timeout": 5000}


def namespace_cases():
    for name, act in {
        "get": lambda face: face.get(UNKNOWN, PATIENT),
        "exists": lambda face: face.exists(UNKNOWN, PATIENT),
        "put": lambda face: face.put(UNKNOWN, {"a": 1}, policy=PATIENT),
        "remove": lambda face: face.remove(UNKNOWN, policy=PATIENT),
        "operate": lambda face: face.operate(UNKNOWN, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}], policy=PATIENT),
        "batch_read": lambda face: face.batch_read([UNKNOWN], policy=PATIENT),
        "batch_write": lambda face: face.batch_write([(UNKNOWN, {"a": 1})], policy=PATIENT),
    }.items():
        yield Case(
            f"unknown namespace in {name}", act, exception.ServerError, r"nowhere.*\btest\b", code=20, within_s=0.5
        )
    yield Case("empty namespace", get_key(("", "bad", 1)), exception.ServerError, r"\btest\b", code=20, within_s=0.5)


def dtype_case(name, error, text, make_dtype):
    def act(face):
        return face.batch_read(MANY).to_numpy(make_dtype(numpy))

    return Case(f"dtype: {name}", act, error, text)


def dtype_cases():
    yield dtype_case("kind U", TypeError, "kind='U'", lambda np: np.dtype([("a", "U4")]))
    yield dtype_case("kind O", TypeError, "kind='O'", lambda np: np.dtype([("a", "O")]))
    yield dtype_case("kind M", TypeError, "kind='M'", lambda np: np.dtype([("a", "M8[s]")]))
    yield dtype_case("list of tuples", TypeError, "dtype", lambda np: [("a", "i8")])
    yield dtype_case("None", TypeError, "dtype", lambda np: None)
    yield dtype_case("a name", TypeError, "dtype", lambda np: "i8")


def size_cases():
    yield Case("batch_read of 0 keys", lambda face: face.batch_read([]).to_dict(), expect={})
    yield Case("batch_read of 0 keys as list", lambda face: face.batch_read([]).to_list(), expect=[])
    yield Case("batch_write of 0 records", lambda face: face.batch_write([]).batch_records, expect=[])
    yield Case("batch_remove of 0 keys", lambda face: face.batch_remove([]).batch_records, expect=[])
    yield Case("batch_read_many of 0 groups", lambda face: face.batch_read_many([]), expect=[])
    yield Case("batch_read_many of empty groups", lambda face: face.batch_read_many([[], []]), expect=[{}, {}])
    yield Case("batch_read_ordered of 0 keys", lambda face: face.batch_read_ordered([]), expect=[])


REACHES_THE_SERVER = ("record of 2 MiB", "key of 1 MiB")

CASES = [
    *fault_cases(),
    *deadline_cases(),
    *(replace(case, sends_nothing=case.name not in REACHES_THE_SERVER) for case in argument_cases()),
    *(replace(case, sends_nothing=True) for case in namespace_cases()),
    *message_cases(),
    *dtype_cases(),
    *size_cases(),
]


def run(case, stage):
    """Carry out one row and compare how it ended."""
    watch = Stopwatch()
    try:
        value = case.act(stage.face)
    except BaseException as error:
        took = watch.took()
        assert case.error is not None, f"raised {error!r}"
        assert isinstance(error, case.error), f"raised {error!r}"
        assert re.search(case.text, str(error)), str(error)
        if case.code is not None:
            assert error.result_code == case.code
    else:
        took = watch.took()
        assert case.error is None, f"gave {value!r} instead of raising"
        if case.expect is not ...:
            assert value == case.expect
    assert took <= case.within_s, f"took {took:.3f} s"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_ends_as_the_table_says(case, stage):
    stage.face.put(KEY, {"a": 0})
    stage.face.batch_write([(key, {"a": 1}) for key in MANY])
    if case.fault is not None:
        stage.cluster.arm(case.fault)
    sent_before = stage.cluster.requests
    run(case, stage)
    if case.sends_nothing:
        assert stage.cluster.requests == sent_before, "something was sent"
    stage.check_goes_on()
