"""
The exam passes software that does right, and catches each bug by the hardship that is about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from exam.stage import PROVIDERS, grades, sit
from run.mutants.registry import MUTANTS
from run.mutants.stage import DEEP
from run.mutants.traps import TRAPS
from simulator.exam.results import ExamResult, Outcome

_SEEDS: Final = range(1, 11) if DEEP else (1,)

# fmt: off
CAUGHT: Mapping[str, str] = {
    # -- beliefs
    "late report overwrites": "contradicted",
    "late event overwrites at bitel": "contradicted",
    "late station overwrites": "out-of-order",
    "operator is recipient": "expired",
    "billed per report": "told-twice",
    "billed per event at bitel": "told-twice",
    "billed when read": "read",
    "billed when read at bip": "read",
    "black-listed is billed": "black-listed",
    "same by envelope": "inbound-twice-anew",
    "same by msgid": "inbound-twice-anew",
    "reply counted twice": "inbound-twice-anew",
    "read back to delivered": "read-in-any-order",
    "read back to delivered at bip": "read-in-any-order",
    "never read": "read",
    "group name in the wrong case": "half-of-them-fail",
    "status in the wrong case at bitel": "plain-sailing",
    "failed is delivered": "half-of-them-fail",
    "failed is delivered at bitel": "every-way-to-fail",
    "names of generation two": "plain-sailing",
    "expired is delivered": "expired",
    "expiry beats delivery": "expiry-after-delivery",
    "parts by length": "parts-of-309-characters",
    "local time": "new-year",
    "local time at bip": "new-year",
    "same by message": "plain-sailing",
    "same by message at rbm": "read-twice",
    "revoked is final": "revoked-and-arrived",
    "404 on a revocation is success": "instead-of-revoked-too-late",
    # -- which message
    "known after the answer": "before-the-answer",
    "report before the answer is dropped": "before-the-answer",
    "event before the answer is dropped": "before-the-answer",
    "report before the answer is dropped at bip": "before-the-answer",
    "unknown is 404": "strangers",
    "unknown is 500": "strangers",
    "first result alone": "many-in-one",
    "first receiver alone": "bulk",
    "first id for all": "bulk",
    "first id for all at bitel": "bulk-with-failures",
    "tied by txnid": "bulk",
    "sent is delivered": "bulk-phones-off",
    # -- answers
    "200 is success": "bulk-with-refusals",
    "312 is success": "no-session",
    "error code is success": "refused-for-good",
    "no retry on 429": "too-many-requests",
    "no retry on 5xx": "server-error",
    "no retry at rbm": "outage",
    "no retry at bitel": "gateway-502",
    "cut-off answer is a no": "cut-off-after",
    "repeated id is a no": "gateway-504-done",
    "new id for each try": "cut-off-after",
    "new id for each try at rbm": "server-error-done",
    "number without its zero": "plain-sailing",
    # -- webhooks
    "body by Content-Length": "bit-by-bit",
    "415 on text/plain": "mislabelled",
    "text/plain is put aside": "mislabelled",
    "unreadable is 200": "cut-short",
    "signature not checked": "wrongly-signed",
    "signature not checked at rbm": "wrongly-signed",
    "signature over new JSON": "plain-sailing",
    "signature over the envelope": "plain-sailing",
    "signature over new JSON at infobip": "plain-sailing",
    "signature over compact JSON": "spelt-otherwise",
    "202": "plain-sailing",
    "slower than the time-out": "answered-in-time",
    "inbox in memory": "restarted-after-reports",
    "messages in memory": "restarted-while-waiting",
    "acknowledged, then not stored": "many-at-once",
    # -- calls, and what recipients want
    "retry storm": "long-outage",
    "refusal tried again": "refused-for-good",
    "312 tried again": "no-session",
    "STOP ignored": "stop",
    "STOP exactly": "stop-in-other-letters",
    "unsubscribed and written to": "unsubscribed",
    "SMS on every TTL event": "instead-of-delivered",
    "two SMS": "instead-of-expired",
    "no SMS": "instead-of-expired",
    "no SMS on 404": "instead-of-no-rcs",
    "no SMS when it is unclear": "instead-of-unclear",
}
# fmt: on

NOT_SEEN: Mapping[str, str] = {
    "deaf to Retry-After": "waits are real, and an exam takes no time for them",
    "bodies are kept": "nobody is asked for a figure of memory",
}
"""What no hardship is about."""

_SETUPS: Mapping[str, Mapping[str, Any]] = {
    "names of generation two": {"channel": "infobip3"},
    # Behind a signature, nobody gets to see what cannot be read.
    "unreadable is 200": {"signed": False},
    # The exam asks for an answer within a second.
    "slower than the time-out": {"works_real_s": 1.2},
}


async def _caught_by(name: str, hardship: str, provider: str) -> ExamResult:
    mutant = MUTANTS[name]
    setup = dict(TRAPS[mutant.trap].play.integrator)
    setup.pop("secrets", None)
    # Waits are as short as they can be: what counts is that there are any.
    setup |= {"speed": 1_000}
    policy, more = mutant.policy, dict(_SETUPS.get(name, {}))
    if "works_real_s" in more:
        policy = replace(policy, works_real_s=more.pop("works_real_s"))
    return await sit(provider, policy, (hardship,), **setup, **more)


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_correct_integrator_passes_every_hardship(provider: str, seed: int) -> None:
    """
    Whoever does right passes all of them, and each of them is judged: it comes to what it is about.
    """
    result = await sit(provider, seed=seed)

    others = [
        f"{grade.name}: {grade.reason}" for grade in result.grades if grade.outcome is not Outcome.PASSED
    ]
    assert others == []
    assert result.passed
    assert len(result.grades) >= 40


@pytest.mark.parametrize("name", CAUGHT)
async def test_mutant_fails_the_hardship_that_is_about_its_bug(name: str) -> None:
    """
    The grade of the hardship is a failure, with a story to it and a file that repeats it.
    """
    hardship = CAUGHT[name]

    for provider in MUTANTS[name].providers if DEEP else MUTANTS[name].providers[:1]:
        result = await _caught_by(name, hardship, provider)
        grade = grades(result)[hardship]

        assert grade.outcome is Outcome.FAILED, (provider, MUTANTS[name].wrong, grade.reason)
        assert grade.reason
        assert grade.text.startswith(f"# {grade.promise}")
        assert not result.passed


def test_every_mutant_is_caught_or_known_not_to_be() -> None:
    """
    A new mutant is caught by a hardship, or says why not.
    """
    assert set(CAUGHT) | set(NOT_SEEN) == set(MUTANTS)
    assert not set(CAUGHT) & set(NOT_SEEN)
    assert len(CAUGHT) >= 20
    assert {provider for name in CAUGHT for provider in MUTANTS[name].providers} == set(PROVIDERS)
