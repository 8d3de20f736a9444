"""
A recipient in a test's hands: the phone, and what its owner does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from simulator.client.calls import SpaceCalls
from simulator.client.vocabulary import ProviderName
from simulator.client.writing import duration

__all__ = ["RecipientHandle"]

__tracebackhide__ = True


class RecipientHandle:
    """
    A recipient, or all with a prefix (`+4179*`), whose circumstances a test changes.
    """

    def __init__(self, calls: SpaceCalls, address: str) -> None:
        self._calls = calls
        self.address = address

    def __repr__(self) -> str:
        return f"<recipient {self.address}>"

    def set(
        self,
        *,
        reachable: bool | None = None,
        blocked: bool | None = None,
        blacklisted: bool | None = None,
        known: bool | None = None,
        capable: bool | Sequence[str] | None = None,
        follower: bool | None = None,
        session: bool | None = None,
        tester: str | None = None,
        operator: str | None = None,
        for_: str | timedelta | None = None,
    ) -> None:
        """Change circumstances from now on, or for a time; what is not given stays as it is."""
        circumstances = {
            "reachable": reachable,
            "blocked": blocked,
            "blacklisted": blacklisted,
            "known": known,
            "capable": list(capable) if isinstance(capable, Sequence) else capable,
            "follower": follower,
            "session": session,
            "tester": tester,
            "operator": operator,
            "for": duration(for_) if for_ is not None else None,
        }
        changed = {name: value for name, value in circumstances.items() if value is not None}
        self._calls.call("PATCH", f"/recipients/{self.address}", changed)

    def go_offline(self, *, for_: str | timedelta | None = None) -> None:
        """Switch the phone off, for good or for a time ("2h"): messages wait."""
        self.set(reachable=False, for_=for_)

    def come_back(self) -> None:
        """Switch the phone on again: what waits is delivered, in order."""
        self.set(reachable=True)

    def block(self, *, for_: str | timedelta | None = None) -> None:
        """Block the sender, for good or for a time."""
        self.set(blocked=True, for_=for_)

    def unblock(self) -> None:
        """Block the sender no more."""
        self.set(blocked=False)

    def writes(self, text: str, *, provider: ProviderName | None = None, to: str = "") -> None:
        """
        Let the recipient write to the software under test.

        Through *provider*, or else through the one of the latest message to this recipient.
        """
        self._act({"writes": text}, provider, to)

    def taps(self, label: str, *, provider: ProviderName | None = None, to: str = "") -> None:
        """Let the recipient tap what a delivered message offers, by what stands on it."""
        self._act({"does": "taps", "text": label}, provider, to)

    def reads(self, *, provider: ProviderName | None = None, to: str = "") -> None:
        """Let the recipient read what was delivered."""
        self._act({"does": "reads"}, provider, to)

    def does(
        self,
        act: str,
        *,
        text: str = "",
        provider: ProviderName | None = None,
        to: str = "",
        data: object = None,
    ) -> None:
        """Let the recipient do something else, in the provider's words."""
        more = {"text": text} if text else {}
        self._act({"does": act, "data": data, **more}, provider, to)

    def _act(self, act: dict[str, object], provider: str | None, to: str) -> None:
        through = provider or self._latest_provider()
        body = {"provider": through, **act, **({"to": to} if to else {})}
        self._calls.call("POST", f"/recipients/{self.address}/inbound", body)
        self._calls.drain()

    def _latest_provider(self) -> str:
        query = {"recipient": self.address, "order": "newest", "limit": "1"}
        items = self._calls.call("GET", "/messages", query=query)["items"]
        if not items:
            raise ValueError(
                f"expected provider=…, for nothing was sent to {self.address} from which to tell it"
            )
        return str(items[0]["provider"])
