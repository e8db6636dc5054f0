"""Two replicas on one durable: whoever follows the changes sees one history of each artifact."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from nats.js import JetStreamContext

from contracts.changes import ArtifactChanged, MetricChanged, What
from services.ingest.settings import IngestSettings
from tests.support import ingest, ledger
from tests.support.ingest import changes, reasons, relayed, running, send, settled
from tests.support.readings import NOON, downloads, packument
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PACKAGES = [f"package-{number}" for number in range(4)]
READINGS = 60


@pytest.fixture
def settings(role_url: Callable[[str], str], declared: str) -> IngestSettings:
    return ingest.settings(role_url("ingest"), declared, batch_size=7)


def interleaved() -> list[Any]:
    """Readings of a few packages in turn; each moves a count, a gauge and a text."""
    found: list[Any] = []
    for number in range(READINGS):
        at = NOON + timedelta(minutes=number)
        for name in PACKAGES:
            people = [{"name": str(person)} for person in range(1 + number % 5)]
            found.append(downloads(name, [1_000 + number], at=at))
            found.append(
                packument(name, description=f"reading {number:02d}", maintainers=people, at=at)
            )
    return found


async def test_changes_of_an_artifact_are_one_chain_whichever_replica_made_them(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    await send(js, interleaved())

    async with running(settings, settings):
        await until(settled(js), 20)
        await until(relayed(pool))

    assert [] == await reasons(js)
    told = await changes(js)
    for name in PACKAGES:
        of_this = [change for change in told if change.purl == f"pkg:npm/{name}"]
        for metric, newest in (("downloads_day", 1_059), ("maintainers", 5)):
            moves = [c for c in of_this if isinstance(c, MetricChanged) and c.metric == metric]
            assert_chain([(move.old, move.new) for move in moves], newest)
            times = [move.observed_at for move in moves]
            assert times == sorted(times)
        assert_facts([c for c in of_this if isinstance(c, ArtifactChanged)])


async def test_both_replicas_end_with_what_one_alone_would_have_written(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    await send(js, interleaved())

    async with running(settings, settings):
        await until(settled(js), 20)

    newest = f"reading {READINGS - 1:02d}"
    assert [(f"pkg:npm/{name}", newest) for name in PACKAGES] == [
        (row["purl"], row["description"]) for row in await ledger.rows(pool, ledger.ARTIFACTS)
    ]
    current = {
        (row["purl"], row["metric"]): row["value"]
        for row in await ledger.rows(pool, ledger.CURRENT)
    }
    for name in PACKAGES:
        assert READINGS + 999 == current[f"pkg:npm/{name}", "downloads_day"]
        assert 5 == current[f"pkg:npm/{name}", "maintainers"]


async def test_a_replica_that_stops_in_the_middle_leaves_the_rest_to_the_other(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    config = (await ingest.info(js)).config
    await js.add_consumer("READINGS", config.evolve(ack_wait=2.0))
    await send(js, interleaved())

    async with running(settings):
        async with running(settings):
            await until(lambda: begun(js))
        await until(settled(js), 20)
        await until(relayed(pool))

    told = await changes(js)
    for name in PACKAGES:
        moves = [
            (change.old, change.new)
            for change in told
            if isinstance(change, MetricChanged)
            and (change.purl, change.metric) == (f"pkg:npm/{name}", "downloads_day")
        ]
        assert_chain(moves, 1_059)


def assert_chain(moves: list[tuple[Any, Any]], newest: float) -> None:
    """Each begins where the one before it ended, and the last has the newest value."""
    assert moves[0][0] is None
    assert newest == moves[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(moves))
    assert all(old != new for old, new in moves)


def assert_facts(told: list[ArtifactChanged]) -> None:
    assert [What.CREATED] == [change.what for change in told if not change.fields]
    assert What.CREATED == told[0].what
    texts = [change.fields["description"] for change in told[1:]]
    assert all(before[1] == after[0] for before, after in pairwise(texts))
    assert f"reading {READINGS - 1:02d}" == texts[-1][1]


async def begun(js: JetStreamContext) -> bool:
    return await ingest.deliveries(js) > 30
