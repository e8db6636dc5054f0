"""
A load generator: keep-alive connections that ask the same question again and again.

It runs as a process of its own and speaks just enough HTTP/1.1, so that what is measured is the
server and not the client.

    python -m benchmarks.load PORT PATH CONNECTIONS SECONDS
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

import msgspec
import uvloop
from msgspec import Struct

_END: Final = b"\r\n\r\n"


class Load(Struct, frozen=True, kw_only=True):
    """What came of it. Latencies are milliseconds."""

    requests_per_second: float
    p50: float
    p95: float
    p99: float


async def measure(port: int, path: str, connections: int, seconds: float) -> Load:
    """Ask from a process of its own; an answer other than 200 is an error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load", str(port), path, str(connections), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load on {path} failed")
    return msgspec.json.decode(output, type=Load)


async def _ask(port: int, path: str, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    question = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while (began := time.perf_counter()) < until:
        writer.write(question)
        head = await reader.readuntil(_END)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        await reader.readexactly(_length(head))
        latencies.append(time.perf_counter() - began)
    writer.close()


def _length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[start : head.index(b"\r\n", start)])


async def _main(port: int, path: str, connections: int, seconds: float) -> Load:
    latencies: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(_ask(port, path, began + seconds, latencies))
    took = time.perf_counter() - began
    latencies.sort()
    return Load(
        requests_per_second=round(len(latencies) / took, 1),
        p50=_percentile(latencies, 0.50),
        p95=_percentile(latencies, 0.95),
        p99=_percentile(latencies, 0.99),
    )


def _percentile(ascending: list[float], share: float) -> float:
    return round(ascending[min(len(ascending) - 1, int(len(ascending) * share))] * 1_000, 2)


if __name__ == "__main__":
    _, _port, _path, _connections, _seconds = sys.argv
    _load = uvloop.run(_main(int(_port), _path, int(_connections), float(_seconds)))
    sys.stdout.buffer.write(msgspec.json.encode(_load))
