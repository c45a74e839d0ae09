"""Metrics of operations and stages: what is counted, when, and that the times of a call add up."""

import asyncio
import re
import subprocess
import time

import pytest

import aerospike_py

STAGES = {
    "key_parse",
    "limiter_wait",
    "future_into_py_setup",
    "tokio_schedule_delay",
    "io",
    "retry_wait",
    "event_loop_resume_delay",
    "spawn_blocking_delay",
    "gil_wait",
    "into_pyobject",
    "to_dict",
    "to_numpy",
    "merge_to_dict",
    "unaccounted",
}


@pytest.fixture
def profiled():
    """Profiling on, and every figure from zero."""
    with aerospike_py.internal_stage_profiling():
        aerospike_py.reset_stage_metrics()
        yield
    aerospike_py.reset_stage_metrics()


def operation_count(name, error_type="", set_name="contract"):
    """How many calls the histogram of operations has counted."""
    wanted = {f'db_operation_name="{name}"', f'error_type="{error_type}"', f'db_collection_name="{set_name}"'}
    samples = re.findall(
        r"^db_client_operation_duration_seconds_count\{(.*)\} (\d+)", aerospike_py.get_metrics(), re.MULTILINE
    )
    return sum(int(count) for labels, count in samples if wanted <= set(labels.split(",")))


def test_every_operation_is_counted_under_its_name(face, key):
    calls = {
        "put": lambda: face.put(key, {"s": "x", "n": 1}),
        "get": lambda: face.get(key),
        "select": lambda: face.select(key, ["n"]),
        "exists": lambda: face.exists(key),
        "touch": lambda: face.touch(key),
        "append": lambda: face.append(key, "s", "y"),
        "prepend": lambda: face.prepend(key, "s", "w"),
        "increment": lambda: face.increment(key, "n", 1),
        "operate": lambda: face.operate(key, [{"op": aerospike_py.OPERATOR_READ, "bin": "n"}]),
        "batch_read": lambda: face.batch_read([key]),
        "remove": lambda: face.remove(key),
        "batch_remove": lambda: face.batch_remove([key]),
    }
    for name, call in calls.items():
        before = operation_count(name)
        call()
        assert (name, operation_count(name)) == (name, before + 1)


def test_failures_are_counted_by_kind(face, key):
    before = operation_count("get", "KeyNotFoundError")
    with pytest.raises(aerospike_py.RecordNotFound):
        face.get(key)
    assert operation_count("get", "KeyNotFoundError") == before + 1


def test_exists_of_a_missing_record_is_a_success(face, key):
    before = operation_count("exists")
    face.exists(key)
    assert operation_count("exists") == before + 1


def test_switched_off_nothing_is_counted(face, key):
    face.put(key, {"a": 1})
    aerospike_py.set_metrics_enabled(False)
    try:
        assert aerospike_py.is_metrics_enabled() is False
        before = operation_count("get")
        face.get(key)
        assert operation_count("get") == before
    finally:
        aerospike_py.set_metrics_enabled(True)
    assert aerospike_py.is_metrics_enabled() is True


def test_the_text_is_what_prometheus_reads(face, key):
    with aerospike_py.internal_stage_profiling():
        face.put(key, {"a": 1})
        face.batch_read([key]).to_dict()
    text = aerospike_py.get_metrics()
    assert text.rstrip("\n").endswith("# EOF")
    assert all(line.startswith("#") or line[0].isalpha() or line[0] == "_" for line in text.splitlines())
    for name in ("db_client_operation_duration_seconds", "db_client_internal_stage_seconds"):
        assert f"# HELP {name} " in text
        assert f"# TYPE {name} histogram" in text
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_buckets_are_those_of_the_contract(face, key):
    with aerospike_py.internal_stage_profiling():
        face.put(key, {"a": 1})
    text = aerospike_py.get_metrics()
    bounds = {}
    for name, bound in re.findall(r"(\w+)_bucket\{[^}]*le=\"([^\"]+)\"\}", text):
        bounds.setdefault(name, set()).add(float(bound))
    infinity = float("inf")
    assert bounds["db_client_operation_duration_seconds"] == {
        0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, infinity,
    }  # fmt: skip
    assert bounds["db_client_internal_stage_seconds"] == {
        1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 1, infinity,
    }  # fmt: skip


# ---- stages ---------------------------------------------------------------------------------------------------------


def test_without_profiling_there_are_no_timings(face, key):
    face.put(key, {"a": 1})
    assert aerospike_py.is_internal_stage_metrics_enabled() is False
    assert face.batch_read([key]).timings is None


