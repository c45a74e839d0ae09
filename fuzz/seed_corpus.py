"""Cut the golden bytes into first inputs for the fuzz targets: python fuzz/seed_corpus.py DIRECTORY."""

from __future__ import annotations

import argparse
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
FRAME_HEADER, MESSAGE_HEADER = 8, 22
BATCH_FIELD = 41
LIST, MAP = 20, 19
COMMANDS = {3, 4, 7, 8, 12, 13, 15, 16}  # operations whose value is MessagePack
SECURITY = [
    "00001402000000000000000000000000000000020075000000020368",  # login
    "00330000000000000000000000000000",  # its reply from a server that has no security
    "00000002000000000000000000000000000000040561420a000000050600015180",  # and from one that has
]
GRAMMARS = {"replicas": b"r", "peers-clear-std": b"p", "peers-clear-alt": b"p", "service-clear-std": b"s"}


def frames() -> Iterator[bytes]:
    """Every recorded request and reply."""
    with (GOLDEN / "real_server_8.1.2.jsonl").open() as stories:
        for line in stories:
            for step in json.loads(line)["steps"]:
                yield bytes.fromhex(step["request"])
                yield from map(bytes.fromhex, step["reply"])


def answers() -> Iterator[tuple[str, str]]:
    """Every recorded info command of a cluster with its reply."""
    with (GOLDEN / "cluster_8.1.2.jsonl").open() as moments:
        for line in moments:
            for replies in json.loads(line)["nodes"].values():
                yield from replies.items()


def parts(body: bytes) -> Iterator[tuple[str, int, int, bytes]]:
    """Fields as ("field", type, 0, data) and operations as ("op", code, particle type, value) of a body."""
    at = 0
    while at + MESSAGE_HEADER <= len(body):
        fields = int.from_bytes(body[at + 18 : at + 20], "big")
        ops = int.from_bytes(body[at + 20 : at + 22], "big")
        at += MESSAGE_HEADER
        for _ in range(fields):
            size = int.from_bytes(body[at : at + 4], "big")
            yield "field", body[at + 4], 0, body[at + 5 : at + 4 + size]
            at += 4 + size
        for _ in range(ops):
            size = int.from_bytes(body[at : at + 4], "big")
            name = body[at + 7]
            yield "op", body[at + 4], body[at + 5], body[at + 8 + name : at + 4 + size]
            at += 4 + size


def security(command: int, *fields: tuple[int, bytes]) -> bytes:
    """The body of a security message."""
    head = bytes([0, 0, command, len(fields)]) + bytes(12)
    return head + b"".join((len(data) + 1).to_bytes(4, "big") + bytes([kind]) + data for kind, data in fields)


def administration() -> Iterator[tuple[str, bytes]]:
    """Requests about users and roles, the lists inside them, and records of answers."""
    ada, eve, role, digest = (0, b"ada"), (0, b"eve"), (11, b"s"), b"$2a$10$" + b"y" * 53
    roles = b"\x02\x04read\x01r"
    privileges = b"\x03\x01\x0a\x04test\x00\x0d\x04test\x02us"
    numbers = b"\x02" + bytes(7) + b"\x09"
    requests = [
        security(1, eve, (1, digest), (10, roles)),
        security(2, ada),
        security(3, ada, (1, digest)),
        security(4, (0, b"root"), (2, b"$2a$10$" + b"x" * 53), (1, digest)),
        security(5, ada, (10, roles)),
        security(6, ada, (10, roles)),
        security(9, ada),
        security(9),
        security(
            10, role, (12, privileges), (13, b"::1,10.0.0.0/8"), (14, bytes(3) + b"\x05"), (15, bytes(3) + b"\x06")
        ),
        security(11, (11, b"r")),
        security(12, (11, b"r"), (12, privileges)),
        security(13, (11, b"r"), (12, privileges)),
        security(14, (11, b"r"), (13, b"fd00::/8")),
        security(15, (11, b"r"), (14, bytes(3) + b"\x05")),
        security(16, (11, b"r")),
        security(16),
    ]
    for request in requests:
        yield "admin_fuzz", request
        yield "administration_fuzz", request
    records = security(0, ada, (10, roles), (16, numbers), (17, numbers), (18, numbers[1:5]))
    records += security(0, role, (12, privileges), (13, b"::1"), (14, numbers[1:5]))
    for kind, data in enumerate((roles, privileges, numbers, b"::1,10.0.0.0/8", records)):
        yield "admin_lists_fuzz", bytes([kind]) + data


