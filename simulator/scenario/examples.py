"""
Examples of each part of a scenario, each of them a whole file; the reference shows them and tests read them.
"""

from __future__ import annotations

from typing import Final

__all__ = ["EXAMPLES"]

EXAMPLES: Final = {
    "Top level": """\
name: the first code never arrives
seed: 5
clock: frozen
providers:
  infobip: {webhook: {url: "http://127.0.0.1:9000/infobip"}}
recipients:
  "+41793026727": {reachable: {is: false, until: 2h}}
rules:
  - name: lost in the network
    when: {nth: 1, text: code}
    then: {fate: silence}
timeline:
  - {at: 30m, webhooks: hold}
  - {at: 50m, webhooks: {release: {rate: 2000/s}}}
""",
    "clock": """\
clock: {mode: live, rate: 60, start: now}
recipients:
  "+41793026727": {reachable: false}
""",
    "recipients": """\
recipients:
  "+41793026727": {reachable: [{is: false, from: 10m, until: 2h}, {is: false, from: 1d}]}
  "+4179302*": {operator: "22801", capable: false}
  "+989120000043": {blacklisted: true}
""",
    "A rule": """\
rules:
  - name: one in twenty bounces, and is told twice
    when: {provider: infobip, share: 5%}
    then:
      fate: {fail: {status: UNDELIVERABLE_NOT_DELIVERED, error: EC_ABSENT_SUBSCRIBER, after: 1s..10s}}
      webhooks: {duplicate: {within: 30s}}
""",
    "when": """\
rules:
  - name: the first capability check of a number fails
    when: {provider: rbm, operation: capabilities, recipient: "+15551234567", nth: 1}
    then: {answer: {refuse: {http: 503}}}
  - name: codes from one sender, for four minutes
    when: {provider: bitel, recipient: "0912*", sender: "1000*", text: {matches: "[0-9]{6}"}, during: 5m..9m}
    then: {fate: silence}
""",
    "then: answer": """\
rules:
  - name: too many
    when: {provider: infobip, operation: send, during: 10m..12m}
    then: {answer: {throttle: {rate: 50/s, burst: 100}}}
  - name: refused, though the work is done
    when: {provider: infobip, nth: 3}
    then: {answer: {refuse: GENERAL_ERROR, after_work: true}}
  - name: cut off
    when: {share: 1%}
    then: {answer: {stall: 2s, drop: after}}
""",
    "then: fate": """\
rules:
  - name: read, and answered
    when: {provider: rbm, share: 20%}
    then: {fate: {deliver: {after: 1s..4s, read: {after: 5s}, reply: {text: "STOP", after: 1m}}}}
  - name: late
    when: {share: 50%}
    then: {fate: {deliver: {after: "lognormal(median=2s, p99=30s)"}}}
  - name: nobody knows it
    then: {fate: {fail: {reason: unknown}}}
""",
    "then: webhooks": """\
rules:
  - name: what users write comes twice, as if it were new
    when: {provider: rbm, operation: inbound}
    then: {webhooks: {duplicate: {ids: new, within: 30s}}}
  - name: nervous network
    then: {webhooks: {delay: 1s..20s, reorder: {within: 10s}, drop: 1%, contradict: {share: 1%}}}
""",
    "timeline": """\
timeline:
  - {at: 5m, recipient: "+41793026727", reachable: false}
  - {at: 1h, provider: infobip, recipient: "+41793026727", writes: "STOP"}
  - {at: 2h, provider: rbm, recipient: "+1555*", count: 100, rate: 10/s, does: reads}
  - {at: 3h, provider: infobip, storm: {messages: 1000, rate: 100/s, mix: {deliver: 90%, fail: 10%}}}
  - {at: 4h, providers: {rbm: {webhook: {client_token: another}}}}
  - {at: 5h, provider: infobip, server: down}
  - {at: 6h, provider: infobip, server: up}
""",
    "drive": """\
reset: "POST http://127.0.0.1:9000/reset"
rules: [{then: {webhooks: {duplicate: {share: 10%, within: 30s}}}}]
drive:
  - call: "POST http://127.0.0.1:9000/orders/{n}/notify"
    count: 100
    rate: 10/s
    recipient: "+4179"
    body: {phone: "{recipient}"}
""",
    "expect": """\
rules: [{then: {webhooks: {contradict: {share: 5%}}}}]
expect:
  messages: {final: 100%, within: 72h}
  webhooks: {acknowledged: 100%, latency: {p99: 250ms}}
  integrator:
    ask: "GET http://127.0.0.1:9000/messages/{id}"
    field: state
    means: {delivered: [DELIVERED, READ], expired: [EXPIRED]}
""",
    "providers: bip": """\
providers:
  bip:
    webhook: {url: "http://127.0.0.1:9000/bip"}
    session: {required: true}
    credentials: ["service:password"]
""",
    "refuse, for bip": """\
rules:
  - name: the quota is used up on Monday morning
    when: {provider: bip, during: 1h..2h}
    then: {answer: {refuse: quota_reached}}
""",
    "fail, for bip": """\
rules:
  - name: nobody at this number uses BiP any more
    when: {provider: bip, recipient: "+905321234567"}
    then: {fate: {fail: {reason: unknown, after: 2s}}}
""",
    "does, for bip": """\
timeline:
  - {at: 1m, provider: bip, recipient: "+905321234567", does: follows}
  - {at: 2m, provider: bip, recipient: "+905321234567", writes: "hello"}
""",
    "providers: bitel": """\
providers:
  bitel:
    webhook: {url: "http://127.0.0.1:9000/bitel"}
    gateways: ["10007200", "30001234"]
    templates: {1234: {text: "Your code is {0}"}, 9: {text: "not yet", approved: false}}
""",
    "refuse, for bitel": """\
rules:
  - when: {provider: bitel, nth: 1}
    then: {answer: {refuse: InvalidGateway}}
""",
    "fail, for bitel": """\
rules:
  - when: {provider: bitel, recipient: "0912*", share: 10%}
    then: {fate: {fail: {status: BLACKLIST, after: 1s..4s}}}
  - when: {provider: bitel, operation: call}
    then: {fate: {fail: {call: NO_ANSWER}}}
""",
    "providers: infobip": """\
providers:
  infobip:
    webhook: {url: "http://127.0.0.1:9000/infobip", retry: [1s, 5s]}
    time_zone: "+0300"
    trial: {numbers: ["+41793026727"]}
""",
    "refuse, for infobip": """\
rules:
  - when: {provider: infobip, nth: 1}
    then: {answer: {refuse: TOO_MANY_REQUESTS}}
""",
    "fail, for infobip": """\
rules:
  - when: {provider: infobip, share: 5%}
    then: {fate: {fail: {status: EXPIRED_EXPIRED, error: EC_ABSENT_SUBSCRIBER, after: 1h}}}
""",
    "does, for infobip": """\
timeline:
  - {at: 1m, provider: infobip, recipient: "+41793026727", writes: "STOP"}
""",
    "providers: rbm": """\
providers:
  rbm:
    webhook: {url: "http://127.0.0.1:9000/rbm", client_token: my-token}
    agents: {welcome-bot: {use_case: OTP}}
    agent_id: single
""",
    "refuse, for rbm": """\
rules:
  - when: {provider: rbm, operation: send, recipient: "+1555*"}
    then: {answer: {refuse: NOT_REACHABLE}}
""",
    "fail, for rbm": """\
rules:
  - when: {provider: rbm, share: 20%}
    then: {fate: {fail: {outcome: TTL_EXPIRATION_REVOKED}}}
""",
    "does, for rbm": """\
timeline:
  - {at: 1m, provider: rbm, recipient: "+15551234567", does: types, to: welcome-bot}
  - {at: 2m, provider: rbm, recipient: "+15551234567", does: sends-file, data: {mimeType: image/jpeg}}
""",
}
