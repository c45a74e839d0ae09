"""What type checkers infer of the package: read by mypy and pyright, never run."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import numpy as np
from typing_extensions import assert_type

import aerospike_py
from aerospike_py import (
    AerospikeKey,
    AsyncClient,
    BatchDeleteMeta,
    BatchPolicyInstance,
    BatchWriteResult,
    BinTuple,
    Client,
    ClientConfig,
    ExistsResult,
    InfoNodeResult,
    Key,
    LazyBatchRecords,
    NumpyBatchRecords,
    OperateOrderedResult,
    Privilege,
    ReadPolicy,
    Record,
    RecordMetadata,
    RoleInfo,
    UserInfo,
    WriteMeta,
    WritePolicy,
)

CONFIG: ClientConfig = {"hosts": [("127.0.0.1", 3000), "localhost:3000"], "timeout": 1000, "strict": True}
KEY: Key = ("test", "demo", "k")
BY_DIGEST: Key = ("test", "demo", None, b"\0" * 20)


def sync_face(client: Client) -> None:
    """Each method of the synchronous client."""
    assert_type(aerospike_py.client(CONFIG), Client)
    assert_type(client.connect(), Client)
    assert_type(client.connect("user", "password"), Client)
    assert_type(client.is_connected(), bool)
    assert_type(client.ping(), bool)
    assert_type(client.get_node_names(), list[str])
    with client as entered:
        assert_type(entered, Client)

    policy: WritePolicy = {"total_timeout": 50, "exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY}
    meta: WriteMeta = {"ttl": aerospike_py.TTL_NEVER_EXPIRE, "gen": 3}
    client.put(KEY, {"a": 1, "b": [1, {"c": None}]}, meta, policy)
    client.remove(BY_DIGEST, policy={"durable_delete": True})
    client.touch(KEY, 60)
    client.append(KEY, "s", "text")
    client.prepend(KEY, "s", b"bytes")
    client.increment(KEY, "n", 1.5)
    client.remove_bin(KEY, ["a", "b"])

    read: ReadPolicy = {"replica": aerospike_py.POLICY_REPLICA_MASTER, "read_touch_ttl_percent": 50}
    record = client.get(KEY, read)
    assert_type(record, Record)
    assert_type(record.key, AerospikeKey | None)
    assert_type(record.meta, RecordMetadata | None)
    assert_type(record.bins, dict[str, Any] | None)
    if record.key is not None and record.meta is not None:
        assert_type(record.key.user_key, str | int | bytes | None)
        assert_type(record.key.digest, bytes)
        assert_type(record.meta.gen, int)
        client.get(record.key)
    assert_type(client.select(KEY, ["a"]), Record)
    assert_type(client.exists(KEY), ExistsResult)

    ops: list[dict[str, Any]] = [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]
    assert_type(client.operate(KEY, ops), Record)
    ordered = client.operate_ordered(KEY, ops)
    assert_type(ordered, OperateOrderedResult)
    assert_type(ordered.ordered_bins, list[BinTuple])

    assert_type(client.info_all("build"), list[InfoNodeResult])
    assert_type(client.info_random_node("build"), str)
    client.truncate("test", "demo", nanos=0, policy={"timeout": 1000})
    client.admin_create_user("ada", "a secret", ["read"], policy={"timeout": 1000})
    client.admin_create_role("keeper", [{"code": 10, "ns": "test"}, {"code": "read-write"}], None, ["::1"], 1, 2)
    assert_type(client.admin_query_user_info("ada"), UserInfo)
    assert_type(client.admin_query_users_info(), list[UserInfo])
    assert_type(client.admin_query_role("keeper"), RoleInfo)
    assert_type(client.admin_query_roles()[0]["privileges"], list[Privilege])


def batches(client: Client) -> None:
    """Reading and writing many records."""
    result = client.batch_read([KEY, BY_DIGEST], ["a"], {"concurrency": aerospike_py.BATCH_CONCURRENCY_PARALLEL})
    assert_type(result, LazyBatchRecords)
    assert_type(result.to_dict(), dict[str | int, dict[str, Any]])
    assert_type(result.to_dict(by="key"), dict[tuple[str, str, str | int], dict[str, Any]])
    assert_type(result.by_set(), dict[str, dict[str | int, dict[str, Any]]])
    assert_type(result.to_list(), list[dict[str, Any] | None])
    assert_type(result.to_numpy(np.dtype([("a", "i8")])), NumpyBatchRecords)
    assert_type(result.all_user_keys(), list[str | int | None])
    assert_type(result.found_count(), int)
    assert_type(len(result), int)
    assert_type(result["k"], dict[str, Any])
    assert_type(result.get("k"), dict[str, Any] | None)
    assert_type(result.get("k", 0), dict[str, Any] | int)
    assert_type(result.timings, dict[str, float] | None)
    assert_type(LazyBatchRecords.merge_to_dict([result]), list[dict[str | int, dict[str, Any]]])
    for user_key in result:
        assert_type(user_key, str | int)
    for each in result.batch_records:
        assert_type(each.result, int)
        assert_type(each.in_doubt, bool)

    policy = BatchPolicyInstance(total_timeout=100, allow_inline=True)
    assert_type(client.batch_read_many([[KEY], []], policy=policy), list[dict[str | int, dict[str, Any]]])
    assert_type(client.batch_read_ordered([KEY]), list[dict[str, Any] | None])

    written = client.batch_write([(KEY, {"a": 1}), (KEY, {"a": 2}, {"ttl": 60})], policy, retry=2)
    assert_type(written, BatchWriteResult)
    assert_type(written.retry.attempts, int)
    assert_type(written.batch_records[0].record, Record | None)
    meta: BatchDeleteMeta = {"gen": 1}
    assert_type(client.batch_remove([KEY, (KEY, meta)]), BatchWriteResult)
    data = np.zeros(1, [("_key", "i4"), ("a", "f8")])
    assert_type(client.batch_write_numpy(data, "test", "demo", data.dtype), BatchWriteResult)


async def async_face(client: AsyncClient) -> None:
    """The asyncio client, awaited, gathered and as tasks."""
    assert_type(aerospike_py.async_client(CONFIG), AsyncClient)
    assert_type(await client.connect(), AsyncClient)
    async with client as entered:
        assert_type(entered, AsyncClient)
    assert_type(client.is_connected(), bool)
    assert_type(client.get_node_names(), list[str])
    assert_type(await client.ping(), bool)
    assert_type(await client.get(KEY), Record)
    assert_type(await client.exists(KEY), ExistsResult)
    assert_type(await client.admin_query_users_info(), list[UserInfo])
    await client.admin_drop_role("keeper")
    await client.put(KEY, {"a": 1})
    assert_type(await client.batch_read([KEY]), LazyBatchRecords)
    assert_type(await client.batch_write([(KEY, {"a": 1})]), BatchWriteResult)
    assert_type(await client.info_random_node("build"), str)

    first, second = await asyncio.gather(client.exists(KEY), client.batch_read([KEY]))
    assert_type(first, ExistsResult)
    assert_type(second, LazyBatchRecords)
    assert_type(await asyncio.create_task(client.get(KEY)), Record)
    assert_type(await asyncio.wait_for(client.get(KEY), 1), Record)

    call = client.get(KEY)
    assert_type(call.done(), bool)
    assert_type(call.cancel(), bool)
    assert_type(call.result(), Record)
    assert_type(call.timings, dict[str, float] | None)


def observability() -> None:
    """Metrics, profiling, logging, constants and errors."""
    assert_type(aerospike_py.get_metrics(), str)
    assert_type(aerospike_py.is_metrics_enabled(), bool)
    assert_type(aerospike_py.dropped_log_count(), int)
    assert_type(aerospike_py.last_timings(), dict[str, float] | None)
    assert_type(aerospike_py.__version__, str)
    with aerospike_py.internal_stage_profiling():
        assert_type(aerospike_py.profile_report(), aerospike_py.ProfileReport)
    assert_type(aerospike_py.profile_report().to_dict(), dict[str, Any])
    aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_DEBUG)
    aerospike_py.start_metrics_server()
    aerospike_py.stop_metrics_server()
    assert_type(aerospike_py.POLICY_KEY_SEND, Literal[1])
    assert_type(aerospike_py.TTL_DONT_UPDATE, Literal[-2])
    try:
        pass
    except (aerospike_py.TimeoutError, aerospike_py.IndexError) as error:
        assert_type(error.result_code, int)
        assert_type(error.in_doubt, bool)
        assert_type(error.node, str)
        assert_type(error.attempts, int)
        assert_type(error.stage, str)
