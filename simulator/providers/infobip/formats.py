"""
JSON or XML: what a call is written in, and what its answer is to be written in.
"""

from __future__ import annotations

from typing import Final

from simulator.provider import Answer, Call
from simulator.providers.infobip.xml import CONTENT_TYPE, render_xml

__all__ = ["WRONG_CONTENT_TYPE", "formatted", "normal_path", "request_format", "wants_xml"]

_SUFFIXES: Final = (".json", ".xml")
WRONG_CONTENT_TYPE: Final = "Content-Type: expected application/json, application/xml or text/xml"
_FORMATS: Final = {"application/json": False, "application/xml": True, "text/xml": True}


def normal_path(path: str) -> str:
    """Return *path* as routes spell it: without the slash or the format that clients may append."""
    path = path.rstrip("/") or "/"
    for suffix in _SUFFIXES:
        if path.endswith(suffix) and path.startswith(("/sms/", "/account/")):
            return path[: -len(suffix)]
    return path


def request_format(call: Call) -> bool | None:
    """Return whether the body of a call is XML; None when its content type is neither format's."""
    content_type = call.headers.get("Content-Type", "")
    if content_type == "application/json":
        return False
    return _FORMATS.get(content_type.partition(";")[0].strip().lower())


def wants_xml(call: Call) -> bool:
    """
    Return whether the answer is to be XML.

    A suffix of the path forces the format; else `Accept` decides; an `Accept` that
    prefers neither leaves it to the format of the request.  Source: "Content
    types" of the Infobip documentation.
    """
    path = call.path
    if path.endswith(".xml"):
        return True
    accept = call.headers.get("Accept", "")
    if "xml" not in accept:
        if "json" in accept or path.endswith(".json"):
            return False
        return bool(request_format(call))
    if path.endswith(".json"):
        return False
    return _preferred(accept)


def _preferred(accept: str) -> bool:
    best, best_quality = False, -1.0
    for choice in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in choice.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if kind in _FORMATS and quality > best_quality:
            best, best_quality = _FORMATS[kind], quality
    return best


def formatted(call: Call, answer: Answer, root: str, *, repeat: bool = False) -> Answer:
    """Return a JSON answer as the call wants it; *root* names the document, should it be XML."""
    if answer.content_type == CONTENT_TYPE or not wants_xml(call):
        return answer
    return answer._replace(body=render_xml(answer.body, root, repeat=repeat), content_type=CONTENT_TYPE)
