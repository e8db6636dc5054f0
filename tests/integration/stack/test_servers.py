"""The servers of the stack, as the integration ring starts them."""

from collections.abc import Callable

import asyncpg
import nats
import pytest
from nats.js.errors import NotFoundError

from groundswell.migrate import migrate

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_a_database_of_its_own(database_url: str, turn: str):
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO tags (category, name) VALUES ('general', 'asgi')")

    assert 1 == await connection.fetchval("SELECT count(*) FROM tags")
    await connection.close()


async def test_a_service_has_the_rights_of_its_role_only(role_url: Callable[[str], str]):
    connection = await asyncpg.connect(role_url("collector"))

    assert 0 == await connection.fetchval("SELECT count(*) FROM watches")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM artifacts")
    await connection.close()


async def test_nobody_enters_without_a_password(database_url: str):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database_url, password="guessed")


def test_migrating_twice_changes_nothing(empty_database_url: str):
    migrate(empty_database_url)
    migrate(empty_database_url)


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_finds_jetstream_empty(nats_url: str, turn: str):
    client = await nats.connect(nats_url)
    jetstream = client.jetstream()

    with pytest.raises(NotFoundError):
        await jetstream.stream_info("LEFT")
    await jetstream.add_stream(name="LEFT", subjects=["left.>"])
    await client.close()
