"""Search as a whole: changes come in, and what they touch can be found as PostgreSQL has it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from nats.js import JetStreamContext

from contracts import subjects
from contracts.changes import ArtifactChanged, What
from contracts.documents import INDEX
from contracts.envelope import to_headers
from services.search.meilisearch import Meilisearch
from services.search.settings import SearchSettings
from services.search.writer import in_turn
from tests.support import artifacts, changes, events
from tests.support.ingest import gate, reasons
from tests.support.search import documents, not_ready, running, settled
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

Purls = Callable[[], Awaitable[bool]]


def has(index: Meilisearch, *purls: str) -> Purls:
    """Whether the index has these documents and no others."""

    async def question() -> bool:
        return await index.exists() and set(purls) == (await documents(index)).keys()

    return question


def renamed(old: str, new: str) -> ArtifactChanged:
    change = changes.artifact(old)
    return msgspec.structs.replace(change, what=What.RENAMED, fields={"purl": (old, new)})


@asynccontextmanager
async def ready(settings: SearchSettings) -> AsyncIterator[Any]:
    """One search whose index is there."""
    async with running(settings) as (client,):
        await until(lambda: is_ready(client))
        yield client


async def test_what_is_created_updated_and_measured_can_be_found_so(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    async with ready(settings):
        react = await artifacts.add(owner, "pkg:npm/react", metrics={"downloads_week": 7})
        await changes.publish(js, [changes.artifact("pkg:npm/react")])
        await until(has(index, "pkg:npm/react"))
        created = (await documents(index))["pkg:npm/react"]
        await owner.execute("UPDATE artifacts SET description = 'A library' WHERE id = $1", react)
        await owner.execute("UPDATE current_metrics SET value = 51 WHERE artifact_id = $1", react)
        await changes.publish(js, [changes.metric("pkg:npm/react", new=51)])
        await until(settled(js))

    updated = (await documents(index))["pkg:npm/react"]
    assert (None, {"downloads_week": 7.0}) == (created.description, created.metrics)
    assert ("A library", {"downloads_week": 51.0}) == (updated.description, updated.metrics)
    assert (react, 51.0) == (updated.id, updated.hot)


async def test_a_name_that_moved_on_leads_to_one_document(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    async with ready(settings):
        old = await artifacts.add(owner, "pkg:github/old/name")
        await changes.publish(js, [changes.artifact("pkg:github/old/name")])
        await until(has(index, "pkg:github/old/name"))
        await owner.execute(
            "UPDATE artifacts SET purl = 'pkg:github/new/name', namespace = 'new' WHERE id = $1",
            old,
        )
        other = await artifacts.add(owner, "pkg:github/old/name", description="Another one")
        told = [renamed("pkg:github/old/name", "pkg:github/new/name")]
        await changes.publish(js, [*told, changes.artifact("pkg:github/old/name")])
        await until(settled(js))

    found = await documents(index)
    assert {"pkg:github/new/name": old, "pkg:github/old/name": other} == {
        purl: one.id for purl, one in found.items()
    }


async def test_what_is_not_there_or_not_tracked_any_more_cannot_be_found(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    purls = ["pkg:npm/stays", "pkg:npm/goes", 'pkg:npm/"quoted\\"', "pkg:npm/stub"]
    for purl in purls:
        await owner.execute(
            "INSERT INTO artifacts (purl, kind, source, name, tracked)"
            " VALUES ($1, 'package', 'npm', $1, true)",
            purl,
        )
    async with ready(settings):
        await until(has(index, *purls))
        await owner.execute("DELETE FROM artifacts WHERE purl = ANY ($1)", purls[1:3])
        await owner.execute("UPDATE artifacts SET tracked = false WHERE purl = $1", purls[3])
        await changes.publish(js, map(changes.artifact, purls))
        await until(settled(js))

    assert {"pkg:npm/stays"} == (await documents(index)).keys()


async def test_what_is_gone_upstream_can_be_found_and_says_so(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    await artifacts.add(owner, "pkg:npm/left-pad")
    async with ready(settings):
        await until(has(index, "pkg:npm/left-pad"))
        await owner.execute("UPDATE artifacts SET state = 'gone'")
        gone = msgspec.structs.replace(changes.artifact("pkg:npm/left-pad"), what=What.GONE)
        await changes.publish(js, [gone])
        await until(settled(js))

    assert "gone" == (await documents(index))["pkg:npm/left-pad"].state


async def test_a_new_edge_makes_its_target_one_with_dependents(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    react = await artifacts.add(owner, "pkg:npm/react")
    stub = await artifacts.add(owner, "pkg:npm/stub", tracked=False)
    core = await artifacts.add(owner, "pkg:npm/core")
    async with ready(settings):
        await until(has(index, "pkg:npm/react", "pkg:npm/core"))
        before = await documents(index)
        await artifacts.relate(owner, core, react)
        await artifacts.relate(owner, core, stub)
        edges = [changes.relation("pkg:npm/core", f"pkg:npm/{name}") for name in ("react", "stub")]
        await changes.publish(js, edges)
        await until(settled(js))

    after = await documents(index)
    assert {"pkg:npm/react", "pkg:npm/core"} == after.keys()
    told = [one["pkg:npm/react"].has_dependents for one in (before, after)]
    assert [False, True] == told


async def test_bad_messages_are_buried_and_do_not_sink_their_batch(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    async with ready(settings):
        await artifacts.add(owner, "pkg:npm/react")
        subject = subjects.change(changes.artifact("pkg:npm/react"))
        await js.publish(subject, b"{")
        reading = to_headers(events.event()) | {"Nats-Msg-Id": "reading"}
        await js.publish(subject, b'{"status": 404, "url": "x"}', headers=reading)
        await changes.publish(js, [changes.artifact("pkg:npm/react")])
        await until(settled(js))
        await until(has(index, "pkg:npm/react"))

    assert ["the header ce-type is missing", "npm.gone.v1 is no change"] == await reasons(js)


async def test_documents_that_are_refused_are_halved_until_the_culprit_stands_alone(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    # Of an index whose documents go by their names, it takes none whose name is no name of an id.
    task = await index._task("POST", "indexes", {"uid": INDEX, "primaryKey": "name"})
    await index.settled([task])
    names = ["one", "two", "three four", "five"]
    async with running(settings):
        for name in names:
            await owner.execute(
                "INSERT INTO artifacts (purl, kind, source, name, tracked)"
                " VALUES ($1, 'package', 'npm', $2, true)",
                f"pkg:npm/{name}",
                name,
            )
        await changes.publish(js, [changes.artifact(f"pkg:npm/{name}") for name in names])
        await until(settled(js), 30)

    page = await index._client.index(INDEX).get_documents()
    assert ["five", "one", "two"] == sorted(one["name"] for one in page.results)
    (reason,) = await reasons(js)
    assert "invalid_document_id" in reason


async def test_while_postgresql_is_away_changes_are_held_and_then_indexed(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    async with gate(settings.database_url) as way:
        through = msgspec.structs.replace(settings, database_url=way.url)
        async with ready(through) as client:
            await way.cut()
            await artifacts.add(owner, "pkg:npm/react")
            await changes.publish(js, [changes.artifact("pkg:npm/react")])
            await until(lambda: at_hand(js, 1))
            assert {"database"} == (await not_ready(client)).keys()

            await way.open()
            await until(has(index, "pkg:npm/react"))
            await until(settled(js))

    assert 1 == await deliveries(js)


async def test_while_meilisearch_is_away_changes_are_held_and_then_indexed(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    async with gate(settings.meilisearch_url) as way:
        through = msgspec.structs.replace(settings, meilisearch_url=way.url)
        async with ready(through) as client:
            await way.cut()
            await artifacts.add(owner, "pkg:npm/react")
            await changes.publish(js, [changes.artifact("pkg:npm/react")])
            await until(lambda: at_hand(js, 1))
            assert {"meilisearch", "index"} == (await not_ready(client)).keys()
            assert 200 == (await client.get("/livez")).status_code

            await way.open()
            await until(has(index, "pkg:npm/react"))
            await until(settled(js))

    assert 1 == await deliveries(js)


async def test_a_search_that_starts_without_meilisearch_makes_the_index_once_it_is_there(
    owner: Any, settings: SearchSettings, index: Meilisearch
):
    await artifacts.add(owner, "pkg:npm/react")
    async with gate(settings.meilisearch_url) as way:
        through = msgspec.structs.replace(settings, meilisearch_url=way.url)
        await way.cut()
        async with running(through) as (client,):
            await until(lambda: is_not_ready(client, "meilisearch"))
            await way.open()
            await until(has(index, "pkg:npm/react"))
            await until(lambda: is_ready(client))

    assert [] == await index.drift()


async def test_an_index_that_is_lost_is_made_again_and_filled(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    for name in ("react", "vue"):
        await artifacts.add(owner, f"pkg:npm/{name}")
    async with ready(settings):
        await until(has(index, "pkg:npm/react", "pkg:npm/vue"))
        await index.settled([await index.drop(INDEX)])
        await changes.publish(js, [changes.artifact("pkg:npm/react")])
        await until(has(index, "pkg:npm/react", "pkg:npm/vue"))
        await until(settled(js))

    assert [] == await index.drift()


async def test_settings_that_differ_are_told_with_what_to_do(
    settings: SearchSettings, index: Meilisearch
):
    async with ready(settings) as client:
        await until(lambda: is_ready(client))
        other = {"rankingRules": ["words"], "sortableAttributes": ["metrics", "hot", "used"]}
        await index.settled([await index._task("PATCH", f"indexes/{INDEX}/settings", other)])
        told = (await not_ready(client))["index"]

    assert 'rankingRules is ["words"], should be [' in told
    assert told.endswith("run `groundswell reindex`")


async def test_an_older_row_never_overwrites_a_newer_one(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch, pool: Any
):
    """Whoever holds the lock has read what is older; nobody gets by with what is newer."""
    react = await artifacts.add(owner, "pkg:npm/react", metrics={"downloads_week": 0})
    async with ready(settings), running(settings):
        await until(has(index, "pkg:npm/react"))
        async with in_turn(pool):
            await changes.publish(js, [changes.metric("pkg:npm/react")])
            await until(lambda: at_hand(js, 1))
            await until(lambda: blocked(owner))
        for value in range(1, 40):
            await owner.execute(
                "UPDATE current_metrics SET value = $2 WHERE artifact_id = $1", react, value
            )
            await changes.publish(js, [changes.metric("pkg:npm/react", new=value)])
            await asyncio.sleep(0)
        await until(settled(js), 30)

    assert 39.0 == (await documents(index))["pkg:npm/react"].hot


async def test_a_queue_that_is_full_is_waited_for(
    owner: Any, js: JetStreamContext, settings: SearchSettings, index: Meilisearch
):
    hesitant = msgspec.structs.replace(settings, max_queued_tasks=1, lanes=1)
    async with ready(hesitant):
        await artifacts.add_many(owner, 2_000)
        # Takes a moment; meanwhile there is a task that somebody else sent.
        await changes.publish(js, [changes.artifact("pkg:npm/none")] * 3)
        await until(settled(js), 30)

    assert [] == await reasons(js)


async def at_hand(js: JetStreamContext, count: int) -> bool:
    found: int = (await js.consumer_info("CHANGES", "search")).num_ack_pending or 0
    return found == count


async def deliveries(js: JetStreamContext) -> int:
    delivered = (await js.consumer_info("CHANGES", "search")).delivered
    assert delivered is not None
    return int(delivered.consumer_seq)


async def blocked(owner: Any) -> bool:
    """Whether somebody waits for his turn."""
    waiting: bool = await owner.fetchval(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
    )
    return waiting


async def is_ready(client: Any) -> bool:
    return not await not_ready(client)


async def is_not_ready(client: Any, check: str) -> bool:
    return check in await not_ready(client)
