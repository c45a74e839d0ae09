"""The embedded server as a program: `python -m aerospike_py.server --port 18710 --nodes 1 --namespace test`.

Prints one line `ready HOST:PORT[,HOST:PORT...]` when it accepts connections, followed by ` tls HOST:PORT[,...]` when it
was given a certificate, and serves until SIGTERM or SIGINT.

With `--members FILE --member N` it is one process of a cluster of processes. FILE is a JSON list of all that may
belong, `[{"host": "127.0.0.1", "port": 4000, "ring_port": 5000}, ...]`; it prints `ready` once it belongs. Such
clusters survive `kill -9`: every write is on two processes before it is acknowledged. `"access"` and `"alternate"` of a
member are the addresses told to clients instead of `"host"`, and to those that ask for alternate services.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from . import _server

JOIN_SECONDS = 30


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m aerospike_py.server", description="An Aerospike server in memory.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the first node, the others follow; 0: free ports")
    parser.add_argument("--nodes", type=int, default=1, help="nodes of the cluster, 1 to 32 (default %(default)s)")
    parser.add_argument("--namespace", action="append", help="a namespace; may be given twice (default test)")
    parser.add_argument("--replication-factor", type=int, default=2, help="copies of a record (default %(default)s)")
    parser.add_argument("--service-threads", type=int, default=2, help="threads of each node (default %(default)s)")
    parser.add_argument("--cluster-name", default="aero", help="default %(default)s")
    parser.add_argument("--default-ttl", type=int, default=0, help="seconds; 0: records live for ever")
    parser.add_argument("--nsup-period", type=int, default=5, help="seconds between removals of expired records")
    parser.add_argument("--rack-id", type=int, action="append", help="rack of a node; once for each node, in order")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate (PEM): every node listens for TLS as well")
    parser.add_argument("--tls-key", metavar="FILE", help="its key (default: in the file of the certificate)")
    parser.add_argument("--tls-ca", metavar="FILE", help="authorities; clients must show a certificate of theirs")
    parser.add_argument("--tls-name", metavar="NAME", help="what clients are told to look for in certificates")
    parser.add_argument("--access-address", default="", metavar="ADDRESS", help="told to clients instead of --host")
    parser.add_argument(
        "--alternate-access-address",
        default="",
        metavar="ADDRESS",
        help="told to those that ask for alternate services",
    )
    parser.add_argument("--compression", action="store_true", help="take and give compressed messages")
    parser.add_argument("--users", metavar="FILE", help="JSON {NAME: [PASSWORD, [ROLE, ...]]}: everybody has to log in")
    process = parser.add_argument_group("one process of a cluster of processes")
    process.add_argument("--members", metavar="FILE", help="JSON list of the address and both ports of each member")
    process.add_argument("--member", type=int, default=0, help="which of them this is, from 0 (default %(default)s)")
    process.add_argument("--write-log", metavar="FILE", help="records every write before it is acknowledged")
    process.add_argument("--beat-ms", type=int, default=150, help="between two heartbeats (default %(default)s)")
    process.add_argument("--dead-ms", type=int, default=1000, help="of silence: left out (default %(default)s)")
    process.add_argument("--migrate-pause-us", type=int, default=0, help="for each partition that moves")
    chosen = parser.parse_args(arguments)
    if chosen.tls_cert is None and (chosen.tls_key or chosen.tls_ca or chosen.tls_name):
        parser.error("--tls-key, --tls-ca and --tls-name need --tls-cert")
    for name in ("port", "nodes", "replication_factor", "service_threads", "default_ttl", "nsup_period"):
        if not 0 <= getattr(chosen, name) <= (65535 if name == "port" else 2**31):
            parser.error(f"argument --{name.replace('_', '-')}: {getattr(chosen, name)} is out of range")
    return chosen


def _tls(chosen: argparse.Namespace) -> dict[str, str] | None:
    given = {
        "certfile": chosen.tls_cert,
        "keyfile": chosen.tls_key,
        "cafile": chosen.tls_ca,
        "name": chosen.tls_name,
    }
    return {key: value for key, value in given.items() if value is not None} or None


def _users(chosen: argparse.Namespace) -> list[tuple[str, str, list[str], bool]]:
    if chosen.users is None:
        return []
    users = json.loads(Path(chosen.users).read_text(encoding="utf-8"))
    return [(name, password, roles, False) for name, (password, roles) in users.items()]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _run_member(chosen: argparse.Namespace, endings: set[signal.Signals]) -> int:
    members = json.loads(Path(chosen.members).read_text(encoding="utf-8"))
    member = _server.Member(
        [
            (each["host"], each["port"], each["ring_port"], each.get("access", ""), each.get("alternate", ""))
            for each in members
        ],
        chosen.member,
        namespaces=chosen.namespace or ["test"],
        replication_factor=chosen.replication_factor,
        service_threads=chosen.service_threads,
        cluster_name=chosen.cluster_name,
        migrate_pause_us=chosen.migrate_pause_us,
        beat_ms=chosen.beat_ms,
        dead_ms=chosen.dead_ms,
        write_log=chosen.write_log or "",
    )
    try:
        if not member.start(JOIN_SECONDS):
            print(f"cannot join: no cluster within {JOIN_SECONDS} s", file=sys.stderr)
            return 1
    except RuntimeError as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 1
    print("ready " + _address(members[chosen.member]["host"], members[chosen.member]["port"]), flush=True)
    signal.sigwait(endings)
    member.shutdown()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends it; the exit status."""
    chosen = _parse(arguments)
    endings = {signal.SIGTERM, signal.SIGINT}
    # Blocked before any thread exists, so that the signal waits for us instead of ending the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    if chosen.members is not None:
        return _run_member(chosen, endings)
    server = _server.Server(
        host=chosen.host,
        port=chosen.port,
        nodes=chosen.nodes,
        namespaces=chosen.namespace or ["test"],
        replication_factor=chosen.replication_factor,
        service_threads=chosen.service_threads,
        cluster_name=chosen.cluster_name,
        default_ttl=chosen.default_ttl,
        nsup_period=chosen.nsup_period,
        rack_ids=chosen.rack_id or [],
        tls=_tls(chosen),
        users=_users(chosen),
        access_address=chosen.access_address,
        alternate_address=chosen.alternate_access_address,
        compression=chosen.compression,
    )
    try:
        server.start()
    except RuntimeError as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 1
    ready = "ready " + ",".join(_address(host, port) for host, port in server.endpoints())
    if secure := server.tls_endpoints():
        ready += " tls " + ",".join(_address(host, port) for host, port in secure)
    print(ready, flush=True)
    signal.sigwait(endings)
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
