"""Parts of an artifact: each told by its own readings, none undone by another."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.changes import ArtifactChanged, What
from contracts.vocabulary import RelationType
from services.ingest.memory import Memory
from services.ingest.records import Edge, Facts, File, Observation, Part, Problem, Records
from services.ingest.writer import write
from tests.support import ledger
from tests.support.ledger import take_changes
from tests.support.readings import NOON

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
REPOSITORY = "pkg:github/ada/engine"
NUMPY, PANDAS = "pkg:pypi/numpy", "pkg:pypi/pandas"


def edges(*told: tuple[str, str | None]) -> dict[RelationType, tuple[Edge, ...]]:
    return {
        RelationType.DEPENDS_ON: tuple(
            Edge(target, scope="runtime", requirement=requirement) for target, requirement in told
        )
    }


def part(name: Part, hours: int = 0, **told: Any) -> Records:
    return Records(purl=REPOSITORY, read_at=NOON + hours * HOUR, part=name, **told)


async def told(pool: Any, *batch: Records) -> list[Any]:
    """What one batch changed."""
    await write(pool, Memory(), batch)
    return await take_changes(pool)


async def relations(pool: Any) -> list[tuple[Any, ...]]:
    rows = await pool.fetch(
        "SELECT r.part, t.purl, r.requirement FROM relations r JOIN artifacts t"
        " ON t.id = r.target_id ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def the_artifact(pool: Any, *columns: str) -> tuple[Any, ...]:
    query = f"SELECT {', '.join(columns)} FROM artifacts WHERE purl = $1"
    return tuple(await pool.fetchrow(query, REPOSITORY))


async def test_a_part_replaces_its_own_edges_and_no_others(pool: Any):
    await told(
        pool,
        part(Part.FACTS, facts=Facts(), relations=edges((NUMPY, "1"))),
        part(Part.MANIFESTS, relations=edges((PANDAS, "2"))),
    )

    await told(pool, part(Part.MANIFESTS, 1, relations=edges()))
    assert [("facts", NUMPY, "1")] == await relations(pool)

    await told(pool, part(Part.FACTS, 2, facts=Facts(), relations=edges()))
    assert [] == await relations(pool)


async def test_a_part_is_as_new_as_its_own_last_reading(pool: Any):
    await told(pool, part(Part.FACTS, 9, facts=Facts(description="new")))
    await told(pool, part(Part.MANIFESTS, 2, relations=edges((NUMPY, "new"))))

    late = await told(pool, part(Part.MANIFESTS, 1, relations=edges((NUMPY, "late"))))

    assert [] == late
    assert [("manifests", NUMPY, "new")] == await relations(pool)
    assert (NOON + 9 * HOUR,) == await the_artifact(pool, "read_at")


async def test_who_only_counts_outdoes_nobody(pool: Any):
    counted = (Observation("dependents", 7.0, NOON + HOUR),)
    await told(pool, part(Part.ENRICHMENT, 1, observations=counted))

    await told(pool, part(Part.ENRICHMENT, 0, relations=edges((NUMPY, None))))

    assert [("enrichment", NUMPY, None)] == await relations(pool)


async def test_the_same_edge_told_twice_is_seen_once_by_the_stronger_part(pool: Any):
    weak = part(Part.ENRICHMENT, relations=edges((NUMPY, "weak")))
    (first,) = await told(pool, weak)
    assert (What.ADDED, "weak") == (first.what, first.requirement)

    strong = part(Part.FACTS, 1, facts=Facts(), relations=edges((NUMPY, "strong")))
    _, second = await told(pool, strong)
    assert (What.UPDATED, "strong") == (second.what, second.requirement)

    hidden = await told(pool, part(Part.ENRICHMENT, 2, relations=edges((NUMPY, "weaker"))))
    assert [] == hidden

    (left,) = await told(pool, part(Part.FACTS, 3, facts=Facts(), relations=edges()))
    assert (What.UPDATED, "weaker") == (left.what, left.requirement)

    (gone,) = await told(pool, part(Part.ENRICHMENT, 4, relations=edges()))
    assert What.REMOVED == gone.what


async def test_whatever_the_order_the_parts_end_the_same(pool: Any):
    batch = [
        part(
            Part.FACTS,
            1,
            facts=Facts(description="old", license="MIT"),
            relations=edges((NUMPY, "1")),
        ),
        part(Part.FACTS, 2, facts=Facts(description="own"), relations=edges((PANDAS, "1"))),
        part(Part.MANIFESTS, 1, relations=edges((NUMPY, "2"))),
        part(
            Part.ENRICHMENT,
            1,
            facts=Facts(description="theirs", license="ISC", repository="pkg:github/ada/x"),
            relations=edges((NUMPY, "3")),
        ),
    ]
    ends = []
    for order in permutations(batch):
        for records in order:
            await write(pool, Memory(), [records])
        ends.append(
            (
                await relations(pool),
                await the_artifact(pool, "description", "license", "filled", "read_at"),
            )
        )
        await pool.execute("DELETE FROM relations")
        await pool.execute("DELETE FROM parts")
        await pool.execute("DELETE FROM artifacts WHERE purl = $1", REPOSITORY)

    assert all(end == ends[0] for end in ends)
    assert ("own", "ISC", ["repository", "license"], NOON + 2 * HOUR) == ends[0][1]


async def test_an_enricher_fills_what_is_empty_and_nothing_else(pool: Any):
    await told(pool, part(Part.FACTS, facts=Facts(description="own")))

    (change,) = await told(
        pool, part(Part.ENRICHMENT, facts=Facts(description="theirs", license="MIT"))
    )

    assert isinstance(change, ArtifactChanged)
    assert {"license": (None, "MIT")} == change.fields
    assert ("own", "MIT", ["license"]) == await the_artifact(
        pool, "description", "license", "filled"
    )

    (change,) = await told(pool, part(Part.FACTS, 1, facts=Facts(license="ISC")))
    assert {"license": ("MIT", "ISC"), "description": ("own", "theirs")} == change.fields
    (change,) = await told(pool, part(Part.ENRICHMENT, 1, facts=Facts(license="MIT")))
    assert {"description": ("theirs", None)} == change.fields
    assert (None, "ISC", []) == await the_artifact(pool, "description", "license", "filled")


async def test_an_enricher_without_facts_takes_none_back(pool: Any):
    await told(pool, part(Part.FACTS, facts=Facts()))
    await told(pool, part(Part.ENRICHMENT, facts=Facts(license="MIT")))

    await told(pool, part(Part.ENRICHMENT, 1, relations=edges((NUMPY, None))))
    await told(pool, part(Part.FACTS, 2, facts=Facts(description="more")))

    assert ("MIT",) == await the_artifact(pool, "license")


async def test_parts_of_a_stub_stay_when_its_facts_come(pool: Any):
    await told(pool, part(Part.MANIFESTS, 5, relations=edges((NUMPY, "1"))))
    assert (False,) == await the_artifact(pool, "tracked")

    found = await told(pool, part(Part.FACTS, facts=Facts(), relations=edges((PANDAS, "1"))))

    assert [What.CREATED, What.ADDED] == [change.what for change in found]
    assert [("facts", PANDAS, "1"), ("manifests", NUMPY, "1")] == await relations(pool)


async def test_problems_are_a_set_of_their_part(pool: Any):
    broken = (Problem(path="setup.cfg", reason="no ini"), Problem(path="a.toml", reason="no toml"))
    await told(pool, part(Part.MANIFESTS, problems=broken))
    await told(pool, part(Part.SKILLS, problems=(Problem(path="SKILL.md", reason="no name"),)))

    await told(pool, part(Part.MANIFESTS, 1, problems=broken[1:]))

    rows = await pool.fetch("SELECT part, place, path, reason FROM problems ORDER BY 1, 2")
    assert [
        ("manifests", 0, "a.toml", "no toml"),
        ("skills", 0, "SKILL.md", "no name"),
    ] == [tuple(row) for row in rows]


async def test_files_are_a_set_of_the_facts(pool: Any):
    first = (File(path="a"), File(path="b", size_bytes=2**40, lfs=True))
    await told(pool, part(Part.FACTS, facts=Facts(), files=first))

    second = (File(path="b", size_bytes=1, blob_id="x"), File(path="c"))
    await told(pool, part(Part.FACTS, 1, facts=Facts(), files=second))

    rows = await pool.fetch("SELECT path, size_bytes, blob_id, lfs FROM files ORDER BY 1")
    assert [("b", 1, "x", False), ("c", None, None, False)] == [tuple(row) for row in rows]


async def test_another_thing_under_the_same_name_is_told_and_has_no_delta(pool: Any):
    def reading(hours: int, upstream_id: str, stars: float) -> Records:
        at = NOON + hours * HOUR
        return part(
            Part.FACTS,
            hours,
            facts=Facts(upstream_id=upstream_id),
            observations=(Observation("stars", stars, at),),
        )

    await told(pool, reading(0, "7", 90_000.0))

    artifact, metric = await told(pool, reading(1, "8", 3.0))

    assert {"upstream_id": ("7", "8")} == artifact.fields
    assert (None, 3, None) == (metric.old, metric.new, metric.delta)
    assert [90_000, 3] == [value for _, value, _ in await ledger.values(pool, "stars")]
    assert [] == await told(pool, reading(0, "7", 90_000.0))
