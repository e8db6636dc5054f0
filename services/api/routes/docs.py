"""The OpenAPI document, its page, and the way there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from litestar import Request, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

_TITLE: Final = "Groundswell"
_DESCRIPTION: Final = "Rankings, search, history, dependents and a live feed of open source."
_ASSETS: Final = "/docs/assets"


@get("/", include_in_schema=False)
async def redirect_to_docs() -> Redirect:
    return Redirect("/docs")


def mended(node: Any) -> Any:
    """
    An OpenAPI document in which `int | float` is a number, changed in place.

    Litestar writes `oneOf` integer and number for it, and a whole number is both, which `oneOf`
    does not allow.
    """
    if isinstance(node, dict):
        choices = node.get("oneOf", ())
        if {"type": "integer"} in choices and {"type": "number"} in choices:
            choices.remove({"type": "integer"})
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            mended(child)
    return node


class _Page(SwaggerRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, mended(openapi_schema))


class _Document(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, mended(openapi_schema))


def openapi_config(version: str) -> OpenAPIConfig:
    """The document at `/docs/openapi.json`, and Swagger UI at `/docs` that shows it."""
    page = _Page(
        js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        css_url=f"{_ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
        favicon=f'<link rel="icon" href="{_ASSETS}/favicon-32x32.png">',
    )
    return OpenAPIConfig(
        title=_TITLE,
        version=version,
        description=_DESCRIPTION,
        path="/docs",
        render_plugins=[page, _Document()],
    )


def assets() -> Router:
    """
    The files of Swagger UI, from the wheel that brings them: the page needs no other host.

    Its package is found and not imported, since importing it starts with web frameworks.
    """
    spec = find_spec("swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("swagger-ui-py is not installed: pip install 'groundswell[api]'")
    folder = Path(spec.submodule_search_locations[0]) / "static"
    return create_static_files_router(_ASSETS, [folder], include_in_schema=False)
