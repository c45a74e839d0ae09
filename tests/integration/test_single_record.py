"""Reads and writes of one record, on both faces."""

import pytest

import aerospike_py
from aerospike_py import AerospikeKey, ExistsResult, Record, RecordMetadata

DIGEST_OF_ALICE = bytes.fromhex("da59d2c81357e4165b50cef5f1feaa053ae7fdf9")


def test_get_returns_what_put_wrote(face, key):
    assert face.put(key, {"name": "Ada", "born": 1815}) is None

    record = face.get(key)

    assert type(record) is Record
    assert record.bins == {"name": "Ada", "born": 1815}
    assert type(record.key) is AerospikeKey
    assert record.key[:3] == key
    assert len(record.key.digest) == 20
    assert type(record.meta) is RecordMetadata
    assert record.meta.gen == 1


def test_a_record_unpacks_into_key_meta_and_bins(face, key):
    face.put(key, {"a": 1})
    (namespace, set_name, user_key, _), (gen, _), bins = face.get(key)
    assert (namespace, set_name, user_key, gen, bins) == (*key, 1, {"a": 1})


def test_get_of_a_missing_record_says_so(face, key):
    with pytest.raises(aerospike_py.RecordNotFound) as caught:
        face.get(key)
    assert caught.value.result_code == 2
    assert str(caught.value).startswith("AEROSPIKE_ERR (2): ")


def test_put_adds_bins_and_replaces_values(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"b": 3, "c": 4})
    assert face.get(key).bins == {"a": 1, "b": 3, "c": 4}


def test_every_write_adds_one_to_the_generation(face, key):
    for expected in (1, 2, 3):
        face.put(key, {"a": expected})
        assert face.get(key).meta.gen == expected


def test_put_of_none_deletes_the_bin(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"a": None})
    assert face.get(key).bins == {"b": 2}


def test_put_of_none_in_every_bin_deletes_the_record(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"a": None, "b": None})
    assert face.exists(key).meta is None


def test_select_reads_the_named_bins_in_the_order_asked_for(face, key):
    face.put(key, {"a": 1, "b": 2, "c": 3})
    record = face.select(key, ["c", "a", "absent"])
    assert list(record.bins.items()) == [("c", 3), ("a", 1)]


def test_select_of_a_missing_record_says_so(face, key):
    with pytest.raises(aerospike_py.RecordNotFound):
        face.select(key, ["a"])


def test_exists_returns_metadata_without_bins(face, key):
    face.put(key, {"a": 1})
    result = face.exists(key)
    assert type(result) is ExistsResult
    assert result.key[:3] == key
    assert result.meta.gen == 1


def test_exists_of_a_missing_record_is_no_error(face, key):
    result = face.exists(key)
    assert result.meta is None
    assert result.key[:3] == key


def test_remove_deletes_the_record_once(face, key):
    face.put(key, {"a": 1})
    assert face.remove(key) is None
    assert face.exists(key).meta is None
    with pytest.raises(aerospike_py.RecordNotFound):
        face.remove(key)


def test_touch_sets_the_ttl_and_adds_to_the_generation(face, key):
    face.put(key, {"a": 1})
    assert face.touch(key, 500) is None
    meta = face.exists(key).meta
    assert meta.gen == 2
    assert 495 <= meta.ttl <= 500


def test_touch_of_a_missing_record_says_so(face, key):
    with pytest.raises(aerospike_py.RecordNotFound):
        face.touch(key)


@pytest.mark.parametrize(("before", "part", "appended", "prepended"), [
    ("mid", "-x-", "mid-x-", "-x-mid"),
    ("é", "ü", "éü", "üé"),
    (b"\x00mid", b"\xff", b"\x00mid\xff", b"\xff\x00mid"),
    ("same", "", "same", "same"),
])  # fmt: skip
def test_append_and_prepend_join_values_of_one_type(face, new_key, before, part, appended, prepended):
    first, second = new_key(), new_key()
    face.put(first, {"s": before})
    face.put(second, {"s": before})

    assert face.append(first, "s", part) is None
    assert face.prepend(second, "s", part) is None

    assert face.get(first).bins == {"s": appended}
    assert face.get(second).bins == {"s": prepended}


