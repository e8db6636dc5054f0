"""`/artifacts/{key}/files` and `…/problems`: what it consists of, and what is wrong in it."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from contracts.responses import Meta
from services.api import cursors
from services.api.answers import FilePage, FileProblemPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import CursorText, Limit
from services.api.errors import documented
from services.api.lists import cut, require_artifact
from services.api.names import artifact_key
from services.api.queries import files

_FACT_SECONDS = 10
_START: files.After = ("", -1)


@get("/artifacts/{key:str}/files", responses=documented(404))
async def list_files(
    request: APIRequest, key: FromPath[str], limit: Limit = 50, cursor: CursorText = None
) -> Reply[FilePage]:
    """The files of an artifact in the order of their paths."""
    wanted = artifact_key(key)
    sealed = ["files", wanted]
    after = cursors.decode_optional(cursor, sealed, str) or ""
    rows = await files.files(request.database, wanted, after, limit + 1)
    await require_artifact(request, wanted, rows)
    shown, more = cut(rows, limit)
    meta = Meta(limit=limit, next=cursors.encode(sealed, shown[-1].path) if more else None)
    return Reply(FilePage(data=shown, meta=meta), max_age=_FACT_SECONDS)


@get("/artifacts/{key:str}/problems", responses=documented(404))
async def list_problems(
    request: APIRequest, key: FromPath[str], limit: Limit = 50, cursor: CursorText = None
) -> Reply[FileProblemPage]:
    """The files of an artifact that could not be read, or are not as they should be, and why."""
    wanted = artifact_key(key)
    sealed = ["problems", wanted]
    after = cursors.decode_optional(cursor, sealed, files.After) or _START
    rows = await files.problems(request.database, wanted, after, limit + 1)
    await require_artifact(request, wanted, rows)
    shown, more = cut(rows, limit)
    meta = Meta(limit=limit, next=cursors.encode(sealed, shown[-1][1]) if more else None)
    page = FileProblemPage(data=[problem for problem, _ in shown], meta=meta)
    return Reply(page, max_age=_FACT_SECONDS)
