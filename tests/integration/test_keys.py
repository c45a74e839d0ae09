"""What a key may be, and what is said about one that is none. Bad keys are refused before anything else."""

import pytest

import aerospike_py

LARGEST = 2**63 - 1


@pytest.mark.parametrize("user_key", [
    0, 1, -1, LARGEST, -(2**63), "", "a", "ключ", "k" * 500, "with\0nul", b"bytes", b"with\0nul", b"\xff\xfe",
])  # fmt: skip
def test_every_allowed_user_key_names_a_record_of_its_own(face, new_set, user_key):
    key = ("test", new_set(), user_key)
    face.put(key, {"a": 1})
    record = face.get(key)
    assert record.bins == {"a": 1}
    assert record.key.user_key == user_key
    assert type(record.key.user_key) is type(user_key)
    face.remove(key)


def test_an_int_and_its_digits_are_different_keys(face, new_set):
    name = new_set()
    face.put(("test", name, 5), {"kind": "int"})
    face.put(("test", name, "5"), {"kind": "str"})
    assert face.get(("test", name, 5)).bins == {"kind": "int"}
    assert face.get(("test", name, "5")).bins == {"kind": "str"}


def test_bytes_are_hashed_like_the_text_they_spell(face, key):
    face.put(key, {"a": 1})
    spelled = (key[0], key[1], key[2].encode())
    assert face.get(spelled).bins == {"a": 1}
    assert face.exists(spelled).key.digest == face.exists(key).key.digest


def test_sets_keep_equal_user_keys_apart(face, key):
    other = (key[0], "contract2", key[2])
    face.put(key, {"a": 1})
    assert face.exists(other).meta is None


def test_a_key_may_be_the_key_of_a_result(face, key):
    face.put(key, {"a": 1})
    assert face.get(face.get(key).key).bins == {"a": 1}


BAD_KEYS = [
    (("test", "demo"), ValueError),
    ((), ValueError),
    (("test", "demo", "k", b"\0" * 20, 1), ValueError),
    (("test", "demo", None, b"\0" * 19), ValueError),
    (("test", "demo", None, b"\0" * 21), ValueError),
    (("test", "demo", 1.5), ValueError),
    (("test", "demo", True), ValueError),
    (("test", None, "k"), TypeError),
    ((None, "demo", "k"), TypeError),
    ((1, "demo", "k"), TypeError),
    ("test", TypeError),
    (None, TypeError),
    (7, TypeError),
    (("test", "demo", 2**63), aerospike_py.InvalidArgError),
    (("test", "demo", -(2**63) - 1), OverflowError),
]


@pytest.mark.parametrize(("bad", "error"), BAD_KEYS, ids=[repr(bad)[:40] for bad, _ in BAD_KEYS])
@pytest.mark.parametrize("method", ["get", "put", "remove", "batch_read", "batch_write"])
def test_a_bad_key_is_refused_before_the_connection_is_looked_at(unconnected, method, bad, error):
    arguments = {
        "get": (bad,),
        "put": (bad, {"a": 1}),
        "remove": (bad,),
        "batch_read": ([bad],),
        "batch_write": ([(bad, {"a": 1})],),
    }[method]
    with pytest.raises(error):
        getattr(unconnected, method)(*arguments)


@pytest.mark.parametrize("bad", [1.5, True])
def test_the_error_shows_the_bad_user_key(unconnected, bad):
    with pytest.raises(ValueError, match=r"^Invalid key: "):
        unconnected.get(("test", "demo", bad))


def test_one_bad_key_among_many_refuses_the_batch(face, new_key):
    with pytest.raises(ValueError, match="Invalid key"):
        face.batch_read([new_key(), ("test", "demo", 1.5), new_key()])


def test_keys_may_come_from_any_iterable(face, new_key):
    keys = [new_key() for _ in range(3)]
    face.batch_write([(key, {"n": number}) for number, key in enumerate(keys)])
    expected = {key[2]: {"n": number} for number, key in enumerate(keys)}
    assert face.batch_read(tuple(keys)).to_dict() == expected
