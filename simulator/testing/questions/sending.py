"""
What becomes of messages, and of calls that rules spoil.
"""

from __future__ import annotations

from typing import Final

from aiohttp import ClientConnectionError

from simulator.kernel.model.rules import Drop, Match, Rule, Throttle
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.units import parse_rate
from simulator.kernel.store.facts import SendRefused
from simulator.provider import AnswerFault, Behaviour, Code
from simulator.scenario.loader import load
from simulator.testing.case import Case
from simulator.testing.door import Door, Heard
from simulator.testing.row import Ended

__all__ = ["QUESTIONS", "magic_recipient_does_what_the_catalogue_says"]

_AWAY_MS: Final = 600_000


async def magic_recipient_does_what_the_catalogue_says(case: Case, code: Code) -> None:
    """
    A magic recipient is accepted by the provider's own checks, and its message ends, or is refused, as said.
    """
    async with case.door() as door:
        address = case.row.address(code.recipient)
        heard = await door.send(code.recipient, code.kind)
        await door.settle()
        ended = _ended(door, address, heard)

        assert case.row.holds(code, ended), (code, ended)
        assert door.failures == []


def _ended(door: Door, address: str, heard: Heard) -> Ended:
    mine = [message for message in door.messages if message.key.recipient == address]
    codes = {message.fate.code for message in mine} | {message.code for message in mine}
    codes |= {
        entry.code
        for entry in door.space.simulation.journal
        if entry.key is not None and entry.key.recipient == address
    }
    state = mine[0].state.value if mine else ""
    return Ended(heard.status, heard.body, frozenset(codes - {""}), state)


async def message_to_an_unreachable_recipient_waits_and_arrives_on_return(case: Case) -> None:
    """
    Nothing arrives while the phone is off; it does as soon as it is on again, in order.
    """
    async with case.door() as door:
        simulation = door.space.simulation
        recipients = [case.row.number(1), case.row.number(2)]
        for recipient in recipients:
            door.ready(recipient)
        away = case.row.address(recipients[0])
        simulation.change_recipient(away, {"reachable": False})
        for recipient in recipients:
            assert (await door.send(recipient)).status < 300
        await door.space.driver.advance(_AWAY_MS)
        meanwhile = [message.state.value for message in door.messages]
        simulation.change_recipient(away, {"reachable": True})
        await door.settle()

        assert meanwhile == ["waiting", "delivered"]
        assert [message.state.value for message in door.messages] == ["delivered", "delivered"]
        assert door.messages[0].changed_ms >= _AWAY_MS


async def storm_is_made_of_ordinary_messages(case: Case) -> None:
    """
    What the account composes for a storm is delivered, can be shown, and explains itself.
    """
    async with case.door() as door:
        address = door.ready(case.row.number(1))
        door.space.simulation.submit([door.account.compose(address, "storm") for _ in range(3)])
        await door.settle()

        assert [message.state.value for message in door.messages] == ["delivered"] * 3
        assert {message.submission.text for message in door.messages} == {"storm"}
        assert all(message.key.recipient == address for message in door.messages)


async def storm_without_numbers_goes_to_numbers_that_the_provider_has(case: Case) -> None:
    """
    A storm that names no recipient sends to numbers of the provider's own form, and all of it arrives.
    """
    provider = case.provider
    storm = f"timeline: [{{at: 0s, provider: {provider.name}, storm: {{messages: 3, rate: 3/s}}}}]"
    async with case.door() as door:
        door.space.load(load(storm, "storm.yaml", {provider.name: provider}))
        await door.settle()
        ends = [(message.key.recipient, message.state.value) for message in door.messages]

    assert ends == [(f"{provider.numbers}{number:07d}", "delivered") for number in range(3)]


def _answering(fault: AnswerFault) -> Scenario:
    return Scenario(rules=(Rule(name="contract", when=Match(), then=Behaviour(answer=fault)),))


async def throttled_call_is_refused_by_the_provider(case: Case) -> None:
    """
    The second call within a second is refused, or told of in the provider's own way; no second message.
    """
    async with case.door() as door:
        recipients = [case.row.number(1), case.row.number(2)]
        for recipient in recipients:
            door.ready(recipient)
        door.space.simulation.load(_answering(AnswerFault(throttle=Throttle(parse_rate("1/s"), 1))))
        first, second = [await door.send(recipient) for recipient in recipients]
        await door.settle()

        assert first.status < 300, first
        # Some providers refuse with a code inside a 200.
        assert second.status >= 400 or door.account.throttled_code.encode() in second.body, second
        assert second.reason, second
        assert "html" not in second.content_type
        assert len(door.messages) == 1
        assert door.failures == []


async def connection_dropped_before_the_work_is_no_failure_of_ours(case: Case) -> None:
    """
    The connection is cut before the work was done; no message is left.
    """
    await _dropped(case, Drop.BEFORE, 0)


async def connection_dropped_after_the_work_is_no_failure_of_ours(case: Case) -> None:
    """
    The connection is cut after the work was done; the message goes on.
    """
    await _dropped(case, Drop.AFTER, 1)


async def _dropped(case: Case, drop: Drop, messages: int) -> None:
    async with case.door() as door:
        recipient = case.row.number(1)
        door.ready(recipient)
        door.space.simulation.load(_answering(AnswerFault(drop=drop)))
        try:
            heard = await door.send(recipient)
        except ClientConnectionError:
            heard = None
        await door.settle()

        assert heard is None, heard
        assert len(door.messages) == messages
        assert door.failures == []


async def gateway_answers_with_a_page(case: Case) -> None:
    """
    A proxy in front of any provider answers with HTML, whether or not the work behind it was done.
    """
    for status in (502, 503, 504):
        for after_work in (False, True):
            async with case.door() as door:
                recipient = case.row.number(1)
                door.ready(recipient)
                door.space.simulation.load(_answering(AnswerFault(gateway=status, work_done=after_work)))
                heard = await door.send(recipient)
                await door.settle()

                assert (heard.status, heard.content_type.partition(";")[0]) == (status, "text/html"), heard
                assert f"<h1>{status} ".encode() in heard.body, heard
                assert len(door.messages) == int(after_work)
                assert door.failures == []


async def gateway_keeps_a_storm_from_the_provider(case: Case) -> None:
    """
    Messages of a storm are no calls that could be answered; they are refused all the same.
    """
    provider = case.provider
    rules = "rules: [{then: {answer: {gateway: 503}}}]"
    storm = f"timeline: [{{at: 0s, provider: {provider.name}, storm: {{messages: 3, rate: 3/s}}}}]"
    async with case.door() as door:
        door.space.load(load(f"{rules}\n{storm}", "storm.yaml", {provider.name: provider}))
        await door.settle()
        codes = [fact.code for fact in door.facts() if isinstance(fact, SendRefused)]

        assert door.messages == []
        assert codes == ["gateway 503"] * 3


QUESTIONS: Final = (
    message_to_an_unreachable_recipient_waits_and_arrives_on_return,
    storm_is_made_of_ordinary_messages,
    storm_without_numbers_goes_to_numbers_that_the_provider_has,
    throttled_call_is_refused_by_the_provider,
    connection_dropped_before_the_work_is_no_failure_of_ours,
    connection_dropped_after_the_work_is_no_failure_of_ours,
    gateway_answers_with_a_page,
    gateway_keeps_a_storm_from_the_provider,
)
