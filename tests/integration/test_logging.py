"""What the client says, where, and that it never prints."""

import subprocess
import sys
import time

import pytest
from fixtures.levels import kept_levels

import aerospike_py


@pytest.fixture
def every_level():
    """The most verbose level, and the levels of the loggers as they were afterwards."""
    with kept_levels():
        aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)
        yield


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_connecting_and_closing_are_logged(new_face, caplog, every_level, kind):
    face = new_face(kind)
    face.connect()
    face.close()
    said = [(record.name, record.levelname) for record in caplog.records if record.name == "aerospike_py"]
    assert ("aerospike_py", "INFO") in said
    assert ("aerospike_py", "DEBUG") in said


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_core_logs_through_logging(new_face, caplog, every_level, kind):
    face = new_face(kind)
    face.connect()
    nodes = len(face.get_node_names())
    deadline = time.monotonic() + 5

    def joined():
        return [r for r in caplog.records if r.name == "aerospike_core.cluster" and "joined" in r.getMessage()]

    while time.monotonic() < deadline and len(joined()) < nodes:
        face.info_random_node("build")
        time.sleep(0.01)
    assert [record.levelname for record in joined()] == ["INFO"] * nodes


def test_a_silenced_package_logs_nothing(new_face, caplog, every_level):
    aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_OFF)
    face = new_face("sync")
    face.connect()
    face.close()
    assert [record for record in caplog.records if record.name.startswith("aerospike")] == []


def test_nothing_is_printed(hosts):
    """A process that configures no logging, meets every kind of error, and says nothing of its own accord."""
    script = f"""
import asyncio, aerospike_py
for hosts in ([("127.0.0.1", 1)], {hosts!r}):
    client = aerospike_py.client({{"hosts": hosts, "timeout": 300}})
    try:
        client.connect()
    except aerospike_py.ClusterError:
        continue
    for call in (lambda: client.get(("test", "demo", "missing")), lambda: client.get(("nowhere", "demo", 1)),
                 lambda: client.get(5), lambda: client.put(("test", "demo", 1), {{"a": object()}}), client.connect):
        try:
            call()
        except (aerospike_py.AerospikeError, TypeError):
            pass
    client.close()
async def scenario():
    client = aerospike_py.async_client({{"hosts": [("127.0.0.1", 1)], "timeout": 300}})
    try:
        await client.connect()
    except aerospike_py.ClusterError:
        pass
    await client.close()
asyncio.run(scenario())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
