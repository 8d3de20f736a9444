"""
The description of the control API: OpenAPI 3.1, made from the operations themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from simulator.evidence.formats import FORMATS
from simulator.kernel.model.lifecycle import State
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.schema.shapes import Schema, json_schema
from simulator.server.answers import ANSWERS, NAMED
from simulator.server.operations.base import AFTER_MAX, LIMIT_MAX, Operation
from simulator.server.operations.table import OPERATIONS

__all__ = ["openapi"]

_SUMMARIES: Final = {
    400: "what was asked cannot be read",
    404: "there is no such thing",
    408: "it did not happen in time",
    409: "not as things stand",
    410: "the space was deleted meanwhile",
    413: "the body is too large",
    422: "the body is not what is expected",
    503: "the server is being stopped",
}


def openapi(version: str, providers: Iterable[str] = ()) -> dict[str, object]:
    """Return the description of the control API of a server that has these *providers*."""
    paths: dict[str, dict[str, object]] = {}
    named: dict[str, object] = dict(NAMED)
    names = sorted(providers)
    for operation in OPERATIONS:
        parameters: list[dict[str, object]] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in _path_names(operation.path)
        ]
        parameters += [
            {"name": name, "in": "query", "description": doc, "schema": _asked(operation, name, names)}
            for name, doc in operation.query
        ]
        name = operation.run.__name__.strip("_")
        described: dict[str, object] = {
            "operationId": name,
            "summary": operation.summary,
            "parameters": parameters,
            "responses": {str(status): _response(status, name, operation) for status in _statuses(operation)},
        }
        if operation.body is not None:
            schema = json_schema(operation.body, operation.summary)
            schema.pop("$schema", None)
            named.update(_placed(schema.pop("$defs", {})))
            schema = _placed(schema)
            schema |= operation.body_more
            required = any(word in schema for word in ("required", "minProperties", "if"))
            # Generated clients call it so.
            title = "".join(word.capitalize() for word in name.split("_")) + "Body"
            named[title] = {**schema, "title": title}
            described["requestBody"] = {
                # No body at all is read as an empty object.
                "required": required,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{title}"}}},
            }
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "simulator control API", "version": version},
        "paths": paths,
        "components": {"schemas": named},
    }


def _statuses(operation: Operation) -> list[int]:
    """Return what an operation may answer; a query that it does not have is a 400 everywhere."""
    body = (413, 422) if operation.body is not None else ()
    address = (422,) if "{address}" in operation.path else ()
    return sorted({*operation.statuses, 400, *body, *address})


def _asked(operation: Operation, name: str, providers: list[str]) -> Schema:
    """Return the schema of one parameter of a query."""
    match name:
        case "limit" if operation.path.endswith("/conversation"):
            return {"type": "integer", "minimum": 0, "maximum": 10_000}
        case "limit" if not operation.path.endswith("/journal"):
            return {"type": "integer", "minimum": 0, "maximum": LIMIT_MAX}
        case "limit":
            return {"type": "integer", "minimum": 0, "maximum": 10**7}
        case "offset" | "count":
            return {"type": "integer", "minimum": 0, "maximum": 10**9}
        case "after":
            return {"type": "integer", "minimum": 0, "maximum": AFTER_MAX}
        case "order":
            return {"type": "string", "enum": ["oldest", "newest"]}
        case "for":
            return {"type": "string", "enum": ["messages", "webhooks", "requests"]}
        case "format":
            return {"type": "string", "enum": list(FORMATS)}
        case "provider" if providers:
            return {"type": "string", "enum": providers}
        case "state":
            words = State if operation.path.endswith("/messages") else WebhookState
            both = [*State, *WebhookState] if operation.path.endswith("/wait") else list(words)
            return {"type": "string", "enum": list(dict.fromkeys(word.value for word in both))}
    return {"type": "string"}


def _placed(schema: Any) -> Any:
    """
    Return a schema whose references point to where OpenAPI keeps definitions.

    Texts are texts there, or whole numbers; what is said of other numbers is for editors of YAML.
    """
    if isinstance(schema, dict):
        placed = {
            name: part.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _placed(part)
            for name, part in schema.items()
        }
        if placed.get("type") == ["string", "number"]:
            placed["type"] = ["string", "integer"]
        return placed
    return [_placed(part) for part in schema] if isinstance(schema, list) else schema


def _path_names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _response(status: int, name: str, operation: Operation) -> dict[str, object]:
    if status == 204:
        return {"description": "done"}
    if status >= 400:
        schema: Schema = {"$ref": "#/components/schemas/Problem"}
        return {
            "description": _SUMMARIES.get(status, "a problem"),
            "content": {"application/problem+json": {"schema": schema}},
        }
    if operation.documents:
        return {"description": "a document", "content": {kind: {} for kind in operation.documents}}
    if name == "journal":
        # A schema of lines is beyond OpenAPI 3.1, and that of one line would be untrue of them all.
        lines = {"type": "string", "description": "A line for each entry; each is an Entry."}
        return {"description": "done", "content": {"application/x-ndjson": {"schema": lines}}}
    return {"description": "done", "content": {"application/json": {"schema": ANSWERS[name]}}}
