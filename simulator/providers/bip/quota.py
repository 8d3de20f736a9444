"""
What a service may still send: sessions with recipients, and quotas by the calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from simulator.provider import Json
from simulator.providers.bip.settings import SessionRules

__all__ = ["Asked", "Quotas", "Sessions"]

_DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT_MAX: Final = 1_000_000


class Asked(Struct, gc=False):
    """
    What one call asks of one recipient's quota, part by part.

    Parts are judged in their order and each as a whole, at the call and again when
    its work is due.  Sums are kept and not a list, for a call may name one user
    thousands of times.
    """

    part: int = -1
    """The part that was judged last."""
    granted: int = 0
    """The uses of the quota that it stands for; 0: it was refused."""
    earlier: int = 0
    """What the parts before it were granted."""
    counted: int = -1
    """The last part of which a message was accepted."""

    def begin(self) -> None:
        """Forget what was granted, for the parts are judged anew."""
        self.part, self.granted, self.earlier = -1, 0, 0

    def grant(self, part: int, uses: int) -> None:
        """Note what a part was granted."""
        self.earlier = self.before(part)
        self.part, self.granted = part, uses

    def before(self, part: int) -> int:
        """Return what earlier parts of the call were granted."""
        return self.earlier + (self.granted if part > self.part else 0)


class _Session(Struct, gc=False):
    opened_ms: int
    sent: int = 0


class Sessions:
    """
    Sessions by recipient: opened by an act, ended by time or by the number of messages.

    Source: "Quota control".  The two numbers are not published (OC-14).
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, _Session] = {}

    def open(self, recipient: str, at_ms: int) -> None:
        """Open a session, or let the one there is begin anew."""
        self._open.pop(recipient, None)
        self._open[recipient] = _Session(at_ms)
        if len(self._open) > _KEPT_MAX:
            del self._open[next(iter(self._open))]

    def _current(self, recipient: str, followed_ms: int | None) -> _Session | None:
        """Return the session there is, or the one that following opened at *followed_ms* if that is newer."""
        session = self._open.get(recipient)
        if followed_ms is not None and (session is None or session.opened_ms < followed_ms):
            return _Session(followed_ms)
        return session

    def keep(self, recipient: str, followed_ms: int | None) -> None:
        """Remember the session that following opened, for whoever does not follow any more."""
        session = self._current(recipient, followed_ms)
        if session is not None and session is not self._open.get(recipient):
            self.open(recipient, session.opened_ms)

    def has_room(
        self, recipient: str, count: int, at_ms: int, rules: SessionRules, followed_ms: int | None = None
    ) -> bool:
        """Return True when *count* messages may be sent to *recipient* at *at_ms*."""
        session = self._current(recipient, followed_ms)
        return (
            session is not None
            and at_ms < session.opened_ms + rules.length_ms
            and session.sent + count <= rules.messages
        )

    def count(self, recipient: str, followed_ms: int | None = None) -> None:
        """Count a message that was sent."""
        self.keep(recipient, followed_ms)
        session = self._open.get(recipient)
        if session is not None:
            session.sent += 1

    def view(
        self, recipient: str, at_ms: int, rules: SessionRules, followed_ms: int | None = None
    ) -> dict[str, Json]:
        """Return a recipient's session as plain JSON."""
        session = self._current(recipient, followed_ms)
        if session is None or not self.has_room(recipient, 1, at_ms, rules, followed_ms):
            return {"open": False}
        ends_ms = session.opened_ms + rules.length_ms
        return {"open": True, "messages_left": rules.messages - session.sent, "ends_in_ms": ends_ms - at_ms}


class Quotas:
    """
    How often something was sent in the current day, week and month.

    Weeks begin on Monday.  Only the current window of each subject is kept.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def has_room(self, subject: str, limits: Mapping[str, int], local_ms: int, earlier: int = 0) -> bool:
        """
        Return True when one more is allowed at *local_ms*, milliseconds of the quota's calendar.

        *earlier* ones come before it that are not counted yet.
        """
        for window, limit in limits.items():
            number, sent = self._counts.get((subject, window), (-1, 0))
            if (sent if number == _number(window, local_ms) else 0) + earlier >= limit:
                return False
        return True

    def count(self, subject: str, limits: Mapping[str, int], local_ms: int) -> None:
        """Count one that was sent."""
        for window in limits:
            now = _number(window, local_ms)
            number, sent = self._counts.get((subject, window), (-1, 0))
            self._counts[subject, window] = (now, sent + 1 if number == now else 1)


def _number(window: str, local_ms: int) -> int:
    """Return which day, week or month since 1970 an instant lies in."""
    day = local_ms // _DAY_MS
    if window == "day":
        return day
    if window == "week":
        # The first day of 1970 was a Thursday.
        return (day + 3) // 7
    moment = _EPOCH + timedelta(days=day)
    return moment.year * 12 + moment.month
