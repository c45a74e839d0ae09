"""Batches as NumPy arrays, both ways."""

import pickle
import threading
import time

import numpy as np
import pytest

import aerospike_py
from aerospike_py import BatchRetryInfo, BatchWriteResult
from aerospike_py.numpy_batch import NumpyBatchRecords, _batch_records_to_numpy


@pytest.fixture
def keys(face, new_key):
    """Three keys: 0 and 2 written with one bin of each kind, 1 missing."""
    keys = [new_key() for _ in range(3)]
    for number in (0, 2):
        bins = {"i": -number - 1, "u": 2**32 + number, "f": number + 0.5, "s": f"text{number}", "v": b"\x01\x00\x02"}
        face.put(keys[number], bins, {"ttl": 1000})
    return keys


EVERY_KIND = np.dtype([("i", "i8"), ("u", "u8"), ("f", "f8"), ("s", "S8"), ("v", "V4")])


def test_rows_stand_in_request_order_with_zeros_for_what_is_missing(face, keys):
    arrays = face.batch_read(keys).to_numpy(EVERY_KIND)
    assert type(arrays) is NumpyBatchRecords
    assert arrays.batch_records.dtype == EVERY_KIND
    assert arrays.batch_records.flags["C_CONTIGUOUS"]
    assert arrays.batch_records["i"].tolist() == [-1, 0, -3]
    assert arrays.batch_records["u"].tolist() == [2**32, 0, 2**32 + 2]
    assert arrays.batch_records["f"].tolist() == [0.5, 0.0, 2.5]
    assert arrays.batch_records["s"].tolist() == [b"text0", b"", b"text2"]
    assert [bytes(value) for value in arrays.batch_records["v"]] == [b"\x01\0\x02\0", b"\0\0\0\0", b"\x01\0\x02\0"]


def test_metadata_and_codes_stand_beside_the_rows(face, keys):
    arrays = face.batch_read(keys).to_numpy(EVERY_KIND)
    assert arrays.meta.dtype == np.dtype([("gen", "u4"), ("ttl", "u4")])
    assert arrays.meta["gen"].tolist() == [1, 0, 1]
    assert arrays.meta["ttl"][1] == 0
    assert 990 <= arrays.meta["ttl"][0] <= 1000
    assert arrays.result_codes.dtype == np.int32
    assert arrays.result_codes.tolist() == [0, 2, 0]


def test_rows_are_found_by_user_key(face, keys):
    arrays = face.batch_read(keys).to_numpy(EVERY_KIND)
    assert arrays.get(keys[2][2])["i"] == -3
    assert arrays.get(keys[1][2])["i"] == 0
    assert keys[1][2] in arrays
    assert "unknown" not in arrays
    with pytest.raises(KeyError, match=r"not found in NumpyBatchRecords.*3"):
        arrays.get("unknown")


def test_length_iteration_and_repr_are_those_of_rows(face, keys):
    arrays = face.batch_read(keys).to_numpy(np.dtype([("i", "i4"), ("f", "f4")]))
    assert len(arrays) == 3
    assert [row["i"] for row in arrays] == [-1, 0, -3]
    assert repr(arrays) == "NumpyBatchRecords(count=3, ok=2, fields=['i', 'f'])"


@pytest.mark.parametrize(("kind", "expected"), [
    ("i1", np.int64(300).astype("i1")), ("u1", 44), ("i2", 300), ("u2", 300), ("i4", 300), ("u4", 300), ("i8", 300),
    (">i4", 300), (">u2", 300), (">i8", 300),
])  # fmt: skip
def test_integers_wrap_to_the_width_of_the_field(face, key, kind, expected):
    face.put(key, {"n": 300})
    (value,) = face.batch_read([key]).to_numpy(np.dtype([("n", kind)])).batch_records["n"]
    assert value == expected


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", ">f8"])
def test_floats_narrow_to_the_width_of_the_field(face, key, kind):
    face.put(key, {"n": 1.1})
    (value,) = face.batch_read([key]).to_numpy(np.dtype([("n", kind)])).batch_records["n"]
    assert value == np.array([1.1]).astype(kind)[0]


