"""Writing and removing many records in one call: each has its own result, and retries are reported."""

import pytest

import aerospike_py
from aerospike_py import AerospikeKey, BatchRecord, BatchRetryInfo, BatchWriteResult, Record, RecordMetadata


def results_of(written):
    return [each.result for each in written.batch_records]


def test_every_record_has_its_result_in_order(face, new_key):
    keys = [new_key(f"write{number % 3}") for number in range(100)]
    written = face.batch_write([(key, {"n": number}) for number, key in enumerate(keys)])
    assert type(written) is BatchWriteResult
    assert {type(each) for each in written.batch_records} == {BatchRecord}
    assert results_of(written) == [0] * 100
    assert [each.key[:3] for each in written.batch_records] == keys
    assert face.batch_read(keys).to_list() == [{"n": number} for number in range(100)]


def test_a_written_record_carries_its_metadata(face, key):
    face.put(key, {"a": 1})
    (written,) = face.batch_write([(key, {"a": 2}, {"ttl": 700})]).batch_records
    assert type(written.key) is AerospikeKey
    assert len(written.key.digest) == 20
    assert written.in_doubt is False
    assert type(written.record) is Record
    assert type(written.record.meta) is RecordMetadata
    assert written.record.meta.gen == 2


def test_a_call_without_retry_reports_the_default(face, key):
    assert face.batch_write([(key, {"a": 1})]).retry == BatchRetryInfo(1, 1, False, 0)


def test_a_call_with_retry_reports_what_it_needed(face, key):
    assert face.batch_write([(key, {"a": 1})], retry=3).retry == BatchRetryInfo(1, 4, False, 0)


def test_a_refusal_for_good_is_not_retried(face, key):
    face.put(key, {"a": 1})
    written = face.batch_write([(key, {"a": 2}, {"gen": 9})], retry=3)
    assert results_of(written) == [3]
    assert written.retry.attempts == 1


