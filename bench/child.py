"""The process of one measured client: loads its driver and obeys one JSON line at a time.

Started by the runner with the interpreter of that client's own environment. Commands on standard input, answers on
standard output, one line each; whatever the client itself prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Coroutine
from typing import Any

import measure
import workload

TOGGLE_CHUNKS = 40


class Child:
    """One client, one event loop, the calls prepared so far."""

    def __init__(self, name: str, hosts: list[tuple[str, int]]) -> None:
        self.loop = asyncio.new_event_loop()
        self.driver = importlib.import_module(f"drivers.{name}").Driver(hosts)
        self.in_loop(self.driver.open())

    def in_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine to its end on this process's loop."""
        return self.loop.run_until_complete(work)

    def measure(self, case: workload.Case, calls: int, seed: int) -> measure.Sample:
        """One round of a case."""
        arguments = workload.arguments(case, calls, seed)
        if hasattr(self.driver, "run"):
            return self.driver.run(case, calls)
        call = self.driver.prepare(case)
        if case.face == "sync":
            return measure.run_sync(call, arguments)
        return self.in_loop(measure.run_async(call, arguments, case.concurrency))

    def measure_toggled(self, case: workload.Case, calls: int, seed: int) -> measure.Sample:
        """A switch off and on in short turns, so that a slow phase of the machine hits both sides."""
        chunks = []
        for turn in range(TOGGLE_CHUNKS):
            on = turn % 4 in (1, 2)  # off on on off: a steady drift cancels out
            self.driver.switch(case.toggle, on)
            chunks.append((on, self.measure(case, max(1, calls // TOGGLE_CHUNKS), seed)))
        self.driver.switch(case.toggle, case.toggle == "metrics")
        return measure.compare(chunks)

    def answer(self, case: workload.Case, seed: int) -> bool:
        """Whether one call of a read gives exactly what was stored."""
        argument = workload.arguments(case, 1, seed)[0]
        call = self.driver.prepare(case)
        result = call(argument) if case.face == "sync" else self.in_loop(as_coroutine(call(argument)))
        return self.driver.canonical(case, argument, result) == workload.expected(case, argument)

    def load(self) -> int:
        """Writes the records of the workload; gives how many."""
        put = self.driver.prepare(workload.case_named("put"))
        for name in workload.SETS:
            for number in range(workload.RECORDS_PER_SET):
                put(((workload.NAMESPACE, name, workload.user_key(number)), workload.bins_of(number)))
        return len(workload.SETS) * workload.RECORDS_PER_SET

    def obey(self, command: dict[str, Any]) -> Any:
        """Carries out one command."""
        what = command["do"]
        if what == "describe":
            return self.driver.describe() | {"python": sys.version.split()[0], "pid": os.getpid()}
        if what == "load":
            return self.load()
        case = workload.case_named(command["case"])
        if what == "supports":
            return self.driver.supports(case)
        if what == "answer":
            return self.answer(case, command["seed"])
        if case.toggle:
            return self.measure_toggled(case, command["calls"], command["seed"])
        return self.measure(case, command["calls"], command["seed"])


async def as_coroutine(awaitable: Any) -> Any:
    """Lets any awaitable run where a coroutine is wanted."""
    return await awaitable


def main() -> None:
    """Obeys until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    started = time.perf_counter()
    child = Child(sys.argv[1], [(sys.argv[2], int(sys.argv[3]))])
    print(json.dumps({"ready": time.perf_counter() - started}), file=answers)
    for line in sys.stdin:
        try:
            reply = {"ok": child.obey(json.loads(line))}
        except Exception as problem:
            reply = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(reply), file=answers)
    child.in_loop(child.driver.close())


if __name__ == "__main__":
    main()
