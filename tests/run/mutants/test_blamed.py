"""
Situations in which a correct integrator is easily blamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from run.bench import failed, shipped
from run.mutants.stage import DEEP, STATES, Play, blames, over_seeds, sends
from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import load_run

_LIVE: Final = ClockSpec(mode=ClockMode.LIVE, rate=100)
_NO_SESSION: Final = "providers: {bip: {session: {required: false}}}\n"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """
    What happens, and what a correct integrator does and is asked.
    """

    play: Play
    text: str = ""
    file: str = ""
    """A shipped file, in place of a text."""

    @property
    def plan(self) -> RunFile:
        """The scenario."""
        return shipped(self.file) if self.file else load_run(self.text, "situation.yaml", discover())


def _untold(channel: str, text: str, **more: Any) -> Situation:
    """Return a situation in which nobody is told how a message ended: the belief stays what it was."""
    return Situation(text=text, play=Play(drive=(sends(channel=channel, **more),)))


_READ: Final = "rules: [{then: {fate: {deliver: {read: {after: 1s}}}}}]"
_REORDERED: Final = """
rules: [{{then: {{fate: {{deliver: {{after: 1s}}}}, webhooks: {{contradict: {{after: 5s}}, {more}}}}}}}]
"""
_THROTTLED: Final = """
rules: [{when: {provider: infobip, operation: send, during: 0s..4m}, then: {answer: {refuse: {http: 429}}}}]
expect: {messages: {at_least: 4}, sends: {retried: 100%}}
"""


def _restarted(recipient: str, channel: str) -> Situation:
    """
    Return a situation in which software ends while the provider takes its time to answer.

    The provider does the work and answers, but nobody is there any more; where it
    has no id of the caller's, software that tries again cannot know.
    """
    return Situation(
        text=_NO_SESSION
        + """
rules: [{when: {operation: send, nth: 1}, then: {answer: {stall: 300ms}}}]
expect: {messages: {at_least: 4}, sends: {duplicated: 0}}
""",
        play=Play(
            drive=(sends(2, recipient=recipient, channel=channel),),
            clock=_LIVE,
            restart_at_ms=10_000,
            integrator={"speed": 100, "tries_inside": 0},
        ),
    )


SITUATIONS: Mapping[str, Situation] = {
    "answers first and tries later, in an outage": Situation(
        file="provider-outage",
        play=Play(
            drive=(replace(sends(10), arrivals=Constant(Rate(1, 1_000))),),
            clock=_LIVE,
            integrator={"speed": 100, "tries_inside": 1},
        ),
    ),
    "answers first and tries later, on 429": Situation(
        text=_THROTTLED,
        play=Play(drive=(sends(),), clock=_LIVE, integrator={"speed": 100, "tries_inside": 1}),
    ),
    "stores, acknowledges and works later": Situation(
        text="rules: [{then: {webhooks: {duplicate: {within: 10s}}}}]",
        play=Play(drive=(sends(),), integrator={"works_after_real_s": 0.1}),
    ),
    # What the provider tells nobody.
    "read SMS": _untold("infobip", _READ),
    "read SMS of bitel": _untold("bitel", _READ, recipient="+98912"),
    "failed at rbm": _untold("rbm", "rules: [{then: {fate: {fail: {}}}}]"),
    "failed at bip": _untold("bip", _NO_SESSION + "rules: [{then: {fate: {fail: {}}}}]", recipient="+90532"),
    "expired at bip": _untold("bip", _NO_SESSION + "rules: [{then: {fate: expire}}]", recipient="+90532"),
    "refused at bip, without an id": Situation(
        text="""
providers: {bip: {session: {required: true}}}
timeline: [{at: 0s, provider: bip, recipient: "+905320000001", does: follows}]
""",
        play=Play(drive=(sends(recipient="+90532", channel="bip", at_ms=1_000),)),
    ),
    # A later word that counts, and an earlier lie.
    "delivered after an expiry at rbm": Situation(
        text="rules: [{then: {fate: expire, webhooks: {contradict: {after: 1s}}}}]",
        play=Play(drive=(sends(channel="rbm", ttl="600s"),)),
    ),
    "contradicted before the truth, by a delay": Situation(
        text=_REORDERED.format(more="delay: 1m"),
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    "contradicted before the truth, by reordering": Situation(
        text=_REORDERED.format(more="reorder: {within: 1m}"),
        play=Play(drive=(sends(12, recipient="+98912", channel="bitel"),)),
    ),
    "contradicted before the truth, by a retry": Situation(
        text="providers: {bitel: {webhook: {retry: [1m]}}}\n" + _REORDERED.format(more="delay: 0s"),
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),), integrator={"down_for": 4}),
    ),
    "contradicted before the truth, by infobip's time": Situation(
        text=_REORDERED.format(more="reorder: {within: 1m}"), play=Play(drive=(sends(12),))
    ),
    # What it was never told, or could not know.
    "throttled by rbm, which says not for how long": Situation(
        text="""
rules: [{when: {provider: rbm, operation: send}, then: {answer: {throttle: {rate: 1/30s, burst: 1}}}}]
expect: {sends: {retried: 100%, retry_after: true}}
""",
        play=Play(drive=(sends(2, channel="rbm"),), clock=_LIVE, integrator={"speed": 100}),
    ),
    "tried again at bitel, for the answer with the id was cut off": Situation(
        text="""
rules: [{when: {provider: bitel, operation: send, nth: 1}, then: {answer: {drop: after}}}]
expect: {sends: {duplicated: 0}}
""",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    "tried again at bip, whose list was taken by a call that was cut off": Situation(
        text=_NO_SESSION
        + """
