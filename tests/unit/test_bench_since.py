"""What the comparison with an earlier commit makes of its pairs."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import since
from ratios import Ratio, table


def ratio_of(change, pairs=40, noise=0.02, drift=0.0):
    """Pairs of a case whose cost changed so much, on a machine that gets slower by `drift` a pair."""
    draw = random.Random(7)
    ratio = Ratio("a case")
    for number in range(pairs):
        speed = 1 + drift * number
        ratio.add(100 * speed * draw.gauss(1, noise), 100 * change * speed * draw.gauss(1, noise))
    return ratio


@pytest.mark.parametrize(("change", "said"), [(0.9, "less"), (1.0, "kept"), (1.05, "MORE"), (1.02, "unclear")])
def test_a_change_is_called_what_it_is(change, said):
    assert ratio_of(change).verdict() == said


def test_a_machine_that_gets_slower_changes_no_ratio():
    assert ratio_of(1.0, drift=0.05).typical() == pytest.approx(1.0, abs=0.02)


def test_the_interval_holds_the_ratio_and_narrows_with_pairs():
    few, many = ratio_of(1.1, pairs=12).interval(), ratio_of(1.1, pairs=300).interval()
    assert few[0] < 1.1 < few[1]
    assert many[0] < 1.1 < many[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2


def test_noise_leaves_a_case_unclear():
    assert ratio_of(1.0, noise=0.3).verdict() == "unclear"


def test_a_few_pairs_decide_nothing():
    assert ratio_of(1.5, pairs=5).verdict() == "unclear"


def test_the_picture_shows_where_one_is_and_where_the_median_is():
    assert ratio_of(1.05, noise=0.001).picture().index("o") == 30
    assert ratio_of(1.05, noise=0.001).picture().index("|") == 20
    assert ratio_of(3.0).picture().rstrip()[-1] == "o"


def test_the_table_has_a_line_per_case_as_wide_as_the_first():
    lines = table([ratio_of(0.9), ratio_of(1.05)]).splitlines()
    assert len(lines) == 3
    assert "less" in lines[1]
    assert "MORE" in lines[2]
    assert lines[0].index("0.90") + 41 == lines[0].index("1.10") + 4


def test_it_compares_the_cases_in_which_cpu_is_that_of_calls():
    names = {case.name for case in since.compared()}
    assert {"get", "put", "aget_32", "batch_1800_dict", "batch_1800_numpy", "abatch_1800_dict", "write_numpy"} <= names
    assert not {"import", "beside_thread", "core_get", "stages_get", "aget_32_alone"} & names


def test_a_commit_that_git_does_not_know_is_refused():
    with pytest.raises(SystemExit, match="git knows no commit no-such-commit"):
        since.commit_of("no-such-commit")
