"""Which servers will do."""

from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.client import ServerVersion

from services.runtime import streams


def server(version: str) -> Any:
    return SimpleNamespace(connected_server_version=ServerVersion(version))


@pytest.mark.parametrize("version", ["2.14.0", "2.15.1", "3.0.0"])
def test_a_server_with_message_schedules_will_do(version: str):
    streams._check_version(server(version))


@pytest.mark.parametrize("version", ["2.13.9", "2.9.0", "1.4.1"])
def test_an_older_server_is_refused_with_what_is_missing(version: str):
    with pytest.raises(streams.StreamsError, match=r"message schedules.* need nats-server 2\.14"):
        streams._check_version(server(version))
