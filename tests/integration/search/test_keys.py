"""The rights that the documentation asks for are enough, and filters may be long."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from nats.js import JetStreamContext

from services.search.meilisearch import Meilisearch, connected
from services.search.reindex import reindex
from services.search.settings import SearchSettings
from services.search.verify import verify
from tests.support import artifacts, changes
from tests.support.search import documents, not_ready, running, settled
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

_RIGHTS = ["search", "documents.*", "indexes.*", "settings.*", "tasks.get", "stats.get"]


async def test_search_needs_no_more_rights_than_it_says(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any, settings: SearchSettings
):
    if settings.meilisearch_key is None:
        pytest.skip("this Meilisearch has no keys")
    wanted = {"uid": str(uuid4()), "actions": _RIGHTS, "indexes": ["*"], "expiresAt": None}
    key = await index.make_key(wanted)
    await artifacts.add(owner, "pkg:npm/stays")
    gone = await artifacts.add(owner, "pkg:npm/goes")
    async with running(msgspec.structs.replace(settings, meilisearch_key=key)) as (client,):
        await until(lambda: is_ready(client))
        await until(lambda: has(index, 2))
        await owner.execute("UPDATE artifacts SET tracked = false WHERE id = $1", gone)
        await changes.publish(js, [changes.artifact("pkg:npm/goes")])
        await until(settled(js), 30)
    async with connected(settings.meilisearch_url, key) as limited:
        await reindex(pool, limited, js)
        assert (await verify(pool, limited)).equal

    assert {"pkg:npm/stays"} == (await documents(index)).keys()


async def test_thousands_can_be_named_at_once(index: Meilisearch):
    await index.make()

    await index.settled([await index.forget([f"pkg:npm/package-{n}" for n in range(5_000)])])

    assert [] == await index.named(range(5_000))


async def is_ready(client: Any) -> bool:
    return not await not_ready(client)


async def has(index: Meilisearch, count: int) -> bool:
    return await index.exists() and await index.count() == count
