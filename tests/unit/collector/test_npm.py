from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from contracts.readings import npm
from services.collector.source import Failed, Read, Unchanged, UnexpectedShape, Validators
from services.collector.sources.npm import Npm, pruned
from tests.support.upstreams import (
    COUNTER,
    FACTS,
    NOW,
    Hosts,
    client,
    named,
    npm_counts,
    npm_range,
    ok,
    payload,
    refresh,
    settings,
    watch,
)

GONE = httpx.Response(404, json={"error": "Not found"})


@pytest.fixture
def source() -> Npm:
    return Npm(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def packument(**fields: Any) -> npm.Packument:
    plain = {"name": "x", "versions": {}}
    return msgspec.convert(plain | fields, npm.Packument)


async def asked_of_counter(source: Npm, *watches: Any) -> list[str]:
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, npm_counts)
    results = await refresh(source, hosts, *watches)
    assert {type(result) for result in named(results, "downloads")} <= {Read, Unchanged}
    return hosts.asked(COUNTER)


async def test_a_scope_is_asked_for_with_its_slash_escaped(source: Npm):
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, npm_counts)

    await refresh(source, hosts, watch("pkg:npm/%40vue/core"))

    assert hosts.asked(FACTS) == ["/@vue%2Fcore"]
    assert hosts.asked(COUNTER) == ["/downloads/range/2026-10-16:2026-11-19/@vue%2Fcore"]


async def test_names_without_a_scope_share_a_question_and_others_do_not(source: Npm):
    asked = await asked_of_counter(
        source,
        watch("pkg:npm/react"),
        watch("pkg:npm/%40vue/core"),
        watch("pkg:npm/vue"),
        watch("pkg:npm/%40vue/shared"),
    )

    assert sorted(target.rpartition("/")[2] for target in asked) == [
        "@vue%2Fcore",
        "@vue%2Fshared",
        "react,vue",
    ]


async def test_a_bulk_question_is_about_128_names_at_most(source: Npm):
    asked = await asked_of_counter(source, *(watch(f"pkg:npm/p{n}") for n in range(130)))

    assert sorted(target.count(",") + 1 for target in asked) == [2, 128]


@pytest.mark.parametrize(
    ("known", "backfilled", "start"),
    [
        (None, False, date(2025, 11, 20)),
        ("2026-11-18", False, date(2025, 11, 20)),
        (None, True, date(2026, 10, 16)),
        ("2026-11-18", True, date(2026, 10, 15)),
        ("2026-11-09", True, date(2026, 10, 6)),
        ("2020-01-01", True, date(2025, 11, 20)),
    ],
)
async def test_as_many_days_are_asked_for_as_are_missing(
    source: Npm, known: str | None, backfilled: bool, start: date
):
    before = {"downloads": Validators(day=known)}

    [target] = await asked_of_counter(source, watch("pkg:npm/x", before, backfilled=backfilled))

    assert target == f"/downloads/range/{start}:2026-11-19/x"


async def test_new_packages_are_asked_for_beside_known_ones(source: Npm):
    asked = await asked_of_counter(
        source, watch("pkg:npm/a"), watch("pkg:npm/b", backfilled=False), watch("pkg:npm/c")
    )

    assert sorted(target.rpartition("/")[2] for target in asked) == ["a,c", "b"]


async def test_a_name_that_the_counter_does_not_know_is_null_in_bulk(source: Npm):
    def counts(request: httpx.Request) -> httpx.Response:
        return ok({**msgspec.json.decode(npm_counts(request).content), "b": None})

    hosts = Hosts().on(FACTS, GONE).on(COUNTER, counts)

    results = await refresh(source, hosts, watch("pkg:npm/a"), watch("pkg:npm/b"))

    assert [type(result) for result in named(results, "downloads")] == [Read, Unchanged]


async def test_one_odd_entry_does_not_sink_a_bulk_answer(source: Npm):
    def counts(request: httpx.Request) -> httpx.Response:
        entries = msgspec.json.decode(npm_counts(request).content)
        return ok({**entries, "b": {"package": "b", "days": []}})

    hosts = Hosts().on(FACTS, GONE).on(COUNTER, counts)
    purls = [f"pkg:npm/{name}" for name in "abc"]

    results = await refresh(source, hosts, *map(watch, purls))

    outcomes = named(results, "downloads")
    assert [type(result) for result in outcomes] == [Read, Failed, Read]
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[1].error, UnexpectedShape)
    # What is kept is the entry alone, so that a replay can read it.
    assert outcomes[1].error.payload == b'{"package":"b","days":[]}'


async def test_a_bulk_answer_of_another_shape_fails_for_all_by_one_error(source: Npm):
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, ok([1, 2]))

    results = await refresh(source, hosts, watch("pkg:npm/a"), watch("pkg:npm/b"))

    failures = [result for result in named(results, "downloads") if isinstance(result, Failed)]
    assert len(failures) == 2
    assert failures[0].error is failures[1].error


