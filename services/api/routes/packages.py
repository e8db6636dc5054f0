"""`/packages`: by ecosystem and the name that its registry uses, and who depends on them."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.responses import Meta
from contracts.vocabulary import Scope
from services.api import cursors
from services.api.answers import ArtifactAnswer, ArtifactPage, DependentPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import (
    PACKAGE_QUESTION,
    CursorText,
    Limit,
    Question,
    Ranking,
    ScopeName,
)
from services.api.errors import documented
from services.api.lists import Place, cut, ranked_page, require_artifact
from services.api.names import artifact_not_found, package_purl, renamed
from services.api.queries import artifacts, dependents

_LIST_SECONDS = 5
_FACT_SECONDS = 10


@get("/packages", dependencies=PACKAGE_QUESTION, responses=documented())
async def list_packages(
    request: APIRequest, question: NamedDependency[Question], sort: Ranking = "latest"
) -> Reply[ArtifactPage]:
    """Tracked packages, ranked; `ecosystem` is the registry."""
    return Reply(await ranked_page(request, question, sort, "packages"), max_age=_LIST_SECONDS)


@get("/packages/{ecosystem:str}/{name:str}", responses=documented(404))
async def show_package(
    request: APIRequest, ecosystem: FromPath[str], name: FromPath[str]
) -> Reply[ArtifactAnswer]:
    """One package: `npm/@vue/core`, `pypi/litestar`, `maven/org.slf4j:slf4j-api`."""
    purl = package_purl(ecosystem, name)
    found = await artifacts.detail(request.database, purl)
    if found is None:
        raise artifact_not_found(purl)
    meta = Meta(renamed=renamed(purl, found.purl))
    return Reply(ArtifactAnswer(data=found, meta=meta), max_age=_FACT_SECONDS)


@get("/packages/{ecosystem:str}/{name:str}/dependents", responses=documented(404))
async def list_dependents(
    request: APIRequest,
    ecosystem: FromPath[str],
    name: FromPath[str],
    needed: ScopeName = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Reply[DependentPage]:
    """Tracked packages that depend on this one directly, the most popular first."""
    purl = package_purl(ecosystem, name)
    sealed = ["dependents", purl, needed]
    after = cursors.decode_optional(cursor, sealed, Place)
    rows = await dependents.dependents(request.database, purl, needed, after, limit + 1)
    await require_artifact(request, purl, rows)
    shown, more = cut(rows, limit)
    meta = Meta(
        limit=limit,
        next=cursors.encode(sealed, shown[-1][1]) if more else None,
        total=await _count(request, purl, needed),
        total_at_most=artifacts.COUNT_AT_MOST,
    )
    page = DependentPage(data=[found for found, _ in shown], meta=meta)
    return Reply(page, max_age=_FACT_SECONDS)


async def _count(request: APIRequest, purl: str, scope: Scope | None) -> int:
    return await request.backend.results.get(
        ("dependents", purl, scope), lambda: dependents.count(request.database, purl, scope)
    )
