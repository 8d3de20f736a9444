"""
Small scenarios, each of which a correct integrator passes and an integrator with one bug does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from run.mutants.stage import BRIEF, Play, calls, sends

__all__ = ["TRAPS", "Trap"]

_LONG: Final = "ab " * 103
"""309 characters: two parts by the length of one part, three by the length of a part of several."""


@dataclass(frozen=True, kw_only=True)
class Trap:
    """
    A scenario file, and what is done in it.
    """

    text: str
    play: Play
    exact: bool = False
    """It is about an exact instant, so its clock stands still."""


# What every receiver owes, whatever happens.
_TAKEN = "expect: {webhooks: {acknowledged: 100%, lost: 0}}"

TRAPS: Mapping[str, Trap] = {
    # -- what is believed ---------------------------------------------------------------------
    "contradicted": Trap(
        text="rules: [{then: {webhooks: {contradict: {after: 5s}}}}]", play=Play(drive=(sends(),))
    ),
    "contradicted at bitel": Trap(
        text="rules: [{then: {webhooks: {contradict: {after: 5s}}}}]",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    "told twice": Trap(
        text="rules: [{then: {webhooks: {duplicate: {within: 10s}}}}]",
        play=Play(drive=(sends(),), belief="brief", means=BRIEF),
    ),
    "told twice by bip": Trap(
        text="""
providers: {bip: {session: {required: false}}}
rules: [{then: {webhooks: {duplicate: {within: 10s, ids: new}}}}]
""",
        play=Play(
            drive=(sends(recipient="+90532", channel="bip"),), belief="events", means={"delivered": ("1",)}
        ),
    ),
    "told twice by rbm": Trap(
        text="rules: [{then: {webhooks: {duplicate: {within: 10s, ids: new}}}}]",
        play=Play(drive=(sends(channel="rbm"),), belief="events", means={"delivered": ("1",)}),
    ),
    "told twice by bitel": Trap(
        text="rules: [{then: {webhooks: {duplicate: {within: 10s}}}}]",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),), belief="brief", means=BRIEF),
    ),
    "answered twice": Trap(
        text="""
rules: [{then: {fate: {deliver: {after: 1s, reply: {text: "Yes", after: 5s}}},
         webhooks: {duplicate: {within: 10s, ids: new}}}}]
""",
        play=Play(
            drive=(sends(channel="rbm"),),
            ask="/recipients/{recipient}",
            belief="written",
            means={"delivered": ("1",)},
        ),
    ),
    "read, in any order": Trap(
        text="""
rules:
  - then: {fate: {deliver: {after: 1s, read: {after: 1s}}}, webhooks: {reorder: {share: 50%, within: 1m}}}
""",
        play=Play(drive=(sends(12, channel="rbm"),), belief="brief", means=BRIEF),
    ),
    "read at bip, in any order": Trap(
        text="""
providers: {bip: {session: {required: false}}}
rules:
  - then: {fate: {deliver: {after: 1s, read: {after: 1s}}}, webhooks: {reorder: {share: 50%, within: 1m}}}
""",
        play=Play(drive=(sends(12, recipient="+90532", channel="bip"),), belief="brief", means=BRIEF),
    ),
    "stations told late": Trap(
        text="rules: [{then: {webhooks: {reorder: {share: 60%, within: 1m}}}}]",
        play=Play(drive=(sends(12),), integrator={"intermediate": True}, belief="brief", means=BRIEF),
    ),
    "stations in order": Trap(
        text="{}",
        play=Play(drive=(sends(),), integrator={"intermediate": True}, belief="brief", means=BRIEF),
    ),
    "at the operator, and no further": Trap(
        text='recipients: {"+4179*": {reachable: false}}',
        play=Play(drive=(sends(),), integrator={"intermediate": True}, belief="brief", means=BRIEF),
    ),
    "half fail": Trap(
        text="rules: [{when: {share: 50%}, then: {fate: {fail: {reason: absent, after: 1s}}}}]",
        play=Play(drive=(sends(8),)),
    ),
    "half fail at bitel": Trap(
        text="rules: [{when: {share: 50%}, then: {fate: {fail: {reason: absent, after: 1s}}}}]",
        play=Play(drive=(sends(8, recipient="+98912", channel="bitel"),)),
    ),
    "generation three": Trap(
        text="rules: [{when: {share: 50%}, then: {fate: {fail: {reason: absent, after: 1s}}}}]",
        play=Play(drive=(sends(8, channel="infobip3"),)),
    ),
    "expired": Trap(
        text='recipients: {"+4179*": {reachable: false}}',
        play=Play(drive=(sends(),), belief="brief", means=BRIEF),
    ),
    "long text": Trap(
        text="{}", play=Play(drive=(sends(text=_LONG),), belief="parts", means={"delivered": ("3",)})
    ),
    "price of parts": Trap(
        text="providers: {infobip: {price_per_message: 0.05}}",
        play=Play(
            drive=(sends(text=_LONG),), belief="price", means={"delivered": ("0.15000000000000002", "0.15")}
        ),
    ),
    "final time": Trap(
        exact=True,
        text="""
