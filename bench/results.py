"""What a run measured: samples by case and client, their medians and spread, and how they are kept on disk."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import CASES, Case
from workload import case_named


@dataclass
class Spread:
    """Least, median and most of the rounds."""

    least: float
    median: float
    most: float

    def text(self, digits: int) -> str:
        """`least .. median .. most`."""
        return f"{self.least:.{digits}f} .. {self.median:.{digits}f} .. {self.most:.{digits}f}"


@dataclass
class Results:
    """All samples of one run and the facts about it."""

    facts: dict[str, Any]
    samples: dict[tuple[str, str], list[dict[str, float]]] = field(default_factory=dict)

    def add(self, case: str, client: str, sample: dict[str, float]) -> None:
        """One round."""
        self.samples.setdefault((case, client), []).append(sample)

    def clients_of(self, case: str) -> list[str]:
        """Clients measured in a case, in the order of the run."""
        return [client for client in self.facts["clients"] if (case, client) in self.samples]

    def spread(self, case: str, client: str, figure: str) -> Spread | None:
        """A figure over the rounds: `cpu_us` (per call), `cpu_key_us`, `p50_us`, `p99_us`, `per_s`,
        `cpu_off_us` or a column of the case."""
        rounds = self.samples.get((case, client))
        if not rounds:
            return None
        name, share = ("cpu_us", case_named(case).keys) if figure == "cpu_key_us" else (figure, 1)
        values = [sample[name] / share for sample in rounds]
        return Spread(min(values), statistics.median(values), max(values))

    def median(self, case: str, client: str, figure: str) -> float | None:
        """The median of a figure, or nothing when it was not measured."""
        spread = self.spread(case, client, figure)
        return None if spread is None else spread.median

    def measured_cases(self) -> list[Case]:
        """Cases with at least one sample."""
        return [case for case in CASES if self.clients_of(case.name)]

    def write(self, path: Path) -> None:
        """One JSON line of facts, then one per case, client and round."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as out:
            print(json.dumps({"kind": "run"} | self.facts), file=out)
            for (case, client), rounds in self.samples.items():
                for number, sample in enumerate(rounds):
                    plain = {name: round(value, 3) for name, value in sample.items()}
                    print(
                        json.dumps({"kind": "sample", "case": case, "client": client, "round": number} | plain),
                        file=out,
                    )
