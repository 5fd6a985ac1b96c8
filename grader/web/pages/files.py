"""Style sheet, script, and the picture in the browser's tab."""

from __future__ import annotations

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from grader.web.guards import permits
from grader.web.rendering import ASSETS, asset
from grader.web.roles import Permission

__all__ = ["ROUTES"]


@get("/static/{version:str}/{name:str}", opt=permits(Permission.PUBLIC), sync_to_thread=False)
def packaged(version: FromPath[str], name: FromPath[str]) -> Response[str]:
    """A packaged file under an address that changes with it."""
    if name not in ASSETS or version != asset(name).version:
        raise NotFoundException
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(asset(name).text, media_type=asset(name).type, headers=headers)


ROUTES = (packaged,)
