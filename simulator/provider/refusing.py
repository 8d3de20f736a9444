"""
How a provider says no: one exception, whoever refuses.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.engine.call_result import CallRefusal

__all__ = ["CallCut", "Refuse", "header_text"]

_HEADER_LENGTH_MAX: Final = 1_000


class Refuse(Exception):
    """
    A call is refused; the provider's `refused` words the answer.

    A handler raises it for what its own checks find; `Call.submit` raises it for
    what a rule, a magic recipient or circumstances want.  *code* is one of the
    provider's own, *why* is for people: the edge puts it into the header
    `X-Simulator-Reason` and into the journal, so no answer needs to.  *facts*
    are whatever the provider's answer needs besides.
    """

    def __init__(self, code: str, why: str = "", *, retry_after_ms: int = 0, **facts: object) -> None:
        super().__init__(f"{code}: {why}" if why else code)
        self.code = code
        self.why = why
        self.retry_after_ms = retry_after_ms
        """When a retry may help; 0: nothing is known of that."""
        self.facts = facts
        self.decided: CallRefusal | None = None
        """What the outcome ladder decided, when it was not the provider's own check."""

    @classmethod
    def as_decided(cls, refusal: CallRefusal) -> Refuse:
        """Return the exception for what the outcome ladder decided about a call."""
        refuse = cls(refusal.code, retry_after_ms=refusal.retry_after_ms)
        refuse.decided = refusal
        return refuse

    @property
    def reason(self) -> str:
        """Why, in one line for people; the code where nobody said more."""
        return self.why or self.code

    @property
    def retry_after_s(self) -> int:
        """When a retry may help, in whole seconds as Retry-After has it; 0: nothing is known of that."""
        return -(-self.retry_after_ms // 1_000)

    @property
    def retry_headers(self) -> tuple[tuple[str, str], ...]:
        """The header Retry-After, where it is known when a retry may help."""
        return (("Retry-After", str(self.retry_after_s)),) if self.retry_after_ms else ()


class CallCut(Exception):
    """
    A rule drops the connection before any work; there is no answer.
    """


def header_text(text: str) -> str:
    """Return *text*, which may come from anywhere, as one that fits into a header that clients still read."""
    plain = text if text.isascii() and text.isprintable() else ascii(text[: _HEADER_LENGTH_MAX + 1])[1:-1]
    return plain if len(plain) <= _HEADER_LENGTH_MAX else f"{plain[: _HEADER_LENGTH_MAX - 3]}..."
