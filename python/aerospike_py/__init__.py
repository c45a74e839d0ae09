"""Aerospike from Python: a client that says where the time of a call goes.

    import aerospike_py

    with aerospike_py.client({"hosts": [("127.0.0.1", 3000)]}).connect() as client:
        client.put(("test", "users", 1), {"name": "Ada"})
        print(client.get(("test", "users", 1)).bins)

Importing is cheap: what needs `typing`, `logging`, `http.server`, `importlib.metadata` or NumPy is loaded when first
used; see `_LAZY`.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from . import _constants, exception
from ._aerospike import (
    BatchPolicyInstance,
    LazyBatchRecords,
    dropped_log_count,
    get_metrics,
    is_internal_stage_metrics_enabled,
    is_metrics_enabled,
    last_timings,
    reset_stage_metrics,
    set_internal_stage_metrics_enabled,
    set_metrics_enabled,
)
from ._async_client import AsyncClient, async_client
from ._client import Client, client
from ._constants import *  # noqa: F403
from .exception import (
    AdminError,
    AerospikeError,
    AerospikeIndexError,
    AerospikeTimeoutError,
    BackpressureError,
    BinExistsError,
    BinNameError,
    BinNotFound,
    BinTypeError,
    ClientError,
    ClusterError,
    ExpiredPassword,
    ExpiredSession,
    FilteredOut,
    IndexFoundError,
    IndexNotFound,
    IntegerRangeError,
    InvalidArgError,
    InvalidCredential,
    InvalidPassword,
    InvalidUser,
    NotAuthenticated,
    QueryAbortedError,
    QueryError,
    RecordError,
    RecordExistsError,
    RecordGenerationError,
    RecordNotFound,
    RecordTooBig,
    RoleViolation,
    RustPanicError,
    ServerError,
    TLSError,
    UDFError,
)

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without the cost of importing `typing`
if TYPE_CHECKING:
    from typing import Any

    from ._observability import (
        internal_stage_profiling,
        set_log_level,
        start_metrics_server,
        stop_metrics_server,
    )
    from ._profile import ProfileReport, profile_report
    from .numpy_batch import NumpyBatchRecords
    from .types import (
        TTL as TTL,
    )
    from .types import (
        AdminPolicy as AdminPolicy,
    )
    from .types import (
        AerospikeKey as AerospikeKey,
    )
    from .types import (
        AerospikeRecord as AerospikeRecord,
    )
    from .types import (
        AuthMode as AuthMode,
    )
    from .types import (
        BatchDeleteMeta as BatchDeleteMeta,
    )
    from .types import (
        BatchDeletePolicy as BatchDeletePolicy,
    )
    from .types import (
        BatchPolicy as BatchPolicy,
    )
    from .types import (
        BatchReadPolicy as BatchReadPolicy,
    )
    from .types import (
        BatchRecord as BatchRecord,
    )
    from .types import (
        BatchRecords as BatchRecords,
    )
    from .types import (
        BatchRetryInfo as BatchRetryInfo,
    )
    from .types import (
        BatchWriteResult as BatchWriteResult,
    )
    from .types import (
        Bins as Bins,
    )
    from .types import (
        BinTuple as BinTuple,
    )
    from .types import (
        ClientConfig as ClientConfig,
    )
    from .types import (
        ExistsResult as ExistsResult,
    )
    from .types import (
        HedgeConfig as HedgeConfig,
    )
    from .types import (
        IndexCollectionType as IndexCollectionType,
    )
    from .types import (
        IndexType as IndexType,
    )
    from .types import (
        InfoNodeResult as InfoNodeResult,
    )
    from .types import (
        Key as Key,
    )
    from .types import (
        ListOrder as ListOrder,
    )
    from .types import (
        ListReturnType as ListReturnType,
    )
    from .types import (
        LogLevel as LogLevel,
    )
    from .types import (
        MapOrder as MapOrder,
    )
    from .types import (
        MapReturnType as MapReturnType,
    )
    from .types import (
        OperateOrderedResult as OperateOrderedResult,
    )
    from .types import (
        Operation as Operation,
    )
    from .types import (
        PolicyCommitLevel as PolicyCommitLevel,
    )
    from .types import (
        PolicyExists as PolicyExists,
    )
    from .types import (
        PolicyGen as PolicyGen,
    )
    from .types import (
        PolicyKey as PolicyKey,
    )
    from .types import (
        PolicyReadModeAP as PolicyReadModeAP,
    )
    from .types import (
        PolicyReplica as PolicyReplica,
    )
    from .types import (
        Privilege as Privilege,
    )
    from .types import (
        PrivilegeCode as PrivilegeCode,
    )
    from .types import (
        PrivilegeName as PrivilegeName,
    )
    from .types import (
        ReadPolicy as ReadPolicy,
    )
    from .types import (
        Record as Record,
    )
    from .types import (
        RecordMetadata as RecordMetadata,
    )
    from .types import (
        RoleInfo as RoleInfo,
    )
    from .types import (
        Serializer as Serializer,
    )
    from .types import (
        TlsConfig as TlsConfig,
    )
    from .types import (
        UserInfo as UserInfo,
    )
    from .types import (
        UserKey as UserKey,
    )
    from .types import (
        WriteMeta as WriteMeta,
    )
    from .types import (
        WritePolicy as WritePolicy,
    )

    __version__: str

# The contract spells these like built-ins; only the top level does so without a warning.
TimeoutError = AerospikeTimeoutError
IndexError = AerospikeIndexError

_LAZY = dict.fromkeys(
    (
        "AdminPolicy",
        "AerospikeKey",
        "AerospikeRecord",
        "BatchDeleteMeta",
        "BatchDeletePolicy",
        "BatchPolicy",
        "BatchReadPolicy",
        "BatchRecord",
        "BatchRecords",
        "BatchRetryInfo",
        "BatchWriteResult",
        "Bins",
        "BinTuple",
        "ClientConfig",
        "ExistsResult",
        "HedgeConfig",
        "InfoNodeResult",
        "Operation",
        "OperateOrderedResult",
        "Privilege",
        "ReadPolicy",
        "Record",
        "RecordMetadata",
        "RoleInfo",
        "TlsConfig",
        "UserInfo",
        "UserKey",
        "WriteMeta",
        "WritePolicy",
    ),
    "types",
) | {
    "NumpyBatchRecords": "numpy_batch",
    "ProfileReport": "_profile",
    "internal_stage_profiling": "_observability",
    "profile_report": "_profile",
    "set_log_level": "_observability",
    "start_metrics_server": "_observability",
    "stop_metrics_server": "_observability",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _LAZY:
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("aerospike-py-cpp")
    except PackageNotFoundError:
        return "0.0.0"


if _os.environ.get("AEROSPIKE_PY_INTERNAL_METRICS", "").strip().lower() in {"1", "true", "yes", "on"}:
    set_internal_stage_metrics_enabled(True)
if "logging" in _sys.modules:
    # Otherwise nobody listens yet, and the handlers come with the first record.
    from ._observability import install_null_handlers as _install_null_handlers

    _install_null_handlers()

__all__ = [
    "AdminError",
    "AdminPolicy",
    "AerospikeError",
    "AerospikeIndexError",
    "AerospikeKey",
    "AerospikeRecord",
    "AerospikeTimeoutError",
    "AsyncClient",
    "BackpressureError",
    "BatchDeleteMeta",
    "BatchDeletePolicy",
    "BatchPolicy",
    "BatchPolicyInstance",
    "BatchReadPolicy",
    "BatchRecord",
    "BatchRecords",
    "BatchRetryInfo",
    "BatchWriteResult",
    "BinExistsError",
    "BinNameError",
    "BinNotFound",
    "BinTuple",
    "BinTypeError",
    "Bins",
    "Client",
    "ClientConfig",
    "ClientError",
    "ClusterError",
    "ExistsResult",
    "ExpiredPassword",
    "ExpiredSession",
    "FilteredOut",
    "HedgeConfig",
    "IndexError",
    "IndexFoundError",
    "IndexNotFound",
    "InfoNodeResult",
    "IntegerRangeError",
    "InvalidArgError",
    "InvalidCredential",
    "InvalidPassword",
    "InvalidUser",
    "LazyBatchRecords",
    "NotAuthenticated",
    "NumpyBatchRecords",
    "OperateOrderedResult",
    "Operation",
    "Privilege",
    "ProfileReport",
    "QueryAbortedError",
    "QueryError",
    "ReadPolicy",
    "Record",
    "RecordError",
    "RecordExistsError",
    "RecordGenerationError",
    "RecordMetadata",
    "RecordNotFound",
    "RecordTooBig",
    "RoleInfo",
    "RoleViolation",
    "RustPanicError",
    "ServerError",
    "TLSError",
    "TimeoutError",
    "TlsConfig",
    "UDFError",
    "UserInfo",
    "UserKey",
    "WriteMeta",
    "WritePolicy",
    "async_client",
    "client",
    "dropped_log_count",
    "exception",
    "get_metrics",
    "internal_stage_profiling",
    "is_internal_stage_metrics_enabled",
    "is_metrics_enabled",
    "last_timings",
    "profile_report",
    "reset_stage_metrics",
    "set_internal_stage_metrics_enabled",
    "set_log_level",
    "set_metrics_enabled",
    "start_metrics_server",
    "stop_metrics_server",
]
__all__ += _constants.__all__