clock: {start: "2026-01-05T09:00:00Z"}
rules: [{then: {fate: {deliver: {after: 5s}}}}]
""",
        play=Play(
            drive=(sends(),), belief="done_at", means={"delivered": ("2026-01-05T09:00:05.000+00:00",)}
        ),
    ),
    "final time at bip": Trap(
        exact=True,
        text="""
clock: {start: "2026-01-05T09:00:00Z"}
providers: {bip: {session: {required: false}}}
rules: [{then: {fate: {deliver: {after: 5s}}}}]
""",
        play=Play(
            drive=(sends(recipient="+90532", channel="bip"),),
            belief="done_at",
            means={"delivered": ("2026-01-05T09:00:05.000+00:00",)},
        ),
    ),
    "black-listed at bitel": Trap(
        text='recipients: {"+989120000002": {blacklisted: true}}',
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),), belief="brief", means=BRIEF),
    ),
    # -- which message it is about ------------------------------------------------------------
    "report first": Trap(text="rules: [{then: {webhooks: {early: true}}}]", play=Play(drive=(sends(),))),
    "report first, ids of the provider": Trap(
        text="rules: [{then: {webhooks: {early: true}}}]",
        play=Play(drive=(sends(),), integrator={"own_ids": False}),
    ),
    "report first at bitel": Trap(
        text="rules: [{then: {webhooks: {early: true}}}]",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    "report first at bip": Trap(
        text="""
providers: {bip: {session: {required: false}}}
rules: [{then: {webhooks: {early: true}}}]
""",
        play=Play(drive=(sends(recipient="+90532", channel="bip"),)),
    ),
    "strangers": Trap(
        text=f"timeline: [{{at: 1m, provider: infobip, storm: {{messages: 20, rate: 20/s}}}}]\n{_TAKEN}",
        play=Play(drive=(), means={}),
    ),
    "many in one report": Trap(
        text="""
providers: {infobip: {webhook: {batch: {max: 100, wait: 5s}}}}
rules: [{then: {fate: {deliver: {after: 1s}}}}]
""",
        play=Play(drive=(sends(),)),
    ),
    "bulk": Trap(
        text="{}",
        play=Play(
            drive=(sends(3, to=["{recipient}", "+4178000000{n}", "+4177000000{n}"]),),
            integrator={"own_ids": False},
        ),
    ),
    "bulk at bitel": Trap(
        text="{}",
        play=Play(
            drive=(sends(3, to=["{recipient}", "+98913000000{n}"], recipient="+98912", channel="bitel"),)
        ),
    ),
    "list at bip": Trap(
        text='recipients: {"905330000001": {known: false}}',
        play=Play(
            drive=(
                sends(1, to=[f"+90532000000{n}" for n in range(4)] + ["+905330000001"], channel="bip-list"),
            ),
            means={"delivered": ("DELIVERED",)},
        ),
    ),
    "list at bip, phones off": Trap(
        text='recipients: {"90532*": {reachable: false}}',
        # Nobody is told of an expiry at BiP: what was sent stays without an end.
        play=Play(
            drive=(sends(1, to=[f"+90532000000{n}" for n in range(4)], channel="bip-list"),),
            means={"accepted": ("PENDING",), "delivered": ("DELIVERED",)},
        ),
    ),
    # -- what an answer means -----------------------------------------------------------------
    "refused inside a 200": Trap(
        text="""
rules:
  - when: {provider: infobip, operation: send, share: 50%}
    then: {answer: {refuse: {status: REJECTED_NETWORK}}}
expect: {sends: {calls: 1}}
""",
        play=Play(drive=(sends(8),)),
    ),
    "no session at bip": Trap(
        text="providers: {bip: {session: {required: true}}}\nexpect: {sends: {calls: 1}}",
        # The refusal has no id on the wire, so the question is about the recipient.
        play=Play(
            drive=(sends(recipient="+90532", channel="bip"),),
            ask="/recipients/{recipient}",
            integrator={"tries_inside": 12},
        ),
    ),
    "refused at bitel": Trap(
        text="""
