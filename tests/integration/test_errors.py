"""What an error carries, and that it survives a trip between processes."""

import pickle

import pytest

import aerospike_py


def test_an_error_of_the_server_names_code_kind_and_node(face, key):
    with pytest.raises(aerospike_py.RecordNotFound) as caught:
        face.get(key)
    error = caught.value
    host, _, port = error.node.rpartition(":")
    assert (bool(host), port.isdigit()) == (True, True)
    assert str(error) == (f"AEROSPIKE_ERR (2): Server error: KeyNotFoundError, In Doubt: false, Node: {error.node}")
    assert (error.result_code, error.in_doubt, error.attempts) == (2, False, 1)
    assert isinstance(error.stage, str)


def test_a_refused_write_is_not_in_doubt(face, key):
    face.put(key, {"s": "text"})
    with pytest.raises(aerospike_py.BinTypeError) as caught:
        face.increment(key, "s", 1)
    assert caught.value.in_doubt is False
    assert caught.value.args == (str(caught.value),)


def test_an_error_survives_pickling(face, key):
    with pytest.raises(aerospike_py.RecordNotFound) as caught:
        face.get(key)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is aerospike_py.RecordNotFound
    assert str(copy) == str(caught.value)
    assert vars(copy) == vars(caught.value)


def test_an_unknown_namespace_fails_at_once_and_names_those_that_exist(face):
    key = ("nowhere", "demo", 1)
    for call in (
        lambda: face.get(key),
        lambda: face.put(key, {"a": 1}),
        lambda: face.operate(key, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
        lambda: face.batch_read([key]),
    ):
        with pytest.raises(aerospike_py.ServerError, match=r"nowhere.*test") as caught:
            call()
        assert caught.value.result_code == aerospike_py.AEROSPIKE_ERR_INVALID_NAMESPACE


def test_a_server_parameter_error_is_an_argument_error(face, key):
    """A set name above 63 bytes; the server or this client refuses it."""
    with pytest.raises((aerospike_py.InvalidArgError, ValueError)):
        face.put(("test", "s" * 64, key[2]), {"a": 1})


def test_an_error_on_one_call_disturbs_no_other(face, new_key):
    good, missing = new_key(), new_key()
    for number in range(10):
        face.put(good, {"n": number})
        with pytest.raises(aerospike_py.RecordNotFound):
            face.get(missing)
        with pytest.raises(TypeError):
            face.put(good, {"n": object()})
        assert face.get(good).bins == {"n": number}


def test_durable_delete_wants_another_edition(face, key):
    """The Community server and the embedded one refuse it with a code of its own; an Enterprise server removes."""
    face.put(key, {"a": 1})
    outcome = None
    try:
        face.remove(key, policy={"durable_delete": True})
    except aerospike_py.ServerError as error:
        outcome = error.result_code
    assert outcome in (None, aerospike_py.AEROSPIKE_ERR_ENTERPRISE_ONLY)
    assert (face.exists(key).meta is None) is (outcome is None)
