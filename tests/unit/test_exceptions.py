"""The tree of errors: classes by code, attributes, aliases and pickling."""

import copy
import pickle
import re
from pathlib import Path

import pytest

import aerospike_py
from aerospike_py import exception

CLASSES = [getattr(exception, name) for name in exception.__all__]
HEADER = Path(__file__).parents[2] / "core" / "include" / "aero" / "error.h"

BY_CODE = {
    1: "ServerError",
    2: "RecordNotFound",
    3: "RecordGenerationError",
    4: "InvalidArgError",
    5: "RecordExistsError",
    6: "BinExistsError",
    8: "ServerError",
    9: "AerospikeTimeoutError",
    11: "ServerError",
    12: "BinTypeError",
    13: "RecordTooBig",
    14: "ServerError",
    15: "QueryAbortedError",
    17: "BinNotFound",
    20: "ServerError",
    21: "BinNameError",
    22: "ServerError",
    23: "RecordError",
    24: "RecordError",
    25: "ServerError",
    26: "ServerError",
    27: "FilteredOut",
    51: "AdminError",
    52: "AdminError",
    60: "InvalidUser",
    62: "InvalidPassword",
    63: "ExpiredPassword",
    65: "InvalidCredential",
    66: "ExpiredSession",
    80: "NotAuthenticated",
    81: "RoleViolation",
    100: "UDFError",
    150: "ServerError",
    200: "IndexFoundError",
    201: "IndexNotFound",
    210: "QueryAbortedError",
    -1: "ClientError",
    -2: "InvalidArgError",
    -4: "ClusterError",
    -7: "ClusterError",
    -10: "ClusterError",
    -11: "ClusterError",
    -20: "AerospikeTimeoutError",
    -22: "BackpressureError",
    32: "ServerError",
    255: "ServerError",
    -99: "ClientError",
}


@pytest.mark.parametrize(("code", "name"), BY_CODE.items())
def test_each_code_has_its_class(code, name):
    assert exception.class_for(code) is getattr(aerospike_py, name)


def codes_of_the_core():
    """Every code of the C++ enumeration, by name."""
    enumeration = re.search(r"enum class code : int16_t \{(.*?)\n\};", HEADER.read_text(), re.DOTALL).group(1)
    return {name: int(value) for name, value in re.findall(r"^\s*(\w+) = (-?\d+),", enumeration, re.MULTILINE)}


def test_every_local_code_of_the_core_is_decided():
    """A server may send what nobody knows, but our own core may not: each of its codes stands in the table."""
    local = {name: value for name, value in codes_of_the_core().items() if value < 0}
    assert len(local) > 5
    assert {name for name, value in local.items() if value not in exception._CLASSES} == set()


def test_the_core_and_the_constants_agree_on_every_code_they_share():
    by_value = {value: name for name, value in codes_of_the_core().items()}
    constants = {
        name: value
        for name, value in vars(aerospike_py).items()
        if name.startswith(("AEROSPIKE_ERR_", "AEROSPIKE_SECURITY_"))
    }
    known_to_python_only = {
        "AEROSPIKE_ERR_INVALID_USER",
        "AEROSPIKE_ERR_NOT_AUTHENTICATED",
        "AEROSPIKE_ERR_ROLE_VIOLATION",
        "AEROSPIKE_ERR_QUERY_ABORTED",
    }
    missing = {name for name, value in constants.items() if value not in by_value}
    assert missing <= known_to_python_only


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_is_not_known_has_a_default(kind):
    error = kind("text")
    known = (error.result_code, error.in_doubt, error.node, error.attempts, error.stage)
    assert known == (-1, False, "", 0, "")
    assert str(error) == "text"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_pickles_with_its_attributes(kind, protocol):
    error = kind("AEROSPIKE_ERR (9): text")
    error.result_code, error.in_doubt, error.node, error.attempts, error.stage = 9, True, "127.0.0.1:3000", 3, "io"
    for copied in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(copied) is kind
        assert copied.args == error.args
        assert vars(copied) == vars(error)


def test_an_integer_out_of_range_is_an_overflow_too():
    assert issubclass(exception.IntegerRangeError, aerospike_py.InvalidArgError)
    assert issubclass(exception.IntegerRangeError, OverflowError)


@pytest.mark.parametrize(
    ("alias", "name"), [("TimeoutError", "AerospikeTimeoutError"), ("IndexError", "AerospikeIndexError")]
)
def test_an_alias_is_the_same_class_and_warns_in_the_module_only(alias, name, recwarn):
    assert getattr(aerospike_py, alias) is getattr(aerospike_py, name)
    assert len(recwarn) == 0
    with pytest.warns(DeprecationWarning, match=name):
        assert getattr(exception, alias) is getattr(exception, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_error"):
        _ = exception.no_such_error


def test_what_goes_wrong_with_logins_and_tls_is_caught_by_the_classes_of_the_contract():
    for name in ("InvalidUser", "InvalidPassword", "ExpiredPassword", "InvalidCredential", "ExpiredSession"):
        assert issubclass(getattr(exception, name), exception.AdminError)
    assert issubclass(exception.NotAuthenticated, exception.AdminError)
    assert issubclass(exception.RoleViolation, exception.AdminError)
    assert issubclass(exception.TLSError, exception.ClusterError)
    assert exception.class_for(-9) is exception.TLSError
