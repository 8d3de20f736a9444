"""
Google RCS Business Messaging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.model.fates import Fate
from simulator.provider import Answer, Call, Code, Coverage, Credential, Gateway, Route
from simulator.providers.rbm.account import Account
from simulator.providers.rbm.acts import ACTS
from simulator.providers.rbm.calls import bearer_of, credential_of
from simulator.providers.rbm.describing import describe_webhook
from simulator.providers.rbm.errors import error_answer
from simulator.providers.rbm.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.rbm.routes import COVERAGE, ROUTES
from simulator.providers.rbm.settings import SETTINGS
from simulator.schema.shapes import Shape

__all__ = ["PROVIDER", "Rbm"]

_EXAMPLE = """\
curl '{base_url}/v1/phones/+15551234567/agentMessages?messageId=m1&agentId=welcome-bot' \\
  -H 'Authorization: Bearer {credential}' -H 'Content-Type: application/json' \\
  -d '{{"contentMessage":{{"text":"hello"}}}}'"""


class Rbm:
    """
    The RBM API, and the part of the management API that integrators need.
    """

    name = "rbm"
    title = "Google RCS Business Messaging"
    routes: Sequence[Route] = ROUTES
    coverage: Sequence[Coverage] = COVERAGE
    settings: Shape[Mapping[str, object]] = SETTINGS
    refusal_shape: Shape[str] = REFUSAL_SHAPE
    failure_shape: Shape[Fate] = FAILURE_SHAPE
    acts: Sequence[str] = tuple(ACTS)
    numbers: str = "+4179"

    def open(self, gateway: Gateway) -> Account:
        """Return a fresh account of a space."""
        return Account(gateway)

    def normal_path(self, path: str) -> str:
        """Return *path* as it is: Google knows no other spelling."""
        return path

    def mint_credential(self, token: str) -> str:
        """Return an access token of the usual form; tokens of /token begin with it."""
        return f"ya29.{token}"

    def example(self, base_url: str, credential: str) -> str:
        """Return a curl command that sends a first message."""
        return _EXAMPLE.format(base_url=base_url, credential=credential)

    def credential_of(self, call: Call) -> Credential | None:
        """Return whom a call's token was issued to; None when it is missing or malformed."""
        return credential_of(call)

    def unauthorized(self, call: Call) -> Answer:
        """Answer 401; a missing token is worded unlike a bad one."""
        return error_answer(call, "INVALID_CREDENTIALS" if bearer_of(call) else "UNAUTHENTICATED")

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """Answer 404 in the shape of other errors; how the real one words it is not documented."""
        return error_answer(call, "ENTITY_NOT_FOUND", f"there is no {call.method} {call.path[:200]}")

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer 400; what the real service does with huge bodies is not documented."""
        return error_answer(call, "INVALID_ARGUMENT", f"the body must have at most {bytes_max} bytes")

    def failed(self, call: Call) -> Answer:
        """Answer 500."""
        return error_answer(call, "INTERNAL")

    def refused(self, call: Call, refused: CallRefusal) -> Answer:
        """Answer a call that a rule, a magic recipient or circumstances refuse."""
        return error_answer(call, refused.code)

    def describe_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return what a webhook tells in one line; its data is in Base64."""
        return describe_webhook(headers, body)

    def codes(self) -> Sequence[Code]:
        """Return every refusal and outcome with its magic recipient."""
        return catalogue()


PROVIDER = Rbm()
