"""
Messages to a phone that is off wait, and come in order when it is on again.
"""

import pytest

from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.rules import Match, Nth
from simulator.kernel.model.units import ConstantDelay
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
HOUR = 3_600_000
SOON = Fate(after=ConstantDelay(1_000), progress=())


def off(*spans: tuple[int, int | None]) -> dict[str, Trait]:
    """
    Return traits of a recipient who is unreachable in these spans.
    """
    return {"reachable": Trait(tuple(Window(False, start, end) for start, end in spans))}


def test_unreachable_recipient_gets_the_message_on_return(sim: Bench) -> None:
    """
    A message to a phone that is off waits, and arrives when it comes back.
    """
    sim.recipient(PHONE).go_offline()
    message = sim.submit(pigeon(to=PHONE))

    sim.advance("1h")
    waited = message.state
    sim.recipient(PHONE).come_back()
    sim.settle()

    assert (waited, message.state, message.changed_ms) == (State.WAITING, State.DELIVERED, HOUR)


def test_phone_without_coverage_for_a_while_comes_back_by_itself(sim: Bench) -> None:
    """
    A change that lasts ends by itself, and what waited until then is delivered, what comes later at once.
    """
    sim.load(rule("soon", fate=SOON))
    before = sim.submit(pigeon(to=PHONE))
    sim.simulation.change_recipient(PHONE, {"reachable": False}, span_ms=HOUR)
    sim.settle()
    after = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert (before.state, before.changed_ms) == (State.DELIVERED, HOUR)
    assert (after.state, after.changed_ms) == (State.DELIVERED, HOUR + 1_000)


def test_waiting_messages_arrive_in_order_at_the_providers_pace(sim: Bench) -> None:
    """
    One bird a second comes in, in the order of sending.
    """
    sim.load(rule("soon", fate=SOON))
    sim.recipient(PHONE).go_offline()
    messages = [sim.submit(pigeon(to=PHONE)) for _ in range(4)]
    sim.advance("1h")

    sim.recipient(PHONE).come_back()
    sim.settle()

    assert [message.changed_ms - HOUR for message in messages] == [0, 1_000, 2_000, 3_000]


def test_waiting_messages_arrive_in_the_order_of_sending(sim: Bench) -> None:
    """
    However long each was on its way to a phone that is off, what was sent first arrives first.
    """
    first, second = Match(nth=Nth(1, 1)), Match(nth=Nth(2, 2))
    slow = Fate(after=ConstantDelay(10_000), progress=())
    sim.load(rule("slow", when=first, fate=slow), rule("quick", when=second, fate=SOON))
    sim.recipient(PHONE).go_offline()
    messages = [sim.submit(pigeon(to=PHONE)) for _ in range(2)]
    sim.advance("1h")

    sim.recipient(PHONE).come_back()
    sim.settle()

    assert [message.changed_ms - HOUR for message in messages] == [0, 1_000]


def test_return_at_the_end_of_a_window_needs_no_command(sim: Bench) -> None:
    """
    A scenario says until when a phone is off; what waits goes out at that very instant.
    """
    sim.load(recipients={PHONE: off((0, 2 * HOUR))})
    message = sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert (message.state, message.changed_ms) == (State.DELIVERED, 2 * HOUR)


