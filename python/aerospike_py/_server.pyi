"""The embedded server, native part."""

from collections.abc import Mapping, Sequence

class Member:
    def __init__(
        self,
        members: Sequence[tuple[str, int, int, str, str]],
        member: int,
        *,
        namespaces: Sequence[str] = ("test",),
        replication_factor: int = 2,
        service_threads: int = 2,
        cluster_name: str = "aero",
        migrate_pause_us: int = 0,
        beat_ms: int = 150,
        dead_ms: int = 1000,
        write_log: str = "",
    ) -> None: ...
    def start(self, seconds: float, /) -> bool: ...
    def shutdown(self) -> None: ...

class Server:
    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        nodes: int = 1,
        namespaces: Sequence[str] = ("test",),
        replication_factor: int = 2,
        service_threads: int = 2,
        cluster_name: str = "aero",
        default_ttl: int = 0,
        nsup_period: int = 5,
        migrate_pause_us: int = 0,
        batch_max_requests: int = 0,
        rack_ids: Sequence[int] = (),
        tls: Mapping[str, str] | None = None,
        users: Sequence[tuple[str, str, Sequence[str], bool]] | None = None,
        session_ttl: int = 86400,
        access_address: str = "",
        alternate_address: str = "",
        compression: bool = False,
    ) -> None: ...
    def start(self) -> None: ...
    def shutdown(self) -> None: ...
    def stop_node(self, index: int, /) -> None: ...
    def start_node(self, index: int, /) -> None: ...
    def wait_until_stable(self, seconds: float, /) -> bool: ...
    def advance_clock(self, seconds: float, /) -> None: ...
    def endpoints(self) -> list[tuple[str, int]]: ...
    def tls_endpoints(self) -> list[tuple[str, int]]: ...
    def node_names(self) -> list[str]: ...
