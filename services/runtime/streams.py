"""
Streams, durables and schedules: making the server agree with `contracts.streams`, and seeing where
it does not.

What the contracts say nothing of (replicas, placement, other people's consumers) stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BadRequestError, NotFoundError, ServerError

from contracts import subjects
from contracts.envelope import MESSAGE_ID, Event, encode, event_id, event_type, to_headers
from contracts.streams import CONSUMERS, SCHEDULES, STREAMS, Consumer, Schedule, Stream
from contracts.vocabulary import Environment
from services.runtime.publishing import PublishFailed, publish_raw

_OLDEST_SERVER: Final = (2, 14)
_RETRY_SECONDS: Final = 1
_CLOCK: Final = "JOBS"
_EVERY: Final = "Nats-Schedule"
_TARGET: Final = "Nats-Schedule-Target"
_EXPIRES: Final = "Nats-Schedule-TTL"
_ENVIRONMENT: Final = "groundswell-environment"


class StreamsError(Exception):
    """The server cannot be made to agree with the contracts; says what to do about it."""


async def apply(
    nats_url: str,
    streams: Sequence[Stream] = STREAMS,
    consumers: Sequence[Consumer] = CONSUMERS,
    schedules: Sequence[Schedule] = SCHEDULES,
    *,
    environment: Environment = Environment.DEVELOPMENT,
) -> list[str]:
    """
    Make and update what the contracts declare; a second time there is nothing to do. The streams
    are marked with the environment.

    Returns:
        What was made or updated, a line each.

    Raises:
        StreamsError: the server is too old, something is there that cannot be changed, or the
            streams are those of another environment.
    """
    done: list[str] = []
    async with _connection(nats_url) as client:
        _check_version(client)
        js = client.jetstream()
        live = {stream.name: await _live_config(js, stream.name) for stream in streams}
        _check_environment(live, environment)
        for stream in streams:
            done += await _apply_stream(js, stream, live[stream.name], environment)
        for consumer in consumers:
            done += await _apply_consumer(js, consumer)
        done += await _apply_schedules(js, schedules)
    return done


async def drift(
    js: JetStreamContext,
    streams: Sequence[Stream] = STREAMS,
    consumers: Sequence[Consumer] = CONSUMERS,
    schedules: Sequence[Schedule] = SCHEDULES,
) -> list[str]:
    """Where the server differs from the contracts, a line each; empty when it does not."""
    found = await asyncio.gather(
        *(_stream_drift(js, stream) for stream in streams),
        *(_consumer_drift(js, consumer) for consumer in consumers),
        *(_schedule_drift(js, schedule) for schedule in schedules),
    )
    return [line for lines in found for line in lines]


@asynccontextmanager
async def _connection(nats_url: str) -> AsyncIterator[Client]:
    try:
        client = await nats.connect(
            nats_url.split(","),
            name="groundswell-streams",
            max_reconnect_attempts=3,
            reconnect_time_wait=_RETRY_SECONDS,
        )
    except (NatsError, OSError) as error:
        raise StreamsError(f"NATS cannot be reached: {error}") from error
    try:
        yield client
    except (NatsError, PublishFailed) as error:
        raise StreamsError(f"JetStream does not answer: {error}") from error
    finally:
        await client.close()


def _check_version(client: Client) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < _OLDEST_SERVER:
        oldest = ".".join(map(str, _OLDEST_SERVER))
        raise StreamsError(
            f"{version} is too old: message schedules, our clock, need nats-server {oldest}"
        )


def _check_environment(
    live: Mapping[str, api.StreamConfig | None], environment: Environment
) -> None:
    """Before anything is changed; streams of a release that did not mark them belong to anybody."""
    for name, config in live.items():
        marked = _marked(config)
        if marked not in (None, environment):
            raise StreamsError(
                f"stream {name} belongs to {marked}, and this is {environment}:"
                " is that the right server? GROUNDSWELL_ENVIRONMENT says where this runs"
            )


# --- streams -------------------------------------------------------------------------------------


def _stream_config(stream: Stream) -> dict[str, Any]:
    retention = api.RetentionPolicy.WORK_QUEUE if stream.work_queue else api.RetentionPolicy.LIMITS
    return {
        "description": stream.description,
        "subjects": list(stream.subjects),
        "retention": retention,
        "storage": api.StorageType.FILE,
        "discard": api.DiscardPolicy.OLD,
        "max_age": stream.max_age,
        "max_bytes": stream.max_bytes,
        "duplicate_window": stream.duplicate_window,
        "allow_msg_schedules": stream.schedules,
        "allow_msg_ttl": stream.schedules,
    }


async def _live_config(js: JetStreamContext, name: str) -> api.StreamConfig | None:
    try:
        return (await js.stream_info(name)).config
    except NotFoundError:
        return None


def _marked(config: api.StreamConfig | None) -> str | None:
    """The environment that a stream belongs to, as far as it says so."""
    return ((config and config.metadata) or {}).get(_ENVIRONMENT)


async def _apply_stream(
    js: JetStreamContext, stream: Stream, live: api.StreamConfig | None, environment: Environment
) -> list[str]:
    wanted, mark = _stream_config(stream), {_ENVIRONMENT: environment.value}
    if live is None:
        await js.add_stream(api.StreamConfig(name=stream.name, metadata=mark, **wanted))
        return [f"made stream {stream.name}"]
    changed = _differences(wanted, live)
    if _marked(live) is None:
        changed.append(f"environment is not marked, should be {environment}")
    if not changed:
        return []
    try:
        await js.update_stream(live.evolve(metadata={**(live.metadata or {}), **mark}, **wanted))
    except (BadRequestError, ServerError) as error:
        raise _unchangeable("stream", stream.name, changed, error) from error
    return [f"updated stream {stream.name}: {', '.join(changed)}"]


async def _stream_drift(js: JetStreamContext, stream: Stream) -> list[str]:
    live = await _live_config(js, stream.name)
    if live is None:
        return [f"stream {stream.name} is missing"]
    return [f"stream {stream.name}: {line}" for line in _differences(_stream_config(stream), live)]


# --- durables ------------------------------------------------------------------------------------


def _consumer_config(consumer: Consumer) -> dict[str, Any]:
    one = len(consumer.filters) == 1
    return {
        "durable_name": consumer.durable,
        "deliver_policy": api.DeliverPolicy.ALL,
        "ack_policy": api.AckPolicy.EXPLICIT,
        "replay_policy": api.ReplayPolicy.INSTANT,
        "filter_subject": consumer.filters[0] if one else None,
        "filter_subjects": None if one else list(consumer.filters),
        "max_ack_pending": consumer.max_ack_pending,
        "ack_wait": consumer.ack_wait,
        "max_deliver": consumer.max_deliver,
    }


async def _apply_consumer(js: JetStreamContext, consumer: Consumer) -> list[str]:
    wanted = _consumer_config(consumer)
    try:
        live = (await js.consumer_info(consumer.stream, consumer.durable)).config
    except NotFoundError:
        await js.add_consumer(consumer.stream, api.ConsumerConfig(**wanted))
        return [f"made consumer {consumer.durable} of {consumer.stream}"]
    changed = _differences(wanted, live)
    if not changed:
        return []
    try:
        await js.add_consumer(consumer.stream, live.evolve(**wanted))
    except (BadRequestError, ServerError) as error:
        raise _unchangeable("consumer", consumer.durable, changed, error) from error
    return [f"updated consumer {consumer.durable}: {', '.join(changed)}"]


async def _consumer_drift(js: JetStreamContext, consumer: Consumer) -> list[str]:
    try:
        live = (await js.consumer_info(consumer.stream, consumer.durable)).config
    except NotFoundError:
        return [f"consumer {consumer.durable} of {consumer.stream} is missing"]
    found = _differences(_consumer_config(consumer), live)
    return [f"consumer {consumer.durable}: {line}" for line in found]


# --- schedules -----------------------------------------------------------------------------------


def _schedule_headers(schedule: Schedule) -> dict[str, str]:
    """Every tick is a copy of this message, and so has the same id and time."""
    time = datetime(1970, 1, 1, tzinfo=UTC)
    type_ = event_type(schedule.job)
    event = Event(
        id=event_id(type_, schedule.name, time),
        type=type_,
        source="clock",
        subject="",
        time=time,
        data=schedule.job,
    )
    headers = to_headers(event)
    # A schedule that is set again within the window of duplicates has to be stored again.
    del headers[MESSAGE_ID]
    if schedule.expires:
        headers[_EXPIRES] = f"{schedule.expires:g}s"
    return {**headers, _EVERY: schedule.every, _TARGET: subjects.job(schedule.job)}


async def _apply_schedules(js: JetStreamContext, schedules: Sequence[Schedule]) -> list[str]:
    done: list[str] = []
    for schedule in schedules:
        if await _schedule_drift(js, schedule):
            await publish_raw(
                js,
                _CLOCK,
                subjects.schedule(schedule.name),
                encode(schedule.job),
                _schedule_headers(schedule),
            )
            done.append(f"set schedule {schedule.name}: {schedule.every}")
    wanted = {subjects.schedule(schedule.name) for schedule in schedules}
    info = await js.stream_info(_CLOCK, subjects_filter=subjects.SCHEDULES)
    for subject in sorted((info.state.subjects or {}).keys() - wanted):
        await js.purge_stream(_CLOCK, subject=subject)
        done.append(f"removed schedule {subject}")
    return done


async def _schedule_drift(js: JetStreamContext, schedule: Schedule) -> list[str]:
    try:
        live = await js.get_last_msg(_CLOCK, subjects.schedule(schedule.name))
    except NotFoundError:
        return [f"schedule {schedule.name} is missing"]
    headers = live.headers or {}
    wanted = _schedule_headers(schedule)
    same = all(headers.get(name) == value for name, value in wanted.items())
    if same and live.data == encode(schedule.job):
        return []
    return [f"schedule {schedule.name}: is {headers.get(_EVERY)}, should be {schedule.every}"]


# --- both ----------------------------------------------------------------------------------------


def _differences(wanted: dict[str, Any], live: api.Base) -> list[str]:
    """`name: is …, should be …` for each setting of `wanted` that the server has otherwise."""
    return [
        f"{name} is {getattr(live, name)}, should be {value}"
        for name, value in wanted.items()
        if (getattr(live, name) or None) != (value or None)
    ]


def _unchangeable(what: str, name: str, changed: list[str], error: APIError) -> StreamsError:
    return StreamsError(
        f"{what} {name} cannot be changed in place ({'; '.join(changed)}): {error.description}."
        f" Delete it by `nats {what} rm` and run this again; what it holds, or how far it is, is"
        " lost by that"
    )
