"""Fixtures for tests of programs that use Aerospike; loaded by pytest because this package is installed.

`aerospike_server` is a running embedded cluster of one node, shared by the whole session; `aerospike_client` a client
that is connected to it. Give a session fixture of the name `aerospike_server_options` to change how the server is made:

    @pytest.fixture(scope="session")
    def aerospike_server_options():
        return {"nodes": 3, "namespace": "features"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._client import Client
    from .testing import Server


@pytest.fixture(scope="session")
def aerospike_server_options() -> dict[str, Any]:
    """Arguments of `aerospike_py.testing.Server` for the fixture `aerospike_server`."""
    return {}


@pytest.fixture(scope="session")
def aerospike_server(aerospike_server_options: dict[str, Any]) -> Iterator[Server]:
    """An embedded server that runs as long as the tests do."""
    from .testing import Server

    with Server(**aerospike_server_options) as server:
        yield server


@pytest.fixture
def aerospike_client(aerospike_server: Server) -> Iterator[Client]:
    """A client connected to `aerospike_server`, closed after the test."""
    from . import client

    with client({"hosts": aerospike_server.hosts}).connect() as connected:
        yield connected
