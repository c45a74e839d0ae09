"""Seeds that are dead, refuse, are several or speak IPv6."""

from __future__ import annotations

import socket
import time

import aerospike_py
from drill import Drill, Report, Scale, ms
from ring import Ring, free_ports

LIMIT_SECONDS = 5.0
NOWHERE = "192.0.2.1"  # an address kept for documents: nobody has it


def run_seeds(scale: Scale) -> Report:
    """One good seed among bad ones is enough, whatever is wrong with the others."""
    del scale
    report = Report()
    with Ring(3) as ring, socket.create_server(("127.0.0.1", 0)) as mute:
        good = ring.hosts[1]
        refusing = ("127.0.0.1", free_ports(1)[0])
        cases = {
            "refusing first": [refusing, good],
            "silent first": [mute.getsockname()[:2], good],
            "unknown name first": [("no-such-host.invalid", 3000), good],
            "several addresses": [("localhost", good[1])],
        }
        for name, hosts in cases.items():
            report.figures[name] = _connect(report, name, {"hosts": hosts, "timeout": 1000}, nodes=3)
    with Ring(2, host="::1") as ring:
        report.figures["IPv6"] = _connect(report, "IPv6", {"hosts": ring.hosts}, nodes=2)
    told = {"access": NOWHERE, "alternate": "127.0.0.1"}
    with Ring(3, told=told) as ring:
        config = {"hosts": ring.hosts, "use_services_alternate": True, "timeout": 1000}
        report.figures["alternate services"] = _connect(report, "alternate services", config, nodes=3)
    return report


def _connect(report: Report, name: str, config: dict[str, object], nodes: int) -> str:
    start = time.monotonic()
    try:
        with aerospike_py.client(config).connect() as client:
            took = time.monotonic() - start
            found = len(client.get_node_names())
            client.put(("test", "seeds", name), {"n": 1})
            report.need(client.get(("test", "seeds", name)).bins == {"n": 1}, f"{name}: what was written is not found")
    except aerospike_py.exception.AerospikeError as error:
        report.need(False, f"{name}: {type(error).__name__}: {error}")
        return "failed"
    report.need(found == nodes, f"{name}: {found} nodes instead of {nodes}")
    report.need(took <= LIMIT_SECONDS, f"{name}: connected after {took:.1f} s")
    return ms(took)


DRILLS = [
    Drill(
        "seeds",
        "one good seed is enough: beside dead, silent and unknown ones, by name, over IPv6, by alternate address",
        run_seeds,
    )
]
