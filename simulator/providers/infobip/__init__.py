"""
Infobip SMS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.provider import Answer, Call, Json, Provider, SampleCall, SampleRefusal
from simulator.providers.infobip.account import Account, figures
from simulator.providers.infobip.calls import credential_of, credential_wanted, refusal, refused
from simulator.providers.infobip.formats import normal_path
from simulator.providers.infobip.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.infobip.routes import COVERAGE, ROUTES
from simulator.providers.infobip.settings import SETTINGS
from simulator.providers.infobip.showing import show

__all__ = ["PROVIDER"]

_EXAMPLE: Final = """\
curl {base_url}/sms/1/text/advanced \\
  -H 'Authorization: App {credential}' -H 'Content-Type: application/json' \\
  -d '{{"messages":[{{"destinations":[{{"to":"41793026727"}}],"from":"InfoSMS","text":"hello"}}]}}'"""


def _sample(number: str, text: str) -> SampleCall:
    message: Json = {"from": "InfoSMS", "destinations": [{"to": number}], "text": text}
    headers = {"Authorization": "App key"}
    return SampleCall("POST", "/sms/1/text/advanced", headers, {"messages": [message]})


def _mint_credential(token: str) -> str:
    """Return an API key of the usual form: 32 hexadecimal digits, a dash, a UUID."""
    return f"{token}-{token[:8]}-{token[8:12]}-4{token[13:16]}-8{token[17:20]}-{token[20:32]}"


def _unauthorized(call: Call) -> Answer:
    """Answer 401; the live service words a missing and a wrong credential alike."""
    return refusal(call, "UNAUTHORIZED")


def _not_found(call: Call, allowed: Sequence[str]) -> Answer:
    """
    Answer 404, for a wrong method as well: the live service has no 405.

    The envelope is the old one even under /sms/3 (OC-2), the path without query.
    """
    return refusal(call, "NOT_FOUND", text=f"Requested URL not found: {call.path}", legacy=True)


def _too_large(call: Call, bytes_max: int) -> Answer:
    """Answer 400; what the real service does with huge bodies is not documented."""
    return refusal(call, "BAD_REQUEST")


def _failed(call: Call) -> Answer:
    return refusal(call, "GENERAL_ERROR")


PROVIDER: Final = Provider(
    name="infobip",
    title="Infobip SMS",
    hosts=("api.infobip.com", "*.api.infobip.com"),
    routes=ROUTES,
    coverage=COVERAGE,
    settings=SETTINGS,
    open=Account,
    codes=catalogue,
    refusal_shape=REFUSAL_SHAPE,
    failure_shape=FAILURE_SHAPE,
    acts=("writes", "clicks"),
    numbers="+4179",
    # Clients may append a slash, or a format.
    normal_path=normal_path,
    mint_credential=_mint_credential,
    example=lambda base_url, credential: _EXAMPLE.format(base_url=base_url, credential=credential),
    sample=_sample,
    refusals=(SampleRefusal({"http": 429}, False), SampleRefusal({"status": "REJECTED_NETWORK"}, True)),
    credential_of=credential_of,
    credential_wanted=credential_wanted,
    unauthorized=_unauthorized,
    not_found=_not_found,
    too_large=_too_large,
    failed=_failed,
    refused=refused,
    show=show,
    names_refused=True,
    figures=figures,
    figures_told=("price", "parts", "code"),
)
