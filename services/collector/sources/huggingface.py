"""
Hugging Face: models and datasets from the API of the hub.

Everything is asked by `expand[]`, since the plain answer leaves out the downloads of all time, the
trending score and what a model was made from. The sizes of files cannot be asked in the same
breath; they are asked when there is a new commit.

Source:
    https://huggingface.co/docs/hub/rate-limits (checked 2026-11-21): 500 requests to the API in a
    fixed window of 5 minutes by address, 1,000 and more with a token; every redirect counts.
    https://huggingface.co/docs/hub/api: `limit` of a list is at most 1,000, pages follow by `Link`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts import identity
from contracts.readings import huggingface as hub
from contracts.vocabulary import Priority
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
    Answer,
    Failed,
    Found,
    Gone,
    Http,
    Moved,
    Read,
    Result,
    SourceError,
    Unchanged,
    UnexpectedShape,
    Watch,
    Withheld,
    as_they_come,
    attempt,
    decoded,
    gone_reading,
    host,
    next_page,
)

_Hosted: TypeAlias = hub.Model | hub.Dataset

_DETAILS: Final = "details"
_FILES: Final = "files"
_MODEL_TYPE: Final = "huggingface.model.v1"
_DATASET_TYPE: Final = "huggingface.dataset.v1"
_WINDOW: Final = 300.0
_PAGE: Final = 1_000
_MOST_FILES: Final = 2_000
_DATASETS: Final = "datasets/"

_COMMON: Final = (
    *("cardData", "createdAt", "disabled", "downloads", "downloadsAllTime", "gated"),
    *("lastModified", "likes", "private", "sha", "tags", "trendingScore", "usedStorage"),
)
_OF_MODELS: Final = (
    *("baseModels", "childrenModelCount", "gguf", "library_name", "pipeline_tag", "safetensors"),
)
_OF_DATASETS: Final = ("description",)
# What is used of fields that may be long.
_CARD: Final = (
    *("base_model", "base_model_relation", "datasets", "language"),
    *("license", "license_link", "license_name"),
)


class _Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[discover.huggingface]` of the watchlist: how many of each list, and which lists."""

    limit: Annotated[int, Meta(ge=0)] = 500
    each: Annotated[int, Meta(ge=1)] = 200
    sorts: tuple[Literal["trendingScore", "downloads", "likes", "lastModified"], ...] = (
        *("trendingScore", "downloads", "likes"),
    )
    filters: tuple[str, ...] = ()


_model: Final = Decoder(hub.Model)
_dataset: Final = Decoder(hub.Dataset)
_list: Final = Decoder(list[Any])


