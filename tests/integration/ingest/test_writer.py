"""The writer on a real PostgreSQL: what a batch leaves behind, and what it says has changed."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import asyncpg
import msgspec
import pytest

from contracts.changes import ArtifactChanged, MetricChanged, RelationChanged, What
from contracts.envelope import Event
from contracts.vocabulary import METRIC_BY_NAME, MetricKind
from services.ingest.memory import Memory
from services.ingest.records import Observation, Records
from services.ingest.understanding import understand
from services.ingest.writer import write
from services.runtime.database import DatabaseRejected
from services.runtime.delivery import Dead
from tests.support import ledger
from tests.support.ledger import take_changes, values, write_events
from tests.support.readings import NOON, YESTERDAY, downloads, gone, packument, project

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def moves(found: list[Any], metric: str) -> list[tuple[Any, Any]]:
    """Old and new of each change of a metric."""
    return [(c.old, c.new) for c in found if isinstance(c, MetricChanged) and c.metric == metric]


def told(history: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What history says; a gauge that is repeated says nothing more."""
    found: list[tuple[Any, ...]] = []
    for row in history:
        key, value = (row["purl"], row["metric"]), row["value"]
        repeated = found and found[-1][0] == key and found[-1][2] == value
        if not repeated or METRIC_BY_NAME[row["metric"]].kind is MetricKind.WINDOW:
            found.append((key, row["observed_at"], value))
    return found


async def test_a_package_is_written_whole(pool: Any):
    await write_events(
        pool,
        [
            packument(
                "left",
                "2.0.0-rc.1",
                older=["1.0.0"],
                dependencies={"right": "^1"},
                keywords=["Pad", "left"],
                repository="github:ada/left",
                channels={"next": "2.0.0-rc.1"},
            )
        ],
    )

    artifacts = {row["purl"]: row for row in await ledger.rows(pool, ledger.ARTIFACTS)}
    left = artifacts["pkg:npm/left"]
    assert ("left for everybody", "MIT", ["pad", "left"], "2.0.0-rc.1") == (
        left["description"],
        left["license"],
        left["keywords"],
        left["latest_version"],
    )
    assert "pkg:github/ada/left" == left["repository"]
    assert left["tracked"]
    assert [
        ("depends_on", "pkg:npm/right", "runtime", "^1"),
        ("hosted_in", "pkg:github/ada/left", "", None),
    ] == [
        (r["type"], r["target"], r["scope"], r["requirement"])
        for r in await ledger.rows(pool, ledger.RELATIONS)
    ]
    assert [("1.0.0", False, []), ("2.0.0-rc.1", True, ["latest", "next"])] == [
        (v["version"], v["prerelease"], v["channels"])
        for v in await ledger.rows(pool, ledger.VERSIONS)
    ]
    assert [("general", "left"), ("general", "pad"), ("license", "MIT")] == [
        (t["category"], t["name"]) for t in await ledger.rows(pool, ledger.TAGS)
    ]
    assert [("dependencies", 1.0), ("maintainers", 1.0), ("releases", 2.0)] == [
        (c["metric"], c["value"]) for c in await ledger.rows(pool, ledger.CURRENT)
    ]


async def test_the_far_end_of_an_edge_is_a_stub_until_its_facts_are_read(pool: Any):
    await write_events(pool, [packument("left", dependencies={"@scope/right": "^1"})])
    stub = next(r for r in await ledger.rows(pool, ledger.ARTIFACTS) if "right" in r["purl"])
    assert (False, None) == (stub["tracked"], stub["read_at"])
    await take_changes(pool)

    await write_events(pool, [packument("@scope/right")])

    known = next(r for r in await ledger.rows(pool, ledger.ARTIFACTS) if "right" in r["purl"])
    assert (True, NOON) == (known["tracked"], known["read_at"])
    created = [c for c in await take_changes(pool) if isinstance(c, ArtifactChanged)]
    assert [("pkg:npm/%40scope/right", What.CREATED)] == [(c.purl, c.what) for c in created]


async def test_the_same_readings_twice_change_nothing_and_emit_nothing(pool: Any):
    events = [
        packument("left", older=["0.1.0"], dependencies={"right": "^1"}, keywords=["pad"]),
        downloads("left", [5] * 35),
        project("litestar", info={"requires_dist": ["msgspec>=0.18; extra == 'json'"]}),
        gone("right"),
    ]
    await write_events(pool, events)
    await take_changes(pool)
    before = await ledger.everything(pool)

    assert 0 == await write_events(pool, events)

    assert before == await ledger.everything(pool)
    assert [] == await take_changes(pool)


