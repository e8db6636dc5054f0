"""How Meilisearch is asked, and what becomes of answers that are none."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.vocabulary import Kind
from services.api.engines import RELEVANCE, EngineError, Facet, Search
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.questions import Questions
from services.api.filters import Filters

Answer = Callable[[bytes], bytes]


class Answered(Questions):
    """A server that answers as a test says."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def ask(self, body: bytes) -> bytes:
        return self._answer(body)


def engine(answer: Answer) -> MeilisearchEngine:
    return MeilisearchEngine("http://meilisearch:7700", "secret", Answered(answer))


def question(text: str = "react", **fields: Any) -> Search:
    plain: dict[str, Any] = {"sort": RELEVANCE, "limit": 10, "offset": 0}
    return Search(text, fields.pop("filters", Filters()), **(plain | fields))


async def asked(search: Search, answers: list[dict[str, Any]] | None = None) -> list[Any]:
    """The bodies that were sent; nothing is found."""
    bodies = []

    def answer(sent: bytes) -> bytes:
        body = msgspec.json.decode(sent)
        bodies.append(body)
        if "federation" in body:
            return b'{"hits": []}'
        return msgspec.json.encode({"results": [{"hits": []} for _ in body["queries"]]})

    await engine(answer).search(search)
    return bodies


async def texts(text: str) -> list[str]:
    return [query["q"] for query in (await asked(question(text)))[0]["queries"]]


async def test_names_and_words_are_asked_for_side_by_side():
    (names,), (words,), *_ = [body["queries"] for body in await asked(question("Left-Pad"))]

    assert ("leftpad", 30) == (names["q"], names["limit"])
    assert ["compact_full_name", "compact_name", "former_names"] == names["attributesToSearchOn"]
    assert ("Left Pad", "all", 60) == (words["q"], words["matchingStrategy"], words["limit"])
    assert "attributesToSearchOn" not in words


async def test_each_side_of_an_or_is_asked_for():
    assert ["django", "starlette"] == await texts("django or starlette")
    assert ['"this or that"'] == await texts('"this or that"')


async def test_a_word_that_only_begins_comes_last():
    assert ["asgi perform"] == await texts("perform* asgi")


async def test_what_may_be_named_outright_is_asked_for_by_its_purl():
    (body, *_) = await asked(question("@types/react"))

    purl = '"pkg:npm/%40types/react"'
    assert [[f"purl IN [{purl}]", f"aliases IN [{purl}]"]] == body["queries"][0]["filter"]


async def test_some_of_the_words_are_asked_for_where_few_have_them_all():
    strategies = [body["queries"][-1]["matchingStrategy"] for body in await asked(question("a b"))]

    assert ["all", "all", "frequency"] == strategies
    assert 2 == len(await asked(question("react")))


async def test_names_alone_are_completed():
    (body,) = await asked(question("scikit-", names_only=True))

    assert ["scikit"] == [query["q"] for query in body["queries"]]


async def test_every_filter_is_a_condition():
    filters = Filters(
        kind=Kind.PACKAGE,
        license='"MIT"',
        tag="UI",
        owner="vue",
        updated_since=datetime(2026, 1, 1, tzinfo=UTC),
        min_stars=5,
    )
    (body, *_) = await asked(question(filters=filters))

    assert [
        'kind IN ["package"]',
        'license IN ["\\"MIT\\""]',
        'tags IN ["UI", "ui"]',
        'owner IN ["vue", "@vue"]',
        "updated_at >= 1767225600.0",
        "metrics.stars >= 5",
    ] == body["queries"][0]["filter"]


async def test_a_ranking_sorts_all_that_was_found():
    (body,) = await asked(question(sort="hot", limit=5, offset=20, facets=(Facet.TAG, Facet.KIND)))

    assert {
        "limit": 5,
        "offset": 20,
        "facetsByIndex": {"artifacts": ["tags", "kind"]},
        "mergeFacets": {},
    } == body["federation"]
    assert [["hot:desc"]] == [query["sort"] for query in body["queries"]]


def _away(_: bytes) -> bytes:
    raise EngineError("refused")


@pytest.mark.parametrize(
    "answer",
    [
        _away,
        lambda _: b"<html>",
        lambda _: msgspec.json.encode({"results": [{"hits": [{"id": "a"}]}]}),
    ],
    ids=["away", "no JSON", "another shape"],
)
async def test_an_answer_that_is_none_is_an_error(answer: Answer):
    with pytest.raises(EngineError, match="meilisearch"):
        await engine(answer).search(question())
