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

import cases
import footprint
import load
import measure
import workload
from cases import Case

TOGGLE_CHUNKS = 40
# Arguments that a round which lasts a given time goes through over and over.
TIMED_ARGUMENTS = 200


class Child:
    """One client, one event loop, the calls prepared so far."""

    def __init__(self, name: str, hosts: list[tuple[str, int]]) -> None:
        self.name = name
        self.hosts = hosts
        self.loop = asyncio.new_event_loop()
        self.driver = importlib.import_module(f"drivers.{name}").Driver(hosts)
        self.in_loop(self.driver.open())

    def in_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine to its end on this process's loop."""
        return self.loop.run_until_complete(work)

    def measure(self, case: Case, calls: int, seed: int) -> measure.Sample:
        """One round of a case."""
        arguments = workload.arguments(case, TIMED_ARGUMENTS if case.seconds else calls, seed)
        if hasattr(self.driver, "run"):
            return dict(self.driver.run(case, arguments))
        if case.op in cases.MEMORY_OPS:
            return self.measure_memory(case, arguments)
        call = self.driver.prepare(case)
        if case.op == "io_truth":
            self.driver.switch("stages", True)
            sample = self.in_loop(load.io_truth(call, arguments))
            self.driver.switch("stages", False)
            return sample
        if case.parts > 1:
            return self.measure_parts(case, call, arguments)
        if case.face == "sync":
            return measure.run_sync(call, arguments)
        return self.measure_async(case, call, arguments)

    def measure_async(self, case: Case, call: Any, arguments: list[Any]) -> measure.Sample:
        """One round on the loop, with what goes on beside it."""
        work = measure.run_async(call, arguments, case.concurrency, case.think_ms, case.seconds)
        if case.beside == "thread":
            with load.busy_thread():
                return dict(self.in_loop(work))
        return dict(self.in_loop(load.beside_burns(work) if case.beside else work))

    def measure_parts(self, case: Case, call: Any, arguments: list[Any]) -> measure.Sample:
        """One round on each of several threads at once."""

        def work(latencies: list[int]) -> None:
            if case.face == "sync":
                measure.time_sync(call, arguments, latencies)
            else:
                asyncio.run(measure.time_async(call, iter(arguments), case.concurrency, latencies))

        return measure.run_parts(work, case.parts)

    def measure_memory(self, case: Case, arguments: list[Any]) -> measure.Sample:
        """One round of a case about memory or import."""
        if case.op == "import":
            return footprint.anew("import", self.driver.module)
        if case.op == "growth":
            return footprint.growth(self.driver.prepare(case), arguments)
        host, port = self.hosts[0]
        return footprint.anew(case.op, self.name, host, str(port), str(len(arguments)))

    def measure_toggled(self, case: Case, calls: int, seed: int) -> measure.Sample:
        """A switch off and on in short turns, so that a slow phase of the machine hits both sides."""
        chunks = []
        for turn in range(TOGGLE_CHUNKS):
            on = turn % 4 in (1, 2)  # off on on off: a steady drift cancels out
            self.driver.switch(case.toggle, on)
            chunks.append((on, self.measure(case, max(1, calls // TOGGLE_CHUNKS), seed)))
        self.driver.switch(case.toggle, case.toggle == "metrics")
        return measure.compare(chunks)

    def finish(self, case: Case, argument: Any) -> Any:
        """One call to its end."""
        result = self.driver.prepare(case)(argument)
        return result if case.face == "sync" else self.in_loop(as_coroutine(result))

    def answer(self, case: Case, seed: int) -> bool:
        """Whether one call of a read gives exactly what was stored, and a write leaves exactly what it was given."""
        argument = workload.arguments(case, 1, seed)[0]
        if hasattr(self.driver, "answer"):
            return bool(self.driver.answer(case, argument))
        result = self.finish(case, argument)
        if case.result == "none":
            keys = workload.keys_of(case, argument)
            read = Case("", "", "sync", "batch", 1, len(keys), 1, "dict")
            found = self.driver.canonical(read, keys, self.finish(read, keys))
        else:
            found = self.driver.canonical(case, argument, result)
        return bool(found == workload.expected(case, argument))

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
            return {"python": sys.version.split()[0], "pid": os.getpid()} | self.driver.describe()
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
