"""The core without Python: bench/core_client.cc, which uses the C++ API."""

from __future__ import annotations

from typing import Any

from cases import Case
from drivers.program import Program, round_text


class Driver(Program):
    """Keys hashed and replies decoded to an index within the call; one thread."""

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        super().__init__("core_client", hosts)
        self.facts = self.ask("describe\n")

    def describe(self) -> dict[str, str]:
        """The build type of the program and the width of the digests it chooses."""
        return {
            "client": "aero",
            "version": f"{self.facts['lanes']} lanes",
            "build": self.facts["build"],
            "python": "-",
        }

    def supports(self, case: Case) -> bool:
        """The cases made for it, with registers that are here."""
        return case.option == "core" and case.lanes <= int(self.facts["lanes"])

    def answer(self, case: Case, argument: Any) -> bool:
        """Whether the first bin of every row is what was stored; the program itself checks codes and counts of bins."""
        if case.op == "get":
            return bool(self.run(case, [argument])["calls"])
        found = self.ask(round_text("answer", case, [argument]))["i0"]
        return bool(found == [int(key[2].removeprefix("user_")) * 1000 for key in argument])