async def test_reading_the_same_facts_later_is_no_change(pool: Any):
    await write_events(pool, [packument("left", dependencies={"right": "^1"})])

    assert 0 == await write_events(
        pool, [packument("left", dependencies={"right": "^1"}, at=NOON + HOUR)]
    )

    left = (await ledger.rows(pool, ledger.ARTIFACTS))[0]
    assert NOON + HOUR == left["read_at"]


async def test_an_older_reading_never_overwrites_newer_facts(pool: Any):
    await write_events(
        pool, [packument("left", "2.0.0", description="new", dependencies={"b": "1"})]
    )
    before = await ledger.rows(pool, ledger.ARTIFACTS)
    await take_changes(pool)

    await write_events(
        pool,
        [packument("left", "1.0.0", description="old", dependencies={"a": "1"}, at=NOON - HOUR)],
    )

    after = await ledger.rows(pool, ledger.ARTIFACTS)
    assert before == [row for row in after if row["purl"] != "pkg:npm/a"]
    assert ["pkg:npm/b"] == [r["target"] for r in await ledger.rows(pool, ledger.RELATIONS)]
    assert [] == await take_changes(pool)


async def test_a_change_tells_old_and_new_of_each_field(pool: Any):
    await write_events(pool, [packument("left", repository="ada/left", keywords=["a"])])
    await take_changes(pool)

    await write_events(
        pool,
        [
            packument(
                "left", repository="ada/right", keywords=["a", "b"], license="ISC", at=NOON + HOUR
            )
        ],
    )

    changed = next(c for c in await take_changes(pool) if isinstance(c, ArtifactChanged))
    assert What.UPDATED == changed.what
    assert {
        "repository": ("pkg:github/ada/left", "pkg:github/ada/right"),
        "keywords": (["a"], ["a", "b"]),
        "license": ("MIT", "ISC"),
    } == changed.fields


async def test_what_is_gone_keeps_its_facts_and_can_come_back(pool: Any):
    await write_events(pool, [packument("left", dependencies={"right": "1"})])
    await take_changes(pool)

    await write_events(pool, [gone("left", at=NOON + HOUR)])
    left = (await ledger.rows(pool, ledger.ARTIFACTS))[0]
    assert ("gone", "left for everybody") == (left["state"], left["description"])
    await write_events(pool, [packument("left", dependencies={"right": "1"}, at=NOON + 2 * HOUR)])

    assert [
        (What.GONE, {"state": ("active", "gone")}),
        (What.RESTORED, {"state": ("gone", "active")}),
    ] == [(c.what, c.fields) for c in await take_changes(pool) if isinstance(c, ArtifactChanged)]


async def test_an_older_404_does_not_take_an_artifact_away(pool: Any):
    await write_events(pool, [packument("left")])

    await write_events(pool, [gone("left", at=NOON - HOUR)])

    assert ["active"] == [row["state"] for row in await ledger.rows(pool, ledger.ARTIFACTS)]


async def test_an_edge_that_is_left_out_is_removed(pool: Any):
    await write_events(pool, [packument("left", dependencies={"a": "^1", "b": "^1", "c": "^1"})])
    await take_changes(pool)

    await write_events(
        pool, [packument("left", dependencies={"b": "^2", "c": "^1", "d": "^1"}, at=NOON + HOUR)]
    )

    assert [("pkg:npm/b", "^2"), ("pkg:npm/c", "^1"), ("pkg:npm/d", "^1")] == [
        (r["target"], r["requirement"]) for r in await ledger.rows(pool, ledger.RELATIONS)
    ]
    assert {
        (What.REMOVED, "pkg:npm/a", "^1"),
        (What.UPDATED, "pkg:npm/b", "^2"),
        (What.ADDED, "pkg:npm/d", "^1"),
    } == {
        (c.what, c.target, c.requirement)
        for c in await take_changes(pool)
        if isinstance(c, RelationChanged)
    }


async def test_dependencies_that_nobody_stated_leave_the_edges_alone(pool: Any):
    await write_events(pool, [project("litestar", info={"requires_dist": ["msgspec"]})])

    await write_events(pool, [project("litestar", info={"requires_dist": None}, at=NOON + HOUR)])

    assert ["pkg:pypi/msgspec"] == [r["target"] for r in await ledger.rows(pool, ledger.RELATIONS)]


