"""
Kills what the pipeline is made of while it works, and counts what was lost by that.

A throw-away stack, that of `groundswell up` without a collector, is fed with made-up readings, day
by day, and some that are malformed. Each named process is killed with SIGKILL once so much was
worked off, with batches in its hands; the stack starts it again. Whoever publishes tries again
until all is stored. In the end history, changes and dead letters are held against what the
readings must lead to. The exit code is 1 when there is any difference.

    python -m benchmarks.drill --readings 20000 --kill ingest,relay,nats,postgres
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import nats
from msgspec import Struct
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo

from benchmarks import findings, readings
from benchmarks.expected import Expected
from contracts import subjects
from contracts.envelope import Event
from contracts.streams import INGEST
from groundswell.stack import places, state
from groundswell.stack.stack import Stack
from groundswell.stack.supervisor import Child, Status
from services.runtime.publishing import PublishFailed, publish_all

_PROCESSES: Final = ("ingest", "relay", "nats", "postgres")
_PUBLISH: Final = 50
# So many batches wait at most, so that readings are still published whatever is killed.
_AHEAD: Final = 8
_GLANCE: Final = 0.02
_PATIENCE: Final = 180.0
_SECONDS_EACH: Final = 0.02
_MALFORMED_EVERY: Final = 100
_MALFORMED: Final = (b"{", b"[]", b'{"name": 7}', b"\xff\xfe")


class Plan(Struct, frozen=True):
    """What is published, day by day, and what is killed once how much of it was worked off."""

    days: list[list[Event]]
    malformed: Counter[str]
    kills: list[tuple[str, int]]
    batch_size: int


def plan(count: int, days: int, kill: Sequence[str]) -> Plan:
    """Readings, each artifact's facts and downloads once a day, with a malformed one in between."""
    packages = max(1, count // (2 * days))
    events = readings.readings(2 * packages * readings.DAYS)
    told = [list(islice(events, 2 * packages)) for _ in range(days)]
    malformed: Counter[str] = Counter()
    for number, day in enumerate(told):
        for place in range(0, len(day), _MALFORMED_EVERY):
            bad = _malformed(f"malformed-{number}-{place}", day[place], len(malformed))
            day.insert(place, bad)
            malformed[bad.id] += 1
    total = sum(map(len, told))
    kills = [(name, int(total * (n + 0.7) / len(kill))) for n, name in enumerate(kill)]
    return Plan(told, malformed, kills, max(10, min(500, len(told[0]) // 20)))


def _malformed(id_: str, like: Event, number: int) -> Event:
    payload = _MALFORMED[number % len(_MALFORMED)]
    return msgspec.structs.replace(like, id=id_, data=msgspec.Raw(payload))


class Drill:
    """One run on a stack."""

    def __init__(self, stack: Stack, js: JetStreamContext, planned: Plan) -> None:
        self._stack, self._js, self._plan = stack, js, planned
        self._published = 0
        self.recovered: dict[str, float] = {}
        self.in_flight: dict[str, int] = {}

    async def run(self) -> None:
        """Publish everything, kill what is to be killed, and wait until there is nothing to do."""
        killing = asyncio.create_task(self._kill_all())
        for day in self._plan.days:
            # Whoever comes late tells of the past and moves nothing, so a day begins when the one
            # before is done: then it is known what must change.
            async with asyncio.timeout(_PATIENCE + len(day) * _SECONDS_EACH):
                await self._publish(day)
                await self._drained()
            print(f"{self._published} readings are worked off", flush=True)
        await killing

    async def _publish(self, day: Sequence[Event]) -> None:
        for start in range(0, len(day), _PUBLISH):
            chunk = day[start : start + _PUBLISH]
            await self._store([(subjects.reading(event.type), event) for event in chunk])
            self._published += len(chunk)
            await self._until_worked_off(self._published - _AHEAD * self._plan.batch_size)

    async def _store(self, messages: list[tuple[str, Event]]) -> None:
        """The same messages under the same ids until the stream has them all."""
        while True:
            try:
                await publish_all(self._js, INGEST.stream, messages)
            except PublishFailed:
                await asyncio.sleep(0.1)
            else:
                return

    async def _kill_all(self) -> None:
        for name, after in self._plan.kills:
            before = await self._at_work(after)
            self.in_flight[name] = before.num_ack_pending or 0
            started = time.perf_counter()
            await self._kill(self._child(name))
            await self._until_worked_off(_worked_off(before) + 1)
            seconds = round(time.perf_counter() - started, 2)
            self.recovered[name] = max(seconds, self.recovered.get(name, 0.0))
            print(f"{name} was killed, {seconds} s", flush=True)

    async def _kill(self, child: Child) -> None:
        """Kill the process that runs now; another one has come up on return."""
        restarts, popen = child.restarts, child.popen
        if popen is None or popen.poll() is not None:
            raise RuntimeError(f"{child.program.name} does not run")
        popen.send_signal(signal.SIGKILL)
        while True:
            await asyncio.sleep(_GLANCE)
            if child.restarts > restarts and child.status is Status.RUNNING:
                return

    async def _at_work(self, after: int) -> ConsumerInfo:
        """So much is worked off, and more is in somebody's hands."""
        while True:
            info = await self._info()
            if _worked_off(info) >= after and info.num_ack_pending:
                return info
            await asyncio.sleep(_GLANCE)

    def _child(self, name: str) -> Child:
        return next(c for c in self._stack.supervisor.children if c.program.name == name)

    async def _drained(self) -> None:
        while True:
            if not await self._is_busy():
                return
            await asyncio.sleep(_GLANCE)

    async def _is_busy(self) -> bool:
        info = await self._info()
        if info.num_pending or info.num_ack_pending:
            return True
        try:
            connection = await asyncpg.connect(self._stack.database_url, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return True
        try:
            return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"))
        finally:
            connection.terminate()

    async def _until_worked_off(self, count: int) -> None:
        while True:
            if _worked_off(await self._info()) >= count:
                return
            await asyncio.sleep(_GLANCE)

    async def _info(self) -> ConsumerInfo:
        """How far ingest is, as soon as the server answers."""
        while True:
            with suppress(NatsError):
                info: ConsumerInfo = await self._js.consumer_info(
                    INGEST.stream, INGEST.durable, timeout=1
                )
                return info
            await asyncio.sleep(_GLANCE)


def _worked_off(info: ConsumerInfo) -> int:
    delivered = info.delivered.stream_seq if info.delivered else 0
    return delivered - (info.num_ack_pending or 0)


async def judge(stack: Stack, planned: Plan) -> dict[str, int]:
    """Hold what is there against what the readings must lead to."""
    expected = Expected()
    for day in planned.days:
        for event in day:
            expected.take(event)
    observations = await findings.history(stack.database_url)
    found = await findings.published(stack.nats_url)
    dead = await findings.dead(stack.nats_url)
    differences = [
        findings.compare(Counter(expected.observations), observations),
        findings.compare(expected.changes, Counter(found)),
        findings.compare(planned.malformed, dead),
    ]
    return {
        "observations": len(expected.observations),
        "changes": expected.changes.total(),
        "lost": sum(one.lost for one in differences),
        "doubled": sum(one.doubled for one in differences),
        "unexpected": sum(one.unexpected for one in differences),
        "out_of_order": findings.out_of_order(found),
        "dead": dead.total(),
        "dead_expected": planned.malformed.total(),
    }


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="groundswell-drill-"))
    try:
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[Stack]:
    stack = Stack(places.make(folder), 0, lambda: None)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@asynccontextmanager
async def _jetstream(stack: Stack) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(
        stack.nats_url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=_ignore
    )
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def _ignore(_: Exception) -> None:
    """That the server is away now and then is what this is about."""


async def _run(planned: Plan) -> dict[str, Any]:
    os.environ["GROUNDSWELL_INGEST_BATCH_SIZE"] = str(planned.batch_size)
    with _folder() as folder, state.locked(places.make(folder)):
        async with _running(folder) as stack:
            started = time.perf_counter()
            async with _jetstream(stack) as js:
                drill = Drill(stack, js, planned)
                await drill.run()
            seconds = time.perf_counter() - started
            judged = await judge(stack, planned)
    return {
        "readings": sum(map(len, planned.days)) - planned.malformed.total(),
        "killed": [name for name, _ in planned.kills],
        "in_flight": drill.in_flight,
        **judged,
        "recover_seconds": drill.recovered,
        "seconds": round(seconds, 1),
    }


def main() -> int:
    """Run it and print the figures; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=readings.DAYS, choices=range(1, 6))
    parser.add_argument("--kill", default=",".join(_PROCESSES))
    options = parser.parse_args()
    kill = [name for name in options.kill.split(",") if name]
    if unknown := set(kill) - set(_PROCESSES):
        parser.error(f"{', '.join(sorted(unknown))}: there is only {', '.join(_PROCESSES)}")
    figures = asyncio.run(_run(plan(options.readings, options.days, kill)))
    print(
        msgspec.json.encode({"benchmark": "drill", "figures": figures, "ratios": {}}).decode(),
        flush=True,
    )
    faults = ("lost", "doubled", "unexpected", "out_of_order")
    return 1 if any(figures[name] for name in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
