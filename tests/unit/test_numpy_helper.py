"""`NumpyBatchRecords`, and the plain helper that fills one bin by bin."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from aerospike_py import BatchRecord, Record, RecordMetadata
from aerospike_py.numpy_batch import NumpyBatchRecords, _batch_records_to_numpy

DTYPE = np.dtype([("n", "i4"), ("s", "S4"), ("v", "f4", (2,))])
KEYS = [("test", "demo", "a"), ("test", "demo", "b")]


def batch(*records):
    """A result of native-like records: `(key, {'gen', 'ttl'}, bins)`, or a code for a failure."""
    return SimpleNamespace(
        batch_records=[
            SimpleNamespace(result=record, record=None)
            if isinstance(record, int)
            else SimpleNamespace(result=0, record=(None, {"gen": 3, "ttl": 60}, record))
            for record in records
        ]
    )


def test_bins_become_fields_and_failures_zeros():
    vector = np.array([1.5, 2.5], "f4")
    arrays = _batch_records_to_numpy(batch({"n": 7, "s": "text", "v": vector.tobytes()}, 2), DTYPE, KEYS)
    assert arrays.batch_records["n"].tolist() == [7, 0]
    assert arrays.batch_records["s"].tolist() == [b"text", b""]
    assert arrays.batch_records["v"].tolist() == [[1.5, 2.5], [0.0, 0.0]]
    assert arrays.meta.tolist() == [(3, 60), (0, 0)]
    assert arrays.result_codes.tolist() == [0, 2]
    assert arrays.get("b")["n"] == 0


def test_named_tuples_are_read_like_native_records():
    record = BatchRecord(None, 0, Record(None, RecordMetadata(5, 9), {"n": 1}))
    arrays = _batch_records_to_numpy(SimpleNamespace(batch_records=[record]), DTYPE, KEYS)
    assert arrays.meta.tolist() == [(5, 9)]


def test_the_class_has_no_room_for_more():
    assert set(NumpyBatchRecords.__slots__) == {"_map", "batch_records", "meta", "result_codes"}
    arrays = _batch_records_to_numpy(batch(2), DTYPE, KEYS)
    with pytest.raises(AttributeError):
        arrays.surplus = 1


def test_rows_are_found_counted_and_shown():
    arrays = _batch_records_to_numpy(batch({"n": 1}, 2), DTYPE, KEYS)
    assert len(arrays) == 2
    assert [int(row["n"]) for row in arrays] == [1, 0]
    assert "a" in arrays
    assert "c" not in arrays
    assert repr(arrays) == "NumpyBatchRecords(count=2, ok=1, fields=['n', 's', 'v'])"
    with pytest.raises(KeyError, match=r"'c' not found in NumpyBatchRecords \(2 known keys\)"):
        arrays.get("c")


def test_arrays_pickle():
    arrays = _batch_records_to_numpy(batch({"n": 1}, 2), DTYPE, KEYS)
    copy = pickle.loads(pickle.dumps(arrays))
    assert copy.batch_records.tobytes() == arrays.batch_records.tobytes()
    assert copy._map == arrays._map


@pytest.mark.parametrize("keys", [[], [("test", "demo")], [("test", "demo", None, b"\0" * 20)]])
def test_a_missing_key_is_replaced_by_the_row_number(keys):
    with pytest.warns(UserWarning, match="row 0"):
        arrays = _batch_records_to_numpy(batch({"n": 5}), DTYPE, keys)
    assert arrays.get(0)["n"] == 5


def test_of_equal_keys_the_later_row_wins():
    with pytest.warns(UserWarning, match="'a' occurs more than once"):
        arrays = _batch_records_to_numpy(batch({"n": 1}, {"n": 2}), DTYPE, [KEYS[0], KEYS[0]])
    assert arrays.get("a")["n"] == 2


def test_strict_warns_of_what_does_not_match():
    with pytest.warns(UserWarning, match="dtype") as caught:
        _batch_records_to_numpy(batch({"n": 1, "surplus": 2}), DTYPE, KEYS, strict=True)
    assert sorted(str(each.message) for each in caught) == [
        "no record has the bins ['s', 'v'] of the dtype",
        "the dtype lacks the bins ['surplus']",
    ]


@pytest.mark.parametrize(("bins", "error"), [({"n": "text"}, ValueError), ({"n": [1]}, (TypeError, ValueError))])
def test_a_value_that_does_not_fit_says_where(bins, error):
    with pytest.raises(error, match=r"field 'n' of row 0 \(key 'a'\)"):
        _batch_records_to_numpy(batch(bins), DTYPE, KEYS)


@pytest.mark.parametrize(("dtype", "text"), [
    (np.dtype([("s", "U4")]), "dtype field 's' must be numeric (int/float) or fixed-length bytes, got <U4 (kind='U')"),
    (np.dtype([("o", "O")]), "kind='O'"),
    (np.dtype([("r", [("x", "i4")])]), "nested record"),
    (np.dtype("i4"), "named fields"),
    ([("n", "i4")], "numpy.dtype"),
])  # fmt: skip
def test_a_dtype_that_bins_cannot_fill_is_a_type_error(dtype, text):
    with pytest.raises(TypeError) as caught:
        _batch_records_to_numpy(batch(), dtype, [])
    assert text in str(caught.value)
