"""
How a call to the software under test is written in a scenario.
"""

from __future__ import annotations

import re
from typing import Final

from simulator.schema.node import Node
from simulator.schema.shapes import Scalar

__all__ = ["COMMAND", "REQUEST"]


def _request(node: Node) -> tuple[str, str]:
    text = node.value if isinstance(node.value, str) else ""
    match = re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (https?://\S+)", text)
    if match is None:
        raise ValueError('expected a method and a URL such as "GET http://127.0.0.1:9000/messages/{id}"')
    return match[1], match[2]


def _shape(example: str) -> Scalar[tuple[str, str]]:
    schema = {"type": "string", "examples": [example]}
    return Scalar(expected="a method and a URL", convert=_request, json_schema=schema)


REQUEST: Final = _shape("GET http://127.0.0.1:9000/messages/{id}")
COMMAND: Final = _shape("POST http://127.0.0.1:9000/reset")
"""The same, of a call that changes something."""