async def test_one_target_in_two_scopes_is_two_edges(pool: Any):
    await write_events(
        pool, [packument("left", dependencies={"a": "^1"}, latest={"devDependencies": {"a": "*"}})]
    )

    assert [("dev", "*"), ("runtime", "^1")] == [
        (r["scope"], r["requirement"]) for r in await ledger.rows(pool, ledger.RELATIONS)
    ]


async def test_versions_and_tags_that_are_left_out_are_removed(pool: Any):
    await write_events(pool, [packument("left", "1.1.0", older=["1.0.0"], keywords=["a", "b"])])

    await write_events(
        pool, [packument("left", "1.2.0", older=["1.0.0"], keywords=["b", "c"], at=NOON + HOUR)]
    )

    found = await ledger.rows(pool, ledger.VERSIONS)
    assert [("1.0.0", []), ("1.2.0", ["latest"])] == [(v["version"], v["channels"]) for v in found]
    assert ["b", "c", "MIT"] == [t["name"] for t in await ledger.rows(pool, ledger.TAGS)]


async def test_values_in_one_batch_are_a_chain_of_changes(pool: Any):
    await write_events(
        pool,
        [
            packument("left", "1.0.0"),
            packument("left", "1.1.0", older=["1.0.0"], at=NOON + HOUR),
            packument("left", "1.2.0", older=["1.0.0", "1.1.0"], at=NOON + 2 * HOUR),
        ],
    )

    found = await take_changes(pool)
    assert [(None, 1), (1, 2), (2, 3)] == moves(found, "releases")
    assert [What.CREATED, What.UPDATED, What.UPDATED] == [
        c.what for c in found if isinstance(c, ArtifactChanged)
    ]


async def test_what_is_published_does_not_depend_on_how_readings_were_batched(pool: Any):
    events = [
        packument("left", dependencies={"a": "1"}),
        downloads("left", [1] * 30),
        packument("left", dependencies={"b": "1"}, at=NOON + HOUR),
        downloads("left", [1] * 29 + [4], at=NOON + HOUR),
        gone("left", at=NOON + 2 * HOUR),
    ]
    await write_events(pool, events)
    together = await take_changes(pool)
    await pool.execute("DELETE FROM relations")
    await pool.execute("DELETE FROM artifact_tags")
    for table in ("versions", "ranks", "current_metrics", "observations", "artifacts"):
        await pool.execute(f"DELETE FROM {table}")

    for event in events:
        await write_events(pool, [event])

    one_by_one = await take_changes(pool)
    assert sorted(map(repr, together)) == sorted(map(repr, one_by_one))


async def test_a_gauge_has_history_only_where_it_moved(pool: Any):
    for hours, people in enumerate([1, 1, 2, 2, 2, 1]):
        maintainers = [{"name": str(number)} for number in range(people)]
        await write_events(
            pool, [packument("left", maintainers=maintainers, at=NOON + hours * HOUR)]
        )

    assert [(NOON, 1, "live"), (NOON + 2 * HOUR, 2, "live"), (NOON + 5 * HOUR, 1, "live")] == (
        await values(pool, "maintainers")
    )
    assert [(None, 1), (1, 2), (2, 1)] == moves(await take_changes(pool), "maintainers")
    current = next(
        r for r in await ledger.rows(pool, ledger.CURRENT) if r["metric"] == "maintainers"
    )
    assert (1, 2, NOON + 5 * HOUR) == (
        current["value"],
        current["previous_value"],
        current["changed_at"],
    )


async def say(pool: Any, memory: Memory, event: Event) -> None:
    """Write what a reading says, as the consumer does: with what it says in short."""
    told = understand(event)
    assert not isinstance(told, Dead)
    await write(pool, memory, told)


def people(count: int, hours: int) -> Any:
    """A packument that so many maintain, read so many hours later."""
    names = [{"name": str(number)} for number in range(count)]
    return packument("left", maintainers=names, at=NOON + hours * HOUR)


