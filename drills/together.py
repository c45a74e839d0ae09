"""Everything at once: nodes die, stop and come back while threads, coroutines and passing clients go on."""

from __future__ import annotations

import random
import threading
import time

import aerospike_py
from aerospike_py import exception
from crowds import Held, judge_held
from drill import Drill, Report, Scale
from load import Load
from ring import Ring

PASSING_CLIENTS = 5
PATIENCE = {"total_timeout": 10_000, "max_retries": 10}


def run_together(scale: Scale) -> Report:
    """Half an hour in the long form."""
    report = Report()
    seconds = scale.pick(12, 25, 1800)
    draw = random.Random(1)
    with Ring(3) as ring:
        ring.wait_until_settled()
        _pass_by(ring, time.monotonic() + 0.5, Report())  # what is made once is there before it is counted
        before = Held.now()
        until = time.monotonic() + seconds
        # Half an hour would be millions of calls, most of which tell nothing.
        with Load(ring.hosts, threads=8, coroutines=60, remember_all=False) as load:
            passing = [threading.Thread(target=_pass_by, args=(ring, until, report)) for _ in range(PASSING_CLIENTS)]
            for thread in passing:
                thread.start()
            events = 0
            while time.monotonic() < until:
                _disturb(ring, draw.randrange(3), draw.choice(["kill", "end", "stop"]))
                events += 1
            for thread in passing:
                thread.join()
            load.stop()
        load.judge(report, ring)
        report.figures = {"seconds": str(seconds), "faults": str(events), **load.history.counts()}
        del load, passing, thread
        report.figures["afterwards"] = judge_held(report, before)
    return report


def _disturb(ring: Ring, node: int, how: str) -> None:
    time.sleep(0.3)
    if how == "stop":
        ring.pause(node)
        time.sleep(2.0)
        ring.resume(node)
        time.sleep(0.5)
    else:
        (ring.kill if how == "kill" else ring.end)(node)
        time.sleep(0.3)
        ring.wait_until_settled(2)
        ring.start_nodes(node)
    ring.wait_until_settled(3)


def _pass_by(ring: Ring, until: float, report: Report) -> None:
    while time.monotonic() < until:
        key = ("test", "passing", threading.get_ident())
        try:
            with aerospike_py.client({"hosts": ring.hosts, "timeout": 10_000}).connect() as client:
                client.put(key, {"n": 1}, policy=PATIENCE)
                client.get(key, PATIENCE)
        except exception.AerospikeError as error:
            report.need(False, f"a passing client failed: {type(error).__name__}: {error}")
        time.sleep(0.05)


DRILLS = [
    Drill(
        "everything together",
        "kills, restarts and stops under threads, coroutines and passing clients: nothing is lost, no read fails, and "
        "memory, descriptors and threads end where they began",
        run_together,
        in_short=False,
    )
]
