"""Replays on real servers: what is sent again, and what ingest makes of it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import nats
import pytest
from nats.js import JetStreamContext

from contracts import subjects
from contracts.envelope import MESSAGE_ID, Event, decode, encode, to_headers
from contracts.streams import INGEST
from groundswell.replay import replay_dead, replay_since
from services.ingest import understanding
from services.ingest.consumer import Ingest
from services.ingest.normalizers import NORMALIZERS
from services.ingest.ranks import Ranks
from services.ingest.records import Records, UnexpectedShape
from services.runtime import publishing, streams
from services.runtime.broker import Undecodable
from services.runtime.database import create_pool
from services.runtime.delivery import Breaker, bury
from services.runtime.publishing import PublishFailed, publish_all
from tests.support import ledger
from tests.support.readings import NOON, addressed, downloads, packument, project
from tests.support.streams import stored
from tests.support.understood import one

pytestmark = pytest.mark.integration

PACKUMENT = "npm.packument.v1"
HOUR = timedelta(hours=1)


class Stack:
    """Streams and a database, with an ingest that takes what waits when it is told to."""

    def __init__(self, url: str, js: JetStreamContext, pool: Any) -> None:
        self.url, self.js, self.pool = url, js, pool

    async def publish(self, *events: Event) -> None:
        await publish_all(self.js, "READINGS", addressed(events))

    async def ingest(self) -> int:
        """Take everything that waits, as a process that has just started; how many changes."""
        breaker = Breaker("ingest", 1.0, 1_000, 1_000)
        ranks = Ranks(lambda: self.pool)
        ingest = Ingest(lambda: self.pool, lambda: self.js, ranks, breaker, hold_seconds=5)
        waiting = await self.js.pull_subscribe_bind(durable=INGEST.durable, stream="READINGS")
        while (await self.js.consumer_info("READINGS", INGEST.durable)).num_pending:
            messages = await waiting.fetch(100, timeout=5)
            await ingest.take([event(message) for message in messages], messages)
        return len(await ledger.take_changes(self.pool))


def event(message: Any) -> Event | Undecodable:
    try:
        return decode(message.headers, message.data)
    except ValueError as error:
        return Undecodable(str(error))


@pytest.fixture
async def stack(nats_url: str, role_url: Callable[[str], str]) -> AsyncIterator[Stack]:
    await streams.apply(nats_url)
    client = await nats.connect(nats_url)
    async with create_pool(role_url("ingest"), "ingest") as pool:
        yield Stack(nats_url, client.jetstream(), pool)
    await client.close()


@pytest.fixture
def normalize(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Event], Records]], None]:
    """Let ingest understand packuments by another function."""

    def by(function: Callable[[Event], Records]) -> None:
        monkeypatch.setattr(understanding, "NORMALIZERS", {**NORMALIZERS, PACKUMENT: function})

    return by


def refuse(_: Event) -> Records:
    raise UnexpectedShape("a license nobody has thought of")


def license_free(event: Event) -> Records:
    told = one(event)
    assert told.facts is not None
    facts = msgspec.structs.replace(told.facts, license=None)
    return msgspec.structs.replace(told, facts=facts, observations=())


async def test_a_dead_letter_is_applied_once_its_cause_is_mended(stack: Stack, normalize: Any):
    normalize(refuse)
    sent = packument("left")
    await stack.publish(sent)
    await stack.ingest()
    (buried,) = await stored(stack.js, "DEAD")

    normalize(NORMALIZERS[PACKUMENT])
    assert 1 == await replay_dead(stack.url)
    await stack.ingest()

    assert [] == await stored(stack.js, "DEAD")
    first, again = await stored(stack.js, "READINGS")
    assert (first.subject, first.data) == (again.subject, again.data)
    assert (sent.id, None) == (
        (again.headers or {})["ce-id"],
        (again.headers or {}).get("dead-reason"),
    )
    assert "a license nobody has thought of" == (buried.headers or {})["dead-reason"]
    assert ["MIT"] == [row["license"] for row in await ledger.rows(stack.pool, ledger.ARTIFACTS)]
    assert 0 == await replay_dead(stack.url)


async def test_a_replay_that_was_interrupted_stores_a_letter_once(
    stack: Stack, normalize: Any, monkeypatch: pytest.MonkeyPatch
):
    normalize(refuse)
    await stack.publish(packument("left"))
    await stack.ingest()

    async def cut(*_: Any) -> bool:
        raise ConnectionError("cut off before the letter is taken out")

    with monkeypatch.context() as patched:
        patched.setattr(JetStreamContext, "delete_msg", cut)
        with pytest.raises(ConnectionError):
            await replay_dead(stack.url)
    assert (2, 1) == (len(await stored(stack.js, "READINGS")), len(await stored(stack.js, "DEAD")))

    assert 1 == await replay_dead(stack.url)

    assert (2, 0) == (len(await stored(stack.js, "READINGS")), len(await stored(stack.js, "DEAD")))


async def test_a_letter_that_is_not_confirmed_stays(stack: Stack, normalize: Any):
    normalize(refuse)
    await stack.publish(packument("left"))
    await stack.ingest()
    await stack.js.delete_stream("READINGS")

    with pytest.raises(PublishFailed):
        await replay_dead(stack.url)

    assert 1 == len(await stored(stack.js, "DEAD"))


async def test_what_is_still_wrong_is_buried_again(stack: Stack, normalize: Any):
    normalize(refuse)
    await stack.publish(packument("left"))
    await stack.ingest()

    for _ in range(2):
        assert 1 == await replay_dead(stack.url)
        await stack.ingest()
        assert 1 == len(await stored(stack.js, "DEAD"))


async def test_dead_letters_are_chosen_by_source_and_number(stack: Stack):
    odd = [project(name) for name in ("a", "b", "c")] + [packument("left")]
    await stack.publish(*odd)
    waiting = await stack.js.pull_subscribe_bind(durable=INGEST.durable, stream="READINGS")
    for message in await waiting.fetch(4, timeout=5):
        await bury(stack.js, message, "not today", INGEST)

    assert 2 == await replay_dead(stack.url, source="pypi", limit=2)

    assert ["dead.v1.READINGS.pypi", "dead.v1.READINGS.npm"] == [
        letter.subject for letter in await stored(stack.js, "DEAD")
    ]
    assert [e.subject for e in odd[:2]] == [
        (copy.headers or {})["ce-subject"] for copy in (await stored(stack.js, "READINGS"))[4:]
    ]


async def test_a_letter_of_nobody_stays(stack: Stack):
    await stack.js.publish(subjects.dead("READINGS", "npm"), b"?", stream="DEAD")

    assert 0 == await replay_dead(stack.url)

    assert 1 == len(await stored(stack.js, "DEAD"))


async def test_the_same_readings_again_change_nothing(stack: Stack):
    await stack.publish(
        packument("left", dependencies={"right": "^1"}, at=NOON - HOUR),
        downloads("left", [5] * 35, at=NOON - HOUR),
        packument("left", "1.1.0", older=["1.0.0"], dependencies={"right": "^1", "up": "2"}),
        downloads("left", [5] * 34 + [7]),
        project("litestar", info={"requires_dist": ["msgspec>=0.18"]}),
    )
    assert await stack.ingest() > 0
    before = await ledger.everything(stack.pool)

    assert 5 == await replay_since(stack.url, datetime.now(UTC) - HOUR)

    assert 0 == await stack.ingest()
    assert before == await ledger.everything(stack.pool)


async def test_a_mended_normalizer_takes_effect(stack: Stack, normalize: Any):
    normalize(license_free)
    events = [packument("left", at=NOON - HOUR), packument("left", "1.1.0", older=["1.0.0"])]
    await stack.publish(*events)
    await stack.ingest()

    normalize(NORMALIZERS[PACKUMENT])
    assert 2 == await replay_since(stack.url, datetime.now(UTC) - HOUR)
    assert await stack.ingest() > 0

    assert ["MIT"] == [row["license"] for row in await ledger.rows(stack.pool, ledger.ARTIFACTS)]
    assert [(NOON - HOUR, 1.0), (NOON, 2.0)] == [
        (at, value) for at, value, _ in await ledger.values(stack.pool, "releases")
    ]


async def test_a_mended_value_of_the_past_replaces_the_wrong_one(stack: Stack, normalize: Any):
    def one_too_many(event: Event) -> Records:
        told = one(event)
        wrong = [msgspec.structs.replace(o, value=o.value + 1) for o in told.observations]
        return msgspec.structs.replace(told, observations=tuple(wrong))

    normalize(one_too_many)
    await stack.publish(
        packument("left", at=NOON - HOUR), packument("left", "1.1.0", older=["1.0.0"])
    )
    await stack.ingest()

    normalize(NORMALIZERS[PACKUMENT])
    await replay_since(stack.url, datetime.now(UTC) - HOUR)
    await stack.ingest()

    assert [(NOON - HOUR, 1.0), (NOON, 2.0)] == [
        (at, value) for at, value, _ in await ledger.values(stack.pool, "releases")
    ]


async def test_a_replay_leaves_out_what_is_older_and_what_is_of_others(stack: Stack):
    await stack.publish(packument("old"))
    before = await stack.js.get_msg("READINGS", 1)
    assert before.time is not None
    await stack.publish(packument("left"), project("litestar"))
    after = await stack.js.get_msg("READINGS", 2)

    assert 1 == await replay_since(stack.url, after.time or NOON, source="npm")

    copy = (await stored(stack.js, "READINGS"))[-1]
    assert "pkg:npm/left" == (copy.headers or {})["ce-subject"]
    assert 0 == await replay_since(stack.url, datetime.now(UTC) + HOUR)


async def test_a_replay_repeats_no_copies(stack: Stack):
    await stack.publish(*(packument(f"left-{n}") for n in range(120)))
    hour_ago = datetime.now(UTC) - HOUR

    assert 120 == await replay_since(stack.url, hour_ago)
    assert 120 == await replay_since(stack.url, hour_ago)

    there = await stored(stack.js, "READINGS")
    assert 360 == len(there)
    assert [f"pkg:npm/left-{n}" for n in range(120)] == [
        (copy.headers or {})["ce-subject"] for copy in there[240:]
    ]


async def test_copies_are_repeated_once_their_originals_are_gone(stack: Stack):
    await stack.publish(packument("left"), packument("right"))
    hour_ago = datetime.now(UTC) - HOUR
    await replay_since(stack.url, hour_ago)
    await stack.js.purge_stream("READINGS", seq=3)

    assert 2 == await replay_since(stack.url, hour_ago)


async def test_a_replay_ends_although_readings_keep_coming(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    await stack.publish(*(packument(f"left-{n}") for n in range(60)))
    publish = publishing.publish_raw

    async def amid_traffic(js: JetStreamContext, *message: Any) -> Any:
        late = packument("late", at=NOON + HOUR)
        headers = {**to_headers(late), MESSAGE_ID: message[3][MESSAGE_ID] + "-late"}
        await js.publish(subjects.reading(late.type), encode(late.data), headers=headers)
        return await publish(js, *message)

    monkeypatch.setattr("groundswell.replay.publish_raw", amid_traffic)

    assert 60 == await replay_since(stack.url, datetime.now(UTC) - HOUR)
