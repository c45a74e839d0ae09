"""Embedded nodes look from outside as real ones do (tests/golden), also while one dies and returns."""

import base64
import json
import re
import socket
from pathlib import Path

import pytest

from aerospike_py.testing import Server

SNAPSHOTS = Path(__file__).resolve().parents[1] / "golden/cluster_8.1.2.jsonl"
PARTITIONS = 4096


def ask(address, *commands):
    """The value of each info command."""
    with socket.create_connection(address, timeout=5) as connection:
        body = "".join(command + "\n" for command in commands).encode()
        connection.sendall(b"\x02\x01" + len(body).to_bytes(6, "big") + body)
        with connection.makefile("rb") as reply:
            size = int.from_bytes(reply.read(8)[2:], "big")
            lines = reply.read(size).decode().splitlines()
    return {line.split("\t")[0]: line.split("\t", 1)[1] for line in lines}


def owned(replicas):
    """The partitions of which a node is replica 0, 1, ... by the text of `replicas`."""
    name, _, rest = replicas.partition(":")
    regime, count, *maps = rest.split(",")
    assert (name, regime, len(maps)) == ("test", "0", int(count))
    return [{p for p in range(PARTITIONS) if base64.b64decode(m)[p // 8] & 0x80 >> p % 8} for m in maps]


def clean(value):
    """The value of a recorded reply, which repeats the command."""
    return value.split("\t", 1)[1].rstrip("\n")


@pytest.fixture(scope="module")
def recorded():
    with SNAPSHOTS.open() as lines:
        moments = [json.loads(line) for line in lines]
    return {moment["when"]: moment["nodes"] for moment in moments}


def test_values_have_the_form_of_those_of_real_nodes(recorded):
    real = next(iter(recorded.values()))["19010"]
    with Server(nodes=3) as server:
        ours = ask(server.hosts[0], *real)
    for command in ("build", "edition", "features", "partition-generation", "peers-generation", "rebalance-generation",
                    "peers-clear-alt", "service-clear-alt", "rack-ids", "racks:", "namespaces", "status"):  # fmt: skip
        assert ours[command] == clean(real[command]), command
    peers = clean(real["peers-clear-std"])
    for old, new in zip(("A2", "A3"), server_names(ours["peers-clear-std"]), strict=True):
        peers = peers.replace(old, new)
    assert without_ports(ours["peers-clear-std"]) == without_ports(peers)
    assert without_ports(ours["services"]) == without_ports(clean(real["services"]))
    assert without_ports(ours["service-clear-std"]) == without_ports(clean(real["service-clear-std"]))
    assert len(owned(ours["replicas"])) == len(owned(clean(real["replicas"])))


def server_names(peers):
    return [part.split(",")[0] for part in peers.split("[[")[1].replace("]],[", "[").split("[") if ",," in part]


def without_ports(text):
    return re.sub(r":\d+", ":PORT", text)


def expect_every_partition_has_one_owner_of_each_rank(maps, ranks):
    for rank in range(ranks):
        shares = [node[rank] for node in maps]
        assert sum(len(share) for share in shares) == PARTITIONS
        assert set().union(*shares) == set(range(PARTITIONS))
    for node in maps:
        assert not node[0] & node[1]


def test_partitions_are_shared_out_fairly():
    with Server(nodes=3) as server:
        maps = [owned(ask(host, "replicas")["replicas"]) for host in server.hosts]
    expect_every_partition_has_one_owner_of_each_rank(maps, 2)
    for node in maps:
        assert PARTITIONS / 3 * 0.9 < len(node[0]) < PARTITIONS / 3 * 1.1


def test_generations_move_as_those_of_real_nodes_when_one_dies_and_returns(recorded):
    def peers_steps(port):
        values = [int(clean(nodes[port]["peers-generation"])) for nodes in recorded.values()]
        return list(dict.fromkeys(values))

    with Server(nodes=3) as server:
        first = server.hosts[0]
        asked = ("peers-generation", "partition-generation", "rebalance-generation")
        before = ask(first, *asked)
        server.stop_node(2)
        assert server.wait_until_stable()
        without = ask(first, *asked)
        server.start_node(2)
        assert server.wait_until_stable()
        again = ask(first, *asked)
        assert [int(moment["peers-generation"]) for moment in (before, without, again)] == peers_steps("19010")
        assert int(ask(server.hosts[2], "peers-generation")["peers-generation"]) == 4
        generations = [int(moment["partition-generation"]) for moment in (before, without, again)]
        assert generations == sorted(set(generations))
        assert [int(moment["rebalance-generation"]) for moment in (before, without, again)] == [1, 2, 3]


def test_the_others_take_over_at_once_and_the_returned_node_owns_what_it_has():
    with Server(nodes=3, migrate_pause=0.0005) as server:
        original = [owned(ask(host, "replicas")["replicas"]) for host in server.hosts]
        server.stop_node(2)
        maps = [owned(ask(host, "replicas")["replicas"]) for host in server.hosts[:2]]
        expect_every_partition_has_one_owner_of_each_rank(maps, 2)
        with pytest.raises(ConnectionRefusedError):
            ask(server.hosts[2], "node")
        assert server.wait_until_stable()
        server.start_node(2)
        mid_way = ask(server.hosts[2], "replicas", "cluster-stable")
        assert mid_way["cluster-stable"].startswith("ERROR:7")
        assert len(owned(mid_way["replicas"])[0]) < len(original[2][0])
        assert server.wait_until_stable(30)
        assert [owned(ask(host, "replicas")["replicas"]) for host in server.hosts] == original


def test_peers_are_told_as_changes_after_a_generation():
    with Server(nodes=3) as server:
        first = server.hosts[0]
        server.stop_node(1)
        gone = ask(first, "peers-clear-std:generation=4")["peers-clear-std:generation=4"]
        assert gone == f"5,3000,[[{server.node_names[1]},,]]"
        server.start_node(1)
        back = ask(first, "peers-clear-std:generation=5")["peers-clear-std:generation=5"]
        host, port = server.hosts[1]
        assert back == f"7,3000,[[{server.node_names[1]},,[{host}:{port}]]]"
