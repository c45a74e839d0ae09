"""Bytes of bins to Python values: every type, and bytes no honest server sends."""

import gc
import os
import struct
import subprocess
import sys
import tracemalloc

import pytest
from fixtures.rows import BLOB, BOOL, FLOAT, GEOJSON, HLL, INTEGER, LIST, MAP, Row, batch, bins_of, integer, op, text

import aerospike_py


def packed(particle, value):
    """The value of one bin whose bytes are given."""
    return bins_of(op("v", particle, value))["v"]


@pytest.mark.parametrize(("particle", "value", "expected"), [
    (INTEGER, struct.pack(">q", -5), -5),
    (INTEGER, b"\xff\xff", 65535),
    (FLOAT, struct.pack(">d", 1.5), 1.5),
    (BOOL, b"\1", True),
    (BOOL, b"\0", False),
    (BLOB, b"\0\xff", b"\0\xff"),
    (HLL, b"sketch", b"sketch"),
    (GEOJSON, b"\0\0\0{}", "{}"),
    (GEOJSON, b"\1\0\2" + b"\0" * 16 + b'{"a":1}', '{"a":1}'),
    (0, b"", None),
])  # fmt: skip
def test_a_particle_is_the_value_of_its_type(particle, value, expected):
    found = packed(particle, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "content", ["", "a", "é", "x" * 7, "x" * 8, "x" * 63, "x" * 64, "x" * 65, "y" * 7 + "é", "ключ"]
)
def test_text_of_every_length_and_alphabet(content):
    assert bins_of(text("v", content)) == {"v": content}


def test_text_that_is_not_utf8_stays_the_bytes_it_is():
    assert bins_of(text("v", b"\xff\xfe"), text("w", b"\xe9" * 70)) == {"v": b"\xff\xfe", "w": b"\xe9" * 70}


@pytest.mark.parametrize(("value", "expected"), [
    (b"\x90", []),
    (b"\x93\x01\xa2\x03x\xc0", [1, "x", None]),
    (b"\x92\xc3\xcb" + struct.pack(">d", 0.5), [True, 0.5]),
    (b"\x91\xcf" + b"\xff" * 8, [2**64 - 1]),
    (b"\x91\xa3\x04ab", [b"ab"]),
    (b"\x91\xa3\x17{}", ["{}"]),
    (b"\x91\xc4\x02\x04a", [b"a"]),
    (b"\x94\xc7\x00\x01\x01\x02\x03", [1, 2, 3]),
    (b"\x92\xd4\x01\x00\x05", [5]),
    (b"\xdc\x00\x02\x01\x91\x02", [1, [2]]),
])  # fmt: skip
def test_a_list_is_a_list_without_its_order_marker(value, expected):
    assert packed(LIST, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    (b"\x80", {}),
    (b"\x82\xc7\x00\x01\xc0\xa2\x03a\x03", {"a": 3}),
    (b"\x82\x01\xa2\x03x\xa3\x04ab\x81\x02\x03", {1: "x", b"ab": {2: 3}}),
    (b"\x83\xc7\x00\x08\xc0\xa2\x03b\x01\xa2\x03a\x02", [("b", 1), ("a", 2)]),
    (b"\x81\x92\x01\x91\x02\x05", {(1, (2,)): 5}),
    (b"\x81\x81\x01\x02\x05", {((1, 2),): 5}),
])  # fmt: skip
def test_a_map_is_a_dict_and_its_keys_are_hashable(value, expected):
    assert packed(MAP, value) == expected


def nested(depth):
    return b"\x91" * depth + b"\x90"


def test_nesting_is_read_up_to_its_limit():
    value, depth = packed(LIST, nested(63)), 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 63