rules: [{when: {provider: bitel, operation: send, share: 50%}, then: {answer: {refuse: InvalidRequest}}}]
expect: {messages: {at_least: 1}}
""",
        play=Play(drive=(sends(8, recipient="+98912", channel="bitel"),), ask="/recipients/{recipient}"),
    ),
    "overloaded": Trap(
        text="""
rules: [{when: {provider: infobip, operation: send, nth: 1}, then: {answer: {refuse: {http: 429}}}}]
expect: {messages: {at_least: 4}, sends: {retried: 100%, duplicated: 0}}
""",
        play=Play(drive=(sends(),)),
    ),
    "out of order": Trap(
        text="""
rules: [{when: {provider: infobip, operation: send, nth: 1}, then: {answer: {refuse: {http: 500}}}}]
expect: {messages: {at_least: 4}, sends: {retried: 100%, duplicated: 0}}
""",
        play=Play(drive=(sends(),)),
    ),
    "rbm out of order": Trap(
        text="""
rules: [{when: {provider: rbm, operation: send, nth: 1}, then: {answer: {refuse: {http: 503}}}}]
expect: {messages: {at_least: 4}, sends: {retried: 100%, duplicated: 0}}
""",
        play=Play(drive=(sends(channel="rbm"),)),
    ),
    "bitel out of order": Trap(
        text="""
rules:
  - when: {provider: bitel, operation: send, nth: 1}
    then: {answer: {refuse: {code: InternalError, http: 503}}}
expect: {messages: {at_least: 4}, sends: {retried: 100%, duplicated: 0}}
""",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    "cut off after the work": Trap(
        text="""
rules: [{when: {operation: send, nth: 1}, then: {answer: {drop: after}}}]
expect: {messages: {at_least: 4}, sends: {duplicated: 0}}
""",
        play=Play(drive=(sends(),)),
    ),
    "rbm cut off after the work": Trap(
        text="""
rules: [{when: {operation: send, nth: 1}, then: {answer: {drop: after}}}]
expect: {messages: {at_least: 4}, sends: {duplicated: 0}}
""",
        play=Play(drive=(sends(channel="rbm"),)),
    ),
    "numbers of bitel": Trap(
        text="expect: {messages: {at_least: 4}}",
        play=Play(drive=(sends(recipient="+98912", channel="bitel"),)),
    ),
    # -- how a webhook is taken ---------------------------------------------------------------
    "slow bodies": Trap(
        text="""
providers: {infobip: {webhook: {retry: [1s, 1s]}}}
rules: [{then: {webhooks: {slow: {over: 20ms, attempts: 30}}}}]
""",
        play=Play(drive=(sends(),)),
    ),
    "mislabelled": Trap(
        text="""
providers: {infobip: {webhook: {retry: [1s, 1s]}}}
rules: [{then: {webhooks: {content_type: {attempts: 30}}}}]
""",
        play=Play(drive=(sends(),)),
    ),
    "cut short": Trap(
        text="rules: [{then: {webhooks: {truncate: 50%}}}]\nexpect: {webhooks: {forged_refused: true}}",
        play=Play(drive=(sends(8),)),
    ),
    "garbled": Trap(
        text="""
providers: {infobip: {webhook: {hmac: {secret: key}, secure: all}}}
rules: [{then: {webhooks: {corrupt: 30%, mis_sign: 50%}}}]
expect: {webhooks: {acknowledged: 100%, lost: 0, forged_refused: true}}
""",
        play=Play(drive=(sends(8),), integrator={"secrets": {"infobip": ("key",)}}),
    ),
    "signed by infobip": Trap(
        text="providers: {infobip: {webhook: {retry: [1s], hmac: {secret: key}, secure: all}}}\n" + _TAKEN,
        play=Play(drive=(sends(),), integrator={"secrets": {"infobip": ("key",)}}),
    ),
    "spelt otherwise": Trap(
        text="""
providers: {infobip: {webhook: {retry: [1s], hmac: {secret: key}, secure: all}}}
rules: [{then: {webhooks: {respell: {attempts: 2}}}}]
expect: {webhooks: {acknowledged: 100%, lost: 0}}
""",
        play=Play(drive=(sends(),), integrator={"secrets": {"infobip": ("key",)}}),
    ),
    "signed by rbm": Trap(
        text=f"providers: {{rbm: {{webhook: {{retry: [1s, 1s]}}}}}}\n{_TAKEN}",
        play=Play(drive=(sends(channel="rbm"),)),
    ),
    "forged": Trap(
        text="""
