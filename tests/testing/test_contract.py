"""
The contract finds what it promises to find: a provider with one fault fails one question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

import pytest
from msgspec import structs

from simulator.provider import (
    Answer,
    Call,
    Coverage,
    Gateway,
    Message,
    Move,
    Provider,
    Refuse,
    Report,
    Route,
    Webhook,
    WebhookRequest,
)
from simulator.testing import Request, Row, contract
from toys.pigeon import PROVIDER, PigeonAccount
from toys.pigeon_row import ROW


class Counting(PigeonAccount):
    """Numbers its reports in the order in which it is asked for them."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._numbers = count(1)

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        number = next(self._numbers)
        reports = super().reports_of(message, move)
        return [structs.replace(report, payload=(f"report-{number}",)) for report in reports]


class Restless(PigeonAccount):
    """Renders a webhook differently each time."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._numbers = count(1)

    def render(self, webhook: Webhook) -> WebhookRequest:
        request = super().render(webhook)
        return WebhookRequest(url=request.url, body=request.body + f"{next(self._numbers)}\n".encode())


class Opaque(PigeonAccount):
    """Shows settings that nobody can print."""

    def describe(self) -> Mapping[str, object]:
        return {"settings": self.settings}


def _mute(call: Call) -> Answer:
    """Refuse what our row calls bad, without a word."""
    flock = call.body.decode("utf-8", "replace")
    if not flock.startswith("COO|+"):
        raise Refuse("HUH")
    return _release(call)


def _release(call: Call) -> Answer:
    answer = next(route for route in PROVIDER.routes if route.sends).handler(call)
    assert isinstance(answer, Answer)
    return answer


def _fragile(call: Call) -> Answer:
    """Trip over a body that is no text."""
    call.body.decode()
    return _release(call)


def _sending(handler: Callable[[Call], Answer]) -> tuple[Route, ...]:
    return tuple(route._replace(handler=handler) if route.sends else route for route in PROVIDER.routes)


_FAULTY: Final[Mapping[str, tuple[dict[str, Any], set[str]]]] = {
    "counts when asked": ({"open": Counting}, {"questions_change_nothing"}),
    "renders in two ways": ({"open": Restless}, {"questions_change_nothing"}),
    "shows what is no JSON": ({"open": Opaque}, {"settings_in_force_are_plain_json"}),
    "refuses without a word": ({"routes": _sending(_mute)}, {"every_refusal_says_why"}),
    "trips over bytes": (
        {"routes": _sending(_fragile)},
        {
            "broken_body_is_answered_by_the_provider",
            "wrong_value_anywhere_is_no_failure_of_ours",
            "every_refusal_says_why",
        },
    ),
    "covers what it does not serve": (
        {"coverage": (*PROVIDER.coverage, Coverage("GET", "/loft", "supported"))},
        {"coverage_is_what_is_served"},
    ),
    "mints one credential for all": (
        {"mint_credential": lambda token: "ring-of-all"},
        {"credentials_are_minted_one_for_each_token"},
    ),
    "has no answer of its own for paths": (
        {"not_found": lambda call, allowed: Answer(404, b"<html>", "text/html")},
        {
            "unknown_path_is_answered_by_the_provider",
            "absent_endpoint_is_answered_by_the_provider",
            "wrong_method_is_answered_by_the_provider",
        },
    ),
}


def failed(provider: Provider, row: Row) -> set[str]:
    """Return the names of the questions that *provider* fails, magic recipients apart."""
    names = set()
    for question in contract(provider, row):
        if "-magic-" not in question.name:
            try:
                question()
            except AssertionError:
                names.add(question.name.partition("-")[2])
    return names


@pytest.mark.parametrize(("parts", "expected"), _FAULTY.values(), ids=_FAULTY)
def test_fault_fails_its_own_question(parts: dict[str, Any], expected: set[str]) -> None:
    """
    Each fault is found by the questions that are about it, and by no other.
    """
    assert failed(replace(PROVIDER, **parts), ROW) == expected


def test_row_that_expects_another_end_fails() -> None:
    """
    A magic recipient that does not do what its row says is found.
    """
    row = ROW._replace(holds=lambda code, ended: ended.state == "delivered")

    magic = [question for question in contract(PROVIDER, row) if "-magic-" in question.name]
    verdicts = []
    for question in magic:
        with pytest.raises(AssertionError):
            question()
        verdicts.append(question.name)

    assert len(verdicts) == len(PROVIDER.codes())


def test_credential_may_stand_in_the_path() -> None:
    """
    A row signs a request wherever its provider looks for the credential; what is left of `{}` is filled.
    """
    seen: list[str] = []

    def signed(request: Request, credential: str) -> Request:
        seen.append(credential)
        return ROW.signed(request._replace(path=request.path.replace("{id}", credential)), credential)

    (wrong,) = [
        question
        for question in contract(PROVIDER, ROW._replace(signed=signed))
        if question.name.endswith("call_without_a_good_credential_is_refused")
    ]
    wrong()

    assert set(seen) == {"invalid-ring"}