async def test_gauges_beside_the_same_facts_are_observed_without_being_written(pool: Any):
    memory = Memory()
    await write_events(pool, [people(3, 0)], memory)
    rows = await pool.fetch("SELECT ctid, * FROM current_metrics ORDER BY metric_id")

    await write_events(pool, [people(3, 4)], memory)

    assert rows == await pool.fetch("SELECT ctid, * FROM current_metrics ORDER BY metric_id")
    current = await ledger.rows(pool, ledger.CURRENT)
    assert {(NOON + 4 * HOUR, NOON)} == {(r["observed_at"], r["changed_at"]) for r in current}


async def test_a_gauge_that_moved_is_written_and_those_beside_it_stand(pool: Any):
    memory = Memory()
    await write_events(pool, [people(3, 0)], memory)
    await take_changes(pool)
    rows = "SELECT ctid, metric_id FROM current_metrics ORDER BY metric_id"
    before = await pool.fetch(rows)

    await write_events(pool, [people(4, 1)], memory)

    moved = METRIC_BY_NAME["maintainers"].id
    after = await pool.fetch(rows)
    assert [moved] == [
        new["metric_id"] for old, new in zip(before, after, strict=True) if old != new
    ]
    assert [(3, 4)] == moves(await take_changes(pool), "maintainers")


async def test_activity_alone_is_told_and_moves_nothing_but_its_rank(pool: Any):
    memory = Memory()
    times = {"created": "2020-01-01T00:00:00Z", "1.0.0": "2020-01-01T00:00:00Z"}
    for hours in (0, 1, 1):
        modified = (NOON + hours * HOUR).isoformat()
        event = packument("left", time=times | {"modified": modified}, at=NOON + hours * HOUR)
        await write_events(pool, [event], memory)

    [_, change] = [c for c in await take_changes(pool) if isinstance(c, ArtifactChanged)]
    assert ["updated_at"] == list(change.fields)
    [rank] = await ledger.rows(pool, ledger.RANKS)
    assert NOON + HOUR == rank["latest"]


async def test_gauges_that_somebody_else_moved_meanwhile_are_written_again(pool: Any):
    memory = Memory()
    await write_events(pool, [people(3, 0)], memory)
    await write_events(pool, [people(7, 1)], Memory())

    await write_events(pool, [people(3, 2)], memory)

    assert [(None, 3), (3, 7), (7, 3)] == moves(await take_changes(pool), "maintainers")


@pytest.mark.parametrize("evicted", [False, True], ids=["remembered", "partly forgotten"])
async def test_facts_that_somebody_else_told_meanwhile_are_told_again_whole(
    pool: Any, *, evicted: bool
):
    memory = Memory()
    whole: dict[str, Any] = {
        "dependencies": {"right": "^1"},
        "keywords": ["pad"],
        "repository": "github:ada/left",
    }
    for hours in (0, 1):
        await say(pool, memory, packument("left", **whole, at=NOON + hours * HOUR))
    facts = (ledger.RELATIONS, ledger.TAGS)
    before = [await ledger.rows(pool, statement) for statement in facts]
    await say(pool, Memory(), packument("left", at=NOON + 2 * HOUR))
    assert before != [await ledger.rows(pool, statement) for statement in facts]
    if evicted:
        memory.tags.clear()
        memory.ids.pop("pkg:npm/right")

    await say(pool, memory, packument("left", **whole, at=NOON + 3 * HOUR))

    assert before == [await ledger.rows(pool, statement) for statement in facts]
    [row] = [r for r in await ledger.rows(pool, ledger.ARTIFACTS) if r["purl"] == "pkg:npm/left"]
    assert ["pad"] == row["keywords"]


async def test_what_upstream_tells_beside_the_facts_nobody_else_overwrites(pool: Any):
    await write_events(pool, [people(3, 0)])
    at = NOON + HOUR
    hearsay = Records(
        purl="pkg:npm/left", read_at=at, observations=(Observation("maintainers", 99.0, at),)
    )

    await write(pool, Memory(), [hearsay])

    assert [(NOON, 3, "live")] == await values(pool, "maintainers")
    current = {r["metric"]: r["value"] for r in await ledger.rows(pool, ledger.CURRENT)}
    assert 3 == current["maintainers"]


