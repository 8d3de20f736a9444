"""
What a provider makes of calls that are no good.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.store.facts import Called, SendRefused
from simulator.testing.case import Case, assert_nothing_left, assert_provider_spoke, assert_refused
from simulator.testing.damage import BROKEN, damaged
from simulator.testing.door import Door
from simulator.testing.row import Request

__all__ = ["QUESTIONS"]

_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


def _body_of(method: str) -> bytes | None:
    return b"{}" if method != "GET" else None


async def unknown_path_is_answered_by_the_provider(case: Case) -> None:
    """
    What is not served gets the provider's own not-found answer, not a web server's.
    """
    paths = ["/", "/no/such/path", "/%2e%2e/x", "//", "/%00"]
    paths += [f"{route.path}/x" for route in case.provider.routes if not route.path.endswith("*}")]
    async with case.door() as door:
        for path in paths:
            for method in ("GET", "POST"):
                assert_refused(await door.call(Request(method, path)), door)


async def absent_endpoint_is_answered_by_the_provider(case: Case) -> None:
    """
    An endpoint that the provider has and we lack gets the provider's own not-found answer.
    """
    async with case.door() as door:
        for row in case.provider.coverage:
            if row.state == "absent":
                request = door.request(row.method, row.path, _body_of(row.method))
                assert_refused(await door.call(request), door)


async def wrong_method_is_answered_by_the_provider(case: Case) -> None:
    """
    A method that a path does not have gets the provider's own answer.
    """
    async with case.door() as door:
        for path in sorted({route.path for route in case.provider.routes}):
            served = {route.method for route in case.provider.routes if route.path == path}
            for method in sorted(set(_METHODS) - served):
                request = door.request(method, path, _body_of(method))
                assert_refused(await door.call(request), door)


async def call_without_a_good_credential_is_refused(case: Case) -> None:
    """
    No credential, one that begins with `invalid`, or a malformed one: 401 or 403, and nothing is done.
    """
    async with case.door() as door:
        for route in case.provider.routes:
            if route.open:
                continue
            request = door.request(route.method, route.path, _body_of(route.method))
            malformed = request._replace(headers={**request.headers, **case.row.malformed})
            for heard in (
                await door.call(request, credential=None),
                await door.call(malformed, credential=None),
                await door.call(request, credential=case.row.refused_credential),
            ):
                assert heard.status in (401, 403), (route.path, heard)
                assert_refused(heard, door)


async def broken_body_is_answered_by_the_provider(case: Case) -> None:
    """
    Whatever a body is made of, the provider answers in its own shape and sends nothing.
    """
    async with case.door() as door:
        for body in BROKEN.values():
            for route in case.provider.routes:
                if route.sends or route.method != "GET":
                    heard = await door.call(door.request(route.method, route.path, body))
                    assert_provider_spoke(heard)
                    assert heard.status < 400 or heard.reason, (body[:40], heard)
        await door.settle()

        assert_nothing_left(door)


async def wrong_value_anywhere_is_no_failure_of_ours(case: Case) -> None:
    """
    A good send in which any part is replaced by any other is answered by the provider, never with a 5xx.
    """
    async with case.door() as door:
        recipient = case.row.number(1)
        door.ready(recipient)
        good = case.row.send(recipient, "")
        for body in damaged(good.body):
            heard = await door.call(good._replace(body=body))
            assert heard.status < 500, (body, heard)
            assert heard.status < 400 or heard.reason, (body, heard)
        await door.settle()

        assert door.failures == []


async def body_that_is_too_large_is_refused(case: Case) -> None:
    """
    A byte too many is refused by the provider, whether the length was announced or not.
    """
    async with case.door() as door:
        for route in [route for route in case.provider.routes if route.sends][:1]:
            request = door.request(route.method, route.path, b" " * (route.body_bytes_max + 1))
            for in_pieces in (False, True):
                assert_refused(await door.call(request, in_pieces=in_pieces), door)


async def every_refusal_says_why(case: Case) -> None:
    """
    What the provider's own checks refuse is explained: in X-Simulator-Reason, and in the journal.
    """
    async with case.door() as door:
        for what, request in case.row.bad.items():
            before = len(list(door.facts()))
            heard = await door.call(request)
            assert_provider_spoke(heard)
            assert heard.reason, f"{what}: X-Simulator-Reason says nothing: {heard}"
            assert _explained(door, before), f"{what}: the journal does not say why: {heard}"
            assert door.failures == [], what


def _explained(door: Door, before: int) -> bool:
    """Return True when the journal says what was wrong, in more words than a code."""
    return any(
        fact.detail not in ("", fact.code)
        for fact in list(door.facts())[before:]
        if isinstance(fact, Called | SendRefused)
    )


QUESTIONS: Final = (
    unknown_path_is_answered_by_the_provider,
    absent_endpoint_is_answered_by_the_provider,
    wrong_method_is_answered_by_the_provider,
    call_without_a_good_credential_is_refused,
    broken_body_is_answered_by_the_provider,
    wrong_value_anywhere_is_no_failure_of_ours,
    body_that_is_too_large_is_refused,
    every_refusal_says_why,
)
