"""A cluster that answers nobody in time: what clients that ask again add to its load."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale
from ring import Ring

if TYPE_CHECKING:
    from aerospike_py.types import WritePolicy

THREADS = 8
POLICY: WritePolicy = {"total_timeout": 400, "socket_timeout": 100, "max_retries": 2}
RECORD = {"a": bytes(50_000)}  # twenty of them are the reserve
SPENDING = 40  # writes after which nothing is left of the reserve
NEVER_MS = 60_000  # no node is left out for its silence
SHARE_MAX = 0.25  # a fifth, and what each thread's last request may owe


def run_overloaded(scale: Scale) -> Report:
    """Writes that nobody answers, with the budget of retries and without."""
    report = Report()
    writes = scale.pick(48, 64, 80)  # a listener that nobody accepts from takes 128 connections
    with Ring(3, dead_ms=NEVER_MS) as ring:
        ring.wait_until_settled()
        limited = _share_sent_again(ring, writes, budget=True)
        unlimited = _share_sent_again(ring, writes, budget=False)
    report.need(limited <= SHARE_MAX, f"{limited:.0%} of the load was sent again")
    report.need(unlimited >= 1.5, f"without a budget only {unlimited:.0%} was sent again: the drill shows nothing")
    report.tables["retry budget"] = (
        f"Three nodes are silent. {THREADS} threads write records of 50 kB with up to {POLICY['max_retries']} retries; "
        "the reserve is spent.\nSent again, of what was sent for the first time:\n\n"
        f"```text\nwith the budget {_bar(limited)}\nwithout         {_bar(unlimited)}\n```\n"
    )
    report.figures = {
        "writes in vain": str(writes),
        "sent again": f"{limited:.0%} of the load",
        "sent again without a budget": f"{unlimited:.0%} of the load",
    }
    return report


def _share_sent_again(ring: Ring, writes: int, budget: bool) -> float:
    """Attempts after the first, for each first one."""
    with aerospike_py.client({"hosts": ring.hosts, "retry_budget": budget}).connect() as client:
        for node in range(3):
            ring.pause(node)
        _write_in_vain(client, SPENDING)
        attempts = _write_in_vain(client, writes)
        for node in range(3):
            ring.resume(node)
    return attempts / writes - 1


def _write_in_vain(client: aerospike_py.Client, writes: int) -> int:
    """All attempts that the errors tell of."""
    attempts: list[int] = []

    def work(first: int) -> None:
        for number in range(first, writes, THREADS):
            try:
                client.put(("test", "overloaded", number), RECORD, policy=POLICY)
            except exception.AerospikeError as error:
                attempts.append(error.attempts)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(attempts) != writes:
        message = f"{writes - len(attempts)} writes were answered by nodes that are stopped"
        raise RuntimeError(message)
    return sum(attempts)


def _bar(share: float) -> str:
    return f"{share:5.0%} {'█' * round(share * 20)}"


DRILLS = [
    Drill(
        "cluster that answers nobody",
        "all nodes are silent: no more than a fifth of the load is sent again, and twice the load without the budget",
        run_overloaded,
    )
]
