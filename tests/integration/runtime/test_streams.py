"""Streams, durables and schedules on a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable

import nats
import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from contracts import subjects
from contracts.envelope import decode
from contracts.jobs import Plan
from contracts.streams import (
    CONSUMERS,
    INGEST,
    MAINTENANCE,
    PLANNER,
    RECONCILER,
    SCHEDULES,
    STREAMS,
    Schedule,
)
from contracts.vocabulary import Environment
from services.runtime import streams
from services.runtime.streams import StreamsError
from tests.support.events import fetch
from tests.support.waiting import until

pytestmark = pytest.mark.integration


async def test_a_bare_server_is_given_everything(nats_url: str):
    made = await streams.apply(nats_url)

    assert len(STREAMS) + len(CONSUMERS) + len(SCHEDULES) == len(made)
    assert "made stream READINGS" in made
    assert "made consumer ingest of READINGS" in made
    assert "set schedule plan: @every 1m" in made


async def test_applying_twice_changes_nothing(declared: str, js: JetStreamContext):
    before = await js.stream_info("JOBS")

    assert [] == await streams.apply(declared)
    assert before.state == (await js.stream_info("JOBS")).state


async def test_streams_are_marked_with_their_environment(nats_url: str, unmarked: JetStreamContext):
    await streams.apply(nats_url, environment=Environment.STAGING)

    live = (await unmarked.stream_info("READINGS")).config
    assert live.metadata
    assert "staging" == live.metadata["groundswell-environment"]
    assert [] == await streams.apply(nats_url, environment=Environment.STAGING)


async def test_streams_of_another_environment_are_left_as_they_are(
    nats_url: str, unmarked: JetStreamContext
):
    await streams.apply(nats_url, environment=Environment.PRODUCTION)
    live = (await unmarked.stream_info("CHANGES")).config
    await unmarked.update_stream(live.evolve(max_age=3_600))

    with pytest.raises(StreamsError, match="belongs to production, and this is development"):
        await streams.apply(nats_url)

    assert 3_600 == (await unmarked.stream_info("CHANGES")).config.max_age


async def test_streams_of_an_older_release_get_their_mark(
    nats_url: str, unmarked: JetStreamContext
):
    await streams.apply(nats_url)
    live = (await unmarked.stream_info("DEAD")).config
    await unmarked.update_stream(live.evolve(metadata={"owner": "somebody"}))

    (line,) = await streams.apply(nats_url)

    kept = (await unmarked.stream_info("DEAD")).config.metadata or {}
    assert "updated stream DEAD: environment is not marked, should be development" == line
    assert ("somebody", "development") == (kept["owner"], kept["groundswell-environment"])


async def test_what_was_just_applied_does_not_drift(js: JetStreamContext):
    assert [] == await streams.drift(js)


async def test_drift_is_told_setting_by_setting(js: JetStreamContext):
    live = (await js.stream_info("CHANGES")).config
    await js.update_stream(live.evolve(max_age=3_600, subjects=["changes.v1.metric.>"]))
    await js.add_consumer("READINGS", _config(ack_wait=99))
    await js.purge_stream("JOBS", subject="schedules.v1.plan")
    await js.delete_consumer("JOBS", "planner")
    await js.delete_stream("ADVISORIES")

    assert [
        "consumer ingest: ack_wait is 99.0, should be 30.0",
        "consumer planner of JOBS is missing",
        "schedule plan is missing",
        "stream ADVISORIES is missing",
        "stream CHANGES: max_age is 3600.0, should be 604800.0",
        "stream CHANGES: subjects is ['changes.v1.metric.>'], should be ['changes.v1.>']",
    ] == sorted(await streams.drift(js))


async def test_what_drifted_is_brought_back(declared: str, js: JetStreamContext):
    live = (await js.stream_info("CHANGES")).config
    await js.update_stream(live.evolve(max_age=3_600))
    await js.add_consumer("READINGS", _config(max_ack_pending=5))

    assert [
        "updated stream CHANGES: max_age is 3600.0, should be 604800.0",
        "updated consumer ingest: max_ack_pending is 5, should be 4000",
    ] == await streams.apply(declared)
    assert [] == await streams.drift(js)


async def test_what_the_contracts_do_not_mention_is_kept(declared: str, js: JetStreamContext):
    live = (await js.stream_info("CHANGES")).config
    await js.update_stream(live.evolve(max_age=3_600, metadata={"owner": "somebody"}))
    await js.add_consumer("CHANGES", api.ConsumerConfig(durable_name="theirs"))

    await streams.apply(declared)

    kept = (await js.stream_info("CHANGES")).config.metadata or {}
    assert "somebody" == kept["owner"]
    assert "theirs" == (await js.consumer_info("CHANGES", "theirs")).name


async def test_a_consumer_that_starts_elsewhere_has_to_be_deleted_first(
    declared: str, js: JetStreamContext
):
    await js.delete_consumer("READINGS", "ingest")
    await js.add_consumer("READINGS", _config(deliver_policy=api.DeliverPolicy.NEW))

    with pytest.raises(StreamsError, match="consumer ingest cannot be changed in place"):
        await streams.apply(declared)


async def test_a_stream_that_keeps_messages_otherwise_has_to_be_deleted_first(nats_url: str):
    await streams.apply(nats_url)
    work_queue = [replace(stream, work_queue=True) for stream in STREAMS if stream.name == "DEAD"]

    with pytest.raises(StreamsError, match="stream DEAD cannot be changed in place"):
        await streams.apply(nats_url, work_queue, (), SCHEDULES)


async def test_a_schedule_really_sends_its_job(declared: str, js: JetStreamContext):
    every_second = Schedule(name="plan", every="@every 1s", job=Plan())
    assert ["set schedule plan: @every 1s"] == await streams.apply(
        declared, schedules=(every_second, *SCHEDULES[1:])
    )
    for _ in range(2):
        (tick,) = await fetch(js, PLANNER)
        event = decode(tick.headers, tick.data)
        assert ("job.plan.v1", Plan()) == (event.type, event.data)
        await tick.ack()


async def test_a_schedule_set_anew_replaces_the_old_one(declared: str, js: JetStreamContext):
    for every in ("@every 1h", "@every 2h", "@every 1h"):
        schedule = Schedule(name="plan", every=every, job=Plan())
        await streams.apply(declared, schedules=(schedule,))

    state = (await js.stream_info("JOBS", subjects_filter="schedules.v1.>")).state
    assert {"schedules.v1.plan": 1} == state.subjects


async def test_a_schedule_that_is_no_longer_declared_is_removed(declared: str):
    assert ["removed schedule schedules.v1.plan"] == await streams.apply(
        declared, schedules=SCHEDULES[1:]
    )


async def test_every_job_of_the_clock_has_a_consumer(js: JetStreamContext):
    consumers = (PLANNER, MAINTENANCE, RECONCILER)
    for consumer in consumers:
        info = await js.consumer_info(consumer.stream, consumer.durable)
        filters = info.config.filter_subjects or [info.config.filter_subject]
        assert list(consumer.filters) == filters
    for schedule in SCHEDULES:
        assert subjects.job(schedule.job) in [one for c in consumers for one in c.filters]


async def test_a_tick_that_nobody_takes_is_gone_after_its_time(declared: str, js: JetStreamContext):
    hasty = Schedule(name="plan", every="@every 1s", job=Plan(), expires=1)
    await streams.apply(declared, schedules=(hasty,))

    async def waiting() -> int:
        return (await js.consumer_info("JOBS", PLANNER.durable)).num_pending or 0

    await until(lambda: _is(waiting, 1))
    await js.purge_stream("JOBS", subject=subjects.SCHEDULES)
    await until(lambda: _is(waiting, 0))


async def _is(count: Callable[[], Awaitable[int]], expected: int) -> bool:
    return expected == await count()


async def test_the_server_reports_what_ran_out_of_deliveries(js: JetStreamContext):
    once = replace(INGEST, durable="once", max_deliver=1, ack_wait=0.2)
    await js.add_consumer(
        "READINGS", _config(durable_name="once", name="once", max_deliver=1, ack_wait=0.2)
    )
    await js.publish("readings.v1.npm.gone", b"{}")
    await fetch(js, once)
    with pytest.raises(TimeoutError):
        await fetch(js, once, seconds=1)

    advisory = await js.get_last_msg(
        "ADVISORIES", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.READINGS.once"
    )
    assert advisory.data is not None
    assert b'"deliveries":1' in advisory.data


async def test_a_server_that_is_not_there_is_said_so():
    with pytest.raises(StreamsError, match="NATS cannot be reached"):
        await streams.apply("nats://127.0.0.1:9")


async def test_nothing_is_made_by_whoever_only_looks(nats_url: str):
    client = await nats.connect(nats_url)
    js = client.jetstream()

    assert len(STREAMS) + len(CONSUMERS) + len(SCHEDULES) == len(await streams.drift(js))
    with pytest.raises(NotFoundError):
        await js.stream_info("READINGS")
    await client.close()


@pytest.fixture
async def unmarked(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """A server on which nothing was declared yet."""
    client = await nats.connect(nats_url)
    yield client.jetstream()
    await client.close()


def _config(**changes: object) -> api.ConsumerConfig:
    return api.ConsumerConfig(**{**streams._consumer_config(INGEST), **changes})
