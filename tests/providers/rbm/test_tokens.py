"""
The token endpoint and bearer tokens: what is granted, to whom, and for how long.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from providers.rbm.rig import PHONE, Bench, bench
from simulator.providers.rbm.tokens import EXPIRES_S, Token, mint_key, read_token

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
ASKED = f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _assertion(**claims: object) -> str:
    """Return an assertion of a key that is not ours; its signature cannot be checked."""
    said = {"iss": "app@bank.iam.gserviceaccount.com", "scope": SCOPE, "iat": 0, "exp": 3600, **claims}
    return f"{_part({'alg': 'RS256'})}.{_part(said)}.c2ln"


async def _ask(made: Bench, form: dict[str, str]) -> tuple[int, Any]:
    async with made.session.post(f"{made.url}/token", data=form) as answer:
        return answer.status, await answer.json()


async def test_any_well_formed_assertion_is_granted_a_token() -> None:
    """
    A key of the integrator's own gets a token of the usual shape, and calls with it pass.
    """
    async with bench() as made:
        status, body = await _ask(made, {"assertion": _assertion(), "grant_type": GRANT})
        token = body.pop("access_token")
        made.headers = {"Authorization": f"Bearer {token}"}
        called, _ = await made.call("GET", ASKED)

        assert (status, body) == (200, {"expires_in": 3599, "token_type": "Bearer"})
        assert token.startswith("ya29.")
        assert called == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": GRANT}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": _assertion(iss=None)}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": _assertion(iss="invalid@x")}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": _assertion(exp=7200)}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": _assertion(exp="soon")}, "invalid_grant"),
    ],
)
async def test_bad_request_for_a_token_is_refused(form: dict[str, str], error: str) -> None:
    """
    The refusal has OAuth's shape: an error and its description.
    """
    async with bench() as made:
        status, body = await _ask(made, form)

        assert (status, body["error"]) == (400, error)
        assert sorted(body) == ["error", "error_description"]


async def test_listed_account_gets_in_and_others_do_not() -> None:
    """
    Settings may list the e-mail address of a service account; its tokens are then the only good ones.
    """
    async with bench(credentials=["app@bank.iam.gserviceaccount.com"]) as made:
        stranger, _ = await made.call("GET", ASKED)
        _, body = await _ask(made, {"assertion": _assertion(), "grant_type": GRANT})
        made.headers = {"Authorization": f"Bearer {body['access_token']}"}
        listed, _ = await made.call("GET", ASKED)
        made.headers = {"Authorization": f"Bearer {_assertion()}"}
        self_signed, _ = await made.call("GET", ASKED)

        assert (stranger, listed, self_signed) == (401, 200, 200)


async def test_tokens_end_on_the_clock_of_the_space_when_set() -> None:
    """
    With access_tokens: expiring a token is good for 3599 s of virtual time; else for ever.
    """
    found = []
    for kind in ("lasting", "expiring"):
        async with bench(access_tokens=kind) as made:
            _, body = await _ask(made, {"assertion": _assertion(), "grant_type": GRANT})
            made.headers = {"Authorization": f"Bearer {body['access_token']}"}
            await made.advance(EXPIRES_S * 1_000 - 1)
            before, _ = await made.call("GET", ASKED)
            await made.advance(1)
            after, _ = await made.call("GET", ASKED)
            found.append((before, after))

    assert found == [(200, 200), (200, 401)]


async def test_scope_is_not_asked_for_when_ignored() -> None:
    """
    The setting lets tokens of any scope in.
    """
    found = []
    for scopes in ("enforced", "ignored"):
        async with bench(scopes=scopes) as made:
            _, body = await _ask(made, {"assertion": _assertion(scope="openid"), "grant_type": GRANT})
            made.headers = {"Authorization": f"Bearer {body['access_token']}"}
            found.append((await made.call("GET", ASKED))[0])

    assert found == [403, 200]


def test_token_leads_to_the_credential_it_was_issued_to() -> None:
    """
    Tokens of /token begin with a space's credential; others are taken as they are, or not at all.
    """
    minted = "ya29." + "0123456789abcdef" * 2
    key = mint_key(minted, "http://127.0.0.1:4010/rbm")

    assert key["client_email"] == f"sim-{'0123456789abcdef' * 2}@simulator-tests.iam.gserviceaccount.com"
    assert read_token(f"{minted}.r.1000.7") == Token(minted, "r", 1_000, 7)
    assert read_token(minted) == Token(minted)
    assert read_token("anything") == Token("anything")
    assert [read_token(bad) for bad in ("", "two words", "ünicode", "eyJ.broken.x")] == [None] * 4


NOW = 1_767_603_600
"""2026-01-05T09:00:00Z, when the space begins."""


@pytest.mark.parametrize(
    ("issued", "expires"),
    [(NOW - 7_200, NOW - 3_600), (NOW - 3_600, NOW), (NOW + 301, NOW + 3_900)],
)
async def test_assertion_out_of_its_time_is_refused(issued: int, expires: int) -> None:
    """
    Past, ended just now or begun in the future: refused as Google words it; the reason tells the clock.
    """
    form = {"assertion": _assertion(iat=issued, exp=expires), "grant_type": GRANT}
    async with bench() as made, made.session.post(f"{made.url}/token", data=form) as answer:
        status, body, reason = answer.status, await answer.json(), answer.headers["X-Simulator-Reason"]

    assert (status, body) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
            "reasonable timeframe. Check your iat and exp values in the JWT claim.",
        },
    )
    assert "the space's clock stands at 2026-01-05T09:00:00Z" in reason


@pytest.mark.parametrize(
    ("issued", "expires"),
    [
        (NOW, NOW + 3_600),
        (NOW - 3_599, NOW + 1),
        (NOW + 300, NOW + 3_900),
        # A day away is another clock: that of a machine, where the space stands still.
        (NOW - 86_400, NOW - 82_800),
        (NOW + 86_400, NOW + 90_000),
    ],
)
async def test_assertion_in_its_time_is_granted(issued: int, expires: int) -> None:
    """
    A little skew is borne, and a clock of another day is not judged.
    """
    async with bench() as made:
        status, _ = await _ask(made, {"assertion": _assertion(iat=issued, exp=expires), "grant_type": GRANT})

    assert status == 200


async def test_times_of_assertions_are_ignored_when_set() -> None:
    """
    With the setting, software whose clock goes otherwise gets its token.
    """
    async with bench(assertion_times="ignored") as made:
        status, _ = await _ask(
            made, {"assertion": _assertion(iat=NOW - 7_200, exp=NOW - 3_600), "grant_type": GRANT}
        )

    assert status == 200


@pytest.mark.parametrize("length", [0, -60, 3_601])
async def test_length_of_an_assertion_is_refused_with_both_limits(length: int) -> None:
    """
    One that ends when it begins, or before, is not told that it is too long.
    """
    form = {"assertion": _assertion(iat=NOW, exp=NOW + length), "grant_type": GRANT}
    async with bench() as made, made.session.post(f"{made.url}/token", data=form) as answer:
        reason = answer.headers["X-Simulator-Reason"]

    assert f"(expected 1 to 3600 s from iat to exp, got {length})" in reason
