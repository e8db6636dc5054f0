"""`/changes`: pages of what changed, from JetStream."""

from typing import Any

import httpx
import msgspec
import pytest
from nats.js import JetStreamContext

from contracts.changes import Change
from contracts.identity import partition
from contracts.responses import Answer, SequencedChange
from services.api import feed
from tests.support import changes

pytestmark = pytest.mark.integration

URL = "/api/v1/changes"
REACT, VUE, DJANGO, LINUX = (
    "pkg:npm/react",
    "pkg:npm/vue",
    "pkg:pypi/django",
    "pkg:github/torvalds/linux",
)
MIXED: list[Change] = [
    changes.artifact(REACT),  # 1
    changes.metric(REACT),
    changes.metric(DJANGO, "stars"),  # 3
    changes.relation(REACT, VUE),
    changes.metric(LINUX, "stars"),  # 5
    changes.artifact(DJANGO),
    changes.metric(VUE),  # 7
    changes.relation(DJANGO),
]


async def page(api: httpx.AsyncClient, **params: Any) -> Answer[list[SequencedChange]]:
    answer = await api.get(URL, params=params)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Answer[list[SequencedChange]])


async def sequences(api: httpx.AsyncClient, **params: Any) -> list[int]:
    return [change.sequence for change in (await page(api, **params)).data]


@pytest.fixture
async def mixed(js: JetStreamContext) -> None:
    await changes.publish(js, MIXED)


async def test_changes_come_in_order_and_whole(feed_api: httpx.AsyncClient, mixed: None):
    found = await page(feed_api)

    assert MIXED == [change.change for change in found.data]
    assert list(range(1, 9)) == [change.sequence for change in found.data]
    assert (None, None, 1, 8) == (
        found.meta.next,
        found.meta.gap,
        found.meta.oldest_sequence,
        found.meta.newest_sequence,
    )
    assert changes.AT == found.data[0].time


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"after": 5}, [6, 7, 8]),
        ({"after": 8}, []),
        ({"metric": "stars"}, [3, 5]),
        ({"source": "npm"}, [1, 2, 4, 7]),
        ({"kind": "repository"}, [5]),
        ({"source": "pypi", "metric": "stars"}, [3]),
        ({"purl": REACT}, [1, 2, 4]),
        ({"purl": "pkg:npm/react@19.0.0"}, [1, 2, 4]),
        ({"purl": [REACT, LINUX]}, [1, 2, 4, 5]),
        ({"purl": [REACT, LINUX], "metric": "stars"}, [5]),
        ({"purl": [f"pkg:npm/p{number}" for number in range(50)] + [VUE]}, [7]),
        ({"source": "maven"}, []),
    ],
)
async def test_changes_are_filtered(
    feed_api: httpx.AsyncClient, mixed: None, params: dict[str, Any], expected: list[int]
):
    assert expected == await sequences(feed_api, **params)


@pytest.mark.parametrize("limit", [1, 3, 4, 8])
@pytest.mark.parametrize("params", [{}, {"source": "npm"}, {"after": 2}])
async def test_pages_are_the_changes_cut_up(
    feed_api: httpx.AsyncClient, mixed: None, limit: int, params: dict[str, Any]
):
    whole = await sequences(feed_api, **params)
    paged: list[int] = []
    given = dict(params)
    while True:
        found = await page(feed_api, limit=limit, **given)
        paged += [change.sequence for change in found.data]
        if found.meta.next is None:
            break
        given = {**params, "cursor": found.meta.next}
        given.pop("after", None)

    assert whole == paged


async def test_what_is_no_longer_kept_is_said_to_be_missing(
    feed_api: httpx.AsyncClient, js: JetStreamContext, mixed: None
):
    await js.purge_stream("CHANGES", seq=5)

    lost, whole, all_kept = [
        await page(feed_api, after=2),
        await page(feed_api, after=4),
        await page(feed_api),
    ]

    assert (True, 5, [5, 6, 7, 8]) == (
        lost.meta.gap,
        lost.meta.oldest_sequence,
        [change.sequence for change in lost.data],
    )
    assert (None, None) == (whole.meta.gap, all_kept.meta.gap)


async def test_a_sequence_of_a_stream_before_this_one_is_a_gap(
    feed_api: httpx.AsyncClient, mixed: None
):
    found = await page(feed_api, after=5_000)

    assert (True, 8) == (found.meta.gap, len(found.data))


async def test_of_a_stream_without_changes_there_is_an_empty_page(feed_api: httpx.AsyncClient):
    found = await page(feed_api, after=0)

    assert ([], None, 0) == (found.data, found.meta.gap, found.meta.newest_sequence)


async def test_a_search_in_vain_ends_early_and_can_be_gone_on_with(
    feed_api: httpx.AsyncClient, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
):
    """Many share a partition with the purl that is asked for."""
    monkeypatch.setattr(feed, "_MOST_LOOKED_AT", 10)
    purls = [f"pkg:npm/p{number}" for number in range(4_000)]
    alike = [one for one in purls if partition(one) == partition(REACT)][:25]
    await changes.publish(js, [*map(changes.metric, alike), changes.metric(REACT)])

    first = await page(feed_api, purl=REACT)
    second = await page(feed_api, purl=REACT, cursor=first.meta.next)
    third = await page(feed_api, purl=REACT, cursor=second.meta.next)

    assert [[], [], [26]] == [[one.sequence for one in p.data] for p in (first, second, third)]
    assert third.meta.next is None


@pytest.mark.parametrize(
    "params",
    [
        {"after": -1},
        {"after": "x"},
        {"after": 1, "cursor": "x"},
        {"cursor": "x"},
        {"metric": "beauty"},
        {"source": "x"},
        {"kind": "x"},
        {"purl": "react"},
        {"limit": 1_000},
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    feed_api: httpx.AsyncClient, params: dict[str, Any]
):
    for path in (URL, f"{URL}/stream") if "limit" not in params else (URL,):
        assert 400 == (await feed_api.get(path, params=params)).status_code


async def test_asking_leaves_no_consumer_behind(
    feed_api: httpx.AsyncClient, js: JetStreamContext, mixed: None
):
    await page(feed_api, limit=2)
    await feed.farewells()

    assert [] == await changes.listeners(js)


async def test_what_is_no_change_of_ours_is_passed_over(
    feed_api: httpx.AsyncClient, js: JetStreamContext
):
    await js.publish("changes.v1.metric.junk", b"{")
    await changes.publish(js, [changes.metric(REACT)])

    assert [2] == await sequences(feed_api)
    assert [2] == await sequences(feed_api, limit=1)
