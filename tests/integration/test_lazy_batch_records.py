"""The result of `batch_read`: every form it can take, and that none of them disturbs another."""

import pickle
import warnings

import pytest

import aerospike_py
from aerospike_py import LazyBatchRecords


@pytest.fixture
def keys(new_key):
    """Four keys: two found, one missing, one found without being asked for by name."""
    return [new_key() for _ in range(4)]


@pytest.fixture
def result(face, keys):
    """A result of four keys: 0 and 1 found, 2 missing, 3 found by digest only."""
    for number in (0, 1, 3):
        face.put(keys[number], {"n": number, "s": "y" * number})
    digest = face.exists(keys[3]).key.digest
    return face.batch_read([*keys[:3], (keys[3][0], keys[3][1], None, digest)])


def test_the_dict_form_holds_found_records_with_a_user_key(result, keys):
    assert result.to_dict() == {keys[0][2]: {"n": 0, "s": ""}, keys[1][2]: {"n": 1, "s": "y"}}


def test_the_list_form_has_a_slot_for_every_key(result):
    assert result.to_list() == [{"n": 0, "s": ""}, {"n": 1, "s": "y"}, None, {"n": 3, "s": "yyy"}]


def test_changing_a_returned_dict_changes_no_later_one(result, keys):
    first = result.to_dict()
    first.clear()
    second = result.to_dict()
    assert second.keys() == {keys[0][2], keys[1][2]}
    assert second is not result.to_dict()


def test_the_dict_form_is_converted_once(result, keys):
    assert result.to_dict()[keys[0][2]] is result.to_dict()[keys[0][2]]


def test_releasing_the_cache_converts_anew(result, keys):
    before = result.to_dict()
    assert result.release_cache() is None
    after = result.to_dict()
    assert after == before
    assert after[keys[0][2]] is not before[keys[0][2]]


def test_the_list_form_is_not_cached(result):
    assert result.to_list() == result.to_list()
    assert result.to_list()[0] is not result.to_list()[0]


def test_it_behaves_like_a_mapping(result, keys):
    found, other, missing = (key[2] for key in keys[:3])
    assert len(result) == 2
    assert list(result) == [found, other]
    assert found in result
    assert missing not in result
    assert object() not in result
    assert result[other] == {"n": 1, "s": "y"}
    assert result.get(other) == {"n": 1, "s": "y"}
    assert result.get(missing) is None
    assert result.get(missing, "default") == "default"
    assert list(result.keys()) == [found, other]
    assert list(result.values()) == [{"n": 0, "s": ""}, {"n": 1, "s": "y"}]
    assert list(result.items()) == [(found, {"n": 0, "s": ""}), (other, {"n": 1, "s": "y"})]
    with pytest.raises(KeyError) as caught:
        result[missing]
    assert caught.value.args == (missing,)


def test_length_needs_no_conversion_and_collapses_duplicates(face, new_key):
    key, missing = new_key(), new_key()
    face.put(key, {"a": 1})
    result = face.batch_read([key, key, missing])
    assert len(result) == len(result.to_dict()) == 1
    assert result.found_count() == 2


def test_records_stand_in_request_order_with_key_result_and_record(result, keys):
    records = result.batch_records
    assert [record.key[:3] for record in records[:3]] == keys[:3]
    assert all(len(record.key.digest) == 20 for record in records)
    assert [record.result for record in records] == [0, 0, 2, 0]
    assert [record.in_doubt for record in records] == [False] * 4
    key, meta, bins = records[1].record
    assert key[:3] == keys[1]
    assert meta["gen"] == 1
    assert set(meta) == {"gen", "ttl"}
    assert bins == {"n": 1, "s": "y"}
    assert records[2].record is None


def test_iterating_over_records_is_the_same(result):
    iterated = result.iter_records()
    assert iter(iterated) is iterated
    assert [(record.key, record.result) for record in iterated] == [
        (record.key, record.result) for record in result.batch_records
    ]


def test_all_user_keys_are_the_callers_own_objects(face, new_key):
    keys = [new_key(), new_key()]
    face.put(keys[0], {"a": 1})
    result = face.batch_read(keys)
    assert all(given is asked[2] for given, asked in zip(result.all_user_keys(), keys, strict=True))
    assert next(iter(result.to_dict())) is keys[0][2]


def test_merging_gives_one_dict_per_result(face, result, keys):
    other = face.batch_read(keys[1:2])
    empty = face.batch_read([])
    assert LazyBatchRecords.merge_to_dict([result, empty, other]) == [result.to_dict(), {}, other.to_dict()]
    assert LazyBatchRecords.merge_to_dict([]) == []
    with pytest.raises(TypeError):
        LazyBatchRecords.merge_to_dict([{}])


