"""Very many keys, and the same key many times."""

import asyncio

import numpy
import pytest
from fixtures import hostile
from fixtures.stopwatch import Stopwatch

import aerospike_py

COUNT = 100_000
LONG = {"total_timeout": 30_000}


@pytest.mark.rss_growth_max(160 * 2**20)
def test_hundred_thousand_keys_in_one_call(stage):
    keys = [("test", f"many{i % 3}", i) for i in range(COUNT)]
    written = stage.face.batch_write([(key, {"i": key[2]}) for key in keys[::10]], LONG)
    assert all(each.result == 0 for each in written.batch_records)
    watch = Stopwatch()
    result = stage.face.batch_read(keys, policy=LONG)
    assert watch.took() < 10
    assert result.found_count() == COUNT // 10
    rows = result.to_list()
    assert rows[::10] == [{"i": i} for i in range(0, COUNT, 10)]
    assert rows.count(None) == COUNT - COUNT // 10
    assert len(result) == COUNT // 10
    filled = result.to_numpy(numpy.dtype([("i", "i8")]))
    assert filled.batch_records["i"].sum() == sum(range(0, COUNT, 10))
    assert (filled.result_codes == 2).sum() == COUNT - COUNT // 10
    del result, rows, filled
    stage.check_goes_on()


@pytest.mark.rss_growth_max(160 * 2**20)
def test_hundred_thousand_keys_with_a_deadline_too_short(stage):
    keys = [("test", "many", i) for i in range(COUNT)]
    watch = Stopwatch()
    with pytest.raises(Exception, match="(?i)time") as caught:
        stage.face.batch_read(keys, policy={"total_timeout": 1})
    assert type(caught.value).__name__ == "AerospikeTimeoutError"
    assert watch.took() < 1.0
    stage.check_goes_on()


def test_duplicate_keys_each_get_their_own_answer(stage):
    present, absent = ("test", "twice", "present"), ("test", "twice", "absent")
    stage.face.put(present, {"a": 1})
    keys = [present, absent] * 500 + [present]
    result = stage.face.batch_read(keys)
    assert result.to_list() == [{"a": 1}, None] * 500 + [{"a": 1}]
    assert [each.result for each in result.batch_records] == [0, 2] * 500 + [0]
    assert result.to_dict() == {"present": {"a": 1}}
    assert len(result) == 1
    assert result.found_count() == 501
    assert stage.face.batch_read_ordered(keys) == [{"a": 1}, None] * 500 + [{"a": 1}]
    stage.check_goes_on()


def test_one_key_ten_thousand_times(stage):
    key = ("test", "twice", "one")
    stage.face.put(key, {"a": 1})
    result = stage.face.batch_read([key] * 10_000, policy=LONG)
    assert result.to_list() == [{"a": 1}] * 10_000


def test_duplicate_keys_in_batch_write_are_all_written(stage):
    key = ("test", "twice", "written")
    stage.face.put(key, {"n": 0})
    before = stage.face.get(key).meta.gen
    written = stage.face.batch_write([(key, {"n": i}) for i in range(50)])
    assert [each.result for each in written.batch_records] == [0] * 50
    assert stage.face.get(key).meta.gen == before + 50


def test_equal_user_keys_of_different_sets_are_kept_apart(stage):
    keys = [("test", f"apart{i}", 1) for i in range(5)]
    for i, key in enumerate(keys):
        stage.face.put(key, {"i": i})
    result = stage.face.batch_read(keys)
    assert result.to_list() == [{"i": i} for i in range(5)]
    assert result.by_set() == {f"apart{i}": {1: {"i": i}} for i in range(5)}
    assert result.to_dict(by="key") == {key: {"i": i} for i, key in enumerate(keys)}


def test_batches_of_every_small_size(stage):
    keys = [("test", "sizes", i) for i in range(70)]
    stage.face.batch_write([(key, {"i": key[2]}) for key in keys])
    for count in range(len(keys) + 1):
        assert stage.face.batch_read(keys[:count]).to_list() == [{"i": i} for i in range(count)]


@pytest.mark.rss_growth_max(160 * 2**20)  # the server keeps 30 MB, and each side held the batch once
def test_large_records_in_one_batch(stage):
    keys = [("test", "large", i) for i in range(60)]
    blob = bytes(range(256)) * 2000
    for key in keys:
        stage.face.put(key, {"b": blob, "i": key[2]}, policy=LONG)
    rows = stage.face.batch_read(keys, policy=LONG).to_list()
    assert rows == [{"b": blob, "i": i} for i in range(60)]


@pytest.mark.rss_growth_max(64 * 2**20)
def test_cancelled_wait_for_many_keys_lets_everything_go(server, leak_check):
    async def main():
        with hostile.ProxiedCluster(server.hosts) as cluster:
            client = aerospike_py.async_client({"hosts": cluster.hosts})
            await client.connect()
            keys = [("test", "many", i) for i in range(20_000)]
            cluster.arm(hostile.delayed(0.2))
            for _ in range(5):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.batch_read(keys, policy=LONG), 0.05)
            cluster.heal()
            assert (await client.batch_read(keys[:10])).found_count() <= 10
            await client.close()

    asyncio.run(main())
