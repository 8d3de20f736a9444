"""
Reads the curl commands of the documentation, so that tests can carry them out.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from typing import NamedTuple

__all__ = ["Curl", "curls_in"]


class Curl(NamedTuple):
    """
    One request that a curl command makes.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


def curls_in(text: str) -> list[Curl]:
    """Return the requests of every curl command in a shell text."""
    joined = text.replace("\\\n", " ")
    words = shlex.split(joined, comments=True)
    commands: list[list[str]] = []
    for word in words:
        if word == "curl":
            commands.append([])
        elif commands:
            commands[-1].append(word)
    return [_curl(command) for command in commands]


def _curl(words: list[str]) -> Curl:
    method, url, headers, body = "", "", {}, None
    rest = iter(words)
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(":")
                headers[name.strip()] = value.strip()
            case "-u":
                headers["Authorization"] = f"Basic {b64encode(next(rest).encode()).decode()}"
            case "--cacert" | "--connect-to" | "-o":
                next(rest)
            case "-d" | "--data-binary":
                body = next(rest).encode()
            case _ if word.startswith("-"):
                raise ValueError(f"a documentation example uses curl {word}, which its test does not know")
            case _:
                url = word
    return Curl(method or ("POST" if body is not None else "GET"), url, headers, body)
