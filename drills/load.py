"""A mixed load from threads and from asyncio, which knows at any time what each of its reads may give."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import aerospike_py
from aerospike_py import exception
from drill import SLACK_SECONDS, StallMeter
from history import Call, History, Slot

if TYPE_CHECKING:
    from types import TracebackType

    from drill import Report
    from ring import Ring

KEYS_OF_A_WORKER = 25
SHARE_OF_WRITES = 0.4
JOIN_SECONDS = 60
PATIENCE = {"total_timeout": 10_000, "max_retries": 20}  # of the first write of a key
DEFAULT_TIMEOUT_MS = 1000
LATE_SHARE_MAX = 0.001
STAGES_IN_CORE = ("limiter_wait", "tokio_schedule_delay", "io", "retry_wait")


def seen_by_core() -> tuple[float, float]:
    """Seconds that the last call of this thread or task was in the core, and that it then waited for the GIL."""
    stages = aerospike_py.last_timings() or {}
    return sum(stages.get(name, 0.0) for name in STAGES_IN_CORE), stages.get("gil_wait", 0.0)


class Load:
    """Threads and coroutines that read and write until `stop`; their pauses keep a small machine from being full."""

    def __init__(
        self,
        hosts: list[tuple[str, int]],
        threads: int = 4,
        coroutines: int = 16,
        policy: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        pause: float = 0.004,
        remember_all: bool = True,
    ) -> None:
        self.history = History(remember_all)
        self._policy = policy or {}
        self._pause = pause
        self._meter = StallMeter()
        self._stopping = threading.Event()
        self._config = {"hosts": hosts, **(config or {})}
        self._client = aerospike_py.client(self._config).connect()
        self._threads = [
            *(threading.Thread(target=self._work, args=(f"t{i}",)) for i in range(threads)),
            threading.Thread(target=lambda: asyncio.run(self._work_on_loop(coroutines))),
        ]

    def _slots(self, worker: str) -> list[Slot]:
        run = random.randrange(2**48)
        slots = [Slot(("test", "drill", f"{run:x}-{worker}-{i}")) for i in range(KEYS_OF_A_WORKER)]
        self.history.slots.extend(slots)
        return slots

    def _work(self, worker: str) -> None:
        slots = self._slots(worker)
        for slot in slots:  # what has been written once must be found from then on
            self._write(slot, patient=True)
        while not self._stopping.is_set():
            slot = random.choice(slots)
            if random.random() < SHARE_OF_WRITES:
                self._write(slot)
            else:
                self._read(slot)
            time.sleep(self._pause)

    def _write(self, slot: Slot, patient: bool = False) -> None:
        number, start = History.next_number(), time.monotonic()
        policy = PATIENCE if patient else self._policy
        try:
            self._client.put(slot.key, {"n": number}, policy=policy)
        except exception.AerospikeError as error:
            self._wrote(slot, number, start, error, patient)
        else:
            self._wrote(slot, number, start, None, patient)

    def _read(self, slot: Slot) -> None:
        start = time.monotonic()
        try:
            self._found(slot, start, self._client.get(slot.key, self._policy).bins, None)
        except exception.AerospikeError as error:
            self._found(slot, start, None, error)

    async def _work_on_loop(self, coroutines: int) -> None:
        async with aerospike_py.async_client(self._config) as client:
            await client.connect()
            await asyncio.gather(*(self._coroutine(client, f"c{i}") for i in range(coroutines)))

    async def _coroutine(self, client: aerospike_py.AsyncClient, worker: str) -> None:
        slots = self._slots(worker)
        for slot in slots:
            await self._write_on_loop(client, slot, patient=True)
        while not self._stopping.is_set():
            slot = random.choice(slots)
            if random.random() < SHARE_OF_WRITES:
                await self._write_on_loop(client, slot)
            else:
                start = time.monotonic()
                try:
                    self._found(slot, start, (await client.get(slot.key, self._policy)).bins, None)
                except exception.AerospikeError as error:
                    self._found(slot, start, None, error)
            await asyncio.sleep(self._pause * 4)

    async def _write_on_loop(self, client: aerospike_py.AsyncClient, slot: Slot, patient: bool = False) -> None:
        number, start = History.next_number(), time.monotonic()
        policy = PATIENCE if patient else self._policy
        try:
            await client.put(slot.key, {"n": number}, policy=policy)
        except exception.AerospikeError as error:
            self._wrote(slot, number, start, error, patient)
        else:
            self._wrote(slot, number, start, None, patient)

    def _wrote(
        self, slot: Slot, number: int, start: float, error: exception.AerospikeError | None, patient: bool
    ) -> None:
        history = self.history
        if error is None:
            history.add(Call("write", start, time.monotonic(), "", False, patient, *seen_by_core()))
            slot.acknowledged = number
            history.acknowledged.append(number)
            return
        name = type(error).__name__
        history.add(Call("write", start, time.monotonic(), name, error.in_doubt, patient, *seen_by_core()))
        if error.in_doubt:
            slot.doubtful.add(number)
            history.doubted[number] = name
        else:
            history.denied[number] = name

    def _found(self, slot: Slot, start: float, bins: Any, error: exception.AerospikeError | None) -> None:
        name = "" if error is None else type(error).__name__
        self.history.add(Call("read", start, time.monotonic(), name, False, False, *seen_by_core(), str(error or "")))
        if error is None and not slot.allows(bins["n"]):
            self.history.problem("a read gave a value that an acknowledged write had replaced")

    def stop(self, hosts: list[tuple[str, int]] | None = None) -> None:
        """End the load and read every key once more, with a client that knows nothing of what was.

        `hosts` are where the cluster is found now, if not where it was.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                self.history.problem("a thread of the load did not end: a call hangs")
        self._client.close()
        with aerospike_py.client({**self._config, "hosts": hosts or self._config["hosts"]}).connect() as fresh:
            for slot in self.history.slots:
                self._check_last(fresh, slot)

    def judge(self, report: Report, ring: Ring) -> None:
        """Add to a report what was wrong: failed reads, and what the logs of the servers contradict."""
        self.history.judge_reads()
        self.history.judge_logs(ring.written_logs())
        late = sum(not c.patient and self._is_late(c) for c in self.history.calls)
        number = self.history.number_of_calls
        if late > LATE_SHARE_MAX * number:
            self.history.problem(f"the core ended {late} of {number} calls past their deadline + 5 ms")
        report.problems += self.history.problems

    def _is_late(self, call: Call) -> bool:
        over = call.in_core - self._policy.get("total_timeout", DEFAULT_TIMEOUT_MS) / 1e3 - SLACK_SECONDS
        return over > 0 and over > self._meter.largest(call.start, call.end)

    def _check_last(self, fresh: aerospike_py.Client, slot: Slot) -> None:
        try:
            value = fresh.get(slot.key, {"total_timeout": 10_000}).bins["n"]
        except exception.AerospikeError as error:
            self.history.problem(f"an acknowledged write is lost: {type(error).__name__}")
            return
        if not slot.allows(value):
            self.history.problem("an acknowledged write is lost: an older value is found")

    def __enter__(self) -> Load:
        aerospike_py.set_internal_stage_metrics_enabled(True)  # the core's own clock judges deadlines
        self._meter.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(JOIN_SECONDS)
        with contextlib.suppress(exception.AerospikeError):
            self._client.close()
        aerospike_py.set_internal_stage_metrics_enabled(False)
        self._meter.__exit__()