class HuggingFace:
    """https://huggingface.co."""

    name = Name.HUGGINGFACE
    resources = (_DETAILS,)

    def __init__(self, settings: CollectorSettings) -> None:
        self._hub = settings.huggingface_url.rstrip("/")
        self.allowances = (
            Allowance(
                url=self._hub,
                limits=((settings.huggingface_requests_per_5_minutes, _WINDOW), (10, 1.0)),
                concurrency=settings.huggingface_concurrency,
                window=_WINDOW,
                tokens=tuple(settings.huggingface_tokens),
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = [attempt(self._read(http, watch), [watch.purl], _DETAILS) for watch in watches]
        async for result in as_they_come(questions):
            yield result

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        asked = msgspec.convert(rules, _Rules)
        found: set[str] = set()
        for sort in asked.sorts:
            async for name in self._listed(http, asked, sort):
                purl = _purl(name)
                if purl is None or purl in found:
                    continue
                if len(found) >= asked.limit:
                    return
                found.add(purl)
                hot = Priority.HIGH if sort == "trendingScore" else Priority.NORMAL
                yield Found(purl=purl, priority=Priority.LOW if sort == "lastModified" else hot)

    async def _listed(self, http: Http, asked: _Rules, sort: str) -> AsyncGenerator[str, None]:
        """The ids of a list, page by page."""
        query = {"sort": sort, "direction": -1, "limit": min(asked.each, _PAGE)}
        pairs = [*query.items(), *(("filter", tag) for tag in asked.filters)]
        url: str | None = f"{self._hub}/api/models?{urlencode(pairs)}&{_expanded(('likes',))}"
        left = asked.each
        while url and left > 0:
            answer = await http.get(url)
            rows = decoded(_list, answer.body, url, "list of models")
            for row in rows[:left]:
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    yield row["id"]
            left -= len(rows)
            url = next_page(answer) if rows else None

    async def _read(self, http: Http, watch: Watch) -> Sequence[Result]:
        url = self._address(watch)
        known = watch.known(_DETAILS)
        try:
            answer = await http.get_new(f"{url}?{_expanded(_fields(watch))}", known)
        except Gone as gone:
            return [gone_reading(watch, _DETAILS, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_DETAILS)]
        details = _details(watch, answer)
        if to := _moved_to(watch, details, answer, url):
            return [Moved(purl=watch.purl, resource=_DETAILS, to=to)]
        if details.private is True:
            # A token of the operator can see it; nobody else should by way of us.
            private = Gone(f"{host(url)} calls it private", url, HTTPStatus.UNAUTHORIZED)
            return [gone_reading(watch, _DETAILS, private)]
        has_news = isinstance(details.sha, str) and details.sha != known.revision
        if isinstance(details, hub.Model) and has_news and details.disabled is not True:
            return await self._with_files(http, watch, details, answer)
        return [_told(watch, details, answer, known.revision)]

    async def _with_files(
        self, http: Http, watch: Watch, model: hub.Model, answer: Answer
    ) -> Sequence[Result]:
        """The model with its files, or without them when these cannot be read."""
        try:
            siblings = _siblings(await http.get(f"{self._address(watch)}?blobs=true"))
        except Withheld:
            # Only who was let in may see them, and that does not change by asking again.
            return [_told(watch, model, answer, model.sha)]
        except SourceError as error:
            failed = Failed(purl=watch.purl, resource=_FILES, error=error)
            return [_told(watch, model, answer, None), failed]
        whole = replace(
            model,
            siblings=[_file(sibling) for sibling in siblings[:_MOST_FILES]],
            siblings_cut=max(0, len(siblings) - _MOST_FILES),
        )
        return [_told(watch, whole, answer, model.sha)]

    def _address(self, watch: Watch) -> str:
        kind = "datasets" if _is_dataset(watch) else "models"
        return f"{self._hub}/api/{kind}/{quote(_id(watch))}"


def _details(watch: Watch, answer: Answer) -> _Hosted:
    if _is_dataset(watch):
        dataset = decoded(_dataset, answer.body, answer.url, _DATASET_TYPE)
        return replace(dataset, card_data=_only(dataset.card_data, _CARD))
    return pruned(decoded(_model, answer.body, answer.url, _MODEL_TYPE))


def pruned(model: hub.Model) -> hub.Model:
    """Without what is long and of no use: evaluations, chat templates, widgets."""
    return replace(
        model,
        card_data=_only(model.card_data, _CARD),
        safetensors=_only(model.safetensors, ("parameters", "total")),
        gguf=_only(model.gguf, ("total",)),
        base_models=_only(model.base_models, ("relation", "models")),
    )


def _only(value: Any, names: Sequence[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: value[name] for name in names if name in value}


def _siblings(answer: Answer) -> list[Any]:
    siblings = decoded(_model, answer.body, answer.url, _MODEL_TYPE).siblings
    if not isinstance(siblings, list):
        reason = f"{host(answer.url)} answered no list of files"
        raise UnexpectedShape(reason, answer.url, answer.body, _MODEL_TYPE)
    return siblings


def _file(sibling: Any) -> Any:
    file = _only(sibling, ("rfilename", "size", "blobId", "lfs"))
    if isinstance(file, dict) and "lfs" in file:
        file["lfs"] = _only(file["lfs"], ("size",))
    return file


def _told(watch: Watch, details: _Hosted, answer: Answer, revision: str | None) -> Read:
    """`revision` is the commit whose files are known."""
    return Read(
        purl=watch.purl,
        resource=_DETAILS,
        type=_DATASET_TYPE if isinstance(details, hub.Dataset) else _MODEL_TYPE,
        reading=details,
        validators=replace(answer.validators, revision=revision),
    )


def _moved_to(watch: Watch, details: _Hosted, answer: Answer, url: str) -> str | None:
    """
    The purl that it has now. The hub answers 307 about what was renamed, about ids in another case
    and about those of before there were owners; what is there may be another repository by now.
    """
    if details.id == _id(watch):
        return None
    was_led = answer.url.partition("?")[0] != url
    to = _purl(f"{_DATASETS}{details.id}" if _is_dataset(watch) else details.id)
    if to is None or not (was_led or details.id.lower() == _id(watch).lower()):
        type_ = _DATASET_TYPE if _is_dataset(watch) else _MODEL_TYPE
        reason = f"{host(url)} answered another repository"
        raise UnexpectedShape(reason, url, answer.body, type_)
    return to


def _purl(name: str) -> str | None:
    try:
        return identity.package(Name.HUGGINGFACE, name)
    except identity.InvalidPurl:
        return None


def _id(watch: Watch) -> str:
    return watch.id.full_name.removeprefix(_DATASETS)


def _is_dataset(watch: Watch) -> bool:
    return watch.id.full_name.startswith(_DATASETS)


def _fields(watch: Watch) -> tuple[str, ...]:
    return _COMMON + (_OF_DATASETS if _is_dataset(watch) else _OF_MODELS)


def _expanded(fields: Sequence[str]) -> str:
    return urlencode([("expand[]", field) for field in fields])
