"""The gates of the benchmark compare what they say they compare."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import gates
import measure
import report
import results
import workload


@pytest.fixture
def measured():
    """Three clients, two rounds."""
    run = results.Results({"clients": ["floor", "ours", "official", "native"]})
    for client, cpu in (("floor", 10.0), ("ours", 30.0), ("official", 90.0), ("native", 120.0)):
        for spread in (0.9, 1.1):
            sample = {"calls": 10, "cpu_us": cpu * spread, "p50_us": cpu, "p99_us": cpu, "per_s": 1e6 / cpu}
            run.add("get", client, sample)
    return run


def test_a_gate_takes_the_best_of_the_others(measured):
    verdict = gates.Gate("get", "cpu_us", 1 / 3, gates.BEST_OTHER).judge(measured)
    assert (verdict.who, verdict.theirs) == ("official", 90.0)
    assert verdict.ratio == pytest.approx(1 / 3)


@pytest.mark.parametrize(("factor", "met"), [(0.34, True), (0.33, False)])
def test_a_gate_holds_up_to_its_factor(measured, factor, met):
    assert gates.Gate("get", "cpu_us", factor, "official").judge(measured).met is met


@pytest.mark.parametrize(("factor", "met"), [(2.9, True), (3.1, False)])
def test_throughput_has_to_be_higher(measured, factor, met):
    assert gates.Gate("get", "per_s", factor, "official").judge(measured).met is met


def test_a_binding_gate_that_was_not_measured_is_missed(measured):
    text, missed = report.gate_table(measured, [gates.Gate("put", "cpu_us", 1.0, gates.BEST_OTHER)])
    assert missed == 1
    assert "not measured" in text


def test_a_switch_is_judged_by_pairs_of_neighbours():
    # The machine is three times slower for some turns; the switch costs a tenth throughout.
    slow = [1.0, 1.0, 3.0, 1.0, 3.0]
    chunks = []
    for phase in slow:
        chunks += [(on, {"calls": 1, "cpu_us": phase * (11.0 if on else 10.0)}) for on in (False, True, True, False)]
    found = measure.compare(chunks)
    assert found["cpu_us"] / found["cpu_off_us"] == pytest.approx(1.1)


@pytest.mark.parametrize("case", [case for case in workload.CASES if case.keys > 1], ids=lambda case: case.name)
def test_no_user_key_repeats_within_a_call(case):
    for argument in workload.arguments(case, 3, seed=7):
        assert len(workload.expected(case, argument)) == case.keys


def test_every_client_is_given_the_same_keys():
    case = workload.case_named("get")
    assert workload.arguments(case, 50, seed=3) == workload.arguments(case, 50, seed=3)
    assert workload.arguments(case, 50, seed=3) != workload.arguments(case, 50, seed=4)
