"""
A BiP service in one space: what the operator grants it, whom it may write to, what it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from simulator.provider import (
    Act,
    AnswerFault,
    Behaviour,
    Circumstances,
    Draws,
    Fate,
    Gateway,
    ImpossibleAct,
    Json,
    Message,
    MessageKey,
    Move,
    Report,
    Rung,
    State,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    basic_header,
    format_duration,
    normal_address,
)
from simulator.providers.bip.acts import Doing, event_fields
from simulator.providers.bip.addresses import hash_of, is_msisdn, number_of
from simulator.providers.bip.codes import QUOTA_REACHED, RESULTS
from simulator.providers.bip.details import ALL, FILTERED, ONE_TO_ONE, Details, details_of
from simulator.providers.bip.outcomes import magic, refuses_call
from simulator.providers.bip.quota import Asked, Quotas, Sessions
from simulator.providers.bip.render import REQID_MAX, Event, SentReport, UserReport, render
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.wire import HASHED, PLAIN, Content, Receiver, Template

__all__ = ["Account"]

_DUPLICATES_MAX: Final = 100_000
_TEMPLATES_MAX: Final = 100_000
_UPLOADS_MAX: Final = 1_000
_MSGID_MAX: Final = 2**31 - 1
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LETTERS: Final = 5


class Account:
    """
    One space's service at BiP.
    """

    __slots__ = (
        "_fate",
        "_gateway",
        "_seen_txnids",
        "_templates",
        "_uploads",
        "quotas",
        "sessions",
        "settings",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self.sessions = Sessions()
        self.quotas = Quotas()
        self._fate: Fate | None = None
        self._seen_txnids: dict[str, int] = {}
        self._templates: dict[tuple[str, bool], Template] = {}
        self._uploads: dict[str, Struct] = {}

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json]]:
        """Tell the hash of a number, the session with a recipient, and what was uploaded."""
        return {"hash": self._tell_hash, "session": self._tell_session, "uploads": self._tell_uploads}

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.settings = self.settings.changed(settings)
        self._fate = None

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        settings = self.settings
        session = settings.session
        return {
            "webhook": {"url": settings.webhook_url, "report_url": settings.report_url},
            "credentials": len(settings.credentials),
            "active": settings.active,
            "authorized": settings.authorized,
            "reports": settings.reports,
            "plain_numbers": settings.plain_numbers,
            "methods": list(settings.methods),
            "session": {
                "required": session.required,
                "length": format_duration(session.length_ms),
                "messages": session.messages,
            },
            "quotas": {name: dict(limits) for name, limits in settings.quotas.items()},
        }

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        return self.settings.policy

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages to a user who is back; chosen, nothing is documented."""
        return 200

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast: `sending limit exceeded`."""
        return "308"

    def refuses_call(self, code: str) -> bool:
        """Return True for verification codes and HTTP statuses; other codes are one receiver's."""
        return refuses_call(code)

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return a report id: five letters or digits, a dash, a number."""
        return report_id(draws, "message.id")

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """Return the txnid: all that the client of a refused or an asynchronous call knows of it."""
        details = submission.details
        return {"txnid": details.txnid} if isinstance(details, Details) else {}

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a text as sendmsgservlist sends it, which needs no session."""
        kind = PLAIN if self.settings.plain_numbers else HASHED
        return Submission(
            provider="bip",
            recipient=recipient,
            text=text,
            validity_ms=self.settings.validity_ms,
            details=Details(
                txnid="storm",
                receiver=Receiver(kind, self.spell(recipient), recipient),
                content=Content(0, text),
                number=1,
                count=1,
                quota=FILTERED,
                asked=Asked(),
            ),
        )

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what a magic recipient asks for."""
        return magic(submission.recipient)

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return the refusal that the recipient's session, standing and existence lead to."""
        details = details_of(submission)
        codes = self.recipient_codes(submission.recipient, details, circumstances)
        if not codes:
            return None
        why = RESULTS[codes[0]].meaning
        if codes[0] == QUOTA_REACHED and details.quota == ONE_TO_ONE:
            why = "no session with this user is open, or its messages are used up"
        return Behaviour(answer=AnswerFault(refuse=str(codes[0]), why=why))

    def reserve(self, submission: Submission, behaviour: Behaviour | None) -> None:
        """Count what was granted just now against what the next parts of the call may use."""
        details = details_of(submission)
        granted = details.count if details.quota == ONE_TO_ONE else 1
        details.asked.grant(details.part, granted if behaviour is None else 0)

    def recipient_codes(
        self, recipient: str, details: Details, circumstances: Circumstances
    ) -> Sequence[int]:
        """Return every code that stands against sending to a recipient now, the first one first."""
        codes: list[int] = []
        if circumstances.known is False or not details.receiver.known:
            # Nobody has no session either; what is told is that there is nobody.
            return [301]
        if not self._within_quota(recipient, details, circumstances):
            codes.append(QUOTA_REACHED)
        if circumstances.blocked or circumstances.follower is False:
            codes.append(302)
        return codes if len(codes) < 2 else sorted(codes, key=self.settings.error_order.index)

    def _within_quota(self, recipient: str, details: Details, circumstances: Circumstances) -> bool:
        now_ms = self._gateway.now_ms
        if details.quota == FILTERED:
            limits = self.settings.quotas.get(FILTERED, {})
            return self.quotas.has_room(recipient, limits, self.local_ms, details.asked.before(details.part))
        rules = self.settings.session
        if details.quota == ALL or not rules.required:
            return True
        if circumstances.session is not None:
            return circumstances.session
        count = details.asked.before(details.part) + details.count
        return self.sessions.has_room(recipient, count, now_ms, rules, self._followed_ms(recipient))

    def _followed_ms(self, recipient: str) -> int | None:
        """Return since when a recipient follows, which opened a session then; None: they do not."""
        if not self._gateway.circumstances(recipient).follower:
            return None
        return self._gateway.true_since_ms(recipient, "follower") or 0

    def default_fate(self, submission: Submission) -> Fate:
        """Return delivery after a moment; nothing is read unless somebody says so."""
        if self._fate is None:
            self._fate = Fate(after=self.settings.deliver_after, progress=())
        return self._fate

    def noted(self, message: Message, move: Move | None) -> None:
        """Count an accepted message; remember what a delivered one lets its recipient answer to."""
        details = details_of(message.submission)
        if move is None:
            self._count(message.key.recipient, details)
        elif move is Move.DELIVER:
            template = details.content.template
            if template is not None and (template.buttons or template.options):
                self._note_template(message.key.recipient, template)

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the report that a delivered, a read or an expired message leads to."""
        if move is Move.DELIVER:
            return self._user_report(message, "delivered", 0)
        if move is Move.READ:
            return self._user_report(message, "read", self.settings.read_reporttype)
        if move is Move.EXPIRE and isinstance(self.settings.expired_reporttype, int):
            return self._user_report(message, "expired", self.settings.expired_reporttype)
        return ()

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Let a user do something, which opens a session where it is meant for the service."""
        address = number_of(recipient) or recipient
        if not is_msisdn(address.removeprefix("+")):
            raise ImpossibleAct(f"expected a number of the form +905XXXXXXXXX or a hash, got {recipient!r}")
        if self._gateway.circumstances(address).known is False:
            raise ImpossibleAct(f"{address} is not known to BiP, so there is nobody to do anything")
        kind = act.kind.replace("_", " ").replace("-", " ")
        last = (self._templates.get((address, is_poll)) for is_poll in (False, True))
        doing = Doing(act._replace(kind=kind), draws, self.settings, *last)
        fields = event_fields(doing)
        if kind == "reads":
            self._read_all(address)
            return ()
        if kind == "unfollows":
            self.sessions.keep(address, self._followed_ms(address))
        if kind in ("follows", "unfollows"):
            self._gateway.change_recipient(address, {"follower": kind == "follows"}, why=kind)
        if kind != "unfollows":
            self.sessions.open(address, self._gateway.now_ms)
        if fields is None or not self.settings.webhook_url:
            return ()
        return (self._event(address, kind, fields, draws),)

    def _event(self, address: str, label: str, fields: dict[str, object], draws: Draws) -> Report:
        if fields["type"] == "M" and self.settings.incoming_txnid:
            fields = {"txnid": report_id(draws, "txnid"), **fields}
        now_ms = self._gateway.now_ms
        return Report(
            provider="bip",
            recipient=address,
            label=label,
            target=self.settings.webhook_url,
            at_ms=now_ms,
            payload=Event(self.spell(address), msgid(draws, "msgid"), now_ms, fields),
        )

    def _read_all(self, address: str) -> None:
        delivered = [
            message
            for message in self._gateway.messages()
            if message.key.recipient == address and message.state is State.DELIVERED
        ]
        if not delivered:
            raise ImpossibleAct(f"{address} has nothing to read: no message was delivered and not yet read")
        for message in delivered:
            self._gateway.move(message, Move.READ, by=Rung.RECIPIENT)

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the report with a message id, transaction id or request id of its own."""
        payload = report.payload
        if isinstance(payload, UserReport):
            payload = replace(payload, msgid=msgid(draws, "msgid"), txnid=report_id(draws, "txnid"))
        elif isinstance(payload, SentReport):
            payload = replace(payload, reqid=draws.integer("reqid", 1, REQID_MAX))
        return replace(report, payload=payload)

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return a webhook's request; with Basic credentials where settings name some."""
        epoch_ms = self._gateway.epoch_ms
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json;charset=UTF-8"),)
        if self.settings.webhook_basic:
            headers += (("Authorization", basic_header(self.settings.webhook_basic)),)
        body = render(webhook.reports[0].payload, epoch_ms)
        return WebhookRequest(url=webhook.target, body=body, headers=headers)

    # -- what the routes ask --------------------------------------------------------------------

    @property
    def local_ms(self) -> int:
        """Now, in milliseconds of the calendar that quotas go by."""
        return self._gateway.unix_ms() + self.settings.quota_offset_ms

    def circumstances(self, submission: Submission) -> Circumstances:
        """Return the circumstances of a submission's recipient now."""
        return self._gateway.circumstances(submission.recipient)

    def spell(self, address: str) -> str:
        """Return a number as the service gets to see it: plain with the authority, else as a hash."""
        if not address.startswith("+"):
            return address
        return address[1:] if self.settings.plain_numbers else hash_of(address, self.settings.hash_form)

    def followers(self) -> list[str]:
        """
        Return who follows the service now, sorted.

        Only those can be listed about whom something was said by address; a
        prefix (`+90532*`) names no one in particular.
        """
        return [
            address
            for address in self._gateway.known_recipients()
            if is_msisdn(address.removeprefix("+")) and self._gateway.circumstances(address).follower
        ]

    def standing(self, method: str) -> int:
        """Return the code that stands against calling a method that sends nothing, or 0."""
        settings = self.settings
        holding = {
            300: not settings.active,
            307: not settings.authorized,
            311: method not in settings.methods,
        }
        against = [code for code, holds in holding.items() if holds]
        return min(against, key=settings.error_order.index, default=0)

    def repeated(self, txnid: str) -> bool:
        """Return True when *txnid* came before, within the window in which that is refused."""
        window_ms = self.settings.duplicate_window_ms
        if not window_ms:
            return False
        earlier_ms = self._seen_txnids.get(txnid)
        return earlier_ms is not None and self._gateway.now_ms < earlier_ms + window_ms

    def _remember(self, txnid: str) -> None:
        """Remember the id of a call that sent something; what was refused may use its id again."""
        window_ms, now_ms = self.settings.duplicate_window_ms, self._gateway.now_ms
        seen_ms = self._seen_txnids.get(txnid)
        if not window_ms or (seen_ms is not None and now_ms < seen_ms + window_ms):
            return
        self._seen_txnids.pop(txnid, None)
        self._seen_txnids[txnid] = now_ms
        if len(self._seen_txnids) > _DUPLICATES_MAX:
            del self._seen_txnids[next(iter(self._seen_txnids))]

    def note_upload(self, url: str, facts: Struct) -> None:
        """Remember an uploaded file by its address, though not the file."""
        self._uploads.pop(url, None)
        self._uploads[url] = facts
        if len(self._uploads) > _UPLOADS_MAX:
            del self._uploads[next(iter(self._uploads))]

    def _count(self, recipient: str, details: Details) -> None:
        self._remember(details.txnid)
        if details.quota == ONE_TO_ONE:
            self.sessions.count(recipient, self._followed_ms(recipient))
        elif details.quota == FILTERED and details.part != details.asked.counted:
            # The messages of one composition are one use of this quota.
            details.asked.counted = details.part
            self.quotas.count(recipient, self.settings.quotas.get(FILTERED, {}), self.local_ms)

    def _note_template(self, recipient: str, template: Template) -> None:
        # The last poll and the last template with buttons: each act is about one of them.
        key = (recipient, bool(template.options))
        self._templates.pop(key, None)
        self._templates[key] = template
        if len(self._templates) > _TEMPLATES_MAX:
            del self._templates[next(iter(self._templates))]

    def _user_report(self, message: Message, label: str, report_type: int) -> Sequence[Report]:
        if not self.settings.reports or not self.settings.webhook_url:
            return ()
        draws = self._gateway.draws(*message.key)
        facts = UserReport(
            sender=self.spell(message.key.recipient),
            msgid=msgid(draws, f"{label}.msgid"),
            at_ms=message.changed_ms,
            txnid=report_id(draws, f"{label}.txnid"),
            report_id=message.id,
            report_type=report_type,
        )
        return (
            Report(
                provider=message.key.provider,
                recipient=message.key.recipient,
                label=label,
                target=self.settings.webhook_url,
                at_ms=message.changed_ms,
                key=message.key,
                payload=facts,
            ),
        )

    def _tell_hash(self, asked: Json) -> Json:
        address = self._asked_address(asked)
        return {"address": address, "hash": hash_of(address, self.settings.hash_form)}

    def _tell_session(self, asked: Json) -> Json:
        address, now_ms = self._asked_address(asked), self._gateway.now_ms
        circumstances = self._gateway.circumstances(address)
        if circumstances.session is not None or not self.settings.session.required:
            return {"open": circumstances.session is not False or not self.settings.session.required}
        followed_ms = self._followed_ms(address)
        return self.sessions.view(address, now_ms, self.settings.session, followed_ms)  # type: ignore[return-value]

    def _tell_uploads(self, asked: Json) -> Json:
        rows: Json = to_builtins(list(self._uploads.values()))
        return {"items": rows}

    def _asked_address(self, asked: Json) -> str:
        given = asked.get("recipient") if isinstance(asked, dict) else None
        address = normal_address(given) if isinstance(given, str) else ""
        if not is_msisdn(address.removeprefix("+")):
            raise ValueError('expected a body such as {"recipient": "+905320000001"}')
        return address


def report_id(draws: Draws, label: str) -> str:
    """Return an id of the form that BiP's examples have: `aB3xQ-41`."""
    number = draws.integer(label, 0, len(_DIGITS) ** _ID_LETTERS * 100_000 - 1)
    number, tail = divmod(number, 100_000)
    letters = ""
    for _ in range(_ID_LETTERS):
        number, place = divmod(number, len(_DIGITS))
        letters += _DIGITS[place]
    return f"{letters}-{tail}"


def msgid(draws: Draws, label: str) -> int:
    """Return the id of a webhook's message, below 2³¹."""
    return draws.integer(label, 1, _MSGID_MAX)
