"""The fixtures that the package offers to other people's tests."""

import subprocess
import sys

TESTS = """
import pytest

@pytest.fixture(scope="session")
def aerospike_server_options():
    return {"nodes": 2, "namespace": "features"}

def test_writes(aerospike_client, aerospike_server):
    assert len(aerospike_server.hosts) == 2
    aerospike_client.put(("features", "users", 1), {"name": "Ada"})

def test_reads_what_the_session_wrote(aerospike_client):
    assert aerospike_client.get(("features", "users", 1)).bins == {"name": "Ada"}
"""


def test_fixtures_give_a_server_for_the_session_and_connected_clients(tmp_path):
    (tmp_path / "test_theirs.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "2 passed" in outcome.stdout