@pytest.mark.parametrize(("kind", "value", "expected"), [
    ("S3", "abcdef", b"abc"), ("S8", "abc", b"abc"), ("S3", b"abcdef", b"abc"), ("S4", "éé", "éé".encode()),
])  # fmt: skip
def test_text_and_blobs_are_cut_or_padded(face, key, kind, value, expected):
    face.put(key, {"s": value})
    assert face.batch_read([key]).to_numpy(np.dtype([("s", kind)])).batch_records["s"].tolist() == [expected]


def test_a_sub_array_is_a_copy_of_a_blob(face, key):
    vector = np.arange(128, dtype="f4")
    face.put(key, {"v": vector.tobytes(), "short": b"\x01\x02"})
    dtype = np.dtype([("v", "f4", (128,)), ("short", "u1", (2, 2))])
    arrays = face.batch_read([key]).to_numpy(dtype)
    assert arrays.batch_records["v"][0].tolist() == vector.tolist()
    assert arrays.batch_records["short"][0].tolist() == [[1, 2], [0, 0]]


def test_missing_bins_are_zero_and_surplus_bins_ignored(face, key):
    face.put(key, {"a": 1, "surplus": "x"})
    arrays = face.batch_read([key]).to_numpy(np.dtype([("a", "i4"), ("absent", "f8")]))
    assert arrays.batch_records.tolist() == [(1, 0.0)]


def test_fields_may_have_offsets_and_gaps(face, key):
    face.put(key, {"a": 1, "b": 2.5})
    dtype = np.dtype({"names": ["b", "a"], "formats": ["f8", "i4"], "offsets": [16, 4], "itemsize": 32})
    arrays = face.batch_read([key]).to_numpy(dtype)
    assert arrays.batch_records.dtype == dtype
    assert (arrays.batch_records["a"][0], arrays.batch_records["b"][0]) == (1, 2.5)


def test_a_digest_only_row_is_filled_but_not_in_the_map(face, key):
    face.put(key, {"a": 7})
    digest = face.exists(key).key.digest
    arrays = face.batch_read([(key[0], key[1], None, digest)]).to_numpy(np.dtype([("a", "i4")]))
    assert arrays.batch_records["a"].tolist() == [7]
    assert key[2] not in arrays


def test_no_keys_give_arrays_of_length_zero(face):
    arrays = face.batch_read([]).to_numpy(EVERY_KIND)
    assert [len(each) for each in (arrays.batch_records, arrays.meta, arrays.result_codes)] == [0, 0, 0]
    assert len(arrays) == 0
    assert repr(arrays).startswith("NumpyBatchRecords(count=0, ok=0")


@pytest.mark.parametrize(("dtype", "text"), [
    (np.dtype([("s", "U4")]), "dtype field 's' must be numeric (int/float) or fixed-length bytes, got <U4 (kind='U')"),
    (np.dtype([("o", "O")]), "kind='O'"),
    (np.dtype([("c", "c16")]), "kind='c'"),
    (np.dtype([("t", "M8[s]")]), "kind='M'"),
    (np.dtype([("b", "?")]), "kind='b'"),
    ([("a", "i4")], ""),
    ("i4", ""),
    (np.int32, ""),
    (np.dtype("i4"), ""),
    (None, ""),
])  # fmt: skip
def test_a_dtype_that_bins_cannot_fill_is_a_type_error(face, keys, dtype, text):
    with pytest.raises(TypeError) as caught:
        face.batch_read(keys).to_numpy(dtype)
    assert text in str(caught.value)


def test_a_value_that_does_not_fit_its_field_leaves_the_result_usable(face, key):
    """Whether text in a number field is an error or a zero, nothing else suffers."""
    face.put(key, {"a": "text", "b": 5})
    result = face.batch_read([key])
    try:
        outcome = result.to_numpy(np.dtype([("a", "i4"), ("b", "i4")])).batch_records.tolist()
    except (TypeError, ValueError, aerospike_py.AerospikeError) as error:
        outcome = str(error)
    assert outcome == [(0, 5)] or "'a'" in outcome
    assert result.to_dict() == {key[2]: {"a": "text", "b": 5}}


