"""The description of the API in OpenAPI 3.1, made from its routes and models.

The framework writes paths, parameters and answers; models are described by what reads and writes them, and
what holds for every route (tokens, problems, conditions) stands here once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

import grader
from grader.web.addresses import COURSE_PATHS
from grader.web.api.problems import KINDS, MEDIA_TYPE, Problem
from grader.web.guards import handlers_of, permission_of, scope_of
from grader.web.roles import GRANTED, Permission
from grader.workflows.accounts.tokens import Scope

__all__ = ["describe"]

_REF = "#/components/schemas/{name}"
_ABOUT = (
    "Marks, submissions and remark requests of courses, by the same use cases as the pages and commands of"
    " grader. Times are RFC 3339 in UTC; cells count from 0."
)
#: What stands in paths.
_PARTS = {
    "course": ("The course's short name.", "dl-2026"),
    "assignment": ("The assignment's id.", "lab2"),
    "student": ("The student's id; their pseudonym for who grades blind.", "s101"),
    "criterion": ("The criterion's id.", "fresh-weights"),
    "id": ("Its number.", 12),
    "format": ("One of the formats of `grader export`.", "csv"),
    "job": ("Its id, as the answer to its beginning gave it.", "Zk3vQ0aT"),
}
#: Answers that any route may give.
_ALWAYS = (400, 401, 403, 404, 406, 410, 421, 429, 503)
_TO_WRITES = (409, 412, 413, 415, 422)


def describe(server_routes: Sequence[Any], routes: Sequence[Any]) -> dict[str, Any]:
    """The whole description.

    Args:
        server_routes: With their whole paths.
        routes: Those of a course, which lie below it.
    """
    below = Router(COURSE_PATHS[1], route_handlers=list(routes))
    app = Litestar(
        route_handlers=[*server_routes, below],
        openapi_config=OpenAPIConfig(
            title="grader",
            version=grader.__version__,
            description=_ABOUT,
            use_handler_docstrings=True,
        ),
    )
    document: dict[str, Any] = app.openapi_schema.to_schema()
    handlers = [(path, handler) for path, handler in handlers_of(app) if permission_of(handler) is not None]
    document["servers"] = [{"url": "/"}]
    document["paths"] = {
        _template(path): _path(document["paths"][_template(path)], handler) for path, handler in handlers
    }
    document["components"] = {
        "schemas": _schemas(handlers),
        "responses": {str(status): _problem(status) for status in sorted({*_ALWAYS, *_TO_WRITES, 428})},
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "As `grader api token` prints it."}
        },
    }
    return document


def _template(path: str) -> str:
    """A path as OpenAPI writes it: without the types of its parameters."""
    return "/".join(
        f"{{{part[1:].split(':')[0]}}}" if part.startswith("{") else part for part in path.split("/")
    )


def _path(item: dict[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    [(method, operation)] = item.items()
    writes, scope = method not in ("get", "head"), scope_of(handler)
    operation.pop("deprecated", None)
    operation["description"] = _described(operation, handler, scope)
    operation["parameters"] = [
        *map(_parameter, sorted(operation.get("parameters", ()), key=_order)),
        *(_header(name) for name in _headers(handler, writes=writes)),
    ]
    if "takes" in handler.opt:
        name = handler.opt["takes"].__name__
        content = {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["security"] = [{"token": []}] if scope else []
    answers = {status: told for status, told in operation["responses"].items() if status[0] == "2"}
    for told in answers.values():
        told["description"] = "Done." if writes else "What is there."
        told.pop("headers", None)
    if handler.opt.get("tagged"):
        answers["304"] = {"description": "It is what `If-None-Match` names."}
    others = _ALWAYS if scope else (406, 421)
    others = (*others, *_TO_WRITES) if writes else others
    others = (*others, 428) if handler.opt.get("matched") else others
    answers |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(others)}
    operation["responses"] = answers
    return {method: operation}


def _described(operation: dict[str, Any], handler: HTTPRouteHandler, scope: Scope | None) -> str:
    said = str(operation.get("description", "")).strip()
    said = "\n".join(line.strip() for line in said.splitlines())
    if scope is None:
        return said
    permission = permission_of(handler)
    assert permission is not None
    roles = [role.value for role, granted in GRANTED.items() if permission in granted]
    who = "whoever is in the course" if permission is Permission.SIGNED_IN else ", ".join(roles)
    return f"{said}\n\nScope `{scope.value}`; for {who}."


def _order(given: dict[str, Any]) -> tuple[bool, int]:
    """What stands in the path first, as it stands there."""
    in_path = given["in"] == "path"
    return not in_path, list(_PARTS).index(given["name"]) if in_path else 0


def _parameter(given: dict[str, Any]) -> dict[str, Any]:
    """Without what says the default, and with words for what stands in a path."""
    plain: dict[str, Any] = {
        key: given[key] for key in ("name", "in", "description", "required", "schema") if key in given
    }
    if given["in"] == "path":
        description, example = _PARTS[given["name"]]
        plain |= {"description": description, "example": example}
        if plain["schema"].get("type") == "string":
            plain["schema"] = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        else:
            plain["schema"] = {"type": "integer", "minimum": 1, "maximum": 2**53}
    return plain


def _headers(handler: HTTPRouteHandler, *, writes: bool) -> Iterable[str]:
    if handler.opt.get("tagged"):
        yield "If-None-Match"
    if handler.opt.get("matched"):
        yield "If-Match"
    if writes:
        yield "Idempotency-Key"


def _header(name: str) -> dict[str, Any]:
    told = {
        "If-None-Match": (
            "The ETag of what they have; where nothing is new, the answer is 304.",
            '"12-0f3a"',
        ),
        "If-Match": ("The ETag of what they saw; where something else stands, the answer is 412.", '"12+34"'),
        "Idempotency-Key": (
            "The same key with the same request is done once, for 24 hours.",
            "8e03978e-40d5",
        ),
    }
    description, example = told[name]
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": example,
    }


def _schemas(handlers: Iterable[tuple[str, HTTPRouteHandler]]) -> dict[str, Any]:
    """All models of these routes, as what reads and writes them describes them."""
    models: set[type] = {Problem}
    for _, handler in handlers:
        signature = handler.parsed_fn_signature
        models.update(each for each in get_args(signature.return_type.annotation) if _is_model(each))
        models.update([handler.opt["takes"]] if "takes" in handler.opt else [])
    ordered = sorted(models, key=lambda model: model.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    return dict(sorted(components.items()))


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, msgspec.Struct)


def _problem(status: int) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    return {
        "description": "; ".join(f"`{kind.name}`: {kind.means}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
    }
