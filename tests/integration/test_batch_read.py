"""Reading many records in one call: what is asked for, what comes back, and in which order."""

import pytest

import aerospike_py


def store(face, keys):
    """Write `{"n": position, "s": "text <position>"}` to each key and return those bins by position."""
    rows = [{"n": number, "s": f"text {number}"} for number in range(len(keys))]
    result = face.batch_write(list(zip(keys, rows, strict=True)))
    assert [each.result for each in result.batch_records] == [0] * len(keys)
    return rows


def test_all_bins_of_all_records(face, new_key):
    keys = [new_key() for _ in range(50)]
    rows = store(face, keys)
    result = face.batch_read(keys)
    assert type(result) is aerospike_py.LazyBatchRecords
    assert result.to_dict() == {key[2]: row for key, row in zip(keys, rows, strict=True)}


def test_named_bins_only(face, new_key):
    keys = [new_key() for _ in range(5)]
    store(face, keys)
    assert face.batch_read(keys, ["n", "absent"]).to_list() == [{"n": number} for number in range(5)]


def test_no_bins_asks_for_existence(face, new_key):
    keys = [new_key() for _ in range(3)]
    store(face, keys[:2])
    result = face.batch_read(keys, [])
    assert result.to_list() == [{}, {}, None]
    assert result.to_dict() == {keys[0][2]: {}, keys[1][2]: {}}


def test_missing_records_are_no_error(face, new_key):
    keys = [new_key() for _ in range(4)]
    face.put(keys[1], {"a": 1})
    result = face.batch_read(keys)
    assert [record.result for record in result.batch_records] == [2, 0, 2, 2]
    assert result.to_dict() == {keys[1][2]: {"a": 1}}
    assert result.found_count() == 1


@pytest.mark.parametrize("bins", [None, ["a"], []])
def test_no_keys_give_an_empty_result(face, bins):
    result = face.batch_read([], bins)
    assert result.to_dict() == {}
    assert result.to_list() == []
    assert result.batch_records == []
    assert len(result) == 0
    assert result.found_count() == 0


def test_several_sets_in_one_call(face, new_key):
    keys = [new_key(f"mixed{number % 9}") for number in range(90)]
    rows = store(face, keys)
    assert face.batch_read(keys).to_list() == rows


def test_results_stand_in_the_order_of_the_request(face, new_key):
    keys = [new_key() for _ in range(300)]
    rows = store(face, keys)
    backwards = face.batch_read(keys[::-1])
    assert backwards.to_list() == rows[::-1]
    assert [record.key[:3] for record in backwards.batch_records] == keys[::-1]


def test_duplicates_have_slots_of_their_own_and_one_entry(face, new_key):
    first, second = new_key(), new_key()
    store(face, [first, second])
    result = face.batch_read([first, second, first])
    assert [record.result for record in result.batch_records] == [0, 0, 0]
    assert [slot["n"] for slot in result.to_list()] == [0, 1, 0]
    assert list(result.to_dict()) == [first[2], second[2]]


def test_two_thousand_keys_come_back_whole(face, new_key):
    keys = [new_key(f"wide{number % 3}") for number in range(2000)]
    rows = store(face, keys)
    assert face.batch_read(keys).to_list() == rows


def test_records_of_one_batch_may_differ_in_everything(face, new_key):
    keys = [new_key() for _ in range(4)]
    rows = [{"a": 1}, {"b": "two", "c": 3.0}, {"a": [1, {"k": b"v"}], "d": True}, {f"bin{n}": n for n in range(20)}]
    face.batch_write(list(zip(keys, rows, strict=True)))
    assert face.batch_read(keys).to_list() == rows


def test_user_keys_of_every_type(face, new_set):
    name = new_set()
    keys = [("test", name, user_key) for user_key in (1, "1", b"\xff1", -(2**63), "ключ", "")]
    rows = store(face, keys)
    result = face.batch_read(keys)
    assert result.to_dict() == {key[2]: row for key, row in zip(keys, rows, strict=True)}
    assert [type(each) for each in result.all_user_keys()] == [type(key[2]) for key in keys]


def test_digests_may_stand_among_the_keys(face, new_key):
    first, second = new_key(), new_key()
    store(face, [first, second])
    digest = face.exists(first).key.digest
    result = face.batch_read([("test", first[1], None, digest), second])
    assert [slot["n"] for slot in result.to_list()] == [0, 1]
    assert result.to_dict() == {second[2]: {"n": 1, "s": "text 1"}}
    assert result.all_user_keys() == [None, second[2]]
    assert result.batch_records[0].key == ("test", first[1], None, digest)


@pytest.mark.parametrize("keys", [None, 5])
def test_keys_have_to_be_iterable(unconnected, keys):
    with pytest.raises(TypeError):
        unconnected.batch_read(keys)


@pytest.mark.parametrize("bins", [[1], [None], 5])
def test_bins_have_to_be_names(unconnected, new_key, bins):
    with pytest.raises(TypeError):
        unconnected.batch_read([new_key()], bins)


def test_the_removed_dtype_argument_is_refused(face, new_key):
    with pytest.raises(TypeError):
        face.batch_read([new_key()], _dtype=None)


def test_keyword_arguments_carry_the_names_of_the_contract(face, new_key):
    key = new_key()
    face.put(key, {"a": 1, "b": 2})
    assert face.batch_read(keys=[key], bins=["a"], policy=None).to_list() == [{"a": 1}]


# ---- one round for several groups, and one slot per key -------------------------------------------------------------


def test_batch_read_many_gives_one_dict_per_group(face, new_key):
    groups = [[new_key("many1") for _ in range(3)], [], [new_key("many2") for _ in range(2)]]
    rows = store(face, groups[0] + groups[2])
    missing = new_key()
    result = face.batch_read_many([groups[0], groups[1], [*groups[2], missing]])
    assert result == [
        {key[2]: row for key, row in zip(groups[0], rows[:3], strict=True)},
        {},
        {key[2]: row for key, row in zip(groups[2], rows[3:], strict=True)},
    ]


def test_batch_read_many_keeps_equal_user_keys_of_groups_apart(face, new_key):
    key = new_key("many1")
    twin = ("test", "many2", key[2])
    face.put(key, {"from": 1})
    face.put(twin, {"from": 2})
    assert face.batch_read_many([[key], [twin]], ["from"]) == [{key[2]: {"from": 1}}, {key[2]: {"from": 2}}]


def test_batch_read_many_of_nothing(face):
    assert face.batch_read_many([]) == []
    assert face.batch_read_many([[], []]) == [{}, {}]


def test_batch_read_ordered_gives_one_slot_per_key(face, new_key):
    first, missing, second = new_key(), new_key(), new_key()
    store(face, [first, second])
    assert face.batch_read_ordered([second, missing, first, second], ["n"]) == [{"n": 1}, None, {"n": 0}, {"n": 1}]
    assert face.batch_read_ordered([]) == []
