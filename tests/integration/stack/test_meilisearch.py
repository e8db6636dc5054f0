"""Keys of a real Meilisearch: who searches may do nothing else."""

import pytest

from contracts.documents import INDEX
from groundswell.stack import meilisearch
from groundswell.stack.meilisearch import Server
from services.search.errors import IndexDenied
from services.search.meilisearch import connected
from tests.support.meilisearch import Server as Given

pytestmark = pytest.mark.integration


async def test_the_key_to_search_is_made_once_and_may_do_no_more(search_server: Given):
    if search_server.key is None:
        pytest.skip("this Meilisearch has no keys")
    server = Server(search_server.url, search_server.key)

    key = await meilisearch.key_to_search(server)

    assert key is not None
    assert key == await meilisearch.key_to_search(server)
    assert key != server.key
    # By itself it makes no other one.
    assert key == await meilisearch.key_to_search(Server(server.url, key))
    async with connected(server.url, key) as index:
        for question in (index.drift(), index.names(), index.put([]), index.waiting()):
            with pytest.raises(IndexDenied):
                await question
    async with connected(server.url, server.key) as index:
        await index.make(INDEX)
    async with connected(server.url, key) as index:
        found = await index._client.index(INDEX).search("react")
    assert [] == found.hits
