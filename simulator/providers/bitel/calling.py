"""
Calls: from a request to submissions, with the checks between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from simulator.provider import Call, InTurns, Message, Refuse, Submission, gathered
from simulator.providers.bitel.details import CallDetails
from simulator.providers.bitel.sending import (
    account_of,
    check_balance,
    check_numbers,
    check_recipients,
    run_checks,
    submitted,
)
from simulator.providers.bitel.settings import listed
from simulator.providers.bitel.wire import Body, network_address

__all__ = [
    "call_batch",
    "call_batch_tts",
    "call_campaign",
    "call_campaign_mix",
    "call_otp",
    "call_single",
    "call_tts",
]

_OTP_TEXT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_RETRIES_DEFAULT: Final = 1
_REPEATS_DEFAULT: Final = 2
_COUNT_MAX: Final = 100
"""Most retries and repeats; chosen, no page names a limit."""


class _Calls(NamedTuple):
    """What one call request asks for."""

    numbers: list[str]
    text: str
    voices: list[str]
    """The recorded files that are played."""
    retries: int
    server: str
    batch: bool = False


def call_otp(call: Call, body: Body) -> InTurns[list[Message]]:
    """Read digits out, after an optional voice file."""
    voice = body.word_or("voiceId", "")
    asked = _asked(body, [body.text("phoneNumber")], text=body.word("text"), voices=[voice] if voice else [])
    body.count_or("repeatCount", _REPEATS_DEFAULT, _COUNT_MAX)

    def check_limits() -> None:
        if not _OTP_TEXT.fullmatch(asked.text):
            raise Refuse("InvalidRequest", f"text: expected 1 to 5 digits, got {asked.text[:40]!r}")

    return _place(call, asked, check_limits)


def call_single(call: Call, body: Body) -> InTurns[list[Message]]:
    """Play a voice file to one number."""
    return _place(call, _asked(body, [body.text("phoneNumber")], voices=[_voice(body)]))


def call_tts(call: Call, body: Body) -> InTurns[list[Message]]:
    """Read a text out to one number."""
    return _place(call, _asked(body, [body.text("phoneNumber")], text=body.text("text")))


def call_batch(call: Call, body: Body) -> InTurns[list[Message]]:
    """Play a voice file to many numbers."""
    return _place(call, _asked(body, body.texts("phoneNumbers"), voices=[_voice(body)], batch=True))


def call_batch_tts(call: Call, body: Body) -> InTurns[list[Message]]:
    """Read a text out to many numbers."""
    return _place(call, _asked(body, body.texts("phoneNumbers"), text=body.text("text"), batch=True))


def call_campaign(call: Call, body: Body) -> InTurns[list[Message]]:
    """
    Play a voice file to many numbers, as v1 has it.

    `timeToLive` and `retryInterval` are known from client code alone; they are
    read, and change nothing.
    """
    _read_campaign(body)
    return _place(call, _asked(body, body.texts("phoneNumbers"), voices=[_voice(body)], batch=True))


def call_campaign_mix(call: Call, body: Body) -> InTurns[list[Message]]:
    """
    Play voice files and read texts out to many numbers, as v1 has it.

    Known from one client alone, which shows neither where the numbers stand nor
    what is heard in which order: they are taken to stand as in a campaign, and
    each gets one call.
    """
    _read_campaign(body)
    body.word_or("speaker", "")
    voices, texts = body.words_or("voiceIds"), body.words_or("messages")
    if (not voices and not texts) or not all(voices) or not all(texts):
        raise Refuse("InvalidRequest", "voiceIds, messages: expected some, and none that is empty")
    numbers = body.texts("phoneNumbers")
    return _place(call, _asked(body, numbers, text=" ".join(texts) or None, voices=voices, batch=True))


def _read_campaign(body: Body) -> None:
    """Read what a campaign has and a batch has not."""
    body.word_or("timeToLive", "")
    body.word_or("retryInterval", "")


def _voice(body: Body) -> str:
    voice = body.word("voiceId")
    if not voice:
        raise Refuse("InvalidRequest", "voiceId: expected a voice file's id, got an empty text")
    return voice


def _asked(
    body: Body,
    numbers: list[str],
    *,
    text: str | None = None,
    voices: Sequence[str] = (),
    batch: bool = False,
) -> _Calls:
    if text is not None and not text:
        raise Refuse("InvalidRequest", "text: expected a text that is not empty")
    retries = body.count_or("retryCount", _RETRIES_DEFAULT, _COUNT_MAX)
    return _Calls(numbers, text or "", list(voices), retries, body.word_or("serverId", ""), batch)


def _place(call: Call, asked: _Calls, check_text: Callable[[], None] | None = None) -> InTurns[list[Message]]:
    account = account_of(call)
    settings = account.settings

    def check_limits() -> InTurns[None]:
        if asked.batch:
            yield from check_recipients(settings, asked.numbers)
        if check_text is not None:
            check_text()

    def check_server() -> None:
        if asked.server and not settings.allows(settings.servers, asked.server):
            there_are = listed(settings.servers)
            raise Refuse("InvalidServer", f"serverId: no server {asked.server[:40]!r}; there are {there_are}")

    def check_voices() -> None:
        for voice in asked.voices:
            if not settings.allows(settings.voices, voice):
                why = f"voiceId: no voice {voice[:40]!r}; there are {listed(settings.voices)}"
                raise Refuse(settings.unknown_voice_code, why)

    yield from run_checks(
        settings,
        {
            "limits": check_limits,
            "numbers": lambda: check_numbers(settings, asked.numbers, batch=asked.batch),
            "server": check_server,
            "voice": check_voices,
        },
    )
    # How long a call will be is not known beforehand; its first minute has to be covered.
    check_balance(account, len(asked.numbers) * settings.price_per_minute_milli)
    submissions = yield from _submissions(call, asked)
    return (yield from submitted(call, submissions))


def _submissions(call: Call, asked: _Calls) -> InTurns[list[Submission]]:
    settings = account_of(call).settings
    addresses = yield from gathered(network_address(number, settings.numbers) for number in asked.numbers)
    recipients = [
        address or number[:64] or "(no number)"
        for address, number in zip(addresses, asked.numbers, strict=True)
    ]
    batch_id = ""
    if asked.batch:
        batch_id = call.gateway.draws("batch", *call.gateway.next_key(recipients[0])).hex("id")
    submissions = (
        Submission(
            provider="bitel",
            recipient=recipient,
            operation="call",
            sender=asked.server,
            text=asked.text,
            credential=call.credential_text,
            validity_ms=(1 + asked.retries) * settings.attempt_ms,
            details=CallDetails(number, address is None, batch_id),
        )
        for number, address, recipient in zip(asked.numbers, addresses, recipients, strict=True)
    )
    return (yield from gathered(submissions))