def test_windows_that_follow_each_other_are_one_absence(sim: Bench) -> None:
    """
    Where one window ends and the next begins nobody is back.
    """
    sim.load(recipients={PHONE: off((0, HOUR), (HOUR, 2 * HOUR), (3 * HOUR // 2, 3 * HOUR))})
    message = sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert (message.state, message.changed_ms) == (State.DELIVERED, 3 * HOUR)


def test_second_absence_keeps_what_came_in_it(sim: Bench) -> None:
    """
    Between two windows messages arrive; in the second one they wait again.
    """
    sim.load(rule("soon", fate=SOON), recipients={PHONE: off((0, HOUR), (2 * HOUR, 3 * HOUR))})
    first = sim.submit(pigeon(to=PHONE))
    sim.advance("90m")
    between = sim.submit(pigeon(to=PHONE))
    sim.advance("1h")
    second = sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert [m.changed_ms for m in (first, between, second)] == [HOUR, 90 * 60_000 + 1_000, 3 * HOUR]


def test_validity_runs_out_while_waiting(sim: Bench) -> None:
    """
    A phone that stays off longer than the validity never gets the message.
    """
    sim.recipient(PHONE).go_offline()
    message = sim.submit(pigeon(to=PHONE, validity_ms=600_000))

    sim.advance("10m")
    state = message.state
    sim.recipient(PHONE).come_back()
    sim.settle()

    assert (state, message.state, message.changed_ms) == (State.EXPIRED, State.EXPIRED, 600_000)
    assert sim.told() == [(600_000, f"EXPIRED {PHONE}")]


def test_return_at_the_instant_of_expiry_is_too_late(sim: Bench) -> None:
    """
    A message that expires at the instant at which the phone comes back has expired.
    """
    sim.load(recipients={PHONE: off((0, HOUR))})
    message = sim.submit(pigeon(to=PHONE, validity_ms=HOUR))

    sim.settle()

    assert message.state == State.EXPIRED


def test_phone_that_goes_off_again_gets_the_rest_later_and_in_order(sim: Bench) -> None:
    """
    Who leaves in the middle of the backlog gets the rest on the next return, before what came since.
    """
    sim.load(rule("soon", fate=SOON))
    sim.recipient(PHONE).go_offline()
    messages = [sim.submit(pigeon(to=PHONE)) for _ in range(4)]
    sim.advance("1h")
    sim.recipient(PHONE).come_back()
    sim.advance("500ms")
    sim.recipient(PHONE).go_offline()
    messages.append(sim.submit(pigeon(to=PHONE, text="newer, but due before the rest is tried again")))
    sim.advance("59m59.5s")

    sim.recipient(PHONE).come_back()
    sim.settle()

    assert [m.changed_ms - 2 * HOUR for m in messages[1:]] == [0, 1_000, 2_000, 3_000]


def test_commands_about_one_phone_leave_the_agenda_alone(sim: Bench) -> None:
    """
    However often others come and go, a waiting recipient is looked at once, when a return is expected.
    """
    sim.load(recipients={"+90555*": off((0, HOUR))})
    for number in range(3):
        sim.submit(pigeon(to=f"+90555000000{number}"))
    sim.advance("10s")
    before = len(sim.simulation.agenda)

    for number in range(50):
        sim.recipient("+904440000001").go_offline()
        sim.recipient(f"+90555000000{number % 3}").go_offline()

    assert len(sim.simulation.agenda) == before


def test_prefix_brings_back_everyone_it_covers(sim: Bench) -> None:
    """
    A prefix that is reachable again wakes every recipient under it, and nobody else.
    """
    sim.recipient("+90555*").go_offline()
    sim.recipient("+90444*").go_offline()
    covered = [sim.submit(pigeon(to=f"+90555000000{n}")) for n in range(3)]
    other = sim.submit(pigeon(to="+904440000001"))
    sim.advance("1h")

    sim.recipient("+90555*").come_back()
    sim.settle()

    assert [m.state for m in covered] == [State.DELIVERED] * 3
    assert other.state == State.EXPIRED


def test_very_many_come_back_in_slices_of_one_instant(sim: Bench) -> None:
    """
    Of thousands who are back some are looked at by the change itself, all in its instant, and all get theirs.
    """
    sim.recipient("+90555*").go_offline()
    waiting = [sim.submit(pigeon(to=f"+90555{number:07d}")) for number in range(2_500)]
    sim.advance("1h")
    before = len(sim.simulation.agenda)

    sim.recipient("+90555*").come_back()
    at_once = len(sim.simulation.agenda) - before
    sim.settle()

    assert 0 < at_once < len(waiting)
    assert {(message.state, message.changed_ms) for message in waiting} == {(State.DELIVERED, HOUR)}


def test_waiting_is_not_reported_again_and_again(sim: Bench) -> None:
    """
    A message that is tried in vain keeps waiting: one entry says so.
    """
    sim.load(rule("soon", fate=SOON))
    sim.recipient(PHONE).go_offline()
    sim.submit(pigeon(to=PHONE))
    second = sim.submit(pigeon(to=PHONE))
    sim.advance("1h")
    sim.recipient(PHONE).come_back()
    sim.recipient(PHONE).go_offline()

    sim.advance("1h")

    assert [line for line in sim.story(second.key) if "waiting" in line] == [
        f"+00:00:01.000 pigeon {PHONE} #2 waiting (absent) (the recipient is unreachable)"
    ]


def test_new_scenario_brings_waiting_recipients_back(sim: Bench) -> None:
    """
    Replacing the scenario moves the end of an absence for messages that wait already.
    """
    sim.load(recipients={PHONE: off((0, 10 * HOUR))})
    message = sim.submit(pigeon(to=PHONE))
    sim.advance("1h")

    sim.load(recipients={PHONE: off((0, HOUR))})
    sim.settle()

    assert (message.state, message.changed_ms) == (State.DELIVERED, 2 * HOUR)


def test_failing_message_fails_while_the_phone_is_off(sim: Bench) -> None:
    """
    Only a delivery waits for the phone; a failure on the way happens all the same.
    """
    fate = Fate(ending=Ending.FAIL, after=ConstantDelay(1_000), code="STORM", progress=())
    sim.load(rule("storm", when=Match(text=None), fate=fate))
    sim.recipient(PHONE).go_offline()
    message = sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert (message.state, message.code, message.changed_ms) == (State.FAILED, "STORM", 1_000)


def test_command_cannot_deliver_to_a_phone_that_is_off(sim: Bench) -> None:
    """
    Delivering by command is refused with the reason, and changes nothing.
    """
    sim.recipient(PHONE).go_offline()
    message = sim.submit(pigeon(to=PHONE))

    with pytest.raises(IllegalMove) as caught:
        sim.simulation.move(message, Move.DELIVER)

    assert str(caught.value) == f"{PHONE} is unreachable; make it reachable first"
    assert message.state == State.ACCEPTED


def test_delivered_message_leaves_nothing_due_for_its_expiry(sim: Bench) -> None:
    """
    Once a message that waited has arrived, nothing is due when its validity would have run out.
    """
    sim.recipient(PHONE).go_offline()
    sim.submit(pigeon(to=PHONE))
    sim.advance("1h")
    sim.recipient(PHONE).come_back()

    sim.settle()

    assert sim.simulation.next_due() is None
    assert sim.simulation.clock.now_ms < 2 * 3_600_000


def test_expiry_of_the_others_stays_due(sim: Bench) -> None:
    """
    Of two messages that would expire at one instant, the one that still waits does.
    """
    for recipient in (PHONE, "+905550000002"):
        sim.recipient(recipient).go_offline()
    gone = sim.submit(pigeon(to=PHONE))
    waiting = sim.submit(pigeon(to="+905550000002"))
    sim.advance("1h")
    sim.recipient(PHONE).come_back()

    sim.settle()

    assert sim.message(gone.key).state is State.DELIVERED
    assert sim.message(waiting.key).state is State.EXPIRED
