"""Nodes that go and come back in order, all at once, and for good."""

from __future__ import annotations

import time

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, ms
from load import Load
from ring import Ring

BACK_SECONDS = 5.0


def run_rolling(scale: Scale) -> Report:
    """Every node is ended and started again, one after another."""
    report = Report()
    with Ring(3) as ring:
        ring.wait_until_settled()
        with Load(ring.hosts) as load:
            time.sleep(0.5)
            for node in list(range(3)) * scale.pick(1, 1, 4):
                ring.end(node)
                ring.wait_until_settled(2)
                ring.start_nodes(node)
                ring.wait_until_settled(3)
            time.sleep(0.5)
            load.stop()
        load.judge(report, ring)
    report.figures = load.history.counts()
    return report


def run_all_down(scale: Scale) -> Report:
    """All nodes are killed; a client that waited is served again once they are back, without a new one being made."""
    down_seconds = scale.pick(3, 10, 10)
    report = Report()
    key = ("test", "drill", "all down")
    with Ring(3) as ring, aerospike_py.client({"hosts": ring.hosts}).connect() as client:
        client.put(key, {"n": 1})
        for node in range(3):
            ring.kill(node)
        until = time.monotonic() + down_seconds
        slowest = 0.0
        calls = 0
        while time.monotonic() < until:
            start = time.monotonic()
            try:
                client.get(key, {"total_timeout": 500})
                report.need(False, "a read found a record although no node was up")
            except exception.AerospikeError:
                slowest = max(slowest, time.monotonic() - start)
                calls += 1
            time.sleep(0.02)
        ring.start_nodes(0, 1, 2)
        start = time.monotonic()
        back = None
        while back is None and time.monotonic() - start < BACK_SECONDS:
            try:
                client.put(key, {"n": 2}, policy={"total_timeout": 500})
                back = time.monotonic() - start
            except exception.AerospikeError:
                continue
        report.need(back is not None, f"no service {BACK_SECONDS} s after the nodes were back")
        report.need(back is None or client.get(key).bins == {"n": 2}, "a write after the return is not found")
    report.figures = {
        "down": f"{down_seconds} s",
        "calls meanwhile": f"{calls}, slowest {ms(slowest)} of 500 ms",
        "service after the return": ms(back or BACK_SECONDS),
    }
    return report


def run_replaced(scale: Scale) -> Report:
    """Three other nodes on other addresses take the place of the three that the client knew."""
    del scale
    report = Report()
    with Ring(3, members=6) as ring:
        ring.wait_until_settled()
        with Load(ring.hosts) as load:
            time.sleep(0.5)
            for old, new in zip((0, 1, 2), (3, 4, 5), strict=True):
                ring.start_nodes(new)
                ring.wait_until_settled(4)
                ring.end(old)
                ring.wait_until_settled(3)
            time.sleep(1.5)
            ring.nodes, ring.ports = 3, ring.ports[3:]
            load.stop(ring.hosts)
        load.judge(report, ring)
    report.figures = load.history.counts()
    return report


DRILLS = [
    Drill(
        "rolling restart",
        "every node is restarted: no read fails, no acknowledged write is lost, failed writes say whether they are in "
        "doubt",
        run_rolling,
    ),
    Drill("all nodes down", "calls end in time meanwhile; the same client is served again", run_all_down),
    Drill(
        "cluster replaced",
        "while the client lives all nodes are replaced by others on new addresses: no read fails, nothing is lost",
        run_replaced,
    ),
]