def test_one_refused_record_disturbs_no_other(face, new_key):
    keys = [new_key() for _ in range(3)]
    face.put(keys[1], {"a": 0})
    create = {"exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY}
    written = face.batch_write([(key, {"a": 1}, create) for key in keys])
    assert results_of(written) == [0, 5, 0]
    assert written.batch_records[1].record is None
    assert face.batch_read(keys).to_list() == [{"a": 1}, {"a": 0}, {"a": 1}]


def test_none_deletes_a_bin(face, key):
    face.put(key, {"a": 1, "b": 2})
    assert results_of(face.batch_write([(key, {"a": None})])) == [0]
    assert face.get(key).bins == {"b": 2}


def test_an_empty_list_is_an_empty_result(face):
    assert face.batch_write([]) == BatchWriteResult([], BatchRetryInfo())
    assert face.batch_remove([]) == BatchWriteResult([], BatchRetryInfo())


def test_the_same_key_may_be_written_twice(face, key):
    written = face.batch_write([(key, {"a": 1}), (key, {"b": 2})])
    assert results_of(written) == [0, 0]
    assert face.get(key).bins == {"a": 1, "b": 2}


# ---- metas and policies ---------------------------------------------------------------------------------------------


def test_the_meta_of_a_record_wins_over_the_policy(face, new_key):
    keys = [new_key(), new_key()]
    face.batch_write([(keys[0], {"a": 1}), (keys[1], {"a": 1}, {"ttl": 100})], {"ttl": 2000})
    ttls = [face.exists(key).meta.ttl for key in keys]
    assert 1995 <= ttls[0] <= 2000
    assert 95 <= ttls[1] <= 100


def test_the_policy_holds_the_defaults_of_its_records(face, new_key):
    keys = [new_key(), new_key()]
    face.put(keys[0], {"old": 1})
    written = face.batch_write([(key, {"a": 1}) for key in keys], {"exists": aerospike_py.POLICY_EXISTS_UPDATE_ONLY})
    assert results_of(written) == [0, 2]
    written = face.batch_write([(keys[0], {"b": 2})], {"exists": aerospike_py.POLICY_EXISTS_REPLACE})
    assert results_of(written) == [0]
    assert face.get(keys[0]).bins == {"b": 2}


def test_without_a_policy_records_are_made_and_changed(face, new_key):
    keys = [new_key(), new_key()]
    face.put(keys[0], {"a": 0, "b": 0})
    assert results_of(face.batch_write([(key, {"a": 1}) for key in keys], {})) == [0, 0]
    assert face.batch_read(keys).to_list() == [{"a": 1, "b": 0}, {"a": 1}]


def test_a_generation_in_the_meta_has_to_match(face, key):
    face.put(key, {"a": 1})
    assert results_of(face.batch_write([(key, {"a": 2}, {"gen": 2})])) == [3]
    assert results_of(face.batch_write([(key, {"a": 2}, {"gen": 1})])) == [0]


# ---- records of the wrong shape -------------------------------------------------------------------------------------

KEY = ("test", "contract", "shape")


@pytest.mark.parametrize(("record", "error", "text"), [
    ([KEY, {"a": 1}], TypeError, "must be a tuple"),
    ("record", TypeError, "must be a tuple"),
    ((KEY,), ValueError, "at least 2 elements"),
    ((), ValueError, "at least 2 elements"),
    ((KEY, [("a", 1)]), TypeError, "must be a dict"),
    ((KEY, None), TypeError, "must be a dict"),
    ((KEY, {"a": 1}, 5), TypeError, "meta element must be a dict"),
    ((KEY, {"a": 1}, {"ttl": "x"}), (TypeError, aerospike_py.InvalidArgError), None),
    ((KEY, {"a": {1, 2}}), TypeError, "Unsupported type"),
    ((KEY, {"a": 2**63}), OverflowError, None),
    (("key", {"a": 1}), TypeError, None),
])  # fmt: skip
def test_a_record_of_another_shape_is_refused(unconnected, record, error, text):
    with pytest.raises(error, match=text):
        unconnected.batch_write([record])


def test_a_wrong_record_keeps_the_whole_batch_from_being_sent(face, key):
    with pytest.raises(TypeError):
        face.batch_write([(key, {"a": 1}), (key, {"a": object()})])
    assert face.exists(key).meta is None


@pytest.mark.parametrize("retry", ["1", 1.5, None])
def test_retry_has_to_be_an_int(unconnected, key, retry):
    with pytest.raises(TypeError):
        unconnected.batch_write([(key, {"a": 1})], retry=retry)


def test_retry_cannot_be_negative(unconnected, key):
    with pytest.raises((ValueError, aerospike_py.InvalidArgError)):
        unconnected.batch_write([(key, {"a": 1})], retry=-1)


# ---- removing -------------------------------------------------------------------------------------------------------


def test_remove_tells_for_each_key_whether_it_was_there(face, new_key):
    keys = [new_key() for _ in range(4)]
    face.batch_write([(key, {"a": 1}) for key in keys[:3]])
    removed = face.batch_remove([keys[0], keys[3], keys[1]])
    assert type(removed) is BatchWriteResult
    assert results_of(removed) == [0, 2, 0]
    assert [each.key[:3] for each in removed.batch_records] == [keys[0], keys[3], keys[1]]
    assert face.batch_read(keys, []).to_list() == [None, None, {}, None]


def test_remove_takes_keys_and_pairs_of_key_and_meta(face, new_key):
    keys = [new_key() for _ in range(3)]
    face.batch_write([(key, {"a": 1}) for key in keys])
    removed = face.batch_remove([keys[0], (keys[1], {"gen": 9}), (keys[2], {"gen": 1})])
    assert results_of(removed) == [0, 3, 0]
    assert face.batch_read(keys, []).to_list() == [None, {}, None]


def test_remove_finds_records_by_digest(face, key):
    face.put(key, {"a": 1})
    digest = face.exists(key).key.digest
    assert results_of(face.batch_remove([(key[0], key[1], None, digest)])) == [0]
    assert face.exists(key).meta is None


@pytest.mark.parametrize("bad", ["key", ("test", "demo"), (KEY, 5), [KEY], None])
def test_remove_refuses_what_is_no_key(unconnected, bad):
    with pytest.raises((TypeError, ValueError)):
        unconnected.batch_remove([bad])


def test_remove_has_no_retry(unconnected, key):
    with pytest.raises(TypeError):
        unconnected.batch_remove([key], retry=1)


def test_keyword_arguments_carry_the_names_of_the_contract(face, key):
    assert results_of(face.batch_write(records=[(key, {"a": 1})], policy=None, retry=0)) == [0]
    assert results_of(face.batch_remove(keys=[key], policy=None)) == [0]