rules: [{then: {webhooks: {mis_sign: 50%}}}]
expect: {webhooks: {acknowledged: 100%, lost: 0, forged_refused: true}}
""",
        play=Play(drive=(sends(8, channel="rbm"),)),
    ),
    "impatient": Trap(
        text="""
providers: {infobip: {webhook: {timeout: 100ms, retry: [1s]}}}
rules: [{then: {fate: {deliver: {after: 1s}}}}]
expect: {webhooks: {acknowledged: 100%, lost: 0}}
""",
        play=Play(drive=(sends(2),)),
    ),
    "restart": Trap(
        exact=True,
        text="rules: [{then: {fate: {deliver: {after: 1s}}}}]",
        # It acknowledges what is on disk and works it off later, which is after the restart.
        play=Play(drive=(sends(), calls("/restart", 2_000)), integrator={"works_after_real_s": 30.0}),
    ),
    "restart while a phone is off": Trap(
        text='recipients: {"+4179*": {reachable: {until: 2h, is: false}}}',
        play=Play(drive=(sends(), calls("/restart", 3_600_000))),
    ),
    "many reports": Trap(text=_TAKEN, play=Play(drive=(sends(12),), steady={"kept_bytes": 100})),
    "throttled": Trap(
        text="""
clock: {mode: live, rate: 200}
rules: [{when: {provider: infobip, operation: send}, then: {answer: {throttle: {rate: 1/30s, burst: 1}}}}]
expect:
  messages: {at_least: 3}
  sends: {retried: 100%, duplicated: 0, calls: 12, spacing: 1s, retry_after: true}
""",
        play=Play(drive=(sends(3),), integrator={"speed": 200}),
    ),
    # -- what recipients want -----------------------------------------------------------------
    "stop": Trap(
        text="""
timeline:
  - {at: 10m, provider: infobip, recipient: "+41790000000", writes: " Stop "}
  - {at: 11m, recipient: "+41790000000", blacklisted: true}
expect: {sends: {refused: 0}}
""",
        play=Play(drive=(sends(2), sends(2, at_ms=1_200_000))),
    ),
    "stop at rbm": Trap(
        text="""
timeline:
  - {at: 10m, provider: rbm, recipient: "+41790000000", does: unsubscribes}
rules:
  # Whoever writes to that number again is refused for good, and so never gets through in the end.
  - when: {provider: rbm, operation: send, recipient: "+41790000000", during: 11m..}
    then: {answer: {refuse: {http: 403}}}
expect: {sends: {retried: 100%}}
""",
        play=Play(drive=(sends(2, channel="rbm"), sends(2, at_ms=1_200_000, channel="rbm"))),
    ),
    # -- the SMS in place of an RCS message ---------------------------------------------------
    "falling back": Trap(
        text="""
recipients: {"+4179302404*": {capable: false}}
rules:
  - when: {provider: rbm, recipient: "+4179302120*"}
    then: {fate: expire}
  - when: {provider: rbm, recipient: "+4179302130*"}
    then: {fate: {fail: {outcome: TTL_EXPIRATION_REVOKE_FAILED}}}
  - when: {provider: rbm, recipient: "+4179302140*"}
    then: {fate: {fail: {outcome: DELIVERED_AND_TTL_EXPIRATION_REVOKED, after: 1s}}}
  - then: {webhooks: {duplicate: {within: 30s, ids: new}}}
# Eight by RCS, and an SMS in place of four of them and of the two that were refused.
expect: {messages: {at_least: 14}, webhooks: {acknowledged: 100%, lost: 0}}
""",
        play=Play(
            drive=tuple(
                sends(2, to=f"+4179302{part}000{{n}}", channel="rbm", ttl="600s")
                for part in ("120", "130", "140", "404", "555")
            ),
            belief="brief",
            means={
                "delivered": ("DELIVERED billed=1 sms=0",),
                "expired": ("EXPIRED billed=0 sms=1",),
                "refused": ("REJECTED billed=0 sms=1",),
            },
        ),
    ),
    "revoked, and arrived all the same": Trap(
        text="""
rules: [{when: {provider: rbm}, then: {fate: {fail: {outcome: DELIVERED_DESPITE_REVOKE}}}}]
""",
        play=Play(drive=(sends(1, channel="rbm"), calls("/revoke", 30_000, to="+41790000000"))),
    ),
    "revoked too late": Trap(
        text="rules: [{when: {provider: rbm}, then: {fate: {deliver: {after: 1s}}, webhooks: {delay: 1m}}}]",
        play=Play(
            drive=(sends(1, channel="rbm"), calls("/revoke", 30_000, to="+41790000000")),
            belief="brief",
            means=BRIEF,
        ),
    ),
}