def test_it_cannot_be_made_by_hand():
    with pytest.raises(TypeError):
        LazyBatchRecords()


@pytest.mark.parametrize("gone", ["as_dict", "merge_as_dict"])
def test_the_names_of_older_releases_are_gone(gone):
    assert not hasattr(LazyBatchRecords, gone)


def test_it_outlives_the_client(new_face, face, keys, result):
    short = new_face(face.kind)
    short.connect()
    kept = short.batch_read(keys[:2])
    short.close()
    assert kept.to_list() == [{"n": 0, "s": ""}, {"n": 1, "s": "y"}]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_pickles(result, protocol):
    copy = pickle.loads(pickle.dumps(result, protocol))
    assert type(copy) is LazyBatchRecords
    assert copy.to_dict() == result.to_dict()
    assert copy.to_list() == result.to_list()
    assert [record.key for record in copy.batch_records] == [record.key for record in result.batch_records]
    assert copy.all_user_keys() == result.all_user_keys()


def test_its_records_pickle(result):
    record = result.batch_records[1]
    copy = pickle.loads(pickle.dumps(record))
    assert (copy.key, copy.result, copy.record, copy.in_doubt) == (
        record.key,
        record.result,
        record.record,
        record.in_doubt,
    )


# ---- sets that share user keys --------------------------------------------------------------------------------------


@pytest.fixture
def twins(face, new_key):
    """A result of two records with one user key in two sets, and a third without a twin."""
    key = new_key("left")
    twin = ("test", "right", key[2])
    alone = new_key("right")
    for number, each in enumerate((key, twin, alone)):
        face.put(each, {"n": number})
    return face.batch_read([key, twin, alone]), key[2], alone[2]


def last_wins(result):
    """The dict form of a result with collisions, without the warning that is given once per process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return result.to_dict()


def test_in_the_dict_form_the_last_set_wins(twins):
    result, shared, alone = twins
    assert last_wins(result) == {shared: {"n": 1}, alone: {"n": 2}}


def test_by_key_nothing_collides(twins):
    result, shared, alone = twins
    assert result.to_dict(by="key") == {
        ("test", "left", shared): {"n": 0},
        ("test", "right", shared): {"n": 1},
        ("test", "right", alone): {"n": 2},
    }


def test_by_set_nothing_collides(twins):
    result, shared, alone = twins
    assert result.by_set() == {"left": {shared: {"n": 0}}, "right": {shared: {"n": 1}, alone: {"n": 2}}}


def test_the_list_form_keeps_sets_apart(twins):
    assert [slot["n"] for slot in twins[0].to_list()] == [0, 1, 2]


def test_an_unknown_form_is_a_value_error(result):
    with pytest.raises(ValueError, match="by"):
        result.to_dict(by="colour")


def test_a_collision_warns_once_per_process(hosts):
    """In a process of its own, because other tests may have used up the one warning."""
    import subprocess
    import sys

    script = f"""
import warnings, aerospike_py
with aerospike_py.client({{"hosts": {hosts!r}}}).connect() as client:
    keys = [("test", name, "collision") for name in ("left", "right")]
    for key in keys:
        client.put(key, {{"a": 1}})
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client.batch_read(keys).to_dict()
            client.batch_read(keys).to_dict(by="key")
            client.batch_read(keys).to_list()
        print([(each.category.__name__, "by_set" in str(each.message)) for each in caught])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[('UserWarning', True)]\n[]\n", "")


# ---- conversions that cannot succeed --------------------------------------------------------------------------------


def test_unhashable_lookups_are_a_type_error(result):
    with pytest.raises(TypeError):
        result[[]]
    with pytest.raises(TypeError):
        result.get([])


def test_results_of_two_calls_share_nothing(face, key):
    face.put(key, {"v": [1]})
    first, second = face.batch_read([key]), face.batch_read([key])
    first.to_dict()[key[2]]["v"].append(2)
    assert second.to_dict()[key[2]] == {"v": [1]}


def test_the_class_is_the_same_for_both_faces(face, key):
    assert type(face.batch_read([key])) is aerospike_py.LazyBatchRecords


def test_keys_of_records_have_their_digests_whoever_gave_them(face, new_key):
    by_key, by_digest = new_key(), new_key()
    for key in (by_key, by_digest):
        face.put(key, {"a": 1})
    expected = [face.get(key).key.digest for key in (by_key, by_digest)]
    plain = face.batch_read([by_key, by_digest])
    given = face.batch_read([by_key, (*by_digest[:2], None, expected[1])])
    assert [record.key.digest for record in plain.batch_records] == expected
    assert [record.key.digest for record in given.batch_records] == expected
    assert [record.key.digest for record in pickle.loads(pickle.dumps(plain)).batch_records] == expected