def test_the_arrays_agree_with_the_plain_helper(face, keys):
    result = face.batch_read(keys)
    fast = result.to_numpy(EVERY_KIND)
    plain = _batch_records_to_numpy(result, EVERY_KIND, keys)
    assert fast.batch_records.tobytes() == plain.batch_records.tobytes()
    assert fast.meta.tolist() == plain.meta.tolist()
    assert fast.result_codes.tolist() == plain.result_codes.tolist()
    assert {key[2]: key[2] in fast for key in keys} == {key[2]: key[2] in plain for key in keys}


def test_the_arrays_pickle_and_outlive_the_result(face, keys):
    arrays = face.batch_read(keys).to_numpy(EVERY_KIND)
    copy = pickle.loads(pickle.dumps(arrays))
    assert copy.batch_records.tolist() == arrays.batch_records.tolist()
    assert copy.get(keys[0][2]) == arrays.get(keys[0][2])


def test_other_threads_run_while_arrays_are_filled(client, new_key):
    """A thread that counts keeps a good part of its pace: the GIL is free while rows are copied."""
    keys = [new_key("wide") for _ in range(3000)]
    blob = b"x" * 2000
    for start in range(0, len(keys), 500):
        client.batch_write([(key, {"v": blob}) for key in keys[start : start + 500]], {"total_timeout": 20_000})
    result = client.batch_read(keys, policy={"total_timeout": 20_000})
    dtype = np.dtype([("v", "V2000")])
    counter, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counter[0] += 1

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    try:
        before, start = counter[0], time.perf_counter()
        while time.perf_counter() - start < 0.3:
            result.to_numpy(dtype)
        assert counter[0] - before > 1000
    finally:
        stop.set()
        thread.join(10)


# ---- writing --------------------------------------------------------------------------------------------------------


def test_each_row_becomes_a_record(face, new_set):
    name = new_set()
    data = np.array([(1, 10, 0.5), (2, 20, 1.5), (-3, -30, np.inf)], dtype=[("_key", "i4"), ("n", "i8"), ("f", "f4")])
    written = face.batch_write_numpy(data, "test", name, data.dtype)
    assert type(written) is BatchWriteResult
    assert [each.result for each in written.batch_records] == [0, 0, 0]
    assert [each.key[:3] for each in written.batch_records] == [("test", name, key) for key in (1, 2, -3)]
    assert [each.record.meta.gen for each in written.batch_records] == [1, 1, 1]
    assert written.retry == BatchRetryInfo()
    found = face.batch_read([("test", name, key) for key in (1, 2, -3)]).to_list()
    assert found == [{"n": 10, "f": 0.5}, {"n": 20, "f": 1.5}, {"n": -30, "f": float("inf")}]


def test_byte_keys_lose_their_padding(face, new_set):
    name = new_set()
    data = np.array([(b"ab", 1), (b"abcd", 2)], dtype=[("_key", "S4"), ("n", "u2")])
    face.batch_write_numpy(data, "test", name, data.dtype)
    assert face.get(("test", name, "ab")).bins == {"n": 1}
    assert face.get(("test", name, b"abcd")).bins == {"n": 2}


def test_bytes_void_and_sub_arrays_are_blobs_of_their_full_width(face, new_set):
    name = new_set()
    dtype = np.dtype([("_key", "i8"), ("s", "S5"), ("v", "V3"), ("a", "f4", (2,))])
    data = np.zeros(1, dtype=dtype)
    data["_key"], data["s"], data["v"], data["a"] = 7, b"ab", b"\x01\x02\x03", [1.0, 2.0]
    face.batch_write_numpy(data, "test", name, dtype)
    assert face.get(("test", name, 7)).bins == {
        "s": b"ab\0\0\0",
        "v": b"\x01\x02\x03",
        "a": np.array([1.0, 2.0], "f4").tobytes(),
    }


def test_fields_with_an_underscore_are_no_bins_but_another_key_field_is(face, new_set):
    name = new_set()
    data = np.array([(5, 6, 7)], dtype=[("id", "i4"), ("_note", "i4"), ("n", "i4")])
    face.batch_write_numpy(data, "test", name, data.dtype, "id")
    assert face.get(("test", name, 5)).bins == {"id": 5, "n": 7}


