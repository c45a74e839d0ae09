"""The shortest proof that an installed package works; run with the interpreter that has it installed.

Imports, keeps the GIL off where the interpreter has it off, writes, reads and batch-reads on the embedded server.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig

import aerospike_py
from aerospike_py.testing import Server


async def read_async(hosts: list[tuple[str, int]]) -> None:
    """The asyncio face."""
    async with aerospike_py.AsyncClient({"hosts": hosts}) as client:
        if not client.is_connected():
            await client.connect()
        found = await asyncio.gather(*[client.get(("test", "smoke", f"user_{n}")) for n in range(10)])
        assert [record.bins["n"] for record in found] == list(range(10))


def main() -> None:
    """Fails with a traceback, or prints one line."""
    with Server(nodes=2) as server:
        with aerospike_py.client({"hosts": server.hosts}).connect() as client:
            keys = [("test", "smoke", f"user_{n}") for n in range(10)]
            for n, key in enumerate(keys):
                client.put(key, {"n": n, "name": f"name {n}"})
            assert client.get(keys[3]).bins == {"n": 3, "name": "name 3"}
            assert {key: bins["n"] for key, bins in client.batch_read(keys).to_dict().items()} == {
                f"user_{n}": n for n in range(10)
            }
        asyncio.run(read_async(server.hosts))
    without_gil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    if without_gil:
        assert not sys._is_gil_enabled(), "importing the package turned the GIL back on"
    gil = ", GIL stayed off" if without_gil else ""
    print(f"smoke: {aerospike_py.__version__} on {sys.version.split()[0]}{gil}")


if __name__ == "__main__":
    main()
