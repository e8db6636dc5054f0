"""`/organizations`: who owns repositories and models, and what of it is tracked."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath, FromQuery

from contracts.responses import Meta, Organization
from contracts.vocabulary import Source
from services.api import cursors, paths
from services.api.answers import ArtifactPage, OrganizationAnswer, OrganizationPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import CursorText, Limit, Text
from services.api.errors import documented
from services.api.lists import cut
from services.api.names import known_source, organization_not_found
from services.api.queries import organizations
from services.api.queries.organizations import OrganizationSort

_LIST_SECONDS = 5
_FACT_SECONDS = 10


@get("/organizations", responses=documented())
async def list_organizations(
    request: APIRequest,
    sort: FromQuery[OrganizationSort] = OrganizationSort.STARS,
    source: FromQuery[Source | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Reply[OrganizationPage]:
    """Owners of artifacts, ranked; `q` is a part of the login or of the name."""
    sealed = ["organizations", sort, source, q]
    after = cursors.decode_optional(cursor, sealed, organizations.After)
    rows = await organizations.organizations(request.database, sort, source, q, after, limit + 1)
    shown, more = cut(rows, limit)
    place = shown[-1][1] if more else None
    meta = Meta(limit=limit, sort=sort, next=cursors.encode(sealed, place) if place else None)
    page = OrganizationPage(data=[found for found, _ in shown], meta=meta)
    return Reply(page, max_age=_LIST_SECONDS)


@get("/organizations/{source:str}/{login:str}", responses=documented(404))
async def show_organization(
    request: APIRequest, source: FromPath[str], login: FromPath[str]
) -> Reply[OrganizationAnswer]:
    """One organization by its login, in any case."""
    found = await _find(request, source, login)
    return Reply(OrganizationAnswer(data=found[1], meta=Meta()), max_age=_FACT_SECONDS)


@get("/organizations/{source:str}/{login:str}/artifacts", responses=documented(404))
async def list_organization_artifacts(
    request: APIRequest,
    source: FromPath[str],
    login: FromPath[str],
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Reply[ArtifactPage]:
    """What an organization has of what is tracked, the most popular first."""
    found = await _find(request, source, login)
    sealed = ["organization", source, login]
    after = cursors.decode_optional(cursor, sealed, organizations.Place)
    rows = await organizations.artifacts(request.database, found[0], after, limit + 1)
    shown, more = cut(rows, limit)
    meta = Meta(limit=limit, next=cursors.encode(sealed, shown[-1][1]) if more else None)
    page = ArtifactPage(data=[artifact for artifact, _ in shown], meta=meta)
    return Reply(page, max_age=_FACT_SECONDS)


async def _find(request: APIRequest, source: str, segment: str) -> tuple[int, Organization]:
    login = paths.unfold(segment)
    found = await organizations.organization(request.database, known_source(source), login)
    if found is None:
        raise organization_not_found(source, login)
    return found
