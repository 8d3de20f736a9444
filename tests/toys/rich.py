"""
A scenario with a little of everything; run as a script, it tells the whole journal of a fixed run.

The script is for comparing processes: their hash seeds differ, their stories must not.
"""

from __future__ import annotations

from simulator.kernel.model.fates import Ending, Fate, Progress, Reply
from simulator.kernel.model.faults import Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.rules import Act, AnswerFault, Match, Nth, TextMatch
from simulator.kernel.model.scenario import Scenario, TimelineItem
from simulator.kernel.model.units import LognormalDelay, Rate, UniformDelay
from toys.bench import Bench, rule, scenario
from toys.pigeon import pigeon

__all__ = ["PHONES", "rich_scenario"]

PHONES = tuple(f"+90555000000{number}" for number in range(5))

_HOUR = 3_600_000
_OFF = Trait((Window(False, 60_000, _HOUR), Window(False, 2 * _HOUR, 3 * _HOUR)))
_SLOW = LognormalDelay(2_000, 30_000)


def rich_scenario() -> Scenario:
    """Return rules in all three places, absences, and a timeline; nothing counts calls."""
    return scenario(
        rule(
            "bounces",
            when=Match(share_bp=2_000),
            fate=Fate(ending=Ending.FAIL, code="HAWK", after=UniformDelay(1_000, 10_000)),
        ),
        rule("silence", when=Match(share_bp=500), fate=Fate(ending=Ending.SILENCE)),
        rule("no perch", when=Match(nth=Nth(3, every=3)), answer=AnswerFault(refuse="NO_PERCH")),
        rule(
            "nervous network",
            when=Match(share_bp=5_000),
            webhooks=WebhookFaults(
                delay=_SLOW,
                duplicate=Duplicate(share_bp=5_000, within=UniformDelay(0, 30_000), times=2),
                reorder=Reorder(share_bp=5_000, within_ms=10_000),
                drop_share_bp=1_000,
            ),
        ),
        rule(
            "chatty",
            when=Match(text=TextMatch(contains="?")),
            fate=Fate(
                after=_SLOW,
                progress=(Progress(code="ALOFT", after=UniformDelay(0, 500)),),
                read=UniformDelay(1_000, 60_000),
                read_share_bp=7_000,
                replies=(Reply(text="yes", after=_SLOW),),
            ),
        ),
        recipients={PHONES[0]: {"reachable": _OFF}, "+905550*": {"operator": Trait((Window("28603"),))}},
        timeline=(
            TimelineItem(at_ms=5_000, recipient=PHONES[1], traits={"reachable": False}),
            TimelineItem(at_ms=600_000, hold=True),
            TimelineItem(at_ms=1_200_000, release=Rate(1, 1_000)),
            TimelineItem(at_ms=_HOUR, recipient=PHONES[1], traits={"reachable": True}),
            TimelineItem(at_ms=_HOUR, recipient=PHONES[2], act=Act("writes", "STOP"), provider="pigeon"),
        ),
    )


def _main() -> None:
    bench = Bench(seed=11)
    bench.simulation.load(rich_scenario())
    bench.answers = lambda webhook: 500 if len(webhook.attempts) == 0 and webhook.id < "wh_4" else 200
    for turn in range(6):
        for to in PHONES:
            bench.call(pigeon(to=to, text=f"are you there, {turn}?" if turn % 2 else "hello"))
        bench.advance("30s")
    bench.recipient("+90555000000*").change(blocked=True)
    bench.call(*(pigeon(to=to) for to in PHONES))
    bench.settle()
    print("\n".join(bench.narrative()))
    print("\n".join(f"{received.at_ms} {received.body}" for received in bench.received))


if __name__ == "__main__":
    _main()
