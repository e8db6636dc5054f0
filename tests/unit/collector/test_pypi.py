from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from contracts.readings import pypi
from services.collector.source import Read, Validators
from services.collector.sources.pypi import Pypi, pruned
from tests.support.upstreams import (
    COUNTER,
    FACTS,
    Hosts,
    named,
    ok,
    overall,
    payload,
    refresh,
    settings,
    watch,
)

GONE = httpx.Response(404, json={"message": "Not Found"})


@pytest.fixture
def source() -> Pypi:
    return Pypi(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def test_the_whole_series_is_asked_for_without_mirrors(source: Pypi):
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, overall)

    results = await refresh(source, hosts, watch("pkg:pypi/luigi", backfilled=False))

    [read] = named(results, "downloads")
    assert hosts.asked(COUNTER) == ["/api/packages/luigi/overall?mirrors=false"]
    assert isinstance(read, Read)
    assert read.reading == pypi.Downloads(
        package="luigi",
        data=[pypi.Day(category="without_mirrors", date="2026-11-19", downloads=7)],
    )
    assert read.backfilled is True


async def test_the_counter_is_asked_once_a_day_even_when_yesterday_is_missing(source: Pypi):
    old = ok({"package": "luigi", "data": [], "type": "overall_downloads"})
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, old)

    results = await refresh(source, hosts, watch("pkg:pypi/luigi"))

    [read] = named(results, "downloads")
    assert isinstance(read, Read)
    assert read.validators == Validators(day="2026-11-19")


async def test_a_redirect_to_the_normalised_name_is_the_same_project(source: Pypi):
    moved = httpx.Response(301, headers={"location": f"{FACTS}/pypi/Datasette_Block/json"})
    answer = ok(
        payload("pypi/datasette-block.json").replace(b"datasette-block", b"Datasette_Block")
    )
    hosts = Hosts().on(FACTS, moved, answer).on(COUNTER, GONE)

    results = await refresh(source, hosts, watch("pkg:pypi/datasette-block"))

    [read] = named(results, "project")
    assert isinstance(read, Read)
    assert read.purl == "pkg:pypi/datasette-block"


async def test_requests_to_the_registry_come_one_after_another(source: Pypi):
    [registry, _] = source.allowances

    assert registry.concurrency == 1


def test_the_counter_is_asked_within_its_published_limits(source: Pypi):
    [_, counter] = source.allowances

    assert counter.limits == ((5, 1.0), (30, 60.0))


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        (
            {
                "upload_time_iso_8601": "2020-01-01T00:00:00Z",
                "upload_time": "2020",
                "yanked": False,
            },
            {"upload_time_iso_8601": "2020-01-01T00:00:00Z"},
        ),
        ({"upload_time": "2020-01-01T00:00:00", "size": 7}, None),
        ({"yanked": True, "yanked_reason": "broken"}, None),
        ({"yanked": False, "yanked_reason": ""}, {}),
    ],
)
def test_files_lose_only_what_says_nothing(file: dict[str, Any], kept: dict[str, Any] | None):
    project = msgspec.convert({"info": {"name": "x"}, "releases": {"1": [file]}}, pypi.Project)

    assert msgspec.to_builtins(pruned(project).releases) == {"1": [file if kept is None else kept]}


def test_a_project_without_releases_stays_as_it_is():
    project = pypi.Project(info=pypi.Info(name="x"))

    assert pruned(project) is project
