"""Models, datasets and skills on a real PostgreSQL: how they are stored, and what they touch."""

from typing import Any

import pytest

from tests.support import ledger, samples
from tests.support.ledger import write_events

pytestmark = pytest.mark.integration

MODEL = "pkg:huggingface/deepset/roberta-base-squad2"
SKILL = "pkg:github/vercel-labs/agent-skills#skills/react-best-practices"
READINGS = (
    "huggingface.model.v1",
    "huggingface.dataset.v1",
    "skills.skill.v1",
    "skills.installs.v1",
)
KINDS = "SELECT purl, kind, source, tracked FROM artifacts ORDER BY purl"


async def written(pool: Any) -> None:
    await write_events(pool, [samples.decode(f"{name}.json") for name in READINGS])


async def test_each_is_stored_as_what_it_is_and_so_is_what_it_points_at(pool: Any):
    await written(pool)

    found = {row["purl"]: tuple(row)[1:] for row in await pool.fetch(KINDS)}
    assert {
        MODEL: ("model", "huggingface", True),
        "pkg:huggingface/FacebookAI/roberta-base": ("model", "huggingface", False),
        "pkg:huggingface/datasets/rajpurkar/squad_v2": ("dataset", "huggingface", True),
        "pkg:huggingface/datasets/squad_v2": ("dataset", "huggingface", False),
        SKILL: ("skill", "skills", True),
        "pkg:github/vercel-labs/agent-skills": ("repository", "github", False),
    } == found


async def test_where_it_comes_from_is_stored_with_how(pool: Any):
    await written(pool)

    rows = await ledger.rows(pool, ledger.RELATIONS)
    assert [
        (SKILL, "hosted_in", {"directory": "skills/react-best-practices"}),
        (MODEL, "derived_from", {"relation": "finetune"}),
        (MODEL, "trained_on", {}),
    ] == [(row["purl"], row["type"], row["extra"]) for row in rows]


async def test_counts_of_both_are_current(pool: Any):
    await written(pool)

    rows = await ledger.rows(pool, ledger.CURRENT)
    current = {(row["purl"], row["metric"]): row["value"] for row in rows}
    assert (1_801_802, 274, 124_057_092, 184_201) == (
        current[MODEL, "downloads_month"],
        current[MODEL, "derivatives"],
        current[MODEL, "parameters"],
        current[SKILL, "installs"],
    )


async def test_commits_of_a_skill_are_its_versions(pool: Any):
    await written(pool)

    rows = [row for row in await ledger.rows(pool, ledger.VERSIONS) if row["purl"] == SKILL]
    assert len(rows) == 2
    assert all(row["published_at"] for row in rows)
