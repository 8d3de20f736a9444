"""
Which recipients Infobip rejects by its own checks, inside a 200, and why.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from simulator.provider import Gateway, format_duration
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.checks import DestinationBody
from simulator.providers.infobip.counting import good_header
from simulator.providers.infobip.decoding import unknown_keys
from simulator.providers.infobip.details import is_number
from simulator.providers.infobip.money import plain_amount
from simulator.providers.infobip.wire import Destination, Item

__all__ = ["INVALID_TO", "MISSING_TO", "TOO_LONG", "DestinationChecks", "Rejection"]

_PARTS_MAX: Final = 25
_OCTETS_MAX: Final = 4_000
_NO_CREDIT, _DUPLICATE, _BAD_HEADER, TOO_LONG = "12", "23", "24", "25"
_BAD_SOURCE: Final = "11"
MISSING_TO: Final = "51"
INVALID_TO: Final = "52"
_SENDER: Final = re.compile(r"[0-9A-Za-z]{3,11}|[0-9]{3,14}")
_SENDERS_NAMED_MAX: Final = 10
_EXPLAINED_MAX: Final = 5


class Rejection(NamedTuple):
    """
    The status that a destination is rejected with, and why; no code: it is not.
    """

    code: str = ""
    why: str = ""


_FIT: Final = Rejection()


class DestinationChecks:
    """
    The checks of one request: what a destination uses up, the next one lacks.
    """

    __slots__ = ("_account", "_body", "_credit_micros", "_explained", "_gateway", "_seen")

    def __init__(self, account: Account, gateway: Gateway, body: bytes) -> None:
        self._body = body
        self._account = account
        self._gateway = gateway
        self._credit_micros = account.books.balance_micros
        self._seen: set[str] = set()
        self._explained = 0

    def of_message(self, item: Item, parts: int, sender: str) -> Rejection:
        """Return why every destination of a message is rejected, if it is."""
        if item.binary is not None:
            if not good_header(item.binary):
                return Rejection(_BAD_HEADER, "esmClass promises a user data header that fills its length")
            if len(item.binary.octets) > _OCTETS_MAX:
                return Rejection(TOO_LONG, f"{len(item.binary.octets)} bytes; at most {_OCTETS_MAX} are sent")
        if parts > _PARTS_MAX:
            return Rejection(TOO_LONG, f"{parts} parts; at most {_PARTS_MAX} are sent")
        return self._of_sender(sender)

    def _of_sender(self, sender: str) -> Rejection:
        settings = self._account.settings
        if settings.sender_form == "documented" and not _SENDER.fullmatch(sender):
            expected = "expected 3 to 11 letters and digits, or 3 to 14 digits"
            return Rejection(_BAD_SOURCE, f"sender: {expected}, got {sender[:40]!r}")
        for senders, kind in (
            (settings.senders, "registered"),
            (settings.trial.senders if settings.trial.on else (), "of a trial account"),
        ):
            if senders and sender not in senders:
                named = ", ".join(senders[:_SENDERS_NAMED_MAX])
                return Rejection(_BAD_SOURCE, f"sender {sender[:40]!r} is none of those {kind}: {named}")
        return _FIT

    def of_destination(
        self, destination: Destination, recipient: str, unfit: Rejection, cost_micros: int
    ) -> Rejection:
        """Return why one destination is rejected, if it is; *unfit* is what was found about its message."""
        settings = self._account.settings
        if not destination.to.strip():
            return Rejection(MISSING_TO, self._missing(destination.place))
        if settings.invalid_number == "answer" and not is_number(recipient):
            expected = "expected 7 to 15 digits, the first not 0"
            return Rejection(INVALID_TO, f"to: {expected}, got {destination.to[:64]!r}")
        if unfit.code:
            return unfit
        if destination.id and settings.duplicate_window_ms and (why := self._repeated(destination.id)):
            return Rejection(_DUPLICATE, why)
        if cost_micros > self._credit_micros:
            cost, credit = plain_amount(cost_micros), plain_amount(self._credit_micros)
            return Rejection(_NO_CREDIT, f"it costs {cost} {settings.currency}, and {credit} is left")
        self._credit_micros -= cost_micros
        return _FIT

    def _missing(self, place: str) -> str:
        """Say which destination has no number, and what stands there in its stead."""
        self._explained += 1
        if self._explained > _EXPLAINED_MAX:
            # The body is read anew for each; the first few tell what is wrong with the others.
            return f"{place or 'the destination'}: no `to`"
        names = [repr(name[:40]) for name in unknown_keys(self._body, place, DestinationBody)]
        others = f"; unknown key{'s' if len(names) > 1 else ''} {', '.join(names[:3])}" if names else ""
        return f"{place or 'the destination'}: no `to`{others}"

    def _repeated(self, message_id: str) -> str:
        """Return when a messageId was used before, if it is still remembered; empty: it is fresh."""
        if message_id in self._seen:
            return f"messageId {message_id!r} stands twice in this request"
        self._seen.add(message_id)
        earlier = self._gateway.message(message_id)
        window_ms = self._account.settings.duplicate_window_ms
        if earlier is None or earlier.accepted_ms < self._gateway.now_ms - window_ms:
            return ""
        used = f"messageId {message_id!r} was used at {self._account.style.date(earlier.accepted_ms)}"
        return f"{used}; it is remembered for {format_duration(window_ms)} (duplicate_window)"
