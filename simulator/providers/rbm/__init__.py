"""
Google RCS Business Messaging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote
from zlib import crc32

from simulator.provider import Answer, Call, Command, Provider, SampleCall, SampleRefusal
from simulator.providers.rbm.account import Account, figures
from simulator.providers.rbm.acts import ACTS
from simulator.providers.rbm.calls import account_of, bearer_of, credential_of
from simulator.providers.rbm.describing import describe_webhook
from simulator.providers.rbm.errors import error_answer, refused
from simulator.providers.rbm.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue, outranks
from simulator.providers.rbm.routes import COVERAGE, ROUTES
from simulator.providers.rbm.settings import SETTINGS
from simulator.providers.rbm.showing import show

__all__ = ["PROVIDER"]

_EXAMPLE: Final = """\
curl '{base_url}/v1/phones/+15551234567/agentMessages?messageId=m1&agentId=welcome-bot' \\
  -H 'Authorization: Bearer {credential}' -H 'Content-Type: application/json' \\
  -d '{{"contentMessage":{{"text":"hello"}}}}'"""


def _sample(number: str, text: str) -> SampleCall:
    id = f"m-{crc32(f'{number} {text}'.encode()):08x}"
    path = f"/v1/phones/{quote(number)}/agentMessages?messageId={id}&agentId=welcome-bot"
    return SampleCall("POST", path, {"Authorization": "Bearer token"}, {"contentMessage": {"text": text}})


def _unauthorized(call: Call) -> Answer:
    """Answer 401; a missing token is worded unlike a bad one."""
    return error_answer(call, "INVALID_CREDENTIALS" if bearer_of(call) else "UNAUTHENTICATED")


# The title is Google's, the page is not.
_PAGE: Final = b"""<!DOCTYPE html>
<html lang=en>
<title>Error 404 (Not Found)!!1</title>
<p>404: no page is served under this address.
"""


def _not_found(call: Call, allowed: Sequence[str]) -> Answer:
    """Answer 404 with a page, as Google's front end does for paths and methods that are not served."""
    if account_of(call).settings.unknown_paths == "json":
        return error_answer(call, "ENTITY_NOT_FOUND", f"there is no {call.method} {call.path[:200]}")
    return Answer(404, _PAGE, "text/html; charset=UTF-8")


def _too_large(call: Call, bytes_max: int) -> Answer:
    """Answer 400; what the real service does with huge bodies is not documented."""
    return error_answer(call, "INVALID_ARGUMENT", f"the body must have at most {bytes_max} bytes")


def _failed(call: Call) -> Answer:
    return error_answer(call, "INTERNAL")


PROVIDER: Final = Provider(
    name="rbm",
    title="Google RCS Business Messaging",
    hosts=(
        "rcsbusinessmessaging.googleapis.com",
        "us-rcsbusinessmessaging.googleapis.com",
        "europe-rcsbusinessmessaging.googleapis.com",
        "asia-rcsbusinessmessaging.googleapis.com",
        # The management API.
        "businesscommunications.googleapis.com",
    ),
    routes=ROUTES,
    coverage=COVERAGE,
    settings=SETTINGS,
    open=Account,
    codes=catalogue,
    refusal_shape=REFUSAL_SHAPE,
    failure_shape=FAILURE_SHAPE,
    acts=tuple(ACTS),
    numbers="+4179",
    commands=(
        Command(
            "rbm-key",
            "Print a service-account file for Google's clients.",
            "simulator.providers.rbm.key_command:rbm_key",
        ),
    ),
    # The usual form of an access token; tokens of /token begin with it.
    mint_credential=lambda token: f"ya29.{token}",
    example=lambda base_url, credential: _EXAMPLE.format(base_url=base_url, credential=credential),
    sample=_sample,
    refusals=(SampleRefusal({"http": 503}, False), SampleRefusal({"http": 403}, True)),
    credential_of=credential_of,
    credential_wanted=lambda _: "Authorization: Bearer <token>, or access_token=<token> in the query",
    server_header="ESF",
    unauthorized=_unauthorized,
    not_found=_not_found,
    too_large=_too_large,
    failed=_failed,
    refused=refused,
    figures=figures,
    figures_told=("parts", "code"),
    outranks=outranks,
    describe_webhook=describe_webhook,
    show=show,
)
