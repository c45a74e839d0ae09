"""The report of stage profiling, from figures that are known."""

import pytest

from aerospike_py import _profile


def row(count, mean, **quantiles):
    """A row as the native module gives it."""
    figures = {"p50": mean, "p95": mean * 2, "p99": mean * 3} | quantiles
    return {"count": count, "sum": mean * count, "buckets": [], **figures}


SNAPSHOT = {
    ("batch_read", "unaccounted"): row(10, 2e-6),
    ("batch_read", "to_dict"): row(5, 200e-6),
    ("batch_read", "io"): row(10, 800e-6),
    ("batch_read", "key_parse"): row(10, 98e-6),
    ("batch_read", "retry_wait"): row(0, 0.0),
    ("get", "io"): row(1, 50e-6),
    ("get", "limiter_wait"): row(1, 0.0),
}


@pytest.fixture
def report(monkeypatch):
    """The report of `SNAPSHOT`."""
    monkeypatch.setattr(_profile, "stage_snapshot", lambda: SNAPSHOT)
    return _profile.profile_report()


def test_stages_stand_in_the_order_of_a_call_and_empty_ones_are_left_out(report):
    stages = report.to_dict()["batch_read"]["stages"]
    assert list(stages) == ["key_parse", "io", "to_dict", "unaccounted"]


def test_shares_are_of_all_the_time_and_add_up(report):
    figures = report.to_dict()["batch_read"]
    assert figures["wall_s"] == pytest.approx(10e-3)
    assert figures["stages"]["io"]["share"] == pytest.approx(0.8)
    assert figures["stages"]["to_dict"]["share"] == pytest.approx(0.1)
    assert sum(stage["share"] for stage in figures["stages"].values()) == pytest.approx(1.0)
    assert figures["accounted"] == pytest.approx(0.998)


def test_calls_are_counted_without_conversions(report):
    assert report.to_dict()["batch_read"]["calls"] == 10
    assert report.to_dict()["get"]["calls"] == 1


def test_each_stage_says_what_it_does_to_other_threads(report):
    stages = report.to_dict()["batch_read"]["stages"]
    assert {name: stage["gil"] for name, stage in stages.items()} == {
        "key_parse": "held",
        "io": "free",
        "to_dict": "held",
        "unaccounted": "",
    }


def test_the_text_is_a_table_with_bars(report):
    lines = str(report).splitlines()
    assert lines[0] == "batch_read: 10 calls of 1.00 ms on average, 99.8% of it accounted for"
    assert lines[1].split() == ["stage", "calls", "mean", "p50", "p95", "p99", "share", "GIL"]
    assert lines[3].split() == [
        "io", "10", "800", "us", "800", "us", "1.60", "ms", "2.40", "ms", "80.0%", "free", "█" * 16,
    ]  # fmt: skip
    assert lines[4].endswith("held  ██")
    assert lines[6] == ""
    assert lines[7].startswith("get: 1 calls")
    assert max(map(len, lines)) <= 100


def test_stages_without_time_stand_in_the_figures_but_not_in_the_table(report):
    assert "limiter_wait" in report.to_dict()["get"]["stages"]
    assert "limiter_wait" not in str(report)


def test_it_shows_in_a_notebook(report):
    assert report._repr_html_().startswith("<pre>batch_read: 10 calls")
    assert repr(report) == "ProfileReport(batch_read: 10 calls, get: 1 calls)"


def test_without_figures_it_says_how_to_get_some(monkeypatch):
    monkeypatch.setattr(_profile, "stage_snapshot", dict)
    report = _profile.profile_report()
    assert "internal_stage_profiling" in str(report)
    assert report.to_dict() == {}


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0"),
    (3.2e-8, "32.0 ns"), (1.5e-6, "1.50 us"), (999e-6, "999 us"), (0.0123, "12.3 ms"), (2.0, "2.00 s"),
])  # fmt: skip
def test_times_have_three_digits_and_a_unit(seconds, text):
    assert _profile.format_time(seconds) == text


@pytest.mark.parametrize(("part", "blocks", "plain"), [
    (0.0, "", ""), (1.0, "█" * 16, "#" * 16), (0.5, "█" * 8, "#" * 8), (1 / 128, "▏", ""), (7.0, "█" * 16, "#" * 16),
])  # fmt: skip
def test_bars_are_drawn_in_eighths_or_plain(part, blocks, plain):
    assert _profile.format_bar(part) == blocks
    assert _profile.format_bar(part, ascii_only=True) == plain
