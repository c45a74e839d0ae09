"""Connecting through seeds that do not answer, answer nonsense, or belong to somebody else."""

import contextlib
import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from fixtures import hostile
from fixtures.faces import KINDS, make_face
from fixtures.stopwatch import Stopwatch

import aerospike_py
from aerospike_py import exception

TIMEOUT_MS = 400
SLACK_S = 0.5
KEY = ("test", "seeds", 1)


@contextlib.contextmanager
def refusing_port():
    yield ("127.0.0.1", hostile.port_nobody_listens_on())


@contextlib.contextmanager
def peer(*steps, at_once=False):
    with hostile.Peer(*steps, at_once=at_once) as running:
        yield running.address


INFO_HEAD = bytes((2, hostile.INFO))


@dataclass(frozen=True)
class Seed:
    """An address that is no node, and what a client meets there."""

    name: str
    open: Callable[[], AbstractContextManager[tuple[str, int]]]


SEEDS = [
    Seed("refused", refusing_port),
    Seed("unreachable", hostile.unreachable),
    Seed("silent", lambda: peer(hostile.HANG, at_once=True)),
    Seed("silent after the question", lambda: peer(hostile.HANG)),
    Seed("closing at once", lambda: peer(hostile.CLOSE, at_once=True)),
    Seed("closing after the question", lambda: peer(hostile.CLOSE)),
    Seed("resetting", lambda: peer(hostile.RESET)),
    Seed("garbage", lambda: peer(b"\xde\xad\xbe\xef" * 64, hostile.HANG)),
    Seed("garbage before the question", lambda: peer(b"\xde\xad\xbe\xef" * 64, hostile.HANG, at_once=True)),
    Seed("http", lambda: peer(b"HTTP/1.1 400 Bad Request\r\n\r\n", hostile.CLOSE)),
    Seed("oversized", lambda: peer(INFO_HEAD + (2**47).to_bytes(6, "big"), hostile.HANG)),
    Seed("promising", lambda: peer(INFO_HEAD + (100 * 2**20).to_bytes(6, "big"), hostile.HANG)),
    Seed("truncated", lambda: peer(hostile.frame(hostile.INFO, b"node\tA1\n" * 9)[:40], hostile.CLOSE)),
    Seed("half an answer", lambda: peer(hostile.frame(hostile.INFO, b"node\tA1\n" * 9)[:40], hostile.HANG)),
    Seed("empty answer", lambda: peer(hostile.frame(hostile.INFO, b""), hostile.HANG)),
    Seed("answer without values", lambda: peer(hostile.frame(hostile.INFO, b"node\nbuild\n"), hostile.HANG)),
    Seed("errors", lambda: peer(hostile.frame(hostile.INFO, b"ERROR:80:not authenticated\n"), hostile.HANG)),
    Seed("record message", lambda: peer(hostile.frame(hostile.RECORD, bytes(22)), hostile.HANG)),
    Seed("two answers at once", lambda: peer(hostile.frame(hostile.INFO, b"node\tA1\n") * 50, hostile.HANG)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_bad_seed_alone_is_a_cluster_error_in_time_each_time(leak_check, seed, kind):
    with seed.open() as address:
        face = make_face(kind, {"hosts": [address], "timeout": TIMEOUT_MS})
        try:
            for _ in range(3):
                watch = Stopwatch()
                with pytest.raises(exception.ClusterError) as caught:
                    face.connect()
                assert watch.took() < TIMEOUT_MS / 1000 + SLACK_S
                assert str(address[1]) in str(caught.value), "the message names the seed"
                assert not face.is_connected()
                with pytest.raises(exception.ClientError, match="not connected"):
                    face.get(KEY)
        finally:
            face.dispose()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_bad_seed_does_not_hold_up_a_good_one(server, leak_check, seed, kind):
    with seed.open() as address:
        face = make_face(kind, {"hosts": [address, *server.hosts[:1]], "timeout": 5000})
        try:
            watch = Stopwatch()
            face.connect()
            assert watch.took() < 1.0
            face.put(KEY, {"a": 1})
            assert face.get(KEY).bins == {"a": 1}
        finally:
            face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_client_connects_once_the_seed_is_up(server, leak_check, kind):
    port = hostile.port_nobody_listens_on()
    face = make_face(kind, {"hosts": [("127.0.0.1", port)], "timeout": TIMEOUT_MS})
    try:
        with pytest.raises(exception.ClusterError):
            face.connect()
        with hostile.Proxy(server.hosts[0], port) as up:
            up.rewritten = {f"127.0.0.1:{server.hosts[0][1]}".encode(): f"127.0.0.1:{port}".encode()}
            face.connect()
            face.put(KEY, {"a": 2})
            assert face.get(KEY).bins == {"a": 2}
            face.close()
    finally:
        face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_half_dead_seed_that_stops_answering_questions(server, leak_check, kind):
    # The node names itself and then falls silent: the other seeds serve.
    answered = []

    def one_answer(request, reply):
        answered.append(request)
        return [reply] if len(answered) == 1 else [hostile.HANG]

    with hostile.Proxy(server.hosts[0]) as half_dead:
        half_dead.info_fault = one_answer
        face = make_face(kind, {"hosts": [half_dead.address, *server.hosts[1:]], "timeout": 3000})
        try:
            watch = Stopwatch()
            face.connect()
            assert watch.took() < 3.0
            for i in range(30):
                face.put(("test", "seeds", i), {"a": i}, policy={"total_timeout": 5000})
        finally:
            face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_cluster_name_is_named(server, leak_check, kind):
    face = make_face(kind, {"hosts": list(server.hosts), "cluster_name": "somebody-elses", "timeout": TIMEOUT_MS})
    try:
        watch = Stopwatch()
        with pytest.raises(exception.ClusterError, match="belongs to cluster 'aero', not 'somebody-elses'"):
            face.connect()
        assert watch.took() < TIMEOUT_MS / 1000 + SLACK_S
    finally:
        face.dispose()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [None, ""])
def test_no_cluster_name_is_not_checked(server, leak_check, kind, name):
    face = make_face(kind, {"hosts": list(server.hosts), "cluster_name": name})
    face.connect()
    assert len(face.get_node_names()) == 3
    face.dispose()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("hosts", "error", "text"),
    [
        ([], exception.ClusterError, "is empty"),
        (["127.0.0.1:notaport"], ValueError, "Invalid port"),
        (["127.0.0.1:70000"], ValueError, "Invalid port"),
        ([5], TypeError, "host"),
    ],
)
def test_bad_host_text(leak_check, kind, hosts, error, text):
    face = make_face(kind, {"hosts": hosts})
    with pytest.raises(error, match=text):
        face.connect()
    face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_five_connects_and_closes_leave_nothing(server, leak_check, kind):
    for _ in range(25):
        face = make_face(kind, {"hosts": list(server.hosts)})
        face.connect()
        face.put(KEY, {"a": 1})
        assert face.get(KEY).bins == {"a": 1}
        face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_one_client_connects_and_closes_twenty_five_times(server, leak_check, kind):
    face = make_face(kind, {"hosts": list(server.hosts)})
    for _ in range(25):
        face.connect()
        assert face.is_connected()
        assert face.ping()
        face.close()
        assert not face.is_connected()
        assert not face.ping()
        with pytest.raises(exception.ClientError, match="not connected"):
            face.batch_read([])
    face.dispose()


def test_client_that_is_dropped_without_close_leaves_nothing(server, leak_check):
    for _ in range(10):
        with pytest.warns(ResourceWarning, match="unclosed"):
            aerospike_py.client({"hosts": list(server.hosts)}).connect().put(KEY, {"a": 1})
            gc.collect()
