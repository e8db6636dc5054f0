"""
Tags of the Hugging Face hub: what each of them says, by its prefix or by the word itself.

The hub puts into one list what it found out itself, what stands in the model card, and whatever
people liked to add: `license:mit`, `en`, `pytorch`, `dataset:squad`, `region:us`, `my-tag`.

Source:
    https://huggingface.co/docs/hub/model-cards and https://huggingface.co/api/models-tags-by-type
    (types: pipeline_tag, library, dataset, language, license, arxiv, doi, region, deploy, other);
    libraries by https://github.com/huggingface/huggingface.js `model-libraries.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from services.ingest import shapes

_LENGTH: Final = 120
_MOST: Final = 2_000
# Sorted out by the hub itself and of no use for finding anything.
_ASIDE: Final = frozenset({"region", "deploy", "doi", "arxiv", "diffusers", "bucket"})
_BASE: Final = "base_model"
RELATIONS: Final = frozenset({"adapter", "finetune", "merge", "quantized"})
_REPOSITORY: Final = re.compile(r"(?:\b[\w.-]{1,96}\b/)?\b[\w.-]{1,96}\b", re.ASCII).fullmatch
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}").fullmatch

# ISO 639-1. Longer codes are taken from the card alone: among tags they are other words.
_CODES: Final = {  # first letter: second letters
    "a": "abefkmnrsvyz", "b": "aeghimnors", "c": "aehorsuvy", "d": "aevz", "e": "elnostu",
    "f": "afijory", "g": "adlnuv", "h": "aeiortuyz", "i": "adegikostu", "j": "av",
    "k": "agijklmnorsuvwy", "l": "abginotuv", "m": "ghiklnrsty", "n": "abdeglnorvy",
    "o": "cjmrs", "p": "ailst", "q": "u", "r": "mnouw", "s": "acdegiklmnoqrstuvw",
    "t": "aeghiklnorstwy", "u": "gkrz", "v": "eio", "w": "ao", "x": "h", "y": "io", "z": "ahu",
}  # fmt: skip
_LIBRARY_NAMES: Final = """
adapter-transformers adapters allennlp asteroid bertopic coreml diffusers espnet executorch fairseq
fastai fasttext flair flax gguf jax keras keras-hub litert llamafile mlx ml-agents nemo onnx
open_clip openvino paddlenlp paddlepaddle peft pyannote-audio pytorch rust safetensors
sample-factory sentence-transformers setfit sklearn spacy span-marker speechbrain
stable-baselines3 stanza tensorboard tensorrt tf tf-keras tflite timm tokenizers transformers
transformers.js trl ultralytics unity-sentis vllm
"""
# What the hub calls a licence in lower case has its own spelling in SPDX.
_LICENSE_NAMES: Final = """
AFL-3.0 AGPL-3.0 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear BSL-1.0
CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0
CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0
CC-BY-SA-4.0 CC0-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-1.0
EPL-2.0 EUPL-1.1 EUPL-1.2 GFDL-1.3 GPL-2.0 GPL-3.0 ISC LGPL-2.1 LGPL-3.0 LPPL-1.3c MIT MPL-2.0
MS-PL MulanPSL-2.0 NCSA OFL-1.1 OSL-3.0 PostgreSQL Unlicense WTFPL Zlib
"""
_LANGUAGES: Final = frozenset(a + b for a, found in _CODES.items() for b in found)
_LIBRARIES: Final = frozenset(_LIBRARY_NAMES.split())
_SPDX: Final = {name.lower(): name for name in _LICENSE_NAMES.split()}


class Sorted(Struct, frozen=True, kw_only=True):
    """The tags of a repository by what they say; `bases` are pairs of relation and id."""

    licenses: tuple[str, ...]
    languages: tuple[str, ...]
    libraries: tuple[str, ...]
    datasets: tuple[str, ...]
    papers: tuple[str, ...]
    bases: tuple[tuple[str, str], ...]
    others: tuple[str, ...]


def sort(tags: Any) -> Sorted:
    """Every tag by what it says, each once."""
    found = list(dict.fromkeys(_lines(tags)))
    plain = [tag for tag in found if ":" not in tag]
    lower = [tag.lower() for tag in plain]
    return Sorted(
        licenses=_under(found, "license"),
        languages=(*filter(_LANGUAGES.__contains__, lower), *languages(_under(found, "language"))),
        libraries=(*filter(_LIBRARIES.__contains__, lower), *_under(found, "library")),
        datasets=tuple(filter(is_repository, _under(found, "dataset"))),
        papers=_under(found, "arxiv"),
        bases=tuple(_bases(found)),
        others=tuple(_others(found)),
    )


def is_repository(name: str) -> bool:
    """Whether the hub would take this as the id of a repository: `squad`, `allenai/c4`."""
    return (
        _REPOSITORY(name) is not None
        and "--" not in name
        and ".." not in name
        and not name.endswith(".git")
    )


def languages(value: Any) -> list[str]:
    """The codes of a card's `language`, one or a list; names and notes are left out."""
    found = (text.lower() for text in texts(value))
    return [code for code in found if _LANGUAGE(code)]


def texts(value: Any) -> list[str]:
    """What a card says in one word or in a list of them."""
    return list(_lines(list(value) if isinstance(value, list | tuple) else [value]))


def license_name(name: str) -> str:
    """A licence as SPDX spells it, or as the hub does where SPDX has none."""
    return _SPDX.get(name.lower(), name)


def _lines(value: Any) -> Iterable[str]:
    if not isinstance(value, list):
        return ()
    return (found for item in value[:_MOST] if (found := shapes.line(item, _LENGTH)))


def _under(tags: list[str], prefix: str) -> tuple[str, ...]:
    named = (tag.partition(":") for tag in tags)
    return tuple(said for before, _, said in named if before == prefix and said)


def _bases(tags: list[str]) -> Iterable[tuple[str, str]]:
    for said in _under(tags, _BASE):
        relation, separator, name = said.partition(":")
        if not separator:
            relation, name = "", said
        if is_repository(name) and (not relation or relation in RELATIONS):
            yield relation, name


def _others(tags: list[str]) -> Iterable[str]:
    known = _ASIDE | {"license", "language", "library", "dataset", _BASE}
    for tag in tags:
        prefix, separator, _ = tag.partition(":")
        is_sorted = separator and prefix in known
        if not is_sorted and tag.lower() not in _LANGUAGES and tag.lower() not in _LIBRARIES:
            yield tag
