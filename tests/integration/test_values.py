"""Values on their way to the server and back, and values that may not go."""

import collections
import enum
import math

import pytest

import aerospike_py

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


class Colour(enum.IntEnum):
    RED = 7


ROUND_TRIPS = [
    0, 1, -1, 127, 128, 255, 256, 2**31, -(2**31) - 1, LARGEST, SMALLEST,
    0.0, -0.5, 1.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf,
    True, False,
    "", "text", "ключ \U0001f511", "nul\0inside", "x" * 100_000,
    b"", b"\x00\xff", b"y" * 100_000,
    [], [1, "two", 3.0, b"four", True, None, [5, [6]], {"seven": 7}],
    {}, {"a": 1, "b": [1, {"c": None}]}, {1: "int key", "1": "str key", b"1": "bytes key"},
    [LARGEST, SMALLEST, 2**32, -(2**32), 65535, 65536, -129],
    [[0] * 15, [0] * 16, [0] * 65536],
    {str(n): n for n in range(17)},
    ["s" * n for n in (30, 31, 32, 254, 255, 256, 65534, 65536)],
    [math.inf, -math.inf, 1e-300],
]  # fmt: skip


@pytest.mark.parametrize("value", ROUND_TRIPS, ids=lambda value: f"{type(value).__name__}-{str(value)[:24]}")
def test_a_value_comes_back_as_it_went(face, key, value):
    face.put(key, {"v": value})
    back = face.get(key).bins["v"]
    assert back == value
    assert type(back) is type(value)


def test_negative_zero_and_nan_keep_their_bits(face, key):
    face.put(key, {"zero": -0.0, "nan": math.nan, "list": [-0.0, math.nan]})
    bins = face.get(key).bins
    assert math.copysign(1.0, bins["zero"]) == -1.0
    assert math.isnan(bins["nan"])
    assert math.copysign(1.0, bins["list"][0]) == -1.0
    assert math.isnan(bins["list"][1])


def test_bools_inside_collections_stay_bools(face, key):
    face.put(key, {"v": [True, 1, False, 0]})
    assert [type(each) for each in face.get(key).bins["v"]] == [bool, int, bool, int]


@pytest.mark.parametrize(("sent", "stored"), [
    ((1, 2), [1, 2]),
    ([(1,), ()], [[1], []]),
    (bytearray(b"ab"), b"ab"),
    (Colour.RED, 7),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(int, a=1), {"a": 1}),
])  # fmt: skip
def test_kin_of_the_plain_types_are_stored_as_those(face, key, sent, stored):
    face.put(key, {"v": sent})
    back = face.get(key).bins["v"]
    assert back == stored
    assert type(back) is type(stored)


def test_a_list_of_a_thousand_elements_and_fifty_bins(face, key):
    bins = {f"bin{n}": n for n in range(49)} | {"long": list(range(1000))}
    face.put(key, bins)
    assert face.get(key).bins == bins


def test_bins_come_in_the_order_of_the_record(face, key):
    bins = {"zebra": 1, "ant": 2, "mole": 3, "bee": 4}
    face.put(key, bins)
    assert [list(face.get(key).bins) for _ in range(20)] == [list(bins)] * 20


UNSUPPORTED = [{1, 2}, frozenset(), object(), 1j, range(3), memoryview]


@pytest.mark.parametrize("value", UNSUPPORTED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"k": v}], ids=["bin", "list", "map"])
def test_an_unsupported_type_is_named_and_nothing_is_sent(face, key, value, wrap):
    with pytest.raises(TypeError, match=f"Unsupported type for Aerospike value: {type(value).__name__}"):
        face.put(key, {"good": 1, "v": wrap(value)})
    assert face.exists(key).meta is None


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**64, 10**30])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [1, v], lambda v: {"k": v}], ids=["bin", "list", "map"])
def test_an_int_outside_64_bits_is_refused_and_nothing_is_sent(face, key, value, wrap):
    with pytest.raises(aerospike_py.InvalidArgError) as caught:
        face.put(key, {"v": wrap(value)})
    assert isinstance(caught.value, OverflowError)
    assert caught.value.result_code < 0
    assert face.exists(key).meta is None


def test_an_offset_outside_64_bits_is_refused(face, key):
    with pytest.raises(OverflowError):
        face.increment(key, "n", 2**63)
    assert face.exists(key).meta is None


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_deep_nesting_is_kept(face, key):
    face.put(key, {"v": nested(30)})
    assert face.get(key).bins["v"] == nested(30)


def test_nesting_without_end_is_refused(face, key):
    endless = []
    endless.append(endless)
    for value in (nested(100_000), endless):
        with pytest.raises((ValueError, RecursionError, aerospike_py.InvalidArgError)):
            face.put(key, {"v": value})
        while value and value is not endless:  # taken apart by hand: the interpreter would recurse
            value = value.pop()
    endless.clear()
    assert face.exists(key).meta is None


@pytest.mark.parametrize("name", ["x" * 15, "é" * 7, "a b", "a.b", "\N{GRINNING FACE}" * 3])
def test_a_bin_name_may_have_fifteen_bytes(face, key, name):
    face.put(key, {name: 1})
    assert face.get(key).bins == {name: 1}
    assert face.select(key, [name]).bins == {name: 1}


@pytest.mark.parametrize(("name", "size"), [("x" * 16, 16), ("é" * 8, 16), ("y" * 300, 300)])
def test_a_longer_bin_name_is_refused(unconnected, key, name, size):
    with pytest.raises(ValueError, match=rf"^Bin name '{name}' exceeds the 15-byte limit \({size} bytes\)"):
        unconnected.put(key, {name: 1})
    with pytest.raises(ValueError, match="exceeds the 15-byte limit"):
        unconnected.append(key, name, "x")
    with pytest.raises(ValueError, match="exceeds the 15-byte limit"):
        unconnected.batch_write([(key, {name: 1})])


@pytest.mark.parametrize("bins", [None, [("a", 1)], "a", 1])
def test_bins_have_to_be_a_dict(unconnected, key, bins):
    with pytest.raises(TypeError):
        unconnected.put(key, bins)


@pytest.mark.parametrize("name", [1, None, b"a"])
def test_a_bin_name_has_to_be_a_str(unconnected, key, name):
    with pytest.raises(TypeError):
        unconnected.put(key, {name: 1})


def test_a_str_with_a_lone_surrogate_is_refused(face, key):
    with pytest.raises(ValueError, match="surrogate"):
        face.put(key, {"v": "\ud800"})
    assert face.exists(key).meta is None


def test_a_record_above_the_size_limit_is_refused(face, key):
    with pytest.raises(aerospike_py.RecordTooBig) as caught:
        face.put(key, {"v": b"x" * (9 * 1024 * 1024)}, policy={"total_timeout": 10_000})
    assert caught.value.result_code == 13
    face.put(key, {"v": 1})
    assert face.get(key).bins == {"v": 1}