async def test_counts_of_another_package_are_an_unexpected_shape(source: Npm):
    answer = ok(npm_range("/downloads/range/2026-11-18:2026-11-19/other"))
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, answer)

    results = await refresh(source, hosts, watch("pkg:npm/x"))

    [failed] = named(results, "downloads")
    assert isinstance(failed, Failed)
    assert failed.error.reason == "counter.example answered another package"


async def test_a_back_fill_that_was_cut_short_is_not_taken_for_whole(source: Npm):
    cut = ok(npm_range("/downloads/range/2026-06-01:2026-11-19/x"))
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, cut)

    results = await refresh(source, hosts, watch("pkg:npm/x", backfilled=False))

    [read] = named(results, "downloads")
    assert isinstance(read, Read)
    assert read.backfilled is False


async def test_a_back_fill_that_is_whole_is_remembered(source: Npm):
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, npm_counts)

    results = await refresh(source, hosts, watch("pkg:npm/x", backfilled=False))

    [read] = named(results, "downloads")
    assert isinstance(read, Read)
    assert (read.backfilled, read.validators) == (True, Validators(day="2026-11-19"))


async def test_a_day_that_is_not_counted_yet_is_asked_for_again(source: Npm):
    answer = npm_range("/downloads/range/2026-10-16:2026-11-19/x")
    answer["downloads"][-1]["downloads"] = 0
    hosts = Hosts().on(FACTS, GONE).on(COUNTER, ok(answer))

    results = await refresh(source, hosts, watch("pkg:npm/x"))

    [read] = named(results, "downloads")
    assert isinstance(read, Read)
    assert read.validators.day == "2026-11-18"


async def test_an_unpublished_package_is_passed_on_as_it_is(source: Npm):
    hosts = Hosts().on(FACTS, ok(payload("npm/unpublished.json"))).on(COUNTER, GONE)

    results = await refresh(source, hosts, watch("pkg:npm/left-behind"))

    [read] = named(results, "packument")
    assert isinstance(read, Read)
    assert isinstance(read.reading, npm.Packument)
    assert read.reading.versions is msgspec.UNSET
    assert isinstance(read.reading.time, dict)
    assert read.reading.time["unpublished"]["versions"] == ["1.0.0"]


def test_only_the_latest_version_keeps_its_dependencies():
    version = {"dependencies": {"y": "^1"}, "license": "MIT", "deprecated": "use z"}

    kept = pruned(
        packument(**{"dist-tags": {"latest": "1.0"}, "versions": {"1.0": version, "0.9": version}})
    )

    assert msgspec.to_builtins(kept.versions) == {"1.0": version, "0.9": {"deprecated": "use z"}}


@pytest.mark.parametrize("tags", [None, "latest", {}, {"latest": "2.0"}, {"latest": None}])
def test_without_a_latest_version_no_dependencies_are_kept(tags: Any):
    kept = pruned(packument(**{"dist-tags": tags, "versions": {"1.0": {"dependencies": {}}}}))

    assert msgspec.to_builtins(kept.versions) == {"1.0": {}}


def test_a_packument_of_thousands_of_versions_fits_into_a_message():
    dependencies = {f"dependency-{n}": "^1.0.0" for n in range(50)}
    versions = {f"1.0.{n}": {"dependencies": dependencies} for n in range(5_000)}
    times = {number: (date(2020, 1, 1) + timedelta(hours=1)).isoformat() for number in versions}

    kept = pruned(packument(versions=versions, time=times))

    assert len(msgspec.json.encode(kept)) < 500_000


async def found(hosts: Hosts, **rules: Any) -> list[str]:
    source = Npm(settings())
    http = client(hosts, source.allowances)
    purls = [one.purl async for one in source.discover(http, rules, NOW)]
    await http.aclose()
    return purls


def hits(*names: str) -> httpx.Response:
    return ok({"objects": [{"package": {"name": name}} for name in names], "total": 9_000})


async def test_discovery_searches_page_by_page_and_names_nothing_twice():
    first = hits(*(f"p{number}" for number in range(250)))
    hosts = Hosts().on("from=0", first).on("from=250", hits("@scope/last", "p0"))

    purls = await found(hosts, queries=["keywords:cli"], each=252)

    assert (251, "pkg:npm/%40scope/last") == (len(purls), purls[-1])
    sizes = [request.url.params["size"] for request in hosts.requests]
    assert ["250", "2"] == sizes


async def test_discovery_ends_where_the_registry_has_no_more():
    hosts = Hosts().on("", hits("only"))

    assert ["pkg:npm/only"] == await found(hosts, queries=["a", "b"], each=1_000)
    assert 2 == len(hosts.requests)


@pytest.mark.parametrize("reply", [ok({"rows": []}), hits("../etc"), ok(b"<html>")])
async def test_an_answer_that_is_no_search_is_an_unexpected_shape(reply: httpx.Response):
    with pytest.raises(UnexpectedShape):
        await found(Hosts().on("", reply), queries=["a"])
