"""The OpenAPI document, its page, and the way there."""

from __future__ import annotations

from litestar import get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin, SwaggerRenderPlugin
from litestar.response import Redirect

_TITLE = "Groundswell"
_DESCRIPTION = "Rankings, search, history, dependents and a live feed of open source."


@get("/", include_in_schema=False)
async def redirect_to_docs() -> Redirect:
    return Redirect("/docs")


def openapi_config(version: str, script_url: str) -> OpenAPIConfig:
    """
    The document at `/docs/openapi.json`, and a page that shows it.

    The page needs a script, which a browser loads from `script_url`: a CDN, unless a copy of it is
    kept nearer. Without one it is Swagger UI, which comes from a CDN as well.
    """
    page = ScalarRenderPlugin(js_url=script_url) if script_url else SwaggerRenderPlugin()
    return OpenAPIConfig(
        title=_TITLE,
        version=version,
        description=_DESCRIPTION,
        path="/docs",
        render_plugins=[page, JsonRenderPlugin()],
    )
