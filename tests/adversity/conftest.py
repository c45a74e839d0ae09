"""What the tests of adversity share: a cluster behind hostile proxies, and the count of what stays behind."""

import sysconfig
import time
from dataclasses import dataclass

import pytest
from fixtures.faces import KINDS, make_face
from fixtures.hostile import ProxiedCluster
from fixtures.leaks import Held, assert_nothing_left

# ThreadSanitizer keeps a shadow of all memory that was ever used.
WATCHED = "--with-thread-sanitizer" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
RSS_GROWTH_MAX = (500 if WATCHED else 24) * 2**20
# Without a GIL the interpreter's allocator keeps freed blocks of any size until its next round; the largest inputs, and
# ten threads that read metrics at once, have so many bytes of them.
FREED_BLOCK_BYTES = 300_000_000 if sysconfig.get_config_var("Py_GIL_DISABLED") else 0
# What makes allocations fail is of the interpreter's own tests, and without a GIL there is no choice of its allocator.
collect_ignore = (
    ["test_out_of_memory.py", "test_unwritten_bytes.py"] if sysconfig.get_config_var("Py_GIL_DISABLED") else []
)


def pytest_configure(config):
    """Name the mark of tests that handle much at once."""
    config.addinivalue_line("markers", "rss_growth_max(bytes): memory that may stay with the allocator after this test")
    config.addinivalue_line("markers", "frees_large_blocks: the allocator of a free-threaded interpreter may keep them")


@pytest.fixture(scope="session")
def server():
    """Three embedded nodes that stay up; these tests stop and cut what a shared cluster must not lose."""
    from aerospike_py.testing import Server

    with Server(nodes=3) as running:
        yield running


@pytest.fixture(scope="session")
def warm(server):
    """Everything that a process allocates once is there before anything is counted."""
    for kind in KINDS:
        face = make_face(kind, {"hosts": list(server.hosts)})
        face.connect()
        keys = [("test", "warm", i) for i in range(5000)]
        face.batch_write([(key, {"a": i, "s": "text"}) for i, key in enumerate(keys)], {"total_timeout": 20000})
        for _ in range(3):
            face.batch_read(keys, policy={"total_timeout": 20000}).to_dict()
        face.dispose()


@pytest.fixture
def leak_check(request, warm):
    """After the test no file descriptor and no thread more, and memory within a bound (`rss_growth_max` mark)."""
    mark = request.node.get_closest_marker("rss_growth_max")
    growth_max = RSS_GROWTH_MAX if mark is None else mark.args[0]
    if " MB" in request.node.name or request.node.get_closest_marker("frees_large_blocks"):
        growth_max += FREED_BLOCK_BYTES
    before = Held.now()
    yield
    assert_nothing_left(before, growth_max)


@dataclass
class Stage:
    """Where a case plays: a connected client, the proxies it talks through and the server behind them."""

    kind: str
    face: object
    cluster: ProxiedCluster

    def check_goes_on(self):
        """The same client still writes and reads, with the default policies, once the faults are gone."""
        self.cluster.heal()
        self.cluster.settle()
        time.sleep(0.02)  # the ends of connections travel to the client
        keys = [("test", "goes_on", i) for i in range(30)]
        for i, key in enumerate(keys):
            self.face.put(key, {"i": i})
        assert [self.face.get(key).bins for key in keys] == [{"i": i} for i in range(30)]
        assert self.face.batch_read(keys).to_list() == [{"i": i} for i in range(30)]


@pytest.fixture(params=KINDS)
def stage(request, server, leak_check):
    """A connected client of a three-node cluster behind proxies, once per face."""
    with ProxiedCluster(server.hosts) as cluster:
        face = make_face(request.param, {"hosts": cluster.hosts, "timeout": 2000})
        face.connect()
        try:
            yield Stage(request.param, face, cluster)
        finally:
            face.dispose()