CORRUPT = {
    "an int of 9 bytes": (INTEGER, b"\0" * 9),
    "an int of no bytes": (INTEGER, b""),
    "a float of 4 bytes": (FLOAT, b"\0" * 4),
    "a bool of 2 bytes": (BOOL, b"\0\0"),
    "a list without bytes": (LIST, b""),
    "a list that ends early": (LIST, b"\x92\x01"),
    "a list with more behind it": (LIST, b"\x91\x01\x02"),
    "a list of four billion": (LIST, b"\xdd\xff\xff\xff\xff"),
    "a map instead of a list": (LIST, b"\x80"),
    "a list instead of a map": (MAP, b"\x90"),
    "a map that ends in a key": (MAP, b"\x81\x01"),
    "a map of four billion": (MAP, b"\xdf\xff\xff\xff\xff"),
    "an unused head byte": (LIST, b"\x91\xc1"),
    "a string that ends early": (LIST, b"\x91\xa5\x03ab"),
    "a stray extension": (LIST, b"\x92\x01\xd4\xff\x00"),
    "nesting without end": (LIST, nested(100_000)),
    "a map nested in keys without end": (MAP, b"\x81" * 100_000),
    "GeoJSON without a header": (GEOJSON, b"\0"),
    "GeoJSON with too few cells": (GEOJSON, b"\0\xff\xff{}"),
    "a type nobody knows": (99, b"x"),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_bytes_the_protocol_forbids_are_an_error_and_no_crash(name):
    result = batch(Row("k", (integer("good", 1), op("v", *CORRUPT[name]))))
    for convert in (result.to_dict, result.to_list, lambda: result.batch_records[0].record):
        with pytest.raises(aerospike_py.ClusterError, match="protocol does not allow"):
            convert()
    assert result.found_count() == 1


@pytest.mark.parametrize("length", [0, 3, 20, 2**31 - 1])
def test_an_operation_that_overruns_its_message_is_an_error(length):
    broken = struct.pack(">I", length) + integer("v", 1)[4:]
    with pytest.raises(aerospike_py.ClusterError):
        batch(Row("k", (broken,))).to_list()


@pytest.mark.parametrize("particle", [5, 7, 8, 9, 10, 11, 12, 22])
def test_objects_of_other_languages_are_refused(particle):
    for bins in ((op("v", particle, b"x"),), (op("v", LIST, bytes([0x91, 0xA2, particle]) + b"x"),)):
        with pytest.raises(aerospike_py.RustPanicError, match=f"particle type {particle}"):
            bins_of(*bins)


def test_a_row_that_cannot_be_decoded_spoils_no_other_form():
    result = batch(Row("bad", (op("v", 9, b"x"),)), Row("good", (integer("v", 1),)))
    with pytest.raises(aerospike_py.RustPanicError):
        result.to_dict()
    assert result.release_cache() is None
    assert result.batch_records[1].record[2] == {"v": 1}
    assert result.all_user_keys() == ["bad", "good"]


def test_bin_names_may_be_anything_the_wire_holds():
    names = ["", "é" * 7, "a b", "x" * 15]
    assert bins_of(*(integer(name, 1) for name in names)) == dict.fromkeys(names, 1)
    long_name = "n" * 200  # no server sends it; it is still only a name
    assert bins_of(integer(long_name, 2)) == {long_name: 2}


def test_rows_with_other_bins_at_the_same_place_are_kept_apart():
    rows = [Row(n, (integer(f"a{n % 3}", n), text("s" if n % 2 else "t", str(n)))) for n in range(30)]
    assert batch(*rows).to_list() == [{f"a{n % 3}": n, "s" if n % 2 else "t": str(n)} for n in range(30)]


def test_more_bins_than_are_remembered_by_place():
    names = [f"bin{n}" for n in range(200)]
    row = tuple(integer(name, n) for n, name in enumerate(names))
    expected = {name: n for n, name in enumerate(names)}
    assert batch(Row(1, row), Row(2, row)).to_list() == [expected, expected]


def test_more_bin_names_than_the_table_holds():
    """In a process of its own, because the names that fill the table stay in it."""
    script = """
from fixtures.rows import bins_of, integer
for start in range(0, 6000, 100):
    names = [f"t{start + n}" for n in range(100)]
    for _ in range(2):
        assert bins_of(*(integer(name, 0) for name in names)) == dict.fromkeys(names, 0), start
"""
    paths = os.pathsep.join(each for each in sys.path if each)
    environment = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_bin_names_are_interned():
    (first,), (second,) = bins_of(integer("shared_name", 1)), bins_of(integer("shared_name", 2))
    assert first is second is sys.intern("shared_name")


# ---- pickles and memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [
    (), (1,), (2, b"", (), (), b"", b"", (), None), (1, b"", (), (), b"", b"", (), None, 0),
    (2, b"\0" * 24, (), ("k",), b"\0" * 20, b"", (), None, 0),
    (2, b"\0" * 23, (b"",), ("k",), b"\0" * 20, b"", (("n", "s"),), None, 0),
    (2, b"\0" * 24, (b"",), ("k",), b"\0" * 19, b"", (("n", "s"),), None, 0),
    (2, b"\0" * 24, (b"",), (), b"", b"", (("n", "s"),), None, 0),
    (2, struct.pack("@IIIHHhHHxx", 9, 1, 0, 0, 1, 0, 1, 0), (b"",), ("k",), b"\0" * 20, b"", (("n", "s"),), None, 0),
    (2, struct.pack("@IIIHHhHHxx", 1, 2, 0, 0, 1, 0, 1, 0), (b"12",), ("k",), b"\0" * 20, b"", (("n", "s"),), None, 0),
    (2, struct.pack("@IIIHHhHHxx", 0, 5, 0, 7, 1, 0, 1, 0), (b"",), ("k",), b"\0" * 20, b"", (("n", "s"),), None, 0),
    (2, b"\0" * 24, (b"",), ("k",), b"\0" * 20, b"\5\0\0\0", (("n", "s"),), None, 0),
    (2, b"\0" * 24, (1,), ("k",), b"\0" * 20, b"", (("n", "s"),), None, 0),
    (2, b"\0" * 24, (b"",), ("k",), b"\0" * 20, b"", ("ns",), None, 0),
    (2, b"\0" * 24, (b"",), ("k",), b"\0" * 20, b"", (("n", "s"),), 5, 0),
])  # fmt: skip
def test_a_pickle_that_does_not_add_up_is_refused(state):
    with pytest.raises((TypeError, ValueError)):
        aerospike_py.LazyBatchRecords._restore(*state)


