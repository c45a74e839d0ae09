"""The metrics server, the log bridge, and the report of unexpected errors."""

import contextlib
import io
import logging
import socket
import threading
import urllib.error
import urllib.request

import pytest
from fixtures.levels import LOGGERS, kept_levels

import aerospike_py
from aerospike_py import _bug_report, _observability

# ---- metrics text ---------------------------------------------------------------------------------------------------


def test_metrics_describe_themselves_before_the_first_operation():
    text = aerospike_py.get_metrics()
    assert "# HELP" in text
    assert "# TYPE" in text
    assert text.rstrip("\n").endswith("# EOF")
    assert all(line.startswith("#") or line[0].isalpha() or line[0] == "_" for line in text.splitlines())


def test_metrics_may_be_read_by_ten_threads_at_once():
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(aerospike_py.get_metrics())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(texts) == 10
    assert all(text.rstrip("\n").endswith("# EOF") for text in texts)


# ---- metrics server -------------------------------------------------------------------------------------------------


@pytest.fixture
def port():
    """A free port, and no metrics server after the test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    yield free
    aerospike_py.stop_metrics_server()


def fetch(port, path="/metrics"):
    """Status, content type and body of a GET."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return reply.status, reply.headers["Content-Type"], reply.read().decode()


def serves(port):
    """Whether a metrics server answers on a port."""
    with contextlib.suppress(OSError):
        return fetch(port)[0] == 200
    return False


def test_the_server_gives_the_metrics(port):
    aerospike_py.start_metrics_server(port)
    status, kind, body = fetch(port)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert body.rstrip("\n").endswith("# EOF")
    assert fetch(port, "/metrics?name=x")[0] == 200


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/x"])
def test_the_server_knows_no_other_path(port, path):
    aerospike_py.start_metrics_server(port)
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(port, path)
    assert caught.value.code == 404
    caught.value.close()


def test_a_second_start_moves_the_server(port):
    aerospike_py.start_metrics_server(port)
    aerospike_py.start_metrics_server(0)
    moved = _observability.metrics_server_port()
    assert moved not in (None, port)
    assert serves(moved)
    assert not serves(port)


def test_a_second_start_on_the_same_port_works(port):
    aerospike_py.start_metrics_server(port)
    aerospike_py.start_metrics_server(port)
    assert serves(port)


def test_a_taken_port_is_an_error_and_the_old_server_goes_on(port):
    aerospike_py.start_metrics_server(port)
    with socket.create_server(("", 0)) as taken, pytest.raises(OSError, match="use"):
        aerospike_py.start_metrics_server(taken.getsockname()[1])
    assert serves(port)


def test_stopping_may_be_repeated(port):
    aerospike_py.start_metrics_server(port)
    aerospike_py.stop_metrics_server()
    aerospike_py.stop_metrics_server()
    assert not serves(port)


def test_the_server_does_not_keep_the_process_alive(port):
    aerospike_py.start_metrics_server(port)
    (thread,) = (each for each in threading.enumerate() if each.name == "aerospike_py metrics")
    assert thread.daemon


def test_requests_are_logged_for_debugging_and_not_printed(port, caplog, capfd):
    aerospike_py.start_metrics_server(port)
    with caplog.at_level(logging.DEBUG, "aerospike_py"):
        fetch(port)
    assert [(record.name, record.levelname) for record in caplog.records] == [("aerospike_py", "DEBUG")]
    assert "GET /metrics" in caplog.text
    assert capfd.readouterr() == ("", "")


# ---- logging --------------------------------------------------------------------------------------------------------


@pytest.fixture
def levels():
    """The levels of our loggers are put back."""
    with kept_levels():
        yield


@pytest.mark.parametrize(("name", "level"), [
    ("OFF", 51), ("ERROR", 40), ("WARN", 30), ("INFO", 20), ("DEBUG", 10), ("TRACE", 5),
])  # fmt: skip
def test_a_level_is_set_on_every_logger(levels, name, level):
    aerospike_py.set_log_level(getattr(aerospike_py, f"LOG_LEVEL_{name}"))
    assert [logging.getLogger(each).level for each in LOGGERS] == [level] * 4


@pytest.mark.parametrize("level", [5, 99, -2, 100, 10])
def test_an_unknown_level_is_refused(levels, level):
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        aerospike_py.set_log_level(level)


def test_level_five_is_called_trace(levels):
    aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)
    assert logging.getLevelName(5) == "TRACE"


def test_our_loggers_have_a_handler_that_says_nothing():
    assert any(isinstance(each, logging.NullHandler) for each in logging.getLogger("aerospike_py").handlers)


def test_native_records_arrive_under_dotted_names(levels, monkeypatch, caplog):
    aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)
    records = [(0, "aerospike_core::cluster", "gone"), (4, "aerospike_core::batch", "100 %s")]
    monkeypatch.setattr(_observability._aerospike, "drain_logs", lambda: [records.pop(0)] if records else [])
    with caplog.at_level(1):
        for _ in range(3):
            _observability.forward_logs()
    assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
        ("aerospike_core.cluster", logging.ERROR, "gone"),
        ("aerospike_core.batch", 5, "100 %s"),
    ]


def test_lost_records_are_counted():
    assert aerospike_py.dropped_log_count() >= 0


# ---- unexpected errors ----------------------------------------------------------------------------------------------


def test_an_unexpected_error_is_logged_with_what_a_report_needs(caplog):
    try:
        raise RuntimeError("it's broken")
    except RuntimeError as error:
        _bug_report.log_unexpected("Client.get", error)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("aerospike_py", "ERROR")
    text = record.getMessage()
    for part in (
        "Client.get",
        "RuntimeError",
        "it's broken",
        "Traceback",
        aerospike_py.__version__,
        "test_observability",
    ):
        assert part in text


@pytest.mark.parametrize("error", [
    aerospike_py.RecordNotFound("x"), aerospike_py.ClientError("x"), TypeError("x"), ValueError("x"), KeyError("x"),
    OverflowError("x"), MemoryError(), KeyboardInterrupt(), SystemExit(),
], ids=lambda error: type(error).__name__)  # fmt: skip
def test_an_expected_error_is_not_logged(caplog, error):
    _bug_report.log_unexpected("Client.get", error)
    assert caplog.records == []


# ---- stage switch ---------------------------------------------------------------------------------------------------


def test_the_profiling_switch_is_put_back():
    before = aerospike_py.is_internal_stage_metrics_enabled()
    with aerospike_py.internal_stage_profiling() as nothing:
        assert nothing is None
        assert aerospike_py.is_internal_stage_metrics_enabled() is True
    assert aerospike_py.is_internal_stage_metrics_enabled() is before


def test_one_context_may_be_entered_twice():
    context = aerospike_py.internal_stage_profiling()
    with context, context:
        assert aerospike_py.is_internal_stage_metrics_enabled() is True
    assert aerospike_py.is_internal_stage_metrics_enabled() is False


def test_reports_can_be_written_to_a_stream_of_another_encoding():
    """The text of a bug report holds plain characters of its own."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    stream.write(_bug_report.describe("Client.get", RuntimeError("plain")))
    stream.flush()
