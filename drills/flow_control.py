"""Puts the tables that drills made into docs/flow_control.md, between the marks that bear their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drill import Report

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/flow_control.md"


def write(reports: list[Report]) -> None:
    """Every table of these reports, in the place of the one before."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for report in reports:
        for name, table in report.tables.items():
            text = with_table(text, name, table)
    DOCUMENT.write_text(text, encoding="utf-8")


def with_table(text: str, name: str, table: str) -> str:
    """The text with another table between its marks, which must be there."""
    begin, end = f"<!-- drill: {name} -->\n", f"<!-- end: {name} -->\n"
    head, opened, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"docs/flow_control.md has no place for the table '{name}'")
    return head + begin + table + end + tail