@pytest.mark.parametrize("memory", [Memory(), None], ids=["remembered", "forgotten"])
async def test_a_late_gauge_is_kept_in_history_and_does_not_hold_until_today(
    pool: Any, memory: Memory | None
):
    await write_events(pool, [people(3, 0)], memory)
    await write_events(pool, [people(3, 4)], memory)
    await take_changes(pool)

    await write_events(pool, [people(7, 2)], memory)

    assert [(NOON, 3, "live"), (NOON + 2 * HOUR, 7, "live"), (NOON + 4 * HOUR, 3, "live")] == (
        await values(pool, "maintainers")
    )
    assert [] == await take_changes(pool)


async def test_a_window_has_a_row_for_each_of_its_ends(pool: Any):
    await write_events(pool, [downloads("left", [2] * 30)])
    day = timedelta(days=1)

    await write_events(pool, [downloads("left", [2] * 30, last=YESTERDAY + day, at=NOON + day)])

    assert [(MIDNIGHT, 14, "live"), (MIDNIGHT + day, 14, "live")] == (
        await values(pool, "downloads_week")
    )
    days = await values(pool, "downloads_day")
    assert 31 == len(days)
    assert {MIDNIGHT, MIDNIGHT + day} == {at for at, _, origin in days if origin == "live"}
    assert 1 == len(moves(await take_changes(pool), "downloads_week"))


async def test_a_window_that_upstream_revised_replaces_the_older_answer(pool: Any):
    await write_events(pool, [downloads("left", [2] * 30)])
    await take_changes(pool)

    await write_events(pool, [downloads("left", [2] * 28 + [5, 9], at=NOON + HOUR)])

    assert [(MIDNIGHT, 24, "live")] == await values(pool, "downloads_week")
    assert [5, 9] == [value for _, value, _ in (await values(pool, "downloads_day"))[-2:]]
    found = await take_changes(pool)
    assert [(2, 9)] == moves(found, "downloads_day")
    assert [(14, 24)] == moves(found, "downloads_week")


async def test_an_older_answer_about_a_window_is_dropped(pool: Any):
    await write_events(pool, [downloads("left", [3] * 30)])
    before = await ledger.everything(pool)

    await write_events(pool, [downloads("left", [1] * 30, at=NOON - HOUR)])

    assert before == await ledger.everything(pool)


async def test_backfill_goes_to_history_only(pool: Any):
    await write_events(pool, [downloads("left", [1, 2, 3])])

    assert [(None, 3)] == moves(await take_changes(pool), "downloads_day")
    assert [(1, "backfill"), (2, "backfill"), (3, "live")] == [
        (value, origin) for _, value, origin in await values(pool, "downloads_day")
    ]


async def test_any_order_of_delivery_ends_in_the_same_state(pool: Any):
    day = timedelta(days=1)
    events = [
        packument("left", "1.0.0"),
        packument("left", "1.1.0", older=["1.0.0"], at=NOON + day),
        downloads("left", [4] * 30),
        downloads("left", [4] * 29 + [6], last=YESTERDAY + day, at=NOON + day),
    ]
    states = []
    for order in permutations(events):
        for event in order:
            await write_events(pool, [event])
        current = await ledger.rows(pool, ledger.CURRENT)
        for row in current:
            del row["previous_value"], row["changed_at"]
        artifacts = await ledger.rows(pool, ledger.ARTIFACTS)
        history = told(await ledger.rows(pool, ledger.HISTORY))
        states.append((artifacts, current, history, await ledger.rows(pool, ledger.RANKS)))
        await pool.execute("DELETE FROM artifact_tags")
        for table in ("versions", "ranks", "current_metrics", "observations", "artifacts"):
            await pool.execute(f"DELETE FROM {table}")

    assert [states[0]] * len(states) == states


async def test_ranks_hold_what_each_source_is_ranked_by(pool: Any):
    await write_events(
        pool, [packument("left"), downloads("left", [2] * 30), downloads("right", [1])]
    )

    assert [("pkg:npm/left", datetime(2020, 1, 1, tzinfo=UTC), 14, 60)] == [
        tuple(row.values()) for row in await ledger.rows(pool, ledger.RANKS)
    ]


async def test_thousands_of_versions_are_written_only_where_they_differ(pool: Any):
    older = [f"0.{number}.0" for number in range(3_000)]
    await write_events(pool, [packument("left", older=older)])

    await write_events(pool, [packument("left", "1.0.1", older=[*older, "1.0.0"], at=NOON + HOUR)])

    moved = await pool.fetch("SELECT version, xmin FROM versions WHERE artifact_id > 0")
    assert 3_002 == len(moved)
    assert 2 == len({row["xmin"] for row in moved})


