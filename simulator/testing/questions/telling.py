"""
Whether the story is the seed's alone, and asking changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from simulator.explain.narrative import narrative
from simulator.kernel.engine.account import Plans
from simulator.kernel.model.lifecycle import TRANSITIONS
from simulator.kernel.store.facts import EntryKind
from simulator.provider import Message, Move
from simulator.testing.case import Case
from simulator.testing.door import Door

__all__ = ["QUESTIONS"]

_RECIPIENTS: Final = 12
_LOOKS: Final = 12
_BETWEEN_LOOKS_MS: Final = 700


class _Story(NamedTuple):
    """Everything that anybody outside can see of a run."""

    journal: dict[str, list[str]]
    """What the journal tells, by recipient, instants and ids included."""
    webhooks: list[bytes]
    pulled: list[tuple[str, int, bytes]]
    """What the provider's GET calls answer."""


async def _story(
    case: Case,
    seed: int = 7,
    order: Callable[[list[str]], Iterable[str]] = list,
    look: Callable[[Door], None] | None = None,
) -> _Story:
    """Send to a dozen recipients, look on now and then, and return what is to be seen at the end."""
    async with case.door(seed) as door:
        door.report_to_receiver()
        recipients = [case.row.number(number) for number in range(1, _RECIPIENTS + 1)]
        for recipient in recipients:
            door.ready(recipient)
        for recipient in order(recipients):
            heard = await door.send(recipient)
            assert heard.status < 300, heard
        for _ in range(_LOOKS):
            if look is not None:
                look(door)
            await door.space.driver.advance(_BETWEEN_LOOKS_MS)
        await door.settle()
        if look is not None:
            look(door)
        journal: dict[str, list[str]] = {case.row.address(recipient): [] for recipient in recipients}
        for entry in door.space.simulation.journal:
            if entry.key is not None and entry.kind not in (EntryKind.CALL, EntryKind.ATTEMPT):
                journal[entry.key.recipient].append(f"{narrative(entry)} {entry.ref}")
        return _Story(journal, door.webhooks, await _pulled(door))


async def _pulled(door: Door) -> list[tuple[str, int, bytes]]:
    answers = []
    for route in door.provider.routes:
        if route.method == "GET" and not route.sends:
            heard = await door.call(door.request("GET", route.path))
            answers.append((route.path, heard.status, heard.body.replace(door.url.encode(), b"")))
    return answers


async def same_seed_tells_the_same_story(case: Case) -> None:
    """
    The same sends give the same ids, delays and outcomes, in whatever order they come.
    """
    first = await _story(case)
    again = await _story(case)
    turned = await _story(case, order=reversed)

    assert all(first.journal.values())
    assert first.journal == again.journal == turned.journal
    assert sorted(first.webhooks) == sorted(again.webhooks)


async def other_seed_tells_another_story(case: Case) -> None:
    """
    The seed is what the story hangs on.
    """
    assert (await _story(case)).journal != (await _story(case, seed=8)).journal


async def questions_change_nothing(case: Case) -> None:
    """
    However often an account is asked, of what happened and of what never did, the story stays as it is.
    """
    undisturbed = await _story(case)
    disturbed = await _story(case, look=_ask_everything)

    assert disturbed.journal == undisturbed.journal
    assert sorted(disturbed.webhooks) == sorted(undisturbed.webhooks)
    assert disturbed.pulled == undisturbed.pulled


def _ask_everything(door: Door) -> None:
    """Put every question to the account, about every message and webhook that there is."""
    account, simulation = door.account, door.space.simulation
    before = (dict(account.describe()), account.policy, len(simulation.journal))
    for message in door.messages:
        _ask_about(door, message)
    for webhook in list(simulation.outbox.webhooks.values()):
        assert account.render(webhook) == account.render(webhook), f"{webhook.id}: rendered in two ways"
        draws = simulation.chance.of("contract", webhook.id)
        for report in webhook.reports:
            account.reissue(report, draws)
    for code in door.provider.codes():
        account.refuses_call(code.code)
    assert account.pace_ms >= 0
    assert account.throttled_code == account.throttled_code
    assert (dict(account.describe()), account.policy, len(simulation.journal)) == before


def _ask_about(door: Door, message: Message) -> None:
    account, simulation = door.account, door.space.simulation
    submission, recipient = message.submission, message.key.recipient
    circumstances = simulation.directory.at(recipient, simulation.clock.now_ms)
    assert account.default_fate(submission) == account.default_fate(submission)
    account.magic(submission)
    account.by_circumstances(submission, circumstances)
    account.compose(recipient, "never sent")
    account.mint_id(message.key, simulation.chance.of(*message.key))
    for move in (None, *_moves_to(message)):
        assert account.reports_of(message, move) == account.reports_of(message, move)
    if isinstance(account, Plans):
        assert account.planned(message) == account.planned(message)


def _moves_to(message: Message) -> list[Move]:
    """Return the moves that may have brought *message* to where it is."""
    return sorted(
        {move for moves in TRANSITIONS.values() for move, to in moves.items() if to is message.state}
    )


QUESTIONS: Final = (
    same_seed_tells_the_same_story,
    other_seed_tells_another_story,
    questions_change_nothing,
)
