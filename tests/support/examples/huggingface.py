"""Hugging Face: two models; the files of each are asked apart."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

HUGGINGFACE = Example(
    source=Name.HUGGINGFACE,
    purls=(
        "pkg:huggingface/deepset/roberta-base-squad2",
        "pkg:huggingface/google-bert/bert-base-uncased",
    ),
    names=("/deepset/roberta-base-squad2", "/google-bert/bert-base-uncased"),
    answer=Hosts()
    .on("/deepset/roberta-base-squad2[?]", ok(payload("huggingface/roberta-base-squad2.json")))
    .on("/google-bert/bert-base-uncased[?]", ok(payload("huggingface/bert-base-uncased.json")))
    .on("", NOT_FOUND),
    facts="[?]expand",
)
