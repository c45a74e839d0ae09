"""One log line that a user can turn into a bug report, for errors that are nobody's expectation.

The native module calls `log_unexpected` where it meets an error that is neither one of ours nor a built-in error about
an argument; calls that go well never come here, so there is no wrapper around any method.
"""

from __future__ import annotations

# Errors that say something about the arguments or the interpreter, not about a defect of this package.
_EXPECTED = (TypeError, ValueError, KeyError, OverflowError, MemoryError, RecursionError)


def log_unexpected(context: str, error: BaseException) -> None:
    """Log an unexpected error once, at ERROR on the logger `aerospike_py`, ready to be pasted into a report."""
    if not isinstance(error, Exception) or is_expected(error):
        return
    import logging

    logging.getLogger("aerospike_py").error("%s", describe(context, error))


def is_expected(error: BaseException) -> bool:
    """Tell whether an error is part of the contract: any `AerospikeError`, or a built-in error about an argument."""
    from .exception import AerospikeError

    return isinstance(error, (AerospikeError, *_EXPECTED))


def describe(context: str, error: BaseException) -> str:
    """Compose the report: where it happened, versions, platform, the error and its traceback."""
    import platform
    import traceback

    from . import __version__

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
    return (
        f"Unexpected {type(error).__name__} in {context}. This is a defect of aerospike-py-cpp; please report it with"
        " the lines below.\n"
        f"  call:     {context}\n"
        f"  package:  aerospike-py-cpp {__version__}\n"
        f"  python:   {platform.python_implementation()} {platform.python_version()}\n"
        f"  platform: {platform.platform()}\n"
        f"  error:    {type(error).__name__}: {error}\n"
        f"{trace}"
    )
