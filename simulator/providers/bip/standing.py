"""
What stands against sending: the service's own standing, quotas, sessions, and who the receiver is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from simulator.provider import Circumstances, Gateway, Json, format_duration
from simulator.providers.bip.addresses import is_hash
from simulator.providers.bip.codes import QUOTA_REACHED
from simulator.providers.bip.details import ALL, FILTERED, ONE_TO_ONE, Details
from simulator.providers.bip.quota import Quotas, Sessions
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.wire import PLAIN, SendRequest

__all__ = ["Objection", "Standing"]

_TXNIDS_MAX: Final = 100_000


class Objection(NamedTuple):
    """
    A result code that stands against sending, and for people why it does.
    """

    code: int
    why: str


class Standing:
    """
    The books of one service: what it may do by its settings, and what it has used up.
    """

    __slots__ = ("_gateway", "_quotas", "_sessions", "_txnids", "settings")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self._quotas = Quotas()
        self._sessions = Sessions()
        self._txnids: dict[str, int] = {}

    def first(self, objections: Sequence[Objection]) -> Objection:
        """Return the objection that is answered (OC-10)."""
        return min(objections, key=lambda objection: self.settings.error_order.index(objection.code))

    # -- the service ----------------------------------------------------------------------------

    def against_method(self, method: str) -> list[Objection]:
        """Return what stands against calling a method."""
        settings = self.settings
        objections: list[Objection] = []
        if not settings.active:
            objections.append(Objection(300, "the service is not active (setting active)"))
        if not settings.authorized:
            objections.append(Objection(307, "the service may not be used (setting authorized)"))
        if method not in settings.methods:
            may = ", ".join(settings.methods) or "nothing"
            objections.append(Objection(311, f"the service may not call {method}; it may call {may}"))
        return objections

    def against_call(self, request: SendRequest) -> list[Objection]:
        """Return what stands against a call that sends, whoever its receivers are."""
        settings = self.settings
        broadcasts = settings.quotas.get(ALL, {})
        objections = self.against_method(request.method)
        if request.broadcast and not self._quotas.has_room(ALL, broadcasts, self._local_ms):
            objections.append(Objection(QUOTA_REACHED, _used_up("broadcasts", broadcasts)))
        if (repeated := self._repeated(request.txnid)) is not None:
            objections.append(repeated)
        sizes = (
            ("receivers", len(request.parts), settings.limits.receivers),
            (
                "messages to a receiver",
                max((len(part.contents) for part in request.parts), default=0),
                settings.limits.messages,
            ),
        )
        for things, count, limit in sizes:
            if 0 < limit < count:
                objections.append(Objection(308, f"expected at most {limit} {things}, got {count}"))
        return objections

    def count_broadcast(self) -> None:
        """Count a broadcast against its quota."""
        self._quotas.count(ALL, self.settings.quotas.get(ALL, {}), self._local_ms)

    @property
    def _local_ms(self) -> int:
        """Now, in milliseconds of the calendar that quotas go by."""
        return self._gateway.unix_ms() + self.settings.quota_offset_ms

    def _repeated(self, txnid: str) -> Objection | None:
        window_ms, now_ms = self.settings.duplicate_window_ms, self._gateway.now_ms
        earlier_ms = self._txnids.get(txnid)
        if not window_ms or earlier_ms is None or now_ms >= earlier_ms + window_ms:
            return None
        ago, window = format_duration(now_ms - earlier_ms), format_duration(window_ms)
        return Objection(310, f"txnid {txnid[:60]!r} was used {ago} ago and is remembered for {window}")

    def _remember(self, txnid: str) -> None:
        """Remember the id of a call that sent something; what was refused may use its id again."""
        if not self.settings.duplicate_window_ms or self._repeated(txnid) is not None:
            return
        self._txnids.pop(txnid, None)
        self._txnids[txnid] = self._gateway.now_ms
        if len(self._txnids) > _TXNIDS_MAX:
            del self._txnids[next(iter(self._txnids))]

    # -- the receiver ---------------------------------------------------------------------------

    def against_receiver(
        self, recipient: str, details: Details, circumstances: Circumstances
    ) -> list[Objection]:
        """Return what stands against sending to a recipient now."""
        if circumstances.known is False:
            # Nobody has no session either; what is told is that there is nobody.
            return [Objection(301, f"there is no user {details.receiver.written} (circumstance known)")]
        if not details.receiver.known:
            return [Objection(301, _nobodys_hash(details.receiver.written))]
        objections: list[Objection] = []
        if (quota := self._against_quota(recipient, details, circumstances)) is not None:
            objections.append(quota)
        if circumstances.blocked:
            objections.append(Objection(302, "the user blocked the service (circumstance blocked)"))
        elif circumstances.follower is False:
            objections.append(Objection(302, "the user does not follow the service (circumstance follower)"))
        return objections

    def against_plain_number(self, details: Details) -> list[Objection]:
        """Return what stands against naming a receiver by number."""
        if details.receiver.kind != PLAIN or self.settings.plain_numbers:
            return []
        return [Objection(306, "the service may not name users by number; listcontacts has their hashes")]

    def _against_quota(
        self, recipient: str, details: Details, circumstances: Circumstances
    ) -> Objection | None:
        earlier = details.asked.before(details.part)
        if details.quota == FILTERED:
            limits = self.settings.quotas.get(FILTERED, {})
            if self._quotas.has_room(recipient, limits, self._local_ms, earlier):
                return None
            return Objection(QUOTA_REACHED, _used_up("lists to this user", limits))
        if details.quota == ALL or circumstances.session:
            return None
        if circumstances.session is False:
            return Objection(QUOTA_REACHED, "no session with this user is open (circumstance session)")
        rules, now_ms = self.settings.session, self._gateway.now_ms
        if not rules.required or self._sessions.has_room(
            recipient, earlier + details.count, now_ms, rules, self.followed_ms(recipient)
        ):
            return None
        written = details.receiver.written
        return Objection(
            QUOTA_REACHED,
            "no session with this user is open, or its messages are used up; the user must act first: "
            f"POST /_sim/v1/spaces/{self._gateway.space}/recipients/{written}/inbound "
            '{"provider": "bip", "does": "follows"}; or set session.required to false',
        )

    def followed_ms(self, recipient: str) -> int | None:
        """Return since when a recipient follows, which opened a session then; None: they do not."""
        if not self._gateway.circumstances(recipient).follower:
            return None
        return self._gateway.true_since_ms(recipient, "follower") or 0

    def acted(self, recipient: str, *, leaves: bool) -> None:
        """Open a session with a recipient who acted; whoever *leaves* keeps the one there is."""
        if leaves:
            self._sessions.keep(recipient, self.followed_ms(recipient))
        else:
            self._sessions.open(recipient, self._gateway.now_ms)

    def count(self, recipient: str, details: Details) -> None:
        """Count a message that was accepted."""
        self._remember(details.txnid)
        if details.quota == ONE_TO_ONE:
            self._sessions.count(recipient, self.followed_ms(recipient))
        elif details.quota == FILTERED and details.part != details.asked.counted:
            # The messages of one composition are one use of this quota.
            details.asked.counted = details.part
            self._quotas.count(recipient, self.settings.quotas.get(FILTERED, {}), self._local_ms)

    def session(self, recipient: str) -> dict[str, Json]:
        """Return the session with a recipient as plain JSON."""
        circumstances = self._gateway.circumstances(recipient)
        if circumstances.session is not None:
            return {"open": circumstances.session}
        rules = self.settings.session
        if not rules.required:
            return {"open": True}
        return self._sessions.view(recipient, self._gateway.now_ms, rules, self.followed_ms(recipient))


def _used_up(what: str, limits: Mapping[str, int]) -> str:
    most = " and ".join(f"{limit} a {window}" for window, limit in limits.items())
    return f"the quota of {what} is used up: {most}"


def _nobodys_hash(written: str) -> str:
    issued = 'those of this service come from listcontacts or the action hash {"recipient": "905320000001"}'
    if is_hash(written):
        return f"the service issued no hash {written}; {issued}"
    return f"expected a hash: 24 characters of base64, or 32 hexadecimal digits; {issued}"
