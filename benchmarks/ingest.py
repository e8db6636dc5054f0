"""
How much ingest adds to the bare limit: the same messages, pulled, decoded and acknowledged.

Readings are published to a throw-away server first. The bare consumer, a process of its own, works
them off through a durable of its own; then ingest does, until every reading is committed and every
change is published. Neither is timed while it starts: their durables are paused until then.

    python -m benchmarks.ingest --readings 50000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import asyncpg
import msgspec
import nats
import uvloop
from nats.js import JetStreamContext, api

from benchmarks import day, readings
from benchmarks.processes import cpu_seconds
from benchmarks.servers import Servers, throw_away
from contracts import subjects
from contracts.envelope import Event, decode
from contracts.streams import INGEST
from groundswell.stack.ports import free_port
from services.runtime.publishing import publish_all

_MIXES: Final = {"day": day.readings, "packages": readings.readings}
_BARE: Final = "bare"
_BATCH: Final = 500
_PUBLISH: Final = 5_000
_GLANCE: Final = 0.02
_NEVER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=50_000)
    parser.add_argument("--mix", choices=_MIXES, default="day", help="of one day, or of packages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", help="write a profile of ingest to this file")
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        uvloop.run(_work_off(arguments.bare, arguments.readings))
        return
    with throw_away() as servers:
        told = uvloop.run(_measure(servers, arguments))
    print(msgspec.json.encode(told).decode())


async def _measure(servers: Servers, arguments: argparse.Namespace) -> dict[str, Any]:
    count = arguments.readings
    async with _jetstream(servers.nats_url) as js:
        events = _MIXES[arguments.mix](count, arguments.seed)
        mix, size = await _publish(js, events)
        before = await _time_bare(servers, js, count)
        seconds, spent = await _time_ingest(servers, js, arguments.profile)
        after = await _time_bare(servers, js, count)
        changes = (await js.stream_info("CHANGES")).state.messages
        dead = (await js.stream_info("DEAD")).state.messages
    bare = 2 * count / (before + after)
    return {
        "benchmark": "ingest",
        "figures": {
            "readings": count,
            "mix": mix,
            "bytes_per_reading": round(size / count),
            "seconds": round(seconds, 2),
            "ingest_per_second": round(count / seconds),
            "bare_per_second": round(bare),
            "changes": changes,
            "changes_per_second": round(changes / seconds),
            "dead": dead,
            "cpu_microseconds_per_reading": {
                program: round(cpu * 1e6 / count, 1) for program, cpu in spent.items()
            },
        },
        "ratios": {"ingest_to_bare": round(count / seconds / bare, 3)},
    }


async def _publish(js: JetStreamContext, events: Iterator[Event]) -> tuple[dict[str, int], int]:
    mix: Counter[str] = Counter()
    while chunk := list(islice(events, _PUBLISH)):
        mix.update(event.type for event in chunk)
        await publish_all(
            js, INGEST.stream, [(subjects.reading(event.type), event) for event in chunk]
        )
    info = await js.stream_info(INGEST.stream)
    print(f"{mix.total()} readings, {info.state.bytes / 1e6:.0f} MB: {dict(mix)}")
    return dict(mix), info.state.bytes


async def _time_bare(servers: Servers, js: JetStreamContext, count: int) -> float:
    """Seconds that a process needs that does nothing with what it decodes."""
    config = api.ConsumerConfig(
        durable_name=_BARE,
        ack_policy=api.AckPolicy.EXPLICIT,
        filter_subject=subjects.READINGS,
        max_ack_pending=INGEST.max_ack_pending,
        ack_wait=INGEST.ack_wait,
    )
    await js.add_consumer(INGEST.stream, config)
    command = ["-m", "benchmarks.ingest", "--bare", servers.nats_url, "--readings", str(count)]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await worker.communicate()
    await js.delete_consumer(INGEST.stream, _BARE)
    seconds = float(told)
    print(f"bare: {seconds:.2f} s, {count / seconds:.0f}/s")
    return seconds


async def _work_off(nats_url: str, count: int) -> None:
    """Pull, decode, acknowledge; print the seconds."""
    async with _jetstream(nats_url) as js:
        subscription = await js.pull_subscribe_bind(durable=_BARE, stream=INGEST.stream)
        start, done = time.perf_counter(), 0
        while done < count:
            messages = await subscription.fetch(_BATCH, timeout=5)
            for message in messages:
                decode(message.headers, message.data)
                await message.ack()
            done += len(messages)
        # The server answers in order, so by then it has read every acknowledgement.
        await js.consumer_info(INGEST.stream, _BARE)
        print(time.perf_counter() - start)


async def _time_ingest(
    servers: Servers, js: JetStreamContext, profile: str | None
) -> tuple[float, dict[str, float]]:
    """Seconds until all is committed and published, and those of CPU time by program."""
    await _pause(js, _NEVER)
    connection = await asyncpg.connect(servers.database_url)
    ports = {service: free_port() for service in ("relay", "ingest")}
    with (
        _running(servers, "relay", ports["relay"]) as relay,
        _running(servers, "ingest", ports["ingest"], profile) as process,
    ):
        await _until_ready(ports["relay"], relay)
        await _until_ready(ports["ingest"], process)
        start, before = time.perf_counter(), cpu_seconds()
        await _pause(js, datetime.now(UTC))
        while await _waiting(js, connection):
            if (process.poll(), relay.poll()) != (None, None):
                raise RuntimeError("ingest or its relay ended")
            await asyncio.sleep(_GLANCE)
        seconds, after = time.perf_counter() - start, cpu_seconds()
    await connection.close()
    return seconds, {program: after[program] - spent for program, spent in before.items()}


async def _waiting(js: JetStreamContext, connection: Any) -> bool:
    info = await js.consumer_info(INGEST.stream, INGEST.durable)
    if info.num_pending or info.num_ack_pending:
        return True
    return bool(await connection.fetchval("SELECT count(*) FROM outbox"))


async def _pause(js: JetStreamContext, until: datetime) -> None:
    subject = f"$JS.API.CONSUMER.PAUSE.{INGEST.stream}.{INGEST.durable}"
    await js._nc.request(  # noqa: SLF001 - the client does not know how to pause
        subject, msgspec.json.encode({"pause_until": until}), timeout=5
    )


@contextmanager
def _running(
    servers: Servers, service: str, port: int, profile: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    environ = {
        "GROUNDSWELL_DATABASE_URL": servers.database_url,
        "GROUNDSWELL_NATS_URL": servers.nats_url,
        f"GROUNDSWELL_{service.upper()}_PORT": str(port),
        "GROUNDSWELL_LOG_LEVEL": "warning",
    }
    command = ["-m", "groundswell", "run", service]
    if profile:
        command = ["-m", "cProfile", "-o", profile, *command]
    process = subprocess.Popen([sys.executable, *command], env={**os.environ, **environ})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


async def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while not await _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nothing came up at {port}")
        await asyncio.sleep(0.1)


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.startswith(b"HTTP/1.1 200")


@asynccontextmanager
async def _jetstream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(nats_url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


if __name__ == "__main__":
    main()
