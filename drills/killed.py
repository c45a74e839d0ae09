"""A node is killed under load, again and again; nobody loses anything."""

from __future__ import annotations

import time
from typing import Any

from drill import SLACK_SECONDS, Drill, Report, Scale, StallMeter, ms
from history import History, percentile
from load import Load
from ring import Ring

BEFORE_SECONDS = 1.0
FAILOVER_SECONDS = 2.5


def kill_repeatedly(times: int, policy: dict[str, Any]) -> tuple[History, Report]:
    """Kill one node after another, starting it again when the cluster has settled without it."""
    report = Report()
    calm: list[float] = []
    failing: list[float] = []
    stalls = [0.0, 0.0]
    with Ring(3) as ring, StallMeter() as meter:
        ring.wait_until_settled()
        with Load(ring.hosts, policy=policy) as load:
            time.sleep(1.0)
            for turn in range(times):
                start = time.monotonic()
                time.sleep(BEFORE_SECONDS)
                killed = time.monotonic()
                ring.kill(turn % 3)
                time.sleep(FAILOVER_SECONDS)
                over = time.monotonic()
                calm += [c.took for c in load.history.of("read", start, killed) if c.end <= killed]
                failing += [c.took for c in load.history.of("read", killed, over) if c.start >= killed]
                stalls = [max(stalls[0], meter.p99(start, killed)), max(stalls[1], meter.p99(killed, over))]
                ring.wait_until_settled(2)
                ring.start_nodes(turn % 3)
                ring.wait_until_settled(3)
            history = load.stop()
        history.judge_reads()
        history.judge_logs(ring.written_logs())
    report.problems += history.problems
    before, during = percentile(calm, 0.99), percentile(failing, 0.99)
    allowed = before + SLACK_SECONDS + max(0.0, stalls[1] - stalls[0])
    report.need(during <= allowed, f"p99 of reads grew from {ms(before)} to {ms(during)}: more than to {ms(allowed)}")
    writes = history.failed("write")
    report.figures = {
        "kills": str(times),
        "reads": f"{len(history.of('read'))}, {len(history.failed('read'))} failed",
        "writes": f"{len(history.of('write'))}, {len(writes)} failed ({sum(c.in_doubt for c in writes)} in doubt)",
        "read p99 before": ms(before),
        "read p99 in fail-over": ms(during),
        "slowest call": ms(max((c.took for c in history.calls), default=0.0)),
    }
    return history, report


def run_default(scale: Scale) -> Report:
    """With the policies a client has when nobody says anything."""
    return kill_repeatedly(scale.pick(2, 4, 20), {})[1]


DRILLS = [
    Drill(
        "node killed",
        "no read fails, no acknowledged write is lost, a failed write that was carried out says in doubt, and the p99 "
        "of reads in fail-over is at most 5 ms above that of before",
        run_default,
    ),
]
