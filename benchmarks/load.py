"""
A load generator: keep-alive connections that ask the same question again and again.

It is wrk where that is on PATH, which takes the least from the server that it measures. Otherwise
it is a process of our own that speaks just enough HTTP/1.1.

    python -m benchmarks.load PORT PATH CONNECTIONS SECONDS
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Final

import msgspec
import uvloop
from msgspec import Struct

_END: Final = b"\r\n\r\n"
# wrk prints no 95th percentile by itself.
_SCRIPT: Final = """
done = function(summary, latency, requests)
    local e = summary.errors
    if e.status + e.connect + e.read + e.write > 0 then io.write("FAILED\\n") end
    io.write(string.format(
        '{"requests_per_second": %.1f, "p50": %.2f, "p95": %.2f, "p99": %.2f}\\n',
        summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
        latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Load(Struct, frozen=True, kw_only=True):
    """What came of it. Latencies are milliseconds."""

    requests_per_second: float
    p50: float
    p95: float
    p99: float


def generator() -> str:
    """Which one it is."""
    return "own" if shutil.which("wrk") is None else "wrk"


async def measure(port: int, path: str, connections: int, seconds: float) -> Load:
    """Ask from a process of its own; an answer other than 200 is an error."""
    if generator() == "own":
        return await _run(
            (sys.executable, "-m", "benchmarks.load"), port, path, str(connections), str(seconds)
        )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT)
        script.flush()
        duration = f"-d{max(round(seconds), 1)}s"
        command = ("wrk", "-t1", f"-c{connections}", duration, "-s", script.name)
        return await _run(command, f"http://127.0.0.1:{port}{path}")


async def _run(command: Sequence[str], *arguments: object) -> Load:
    process = await asyncio.create_subprocess_exec(
        *command, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode or b"FAILED" in output:
        raise RuntimeError(f"the load {arguments} failed: {output.decode()}")
    return msgspec.json.decode(output.splitlines()[-1], type=Load)


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
