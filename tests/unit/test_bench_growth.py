"""The report about growth: lines, what is said of a curve, and its place in the page."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import growth_report
import report
from growth_report import Point, Sweep
from results import Results

KEYS = Sweep("keys", "keys of a batch", "call", True)
LOOPS = Sweep("loops", "loops", "get", False)


def points(sweep, costs):
    return [Point(sweep.name, "curve", size, cost, cost, 1e6 / cost) for size, cost in costs.items()]


def test_a_straight_line_is_found():
    sizes = [1, 10, 100, 100_000]
    line = growth_report.fit(sizes, [40.0 + 0.25 * size for size in sizes])
    assert (line.fixed, line.slope) == (pytest.approx(40.0), pytest.approx(0.25))


def test_small_sizes_count_as_much_as_large_ones():
    sizes = [1, 10, 100, 1000, 100_000]
    costs = [40.0 + 0.25 * size for size in sizes]
    costs[-1] *= 1.1
    assert growth_report.fit(sizes, costs).fixed == pytest.approx(40.0, rel=0.05)


def test_one_point_is_a_line_without_slope():
    assert growth_report.fit([8], [20.0]) == growth_report.Line(20.0, 0.0)


def test_the_farthest_point_is_named():
    found = points(KEYS, {1: 40.0, 10: 41.0, 100: 100.0, 1000: 140.0, 10_000: 1040.0})
    assert growth_report.describe(KEYS, found).endswith("% at 100")


def test_what_should_not_grow_is_compared_with_its_cheapest_point():
    found = points(LOOPS, {1: 5.0, 2: 4.0, 4: 8.0})
    assert growth_report.describe(LOOPS, found) == "4.00 us at 2 .. 8.00 us at 4  (x 2.00)"


def test_every_curve_has_a_row():
    text = growth_report.table([KEYS, LOOPS], points(KEYS, {1: 40.0, 10: 42.0}) + points(LOOPS, {1: 5.0, 2: 4.0}))
    assert [line.split("  ")[0] for line in text.splitlines()[1:]] == ["keys of a batch", "loops"]


def test_the_section_replaces_an_older_one_and_nothing_else(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nfigures\n")
    growth_report.write_section("older curves\n", page, "growth.png")
    growth_report.write_section("newer curves\n", page, "growth.png")
    text = page.read_text()
    assert text.startswith("# Performance\n\nfigures\n\n## How cost grows")
    assert text.count(growth_report.MARK) == 1
    assert "newer curves" in text
    assert "older curves" not in text


def test_a_new_table_keeps_the_section(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nold table\n")
    growth_report.write_section("curves\n", page, "growth.png")
    report.write_page(Results({"clients": []}), "new table\n", page, "performance.png")
    text = page.read_text()
    assert "new table" in text
    assert "old table" not in text
    assert text.index("new table") < text.index("curves")


def test_the_page_tells_what_was_missed_and_why():
    def run(ours):
        results = Results({"clients": ["floor", "ours"]})
        results.add("core_get", "floor", {"cpu_us": 20.0, "p50_us": 20.0})
        results.add("get", "floor", {"cpu_us": 20.0, "p50_us": 20.0})
        results.add("get", "ours", {"cpu_us": ours, "p50_us": 20.0})
        return report.missed_section(results)

    assert run(20.0) == ""
    missed = run(30.0)
    assert "| sync get | cpu_us | floor (C++) | 1.500 | 1.250 | The kernel's part" in missed
    assert missed.count("| sync get |") == 1
