"""Many callers at once, and a garbage collector that runs at every allocation."""

import asyncio
import gc
import pickle
import subprocess
import threading
import time
import warnings

import numpy
import pytest

import aerospike_py
from aerospike_py import exception

KEYS = [("test", "crowd", i) for i in range(200)]
LONG = {"total_timeout": 30_000}


@pytest.fixture
def client(server, leak_check):
    """A connected client with records to read."""
    with aerospike_py.client({"hosts": list(server.hosts)}).connect() as connected:
        connected.batch_write([(key, {"i": key[2]}) for key in KEYS], LONG)
        yield connected


@pytest.mark.rss_growth_max(64 * 2**20)
def test_sixty_four_threads_share_a_client(client):
    counter = ("test", "crowd", "counter")
    client.put(counter, {"n": 0})
    failures = []

    def work(number):
        try:
            for turn in range(25):
                own = ("test", "crowd", f"t{number}")
                client.put(own, {"turn": turn}, policy=LONG)
                assert client.get(own, LONG).bins == {"turn": turn}
                client.increment(counter, "n", 1, policy=LONG)
                keys = KEYS[number : number + 20]
                assert client.batch_read(keys, policy=LONG).to_list() == [{"i": key[2]} for key in keys]
                with pytest.raises(exception.RecordNotFound):
                    client.get(("test", "crowd", f"none{number}"), LONG)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert failures == []
    assert client.get(counter).bins == {"n": 64 * 25}


@pytest.mark.parametrize("together", [1, 6])
def test_batches_get_along_with_one_connection_to_each_node(server, leak_check, together):
    # Large enough to be split over two connections to a node where there are two.
    keys = [("test", "scarce", i) for i in range(1800)]
    failures = []
    with aerospike_py.client({"hosts": list(server.hosts), "max_conns_per_node": 1}).connect() as client:
        client.batch_write([(key, {"i": key[2]}) for key in keys], LONG)

        def read():
            try:
                for _ in range(5):
                    assert client.batch_read(keys, policy=LONG).to_list() == [{"i": key[2]} for key in keys]
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(together)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
    assert failures == []
    assert time.monotonic() - began < LONG["total_timeout"] / 1000, "nobody waited for his deadline"


@pytest.mark.rss_growth_max(64 * 2**20)
def test_two_thousand_coroutines_share_a_client(server, leak_check):
    async def work(client, number):
        own = ("test", "crowd", f"c{number}")
        await client.put(own, {"n": number}, policy=LONG)
        assert (await client.get(own, LONG)).bins == {"n": number}
        if number % 10 == 0:
            rows = await client.batch_read([own, ("test", "crowd", "missing")], policy=LONG)
            assert rows.to_list() == [{"n": number}, None]
        if number % 7 == 0:
            with pytest.raises(exception.RecordNotFound):
                await client.get(("test", "crowd", f"missing{number}"), LONG)

    async def main():
        async with aerospike_py.async_client({"hosts": list(server.hosts)}) as client:
            await client.connect()
            for _ in range(2):
                await asyncio.gather(*(work(client, number) for number in range(2000)))

    asyncio.run(main())


def test_sync_client_stays_usable_while_a_coroutine_client_works(server, client):
    async def main():
        async with aerospike_py.async_client({"hosts": list(server.hosts)}) as other:
            await other.connect()
            for _ in range(20):
                records = await asyncio.gather(*(other.get(key) for key in KEYS))
                assert [each.bins["i"] for each in records] == list(range(len(KEYS)))
                assert client.batch_read(KEYS).found_count() == len(KEYS)

    asyncio.run(main())


@pytest.fixture
def collecting_always():
    """The collector runs at nearly every allocation."""
    old = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*old)


def test_conversions_under_a_collector_that_never_rests(client, collecting_always):
    value = {"l": [1, "two", [3.0, None, True]], "d": {"a": {"b": [b"c"]}, 5: "five"}, "s": "x" * 300, "i": -5}
    key = ("test", "crowd", "gc")
    for _ in range(10):
        client.put(key, value)
        assert client.get(key).bins == value
        result = client.batch_read([*KEYS[:50], key])
        assert result.to_list() == [{"i": i} for i in range(50)] + [value]
        assert result.to_dict()["gc"] == value
        assert [each.result for each in result.batch_records] == [0] * 51
        assert result.to_numpy(numpy.dtype([("i", "i8")])).batch_records["i"].sum() == sum(range(50)) - 5
        assert aerospike_py.LazyBatchRecords.merge_to_dict([result, result])[1]["gc"] == value
        with pytest.raises(TypeError):
            client.put(key, {"a": [1, {"b": object()}]})
        with pytest.raises(exception.RecordNotFound):
            client.get(("test", "crowd", "missing"))


