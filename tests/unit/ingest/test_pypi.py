"""What a project page and a series of downloads of PyPI mean."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.readings.pypi import Project
from contracts.vocabulary import RelationType, TagCategory
from services.ingest.normalizers import pypi
from services.ingest.records import Records
from tests.support.readings import NOON, project, reading

PAYLOADS = Path(__file__).parents[2] / "payloads" / "pypi"


def recorded(name: str, purl: str) -> Records:
    data = msgspec.json.decode((PAYLOADS / name).read_bytes(), type=Project)
    return pypi.project(reading("pypi.project.v1", purl, msgspec.to_builtins(data)))


def facts(**info: Any) -> Any:
    return pypi.project(project("left", info=info)).facts


def value(records: Records, metric: str) -> float | None:
    return next((o.value for o in records.observations if o.metric == metric), None)


def test_a_recorded_project_is_understood():
    records = recorded("datasette-block.json", "pkg:pypi/datasette-block")

    assert records.facts is not None
    assert "pkg:github/simonw/datasette-block" == records.facts.repository
    assert "0.1.1" == records.facts.latest_version
    assert "Simon Willison" == records.facts.extra["author"]
    assert [
        ("pkg:pypi/datasette", "runtime"),
        ("pkg:pypi/pytest", "optional"),
        ("pkg:pypi/pytest-asyncio", "optional"),
        ("pkg:pypi/asgi-lifespan", "optional"),
    ] == [(e.target, e.scope) for e in records.relations[RelationType.DEPENDS_ON]]
    assert (2, 1) == (value(records, "releases"), value(records, "dependencies"))


def test_a_recorded_project_of_many_releases_is_understood():
    records = recorded("luigi.json", "pkg:pypi/luigi")

    assert records.versions is not None
    assert value(records, "releases") == len(records.versions)
    assert records.facts is not None
    assert ("Apache-2.0", "Python") == (records.facts.license, records.facts.language)
    times = [v.published_at for v in records.versions if v.published_at]
    assert records.facts.created_at == min(times)
    assert RelationType.DEPENDS_ON not in records.relations
    assert value(records, "dependencies") is None


def test_extras_and_markers_are_kept_with_the_edge():
    records = pypi.project(
        project(
            "left",
            info={
                "requires_dist": [
                    "msgspec>=0.18; extra == 'json'",
                    'Msg_Spec (>=0.17) ; extra == "all"',
                    "msgspec ; python_version < '3.12'",
                    "uvicorn[standard]<1,>=0.20",
                    "fork @ https://example.org/fork.zip",
                ]
            },
        )
    )

    found = records.relations[RelationType.DEPENDS_ON]
    assert [
        (
            "pkg:pypi/msgspec",
            "optional",
            ">=0.18",
            {"extras": ["json"], "markers": ['extra == "json"']},
        ),
        (
            "pkg:pypi/msg-spec",
            "optional",
            ">=0.17",
            {"extras": ["all"], "markers": ['extra == "all"']},
        ),
        ("pkg:pypi/msgspec", "runtime", None, {"markers": ['python_version < "3.12"']}),
        ("pkg:pypi/uvicorn", "runtime", "<1,>=0.20", {"features": ["standard"]}),
        ("pkg:pypi/fork", "runtime", "@ https://example.org/fork.zip", {}),
    ] == [(e.target, e.scope, e.requirement, e.extra) for e in found]
    assert 3 == value(records, "dependencies")


def test_one_target_of_two_extras_is_one_edge():
    records = pypi.project(
        project("left", info={"requires_dist": ["a>1; extra == 'x'", "a>2; 'y' == extra"]})
    )

    (edge,) = records.relations[RelationType.DEPENDS_ON]
    assert (">1 || >2", ["x", "y"]) == (edge.requirement, edge.extra["extras"])


def test_what_is_no_requirement_is_recorded_and_skipped():
    records = pypi.project(
        project("left", info={"requires_dist": ["good", "not ! good", 7, "x" * 2_000, "-"]})
    )

    assert ["pkg:pypi/good"] == [e.target for e in records.relations[RelationType.DEPENDS_ON]]
    assert records.facts is not None
    assert ["not ! good", "int in requires_dist", "x" * 200, "-"] == records.facts.extra["problems"]


def test_no_dependencies_are_something_else_than_none_stated():
    none = pypi.project(project("left", info={"requires_dist": []}))
    unknown = pypi.project(project("left", info={"requires_dist": None}))

    assert () == none.relations[RelationType.DEPENDS_ON]
    assert 0 == value(none, "dependencies")
    assert RelationType.DEPENDS_ON not in unknown.relations


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"license_expression": "MIT OR ISC", "license": "no"}, "MIT OR ISC"),
        ({"classifiers": ["License :: OSI Approved :: MIT License"], "license": "x"}, "MIT"),
        ({"classifiers": ["License :: OSI Approved :: BSD License"], "license": "BSD-2"}, "BSD-2"),
        ({"classifiers": ["License :: OSI Approved :: BSD License"]}, "BSD License"),
        ({"classifiers": ["License :: OSI Approved"], "license": "Apache 2"}, "Apache 2"),
        ({"license": "Copyright (c) 2020\n\nPermission is hereby granted" + "x" * 60}, None),
        ({"license": ""}, None),
        ({"license": ["MIT"], "classifiers": "License :: X"}, None),
    ],
)
def test_a_licence_is_told_in_many_places(info: dict[str, Any], expected: str | None):
    assert expected == facts(**info).license


@pytest.mark.parametrize(
    "label",
    ["Source", "source", "Source Code", "Repository", "Code", "Homepage", "GitHub", "Bug-Tracker"],
)
def test_the_repository_is_found_under_any_label(label: str):
    told = facts(
        project_urls={label: "https://github.com/Ada/Left/issues", "Docs": "https://x.org"}
    )

    assert "pkg:github/ada/left" == told.repository


def test_the_likeliest_label_wins():
    told = facts(
        home_page="https://github.com/ada/website",
        project_urls={
            "Changelog": "https://github.com/ada/changes",
            "Source": "https://gitlab.com/ada/group/left",
        },
    )

    assert "pkg:gitlab/ada/group/left" == told.repository
    assert "https://github.com/ada/website" == told.homepage


def test_sponsors_are_no_repository():
    told = facts(project_urls={"Source": "https://github.com/sponsors/ada"})

    assert told.repository is None


@pytest.mark.parametrize("odd", [None, [], "https://github.com/a/b", {"Source": 7}, {"": "x"}, 7])
def test_links_in_another_shape_are_none(odd: Any):
    told = facts(project_urls=odd)

    assert (None, None) == (told.repository, told.homepage)


def test_releases_are_understood():
    uploaded = {"upload_time_iso_8601": "2021-02-25T04:53:15.223620Z", "yanked": False}
    later = {"upload_time": "2022-02-25T04:53:15", "yanked": True}
    records = pypi.project(
        project(
            "left",
            releases={
                "1.0": [uploaded, later],
                "1.1rc1": [later],
                "not-pep440-hg": [],
                "": [],
            },
        )
    )

    first = datetime(2021, 2, 25, 4, 53, 15, 223620, tzinfo=UTC)
    second = datetime(2022, 2, 25, 4, 53, 15, tzinfo=UTC)
    assert [
        ("1.0", first, False, False),
        ("1.1rc1", second, True, True),
        ("not-pep440-hg", None, False, False),
    ] == [(v.version, v.published_at, v.prerelease, v.yanked) for v in records.versions or ()]
    assert records.facts is not None
    assert (first, second) == (records.facts.created_at, records.facts.updated_at)


def test_what_is_particular_to_pypi_goes_into_extra():
    told = facts(
        author_email='"Ada Lovelace" <ada@example.org>',
        maintainer_email="nobody@example.org",
        requires_python=">=3.11",
        yanked=True,
        yanked_reason="broken",
        project_urls={"Docs": "https://example.org/docs"},
    )

    assert {
        "author": "Ada Lovelace",
        "requires_python": ">=3.11",
        "yanked": "broken",
        "links": {"Docs": "https://example.org/docs"},
    } == told.extra


def test_classifiers_are_languages_and_frameworks():
    records = pypi.project(
        project(
            "left",
            info={
                "classifiers": [
                    "Programming Language :: Python :: 3.12",
                    "Programming Language :: Rust",
                    "Framework :: Django :: 5.0",
                    "Framework :: Django",
                    "Topic :: Software Development",
                    7,
                ]
            },
        )
    )

    assert {
        (TagCategory.LANGUAGE, "python"),
        (TagCategory.LANGUAGE, "rust"),
        (TagCategory.FRAMEWORK, "django"),
    } == set(records.tags or ())
    assert records.facts is not None
    assert records.facts.language is None
    assert "Python" == facts(classifiers=["Programming Language :: Python :: 3"]).language


def test_the_counts_of_a_project():
    records = pypi.project(
        project(
            "left",
            vulnerabilities=[{"id": "A"}, {"id": "B", "withdrawn": "2024-01-01"}],
            ownership={"roles": [{"user": "a"}, {"user": "a"}, {"user": "b"}, 7, {"user": None}]},
        )
    )

    assert (1, 2) == (value(records, "vulnerabilities"), value(records, "maintainers"))
    assert {NOON} == {o.observed_at for o in records.observations}


def test_mirrors_do_not_count():
    data = {
        "package": "left",
        "data": [
            {"category": "without_mirrors", "date": "2026-11-19", "downloads": 7},
            {"category": "with_mirrors", "date": "2026-11-19", "downloads": 9},
            {"category": "null", "date": "2026-11-18", "downloads": 9},
            {"category": "without_mirrors", "date": "2026-11-18", "downloads": 5},
        ],
    }

    records = pypi.downloads(reading("pypi.downloads.v1", "pkg:pypi/left", data))

    assert [("downloads_day", 7)] == [(o.metric, o.value) for o in records.observations]
    assert [(5.0,)] == [series.values for series in records.backfill]


def test_no_days_are_no_observations():
    empty = reading("pypi.downloads.v1", "pkg:pypi/left", {"package": "left", "data": []})

    assert ((), ()) == (pypi.downloads(empty).observations, pypi.downloads(empty).backfill)
