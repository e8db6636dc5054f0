"""Ingest's own connections to a fresh database and to a server with every stream."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.runtime.database import create_pool


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[Any]:
    """A pool with the rights of ingest."""
    async with create_pool(role_url("ingest"), "ingest") as opened:
        yield opened
