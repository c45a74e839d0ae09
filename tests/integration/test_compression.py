"""Compressed messages: what the embedded server takes and gives, by Python's own zlib, and what both clients send."""

import asyncio
import pickle
import socket
import zlib

import numpy as np
import pytest
from fixtures.faces import KINDS, make_face
from fixtures.hostile import COMPRESSED, HEADER, INFO, RECORD, ProxiedCluster, bomb, frame, messages_of, packed, plain
from fixtures.listener import read_message

import aerospike_py
from aerospike_py.testing import Server

POLICY = {"compress": True, "total_timeout": 20_000}
READ_ALL, COMPRESS_RESPONSE, WRITE = 0x03, 0x80, 0x01
PARAMETER, ENTERPRISE_ONLY = 4, 25
TEXT = "a text of which there is much " * 40


@pytest.fixture(scope="module")
def server():
    with Server(nodes=3, compression=True) as running:
        yield running


@pytest.fixture
def keys(new_key):
    return [new_key() for _ in range(100)]


# ---- the server, by bytes -------------------------------------------------------------------------------------------


def field(kind, data):
    return (len(data) + 1).to_bytes(4, "big") + bytes([kind]) + data


def op(kind, particle, name, value):
    body = bytes([kind, particle, 0, len(name)]) + name + value
    return len(body).to_bytes(4, "big") + body


def message(info1, info2, digest, ops=b"", count=0):
    """One record message about `test.raw`."""
    fields = field(0, b"test") + field(1, b"raw") + field(4, digest)
    head = bytes([22, info1, info2, 0, 0, 0]) + bytes(12) + (3).to_bytes(2, "big") + count.to_bytes(2, "big")
    return frame(RECORD, head + fields + ops)


def put(digest, text):
    return message(0, WRITE, digest, op(2, 3, b"text", text.encode()), 1)


