"""The embedded server gives the replies that a real server gave to the same bytes (tests/golden)."""

import json
import socket
import struct
import time
from pathlib import Path

import pytest

from aerospike_py.testing import Server

STORIES = Path(__file__).resolve().parents[1] / "golden/real_server_8.1.2.jsonl"
# What this server carries out; stories of collections, expressions, queries and UDFs are told by others.
KINDS = (
    "values", "key", "stored key", "ttl", "exists policy", "generation", "nil bins", "string operations", "wrap",
    "operate", "batch", "info", "truncate",
)  # fmt: skip
INFO, MESSAGE = 1, 3
LAST = 0x01
GEOJSON = 23


def stories():
    with STORIES.open() as lines:
        found = [json.loads(line) for line in lines]
    return [story for story in found if story["story"].startswith(KINDS)]


class Talk:
    """One connection that sends recorded requests."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, size):
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            assert more, "the server closed the connection"
            got += more
        return got

    def read_frame(self):
        head = self.read(8)
        return head[1], self.read(int.from_bytes(head[2:], "big"))

    def ask(self, request):
        """The bodies of the reply; those of a batch up to the message that says LAST."""
        self.socket.sendall(request)
        is_batch = request[1] == MESSAGE and request[9] & 0x08
        bodies = []
        while True:
            kind, body = self.read_frame()
            assert kind == request[1]
            bodies.append(body)
            if not is_batch or body[3] & LAST:
                return bodies


def plain_value(kind, value):
    """A GeoJSON value without the cells that only an index needs."""
    return value[3 + 8 * int.from_bytes(value[1:3], "big") :] if kind == GEOJSON else value


def read_rows(bodies):
    """What the rows of a reply say, in the order of their index; times only as being there or not."""
    rows = []
    for body in bodies:
        at = 0
        while at < len(body):
            head = struct.unpack_from(">BBBBBBIIIHH", body, at)
            info3, code, generation, void_time, index, fields, ops = head[3], *head[5:]
            at += 22
            row = {"info3": info3, "code": code, "generation": generation, "expires": void_time != 0, "index": index}
            row["fields"], row["ops"] = [], []
            for _ in range(fields):
                (size,) = struct.unpack_from(">I", body, at)
                row["fields"].append(body[at + 4 : at + 4 + size].hex())
                at += 4 + size
            for _ in range(ops):
                size, op, kind, _, name_size = struct.unpack_from(">IBBBB", body, at)
                name = body[at + 8 : at + 8 + name_size].decode()
                value = plain_value(kind, body[at + 8 + name_size : at + 4 + size])
                row["ops"].append((op, kind, name, value.hex()))
                at += 4 + size
            rows.append(row)
    return sorted(rows, key=lambda row: (row["info3"] & LAST, row["index"]))


def meaning(request, bodies):
    """What is compared: rows of records; of info text only whether each command failed."""
    if request[1] == MESSAGE:
        return read_rows(bodies)
    lines = b"".join(bodies).decode().splitlines()
    return [(line.split("\t")[0], line.split("\t")[1].startswith("ERROR")) for line in lines]


@pytest.fixture(scope="module")
def server():
    with Server(nodes=1) as running:
        yield running


@pytest.mark.parametrize("story", stories(), ids=lambda story: story["story"])
def test_replies_are_those_of_a_real_server(server, story):
    with Talk(server.hosts[0]) as talk:
        for step in story["steps"]:
            request = bytes.fromhex(step["request"])
            if request[8:].startswith(b"truncate"):
                time.sleep(0.005)  # a truncation spares what the same millisecond wrote
            expected = meaning(request, [bytes.fromhex(reply)[8:] for reply in step["reply"]])
            assert meaning(request, talk.ask(request)) == expected, step["do"]


def test_stories_are_there_and_of_every_kind():
    names = [story["story"] for story in stories()]
    assert len(names) > 50
    assert {kind for kind in KINDS if any(name.startswith(kind) for name in names)} == set(KINDS)
