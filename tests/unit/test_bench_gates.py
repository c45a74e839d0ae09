"""The gates of the benchmark compare what they say they compare."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import cases
import gates
import measure
import report
import results
import run
import workload
from clients import CORE, FREE_THREADED
from drivers import program


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


def test_a_limit_is_no_ratio(measured):
    measured.add("import", "ours", {"calls": 1, "import_ms": 20.0, "import_mib": 3.0})
    assert gates.Gate("import", "import_ms", 30.0, gates.LIMIT).judge(measured).met
    assert not gates.Gate("import", "import_ms", 19.0, gates.LIMIT).judge(measured).met


def test_a_gate_may_be_about_another_client_of_ours(measured):
    measured.add("get", FREE_THREADED, {"calls": 10, "cpu_us": 36.0})
    verdict = gates.Gate("get", "cpu_us", 1.25, "ours", client=FREE_THREADED).judge(measured)
    assert (verdict.ours, verdict.theirs, verdict.met) == (36.0, 30.0, True)


def test_another_case_is_one_of_the_same_client(measured):
    measured.add("get_1_threads", FREE_THREADED, {"calls": 10, "cpu_us": 36.0})
    measured.add("get_2_threads", FREE_THREADED, {"calls": 10, "cpu_us": 45.0})
    verdict = gates.Gate("get_2_threads", "cpu_us", 1.15, "case get_1_threads", client=FREE_THREADED).judge(measured)
    assert verdict.ratio == pytest.approx(1.25)
    assert not verdict.met


def test_every_gate_names_a_case_that_its_client_is_measured_in():
    for gate in [*gates.FIRST, *gates.NEXT]:
        case = workload.case_named(gate.case)
        assert (case.option == "core") == (gate.client == CORE)
        if gate.client == FREE_THREADED:
            assert gate.case in gates.FREE_THREADED_CASES or case.option == "parts"
        if case.columns:
            assert gate.figure in [name for name, _ in case.columns]


def test_cases_divided_by_each_other_are_measured_together():
    group_of = {case.name: number for number, group in enumerate(run.groups_of(cases.CASES)) for case in group}
    for gate in gates.NEXT:
        if gate.than.startswith("case "):
            assert group_of[gate.case] == group_of[gate.than[5:]]
    for ours, theirs in gates.SAME_WORK.items():
        assert group_of[ours] == group_of[theirs]


def test_a_column_that_a_client_lacks_is_a_dash(measured):
    measured.add("client", "ours", {"calls": 96, "client_kib": 960.0, "connections": 33})
    measured.add("client", "native", {"calls": 96, "client_kib": 5000.0})
    lines = report.column_lines(measured, workload.case_named("client"))
    assert lines[1].split()[-1] == "33.0"
    assert lines[2].split()[-1] == "-"


def test_a_timed_round_begins_again_until_the_time_is_up():
    taken = [item for item, _ in zip(measure.until(5.0, [1, 2, 3]), range(7), strict=False)]
    assert taken == [1, 2, 3, 1, 2, 3, 1]
    assert list(measure.until(0.0, [1, 2, 3])) == [1, 2, 3]


def test_parts_run_at_once_and_are_counted_together():
    sample = measure.run_parts(lambda latencies: latencies.extend([1000, 2000, 3000]), parts=2)
    assert (sample["calls"], sample["p50_us"]) == (6, 2.0)


def test_a_program_is_sent_the_keys_of_every_call():
    case = workload.case_named("batch_1800_raw")
    calls = [[("test", "fv_3", "user_000017"), ("test", "fv_4", "user_001999")], [("test", "fv_0", "user_000000")]]
    assert program.round_text("batch", case, calls) == "batch 1800 2 0\n3 17 4 1999\n0 0\n"


def test_what_a_write_leaves_is_known():
    case = workload.case_named("write_numpy")
    (rows,) = workload.arguments(case, 1, seed=1)
    number = int(rows["_key"][0])
    bins = workload.expected(case, rows)[number]
    assert bins == {name: workload.bins_of(number)[name] for name in ("i0", "i1", "i2", "i3", "f0", "f1")}
    assert workload.keys_of(case, rows)[0] == ("test", "fv_wn", number)


@pytest.mark.parametrize("case", [case for case in cases.CASES if case.keys > 1], ids=lambda case: case.name)
def test_no_user_key_repeats_within_a_call(case):
    for argument in workload.arguments(case, 3, seed=7):
        assert len(workload.expected(case, argument)) == case.keys


def test_every_client_is_given_the_same_keys():
    case = workload.case_named("get")
    assert workload.arguments(case, 50, seed=3) == workload.arguments(case, 50, seed=3)
    assert workload.arguments(case, 50, seed=3) != workload.arguments(case, 50, seed=4)