def collections():
    return (op("l", LIST, b"\x93\x01\xa2\x03x\xc0"), op("m", MAP, b"\x81\xa2\x03a\xa3\x04ab"), text("t", "x" * 80))


def test_conversions_leave_nothing_behind():
    """Memory after many conversions, good and failing ones, is what it was after a few."""
    good = [Row(f"key{n}", (integer("i", n + 1000), *collections())) for n in range(50)]
    result, broken = batch(*good), batch(*good, Row("bad", (op("v", LIST, b"\x92\x01"),)))

    def work():
        for _ in range(20):
            result.release_cache()
            result.to_dict(), result.to_dict(by="key"), result.by_set(), result.to_list(), list(result.iter_records())
            [record.record for record in result.batch_records]
            for convert in (broken.to_dict, broken.to_list):
                with pytest.raises(aerospike_py.ClusterError):
                    convert()
        gc.collect()

    work()
    tracemalloc.start()
    try:
        work()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            work()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 10_000


def test_a_result_that_holds_itself_is_collected():
    class Key(str):
        """A user key with room for attributes."""

    key = Key("k")
    key.owner = batch(Row(key, (integer("v", 1),)))
    key.owner.to_dict()["k"]["cycle"] = key.owner
    before = sum(type(each) is aerospike_py.LazyBatchRecords for each in gc.get_objects())
    del key
    gc.collect()
    after = sum(type(each) is aerospike_py.LazyBatchRecords for each in gc.get_objects())
    assert after == before - 1


def test_a_finalizer_that_meddles_with_a_result_does_no_harm():
    """The collector runs during conversions, and what it frees may run any code, on the very same result."""

    class Meddler:
        def __init__(self):
            self.me = self

        def __del__(self):
            result.release_cache()
            result.to_list()

    result = batch(*(Row(f"key{n}", collections()) for n in range(200)))
    expected = result.to_list()
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(5):
            Meddler()
            assert list(result.to_dict().values()) == expected
            result.release_cache()
    finally:
        gc.set_threshold(*threshold)
