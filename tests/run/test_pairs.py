"""
Pairs of webhook faults, with retries and holds: whoever receives correctly is never blamed.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from run.bench import failed
from run.mutants.stage import DEEP, STATES, Play, carry_out, sends
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import (
    Contradict,
    Damage,
    DamageKind,
    Duplicate,
    Reorder,
    WebhookFaults,
)
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.units import ConstantDelay, UniformDelay
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.provider import discover
from simulator.run.told import first_counts, told_of
from simulator.scenario.loader import load_run
from toys.bench import Bench, rule
from toys.pigeon import pigeon

_FAULTS: Final = {
    "delay": "delay: 0s..90s",
    "duplicate": "duplicate: {share: 50%, within: 2m, times: 2}",
    "reissued": "duplicate: {share: 50%, within: 2m, ids: new}",
    "reorder": "reorder: {within: 2m}",
    "drop": "drop: 30%",
    "contradict": "contradict: {share: 60%, after: 0s..30s}",
    "early": "early: true",
    "respell": "respell: {share: 60%, attempts: 2}",
    "truncate": "truncate: {share: 40%, attempts: 2}",
    "corrupt": "corrupt: {share: 40%, attempts: 2}",
    "mis_sign": "mis_sign: 40%",
    "content_type": "content_type: 40%",
}
_PAIRS: Final = [pair for pair in combinations(_FAULTS, 2) if pair != ("duplicate", "reissued")]
# All of them with HYPOTHESIS_PROFILE=deep; else those with what may tell a lie, and some others.
_TRIED: Final = _PAIRS if DEEP else [pair for pair in _PAIRS if "contradict" in pair] + _PAIRS[::6]
_TEXT: Final = """
seed: {seed}
providers:
  infobip: {{webhook: {{retry: [10s, 1m, 10m], hmac: {{secret: key}}, secure: all}}}}
  rbm: {{webhook: {{retry: [10s, 1m, 10m]}}}}
  bip: {{session: {{required: false}}, webhook: {{retry: [10s, 1m, 10m]}}}}
  bitel: {{webhook: {{retry: [10s, 1m, 10m]}}}}
rules:
  - when: {{share: 25%}}
    then: {{fate: {{fail: {{after: 1s..5s}}}}}}
  - when: {{share: 20%}}
    then: {{fate: expire}}
  - when: {{share: 30%}}
    then: {{fate: {{deliver: {{after: 1s..5s, read: {{after: 1s..5s}}}}}}}}
  - then: {{webhooks: {{{faults}}}}}
timeline:
  - {{at: 2s, webhooks: hold}}
  - {{at: 4m, webhooks: release}}
expect:
  webhooks: {{acknowledged: 100%, lost: 0, forged_refused: true}}
  sends: {{duplicated: 0}}
"""


@pytest.mark.parametrize("pair", dict.fromkeys(_TRIED), ids="-".join)
async def test_pair_of_faults_blames_nobody_who_is_right(pair: tuple[str, str]) -> None:
    """
    All four providers, an outage of the receiver, a hold, and two faults at once: nothing is held against it.
    """
    faults = ", ".join(_FAULTS[name] for name in pair)
    plan = load_run(_TEXT.format(seed=7, faults=faults), "pair.yaml", discover())
    drive = (
        sends(4),
        sends(4, recipient="+4178", channel="rbm", ttl="600s"),
        sends(4, recipient="+90532", channel="bip"),
        sends(4, recipient="+98912", channel="bitel"),
    )
    play = Play(
        drive=drive,
        means={
            **STATES,
            "accepted": ("PENDING",),
            # Bitel has one word for both.
            "expired": ("EXPIRED", "UNDELIVERABLE"),
        },
        integrator={"down_for": 3, "secrets": {"infobip": ("key",)}},
    )

    result = await carry_out(plan, play)

    assert failed(result) == []


_PARTS: Final = {
    "delay": st.sampled_from([None, ConstantDelay(5_000), UniformDelay(0, 200_000)]),
    "duplicate": st.sampled_from([None, Duplicate(within=UniformDelay(0, 100_000), times=2)]),
    "reorder": st.sampled_from([None, Reorder(within_ms=120_000)]),
    "contradict": st.sampled_from([None, Contradict(after=UniformDelay(0, 60_000))]),
    "drop_share_bp": st.sampled_from([0, 5_000]),
    "damage": st.sampled_from([(), (Damage(kind=DamageKind.TRUNCATE, attempts=2),)]),
}


@settings(max_examples=150 if not DEEP else 3_000, deadline=None)
@given(
    faults=st.builds(WebhookFaults, **_PARTS),  # type: ignore[arg-type]
    ending=st.sampled_from([Ending.DELIVER, Ending.FAIL, Ending.EXPIRE]),
    read=st.booleans(),
    down=st.sets(st.integers(0, 12), max_size=8),
    hold_ms=st.sampled_from([None, 0, 30_000]),
    seed=st.integers(0, 1_000),
)
def test_who_keeps_the_first_end_is_always_right(
    faults: WebhookFaults, ending: Ending, read: bool, down: set[int], hold_ms: int | None, seed: int
) -> None:
    """
    A receiver in memory that keeps the first end it acknowledged believes one of what the audit allows.

    It is down for some attempts and refuses what is cut short; webhooks are held, or not.
    """
    sim = Bench(seed)
    sim.load(
        rule(
            "odd",
            fate=Fate(
                ending=ending,
                after=ConstantDelay(1_000),
                progress=(),
                read=ConstantDelay(500) if read else None,
            ),
            webhooks=faults,
        )
    )
    believed: dict[object, State] = {}
    attempts = iter(range(1_000_000))

    def answer(webhook: object) -> int:
        assert hasattr(webhook, "attempts")
        assert hasattr(webhook, "reports")
        if next(attempts) in down:
            return 503
        if webhook.spoilt(len(webhook.attempts) + 1):  # type: ignore[attr-defined]
            return 400
        for report in webhook.reports:
            state = believed.get(report.key)
            if state not in TERMINAL or (state is State.DELIVERED and report.tells is State.READ):
                believed[report.key] = report.tells
        return 200

    sim.answers = answer
    messages = [sim.submit(pigeon(to=f"+90555000000{number}")) for number in range(3)]
    if hold_ms is not None:
        sim.simulation.outbox.hold(0)
        sim.advance(f"{hold_ms}ms" if hold_ms else "1ms")
        sim.simulation.outbox.release(sim.now_ms)
    sim.settle()

    told = told_of(sim.simulation, messages, {"pigeon": first_counts})
    for message in messages:
        if any(
            one.state is WebhookState.LOST and one.reports[0].key == message.key for one in sim.webhooks()
        ):
            # It was down once too often, and lost what it was told: that is held against it.
            continue
        allowed = told[message.key].possible | (
            {State.ACCEPTED} if told[message.key].heard is None else set()
        )
        assert believed.get(message.key, State.ACCEPTED) in allowed