class Talk:
    """One connection to a node."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, request):
        self.socket.sendall(request)
        return read_message(self.socket)


@pytest.fixture
def talk():
    with Server(compression=True) as server, Talk(server.hosts[0]) as connection:
        yield connection


def code_of(reply):
    assert reply[1] == RECORD
    return reply[HEADER + 5]


def test_a_compressed_write_is_carried_out_and_read_compressed_where_that_is_asked_for(talk):
    digest = bytes(range(20))
    assert code_of(talk.ask(packed(put(digest, TEXT)))) == 0
    unasked = talk.ask(message(READ_ALL, 0, digest))
    assert unasked[1] == RECORD
    assert TEXT.encode() in unasked
    asked = talk.ask(message(READ_ALL | COMPRESS_RESPONSE, 0, digest))
    assert asked[1] == COMPRESSED
    assert len(asked) < len(unasked) / 4
    assert int.from_bytes(asked[HEADER : HEADER + 8], "big") == len(unasked)
    assert zlib.decompress(asked[HEADER + 8 :]) == unasked
    assert plain(talk.ask(packed(message(READ_ALL | COMPRESS_RESPONSE, 0, digest)))) == unasked


def test_small_answers_come_as_they_are(talk):
    digest = bytes(20)
    assert code_of(talk.ask(put(digest, "short"))) == 0
    reply = talk.ask(message(READ_ALL | COMPRESS_RESPONSE, 0, digest))
    assert reply[1] == RECORD
    assert b"short" in reply


def test_lies_are_refused_and_the_connection_goes_on(talk):
    digest = bytes(range(20))
    good = put(digest, TEXT)
    hundred_mib = 100 * 2**20
    lies = {
        "less comes out": packed(good, len(good) + 1),
        "more comes out": packed(good, len(good) - 1),
        "a bomb that is none": packed(good, hundred_mib),
        "beyond every limit": packed(good, 2**60),
        "a real bomb": bomb(100, announced=1000),
        "something behind": packed(good, trailing=b"x"),
        "two messages": packed(good + good),
        "nested": packed(packed(good)),
        "info inside": packed(frame(INFO, b"build\n" * 30)),
        "no stream": frame(COMPRESSED, len(good).to_bytes(8, "big") + b"no stream at all" * 10),
        "only a size": frame(COMPRESSED, len(good).to_bytes(8, "big")),
        "nothing": frame(COMPRESSED, b""),
        "half a stream": frame(COMPRESSED, packed(good)[HEADER:-20]),
    }
    for name, lie in lies.items():
        assert code_of(talk.ask(lie)) == PARAMETER, name
    assert code_of(talk.ask(message(READ_ALL, 0, digest))) == 2
    assert code_of(talk.ask(packed(good))) == 0


def test_a_community_server_refuses_and_answers_plain():
    with Server() as server, Talk(server.hosts[0]) as talk:
        digest = bytes(range(20))
        assert code_of(talk.ask(packed(put(digest, TEXT)))) == ENTERPRISE_ONLY
        assert code_of(talk.ask(put(digest, TEXT))) == 0
        assert talk.ask(message(READ_ALL | COMPRESS_RESPONSE, 0, digest))[1] == RECORD


# ---- the clients ----------------------------------------------------------------------------------------------------


class Wire:
    """A client behind proxies that keep what passes."""

    def __init__(self, kind, server):
        self.cluster = ProxiedCluster(server.hosts)
        self.requests, self.replies = [], []
        self.cluster.arm(self._keep)
        self.face = make_face(kind, {"hosts": self.cluster.hosts})
        self.face.connect()

    def _keep(self, request, reply):
        self.requests.append(request)
        self.replies += messages_of(reply)
        return [reply]

    def forget(self):
        self.requests.clear()
        self.replies.clear()


@pytest.fixture(params=KINDS)
def wire(request, server):
    made = Wire(request.param, server)
    yield made
    made.face.dispose()
    made.cluster.close()


def kinds(messages):
    return {each[1] for each in messages}


def test_records_travel_compressed_both_ways(wire, key):
    wire.face.put(key, {"text": TEXT, "n": 5}, policy=POLICY)
    assert kinds(wire.requests) == {COMPRESSED}
    assert len(wire.requests[0]) < len(TEXT) / 4
    wire.forget()
    assert wire.face.get(key, POLICY).bins == {"text": TEXT, "n": 5}
    assert kinds(wire.replies) == {COMPRESSED}
    assert wire.face.select(key, ["n"], POLICY).bins == {"n": 5}
    operations = [{"op": aerospike_py.OPERATOR_READ, "bin": "text"}]
    assert wire.face.operate(key, operations, policy=POLICY).bins == {"text": TEXT}
    wire.forget()
    assert wire.face.get(key).bins == {"text": TEXT, "n": 5}
    assert kinds(wire.requests) == kinds(wire.replies) == {RECORD}


def test_batches_travel_compressed_both_ways(wire, keys):
    rows = [(key, {"n": n, "text": f"{n} {TEXT}"}) for n, key in enumerate(keys)]
    assert wire.face.batch_write(rows, POLICY).batch_records[99].result == 0
    assert kinds(wire.requests) == {COMPRESSED}
    wire.forget()
    found = wire.face.batch_read(keys, policy=POLICY)
    assert found.to_list() == [bins for _, bins in rows]
    assert kinds(wire.requests) == {COMPRESSED}
    assert kinds(wire.replies) == {RECORD, COMPRESSED}  # the last message of each stream is small
    assert sum(map(len, wire.replies)) < 100 * len(TEXT) / 4
    assert pickle.loads(pickle.dumps(found)).to_dict() == found.to_dict()
    numbers = wire.face.batch_read(keys, ["n"], POLICY).to_numpy(np.dtype([("n", "i8")]))
    assert [row["n"] for row in numbers.batch_records] == list(range(100))
    assert [each.result for each in wire.face.batch_remove(keys, POLICY).batch_records] == [0] * 100


def test_blocks_of_a_long_answer_are_compressed_one_by_one(wire, keys):
    rows = [(key, {"text": TEXT * 8, "n": n}) for n, key in enumerate(keys)]
    policy = aerospike_py.BatchPolicyInstance(compress=True, total_timeout=20_000)
    wire.face.batch_write(rows, policy)
    wire.forget()
    assert wire.face.batch_read(keys, policy=policy).to_list() == [bins for _, bins in rows]
    assert sum(each[1] == COMPRESSED for each in wire.replies) > 3


def test_gets_that_share_a_message_share_its_compression(server, keys):
    async def scenario(cluster):
        async with aerospike_py.async_client({"hosts": cluster.hosts}) as client:
            await client.connect()
            for n, key in enumerate(keys):
                await client.put(key, {"text": TEXT, "n": n}, policy=POLICY)
            seen = []
            cluster.arm(lambda request, reply: [seen.append(request), reply][1:])
            for _ in range(5):
                records = await asyncio.gather(*(client.get(key, POLICY) for key in keys))
                assert [record.bins["n"] for record in records] == list(range(100))
            shared = [each for each in seen if plain(each)[HEADER + 1] & 0x08]
            assert shared
            assert kinds(shared) == {COMPRESSED}
            # A get without compression does not share a message with those that have it.
            seen.clear()
            mixed = [client.get(key, POLICY if n % 2 else None) for n, key in enumerate(keys)]
            assert [record.bins["n"] for record in await asyncio.gather(*mixed)] == list(range(100))
            assert kinds(seen) == {RECORD, COMPRESSED}

    with ProxiedCluster(server.hosts) as cluster:
        asyncio.run(scenario(cluster))


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_compression_is_told_of_by_name(hosts, new_face, kind, key, keys):
    face = new_face(kind)
    face.connect()
    with pytest.raises(aerospike_py.ServerError, match="compress") as caught:
        face.put(key, {"text": TEXT}, policy=POLICY)
    assert caught.value.result_code == aerospike_py.AEROSPIKE_ERR_ENTERPRISE_ONLY
    assert not caught.value.in_doubt
    with pytest.raises(aerospike_py.ServerError, match="compress"):
        face.batch_read(keys, policy=POLICY)
    # What is small goes as it is, and the flag for the answer is ignored.
    face.put(key, {"n": 1}, policy=POLICY)
    assert face.get(key, POLICY).bins == {"n": 1}


def test_shared_gets_that_such_a_server_refuses_go_alone(hosts, keys):
    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            for n, key in enumerate(keys):
                await client.put(key, {"n": n})
            for _ in range(5):
                records = await asyncio.gather(*(client.get(key, POLICY) for key in keys))
                assert [record.bins["n"] for record in records] == list(range(100))

    asyncio.run(scenario())


@pytest.mark.parametrize("value", ["yes", 1.5, None, [True]])
def test_a_value_of_the_wrong_type_is_refused(unconnected, key, value):
    with pytest.raises(TypeError):
        unconnected.get(key, {"compress": value})
    with pytest.raises(TypeError):
        aerospike_py.BatchPolicyInstance(compress=value)


def test_stages_of_compressed_calls_add_up(wire, keys):
    rows = [(key, {"text": TEXT * 8}) for key in keys]
    with aerospike_py.internal_stage_profiling():
        wire.face.batch_write(rows, POLICY)
        found = wire.face.batch_read(keys, policy=POLICY)
        timings = aerospike_py.last_timings() if wire.face.kind == "sync" else found.timings
    assert timings["io"] > 0
    assert all(seconds >= 0 for seconds in timings.values())
