"""The native module: clients, batch results, awaitables, metrics and the log ring."""

from asyncio import AbstractEventLoop
from collections.abc import (
    Callable,
    Coroutine,
    Generator,
    ItemsView,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from contextvars import Context
from types import GenericAlias, TracebackType
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import Self, disjoint_base

from .numpy_batch import NumpyBatchRecords
from .types import (
    AdminPolicy,
    AerospikeKey,
    AerospikeRecord,
    BatchDeleteMeta,
    BatchPolicy,
    BatchWriteResult,
    ClientConfig,
    ExistsResult,
    InfoNodeResult,
    Key,
    OperateOrderedResult,
    Operation,
    Privilege,
    ReadPolicy,
    Record,
    RoleInfo,
    UserInfo,
    UserKey,
    WriteMeta,
    WritePolicy,
)

_T_co = TypeVar("_T_co", covariant=True)
_D = TypeVar("_D")

_BatchPolicy: TypeAlias = BatchPolicy | BatchPolicyInstance | None
_WriteRecord: TypeAlias = tuple[Key, Mapping[str, Any]] | tuple[Key, Mapping[str, Any], WriteMeta]
_RemoveKey: TypeAlias = Key | tuple[Key, BatchDeleteMeta]

class _StageRow(TypedDict):
    count: int
    sum: float
    p50: float
    p95: float
    p99: float
    buckets: list[int]

# ---- results -------------------------------------------------------------------------------------------------------

@final
class NativeBatchRecord:
    """Outcome of one key of `batch_read`."""

    @property
    def key(self) -> AerospikeKey: ...
    @property
    def result(self) -> int: ...
    @property
    def record(self) -> tuple[AerospikeKey, dict[str, int], dict[str, Any]] | None: ...
    @property
    def in_doubt(self) -> bool: ...

@final
class LazyBatchRecords:
    """Result of `batch_read`: the bytes that arrived, decoded as far and as often as asked for."""

    @property
    def batch_records(self) -> list[NativeBatchRecord]: ...
    @property
    def timings(self) -> dict[str, float] | None: ...
    @overload
    def to_dict(self) -> dict[UserKey, AerospikeRecord]: ...
    @overload
    def to_dict(self, by: Literal["user_key"]) -> dict[UserKey, AerospikeRecord]: ...
    @overload
    def to_dict(self, by: Literal["key"]) -> dict[tuple[str, str, UserKey], AerospikeRecord]: ...
    def by_set(self) -> dict[str, dict[UserKey, AerospikeRecord]]: ...
    def to_list(self) -> list[AerospikeRecord | None]: ...
    def to_numpy(self, dtype: np.dtype[Any]) -> NumpyBatchRecords: ...
    def iter_records(self) -> Iterator[NativeBatchRecord]: ...
    def all_user_keys(self) -> list[UserKey | None]: ...
    def found_count(self) -> int: ...
    def release_cache(self) -> None: ...
    @staticmethod
    def merge_to_dict(handles: Sequence[LazyBatchRecords]) -> list[dict[UserKey, AerospikeRecord]]: ...
    def items(self) -> ItemsView[UserKey, AerospikeRecord]: ...
    def keys(self) -> KeysView[UserKey]: ...
    def values(self) -> ValuesView[AerospikeRecord]: ...
    @overload
    def get(self, key: UserKey, default: None = None) -> AerospikeRecord | None: ...
    @overload
    def get(self, key: UserKey, default: _D) -> AerospikeRecord | _D: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[UserKey]: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __getitem__(self, key: UserKey, /) -> AerospikeRecord: ...

@final
class BatchPolicyInstance:
    """A batch policy parsed once; takes the keys of `BatchPolicy` as keyword arguments and cannot be changed."""

    def __new__(
        cls,
        *,
        socket_timeout: int = ...,
        total_timeout: int = ...,
        max_retries: int = ...,
        sleep_between_retries: int = ...,
        timeout_delay: int = ...,
        compress: bool = ...,
        concurrency: int = ...,
        filter_expression: dict[str, Any] = ...,
        allow_inline: bool = ...,
        allow_inline_ssd: bool = ...,
        respond_all_keys: bool = ...,
        replica: int = ...,
        read_mode_ap: int = ...,
        read_touch_ttl_percent: int = ...,
        ttl: int = ...,
        gen: int = ...,
        key: int = ...,
        exists: int = ...,
        commit_level: int = ...,
        durable_delete: bool = ...,
    ) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...

@final
class Call(Coroutine[Any, Any, _T_co], Generic[_T_co]):
    """A call under way: a coroutine and a future at once."""

    __name__: str
    __qualname__: str
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    @property
    def timings(self) -> dict[str, float] | None: ...
    def __await__(self) -> Generator[Any, Any, _T_co]: ...
    def send(self, value: Any, /) -> Any: ...
    @overload
    def throw(
        self, typ: type[BaseException], val: BaseException | object = None, tb: TracebackType | None = None, /
    ) -> Any: ...
    @overload
    def throw(self, typ: BaseException, val: None = None, tb: TracebackType | None = None, /) -> Any: ...
    def close(self) -> None: ...
    def get_loop(self) -> AbstractEventLoop: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def cancel(self, msg: Any = None) -> bool: ...
    def result(self) -> _T_co: ...
    def exception(self) -> BaseException | None: ...
    def add_done_callback(self, fn: Callable[[Self], object], /, *, context: Context | None = None) -> None: ...
    def remove_done_callback(self, fn: Callable[[Self], object], /) -> int: ...

# ---- clients -------------------------------------------------------------------------------------------------------

@disjoint_base
class Client:
    """Base of `aerospike_py.Client`; safe to share between threads."""

    def __init__(self, config: ClientConfig) -> None: ...
    def connect(self, username: str | None = None, password: str | None = None) -> Self: ...
    def is_connected(self) -> bool: ...
    def get_node_names(self) -> list[str]: ...
    def put(
        self, key: Key, bins: Mapping[str, Any], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> None:
        """Write bins; `None` deletes a bin."""

    def get(self, key: Key, policy: ReadPolicy | None = None) -> Record:
        """Read all bins; `RecordNotFound` when there is no such record."""

    def select(self, key: Key, bins: Sequence[str], policy: ReadPolicy | None = None) -> Record:
        """Read the named bins."""

    def exists(self, key: Key, policy: ReadPolicy | None = None) -> ExistsResult:
        """Read generation and time to live; `meta` is `None` when there is no such record."""

    def remove(self, key: Key, meta: WriteMeta | None = None, policy: WritePolicy | None = None) -> None:
        """Remove a record; `RecordNotFound` when there is none."""

    def touch(self, key: Key, val: int = 0, meta: WriteMeta | None = None, policy: WritePolicy | None = None) -> None:
        """Renew the time to live; `val` in seconds."""

    def append(
        self, key: Key, bin: str, val: str | bytes, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> None:
        """Append to a string or bytes bin."""

    def prepend(
        self, key: Key, bin: str, val: str | bytes, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> None:
        """Prepend to a string or bytes bin."""

    def increment(
        self, key: Key, bin: str, offset: int | float, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> None:
        """Add to a number."""

    def remove_bin(
        self, key: Key, bin_names: Sequence[str], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> None:
        """Delete bins."""

    def operate(
        self, key: Key, ops: Sequence[Operation], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Record:
        """Run operations on one record atomically; one value per bin."""

    def operate_ordered(
        self, key: Key, ops: Sequence[Operation], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> OperateOrderedResult:
        """Run operations atomically; one result per operation, in order."""

    def batch_read(
        self, keys: Sequence[Key], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> LazyBatchRecords:
        """Read many records of any sets in one call; `bins=[]` asks for existence only."""

    def batch_read_many(
        self, groups: Sequence[Sequence[Key]], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> list[dict[UserKey, AerospikeRecord]]:
        """Read several groups of keys in one round; one dict per group."""

    def batch_read_ordered(
        self, keys: Sequence[Key], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> list[AerospikeRecord | None]:
        """Read many records; one slot per key."""

    def batch_write(
        self, records: Sequence[_WriteRecord], policy: _BatchPolicy = None, retry: int = 0
    ) -> BatchWriteResult:
        """Write many records; each has its own result."""

    def batch_write_numpy(
        self,
        data: npt.NDArray[Any],
        namespace: str,
        set_name: str,
        _dtype: np.dtype[Any],
        key_field: str = "_key",
        policy: _BatchPolicy = None,
        retry: int = 0,
    ) -> BatchWriteResult:
        """Write one record per row of a structured array."""

    def batch_remove(self, keys: Sequence[_RemoveKey], policy: _BatchPolicy = None) -> BatchWriteResult:
        """Remove many records; each has its own result."""

    def info_all(self, command: str, policy: AdminPolicy | None = None) -> list[InfoNodeResult]:
        """Ask every node."""

    def info_random_node(self, command: str, policy: AdminPolicy | None = None) -> str:
        """Ask one node; the value without the echoed command."""

    def truncate(self, namespace: str, set_name: str, nanos: int = 0, policy: AdminPolicy | None = None) -> None:
        """Remove every record of a set, or those last updated before `nanos`."""

    # Users and roles: docs/security.md
    def admin_create_user(
        self, username: str, password: str, roles: Sequence[str], policy: AdminPolicy | None = None
    ) -> None: ...
    def admin_drop_user(self, username: str, policy: AdminPolicy | None = None) -> None: ...
    def admin_change_password(self, username: str, password: str, policy: AdminPolicy | None = None) -> None: ...
    def admin_grant_roles(self, username: str, roles: Sequence[str], policy: AdminPolicy | None = None) -> None: ...
    def admin_revoke_roles(self, username: str, roles: Sequence[str], policy: AdminPolicy | None = None) -> None: ...
    def admin_query_user_info(self, username: str, policy: AdminPolicy | None = None) -> UserInfo: ...
    def admin_query_users_info(self, policy: AdminPolicy | None = None) -> list[UserInfo]: ...
    def admin_create_role(
        self,
        role: str,
        privileges: Sequence[Privilege],
        policy: AdminPolicy | None = None,
        whitelist: Sequence[str] | None = None,
        read_quota: int = 0,
        write_quota: int = 0,
    ) -> None: ...
    def admin_drop_role(self, role: str, policy: AdminPolicy | None = None) -> None: ...
    def admin_grant_privileges(
        self, role: str, privileges: Sequence[Privilege], policy: AdminPolicy | None = None
    ) -> None: ...
    def admin_revoke_privileges(
        self, role: str, privileges: Sequence[Privilege], policy: AdminPolicy | None = None
    ) -> None: ...
    def admin_query_role(self, role: str, policy: AdminPolicy | None = None) -> RoleInfo: ...
    def admin_query_roles(self, policy: AdminPolicy | None = None) -> list[RoleInfo]: ...
    def admin_set_whitelist(self, role: str, whitelist: Sequence[str], policy: AdminPolicy | None = None) -> None: ...
    def admin_set_quotas(
        self, role: str, read_quota: int = 0, write_quota: int = 0, policy: AdminPolicy | None = None
    ) -> None: ...
    def ping(self) -> bool:
        """Ask a node whether it answers; never raises."""

    def close(self) -> None:
        """Close every connection; may be called more than once."""

@disjoint_base
class AsyncClient:
    """Base of `aerospike_py.AsyncClient`; each event loop that uses it has connections of its own."""

    def __init__(self, config: ClientConfig) -> None: ...
    def connect(self, username: str | None = None, password: str | None = None) -> Call[Self]: ...
    def is_connected(self) -> bool: ...
    def get_node_names(self) -> list[str]: ...
    def put(
        self, key: Key, bins: Mapping[str, Any], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Write bins; `None` deletes a bin."""

    def get(self, key: Key, policy: ReadPolicy | None = None) -> Call[Record]:
        """Read all bins; `RecordNotFound` when there is no such record."""

    def select(self, key: Key, bins: Sequence[str], policy: ReadPolicy | None = None) -> Call[Record]:
        """Read the named bins."""

    def exists(self, key: Key, policy: ReadPolicy | None = None) -> Call[ExistsResult]:
        """Read generation and time to live; `meta` is `None` when there is no such record."""

    def remove(self, key: Key, meta: WriteMeta | None = None, policy: WritePolicy | None = None) -> Call[None]:
        """Remove a record; `RecordNotFound` when there is none."""

    def touch(
        self, key: Key, val: int = 0, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Renew the time to live; `val` in seconds."""

    def append(
        self, key: Key, bin: str, val: str | bytes, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Append to a string or bytes bin."""

    def prepend(
        self, key: Key, bin: str, val: str | bytes, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Prepend to a string or bytes bin."""

    def increment(
        self, key: Key, bin: str, offset: int | float, meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Add to a number."""

    def remove_bin(
        self, key: Key, bin_names: Sequence[str], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[None]:
        """Delete bins."""

    def operate(
        self, key: Key, ops: Sequence[Operation], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[Record]:
        """Run operations on one record atomically; one value per bin."""

    def operate_ordered(
        self, key: Key, ops: Sequence[Operation], meta: WriteMeta | None = None, policy: WritePolicy | None = None
    ) -> Call[OperateOrderedResult]:
        """Run operations atomically; one result per operation, in order."""

    def batch_read(
        self, keys: Sequence[Key], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> Call[LazyBatchRecords]:
        """Read many records of any sets in one call; `bins=[]` asks for existence only."""

    def batch_read_many(
        self, groups: Sequence[Sequence[Key]], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> Call[list[dict[UserKey, AerospikeRecord]]]:
        """Read several groups of keys in one round; one dict per group."""

    def batch_read_ordered(
        self, keys: Sequence[Key], bins: Sequence[str] | None = None, policy: _BatchPolicy = None
    ) -> Call[list[AerospikeRecord | None]]:
        """Read many records; one slot per key."""

    def batch_write(
        self, records: Sequence[_WriteRecord], policy: _BatchPolicy = None, retry: int = 0
    ) -> Call[BatchWriteResult]:
        """Write many records; each has its own result."""

    def batch_write_numpy(
        self,
        data: npt.NDArray[Any],
        namespace: str,
        set_name: str,
        _dtype: np.dtype[Any],
        key_field: str = "_key",
        policy: _BatchPolicy = None,
        retry: int = 0,
    ) -> Call[BatchWriteResult]:
        """Write one record per row of a structured array."""

    def batch_remove(self, keys: Sequence[_RemoveKey], policy: _BatchPolicy = None) -> Call[BatchWriteResult]:
        """Remove many records; each has its own result."""

    def info_all(self, command: str, policy: AdminPolicy | None = None) -> Call[list[InfoNodeResult]]:
        """Ask every node."""

    def info_random_node(self, command: str, policy: AdminPolicy | None = None) -> Call[str]:
        """Ask one node; the value without the echoed command."""

    def truncate(self, namespace: str, set_name: str, nanos: int = 0, policy: AdminPolicy | None = None) -> Call[None]:
        """Remove every record of a set, or those last updated before `nanos`."""

    # Users and roles: docs/security.md
    def admin_create_user(
        self, username: str, password: str, roles: Sequence[str], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_drop_user(self, username: str, policy: AdminPolicy | None = None) -> Call[None]: ...
    def admin_change_password(self, username: str, password: str, policy: AdminPolicy | None = None) -> Call[None]: ...
    def admin_grant_roles(
        self, username: str, roles: Sequence[str], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_revoke_roles(
        self, username: str, roles: Sequence[str], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_query_user_info(self, username: str, policy: AdminPolicy | None = None) -> Call[UserInfo]: ...
    def admin_query_users_info(self, policy: AdminPolicy | None = None) -> Call[list[UserInfo]]: ...
    def admin_create_role(
        self,
        role: str,
        privileges: Sequence[Privilege],
        policy: AdminPolicy | None = None,
        whitelist: Sequence[str] | None = None,
        read_quota: int = 0,
        write_quota: int = 0,
    ) -> Call[None]: ...
    def admin_drop_role(self, role: str, policy: AdminPolicy | None = None) -> Call[None]: ...
    def admin_grant_privileges(
        self, role: str, privileges: Sequence[Privilege], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_revoke_privileges(
        self, role: str, privileges: Sequence[Privilege], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_query_role(self, role: str, policy: AdminPolicy | None = None) -> Call[RoleInfo]: ...
    def admin_query_roles(self, policy: AdminPolicy | None = None) -> Call[list[RoleInfo]]: ...
    def admin_set_whitelist(
        self, role: str, whitelist: Sequence[str], policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def admin_set_quotas(
        self, role: str, read_quota: int = 0, write_quota: int = 0, policy: AdminPolicy | None = None
    ) -> Call[None]: ...
    def ping(self) -> Call[bool]:
        """Ask a node whether it answers; never raises."""

    def close(self) -> Call[None]:
        """Close every connection; may be called more than once."""

# ---- metrics and logs ----------------------------------------------------------------------------------------------

def get_metrics() -> str:
    """Return every metric in Prometheus text form, ending with `# EOF`."""

def set_metrics_enabled(enabled: bool) -> None:
    """Switch the histogram of operations; on by default."""

def is_metrics_enabled() -> bool: ...
def set_internal_stage_metrics_enabled(enabled: bool) -> None:
    """Switch the profiling of stages; off by default."""

def is_internal_stage_metrics_enabled() -> bool: ...
def last_timings() -> dict[str, float] | None:
    """Return the stages, in seconds, of the last profiled call of this thread or task."""

def stage_snapshot() -> dict[tuple[str, str], _StageRow]: ...
def reset_stage_metrics() -> None:
    """Forget the stages measured so far."""

def dropped_log_count() -> int:
    """Return how many log records were lost since the process started because nobody took them in time."""

def set_native_log_level(level: int, /) -> None: ...
def drain_logs() -> list[tuple[int, str, str]]: ...
def build_type() -> str:
    """Return how the extension was built, as CMake names it."""
