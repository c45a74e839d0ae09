"""The rules that drills are judged by can fail: each kind of loss and lie is found."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "drills"))

from flow_control import with_table
from history import Call, History, Slot, numbers_of, percentile


def line(role, number, generation=1):
    """As a server logs it: the one bin, an integer, ends with the number."""
    return f"{role} {'0A' * 20} {generation} 0000000D0101000146{number:016X}\n"


@pytest.fixture
def log(tmp_path):
    def write(*lines):
        path = tmp_path / "writes-0-1.log"
        path.write_text("".join(lines), encoding="ascii")
        return path

    return write


def test_numbers_of_writes_are_read_from_a_log_and_half_a_line_is_none(log):
    assert numbers_of(log(line("m", 7), line("r", 8), "d " + "0A" * 20 + "\n", line("m", 9)[:40])) == {7, 8}


def test_an_acknowledged_write_that_no_server_carried_out_is_found(log):
    history = History()
    history.acknowledged = [7, 8]
    history.judge_logs([log(line("m", 7))])
    assert history.problems == ["an acknowledged write is in no server's log"]


def test_a_denied_write_that_was_carried_out_is_found(log):
    history = History()
    history.denied = {7: "ClusterError", 8: "ClusterError"}
    history.judge_logs([log(line("r", 8))])
    assert history.problems == ["a write was carried out, but its ClusterError says that it is not in doubt"]


def test_a_read_may_give_the_last_acknowledged_write_or_one_in_doubt():
    slot = Slot(("test", "drill", "k"), acknowledged=5, doubtful={6})
    assert [number for number in range(8) if slot.allows(number)] == [5, 6]


def test_failed_reads_are_problems_and_the_like_are_counted_together():
    history = History()
    history.calls = [*[Call("read", 0, 1, "RecordNotFound", text="it is gone")] * 2, Call("read", 0, 1)]
    history.judge_reads()
    assert history.problems == ["a read failed: RecordNotFound: it is gone (2 times)"]


def test_calls_that_went_well_and_fast_are_only_counted_when_not_all_are_wanted():
    history = History(all_of_them=False)
    for call in (Call("read", 0, 0.001), Call("read", 0, 0.9), Call("write", 0, 0.001, "TimeoutError")):
        history.add(call)
    assert history.number_of_calls == 3
    assert history.calls == [Call("read", 0, 0.9), Call("write", 0, 0.001, "TimeoutError")]


def test_percentiles():
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([3.0], 0.5) == 3.0
    assert percentile([], 0.99) == 0.0


def test_a_table_takes_the_place_of_the_one_before_and_needs_a_place():
    page = "head\n<!-- drill: x -->\nold\n<!-- end: x -->\ntail\n"
    assert with_table(page, "x", "new\n") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no place for the table 'y'"):
        with_table(page, "y", "new\n")
