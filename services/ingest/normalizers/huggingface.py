"""
Hugging Face: a model becomes facts, counts, files and where it comes from; a dataset the first two.

Source: https://huggingface.co/docs/hub/api, https://huggingface.co/docs/hub/model-cards and
https://huggingface.co/docs/hub/models-download-stats
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from contracts import identity
from contracts.envelope import Event
from contracts.readings.huggingface import Dataset, Model
from contracts.vocabulary import RelationType, Source, State, TagCategory
from services.ingest import hub_tags, shapes
from services.ingest.hub_tags import Sorted
from services.ingest.purls import take_apart
from services.ingest.records import Counting, Edge, Facts, File, Observation, Records, Tag

_Hosted: TypeAlias = Model | Dataset

_HUB: Final = "https://huggingface.co"
_DATASETS: Final = "datasets"
_LICENSE: Final = 200
_WORD: Final = 120
_PATH: Final = 1_000
_PAPERS: Final = 20
_EDGES: Final = 500
# What was there when the hub began to keep dates got this one; it took two seconds.
_IMPORTED_FROM: Final = datetime(2022, 3, 2, 23, 29, tzinfo=UTC)
_IMPORTED_UNTIL: Final = _IMPORTED_FROM + timedelta(minutes=1)
# Such a licence is told by its name and its link.
_OWN_LICENSES: Final = frozenset({"other", "unknown"})


def model(event: Event) -> Records:
    """
    Facts and counts of a model, what it was made from, and what it was trained on.

    What is private is nobody else's business, whoever's token could see it: it counts as gone.

    Raises:
        UnexpectedShape: the reading names no model of the hub.
    """
    data: Model = event.data
    purl = shapes.subject(event, Source.HUGGINGFACE)
    if data.private is True:
        return Records(purl=purl, read_at=event.time, gone=True)
    card, tags = _table(data.card_data), hub_tags.sort(data.tags)
    return Records(
        purl=purl,
        read_at=event.time,
        facts=_facts(purl, data, tags, library=data.library_name, task=data.pipeline_tag),
        observations=model_counts(event),
        relations={
            RelationType.DERIVED_FROM: tuple(_derived_from(purl, data, tags)),
            RelationType.TRAINED_ON: tuple(_trained_on(card, tags)),
        },
        tags=tuple(_tags(data, tags, library=data.library_name)),
        files=tuple(_files(data.siblings)) if isinstance(data.siblings, list) else None,
    )


def dataset(event: Event) -> Records:
    """
    Facts and counts of a dataset.

    Raises:
        UnexpectedShape: the reading names no dataset of the hub.
    """
    data: Dataset = event.data
    purl = shapes.subject(event, Source.HUGGINGFACE)
    if data.private is True:
        return Records(purl=purl, read_at=event.time, gone=True)
    tags = hub_tags.sort(data.tags)
    return Records(
        purl=purl,
        read_at=event.time,
        facts=_facts(purl, data, tags),
        observations=dataset_counts(event),
        tags=tuple(_tags(data, tags)),
    )


def _facts(
    purl: str, data: _Hosted, tags: Sorted, *, library: Any = None, task: Any = None
) -> Facts:
    card = _table(data.card_data)
    name = take_apart(purl).full_name
    general = [shapes.line(task, _WORD), *tags.others]
    told = {
        "revision": shapes.line(data.sha, _WORD),
        "pipeline_tag": shapes.line(task, _WORD),
        "library": shapes.line(library, _WORD),
        "gated": shapes.line(data.gated, _WORD),
        "disabled": data.disabled is True,
        "papers": [f"arxiv:{paper}" for paper in tags.papers[:_PAPERS]],
        "files_left_out": getattr(data, "siblings_cut", 0),
        "license_link": shapes.url(card.get("license_link")),
    }
    return Facts(
        description=shapes.text(getattr(data, "description", None)),
        url=f"{_HUB}/{name}",
        license=_license(card, tags),
        keywords=shapes.keywords([word for word in general if word]),
        created_at=_created_at(data.created_at),
        updated_at=shapes.time(data.last_modified),
        # The hub keeps what it disabled, and gives none of it out.
        state=State.ARCHIVED if data.disabled is True else State.ACTIVE,
        upstream_id=shapes.line(data.object_id, _WORD),
        extra={key: value for key, value in told.items() if value},
    )


def _license(card: dict[str, Any], tags: Sorted) -> str | None:
    """What the card says, else what the tags do; several may be chosen from."""
    stated = hub_tags.texts(card.get("license")) or list(tags.licenses)
    if len(stated) == 1 and stated[0].lower() in _OWN_LICENSES:
        stated = [shapes.line(card.get("license_name"), _LICENSE) or stated[0]]
    found = shapes.distinct(map(hub_tags.license_name, stated), " OR ")
    return shapes.line(found, _LICENSE)


def _created_at(value: Any) -> datetime | None:
    at = shapes.time(value)
    return None if at and _IMPORTED_FROM <= at < _IMPORTED_UNTIL else at


def model_counts(event: Event) -> tuple[Observation, ...]:
    """What the hub counts of a model."""
    return (*_counts(event.data, event.time), *_sizes(event.data, event.time))


def dataset_counts(event: Event) -> tuple[Observation, ...]:
    """What the hub counts of a dataset."""
    return tuple(_counts(event.data, event.time))


_COUNTED: Final = frozenset(
    {
        *("downloads", "downloads_all_time", "likes", "trending_score", "used_storage"),
    }
)
MODEL_COUNTING: Final = Counting(
    _COUNTED | {"children_model_count", "safetensors", "gguf"}, model_counts
)
DATASET_COUNTING: Final = Counting(_COUNTED, dataset_counts)


def _counts(data: _Hosted, at: datetime) -> Iterator[Observation]:
    """
    What the hub counts.

    It does not say where the 30 days of `downloads` end. The midnight before it was asked is the
    latest that whole days can; so a day has one count, and none is dated after what it counts.
    """
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yield from _observed("downloads_month", data.downloads, day)
    yield from _observed("downloads_total", data.downloads_all_time, at)
    yield from _observed("likes", data.likes, at)
    yield from _observed("hub_trending_score", data.trending_score, at)
    yield from _observed("size_bytes", data.used_storage, at)


def _sizes(data: Model, at: datetime) -> Iterator[Observation]:
    tensors, gguf = _table(data.safetensors), _table(data.gguf)
    weights = [tensors.get("total"), _sum(tensors.get("parameters")), gguf.get("total")]
    stated = [weight for weight in weights if shapes.count(weight) is not None]
    yield from _observed("parameters", next(iter(stated), None), at)
    yield from _observed("derivatives", _sum(data.children_model_count), at)


def _observed(metric: str, value: Any, at: datetime) -> Iterator[Observation]:
    found = shapes.count(value)
    if found is not None:
        yield Observation(metric, found, at)


def _sum(value: Any) -> float | None:
    """Of the counts in a table; None where there are none."""
    found = [count for item in _table(value).values() if (count := shapes.count(item)) is not None]
    return sum(found) if found else None


def _derived_from(purl: str, data: Model, tags: Sorted) -> Iterator[Edge]:
    """What the hub found out comes first, then what the card says, then the tags."""
    said = _found_bases(data.base_models) or _card_bases(_table(data.card_data), tags)
    told: dict[str, str] = {}
    for relation, name in said or tags.bases:
        target = _target(name)
        if target and target != purl and len(told) < _EDGES:
            told[target] = told.get(target) or relation
    for target, relation in told.items():
        yield Edge(target, extra={"relation": relation} if relation else {})


def _found_bases(value: Any) -> list[tuple[str, str]]:
    found = _table(value)
    relation, models = found.get("relation"), found.get("models")
    named = [_table(one).get("id") for one in models] if isinstance(models, list) else []
    return [(_relation(relation), name) for name in named if isinstance(name, str)]


def _card_bases(card: dict[str, Any], tags: Sorted) -> list[tuple[str, str]]:
    """A card rarely says how; the tags that the hub makes of it do."""
    relations = {name: relation for relation, name in tags.bases if relation}
    stated = _relation(card.get("base_model_relation"))
    names = hub_tags.texts(card.get("base_model"))
    return [(stated or relations.get(name, ""), name) for name in names]


def _relation(value: Any) -> str:
    return value if isinstance(value, str) and value in hub_tags.RELATIONS else ""


def _trained_on(card: dict[str, Any], tags: Sorted) -> Iterator[Edge]:
    names = [*hub_tags.texts(card.get("datasets")), *tags.datasets]
    targets = (_target(f"{_DATASETS}/{name}") for name in names if hub_tags.is_repository(name))
    found = dict.fromkeys(target for target in targets if target)
    yield from map(Edge, list(found)[:_EDGES])


def _target(name: str) -> str | None:
    plain = name.removeprefix(f"{_DATASETS}/")
    if not hub_tags.is_repository(plain):
        return None
    try:
        return identity.package(Source.HUGGINGFACE, name)
    except identity.InvalidPurl:
        return None


def _tags(data: _Hosted, tags: Sorted, *, library: Any = None) -> Iterator[Tag]:
    card = _table(data.card_data)
    stated = _license(card, tags)
    named = shapes.line(library, _WORD)
    libraries: Iterable[str] = ([named.lower()] if named else []) + list(tags.libraries)
    words = shapes.keywords([*hub_tags.texts(getattr(data, "pipeline_tag", None)), *tags.others])
    found = [(TagCategory.LICENSE, stated)] if stated else []
    found += [
        (TagCategory.LANGUAGE, code)
        for code in (*hub_tags.languages(card.get("language")), *tags.languages)
    ]
    found += [(TagCategory.FRAMEWORK, name) for name in libraries]
    found += [(TagCategory.GENERAL, word) for word in words]
    yield from dict.fromkeys(found)


def _files(siblings: list[Any]) -> Iterator[File]:
    seen: set[str] = set()
    for sibling in map(_table, siblings):
        path = shapes.line(sibling.get("rfilename"), _PATH)
        if path is None or path in seen:
            continue
        seen.add(path)
        size = shapes.count(sibling.get("size"))
        yield File(
            path=path,
            size_bytes=None if size is None else int(size),
            blob_id=shapes.line(sibling.get("blobId"), _WORD),
            lfs=isinstance(sibling.get("lfs"), dict),
        )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
