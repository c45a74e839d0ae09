"""Several operations on one record at once."""

import pytest

import aerospike_py
from aerospike_py import (
    OPERATOR_APPEND,
    OPERATOR_DELETE,
    OPERATOR_INCR,
    OPERATOR_PREPEND,
    OPERATOR_READ,
    OPERATOR_TOUCH,
    OPERATOR_WRITE,
    BinTuple,
    OperateOrderedResult,
    Record,
)


def op(code, bin=None, **rest):
    """An operation dict; `bin` is left out when it is None."""
    return {"op": code} | ({} if bin is None else {"bin": bin}) | rest


def test_writes_and_reads_happen_in_order(face, key):
    record = face.operate(key, [
        op(OPERATOR_WRITE, "a", val=1),
        op(OPERATOR_INCR, "a", val=2),
        op(OPERATOR_WRITE, "s", val="mid"),
        op(OPERATOR_APPEND, "s", val=">"),
        op(OPERATOR_PREPEND, "s", val="<"),
        op(OPERATOR_READ, "a"),
        op(OPERATOR_READ, "s"),
    ])  # fmt: skip
    assert type(record) is Record
    assert record.bins == {"a": 3, "s": "<mid>"}
    assert record.key[:3] == key
    assert record.meta.gen == 1
    assert face.get(key).bins == {"a": 3, "s": "<mid>"}


def test_increment_then_read_gives_the_number(face, key):
    face.put(key, {"a": 1})
    record = face.operate(key, [op(OPERATOR_INCR, "a", val=2), op(OPERATOR_READ, "a")])
    assert record.bins == {"a": 3}


def test_writes_alone_return_no_bins(face, key):
    record = face.operate(key, [op(OPERATOR_WRITE, "a", val=1)])
    assert record.bins == {}
    assert record.meta.gen == 1


def test_reads_alone_write_nothing(face, key):
    face.put(key, {"a": 1, "b": 2})
    record = face.operate(key, [op(OPERATOR_READ, "a"), op(OPERATOR_READ, "absent", val=None)])
    assert {name: value for name, value in record.bins.items() if value is not None} == {"a": 1}
    assert face.exists(key).meta.gen == 1


def test_increment_without_a_value_adds_one(face, key):
    face.operate(key, [op(OPERATOR_INCR, "a"), op(OPERATOR_INCR, "a", val=None)])
    assert face.get(key).bins == {"a": 2}


def test_increment_by_no_number_is_a_type_error(face, key):
    with pytest.raises(TypeError):
        face.operate(key, [op(OPERATOR_INCR, "a", val="1")])
    assert face.exists(key).meta is None


def test_touch_and_delete_need_no_bin(face, key):
    face.put(key, {"a": 1})
    face.operate(key, [op(OPERATOR_TOUCH)], meta={"ttl": 800})
    assert 795 <= face.exists(key).meta.ttl <= 800
    face.operate(key, [op(OPERATOR_DELETE)])
    assert face.exists(key).meta is None


def test_touch_and_delete_may_name_a_bin(face, key):
    face.put(key, {"a": 1})
    face.operate(key, [op(OPERATOR_TOUCH, "", val=None)])
    assert face.exists(key).meta.gen == 2
    face.operate(key, [op(OPERATOR_DELETE, "")])
    assert face.exists(key).meta is None


def test_delete_then_write_starts_afresh(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.operate(key, [op(OPERATOR_DELETE), op(OPERATOR_WRITE, "c", val=3)])
    assert face.get(key).bins == {"c": 3}


def test_all_operations_happen_or_none(face, key):
    face.put(key, {"s": "text"})
    with pytest.raises(aerospike_py.BinTypeError):
        face.operate(key, [op(OPERATOR_WRITE, "a", val=1), op(OPERATOR_INCR, "s", val=1)])
    assert face.get(key).bins == {"s": "text"}


def test_read_of_a_missing_record_says_so(face, key):
    with pytest.raises(aerospike_py.RecordNotFound):
        face.operate(key, [op(OPERATOR_READ, "a")])


def test_no_operations_are_refused(face, key):
    with pytest.raises((ValueError, aerospike_py.InvalidArgError)):
        face.operate(key, [])


@pytest.mark.parametrize("bad", [
    {"bin": "a"}, {"op": "1", "bin": "a"}, {"op": OPERATOR_READ, "bin": 1}, {"op": OPERATOR_WRITE, "val": 1},
    {"op": 999, "bin": "a"}, "read", None,
])  # fmt: skip
def test_an_operation_of_another_shape_is_refused(unconnected, key, bad):
    with pytest.raises((TypeError, ValueError, KeyError, aerospike_py.InvalidArgError)):
        unconnected.operate(key, [bad])


@pytest.mark.parametrize("ops", [None, 5, "read"])
def test_operations_have_to_be_a_list(unconnected, key, ops):
    with pytest.raises((TypeError, ValueError)):
        unconnected.operate(key, ops)


def test_meta_and_policy_apply(face, key):
    operation = [op(OPERATOR_WRITE, "a", val=1)]
    face.operate(key, operation, {"ttl": 300}, {"exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY})
    assert 295 <= face.exists(key).meta.ttl <= 300
    with pytest.raises(aerospike_py.RecordExistsError):
        face.operate(key, operation, policy={"exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY})


# ---- ordered --------------------------------------------------------------------------------------------------------


def test_ordered_gives_one_result_per_operation_in_order(face, key):
    result = face.operate_ordered(key, [
        op(OPERATOR_WRITE, "b", val=1),
        op(OPERATOR_READ, "b"),
        op(OPERATOR_INCR, "b", val=5),
        op(OPERATOR_READ, "b"),
        op(OPERATOR_WRITE, "a", val="x"),
        op(OPERATOR_READ, "a"),
    ])  # fmt: skip
    assert type(result) is OperateOrderedResult
    assert {type(each) for each in result.ordered_bins} == {BinTuple}
    assert result.ordered_bins == [("b", None), ("b", 1), ("b", None), ("b", 6), ("a", None), ("a", "x")]
    assert result.key[:3] == key
    assert result.meta.gen == 1


def test_ordered_reads_of_one_bin_do_not_collapse(face, key):
    face.put(key, {"a": 1, "b": 2})
    result = face.operate_ordered(key, [op(OPERATOR_READ, name) for name in ("b", "a", "b")])
    assert result.ordered_bins == [("b", 2), ("a", 1), ("b", 2)]


def test_ordered_reads_of_missing_bins_give_none(face, key):
    face.put(key, {"a": 1})
    result = face.operate_ordered(key, [op(OPERATOR_READ, "absent"), op(OPERATOR_READ, "a")])
    assert result.ordered_bins == [("absent", None), ("a", 1)]


def test_ordered_of_a_missing_record_says_so(face, key):
    with pytest.raises(aerospike_py.RecordNotFound):
        face.operate_ordered(key, [op(OPERATOR_READ, "a")])