@pytest.mark.parametrize("method", ["append", "prepend"])
def test_append_and_prepend_create_what_is_missing(face, key, method):
    getattr(face, method)(key, "s", "new")
    assert face.get(key).bins == {"s": "new"}


@pytest.mark.parametrize("method", ["append", "prepend"])
def test_append_and_prepend_refuse_a_bin_of_another_type(face, key, method):
    face.put(key, {"n": 1})
    with pytest.raises(aerospike_py.BinTypeError) as caught:
        getattr(face, method)(key, "n", "text")
    assert caught.value.result_code == 12
    assert face.get(key).bins == {"n": 1}


@pytest.mark.parametrize(("before", "offset", "after"), [
    (10, 5, 15),
    (10, -15, -5),
    (10, 0, 10),
    (1.5, 0.25, 1.75),
    (2**62, 2**62 - 1, 2**63 - 1),
])  # fmt: skip
def test_increment_adds(face, key, before, offset, after):
    face.put(key, {"n": before})
    assert face.increment(key, "n", offset) is None
    bins = face.get(key).bins
    assert bins == {"n": after}
    assert type(bins["n"]) is type(after)


def test_increment_creates_what_is_missing(face, key):
    face.increment(key, "n", 7)
    assert face.get(key).bins == {"n": 7}


@pytest.mark.parametrize("offset", [1, 1.0])
def test_increment_refuses_a_bin_that_is_no_number(face, key, offset):
    face.put(key, {"s": "text"})
    with pytest.raises(aerospike_py.BinTypeError):
        face.increment(key, "s", offset)


def test_increment_refuses_an_offset_that_is_no_number(face, key):
    with pytest.raises(TypeError):
        face.increment(key, "n", "1")
    assert face.exists(key).meta is None


def test_remove_bin_deletes_the_named_bins(face, key):
    face.put(key, {"a": 1, "b": 2, "c": 3})
    assert face.remove_bin(key, ["a", "c"]) is None
    assert face.get(key).bins == {"b": 2}


def test_removing_the_last_bin_removes_the_record(face, key):
    face.put(key, {"a": 1})
    face.remove_bin(key, ["a"])
    assert face.exists(key).meta is None


def test_digests_are_those_of_the_protocol(face):
    assert face.exists(("test", "users", "alice")).key.digest == DIGEST_OF_ALICE


def test_a_record_is_found_by_its_digest(face, key):
    face.put(key, {"a": 1})
    digest = face.exists(key).key.digest

    record = face.get((key[0], key[1], None, digest))

    assert record.bins == {"a": 1}
    assert record.key == (key[0], key[1], None, digest)


def test_keyword_arguments_carry_the_names_of_the_contract(face, key):
    face.put(key=key, bins={"a": "x", "n": 1}, meta=None, policy=None)
    face.append(key=key, bin="a", val="y", meta=None, policy=None)
    face.prepend(key=key, bin="a", val="w", meta={}, policy={})
    face.increment(key=key, bin="n", offset=2, meta=None, policy=None)
    face.touch(key=key, val=0, meta=None, policy=None)
    assert face.get(key=key, policy=None).bins == {"a": "wxy", "n": 3}
    assert face.select(key=key, bins=["n"], policy=None).bins == {"n": 3}
    assert face.exists(key=key, policy=None).meta.gen == 5
    face.remove_bin(key=key, bin_names=["n"], meta=None, policy=None)
    face.remove(key=key, meta=None, policy=None)
    assert face.exists(key).meta is None


@pytest.mark.parametrize(("method", "arguments"), [
    ("get", 0), ("put", 1), ("select", 1), ("increment", 2), ("operate", 1),
])  # fmt: skip
def test_missing_arguments_are_a_type_error(face, key, method, arguments):
    with pytest.raises(TypeError):
        getattr(face, method)(*(key, "bin")[:arguments])


@pytest.mark.parametrize("method", ["get", "exists", "remove"])
def test_unknown_keyword_arguments_are_a_type_error(face, key, method):
    with pytest.raises(TypeError):
        getattr(face, method)(key, polcy={})
