"""
Previews: how a text would be sent, and how many parts it takes.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Answer, Call
from simulator.providers.infobip.calls import body_of
from simulator.providers.infobip.checks import LANGUAGES, MUST_NOT_BE_NULL, Checks
from simulator.providers.infobip.counting import segment_as
from simulator.providers.infobip.render import json_answer
from simulator.providers.infobip.text import Transliteration

__all__ = ["preview"]


class _Preview(Struct, rename="camel"):
    text: str | None = None
    language_code: str | None = None
    transliteration: str | None = None


_PREVIEW: Final = msgspec.json.Decoder(_Preview)


def preview(call: Call) -> Answer:
    """Answer with the text as it is, and once more as the options would have it, if there are any."""
    body: _Preview = body_of(call, _PREVIEW)
    checks = Checks(1)
    if body.text is None:
        checks.add("text", MUST_NOT_BE_NULL)
    language = checks.one_of("languageCode", body.language_code, LANGUAGES)
    table = checks.transliteration("transliteration", body.transliteration)
    checks.done()
    text = body.text or ""
    previews = [_preview_of(text, "", Transliteration.NONE)]
    if language or table is not Transliteration.NONE:
        previews.append(_preview_of(text, language, table))
    return json_answer({"originalText": text, "previews": previews})


def _preview_of(text: str, language: str, table: Transliteration) -> dict[str, object]:
    shown, split = segment_as(text, language, table)
    configuration: dict[str, object] = {}
    if language:
        configuration["language"] = {"languageCode": language}
    if table is not Transliteration.NONE:
        configuration["transliteration"] = table.value
    return {
        "textPreview": shown,
        "messageCount": split.parts,
        "charactersRemaining": split.remaining,
        "configuration": configuration,
    }