def test_timings_of_a_batch_name_the_stages(face, key, profiled):
    face.put(key, {"a": 1})
    result = face.batch_read([key])
    before = dict(result.timings)
    assert set(before) <= STAGES
    assert {"key_parse", "io", "into_pyobject", "unaccounted"} <= set(before)
    assert all(type(value) is float and value >= 0.0 for value in before.values())
    assert "to_dict" not in before
    result.to_dict()
    assert result.timings["to_dict"] > 0.0
    assert {name: result.timings[name] for name in before} == before


@pytest.mark.parametrize("method", ["put", "get", "exists", "operate", "batch_write", "remove"])
def test_every_operation_is_cut_into_stages(face, key, profiled, method):
    face.put(key, {"a": 1})
    aerospike_py.reset_stage_metrics()
    arguments = {
        "put": (key, {"a": 2}),
        "operate": (key, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
        "batch_write": ([(key, {"a": 2})],),
    }.get(method, (key,))
    getattr(face, method)(*arguments)
    stages = aerospike_py.profile_report().to_dict()[method]["stages"]
    assert {"key_parse", "io", "unaccounted"} <= set(stages)
    assert stages["io"]["calls"] == 1


def test_the_stages_of_a_synchronous_call_add_up(client, new_key, profiled):
    keys = [new_key() for _ in range(200)]
    client.batch_write([(key, {"n": 1, "s": "text"}) for key in keys])
    client.batch_read(keys)
    shares = []
    for _ in range(20):
        result = None  # freeing the one before is not part of the call
        start = time.perf_counter()
        result = client.batch_read(keys)
        wall = time.perf_counter() - start
        shares.append(sum(value for name, value in result.timings.items() if name != "unaccounted") / wall)
    shares.sort()
    assert 0.98 <= shares[10] <= 1.0
    assert shares[-1] <= 1.0


def test_the_stages_of_an_asyncio_call_add_up_beside_a_busy_coroutine(hosts, new_key, profiled):
    async def busy(seconds):
        while True:
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            keys = [new_key() for _ in range(200)]
            await client.batch_write([(key, {"n": 1}) for key in keys])
            for burden in (None, 0.005):
                other = asyncio.ensure_future(busy(burden)) if burden else None
                shares = []
                for _ in range(20):
                    result = None
                    start = time.perf_counter()
                    result = await client.batch_read(keys)
                    wall = time.perf_counter() - start
                    shares.append(sum(t for name, t in result.timings.items() if name != "unaccounted") / wall)
                if other:
                    other.cancel()
                    assert result.timings["event_loop_resume_delay"] > 0.001
                shares.sort()
                assert 0.98 <= shares[10] <= 1.0

    asyncio.run(scenario())


def test_last_timings_are_those_of_the_thread(client, key, profiled):
    client.put(key, {"a": 1})
    client.get(key)
    mine = aerospike_py.last_timings()
    assert "io" in mine
    import threading

    others = []
    thread = threading.Thread(target=lambda: others.append(aerospike_py.last_timings()))
    thread.start()
    thread.join(10)
    assert others == [None]
    assert aerospike_py.last_timings() == mine


def test_an_awaitable_knows_its_timings(hosts, key, profiled):
    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await client.put(key, {"a": 1})
            call = client.get(key)
            await call
            assert "io" in call.timings
            assert aerospike_py.last_timings() == call.timings

    asyncio.run(scenario())


def test_switching_profiling_on_and_off_is_remembered():
    assert aerospike_py.is_internal_stage_metrics_enabled() is False
    with aerospike_py.internal_stage_profiling():
        assert aerospike_py.is_internal_stage_metrics_enabled() is True
        with aerospike_py.internal_stage_profiling():
            pass
        assert aerospike_py.is_internal_stage_metrics_enabled() is True
    assert aerospike_py.is_internal_stage_metrics_enabled() is False
    with pytest.raises(ZeroDivisionError), aerospike_py.internal_stage_profiling():
        raise ZeroDivisionError
    assert aerospike_py.is_internal_stage_metrics_enabled() is False


def test_the_report_explains_the_wall_time(face, new_key, profiled):
    keys = [new_key() for _ in range(100)]
    face.batch_write([(key, {"n": 1}) for key in keys])
    aerospike_py.reset_stage_metrics()
    for _ in range(10):
        face.batch_read(keys).to_dict()
    report = aerospike_py.profile_report()
    figures = report.to_dict()["batch_read"]
    assert figures["calls"] == 10
    assert figures["accounted"] > 0.9
    assert sum(stage["share"] for stage in figures["stages"].values()) == pytest.approx(1.0)
    for stage in figures["stages"].values():
        assert stage["p50_s"] <= stage["p95_s"] <= stage["p99_s"]
        assert stage["mean_s"] * stage["calls"] == pytest.approx(stage["total_s"])
    text = str(report)
    assert all(name in text for name, stage in figures["stages"].items() if stage["total_s"])
    assert max(map(len, text.splitlines())) <= 100