rules: [{when: {provider: bip, operation: send, nth: 1}, then: {answer: {drop: after}}}]
expect: {sends: {duplicated: 0}}
""",
        play=Play(drive=(sends(recipient="+90532", channel="bip-list"),)),
    ),
    "restarted with a call to bitel under way": _restarted("+98912", "bitel"),
    "restarted with a call to bip under way": _restarted("+90532", "bip"),
    "restarted with a list for bip under way": _restarted("+90532", "bip-list"),
    "webhooks that were never whole, and their latency": Situation(
        text="""
providers: {infobip: {webhook: {retry: [1s]}}}
rules: [{then: {webhooks: {truncate: {attempts: 30}}}}]
expect: {webhooks: {latency: {p99: 0ms}, of: {infobip: {latency: {p99: 0ms}}}}}
""",
        play=Play(drive=(sends(),)),
    ),
    "webhooks that came slowly, and their latency": Situation(
        text="""
rules: [{then: {webhooks: {slow: {over: 20ms, attempts: 30}}}}]
expect: {webhooks: {acknowledged: 100%, latency: {p99: 0ms}, of: {infobip: {latency: {p99: 0ms}}}}}
""",
        play=Play(drive=(sends(),)),
    ),
    "bodies under another content type, and their latency": Situation(
        text="""
rules: [{then: {webhooks: {content_type: {attempts: 30}}}}]
expect: {webhooks: {latency: {p99: 5s}, of: {infobip: {latency: {p99: 5s}}}}}
""",
        play=Play(drive=(sends(),)),
    ),
    # What takes its time.
    "an SMS in place of an RCS message, sent when it is asked already": Situation(
        text="""
rules:
  - {when: {provider: rbm}, then: {fate: expire}}
  - {when: {provider: infobip}, then: {fate: {deliver: {after: 3m}}}}
""",
        play=Play(
            drive=(sends(2, channel="rbm", ttl="60s"),),
            clock=_LIVE,
            integrator={"speed": 100, "works_after_real_s": 0.1},
        ),
    ),
    "an SMS in place of an RCS message, sent when all else is over": Situation(
        text="""
rules: [{when: {provider: rbm}, then: {fate: expire}}]
expect:
  messages: {final: 100%}
  sends: {relations: [{when: {provider: rbm, state: [expired]}, sends: infobip}]}
""",
        play=Play(
            drive=(sends(2, channel="rbm", ttl="60s"),), integrator={"works_after_real_s": 0.1}, means={}
        ),
    ),
    "an SMS in place of an RCS message, sent while it is asked on a clock that stands still": Situation(
        text="""
rules: [{when: {provider: rbm}, then: {fate: expire}}]
expect: {messages: {final: 100%}, webhooks: {acknowledged: 100%}}
""",
        play=Play(drive=(sends(2, channel="rbm", ttl="60s"),), integrator={"works_after_real_s": 0.1}),
    ),
    "as many as expected, some of them when all else is over": Situation(
        text="""
rules: [{when: {provider: rbm}, then: {fate: expire}}]
expect: {messages: {at_least: 4, final: 100%}}
""",
        play=Play(
            drive=(sends(2, channel="rbm", ttl="60s"),), integrator={"works_after_real_s": 0.1}, means={}
        ),
    ),
    "accepted behind the answer to whoever made it send, when all else is over": Situation(
        text="""
rules:
  - {when: {provider: infobip, operation: send}, then: {answer: {throttle: {rate: 1/10s, burst: 2}}}}
  - {then: {webhooks: {slow: {over: 50ms}, early: true}}}
expect: {messages: {final: 100%}, webhooks: {acknowledged: 100%}}
""",
        play=Play(drive=(sends(),), integrator={"tries_inside": 1}),
    ),
    "held for good, while a message has two days to expire": Situation(
        text="""
rules: [{when: {recipient: "+41790000000"}, then: {fate: expire}}]
timeline: [{at: 1s, webhooks: hold}]
""",
        play=Play(drive=(sends(),), clock=_LIVE, integrator={"speed": 100}),
    ),
    "held for good, after some were acknowledged": Situation(
        text="""
rules: [{then: {fate: {deliver: {after: 1s}}}}]
timeline: [{at: 1m, webhooks: hold}]
expect: {webhooks: {acknowledged: 100%, lost: 0, of: {infobip: {acknowledged: 100%}}}}
""",
        play=Play(drive=(sends(), sends(at_ms=120_000))),
    ),
    "held for good, with the ids of a list at bip": Situation(
        text=_NO_SESSION + "timeline: [{at: 0s, webhooks: hold}]\nexpect: {messages: {final: 100%}}\n",
        play=Play(
            drive=(sends(recipient="+90532", channel="bip-list", at_ms=1_000),),
            means={**STATES, "accepted": ("PENDING",)},
        ),
    ),
    # Somebody else's messages.
    "a storm beside its own messages": Situation(
        text="timeline: [{at: 1s, provider: infobip, storm: {messages: 20, rate: 20/s, recipient: '+4170'}}]",
        play=Play(drive=(sends(),)),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
async def test_correct_integrator_is_never_blamed(name: str) -> None:
    """
    Whatever is told late, never, or against the truth: who does right is right.
    """
    situation = SITUATIONS[name]

    results = await over_seeds(situation.plan, situation.play, range(10) if DEEP else (None,))

    assert [failed(result) for result in results if blames(result)] == []
