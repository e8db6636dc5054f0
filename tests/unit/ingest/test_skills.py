"""What the front matter of a SKILL.md means, and what is said of one that breaks the rules."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.vocabulary import RelationType, TagCategory
from services.ingest.normalizers import skills
from services.ingest.records import Edge, Facts, File, Problem, Records, UnexpectedShape, Version
from tests.support.readings import reading

PAYLOADS = Path(__file__).parents[2] / "payloads" / "skills"
PURL = "pkg:github/acme/skills#skills/tidy-up"
GOOD = "name: tidy-up\ndescription: Tidies up."


def skill(text: str, purl: str = PURL, **fields: Any) -> Records:
    data = {"repository": "acme/skills", "path": "skills/tidy-up", "tree": "t1", "text": text}
    return skills.skill(reading("skills.skill.v1", purl, data | fields))


def matter(yaml: str, **fields: Any) -> Records:
    """A skill with this front matter."""
    return skill(f"---\n{yaml}\n---\n\n# Tidy up\n", **fields)


def facts(yaml: str) -> Facts:
    told = matter(yaml).facts
    assert told is not None
    return told


def reasons(records: Records) -> list[str]:
    return [problem.reason for problem in records.problems or ()]


def test_a_recorded_skill_is_understood():
    text = (PAYLOADS / "react-best-practices.md").read_text()
    purl = "pkg:github/vercel-labs/agent-skills#skills/react-best-practices"

    records = skill(text, purl)

    assert records.facts is not None
    assert (records.facts.description or "").startswith("React and Next.js performance")
    assert ("MIT", "pkg:github/vercel-labs/agent-skills") == (
        records.facts.license,
        records.facts.repository,
    )
    assert "https://github.com/vercel-labs/agent-skills/tree/HEAD/skills/react-best-practices" == (
        records.facts.url
    )
    assert ("1.0.0", "vercel") == (
        records.facts.extra["version"],
        records.facts.extra["author"],
    )
    assert ((TagCategory.LICENSE, "MIT"),) == records.tags
    assert ["name is not the name of its folder"] == reasons(records)


def test_a_skill_is_hosted_in_its_repository():
    assert (Edge("pkg:github/acme/skills", extra={"directory": "skills/tidy-up"}),) == matter(
        GOOD
    ).relations[RelationType.HOSTED_IN]


def test_versions_are_the_commits_that_touched_the_folder():
    records = matter(
        GOOD,
        commits=[
            {"sha": "c2", "date": "2026-02-01T00:00:00Z"},
            {"sha": "c1", "date": None},
            {"sha": "c1"},
        ],
    )

    newest = datetime(2026, 2, 1, tzinfo=UTC)
    assert (Version(version="c2", published_at=newest), Version(version="c1")) == records.versions
    assert records.facts is not None
    assert ("c2", newest) == (records.facts.latest_version, records.facts.updated_at)


def test_files_and_their_size_are_told():
    records = matter(
        GOOD,
        files=[
            {"path": "SKILL.md", "size": 7, "sha": "b1"},
            {"path": "SKILL.md"},
            {"path": "run.sh", "size": None},
        ],
    )

    assert (
        File(path="SKILL.md", size_bytes=7, blob_id="b1"),
        File(path="run.sh"),
    ) == records.files
    assert [("size_bytes", 7.0)] == [(o.metric, o.value) for o in records.observations]


def test_a_skill_that_keeps_the_rules_has_no_problems():
    records = matter(
        f"{GOOD}\nlicense: MIT\ncompatibility: Needs git.\nallowed-tools: Read Bash(git *)\n"
        "metadata:\n  author: acme\n  version: '1.0'"
    )

    assert () == records.problems
    assert records.facts is not None
    assert ["Read", "Bash(git *)"] == records.facts.extra["allowed_tools"]


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("description: x", "name is missing"),
        ("name: 7\ndescription: x", "name is no text"),
        ("name: on\ndescription: x", "name is no text"),
        (
            "name: Tidy_Up\ndescription: x",
            "name has more than lower-case letters, digits and single hyphens between them",
        ),
        (
            "name: -tidy--up\ndescription: x",
            "name has more than lower-case letters, digits and single hyphens between them",
        ),
        (f"name: {'x' * 65}\ndescription: x", "name has more than 64 characters"),
        ("name: other\ndescription: x", "name is not the name of its folder"),
        ("name: tidy-up", "description is missing"),
        ("name: tidy-up\ndescription: ' '", "description is empty"),
        ("name: tidy-up\ndescription: [x]", "description is no text"),
        (
            f"name: tidy-up\ndescription: {'x' * 1_025}",
            "description has more than 1,024 characters",
        ),
        (f"{GOOD}\ncompatibility: {'x' * 501}", "compatibility has more than 500 characters"),
        (f"{GOOD}\nmetadata: x", "metadata is no table"),
        (f"{GOOD}\nmetadata:\n  version: 1.0", "metadata.version is no text"),
        (f"{GOOD}\nmetadata:\n  a: {{b: c}}", "metadata.a is no text"),
        (
            f"{GOOD}\nallowed-tools: [Read, Write]",
            "allowed-tools is no text of names with blanks between them",
        ),
        (f"{GOOD}\nversion: 1", "version is no field of the specification"),
    ],
)
def test_what_breaks_a_rule_is_recorded_and_sinks_nothing(yaml: str, reason: str):
    records = matter(yaml)

    assert reason in reasons(records)
    assert records.facts is not None


def test_a_list_of_tools_and_a_number_as_version_are_understood_all_the_same():
    told = facts(f"{GOOD}\nallowed-tools: [Read, 7, Write]\nversion: 1.5").extra

    assert (["Read", "Write"], "1.5") == (told["allowed_tools"], told["version"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no front matter"),
        ("# Tidy up\n", "there is no front matter"),
        ("---\nname: tidy-up\n", "the front matter does not end"),
        ("---\n- name\n---\n", "the front matter is no table"),
        ("---\n---\n", "the front matter is no table"),
        ("---\nname: a: b\n---\n", "the front matter is no YAML: mapping values"),
        ("---\nname: 'x\n---\n", "the front matter is no YAML: found unexpected end of stream"),
        ("---\nname: 2026-99-99\n---\n", "the front matter is no YAML: month must be in 1..12"),
        (f"---\nname: {'9' * 5_000}\n---\n", "the front matter is no YAML: Exceeds the limit"),
        ("---\nname: \x07\n---\n", "the front matter is no YAML: unacceptable character"),
        ("---\nname: !!python/object:os.system x\n---\n", "the front matter is no YAML: could not"),
        ("---\na: &a [x]\nb: *a\n---\n", "the front matter is no YAML: anchors and aliases are"),
        (f"---\na: {'[' * 30_000}\n---\n", "the front matter is no YAML: it nests deeper"),
        (f"---\na: {'x' * 40_000}\n---\n", "the front matter is longer than 32,768 characters"),
        ("---\n? [a]\n: b\n---\n", "the front matter is no YAML: found unhashable key"),
        ("---\n7: b\nname: tidy-up\n---\n", "the front matter has a key that is no text"),
    ],
)
def test_a_file_without_usable_front_matter_is_still_a_skill(text: str, reason: str):
    records = skill(text)

    assert reasons(records)[0].startswith(reason)
    assert records.facts is not None
    assert {"SKILL.md"} == {problem.path for problem in records.problems or ()}


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff---\nname: tidy-up\ndescription: 整理文件\n---\n",
        "---\r\nname: tidy-up\r\ndescription: 整理文件\r\n---\r\n",
        "---  \nname: tidy-up\ndescription: >-\n  整理文件\n---\t\n",
    ],
)
def test_marks_line_ends_and_scripts_of_all_kinds_are_read(text: str):
    records = skill(text)

    assert records.facts is not None
    assert "整理文件" == records.facts.description
    assert () == records.problems


def test_a_file_that_is_no_utf_8_says_so():
    assert (Problem(path="SKILL.md", reason="the file is not UTF-8"),) == matter(
        GOOD, encoding="utf-16"
    ).problems


def test_a_description_that_is_too_long_is_cut():
    assert len(facts(f"name: tidy-up\ndescription: {'x' * 5_000}").description or "") == 1_024


@pytest.mark.parametrize(
    "yaml", ["tags: [Git, tidy]", "metadata: {tags: 'Git, tidy'}", "metadata: {keywords: git tidy}"]
)
def test_keywords_come_from_wherever_people_write_them(yaml: str):
    assert ("git", "tidy") == facts(f"{GOOD}\n{yaml}").keywords


def test_installs_are_counted():
    data = {"id": "acme/skills/tidy-up", "installs": 7}

    records = skills.installs(reading("skills.installs.v1", PURL, data))

    assert [("installs", 7.0)] == [(o.metric, o.value) for o in records.observations]
    assert records.facts is None


def test_a_count_below_zero_is_unexpected():
    with pytest.raises(UnexpectedShape, match="-1 installs"):
        skills.installs(reading("skills.installs.v1", PURL, {"id": "x", "installs": -1}))


def test_a_reading_about_a_repository_is_unexpected():
    with pytest.raises(UnexpectedShape, match="is not of skills"):
        skill("", "pkg:github/acme/skills")
