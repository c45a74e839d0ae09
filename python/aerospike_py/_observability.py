"""Switches, metrics server and log bridge.

Loaded when first needed: importing the package imports neither `logging` nor `http.server`. The native core never
prints; it keeps log records in a bounded ring, which `forward_logs` empties into Python's `logging`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from . import _aerospike
from ._aerospike import (
    get_metrics,
    is_internal_stage_metrics_enabled,
    set_internal_stage_metrics_enabled,
)

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer
    from types import TracebackType
    from typing import Literal

# ---- logging -------------------------------------------------------------------------------------------------------

_TRACE = 5  # Python has no such level; it is registered by name so that records read "TRACE"
_PYTHON_LEVELS = {-1: 51, 0: 40, 1: 30, 2: 20, 3: 10, 4: _TRACE}
_LOGGERS = ("aerospike_py", "_aerospike", "aerospike_core", "aerospike")


def install_null_handlers() -> None:
    """Keep `logging` from printing our records by its last resort when the application has configured nothing."""
    import logging

    for name in ("aerospike_py", "aerospike_core"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
    if logging.getLevelName(_TRACE) != "TRACE":
        logging.addLevelName(_TRACE, "TRACE")


def set_log_level(level: int) -> None:
    """Set the level of every logger of the package, and how much the native core writes.

    Args:
        level: one of the `LOG_LEVEL_*` constants; `LOG_LEVEL_OFF` silences everything.

    Raises:
        ValueError: the level is none of them.
    """
    python_level = _PYTHON_LEVELS.get(level)
    if python_level is None:
        raise ValueError(f"level must be a LOG_LEVEL_* constant from -1 (off) to 4 (trace), got {level!r}")
    import logging

    install_null_handlers()
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(python_level)
    _aerospike.set_native_log_level(int(level))


def forward_logs() -> None:
    """Hand the records that the native core has kept to `logging`; the native module calls this when there are some.

    A native logger `aerospike_core::cluster` appears as `aerospike_core.cluster`, so that the levels and handlers of
    its parent apply.
    """
    records = _aerospike.drain_logs()
    if not records:
        return
    import logging

    install_null_handlers()
    for level, name, text in records:
        logging.getLogger(name.replace("::", ".")).log(_PYTHON_LEVELS.get(level, logging.WARNING), "%s", text)


# ---- stage profiling -----------------------------------------------------------------------------------------------


class internal_stage_profiling:
    """Profile the stages of every call inside a `with` block; the switch returns to what it was, also on error.

    with aerospike_py.internal_stage_profiling():
        client.batch_read(keys)
    print(aerospike_py.profile_report())
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(is_internal_stage_metrics_enabled())
        set_internal_stage_metrics_enabled(True)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> Literal[False]:
        set_internal_stage_metrics_enabled(self._before.pop())
        return False


# ---- metrics server ------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_running: _MetricsServer | None = None


class _MetricsServer:
    """`GET /metrics` on all interfaces, served by a daemon thread until `stop`."""

    def __init__(self, port: int) -> None:
        self._http = _listen(port)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="aerospike_py metrics",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5.0)


def _listen(port: int) -> ThreadingHTTPServer:
    import logging
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = get_metrics().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            logging.getLogger("aerospike_py").debug("metrics server: " + format, *args)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # On Linux this only skips the pause after a close; a port in use is still refused.
        allow_reuse_address = True

    install_null_handlers()
    return Server(("", port), Handler)


def start_metrics_server(port: int = 9464) -> None:
    """Serve `get_metrics()` at `http://HOST:port/metrics` from a daemon thread.

    A second call moves the server: to another port the new one is up before the old one stops, and when the new port
    cannot be had the old one goes on.

    Raises:
        OSError: the port is taken.
    """
    global _running
    with _lock:
        if _running is not None and port != 0 and _running.port == port:
            _running.stop()
            _running = None
        server = _MetricsServer(port)
        if _running is not None:
            _running.stop()
        _running = server


def stop_metrics_server() -> None:
    """Stop the metrics server; does nothing when there is none."""
    global _running
    with _lock:
        if _running is not None:
            _running.stop()
            _running = None


def metrics_server_port() -> int | None:
    """Return the port of the running metrics server (of interest after `start_metrics_server(0)`), or `None`."""
    with _lock:
        return _running.port if _running is not None else None
