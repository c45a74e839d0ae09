"""Cut the golden bytes into first inputs for the fuzz targets: python fuzz/seed_corpus.py DIRECTORY."""

from __future__ import annotations

import argparse
import hashlib
import json
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


def inputs() -> Iterator[tuple[str, bytes]]:
    """(name of the fuzz target, one input) for everything recorded."""
    for frame in frames():
        body = frame[FRAME_HEADER:]
        if frame[1] == 1:
            yield "info_text_fuzz", body
            continue
        yield "message_fuzz", frame
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
