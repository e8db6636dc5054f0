"""The real registries, a few packages of each: `make test-network`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contracts import envelope
from contracts.readings import npm, pypi
from contracts.readings.gone import Gone
from contracts.vocabulary import Source as Name
from services.collector.app import manners
from services.collector.budget import Budgets, Clock
from services.collector.http import PoliteClient
from services.collector.settings import CollectorSettings
from services.collector.source import Failed, Read, Result, Unavailable, Unchanged
from services.collector.sources import build
from tests.support.upstreams import named, watch

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

NOBODY = "groundswell-has-no-package-of-this-name"


async def ask(source: Name, purls: Sequence[str]) -> list[Result]:
    settings = CollectorSettings(database_url="postgresql://none", nats_url="nats://none")
    sources, clock = build(settings), Clock()
    http = PoliteClient(manners(settings), Budgets(sources[source].allowances, clock), clock)
    asked = sources[source].refresh(http, [watch(purl) for purl in purls], datetime.now(UTC))
    results = [result async for result in asked]
    await http.aclose()
    return results


def check_counts(results: Sequence[Result]) -> None:
    """The counters are there, or cannot be reached from here; nothing else will do."""
    for result in results:
        if isinstance(result, Failed):
            assert isinstance(result.error, Unavailable)
            assert "cannot be reached" in result.error.reason
        else:
            assert isinstance(result, (Read, Unchanged))


async def test_npm_answers_as_it_says():
    results = await ask(Name.NPM, ["pkg:npm/react", "pkg:npm/%40vue/shared", f"pkg:npm/{NOBODY}"])

    scoped, gone, react = (
        result.reading for result in named(results, "packument") if isinstance(result, Read)
    )
    assert isinstance(react, npm.Packument)
    assert isinstance(scoped, npm.Packument)
    assert isinstance(gone, Gone)
    assert (react.name, scoped.name, gone.status) == ("react", "@vue/shared", 404)
    assert isinstance(react.versions, dict)
    assert "18.0.0" in react.versions
    assert isinstance(react.time, dict)
    assert datetime.fromisoformat(react.time["18.0.0"]).tzinfo is not None
    assert len(envelope.encode(react)) < 1_000_000
    check_counts(named(results, "downloads"))


async def test_pypi_answers_as_it_says():
    results = await ask(
        Name.PYPI, ["pkg:pypi/litestar", "pkg:pypi/zope-interface", f"pkg:pypi/{NOBODY}"]
    )

    gone, litestar, zope = (
        result.reading for result in named(results, "project") if isinstance(result, Read)
    )
    assert isinstance(litestar, pypi.Project)
    assert isinstance(zope, pypi.Project)
    assert isinstance(gone, Gone)
    assert litestar.info.name == "litestar"
    assert any("msgspec" in line for line in litestar.info.requires_dist)
    assert litestar.releases is not None
    assert litestar.releases["2.0.0"][0].upload_time_iso_8601.startswith("2023")
    check_counts(named(results, "downloads"))
