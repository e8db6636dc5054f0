"""Partitions of history: made ahead, by the clock and by whoever has older days to write."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from nats.js import JetStreamContext

from contracts import subjects
from contracts.envelope import Event, event_type, to_headers
from contracts.jobs import Partitions, Plan, Rank
from services.ingest.maintenance import Maintenance, make_partitions, months_ahead
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead, Done, Later
from tests.support import ingest
from tests.support.ingest import running, settled
from tests.support.waiting import until

pytestmark = pytest.mark.integration

NOW = datetime(2031, 11, 30, tzinfo=UTC)
PARTITIONS = "SELECT relname FROM pg_class WHERE relname ~ '^observations_[0-9_]+$' ORDER BY 1"


async def partitions(pool: Any) -> list[str]:
    return [row["relname"] for row in await pool.fetch(PARTITIONS)]


def job(data: Partitions | Rank | Plan) -> Event:
    type_ = event_type(data)
    return Event(id="1", type=type_, source="clock", subject="", time=NOW, data=data)


async def test_partitions_are_made_ahead_once(pool: Any):
    assert 4 == await make_partitions(pool, NOW)
    assert 0 == await make_partitions(pool, NOW)

    assert [f"observations_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")] == (
        await partitions(pool)
    )


async def test_the_clock_has_partitions_made(
    js: JetStreamContext, role_url: Any, declared: str, pool: Any
):
    payload = msgspec.json.encode(Partitions())
    await js.publish(subjects.PARTITIONS, payload, headers=to_headers(job(Partitions())))

    async with running(ingest.settings(role_url("ingest"), declared)):
        await until(settled(js, "maintenance"))

    expected = months_ahead(datetime.now(UTC).date())
    assert [f"observations_{month:%Y_%m}" for month in expected] == await partitions(pool)


async def test_a_job_is_settled_by_what_became_of_it(pool: Any, database_url: str):
    def none() -> Any:
        raise AssertionError

    async def away(*_: object) -> None:
        raise OSError("no route to host")

    class Away:
        fetchval = staticmethod(away)

    done = Maintenance(lambda: pool, none, lambda: NOW)
    later = Maintenance(Away, none, lambda: NOW)

    assert Done() == await done._do(job(Partitions()))
    assert isinstance(await later._do(job(Partitions())), Later)
    assert Done() == await done._do(job(Rank()))
    assert Dead("job.plan.v1 is no job of maintenance") == await done._do(job(Plan()))
    assert Dead("torn") == await done._do(Undecodable("torn"))
