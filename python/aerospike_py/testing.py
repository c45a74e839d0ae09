"""An Aerospike cluster inside the test process: no installation, no containers, ready in milliseconds.

    from aerospike_py.testing import Server

    with Server(nodes=3) as server:
        client = aerospike_py.client({"hosts": server.hosts}).connect()
        server.stop_node(2)   # as if it were killed; replicas take over
        server.start_node(2)  # comes back empty and is filled again

Records live in memory and are gone when the server ends. It speaks the protocol of a real server, so clients of other
makes and languages can be tested against it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

__all__ = ["Server"]


class Server:
    """A cluster of `nodes` embedded nodes, started by `start()` or a `with` statement.

    Args:
        nodes: How many nodes, 1 to 32.
        namespace: The namespace that exists, or a list of them.
        host: The address to listen on.
        port: Node `i` listens on `port + i`; 0 takes free ports.
        replication_factor: Copies of each record, at most one per node.
        service_threads: Threads of each node that serve clients.
        cluster_name: What the nodes call their cluster.
        default_ttl: Seconds that records live which were written without a ttl; 0 means for ever.
        nsup_period: Seconds between removals of expired records; 0 refuses ttls, as a real server does.
        migrate_pause: Seconds between two partitions of a migration, so that a test can watch one.
        batch_max_requests: The most rows of one batch; 0 means any number.
        rack_ids: The rack of each node; without them the nodes know no racks, as those of a Community server.
        tls: The server's certificate: `certfile` and `keyfile` (PEM, `keyfile_pw` opens an encrypted key); with
            `cafile` clients must show a certificate of that authority; `protocols` as in the client's config; `name`
            is what clients are told to look for in certificates (by default the address). Every node then listens on
            a second port, see `tls_hosts`.
        users: `{name: (password, [role, ...])}` switches security on: everybody has to log in, and does what his
            roles allow (`read`, `write`, `read-write`, `truncate`, `data-admin`, `sys-admin` and the other predefined
            ones). One with `user-admin` changes users and roles by the `admin_*` calls, until the server ends; quotas
            are kept and told, and slow nobody down. A login by certificate (PKI) is that of the user whom the
            certificate names.
        expired_passwords: Users of these whose password is too old to log in with.
        session_ttl: Seconds that a login lasts; clients renew theirs before.
        access_address: The address that clients are told instead of `host`.
        alternate_address: The one told to clients that ask for alternate services; empty tells them none.
        compression: Takes compressed requests, and answers compressed where that is asked for, as an Enterprise server
            does; otherwise they are refused, as by a Community server.
    """

    def __init__(
        self,
        nodes: int = 1,
        namespace: str | list[str] = "test",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        replication_factor: int = 2,
        service_threads: int = 2,
        cluster_name: str = "aero",
        default_ttl: int = 0,
        nsup_period: int = 5,
        migrate_pause: float = 0.0,
        batch_max_requests: int = 0,
        rack_ids: Sequence[int] = (),
        tls: Mapping[str, str] | None = None,
        users: Mapping[str, tuple[str, Sequence[str]]] | None = None,
        expired_passwords: Sequence[str] = (),
        session_ttl: int = 86400,
        access_address: str = "",
        alternate_address: str = "",
        compression: bool = False,
    ) -> None:
        self._native = _server.Server(
            host=host,
            port=port,
            nodes=nodes,
            namespaces=[namespace] if isinstance(namespace, str) else list(namespace),
            replication_factor=replication_factor,
            service_threads=service_threads,
            cluster_name=cluster_name,
            default_ttl=default_ttl,
            nsup_period=nsup_period,
            migrate_pause_us=int(migrate_pause * 1e6),
            batch_max_requests=batch_max_requests,
            rack_ids=rack_ids,
            tls=None if tls is None else dict(tls),
            users=[(name, *rest, name in expired_passwords) for name, rest in (users or {}).items()],
            session_ttl=session_ttl,
            access_address=access_address,
            alternate_address=alternate_address,
            compression=compression,
        )
        self._tls_name = "" if tls is None else tls.get("name", "")

    def start(self) -> Server:
        """Begin to serve; the ports are known and accept connections when this returns."""
        self._native.start()
        return self

    def stop(self) -> None:
        """End all nodes. A server is started once; make another one to start again."""
        self._native.shutdown()

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Address and port of every node, stopped ones included; what a client takes as its seeds."""
        return self._native.endpoints()

    @property
    def tls_hosts(self) -> list[tuple[str, int] | tuple[str, int, str]]:
        """Address, port and the name of the certificate where each node speaks TLS; seeds for a client with TLS."""
        name = self._tls_name
        return [(host, port, name) if name else (host, port) for host, port in self._native.tls_endpoints()]

    @property
    def node_names(self) -> list[str]:
        """What each node calls itself, in the order of `hosts`."""
        return self._native.node_names()

    def stop_node(self, index: int) -> None:
        """Stop a node as if it were killed: its connections break, its records are lost, the others take over."""
        self._native.stop_node(index)

    def start_node(self, index: int) -> None:
        """Start a stopped node again on its port. It is empty; its partitions come back as they are filled."""
        self._native.start_node(index)

    def wait_until_stable(self, timeout: float = 10.0) -> bool:
        """Wait until every record has all its copies where they belong; whether that was so in time."""
        return self._native.wait_until_stable(timeout)

    def advance_clock(self, seconds: float) -> None:
        """Move the server's clock on, so that a test of expiry need not wait."""
        self._native.advance_clock(seconds)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
