"""A node is killed under load, again and again; nobody loses anything."""

from __future__ import annotations

import time
from typing import Any

from drill import SLACK_SECONDS, Drill, Report, Scale, StallMeter, ms
from history import percentile
from load import Load
from ring import Ring

BEFORE_SECONDS = 1.0
FAILOVER_SECONDS = 2.0
DYING_SECONDS = 0.1  # until the kernel has closed the connections of a process that is killed
PATIENT = {"total_timeout": 5000, "max_retries": 2}


def kill_repeatedly(times: int, policy: dict[str, Any]) -> Report:
    """Kill one node after another, starting it again when the cluster has settled without it."""
    report = Report()
    calm: list[float] = []
    failing: list[float] = []
    stalls = [0.0, 0.0]
    killed_at: list[float] = []
    died_by: list[float] = []
    with Ring(3) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        with Load(ring.hosts, policy=policy) as load:
            time.sleep(0.5)
            for turn in range(times):
                start = time.monotonic()
                time.sleep(BEFORE_SECONDS)
                killed = time.monotonic()
                killed_at.append(killed)
                ring.kill(turn % 3)
                died_by.append(time.monotonic() + DYING_SECONDS)
                time.sleep(FAILOVER_SECONDS)
                over = time.monotonic()
                calm += [c.took for c in load.history.of("read", start, killed) if c.end <= killed]
                failing += [c.took for c in load.history.of("read", killed, over) if c.start >= killed]
                stalls = [max(stalls[0], meter.p99(start, killed)), max(stalls[1], meter.p99(killed, over))]
                ring.wait_until_settled(2)
                ring.start_nodes(turn % 3)
                ring.wait_until_settled(3)
            load.stop()
        load.judge(report, ring)
    before, during = percentile(calm, 0.99), percentile(failing, 0.99)
    allowed = before + SLACK_SECONDS + max(0.0, stalls[1] - stalls[0])
    report.need(during <= allowed, f"p99 of reads grew from {ms(before)} to {ms(during)}: more than to {ms(allowed)}")
    if policy:
        # Nobody else may fail: what was sent when the node died, and only that, cannot be known.
        for call in load.history.failed("write"):
            in_flight = any(call.start <= died and call.end >= at for at, died in zip(killed_at, died_by, strict=True))
            report.need(in_flight, f"a write failed that was not under way when a node was killed: {call.error}")
    report.figures = {
        "kills": str(times),
        **load.history.counts(),
        "read p99 before": ms(before),
        "read p99 in fail-over": ms(during),
    }
    return report


def run_default(scale: Scale) -> Report:
    """With the policies a client has when nobody says anything."""
    return kill_repeatedly(scale.pick(3, 5, 20), {})


def run_patient(scale: Scale) -> Report:
    """With time enough to wait for new masters."""
    return kill_repeatedly(scale.pick(2, 3, 20), PATIENT)


DRILLS = [
    Drill(
        "node killed",
        "no read fails, no acknowledged write is lost, a failed write that was carried out says in doubt; the p99 of "
        "reads in fail-over is at most 5 ms above that of before",
        run_default,
    ),
    Drill(
        "node killed, 5 s to wait",
        "as above with `total_timeout` 5 s; nothing fails but writes that were under way at the kill, and those say in "
        "doubt",
        run_patient,
    ),
]
