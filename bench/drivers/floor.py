"""The floor: bench/wire_floor.cc, which sends prepared requests and reads replies without decoding them."""

from __future__ import annotations

from typing import Any

from cases import Case
from drivers.program import Program, round_text


class Driver(Program):
    """The same keys as the clients, one connection; a result is never looked at, whatever a client makes of it."""

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        super().__init__("wire_floor", hosts)

    def describe(self) -> dict[str, str]:
        """The build type of the program."""
        return {"client": "floor", "version": "-", "build": self.ask("describe\n")["build"], "python": "-"}

    def supports(self, case: Case) -> bool:
        """Whatever is one request and one reply at a time."""
        comparable = case.is_one_at_a_time and (case.face == "sync" or case.op == "get") and case.lanes == 0
        plain = case.option in ("", "core", "no_split") and not case.toggle
        return comparable and plain and case.op in ("get", "put", "batch", "hold")

    def answer(self, case: Case, argument: Any) -> bool:
        """It has none; the program ends when a reply is a refusal."""
        return bool(self.run(case, [argument])["calls"])

    def run(self, case: Case, arguments: list[Any]) -> dict[str, Any]:
        """One round; for the memory of a held result, the bytes on the wire."""
        if case.op != "hold":
            return super().run(case, arguments)
        sample = self.ask(round_text("batch", case, arguments[:1]))
        return {"calls": 1, "held_bytes": sample["reply_bytes"]}
