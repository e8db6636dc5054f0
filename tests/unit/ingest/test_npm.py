"""What a packument and a series of downloads of npm mean."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.readings.npm import Packument
from contracts.vocabulary import RelationType, State, TagCategory
from services.ingest.normalizers import npm
from services.ingest.records import Edge, Records, UnexpectedShape
from tests.support.readings import NOON, downloads, packument, reading

PAYLOADS = Path(__file__).parents[2] / "payloads" / "npm"


def recorded(name: str, purl: str) -> Records:
    """A recorded answer, as the collector decodes it."""
    data = msgspec.json.decode((PAYLOADS / name).read_bytes(), type=Packument)
    return npm.packument(reading("npm.packument.v1", purl, msgspec.to_builtins(data)))


def normalize(**fields: Any) -> Records:
    return npm.packument(packument("left", **fields))


def facts(**fields: Any) -> Any:
    return normalize(**fields).facts


def edges(**latest: Any) -> list[tuple[str, str, str | None]]:
    told = normalize(latest=latest).relations[RelationType.DEPENDS_ON]
    return [(edge.target.removeprefix("pkg:npm/"), edge.scope, edge.requirement) for edge in told]


def value(records: Records, metric: str) -> float | None:
    return next((o.value for o in records.observations if o.metric == metric), None)


def test_a_recorded_packument_is_understood():
    records = recorded("etag.json", "pkg:npm/etag")

    assert records.facts is not None
    assert "pkg:github/jshttp/etag" == records.facts.repository
    assert "MIT" == records.facts.license
    assert records.facts.latest_version in {v.version for v in records.versions or ()}
    assert value(records, "releases") == len(records.versions or ())
    assert records.facts.created_at is not None
    assert all(version.published_at for version in records.versions or ())


def test_a_package_that_was_unpublished_whole_is_gone():
    data = msgspec.json.decode((PAYLOADS / "unpublished.json").read_bytes(), type=Packument)
    purl = f"pkg:npm/{data.name}"

    records = npm.packument(reading("npm.packument.v1", purl, msgspec.to_builtins(data)))

    assert records.gone
    assert records.facts is None
    assert not records.relations


def test_versions_in_time_alone_were_unpublished():
    records = normalize(
        version="1.0.0", time={"created": "2020-01-01", "0.9.0": "2020-01-01T00:00:00Z"}
    )

    assert ["1.0.0"] == [version.version for version in records.versions or ()]
    assert [None] == [version.published_at for version in records.versions or ()]


def test_prereleases_channels_and_deprecations_are_told_by_version():
    records = normalize(
        version="2.0.0-rc.1",
        older=["1.0.0+build-7", "1.1.0"],
        channels={"next": "2.0.0-rc.1", "old": "1.1.0", "broken": 7},
        latest={"deprecated": "Use right instead"},
    )

    assert [
        ("1.0.0+build-7", False, (), None),
        ("1.1.0", False, ("old",), None),
        ("2.0.0-rc.1", True, ("latest", "next"), "Use right instead"),
    ] == [(v.version, v.prerelease, v.channels, v.deprecated) for v in records.versions or ()]
    assert records.facts is not None
    assert State.DEPRECATED == records.facts.state


@pytest.mark.parametrize(
    ("deprecated", "state"),
    [
        ("no longer kept", State.DEPRECATED),
        (True, State.DEPRECATED),
        ("", State.ACTIVE),
        (" ", State.ACTIVE),
        (False, State.ACTIVE),
        (None, State.ACTIVE),
        ([], State.ACTIVE),
    ],
)
def test_an_empty_deprecation_is_none(deprecated: Any, state: State):
    assert state == facts(latest={"deprecated": deprecated}).state


def test_the_latest_version_need_not_be_the_highest():
    records = normalize(version="1.0.0", older=["2.0.0"])

    assert records.facts is not None
    assert "1.0.0" == records.facts.latest_version


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": {"type": "BSD-3-Clause", "url": "https://example.org"}}, "BSD-3-Clause"),
        ({"license": None, "licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}, "MIT OR GPL-2.0"),
        ({"license": ["MIT", "ISC", "MIT"]}, "MIT OR ISC"),
        ({"license": None, "latest": {"license": "ISC"}}, "ISC"),
        ({"license": [["MIT"], "ISC"]}, "ISC"),
        ({"license": {"text": "free"}}, None),
        ({"license": 7}, None),
        ({"license": "x" * 300}, None),
    ],
)
def test_a_licence_has_many_shapes(fields: dict[str, Any], expected: str | None):
    assert expected == facts(**fields).license


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        (["A", " b ", "a", "", 7, None], ("a", "b")),
        ("One, two,one", ("one", "two")),
        ("one two", ("one", "two")),
        (["two\n  words"], ("two words",)),
        (["x" * 61], ()),
        ({"a": 1}, ()),
        (None, ()),
    ],
)
def test_keywords_are_a_list_or_a_text(keywords: Any, expected: tuple[str, ...]):
    records = normalize(keywords=keywords)

    assert records.facts is not None
    assert expected == records.facts.keywords
    assert expected == tuple(
        name for category, name in records.tags or () if category is TagCategory.GENERAL
    )


def test_a_thousand_keywords_are_too_many():
    assert 60 == len(facts(keywords=[f"word-{number}" for number in range(1_000)]).keywords)


@pytest.mark.parametrize("description", [{"text": "no"}, ["no"], 7, True, None, "", "  ", "\x00"])
def test_a_description_that_is_no_text_is_none(description: Any):
    assert facts(description=description).description is None


def test_texts_are_made_fit_for_the_database():
    assert (
        "no nul, no surrogate" == facts(description=" no nul,\x00 no\ud800 surrogate ").description
    )
    assert 2_000 == len(facts(description="x" * 10_000).description)


@pytest.mark.parametrize(
    ("repository", "purl", "extra"),
    [
        ("github:ada/left", "pkg:github/ada/left", {}),
        ("ada/left", "pkg:github/ada/left", {}),
        ({"url": "git+ssh://git@github.com/Ada/Left.git"}, "pkg:github/ada/left", {}),
        ([{"url": "https://github.com/ada/left"}], "pkg:github/ada/left", {}),
        ("gist:11081aaa281", None, {"repository": "gist:11081aaa281"}),
        ({"url": "https://example.org/left"}, None, {"repository": "https://example.org/left"}),
        ({"type": "git"}, None, {}),
        (7, None, {}),
    ],
)
def test_a_repository_has_many_shapes(repository: Any, purl: str | None, extra: dict[str, str]):
    records = normalize(repository=repository)

    assert records.facts is not None
    assert (purl, extra) == (records.facts.repository, records.facts.extra)
    hosted = records.relations[RelationType.HOSTED_IN]
    assert ([purl] if purl else []) == [edge.target for edge in hosted]


def test_a_folder_in_a_repository_goes_with_the_edge():
    records = normalize(
        repository={"url": "https://github.com/ada/mono", "directory": "packages/left"}
    )

    assert (Edge("pkg:github/ada/mono", extra={"directory": "packages/left"}),) == (
        records.relations[RelationType.HOSTED_IN]
    )


def test_dependencies_are_told_by_scope():
    assert [
        ("a", "runtime", "^1"),
        ("d", "dev", "*"),
        ("p", "peer", ">=2"),
        ("q", "optional", ">=3"),
        ("o", "optional", "~4"),
    ] == edges(
        dependencies={"a": "^1", "o": "~4"},
        devDependencies={"d": "*"},
        peerDependencies={"p": ">=2", "q": ">=3"},
        peerDependenciesMeta={"q": {"optional": True}, "p": {"optional": False}},
        optionalDependencies={"o": "~4"},
    )


@pytest.mark.parametrize(
    ("name", "requirement", "expected"),
    [
        ("alias", "npm:real@^1", [("real", "runtime", "^1")]),
        ("alias", "npm:@scope/real@2.0", [("%40scope/real", "runtime", "2.0")]),
        ("alias", "npm:@scope/real", [("%40scope/real", "runtime", None)]),
        ("alias", "npm:../no", []),
        ("here", "file:../here", []),
        ("here", "link:../here", []),
        ("here", "workspace:^", []),
        ("fork", "git+https://github.com/a/b.git#main", None),
        ("fork", "https://example.org/fork.tgz", None),
        ("fork", "ada/fork", None),
        ("JSONStream", "^1", None),
        ("any", "", [("any", "runtime", None)]),
        ("odd", 7, [("odd", "runtime", None)]),
        ("no name", "^1", []),
        (".hidden", "^1", []),
        ("x" * 215, "^1", []),
        ("", "^1", []),
        ("@scope/", "^1", []),
    ],
)
def test_a_requirement_leads_to_the_registry_or_nowhere(
    name: str, requirement: Any, expected: list[Any] | None
):
    if expected is None:
        expected = [(name, "runtime", requirement)]

    assert expected == edges(dependencies={name: requirement})


def test_an_alias_is_kept_beside_the_name():
    told = normalize(dependencies={"old": "npm:real@^1", "real": "^2"})

    assert (Edge("pkg:npm/real", "runtime", "^1 || ^2", {"alias": "old"}),) == (
        told.relations[RelationType.DEPENDS_ON]
    )


@pytest.mark.parametrize("odd", [[], ["a"], "a", 7, None, {}])
def test_a_table_of_dependencies_in_another_shape_is_empty(odd: Any):
    assert [] == edges(dependencies=odd, devDependencies=odd, peerDependenciesMeta=odd)


def test_without_a_latest_version_nobody_knows_the_dependencies():
    records = normalize(**{"dist-tags": {"latest": "9.9.9"}})

    assert RelationType.DEPENDS_ON not in records.relations
    assert value(records, "dependencies") is None


def test_the_counts_of_a_packument():
    records = normalize(
        older=["0.1.0"], dependencies={"a": "1", "b": "1"}, maintainers=[{"name": "a"}, "b"]
    )

    assert (2, 2, 2) == tuple(
        value(records, metric) for metric in ("releases", "maintainers", "dependencies")
    )
    assert {NOON} == {o.observed_at for o in records.observations}


@pytest.mark.parametrize("subject", ["", "left", "pkg:npm/%61", "pkg:pypi/left", "pkg:npm/left@1"])
def test_a_reading_about_something_else_is_unexpected(subject: str):
    event = msgspec.structs.replace(packument("left"), subject=subject)

    with pytest.raises(UnexpectedShape, match="ce-subject"):
        npm.packument(event)


def test_downloads_become_a_day_a_week_and_a_month():
    records = npm.downloads(downloads("left", list(range(1, 36))))

    end = datetime(2026, 11, 20, tzinfo=UTC)
    assert [
        ("downloads_day", 35, end),
        ("downloads_week", sum(range(29, 36)), end),
        ("downloads_month", sum(range(6, 36)), end),
    ] == [(o.metric, o.value, o.observed_at) for o in records.observations]
    (older,) = records.backfill
    assert tuple(map(float, range(1, 35))) == older.values


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "", "1999-01-01", "2026-12-24"])
def test_a_day_that_cannot_be_is_unexpected(day: str):
    event = downloads("left", [1])
    days = [msgspec.structs.replace(event.data.downloads[0], day=day)]
    data = msgspec.structs.replace(event.data, downloads=days)

    with pytest.raises(UnexpectedShape):
        npm.downloads(msgspec.structs.replace(event, data=data))


@pytest.mark.parametrize("count", [-1, 2**53 + 1, 10**400])
def test_a_count_that_cannot_be_is_unexpected(count: int):
    with pytest.raises(UnexpectedShape):
        npm.downloads(downloads("left", [count], last=date(2026, 11, 1)))
