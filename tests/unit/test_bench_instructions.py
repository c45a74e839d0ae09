"""Instruction counts are read, compared and judged as `make bench-check` says."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import instructions


def test_the_total_of_a_dump_is_read(tmp_path):
    dump = tmp_path / "out.1"
    dump.write_text("version: 1\nsummary: 21548\n\nfn=(1) main\n7 3\n\ntotals: 22383\n")
    assert instructions.total_of(dump) == 22383


def test_a_dump_without_a_total_is_an_error(tmp_path):
    dump = tmp_path / "out.1"
    dump.write_text("version: 1\n")
    with pytest.raises(ValueError, match=r"out\.1 has no totals"):
        instructions.total_of(dump)


@pytest.mark.parametrize(
    ("full", "plain"),
    [
        ("encode_get/iterations:20", "encode_get"),
        ("digests/8/iterations:120", "digests/8"),
        ("observe/iterations:20/threads:1", "observe"),
        ("observe/iterations:20/threads:16", "observe/threads:16"),
    ],
)
def test_names_lose_what_says_how_often_they_ran(full, plain):
    assert instructions.plain_name(full) == plain


@pytest.mark.parametrize(
    ("now", "verdict"), [(1000.0, "ok"), (1029.0, "ok"), (1031.0, "WORSE"), (972.0, "ok"), (960.0, "better")]
)
def test_three_per_cent_decide(now, verdict):
    assert instructions.judge("row", {"row": now}, {"row": 1000.0}, True) == verdict


def test_a_row_of_a_handful_of_instructions_is_not_judged_by_per_cent():
    assert instructions.judge("row", {"row": 3.4}, {"row": 3.0}, True) == "ok"
    assert instructions.judge("row", {"row": 4.0}, {"row": 3.0}, True) == "WORSE"


def test_rows_that_come_or_go_fail_until_they_are_recorded(capsys):
    assert instructions.compare("rows", {"new": 1.0}, {"old": 1.0}, []) == 2
    printed = capsys.readouterr().out
    assert "NOT RECORDED" in printed
    assert "GONE" in printed


def test_registers_that_are_not_here_fail_nothing():
    assert instructions.judge("digests_short_keys/16", {}, {"digests_short_keys/16": 300.0}, True) == "not here"


def test_counts_of_another_compiler_are_shown_and_not_compared(capsys):
    differences = instructions.differing({"compiler": "g++ 13"}, {"compiler": "g++ 12"}, ["compiler"])
    assert differences == ["compiler: g++ 13 here, g++ 12 recorded"]
    assert instructions.compare("rows", {"row": 9000.0}, {"row": 1.0}, differences) == 0
    assert "g++ 13 here" in capsys.readouterr().out
