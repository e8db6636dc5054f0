"""
Hugging Face: a model with its counts and files, and a dataset with its counts.

Source: https://huggingface.co/docs/hub/api and https://huggingface.co/.well-known/openapi.json
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Model(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    `GET /api/models/{id}?expand[]=…`, with `siblings` of `?blobs=true` when there is a new `sha`:
    upstream does not take the two together. `siblings_cut` is ours: how many files were left out
    so that the rest fits into a message.

    What was not asked for, or does not apply, is missing: `baseModels` where there are none,
    `safetensors` and `gguf` where the weights are of another format. The collector keeps of
    `cardData`, `safetensors` and `gguf` only what is used. `cardData` is what people wrote into the
    front matter of their README, in whatever shape.
    """

    id: str
    object_id: Any = field(name="_id", default=None)
    sha: Any = None
    private: Any = None
    gated: Any = None
    disabled: Any = None
    created_at: Any = None
    last_modified: Any = None
    downloads: Any = None
    downloads_all_time: Any = None
    likes: Any = None
    trending_score: Any = None
    used_storage: Any = None
    pipeline_tag: Any = field(name="pipeline_tag", default=None)
    library_name: Any = field(name="library_name", default=None)
    tags: Any = None
    card_data: Any = None
    base_models: Any = None
    children_model_count: Any = None
    safetensors: Any = None
    gguf: Any = None
    siblings: Any = None
    siblings_cut: int = 0


class Dataset(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """`GET /api/datasets/{id}?expand[]=…`; see `Model`."""

    id: str
    object_id: Any = field(name="_id", default=None)
    sha: Any = None
    private: Any = None
    gated: Any = None
    disabled: Any = None
    created_at: Any = None
    last_modified: Any = None
    downloads: Any = None
    downloads_all_time: Any = None
    likes: Any = None
    trending_score: Any = None
    used_storage: Any = None
    description: Any = None
    tags: Any = None
    card_data: Any = None
