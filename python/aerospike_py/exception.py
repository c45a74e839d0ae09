"""The tree of errors, and which result code raises which class.

Every error carries what is known of the call that ended: `result_code`, `in_doubt`, `node`, `attempts`, `stage` and
`timings`.
They are set on the instance when known and fall back to class defaults, so each may be read on any error. All of them
survive pickling.

    try:
        client.put(key, bins)
    except aerospike_py.RecordError as error:
        if error.in_doubt: ...
"""

from __future__ import annotations


class AerospikeError(Exception):
    """Base of every error of this package."""

    result_code: int = -1
    """Code of the server, or a negative one for errors that arose here."""
    in_doubt: bool = False
    """The write may have happened despite the error."""
    node: str = ""
    """`HOST:PORT` of the last node tried, empty when none was."""
    attempts: int = 0
    """Attempts made; 0 when nothing was sent."""
    stage: str = ""
    """Stage the call was in when it ended, named as in the profile; empty when it had not started."""
    timings: dict[str, float] | None = None
    """Seconds of every stage of the call, as `last_timings()` has them; None unless it was profiled."""


class ClientError(AerospikeError):
    """Wrong state (not connected, already connected), or another error that arose in this process."""


class BackpressureError(ClientError):
    """No slot of `max_concurrent_operations` came free in time."""


class RustPanicError(ClientError):
    """A value this client cannot represent, such as a blob tagged by another language. The process goes on."""


class ClusterError(AerospikeError):
    """No node could be reached, a connection was lost, or all connections are taken."""


class TLSError(ClusterError):
    """No secure connection: a certificate was refused, or the configuration of TLS cannot be used."""


class InvalidArgError(AerospikeError):
    """An argument was rejected, here or by the server."""


class IntegerRangeError(InvalidArgError, OverflowError):
    """An int outside the 64 bits the server stores; nothing was sent."""


class AerospikeTimeoutError(AerospikeError):
    """The deadline of the call passed, or the server gave up."""


class ServerError(AerospikeError):
    """The server refused, with a code that has no class of its own."""


class AerospikeIndexError(ServerError):
    """A secondary index could not be made or used."""


class IndexNotFound(AerospikeIndexError):
    """No such secondary index."""


class IndexFoundError(AerospikeIndexError):
    """An index of this name and another definition exists."""


class QueryError(ServerError):
    """A query failed."""


class QueryAbortedError(QueryError):
    """A query was stopped before its end."""


class AdminError(ServerError):
    """Security is off, or a user, role, password or privilege was refused."""


class InvalidUser(AdminError):
    """The server knows no such user."""


class InvalidPassword(AdminError):
    """The password is not one that may be used."""


class ExpiredPassword(AdminError):
    """The password is right and too old; it has to be changed before the next login."""


class InvalidCredential(AdminError):
    """The login was refused: a wrong password, or a session the server does not know."""


class ExpiredSession(AdminError):
    """The session of the login is over."""


class NotAuthenticated(AdminError):
    """The cluster wants a login: give a username and a password."""


class RoleViolation(AdminError):
    """The user lacks the role for this."""


class UDFError(ServerError):
    """A user-defined function failed or does not exist."""


class RecordError(AerospikeError):
    """The operation does not fit the record as it is."""


class RecordNotFound(RecordError):
    """No such record."""


class RecordExistsError(RecordError):
    """The record exists and the policy said create only."""


class RecordGenerationError(RecordError):
    """The record's generation is not the expected one."""


class RecordTooBig(RecordError):
    """The record would exceed the size limit of its namespace."""


class BinNameError(RecordError):
    """A bin name is too long or not allowed."""


class BinExistsError(RecordError):
    """The bin exists and the policy said create only."""


class BinNotFound(RecordError):
    """The bin does not exist and the policy said update only."""


class BinTypeError(RecordError):
    """The bin holds another type than the operation needs."""


class FilteredOut(RecordError):
    """The filter expression of the policy was not true for the record."""


# Result code -> class. Codes that are absent belong to `ServerError` when positive and to `ClientError` when negative.
_CLASSES: dict[int, type[AerospikeError]] = {
    2: RecordNotFound,
    3: RecordGenerationError,
    4: InvalidArgError,
    5: RecordExistsError,
    6: BinExistsError,
    9: AerospikeTimeoutError,
    12: BinTypeError,
    13: RecordTooBig,
    15: QueryAbortedError,
    17: BinNotFound,
    21: BinNameError,
    23: RecordError,
    24: RecordError,
    27: FilteredOut,
    100: UDFError,
    200: IndexFoundError,
    201: IndexNotFound,
    210: QueryAbortedError,
    -1: ClientError,
    -2: InvalidArgError,
    -4: ClusterError,
    -5: ClientError,
    -7: ClusterError,
    -9: TLSError,
    -10: ClusterError,
    -11: ClusterError,
    -20: AerospikeTimeoutError,
    -21: ClusterError,
    -22: BackpressureError,
    -23: ClientError,  # of a row; a call without memory raises MemoryError
}
_CLASSES.update(dict.fromkeys(range(51, 95), AdminError))  # everything about users, roles, passwords and quotas
_CLASSES.update(
    {
        60: InvalidUser,
        62: InvalidPassword,
        63: ExpiredPassword,
        65: InvalidCredential,
        66: ExpiredSession,
        80: NotAuthenticated,
        81: RoleViolation,
    }
)
_CLASSES.update(dict.fromkeys(range(202, 207), AerospikeIndexError))


def class_for(code: int) -> type[AerospikeError]:
    """Return the class of a result code; the native module asks once per code."""
    known = _CLASSES.get(code)
    if known is not None:
        return known
    return ServerError if code > 0 else ClientError


_ALIASES = {"TimeoutError": AerospikeTimeoutError, "IndexError": AerospikeIndexError}


def __getattr__(name: str) -> type[AerospikeError]:
    renamed = _ALIASES.get(name)
    if renamed is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    warnings.warn(
        f"aerospike_py.exception.{name} hides a built-in name; use {renamed.__name__}", DeprecationWarning, stacklevel=2
    )
    return renamed


__all__ = [
    "AdminError",
    "AerospikeError",
    "AerospikeIndexError",
    "AerospikeTimeoutError",
    "BackpressureError",
    "BinExistsError",
    "BinNameError",
    "BinNotFound",
    "BinTypeError",
    "ClientError",
    "ClusterError",
    "ExpiredPassword",
    "ExpiredSession",
    "FilteredOut",
    "IndexFoundError",
    "IndexNotFound",
    "IntegerRangeError",
    "InvalidArgError",
    "InvalidCredential",
    "InvalidPassword",
    "InvalidUser",
    "NotAuthenticated",
    "QueryAbortedError",
    "QueryError",
    "RecordError",
    "RecordExistsError",
    "RecordGenerationError",
    "RecordNotFound",
    "RecordTooBig",
    "RoleViolation",
    "RustPanicError",
    "ServerError",
    "TLSError",
    "UDFError",
]
