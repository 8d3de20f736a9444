"""
Scheduled messages: moved, suspended, and sent once.
"""

import pytest

from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.units import ConstantDelay
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
HOUR = 3_600_000


def test_rescheduled_message_is_sent_once_at_its_new_time(sim: Bench) -> None:
    """
    Moving a scheduled message moves its step on the agenda; nothing of the old time is left.
    """
    sim.load(rule("soon", fate=Fate(after=ConstantDelay(0), progress=())))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=HOUR))

    sim.simulation.reschedule(message, 2 * HOUR)
    sim.advance("1h")
    state = message.state
    sim.settle()

    assert (state, message.state, message.changed_ms) == (State.SCHEDULED, State.DELIVERED, 2 * HOUR)


def test_suspended_message_leaves_the_agenda_until_it_is_rescheduled(sim: Bench) -> None:
    """
    A suspended message is never due; rescheduling brings it back, at once if its time is past.
    """
    sim.load(rule("soon", fate=Fate(after=ConstantDelay(0), progress=())))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=HOUR))

    sim.simulation.suspend(message)
    sim.settle()
    sim.advance("3h")
    state = message.state
    sim.simulation.reschedule(message, HOUR)
    sim.settle()

    assert (state, message.state, message.changed_ms) == (State.SCHEDULED, State.DELIVERED, 3 * HOUR)


def test_message_on_its_way_cannot_be_suspended(sim: Bench) -> None:
    """
    Only what is still scheduled can be suspended; the refusal names the state.
    """
    message = sim.submit(pigeon(to=PHONE))

    with pytest.raises(IllegalMove) as refusal:
        sim.simulation.suspend(message)

    assert str(refusal.value) == "a message that is accepted cannot be suspended"