async def test_a_memory_of_another_database_is_found_out(pool: Any):
    memory = Memory()
    memory.ids["pkg:npm/right"] = 4_711
    event = packument("left", dependencies={"right": "^1"})

    with pytest.raises(DatabaseRejected):
        await write_events(pool, [event], memory)

    assert 0 < await write_events(pool, [event], memory)


async def test_a_batch_that_fails_leaves_nothing_behind(pool: Any):
    memory = Memory()
    memory.ids["pkg:npm/right"] = 4_711

    with pytest.raises(DatabaseRejected):
        await write_events(
            pool, [packument("above"), packument("left", dependencies={"right": "^1"})], memory
        )

    assert [[]] * 7 == await ledger.everything(pool)
    assert [] == await take_changes(pool)


async def test_two_replicas_write_the_same_new_artifacts_without_standing_in_each_others_way(
    pool: Any,
):
    batches = [
        [
            packument(f"p-{n}", dependencies={f"p-{(n + 1) % 30}": "1"}, at=NOON + turn * HOUR)
            for n in (range(30) if turn % 2 else reversed(range(30)))
        ]
        for turn in range(8)
    ]

    await asyncio.gather(*(write_events(pool, batch) for batch in batches))

    rows = await ledger.rows(pool, ledger.ARTIFACTS)
    assert [NOON + 7 * HOUR] * 30 == [row["read_at"] for row in rows]


async def test_an_artifact_that_is_not_there_any_more_is_made_again(pool: Any):
    memory = Memory()
    memory.ids["pkg:npm/left"] = 4_711

    await write_events(pool, [packument("left")], memory)

    assert ["pkg:npm/left"] == [row["purl"] for row in await ledger.rows(pool, ledger.ARTIFACTS)]


async def test_a_mended_normalizer_corrects_what_the_same_reading_left(
    pool: Any, database_url: str
):
    events = [packument("left", dependencies={"right": "1"}), downloads("left", [2] * 30)]
    await write_events(pool, events)
    before = await ledger.everything(pool)
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE artifacts SET license = 'wrong' WHERE tracked")
    await owner.execute("UPDATE relations SET requirement = 'wrong'")
    await owner.execute("DELETE FROM versions")
    await owner.execute("UPDATE current_metrics SET value = value + 7")
    await owner.execute("UPDATE observations SET value = value + 7")
    await owner.close()

    await write_events(pool, events)

    after = await ledger.everything(pool)
    for row in after[1]:
        row["previous_value"] = None
    origins = [row.pop("origin") for table in (before[2], after[2]) for row in table]
    assert before == after
    assert {"live", "backfill"} == set(origins)


async def test_a_gap_in_the_days_is_no_day_without_downloads(pool: Any):
    event = downloads("left", [1] * 10)
    days = [day for day in event.data.downloads if day.day != "2026-11-14"]
    torn = msgspec.structs.replace(event.data, downloads=days)

    await write_events(pool, [msgspec.structs.replace(event, data=torn)])

    assert 9 == len(await values(pool, "downloads_day"))
    assert [] == await values(pool, "downloads_week")


async def test_days_that_this_process_wrote_itself_are_not_compared_again(pool: Any):
    memory, days = Memory(), list(range(1, 36))
    day = timedelta(days=1)
    await write_events(pool, [downloads("left", days)], memory)
    # Nobody does this but a test that wants to see whether anybody looks.
    await pool.execute("UPDATE observations SET value = 999 WHERE value = 7")

    await write_events(
        pool, [downloads("left", [*days[1:], 36], last=YESTERDAY + day, at=NOON + day)], memory
    )

    history = [value for _, value, _ in await values(pool, "downloads_day")]
    assert [*days[:6], 999, *days[7:], 36] == history


async def test_days_that_somebody_else_wrote_meanwhile_are_compared_again(pool: Any):
    memory, days = Memory(), list(range(1, 36))
    day = timedelta(days=1)
    await write_events(pool, [downloads("left", days)], memory)
    await write_events(pool, [downloads("left", [1, 500, *days[2:]], at=NOON + HOUR)], Memory())

    await write_events(
        pool, [downloads("left", [*days[1:], 36], last=YESTERDAY + day, at=NOON + day)], memory
    )

    history = [value for _, value, _ in await values(pool, "downloads_day")]
    assert [*days, 36] == history
