"""What a model and a dataset of Hugging Face mean."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.readings.huggingface import Dataset, Model
from contracts.vocabulary import RelationType, State, TagCategory
from services.ingest.normalizers import huggingface
from services.ingest.records import Edge, Facts, File, Records, UnexpectedShape
from tests.support.readings import reading

PAYLOADS = Path(__file__).parents[2] / "payloads" / "huggingface"
PURL = "pkg:huggingface/acme/tiny"


def recorded(name: str, purl: str) -> Records:
    """A recorded answer, as the collector decodes it."""
    data = msgspec.json.decode((PAYLOADS / name).read_bytes(), type=Model)
    return huggingface.model(reading("huggingface.model.v1", purl, msgspec.to_builtins(data)))


def model(**fields: Any) -> Records:
    """A model as upstream writes it, with these fields."""
    data = msgspec.convert({"id": "acme/tiny", **fields}, Model)
    return huggingface.model(reading("huggingface.model.v1", PURL, msgspec.to_builtins(data)))


def dataset(**fields: Any) -> Records:
    data = msgspec.convert({"id": "acme/words", **fields}, Dataset)
    purl = "pkg:huggingface/datasets/acme/words"
    event = reading("huggingface.dataset.v1", purl, msgspec.to_builtins(data))
    return huggingface.dataset(event)


def facts(**fields: Any) -> Facts:
    told = model(**fields).facts
    assert told is not None
    return told


def value(records: Records, metric: str) -> float | None:
    return next((o.value for o in records.observations if o.metric == metric), None)


def tags(records: Records, category: TagCategory) -> list[str]:
    return [name for found, name in records.tags or () if found is category]


def bases(**fields: Any) -> list[tuple[str, str]]:
    edges = model(**fields).relations[RelationType.DERIVED_FROM]
    return [
        (edge.target.removeprefix("pkg:huggingface/"), edge.extra.get("relation", ""))
        for edge in edges
    ]


def trained_on(**fields: Any) -> list[str]:
    return [edge.target for edge in model(**fields).relations[RelationType.TRAINED_ON]]


def test_a_recorded_model_is_understood():
    records = recorded("roberta-base-squad2.json", "pkg:huggingface/deepset/roberta-base-squad2")

    assert records.facts is not None
    assert "https://huggingface.co/deepset/roberta-base-squad2" == records.facts.url
    assert "CC-BY-4.0" == records.facts.license
    assert "621ffdc136468d709f17a5fd" == records.facts.upstream_id
    assert datetime(2024, 9, 24, 15, 48, 47, tzinfo=UTC) == records.facts.updated_at
    assert 1_801_802 == value(records, "downloads_month")
    assert 842 == value(records, "likes")
    assert 124_057_092 == value(records, "parameters")
    assert 3_943_613_347 == value(records, "size_bytes")
    assert ["en"] == tags(records, TagCategory.LANGUAGE)
    assert "transformers" == tags(records, TagCategory.FRAMEWORK)[0]
    assert (
        Edge("pkg:huggingface/FacebookAI/roberta-base", extra={"relation": "finetune"}),
    ) == records.relations[RelationType.DERIVED_FROM]
    assert (Edge("pkg:huggingface/datasets/squad_v2"),) == records.relations[
        RelationType.TRAINED_ON
    ]


@pytest.mark.parametrize("second", ["04", "05", "59"])
def test_the_day_on_which_the_hub_began_to_keep_dates_is_no_date(second: str):
    told = facts(createdAt=f"2022-03-02T23:29:{second}.000Z")

    assert told.created_at is None


def test_a_day_after_that_is_one():
    told = facts(createdAt="2022-03-02T23:30:00.000Z")

    assert told.created_at == datetime(2022, 3, 2, 23, 30, tzinfo=UTC)


def test_downloads_of_thirty_days_end_with_the_last_whole_day():
    observed = {o.metric: o.observed_at for o in model(downloads=7, likes=1).observations}

    assert datetime(2026, 11, 20, tzinfo=UTC) == observed["downloads_month"]
    assert observed["likes"] > observed["downloads_month"]


def test_all_counts_are_told():
    records = model(
        downloads=1,
        downloadsAllTime=2,
        likes=3,
        trendingScore=4.5,
        usedStorage=5,
        safetensors={"total": 6},
        childrenModelCount={"adapter": 1, "merge": 2, "quantized": 3, "finetune": 4},
    )

    assert {
        "downloads_month": 1,
        "downloads_total": 2,
        "likes": 3,
        "hub_trending_score": 4.5,
        "size_bytes": 5,
        "parameters": 6,
        "derivatives": 10,
    } == {o.metric: o.value for o in records.observations}


@pytest.mark.parametrize("odd", [None, True, "7", -1, [], {}, 2**70])
def test_what_is_no_count_is_left_out(odd: Any):
    records = model(downloads=odd, likes=odd, usedStorage=odd, childrenModelCount={"merge": odd})

    assert records.observations == ()


@pytest.mark.parametrize(
    "weights",
    [
        {"safetensors": {"parameters": {"F32": 5, "I64": 2}}},
        {"safetensors": {"parameters": {"F32": 9}, "total": 7}},
        {"gguf": {"total": 7}},
        {"safetensors": None, "gguf": {"total": 7}},
    ],
)
def test_parameters_come_from_either_format(weights: dict[str, Any]):
    assert value(model(**weights), "parameters") == 7


def test_what_the_hub_found_out_wins_over_the_card_and_the_tags():
    assert [("a/one", "merge"), ("a/two", "merge")] == bases(
        baseModels={"relation": "merge", "models": [{"id": "a/one"}, {"id": "a/two"}]},
        cardData={"base_model": "b/card"},
        tags=["base_model:c/tag"],
    )


def test_a_card_with_several_bases_takes_the_relation_from_the_tags():
    assert [("a/one", "quantized"), ("a/two", "")] == bases(
        cardData={"base_model": ["a/one", "a/two"]},
        tags=["base_model:a/one", "base_model:quantized:a/one"],
    )


def test_the_relation_that_a_card_states_wins():
    card = {"base_model": "a/one", "base_model_relation": "adapter"}

    assert [("a/one", "adapter")] == bases(cardData=card, tags=["base_model:finetune:a/one"])


def test_tags_alone_tell_bases_once_with_their_relation():
    told = bases(tags=["base_model:a/one", "base_model:adapter:a/one", "base_model:a/two"])

    assert [("a/one", "adapter"), ("a/two", "")] == told


@pytest.mark.parametrize(
    "odd",
    ["acme/tiny", "../secrets", "a/b/c", "a--b", "x.git", "", "http://a/b", "naïve"],
)
def test_what_is_no_other_model_is_no_base(odd: str):
    assert bases(cardData={"base_model": [odd]}, tags=[f"base_model:{odd}"]) == []


@pytest.mark.parametrize("odd", [7, None, {}, [["a/b"]], True])
def test_a_base_of_another_type_is_none(odd: Any):
    assert bases(cardData={"base_model": odd}) == []


@pytest.mark.parametrize("odd", [7, "x", [], {"models": None}, {"models": [7, {"id": 7}, None]}])
def test_base_models_of_another_shape_fall_back_to_the_card(odd: Any):
    assert [("a/one", "")] == bases(baseModels=odd, cardData={"base_model": "a/one"})


def test_datasets_of_the_card_and_of_the_tags_are_one_set():
    assert [
        "pkg:huggingface/datasets/squad",
        "pkg:huggingface/datasets/allenai/c4",
    ] == trained_on(
        cardData={"datasets": ["squad", "my own data, cleaned"]},
        tags=["dataset:squad", "dataset:allenai/c4"],
    )


def test_tags_are_sorted_by_what_they_say():
    records = model(
        library_name="Transformers",
        pipeline_tag="text-generation",
        tags=["pytorch", "de", "license:mit", "arxiv:1810.04805", "region:us", "exbert"],
    )

    assert {
        (TagCategory.LICENSE, "MIT"),
        (TagCategory.LANGUAGE, "de"),
        (TagCategory.FRAMEWORK, "transformers"),
        (TagCategory.FRAMEWORK, "pytorch"),
        (TagCategory.GENERAL, "text-generation"),
        (TagCategory.GENERAL, "exbert"),
    } == set(records.tags or ())
    assert records.facts is not None
    assert ["arxiv:1810.04805"] == records.facts.extra["papers"]


def test_languages_of_the_card_may_be_longer_and_names_are_none():
    records = model(cardData={"language": ["zh-Hans", "gsw", "English (US)", None]}, tags=["ner"])

    assert ["zh-hans", "gsw"] == tags(records, TagCategory.LANGUAGE)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({"license": "apache-2.0"}, "Apache-2.0"),
        ({"license": ["mit", "apache-2.0"]}, "MIT OR Apache-2.0"),
        ({"license": "other", "license_name": "acme-1.0"}, "acme-1.0"),
        ({"license": "other"}, "other"),
        ({"license": "llama3.1"}, "llama3.1"),
        ({"license": {"name": "mit"}}, "BSD-3-Clause"),
        (None, "BSD-3-Clause"),
        ("license: mit", "BSD-3-Clause"),
    ],
)
def test_licences_are_spelled_as_spdx_does(card: Any, expected: str):
    assert expected == facts(cardData=card, tags=["license:bsd-3-clause"]).license


def test_a_gated_model_is_there_and_says_so():
    told = facts(gated="manual")

    assert (State.ACTIVE, "manual") == (told.state, told.extra["gated"])


def test_a_disabled_model_is_kept_as_it_is():
    told = facts(disabled=True)

    assert (State.ARCHIVED, True) == (told.state, told.extra["disabled"])


def test_a_private_model_is_gone_for_everybody():
    records = model(private=True, likes=7)

    assert (True, None, ()) == (records.gone, records.facts, records.observations)


def test_files_are_told_when_they_were_asked_for():
    siblings = [
        {"rfilename": "a.bin", "size": 9, "blobId": "b1", "lfs": {"size": 9}},
        {"rfilename": "a.bin"},
        {"rfilename": "README.md", "size": -1},
        {"rfilename": None},
        "odd",
    ]

    assert (
        File(path="a.bin", size_bytes=9, blob_id="b1", lfs=True),
        File(path="README.md"),
    ) == model(siblings=siblings).files
    assert model().files is None
    assert facts(siblings=[], siblingsCut=3).extra["files_left_out"] == 3


def test_a_dataset_is_understood():
    records = dataset(
        _id="621f",
        description="Words.\x00",
        downloads=5,
        tags=["language:en", "license:cc0-1.0", "library:pandas", "task_categories:other"],
    )

    assert records.facts is not None
    assert ("Words.", "CC0-1.0", "621f") == (
        records.facts.description,
        records.facts.license,
        records.facts.upstream_id,
    )
    assert "https://huggingface.co/datasets/acme/words" == records.facts.url
    assert ["en"] == tags(records, TagCategory.LANGUAGE)
    assert ["pandas"] == tags(records, TagCategory.FRAMEWORK)
    assert ["task_categories:other"] == tags(records, TagCategory.GENERAL)


def test_a_private_dataset_is_gone_for_everybody():
    assert dataset(private=True).gone


@pytest.mark.parametrize("odd", [None, 7, "x", [None, 7, {}, "x\x00y", "\ud800"], {"a": 1}])
def test_odd_tags_sink_nothing(odd: Any):
    assert model(tags=odd, cardData=odd, safetensors=odd, gated=odd).facts is not None


def test_a_reading_about_something_else_is_unexpected():
    with pytest.raises(UnexpectedShape, match="is not of huggingface"):
        huggingface.model(reading("huggingface.model.v1", "pkg:npm/tiny", {"id": "tiny"}))
