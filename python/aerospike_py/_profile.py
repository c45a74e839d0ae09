"""The report of stage profiling: where the time of each operation went.

    with aerospike_py.internal_stage_profiling():
        client.batch_read(keys).to_dict()
    print(aerospike_py.profile_report())

The stages of a call follow each other without gap or overlap, so their times add up to the time of the call;
`unaccounted` is what lies between two readings of the clock outside our code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ._aerospike import stage_snapshot

# In the order in which a call passes through them, and what each means for other Python threads: `held` - they stand
# still; `free` - they run; `waits` - this call stands still until one of them, or the loop, lets go.
_GIL = {
    "future_into_py_setup": "held",
    "key_parse": "held",
    "limiter_wait": "free",
    "tokio_schedule_delay": "free",
    "io": "free",
    "retry_wait": "free",
    "event_loop_resume_delay": "waits",
    "spawn_blocking_delay": "waits",
    "gil_wait": "waits",
    "into_pyobject": "held",
    "to_dict": "held",
    "to_numpy": "free",
    "merge_to_dict": "held",
    "unaccounted": "",
}
_ORDER = {stage: place for place, stage in enumerate(_GIL)}
_CONVERSIONS = frozenset({"to_dict", "to_numpy", "merge_to_dict"})
_BAR_WIDTH = 16
_EIGHTHS = " ▏▎▍▌▋▊▉"
_UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))


class StageLine(NamedTuple):
    """One stage of one operation; times in seconds, `share` of all the time of the operation."""

    name: str
    calls: int
    mean: float
    p50: float
    p95: float
    p99: float
    total: float
    share: float
    gil: str


class OperationProfile(NamedTuple):
    """One operation: `wall` is the time of all its calls, `accounted` the share of it that a stage explains."""

    name: str
    calls: int
    wall: float
    accounted: float
    stages: list[StageLine]


class ProfileReport:
    """What `profile_report()` returns: a table for people as `str`, the same figures for programs as `to_dict()`."""

    __slots__ = ("operations",)

    operations: list[OperationProfile]

    def __init__(self, operations: list[OperationProfile]) -> None:
        self.operations = operations

    def __str__(self) -> str:
        if not self.operations:
            return "No stage was measured; switch profiling on with aerospike_py.internal_stage_profiling()."
        return "\n\n".join("\n".join(table_lines(operation)) for operation in self.operations)

    def __repr__(self) -> str:
        return f"ProfileReport({', '.join(f'{each.name}: {each.calls} calls' for each in self.operations)})"

    def to_dict(self) -> dict[str, Any]:
        """Return `{operation: {"calls", "wall_s", "accounted", "stages": {stage: {...}}}}`, times in seconds."""
        return {
            operation.name: {
                "calls": operation.calls,
                "wall_s": operation.wall,
                "accounted": operation.accounted,
                "stages": {
                    line.name: {
                        "calls": line.calls,
                        "mean_s": line.mean,
                        "p50_s": line.p50,
                        "p95_s": line.p95,
                        "p99_s": line.p99,
                        "total_s": line.total,
                        "share": line.share,
                        "gil": line.gil,
                    }
                    for line in operation.stages
                },
            }
            for operation in self.operations
        }

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(str(self))}</pre>"


def profile_report() -> ProfileReport:
    """Return where the time of each profiled operation went since the start or `reset_stage_metrics()`."""
    by_operation: dict[str, dict[str, Any]] = {}
    for (operation, stage), row in stage_snapshot().items():
        if row["count"]:
            by_operation.setdefault(operation, {})[stage] = row
    return ProfileReport([_profile(name, rows) for name, rows in sorted(by_operation.items())])


def _profile(name: str, rows: dict[str, Any]) -> OperationProfile:
    wall = sum(row["sum"] for row in rows.values())
    lines = [
        StageLine(
            stage,
            row["count"],
            row["sum"] / row["count"],
            row["p50"],
            row["p95"],
            row["p99"],
            row["sum"],
            row["sum"] / wall if wall else 0.0,
            _GIL.get(stage, ""),
        )
        for stage, row in sorted(rows.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))
    ]
    calls = max((line.calls for line in lines if line.name not in _CONVERSIONS), default=0)
    unaccounted = rows["unaccounted"]["sum"] if "unaccounted" in rows else 0.0
    return OperationProfile(name, calls, wall, 1.0 - unaccounted / wall if wall else 1.0, lines)


def table_lines(operation: OperationProfile, *, ascii_only: bool = False) -> list[str]:
    """Return the table of one operation as lines of at most 100 columns: a summary, a heading, one line per stage."""
    per_call = operation.wall / operation.calls if operation.calls else operation.wall
    lines = [
        f"{operation.name}: {operation.calls} calls of {format_time(per_call)} on average,"
        f" {operation.accounted:.1%} of it accounted for",
        f"{'stage':<24}{'calls':>7}{'mean':>9}{'p50':>9}{'p95':>9}{'p99':>9}{'share':>8}  GIL",
    ]
    widest = max((line.share for line in operation.stages), default=0.0) or 1.0
    for line in operation.stages:
        if not line.total and line.name != "unaccounted":
            continue  # a stage this operation never spends time in
        bar = format_bar(line.share / widest, ascii_only=ascii_only)
        lines.append(
            f"{line.name:<24}{line.calls:>7}{format_time(line.mean):>9}{format_time(line.p50):>9}"
            f"{format_time(line.p95):>9}{format_time(line.p99):>9}{line.share:>8.1%}  {line.gil:<6}{bar}".rstrip()
        )
    return lines


def format_time(seconds: float) -> str:
    """Return a time with three digits and its unit, at most eight characters."""
    if not seconds:
        return "0"
    unit, scale = next((each for each in _UNITS if seconds * each[1] >= 1.0), _UNITS[-1])
    value = seconds * scale
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def format_bar(part: float, *, width: int = _BAR_WIDTH, ascii_only: bool = False) -> str:
    """Return a bar for a part of 0..1."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    if ascii_only:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
