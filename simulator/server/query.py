"""
The query language of listings: `state:failed provider:rbm +4179 rule:"one in twenty" -text:code`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.schema.node import did_you_mean

__all__ = ["FIELDS", "REFUSED", "BadQuery", "Query", "parse"]

REFUSED: Final = "refused"
"""What stands for the state of a submission that never became a message."""

FIELDS: Final[Mapping[str, str]] = {
    "state": "its state, or `refused`",
    "provider": "of this provider",
    "recipient": "to this recipient, or prefix with a star",
    "sender": "from this sender",
    "id": "with this id, or of the call with it",
    "text": "with this in its text",
    "code": "with this code of the provider",
    "rule": "decided by this rule",
    "rung": "decided by this rung of the ladder",
    "webhook": "with a webhook in this state",
}
"""Each field of a query, and what it asks for."""

_LENGTH_MAX: Final = 1_000
_TERM: Final = re.compile(r'(-?)(?:([a-z]+):(?!//))?("(?:[^"])*"?|\S+)')

Subject = Message | Refused
Webhooks = Callable[[MessageKey], Sequence[Webhook]]
Names = Callable[[Submission], Sequence[str]]
"""What a submission goes by besides its id."""
Check = Callable[[Subject], bool]


class BadQuery(ValueError):
    """
    A query that asks for what does not exist; the text says what was expected.
    """


class Query(NamedTuple):
    """
    Conditions on messages and refused submissions, all of which must hold.
    """

    checks: tuple[Check, ...] = ()
    refused: bool | None = None
    """True: refused submissions alone; False: messages alone; None: both."""

    def fitting(self, subjects: Iterator[Subject]) -> Iterator[Subject]:
        """Yield those of *subjects* of which every condition holds; of a hundred thousand, it counts how."""
        for check in self.checks:
            subjects = filter(check, subjects)
        return subjects

    def holds(self, subject: Subject) -> bool:
        """Return True when every condition holds."""
        return all(check(subject) for check in self.checks)


def parse(text: str, providers: Iterable[str], webhooks: Webhooks, names: Names) -> Query:
    """Return the conditions that *text* states; raises BadQuery."""
    if len(text) > _LENGTH_MAX:
        raise BadQuery(f"expected a query of up to {_LENGTH_MAX} characters, got {len(text)}")
    checks: list[Check] = []
    refused: bool | None = None
    for minus, field, written in _TERM.findall(text):
        value = written[1:].removesuffix('"') if written.startswith('"') else written
        if not value:
            continue
        if field == "state" and value == REFUSED:
            refused = not minus
            continue
        check = _check(field, value, providers, webhooks, names)
        if field in ("state", "webhook") and not minus:
            refused = False if refused is None else refused
        checks.append(_not(check) if minus else check)
    return Query(tuple(checks), refused)


def _not(check: Check) -> Check:
    return lambda subject: not check(subject)


def _check(field: str, value: str, providers: Iterable[str], webhooks: Webhooks, names: Names) -> Check:
    match field:
        case "":
            return _anywhere(value, names)
        case "state":
            state = State(_one_of(field, value, [*map(str, State), REFUSED]))
            return lambda subject: isinstance(subject, Message) and subject.state is state
        case "provider":
            provider = _one_of(field, value, providers)
            return lambda subject: subject.key.provider == provider
        case "recipient":
            return _fits(value, lambda subject: subject.key.recipient)
        case "sender":
            return _fits(value, lambda subject: subject.submission.sender)
        case "id":
            by_id = _fits(value, lambda subject: subject.id)
            return lambda subject: by_id(subject) or value in names(subject.submission)
        case "code":
            return _fits(value, lambda subject: subject.code)
        case "rule":
            return _fits(value, lambda subject: subject.rule)
        case "rung":
            return _fits(value, lambda subject: subject.rung.value)
        case "text":
            needle = value.casefold()
            return lambda subject: needle in subject.submission.text.casefold()
        case "webhook":
            wanted_state = WebhookState(_one_of(field, value, map(str, WebhookState)))
            return lambda subject: any(webhook.state is wanted_state for webhook in webhooks(subject.key))
    hint = did_you_mean(field, FIELDS) or f"; known: {', '.join(FIELDS)}"
    raise BadQuery(f'unknown field {field!r}{hint} (put the word in "quotes" to look for it as it is)')


def _one_of(field: str, value: str, words: Iterable[str]) -> str:
    options = list(words)
    if value not in options:
        raise BadQuery(f"{field}: expected one of {', '.join(options)}, got {value!r}")
    return value


def _fits(pattern: str, of: Callable[[Subject], str]) -> Check:
    if pattern.endswith("*"):
        prefix = pattern[:-1].casefold()
        return lambda subject: of(subject).casefold().startswith(prefix)
    exact = pattern.casefold()
    return lambda subject: of(subject).casefold() == exact


def _anywhere(value: str, names: Names) -> Check:
    needle = value.casefold()

    def found(subject: Subject) -> bool:
        submission = subject.submission
        return (
            needle in subject.key.recipient
            or needle in submission.text.casefold()
            or needle in subject.id.casefold()
            or needle in submission.sender.casefold()
            or any(needle in name.casefold() for name in names(submission))
        )

    return found
