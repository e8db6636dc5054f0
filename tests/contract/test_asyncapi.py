"""The AsyncAPI document is whole: references resolve, channels and operations belong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contracts import asyncapi, envelope, streams, subjects
from contracts.changes import CHANGES
from contracts.envelope import EVENTS
from contracts.jobs import JOBS
from contracts.vocabulary import Source
from tests.support import samples
from tests.support.subjects import matches

DOCUMENT = asyncapi.document()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_reference_leads_somewhere() -> None:
    references = set(_references(DOCUMENT))

    assert len(references) > len(EVENTS)
    assert all(_resolve(reference) is not None for reference in references)


def test_the_document_has_what_the_standard_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for channel in DOCUMENT["channels"].values():
        assert {"address", "messages", "parameters"} <= channel.keys()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}


def test_parameters_and_the_tokens_in_braces_are_the_same() -> None:
    for channel in DOCUMENT["channels"].values():
        tokens = [part for part in channel["address"].split(".") if part.startswith("{")]

        assert [token.strip("{}") for token in tokens] == list(channel["parameters"])


@pytest.mark.parametrize("type_", EVENTS)
def test_every_event_type_has_its_channel_in_the_stream_that_keeps_it(type_: str) -> None:
    channel = DOCUMENT["channels"][type_]
    (stream,) = (s for s in streams.STREAMS if s.name == asyncapi.stream_of(type_))

    assert list(channel["messages"]) == [type_]
    assert any(matches(filter_, channel["address"]) for filter_ in stream.subjects)


@pytest.mark.parametrize("type_", EVENTS)
def test_every_event_type_is_sent_and_received(type_: str) -> None:
    actions = {
        operation["action"]
        for operation in DOCUMENT["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{type_}"
    }

    assert actions == {"send", "receive"}


def test_operations_send_messages_of_their_own_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]

        assert [
            message["$ref"].rpartition("/messages/")[0] for message in operation["messages"]
        ] == [channel]


def _filled_in(address: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        address = address.replace(f"{{{name}}}", value)
    return address


@pytest.mark.parametrize("type_", [*CHANGES, *JOBS])
def test_the_address_with_its_parameters_filled_in_is_the_subject(type_: str) -> None:
    data = samples.decode(f"{type_}.json").data
    subject = subjects.change(data) if type_ in CHANGES else subjects.job(data)
    channel = DOCUMENT["channels"][type_]
    tokens = zip(channel["address"].split("."), subject.split("."), strict=True)
    values = {name.strip("{}"): value for name, value in tokens if name.startswith("{")}

    assert _filled_in(channel["address"], values) == subject
    assert all(value in channel["parameters"][name]["enum"] for name, value in values.items())


def test_readings_and_dead_letters_stand_at_their_subjects() -> None:
    address = DOCUMENT["channels"]["dead"]["address"]

    assert DOCUMENT["channels"]["npm.packument.v1"]["address"] == "readings.v1.npm.packument"
    assert _filled_in(address, {"stream": "READINGS", "source": "npm"}) == subjects.dead(
        "READINGS", Source.NPM
    )


@pytest.mark.parametrize("type_", EVENTS)
def test_the_headers_are_the_ones_that_the_envelope_writes(type_: str) -> None:
    schema = DOCUMENT["components"]["messageTraits"]["cloudEvent"]["headers"]
    headers = envelope.to_headers(samples.decode(f"{type_}.json"))

    assert set(schema["required"]) <= headers.keys() <= schema["properties"].keys()
    for name, value in headers.items():
        allowed = schema["properties"][name]
        assert value in allowed.get("enum", [allowed.get("const", value)])


def test_two_structs_of_one_name_stay_apart() -> None:
    """Both npm and PyPI have `Downloads`, and their fields differ."""
    messages = DOCUMENT["components"]["messages"]

    assert messages["npm.downloads.v1"]["payload"] != messages["pypi.downloads.v1"]["payload"]


def test_tuples_are_spelled_as_in_draft_07() -> None:
    pair = DOCUMENT["components"]["schemas"]["ArtifactChanged"]["properties"]["fields"]

    assert pair["additionalProperties"]["items"] == [{}, {}]
    assert pair["additionalProperties"]["additionalItems"] is False
