"""Results, policies and keys as types.

Results are plain `typing.NamedTuple`s: they unpack, compare and pickle as tuples, and the native module allocates
them without running Python code. Policies and metas are `TypedDict`s with every key optional: at run time a policy is
an ordinary dict, or a `BatchPolicyInstance` for batch calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict

Bins: TypeAlias = dict[str, Any]
UserKey: TypeAlias = str | int
AerospikeRecord: TypeAlias = dict[str, Any]
BatchRecords: TypeAlias = dict[str | int, dict[str, Any]]
Operation: TypeAlias = dict[str, Any]

if TYPE_CHECKING:
    # Names for annotations only: they do not exist at run time.
    from collections.abc import Sequence
    from os import PathLike
    from typing import Literal

    Key: TypeAlias = tuple[str, str, UserKey | bytes] | tuple[str, str, UserKey | bytes | None, bytes]
    PolicyKey: TypeAlias = Literal[0, 1]
    PolicyExists: TypeAlias = Literal[0, 1, 2, 3, 4]
    PolicyGen: TypeAlias = Literal[0, 1, 2]
    PolicyReplica: TypeAlias = Literal[0, 1, 2]
    PolicyCommitLevel: TypeAlias = Literal[0, 1]
    PolicyReadModeAP: TypeAlias = Literal[0, 1]
    TTL: TypeAlias = int
    AuthMode: TypeAlias = Literal[0, 1, 2]
    IndexType: TypeAlias = Literal[0, 1, 2, 3]
    IndexCollectionType: TypeAlias = Literal[0, 1, 2, 3]
    LogLevel: TypeAlias = Literal[-1, 0, 1, 2, 3, 4]
    Serializer: TypeAlias = Literal[0, 1, 2]
    ListReturnType: TypeAlias = Literal[0, 1, 2, 3, 4, 5, 7, 13]
    ListOrder: TypeAlias = Literal[0, 1]
    MapReturnType: TypeAlias = Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 13]
    MapOrder: TypeAlias = Literal[0, 1, 3]
    PrivilegeCode: TypeAlias = Literal[0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    PrivilegeName: TypeAlias = Literal[
        "user-admin",
        "sys-admin",
        "data-admin",
        "udf-admin",
        "sindex-admin",
        "read",
        "read-write",
        "read-write-udf",
        "write",
        "truncate",
    ]


# ---- results -------------------------------------------------------------------------------------------------------


class AerospikeKey(NamedTuple):
    """Name of a record. `digest` is what the server knows it by; `user_key` is `None` when only the digest is known."""

    namespace: str
    set_name: str
    user_key: str | int | bytes | None
    digest: bytes


class RecordMetadata(NamedTuple):
    """Generation (1 when fresh, one more per write) and remaining seconds of life (4294967295 = for ever)."""

    gen: int
    ttl: int


class Record(NamedTuple):
    """What `get`, `select` and `operate` return."""

    key: AerospikeKey | None
    meta: RecordMetadata | None
    bins: dict[str, Any] | None


class ExistsResult(NamedTuple):
    """What `exists` returns; `meta` is `None` when there is no such record."""

    key: AerospikeKey | None
    meta: RecordMetadata | None


class InfoNodeResult(NamedTuple):
    """The answer of one node to an info command."""

    node_name: str
    error_code: int
    response: str


class BinTuple(NamedTuple):
    """One result of `operate_ordered`."""

    name: str
    value: Any


class OperateOrderedResult(NamedTuple):
    """What `operate_ordered` returns: one `BinTuple` per operation, in the order of the operations."""

    key: AerospikeKey | None
    meta: RecordMetadata | None
    ordered_bins: list[BinTuple]


class BatchRecord(NamedTuple):
    """Outcome of one record of `batch_write` and its kin. `in_doubt`: the write may have happened despite the error."""

    key: AerospikeKey | None
    result: int
    record: Record | None
    in_doubt: bool = False


class BatchRetryInfo(NamedTuple):
    """How the retries of a batch write went."""

    attempts: int = 1
    max_attempts: int = 1
    truncated_by_timeout: bool = False
    unresolved: int = 0


class BatchWriteResult(NamedTuple):
    """What `batch_write`, `batch_write_numpy` and `batch_remove` return; `batch_records[i]` belongs to record i."""

    batch_records: list[BatchRecord]
    retry: BatchRetryInfo = BatchRetryInfo()


# ---- configuration -------------------------------------------------------------------------------------------------


class _RequiredConfig(TypedDict):
    hosts: Sequence[tuple[str, int] | tuple[str, int, str] | str]


class TlsConfig(TypedDict, total=False):
    """The key `tls` of the config: on unless `enable` is False. `cadata`, `certdata` and `keydata` hold PEM text.

    Without an authority those of the system are trusted. The certificate of a node must be for the `tls_name` of its
    host, or for the host itself where that has none. Files that change are read again for connections to come.
    `for_login_only` hides passwords and what is asked about the cluster; records travel in clear.
    """

    enable: bool
    cafile: str | PathLike[str] | None
    capath: str | PathLike[str] | None
    cadata: str | bytes | None
    certfile: str | PathLike[str] | None
    certdata: str | bytes | None
    keyfile: str | PathLike[str] | None
    keydata: str | bytes | None
    keyfile_pw: str | bytes | None
    protocols: str | None
    cipher_suite: str | None
    crl_check: bool
    crl_check_all: bool
    for_login_only: bool


class HedgeConfig(TypedDict, total=False):
    """The key `hedged_reads` of the config: a read, or a part of a batch, that has had no answer for a while asks a
    second replica too.

    Either `after_ms` says when, or `percentile` (above 0, below 100) of how long such reads of this client take. At
    most `share` of the records (0.05) are asked for twice; docs/flow_control.md says more.
    """

    after_ms: int
    percentile: float
    share: float


class ClientConfig(_RequiredConfig, total=False):
    """Argument of `client`, `async_client` and both client classes.

    `strict` makes an unknown key of this dict or of any policy an `InvalidArgError` instead of a warning.
    `merge_concurrent_reads` (on unless set to False) lets reads that an event loop makes in one tick share messages.
    `split_large_batches` (on unless set to False) sends 400 or more rows for one node over two connections, so that two
    threads of the node work on them.
    `max_connecting_per_node` (32) bounds the connects to a node that are under way at once, handshakes included.
    `early_tend` (on unless set to False) asks the nodes how things stand as soon as calls fail, ten times a second at
    most, instead of at the next `tend_interval`.
    `circuit_breaker` (on unless set to False) lets reads pass over a node that failed three times in a row, until it
    answers again; docs/flow_control.md says more.
    `retry_budget` (on unless set to False) lets a client send again no more than a fifth of the bytes it sends, beyond
    a reserve of 1 MiB.
    `hedged_reads` (off unless given) lets slow reads ask a second replica.
    `adaptive_concurrency` (off unless set to True) sends a node only as many requests at once as it answers without
    delay.
    `rack_ids` are the racks to read from, best first, by calls with `replica=POLICY_REPLICA_PREFER_RACK`.
    """

    cluster_name: str | None
    auth_mode: AuthMode
    user: str
    password: str
    timeout: int
    idle_timeout: int
    max_conns_per_node: int
    min_conns_per_node: int
    max_connecting_per_node: int
    conn_pools_per_node: int
    tend_interval: int
    early_tend: bool
    use_services_alternate: bool
    max_concurrent_operations: int
    operation_queue_timeout_ms: int
    merge_concurrent_reads: bool
    split_large_batches: bool
    circuit_breaker: bool
    retry_budget: bool
    hedged_reads: HedgeConfig | None
    adaptive_concurrency: bool
    rack_ids: Sequence[int]
    tls: TlsConfig | None
    strict: bool


# ---- policies ------------------------------------------------------------------------------------------------------


class _Transport(TypedDict, total=False):
    """Times are in milliseconds. `total_timeout` covers queueing, connecting, every attempt and the pauses between.

    `compress` lets messages larger than 128 bytes travel compressed, both ways; Community servers refuse it.
    """

    socket_timeout: int
    total_timeout: int
    max_retries: int
    sleep_between_retries: int
    timeout_delay: int
    compress: bool


class ReadPolicy(_Transport, total=False):
    """Policy of `get`, `select` and `exists`."""

    filter_expression: dict[str, Any]
    replica: PolicyReplica
    read_mode_ap: PolicyReadModeAP
    read_touch_ttl_percent: int


class WritePolicy(_Transport, total=False):
    """Policy of the single-record writes and of `operate`. `gen` is a mode; the number comes from `WriteMeta`."""

    durable_delete: bool
    key: PolicyKey
    exists: PolicyExists
    gen: PolicyGen
    commit_level: PolicyCommitLevel
    ttl: TTL
    filter_expression: dict[str, Any]
    read_mode_ap: PolicyReadModeAP
    read_touch_ttl_percent: int


class BatchPolicy(_Transport, total=False):
    """Policy of every `batch_*` call; the last group holds defaults for the writes of a batch."""

    concurrency: int
    filter_expression: dict[str, Any]
    allow_inline: bool
    allow_inline_ssd: bool
    respond_all_keys: bool
    replica: PolicyReplica
    read_mode_ap: PolicyReadModeAP
    read_touch_ttl_percent: int

    ttl: TTL
    gen: PolicyGen
    key: PolicyKey
    exists: PolicyExists
    commit_level: PolicyCommitLevel
    durable_delete: bool


class BatchReadPolicy(TypedDict, total=False):
    """Keys of a batch policy that concern each record read."""

    read_touch_ttl_percent: int
    filter_expression: dict[str, Any]


class BatchDeletePolicy(TypedDict, total=False):
    """Keys of a batch policy that concern each record removed. `gen` is a mode."""

    gen: PolicyGen
    key: PolicyKey
    commit_level: PolicyCommitLevel
    durable_delete: bool
    filter_expression: dict[str, Any]


class AdminPolicy(TypedDict, total=False):
    """Policy of `info_all`, `info_random_node`, `truncate` and every `admin_*` call."""

    timeout: int


# ---- users and roles -----------------------------------------------------------------------------------------------


class Privilege(TypedDict, total=False):
    """What a role allows: everywhere, in one namespace, or in one set of it. `code` is a `PRIV_` constant or a name."""

    code: int | PrivilegeName
    ns: str
    set: str


class _UserInfo(TypedDict):
    user: str
    roles: list[str]
    conns_in_use: int


class UserInfo(_UserInfo, total=False):
    """What `admin_query_user_info` returns; connections are those of the node that was asked.

    `read_info` and `write_info` are there when the server counts: quota, rate of single records, rate of queries, and
    the number of queries without a limit.
    """

    read_info: list[int]
    write_info: list[int]


class RoleInfo(TypedDict):
    """What `admin_query_role` returns. Quotas are records per second, 0 for none; without addresses all are allowed."""

    name: str
    privileges: list[Privilege]
    allowlist: list[str]
    read_quota: int
    write_quota: int


# ---- metas ---------------------------------------------------------------------------------------------------------


class WriteMeta(TypedDict, total=False):
    """`meta=` of single writes and third element of a `batch_write` record. `gen` is a number and implies GEN_EQ."""

    gen: int
    ttl: TTL
    key: PolicyKey
    exists: PolicyExists
    commit_level: PolicyCommitLevel
    durable_delete: bool


class BatchDeleteMeta(TypedDict, total=False):
    """Second element of a `(key, meta)` pair in `batch_remove`. `gen` is a number and implies GEN_EQ."""

    gen: int
    key: PolicyKey
    commit_level: PolicyCommitLevel
    durable_delete: bool