def ring() -> Iterator[tuple[str, bytes]]:
    """What the processes of a cluster say to each other."""
    sized = [len(data).to_bytes(4, "big") + data for data in (b"test", b"users", b"\x03key", b"")]
    yield "parcels_fuzz", b"\0\x02\x01\0\0\x0e\0\0" + bytes(16) + bytes(range(20)) + b"".join(sized)
    yield "parcels_fuzz", b"\x01\0\x02\0\0reply"
    bins = b"\0\0\0\x07\x01\x03\0\x01atx"  # one operation
    record = bytes(range(20)) + b"\0\x01\0\x01" + bytes(12) + b"\x05users" + sized[2]
    record += len(bins).to_bytes(4, "big") + bins
    yield "parcels_fuzz", b"\x02" + record * 2
    yield "parcels_fuzz", b"\x03\x01\0" + bytes(8) + record
    owners = b"".join(b"\x02" + bytes([0x80 | n % 3, 0x80 | (n + 1) % 3]) for n in range(4096))
    yield "agreement_fuzz", (32).to_bytes(8, "big") + bytes(16) + b"\0\0\0\x07" + bytes(24) + owners
    yield "owner_table_fuzz", b"\0\0\0\x07\x01\x03\0\x01\x02\x02\0\x01\x01\x01"


def compressed(frame: bytes) -> bytes:
    """A frame of type 4 around another."""
    body = len(frame).to_bytes(8, "big") + zlib.compress(frame, 1)
    return bytes([2, 4]) + len(body).to_bytes(6, "big") + body


def inputs() -> Iterator[tuple[str, bytes]]:
    """(name of the fuzz target, one input) for everything recorded."""
    for frame in frames():
        body = frame[FRAME_HEADER:]
        if frame[1] == 1:
            yield "info_text_fuzz", body
            continue
        yield "message_fuzz", frame
        yield "compression_fuzz", b"\x07" + compressed(frame) + frame + compressed(frame)
        yield "batch_reply_fuzz", body
        for kind, code, particle, value in parts(body):
            if kind == "field":
                if code == BATCH_FIELD:
                    yield "batch_request_fuzz", value
                continue
            yield "particle_fuzz", bytes([particle]) + value
            if particle in (LIST, MAP) or (code in COMMANDS and particle == 4):
                yield "msgpack_fuzz", value
    for command, reply in answers():
        if command == "error":
            continue
        yield "info_text_fuzz", reply.encode()
        if command in GRAMMARS:
            yield "partition_map_fuzz", GRAMMARS[command] + reply.rstrip("\n").partition("\t")[2].encode()
    yield from (("admin_fuzz", bytes.fromhex(text)) for text in SECURITY)
    yield from administration()
    yield from ring()
    yield "partition_map_fuzz", b"p1,3000,[[A2,,[10.0.0.2,[::1]:3001]],[A3,name,[h]],[A4,,]]"
    yield "partition_map_fuzz", b"s127.0.0.1:3000,[::1]:3000"
    yield "digest_fuzz", b"".join(bytes([n]) + bytes((n & 15) + (n >> 2)) for n in range(0, 256, 5))


def write_corpora(directory: Path) -> dict[str, int]:
    """Write the inputs, one folder a target, each file named by its content; give the number per target."""
    seen: dict[str, set[str]] = {}
    for target, data in inputs():
        name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        if name in seen.setdefault(target, set()):
            continue
        seen[target].add(name)
        folder = directory / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return {target: len(names) for target, names in sorted(seen.items())}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="where the corpora go, one folder a target")
    for target, count in write_corpora(parser.parse_args().directory).items():
        print(f"{target}: {count} inputs")


if __name__ == "__main__":
    main()
