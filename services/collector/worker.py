"""
What becomes of a message: the job that is in it is done, and the message settled by how that went.

A message is kept alive while its job is worked on. When the process is to stop, a job gets a moment
to come to its end; if it does not, it is given back, and somebody else does it from the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import structlog
from nats.aio.msg import Msg

from contracts.envelope import Event
from contracts.jobs import Discover, Plan, Refresh
from contracts.streams import Consumer
from contracts.vocabulary import JobKind, RunStatus
from services.collector import abilities, runs, states
from services.collector.desk import Desk
from services.collector.discover import close, discover
from services.collector.planner import Limits, plan
from services.collector.refresh import give_up, refresh
from services.collector.source import Discovers, RateLimited, Source, Unavailable
from services.runtime import logs, tracing
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable, translated
from services.runtime.delivery import Dead, Done, Later, Outcome, heartbeat, settle
from services.runtime.publishing import PublishFailed

# Seconds that a job gets to come to its end on the way down; the broker waits for 20.
_FAREWELL: Final = 10.0
# Seconds that a job may take beyond its own limit, to write what it found.
_SETTLING: Final = 60.0

# How often a job of a source is tried, and seconds to the second try; four times that to the third.
_TRIES: Final = 3
_FIRST_WAIT: Final = 15.0

log = structlog.get_logger(__name__)


class Worker:
    """Does the jobs of this process, until it is told to stop."""

    def __init__(self, desk: Callable[[], Desk], limits: Limits) -> None:
        """`desk` is asked for with each message: its parts are not there before the first one."""
        self._desk = desk
        self._limits = limits
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """Begin nothing more, and bring what is at hand to its end."""
        self._stopping.set()

    async def take(
        self, events: Sequence[Event | Undecodable], messages: Sequence[Msg], consumer: Consumer
    ) -> None:
        """All of these jobs at once; the budgets of the hosts keep order between them."""
        desk = self._desk()
        async with asyncio.TaskGroup() as group:
            for event, raw in zip(events, messages, strict=True):
                group.create_task(self._take(desk, event, raw, consumer))

    async def _take(
        self, desk: Desk, event: Event | Undecodable, raw: Msg, consumer: Consumer
    ) -> None:
        match event:
            case Undecodable(reason=reason):
                outcome: Outcome = Dead(reason)
            case Event(data=Plan() | Refresh() | Discover()):
                cap = max(desk.timeout_seconds, desk.discover_seconds) + _SETTLING
                async with heartbeat(raw, consumer.ack_wait, cap):
                    outcome = await self._do(desk, event, raw.metadata.num_delivered or 1)
            case Event(type=type_):
                outcome = Dead(f"{type_} is no job of the collector")
        await settle(desk.js, raw, outcome, consumer)

    async def _do(self, desk: Desk, event: Event, tries: int) -> Outcome:
        name = type(event.data).__name__.lower()
        with logs.bind_event(event), tracing.span(name, parent=event.traceparent):
            try:
                return await self._unless_stopped(self._job(desk, event.data, tries))
            except (DatabaseUnavailable, PublishFailed) as error:
                log.warning("not now", job=name, reason=str(error))
                return await self._again(desk, event.data, str(error), tries)
            except DatabaseRejected as error:
                await _give_up(desk, event.data, str(error))
                return Dead(str(error))

    async def _job(self, desk: Desk, job: Plan | Refresh | Discover, tries: int) -> Outcome:
        if isinstance(job, Plan):
            await states.introduce(desk)
            duties = abilities.duties(desk.sources.values())
            await plan(desk.pool, desk.js, job, duties, self._limits, desk.now())
            return Done()
        source = desk.sources.get(job.source)
        if source is None:
            return await _refuse(desk, job, f"nothing reads {job.source}")
        if isinstance(job, Discover):
            return await self._discover(desk, source, job, tries)
        work = abilities.work(source, job.job)
        if work is None:
            return await _refuse(desk, job, f"{job.source} does no {job.job}")
        await refresh(desk, work, job)
        return Done()

    async def _discover(self, desk: Desk, source: Source, job: Discover, tries: int) -> Outcome:
        if not isinstance(source, Discovers):
            return await _refuse(desk, job, f"{job.source} does no {JobKind.DISCOVER}")
        discovery = await discover(desk, source, job)
        if discovery is None or discovery.error is None:
            return Done()
        error = discovery.error
        if isinstance(error, Unavailable) and tries < _TRIES:
            return Later(error.reason, delay=backoff(tries))
        await close(desk, discovery, error.reason)
        # A limit that was reached is no reason to mourn what was found.
        return Done() if isinstance(error, RateLimited) else Dead(error.reason)

    async def _again(
        self, desk: Desk, job: Plan | Refresh | Discover, reason: str, tries: int
    ) -> Outcome:
        """Later; a job of a source at most so often, while a plan is made with each tick anyway."""
        if isinstance(job, Plan):
            return Later(reason)
        if tries < _TRIES:
            return Later(reason, delay=backoff(tries))
        given_up = f"given up after {tries} tries: {reason}"
        await _give_up(desk, job, given_up)
        return Dead(given_up)

    async def _unless_stopped(self, job: Coroutine[Any, Any, Outcome]) -> Outcome:
        work = asyncio.create_task(job)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=_FAREWELL)
            if work.done():
                return work.result()
            return Later("the collector stops", delay=0.0)
        finally:
            stopping.cancel()
            work.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)


def backoff(tries: int) -> float:
    """Seconds until a job that was tried so often is tried again."""
    return _FIRST_WAIT * 4.0 ** (tries - 1)


async def _refuse(desk: Desk, job: Refresh | Discover, reason: str) -> Dead:
    """Nobody here can do it; whoever follows its run is told."""
    if job.run_id is not None:
        with translated():
            await runs.end(desk.pool, job.run_id, RunStatus.ERROR, reason, desk.now())
    return Dead(reason)


async def _give_up(desk: Desk, job: Plan | Refresh | Discover, reason: str) -> None:
    """Settle a batch as failed, if that can be written; if not, its run is abandoned in an hour."""
    try:
        if isinstance(job, Refresh):
            await give_up(desk, job, reason)
        elif isinstance(job, Discover):
            await _refuse(desk, job, reason)
    except (DatabaseUnavailable, DatabaseRejected) as error:
        log.warning("given up without a word", reason=str(error))
