from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from contracts.readings import pypi
from contracts.vocabulary import Priority
from services.collector.source import Read, UnexpectedShape, Validators
from services.collector.sources.pypi import Pypi, pruned
from tests.support.upstreams import (
    COUNTER,
    FACTS,
    NOW,
    Hosts,
    client,
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
    registry, *_ = source.allowances

    assert registry.concurrency == 1


def test_the_counter_is_asked_within_its_published_limits(source: Pypi):
    _, counter, _ = source.allowances

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


async def found(hosts: Hosts, **rules: Any) -> list[tuple[str, Priority]]:
    source = Pypi(settings())
    http = client(hosts, source.allowances)
    told = [(one.purl, one.priority) async for one in source.discover(http, rules, NOW)]
    await http.aclose()
    return told


FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>PyPI newest packages</title>
<link>https://pypi.org/</link>
<item><title>a added to PyPI</title><link>https://pypi.org/project/Zope.New/</link></item>
<item><title>b 1.0</title><link>https://pypi.org/project/b/1.0/</link></item>
<item><title>nobody</title></item>
</channel></rss>"""


async def test_discovery_takes_the_most_downloaded_projects_first():
    rows = [
        {"download_count": 9 - n, "project": name} for n, name in enumerate(("boto3", "a", "b"))
    ]
    hosts = Hosts().on("top-pypi-packages.min.json", ok({"rows": rows}))

    assert [("pkg:pypi/boto3", Priority.NORMAL), ("pkg:pypi/a", Priority.NORMAL)] == (
        await found(hosts, top=2)
    )


async def test_what_is_new_in_the_feeds_is_watched_with_low_priority():
    hosts = Hosts().on("/rss/packages.xml", ok(FEED))

    assert [("pkg:pypi/zope-new", Priority.LOW), ("pkg:pypi/b", Priority.LOW)] == (
        await found(hosts, top=0, feeds=["packages"])
    )


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaa">]><rss><channel><item><link>&a;</link></item></channel></rss>'
)


@pytest.mark.parametrize("body", [b"<rss><channel>", b"{}", b"", BOMB])
async def test_a_feed_that_is_none_is_an_unexpected_shape(body: bytes):
    with pytest.raises(UnexpectedShape):
        await found(Hosts().on("", ok(body)), top=0, feeds=["updates"])
