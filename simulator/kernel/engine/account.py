"""
What the kernel asks a provider about one space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import Circumstances
from simulator.kernel.model.rules import Act, Behaviour
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.webhooks.webhook import Report, Webhook, WebhookPolicy, WebhookRequest

__all__ = ["Account", "Act", "ImpossibleAct"]


class ImpossibleAct(ValueError):
    """
    A recipient cannot do this here; the text says why and what would be possible.
    """


class Account(Protocol):
    """
    A provider in one space: its settings, its policies, and what it remembers.

    The kernel decides what happens; an account says how this provider would have
    it by default, and what the integrator gets to hear.
    """

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        ...

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages delivered to a recipient who is back."""
        ...

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        ...

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on; *settings* are as the provider's own shape has read them."""
        ...

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return the id of a message whose client gave none."""
        ...

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a submission as a client's simplest call would make it; storms are made of these."""
        ...

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what the recipient's reserved number asks for, if it is one."""
        ...

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return what the recipient's circumstances lead to, being unreachable apart, if anything."""
        ...

    def default_fate(self, submission: Submission) -> Fate:
        """Return what becomes of a message when nobody says otherwise; complete, with delays."""
        ...

    def refuses_call(self, code: str) -> bool:
        """Return True when *code* refuses the whole call, False when one recipient of it."""
        ...

    def changed(self, message: Message, move: Move | None) -> Sequence[Report]:
        """
        Take note of a change and return what the integrator is owed for it.

        *move* is None when the message has just been accepted.
        """
        ...

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Return what the integrator is owed when a recipient does something; may raise ImpossibleAct."""
        ...

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return *report* as the provider makes it a second time, with new ids where it numbers them."""
        ...

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request for *webhook*; the same bytes however often it is asked."""
        ...