def test_awaiting_under_a_collector_that_never_rests(server, leak_check, collecting_always):
    async def main():
        async with aerospike_py.async_client({"hosts": list(server.hosts)}) as client:
            await client.connect()
            await asyncio.gather(*(client.put(key, {"i": key[2]}) for key in KEYS[:40]))
            for _ in range(5):
                records = await asyncio.gather(*(client.get(key) for key in KEYS[:40]))
                assert [each.bins for each in records] == [{"i": i} for i in range(40)]
                assert (await client.batch_read(KEYS[:40])).to_list() == [{"i": i} for i in range(40)]

    asyncio.run(main())


def test_dict_that_other_threads_change_is_written_or_refused(client):
    bins = {f"b{i}": i for i in range(50)}
    stop = threading.Event()

    def change():
        number = 0
        while not stop.is_set():
            bins[f"x{number % 30}"] = number
            bins.pop(f"x{(number + 15) % 30}", None)
            number += 1

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        until = time.monotonic() + 1.0
        written = 0
        while time.monotonic() < until:
            try:
                client.put(("test", "crowd", "changing"), bins)
                written += 1
            except RuntimeError as error:
                assert "changed size" in str(error)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    client.put(("test", "crowd", "changing"), {"a": 1})
    assert written > 0


def test_metrics_text_satisfies_promtool(client):
    aerospike_py.set_internal_stage_metrics_enabled(True)
    try:
        client.batch_read(KEYS).to_dict()
        client.get(KEYS[0])
        with pytest.raises(exception.RecordNotFound):
            client.get(("test", 'odd "set"\n\\', "missing"))
    finally:
        aerospike_py.set_internal_stage_metrics_enabled(False)
    text = aerospike_py.get_metrics()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert 'db_operation_name="batch_read"' in text
    assert 'error_type="KeyNotFoundError"' in text
    assert 'db_client_internal_stage_seconds_count{stage="io"' in text
    assert text.endswith("# EOF") or text.endswith("# EOF\n")


@pytest.mark.frees_large_blocks
def test_metrics_are_read_by_ten_threads_while_calls_are_counted(client):
    failures = []

    def read():
        try:
            for _ in range(30):
                assert aerospike_py.get_metrics().rstrip().endswith("# EOF")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(10)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        client.get(KEYS[0])
    for thread in threads:
        thread.join()
    assert failures == []


def test_results_pickle(client):
    record = client.get(KEYS[3])
    assert pickle.loads(pickle.dumps(record)) == record
    result = client.batch_read([*KEYS[:5], ("test", "crowd", "missing")])
    again = pickle.loads(pickle.dumps(result))
    assert again.to_list() == result.to_list() == [{"i": i} for i in range(5)] + [None]
    assert again.to_dict() == result.to_dict()
    assert again.all_user_keys() == result.all_user_keys()
    assert [each.result for each in again.batch_records] == [0] * 5 + [2]
    arrays = result.to_numpy(numpy.dtype([("i", "i8")]))
    copied = pickle.loads(pickle.dumps(arrays))
    assert (copied.batch_records == arrays.batch_records).all()
    assert (copied.result_codes == arrays.result_codes).all()
    written = client.batch_write([(KEYS[0], {"i": 0})])
    assert pickle.loads(pickle.dumps(written)) == written
    info = client.info_all("build")
    assert pickle.loads(pickle.dumps(info)) == info


def test_exceptions_pickle_with_what_they_know(client):
    with pytest.raises(exception.RecordNotFound) as caught:
        client.get(("test", "crowd", "missing"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is exception.RecordNotFound
    assert str(again) == str(caught.value)
    for attribute in ("result_code", "in_doubt", "node", "attempts", "stage"):
        assert getattr(again, attribute) == getattr(caught.value, attribute)
    assert again.result_code == 2
    for name in exception.__all__:
        error = getattr(exception, name)("text")
        error.result_code = 77
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is type(error)
        assert copied.args == ("text",)
        assert copied.result_code == 77


def test_equal_user_keys_of_two_sets_warn_once(client):
    client.put(("test", "crowd_b", 1), {"other": 1})
    result = client.batch_read([KEYS[1], ("test", "crowd_b", 1)])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert result.to_dict() == {1: {"other": 1}}
    assert [each.category for each in seen] in ([UserWarning], [])  # the warning comes once per process
