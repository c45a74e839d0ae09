"""The types of results: tuples that unpack, compare and pickle."""

import pickle

import pytest

from aerospike_py import types

KEY = types.AerospikeKey("test", "demo", "k", b"\x01" * 20)
META = types.RecordMetadata(1, 100)
RECORD = types.Record(KEY, META, {"a": [1, {"b": None}]})
SAMPLES = [
    KEY,
    META,
    RECORD,
    types.ExistsResult(KEY, None),
    types.InfoNodeResult("BB9", 0, "build\t8.1\n"),
    types.BinTuple("a", 1),
    types.OperateOrderedResult(KEY, META, [types.BinTuple("a", 1)]),
    types.BatchRecord(KEY, 0, RECORD),
    types.BatchRetryInfo(2, 3, True, 1),
    types.BatchWriteResult([types.BatchRecord(KEY, 9, None, True)], types.BatchRetryInfo()),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_result_pickles(sample, protocol):
    copy = pickle.loads(pickle.dumps(sample, protocol))
    assert copy == sample
    assert type(copy) is type(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_result_is_a_plain_tuple_with_names(sample):
    """The native module allocates results as tuples, so a class may add no storage and no construction of its own."""
    kind = type(sample)
    assert tuple.__new__(kind, tuple(sample)) == sample
    assert kind.__slots__ == ()
    assert kind.__basicsize__ == tuple.__basicsize__
    assert kind.__init__ is tuple.__init__


def test_defaults_are_those_of_a_call_without_retry():
    assert types.BatchWriteResult([]).retry == (1, 1, False, 0)
    assert types.BatchRecord(KEY, 0, None).in_doubt is False


def test_a_config_needs_hosts_only():
    assert types.ClientConfig.__required_keys__ == {"hosts"}
    assert "max_concurrent_operations" in types.ClientConfig.__optional_keys__
