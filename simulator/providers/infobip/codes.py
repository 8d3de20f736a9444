"""
Infobip's statuses, errors and refusals, read once from the tables beside this file.

Source: "Response status and error codes" of the Infobip documentation, with
wordings seen in real traffic where there are any, as published on 2026-07-25.
Wordings marked `derived` were constructed after the observed pattern: the real
ones are unconfirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = [
    "ERRORS",
    "ERROR_BY_NAME",
    "HTTP_REFUSALS",
    "SIGNALS_REJECTED",
    "STATUSES",
    "STATUS_BY_NAME",
    "Error",
    "HttpRefusal",
    "Status",
]


class Status(NamedTuple):
    """
    One status of a message.
    """

    id: int
    name: str
    group_id: int
    group_name: str
    description: str
    final: bool
    action: str = ""
    derived: bool = False
    channel: str = "sms"


class Error(NamedTuple):
    """
    One error of a delivery report.
    """

    id: int
    name: str
    group_id: int
    group_name: str
    description: str
    permanent: bool
    derived: bool = True


class HttpRefusal(NamedTuple):
    """
    A whole call refused, in the words of both generations of the API.
    """

    http: int
    message_id: str
    text: str
    code: str
    description: str
    action: str


_GROUPS: Final = ("ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED")
# Always OK, never Ok: typed clients of today reject Ok, which only old examples show.
_ERROR_GROUPS: Final = ("OK", "HANDSET_ERRORS", "USER_ERRORS", "OPERATOR_ERRORS")


def _rows(file: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a table; its first line names the columns, `-` is an empty cell."""
    lines = Path(__file__).with_name(file).read_text("utf-8").splitlines()
    for line in lines[1:]:
        if not line.startswith("#"):
            yield ["" if cell == "-" else cell for cell in line.split("\t")]


def _statuses() -> Iterator[Status]:
    for number, name, group, description, final, action, derived, channel in _rows("statuses.tsv"):
        group_name = _GROUPS[int(group)]
        yield Status(
            int(number),
            name,
            int(group),
            group_name,
            description,
            final == "yes",
            action,
            derived == "yes",
            channel,
        )


def _errors() -> Iterator[Error]:
    for number, name, group, description, permanent, derived in _rows("errors.tsv"):
        group_name = _ERROR_GROUPS[int(group)]
        yield Error(
            int(number), name, int(group), group_name, description, permanent == "yes", derived == "yes"
        )


STATUSES: Final = {status.id: status for status in _statuses()}
"""Every status by id; 87 as it is when the message was charged."""

SIGNALS_REJECTED: Final = STATUSES[87]._replace(group_id=5, group_name=_GROUPS[5])
"""Status 87 of a message that costs nothing.  Source: "Response status and error codes"."""

ERRORS: Final = {error.id: error for error in _errors()}
"""Every error by id."""

STATUS_BY_NAME: Final = {status.name: status for status in STATUSES.values()}
ERROR_BY_NAME: Final = {error.name: error for error in ERRORS.values()}

HTTP_REFUSALS: Final = {
    message_id: HttpRefusal(int(http), message_id, text, code, description, action)
    for http, message_id, text, code, description, action in _rows("refusals.tsv")
}
"""Refusals of a whole call by messageId (v1, v2); v3 answers with the code."""