def test_a_view_with_strides_is_written_row_by_row(face, new_set):
    name = new_set()
    data = np.array([(key, key * 10) for key in range(10)], dtype=[("_key", "i4"), ("n", ">i4")])
    face.batch_write_numpy(data[::-3], "test", name, data.dtype)
    assert face.batch_read([("test", name, key) for key in range(10)]).to_dict() == {
        key: {"n": key * 10} for key in (9, 6, 3, 0)
    }


def test_policy_and_retry_apply(face, new_set):
    name = new_set()
    data = np.array([(1, 1)], dtype=[("_key", "i4"), ("n", "i4")])
    written = face.batch_write_numpy(data, "test", name, data.dtype, policy={"ttl": 600}, retry=2)
    assert written.retry == BatchRetryInfo(1, 3, False, 0)
    assert 595 <= face.exists(("test", name, 1)).meta.ttl <= 600


def test_no_rows_are_an_empty_result(face):
    dtype = np.dtype([("_key", "i4"), ("n", "i4")])
    assert face.batch_write_numpy(np.zeros(0, dtype), "test", "none", dtype) == BatchWriteResult([], BatchRetryInfo())


PAIR = np.dtype([("_key", "i4"), ("n", "i4")])


@pytest.mark.parametrize(("data", "dtype", "key_field"), [
    (np.zeros((2, 2), PAIR), PAIR, "_key"),
    (np.zeros(2, "i4"), np.dtype("i4"), "_key"),
    (np.zeros(2, PAIR), PAIR, "absent"),
    (np.zeros(2, [("_key", "f8"), ("n", "i4")]), np.dtype([("_key", "f8"), ("n", "i4")]), "_key"),
    (np.zeros(2, [("_key", "i4"), ("n", "U4")]), np.dtype([("_key", "i4"), ("n", "U4")]), "_key"),
    (np.zeros(2, [("_key", "i4"), ("n", "O")]), np.dtype([("_key", "i4"), ("n", "O")]), "_key"),
    ([(1, 2)], PAIR, "_key"),
    (None, PAIR, "_key"),
])  # fmt: skip
def test_data_that_cannot_be_written_is_refused(unconnected, data, dtype, key_field):
    with pytest.raises((TypeError, ValueError, KeyError, aerospike_py.InvalidArgError)):
        unconnected.batch_write_numpy(data, "test", "bad", dtype, key_field)


def test_what_was_written_reads_back_as_the_same_array(face, new_set):
    name = new_set()
    rng = np.random.default_rng(7)
    data = np.zeros(500, dtype=[("_key", "i4"), ("i", "i4"), ("f", "f8"), ("v", "V16")])
    data["_key"], data["i"], data["f"] = np.arange(500), rng.integers(-1000, 1000, 500), rng.random(500)
    data["v"] = [rng.bytes(16) for _ in range(500)]
    face.batch_write_numpy(data, "test", name, data.dtype)
    bins = np.dtype([("i", "i4"), ("f", "f8"), ("v", "V16")])
    arrays = face.batch_read([("test", name, int(key)) for key in data["_key"]]).to_numpy(bins)
    for field in bins.names:
        assert arrays.batch_records[field].tobytes() == data[field].tobytes()


def test_the_map_of_keys_behaves_like_the_dict_it_becomes(face, new_key):
    keys = [new_key() for _ in range(3)]
    face.put(keys[0], {"a": 1})
    digest = face.exists(keys[0]).key.digest
    asked = [*keys, (keys[0][0], keys[0][1], None, digest), keys[1]]
    mapping = face.batch_read(asked).to_numpy(np.dtype([("a", "i4")]))._map
    expected = {keys[0][2]: 0, keys[1][2]: 4, keys[2][2]: 2}
    assert mapping == expected
    assert mapping != {}
    assert len(mapping) == 3
    assert list(mapping) == list(expected) == list(mapping.keys())
    assert (mapping[keys[1][2]], mapping.get("unknown", -1)) == (4, -1)
    assert keys[2][2] in mapping
    assert repr(mapping) == repr(expected)
    copy = pickle.loads(pickle.dumps(mapping))
    assert (type(copy), copy) == (dict, expected)
