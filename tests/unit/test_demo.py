"""What the demo concludes from figures that are known."""

import pytest

from aerospike_py import _profile, demo


def measured(nine, one, stage="io", arrays=None):
    """Cases with medians in seconds, in which `stage` takes most of the time of a call."""
    stages = {"key_parse": 50e-6, "to_dict": 200e-6, stage: 3e-3, "unaccounted": 10e-6}
    rows = {
        name: {"count": 10, "sum": mean * 10, "p50": mean, "p95": mean, "p99": mean} for name, mean in stages.items()
    }
    report = _profile._profile("batch_read", rows)
    times = {demo.Case(demo.GATHERED, "dict"): nine, demo.Case(demo.MIXED, "dict"): one}
    if arrays is not None:
        times[demo.Case(demo.MIXED, "NumPy")] = arrays
    return {case: demo.Measured([median] * 3, [median] * 3, [median] * 3, report) for case, median in times.items()}


@pytest.mark.parametrize(("nine", "verdict"), [
    (2e-3, "2.00 times as long as one mixed call: read mixed keys in one call."),
    (1.02e-3, "as long as one mixed call (1.02 x): calls of one tick share their messages."),
    (0.5e-3, "only 0.50 times as long as one mixed call: gathering by set pays here."),
])  # fmt: skip
def test_the_first_line_compares_the_shapes(nine, verdict):
    first = demo.conclusion(measured(nine, 1e-3))[0]
    assert first == f"9 gathered calls take {verdict}"


def test_the_second_line_names_the_largest_stage():
    second = demo.conclusion(measured(1e-3, 1e-3, "io"))[1]
    assert second == "Most of the time of a call, 92%, is io: the server and the network, not Python."


def test_the_third_line_says_what_holds_the_gil():
    without, with_arrays = (demo.conclusion(measured(1e-3, 1.5e-3, arrays=arrays))[2] for arrays in (None, 0.5e-3))
    assert without == "Keys and dicts hold the GIL for 250 us a call."
    assert with_arrays == f"{without[:-1]}; as NumPy the whole call takes 500 us, not 1.50 ms."


@pytest.mark.parametrize("stage", [name for name in _profile._GIL if name != "unaccounted"])
def test_every_line_fits_the_screen(stage):
    lines = demo.conclusion(measured(123.456, 0.9876, stage, arrays=0.1234))
    assert len(lines) == 3
    assert max(map(len, lines)) <= 100


def test_the_stopwatch_is_compared_with_the_stages():
    cases = measured(1e-3, 1e-3)
    one = cases[demo.Case(demo.MIXED, "dict")]
    explained = sum(line.total for line in one.report.stages if line.name != "unaccounted")
    assert demo.stopwatch_share(one._replace(watched=[explained * 2])) == pytest.approx(0.5)
