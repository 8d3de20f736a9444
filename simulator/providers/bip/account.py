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
    InTurns,
    Json,
    Message,
    MessageKey,
    Move,
    ProviderAccount,
    Report,
    Rung,
    State,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    basic_header,
    changed,
    described,
    in_order,
)
from simulator.providers.bip.acts import Doing, event_fields
from simulator.providers.bip.addresses import address_of, hash_of, is_hash, is_msisdn
from simulator.providers.bip.details import FILTERED, ONE_TO_ONE, Details, details_of
from simulator.providers.bip.files import file_address
from simulator.providers.bip.outcomes import magic, refuses_call
from simulator.providers.bip.quota import Asked
from simulator.providers.bip.render import REQID_MAX, Event, SentReport, UserReport, render
from simulator.providers.bip.settings import RETRY_DOCUMENTED, Settings
from simulator.providers.bip.standing import Standing
from simulator.providers.bip.templates import Template
from simulator.providers.bip.wire import HASHED, PLAIN, Content, Receiver

__all__ = ["Account", "figures"]

_TEMPLATES_MAX: Final = 100_000
_UPLOADS_MAX: Final = 1_000
_MSGID_MAX: Final = 2**31 - 1
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LETTERS: Final = 5


class Account:
    """
    One space's service at BiP.
    """

    __slots__ = ("_fate", "_gateway", "_policy", "_templates", "_uploads", "standing")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.standing = Standing(gateway)
        self._policy = self.settings.webhook.policy(RETRY_DOCUMENTED)
        self._fate: Fate | None = None
        self._templates: dict[tuple[str, bool], Template] = {}
        self._uploads: dict[str, Struct] = {}

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.standing.settings

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json]]:
        """Tell the hash of a number, the session with a recipient, and what was uploaded."""
        return {"hash": self._hash_of, "session": self._session_of, "uploads": self._list_uploads}

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        session = settings.get("session")
        if isinstance(session, Mapping) and session and "required" not in session:
            # Whoever says how long sessions last or what they allow wants some.
            settings = {**settings, "session": {**session, "required": True}}
        self.standing.settings = changed(self.settings, settings)
        self._policy = self.settings.webhook.policy(RETRY_DOCUMENTED)
        self._fate = None

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets, and where sent reports go."""
        shown = described(self.settings)
        return {**shown, "report_url": self.settings.report_url}

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        return self._policy

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
        return Submission(
            provider="bip",
            recipient=recipient,
            text=text,
            validity_ms=self.settings.validity_ms,
            details=Details(
                txnid="storm",
                receiver=self.receiver_of(recipient),
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
        objections = self.standing.against_receiver(submission.recipient, details, circumstances)
        if not objections:
            return None
        first = self.standing.first(objections)
        return Behaviour(answer=AnswerFault(refuse=str(first.code), why=first.why))

    def reserve(self, submission: Submission, behaviour: Behaviour | None) -> None:
        """Count what was granted just now against what the next parts of the call may use."""
        details = details_of(submission)
        granted = details.count if details.quota == ONE_TO_ONE else 1
        details.asked.grant(details.part, granted if behaviour is None else 0)

    def default_fate(self, submission: Submission) -> Fate:
        """Return delivery after a moment; nothing is read unless somebody says so."""
        if self._fate is None:
            self._fate = Fate(after=self.settings.deliver_after, progress=())
        return self._fate

    def noted(self, message: Message, move: Move | None) -> None:
        """Count an accepted message; remember what a delivered one lets its recipient answer to."""
        details = details_of(message.submission)
        if move is None:
            self.standing.count(message.key.recipient, details)
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
        address = address_of(recipient)
        if not _is_user(address):
            raise ImpossibleAct(f"expected a number of the form 905XXXXXXXXX or a hash, got {recipient!r}")
        if self._gateway.circumstances(address).known is False:
            raise ImpossibleAct(f"{address} is not known to BiP, so there is nobody to do anything")
        kind = act.kind.replace("_", " ").replace("-", " ")
        template, poll = (self._templates.get((address, is_poll)) for is_poll in (False, True))
        doing = Doing(
            act._replace(kind=kind), draws, self._new_file, template, poll, self.settings.location_form
        )
        fields = event_fields(doing)
        if kind == "reads":
            self._read_all(address)
            return ()
        if kind == "unfollows":
            self.standing.acted(address, leaves=True)
        if kind in ("follows", "unfollows"):
            self._gateway.change_recipient(address, {"follower": kind == "follows"}, why=kind)
        if kind != "unfollows":
            self.standing.acted(address, leaves=False)
        if fields is None or not self.settings.webhook.url:
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
            target=self.settings.webhook.url,
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
        elif isinstance(payload, Event):
            fields = payload.fields
            if "txnid" in fields:
                fields = {**fields, "txnid": report_id(draws, "txnid")}
            payload = replace(payload, msgid=msgid(draws, "msgid"), fields=fields)
        elif isinstance(payload, SentReport):
            payload = replace(payload, reqid=draws.integer("reqid", 1, REQID_MAX))
        return replace(report, payload=payload)

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return a webhook's request; with Basic credentials where settings name some."""
        epoch_ms = self._gateway.epoch_ms
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json;charset=UTF-8"),)
        if basic := self.settings.feedback.basic:
            headers += (("Authorization", basic_header(basic)),)
        body = render(webhook.reports[0].payload, epoch_ms)
        return WebhookRequest(url=webhook.target, body=body, headers=headers)

    # -- what the routes ask --------------------------------------------------------------------

    def circumstances(self, submission: Submission) -> Circumstances:
        """Return the circumstances of a submission's recipient now."""
        return self._gateway.circumstances(submission.recipient)

    def spell(self, address: str) -> str:
        """Return a user as the service gets to see it: by number with the authority, else by hash."""
        if not address.startswith("+"):
            return address
        return address[1:] if self.settings.plain_numbers else hash_of(address, self.settings.hash_form)

    def receiver_of(self, address: str) -> Receiver:
        """Return a user as the service would name it in a call."""
        by_number = address.startswith("+") and self.settings.plain_numbers
        return Receiver(PLAIN if by_number else HASHED, self.spell(address), address)

    def followers(self) -> InTurns[list[str]]:
        """
        Return who follows the service now, sorted.

        Only those can be listed about whom something was said by address; a
        prefix (`+90532*`) names no one in particular.
        """
        users, _ = yield from in_order(self._gateway.known_recipients(), _is_user)
        followers: list[str] = []
        for address in users:
            if self._gateway.circumstances(address).follower:
                followers.append(address)
            yield
        return followers

    def _new_file(self, draws: Draws, ending: str) -> str:
        """Return the address of a file that a user sends."""
        return file_address(self.settings.file_url, draws, self._gateway.unix_ms(), ending)

    def note_upload(self, url: str, facts: Struct) -> None:
        """Remember an uploaded file by its address, though not the file."""
        self._uploads.pop(url, None)
        self._uploads[url] = facts
        if len(self._uploads) > _UPLOADS_MAX:
            del self._uploads[next(iter(self._uploads))]

    def _note_template(self, recipient: str, template: Template) -> None:
        # The last poll and the last template with buttons: each act is about one of them.
        key = (recipient, bool(template.options))
        self._templates.pop(key, None)
        self._templates[key] = template
        if len(self._templates) > _TEMPLATES_MAX:
            del self._templates[next(iter(self._templates))]

    def _user_report(self, message: Message, label: str, report_type: int) -> Sequence[Report]:
        if not self.settings.reports or not self.settings.webhook.url:
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
                target=self.settings.webhook.url,
                at_ms=message.changed_ms,
                key=message.key,
                payload=facts,
            ),
        )

    def _hash_of(self, asked: Json) -> Json:
        address = self._asked_address(asked)
        return {"address": address, "hash": hash_of(address, self.settings.hash_form)}

    def _session_of(self, asked: Json) -> Json:
        return self.standing.session(self._asked_address(asked))

    def _list_uploads(self, asked: Json) -> Json:
        rows: Json = to_builtins(list(self._uploads.values()))
        return {"items": rows}

    def _asked_address(self, asked: Json) -> str:
        given = asked.get("recipient") if isinstance(asked, dict) else None
        address = address_of(given) if isinstance(given, str) else ""
        if not is_msisdn(address.removeprefix("+")):
            raise ValueError('expected a body such as {"recipient": "905320000001"}')
        return address


def _is_user(address: str) -> bool:
    """Return True for the address of somebody whom BiP may know: a number of its own, or a hash."""
    return is_msisdn(address.removeprefix("+")) or is_hash(address)


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


def figures(account: ProviderAccount, message: Message) -> Mapping[str, str]:
    """Return the `reporttype` of the report that tells of a message."""
    assert isinstance(account, Account)
    settings = account.settings
    types = {
        State.DELIVERED: 0,
        State.READ: settings.read_reporttype,
        State.EXPIRED: settings.expired_reporttype,
    }
    told = types.get(message.state)
    return {"code": str(told)} if isinstance(told, int) else {}
