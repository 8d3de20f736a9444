"""
Webhooks damaged on purpose: the same way for a seed, only once, and told as what they were.
"""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import Damage, DamageKind, WebhookFaults
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.damage import damaged, garbled
from simulator.kernel.webhooks.webhook import Webhook, WebhookRequest, WebhookState
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
SOON = Fate(after=ConstantDelay(1_000), progress=())
BODIES = st.binary(min_size=1, max_size=400)
SEEDS = st.integers(0, 2**32)
SIGNED = WebhookRequest(
    url="http://loft.test/",
    body=b'{"coo": 1}',
    headers=(("Content-Type", "application/json"), ("X-Seal", "a1b2c3"), ("X-Other", "a1b2c3")),
    signed_by=("x-seal",),
)


def harmed(request: WebhookRequest, *kinds: DamageKind, seed: int = 7, real_ms: int = 0) -> WebhookRequest:
    """
    Return a request with these kinds of damage done to it.
    """
    damage = tuple(Damage(kind=kind, real_ms=real_ms) for kind in kinds)
    return damaged(request, damage, Chance(seed).of("damage", "wh_1"))


@given(BODIES, SEEDS)
def test_garbled_body_is_never_the_body(body: bytes, seed: int) -> None:
    """
    Some bytes differ, the length does not, and the same draws do the same.
    """
    draws = Chance(seed).of("damage", "x")

    changed = garbled(body, draws)

    assert changed != body
    assert len(changed) == len(body)
    assert changed == garbled(body, draws)


@given(BODIES, SEEDS)
def test_truncated_body_is_a_beginning(body: bytes, seed: int) -> None:
    """
    What is cut short is shorter, and what is left is what it was.
    """
    request = WebhookRequest(url="http://loft.test/", body=body)

    sent = harmed(request, DamageKind.TRUNCATE, seed=seed).body

    assert len(sent) < len(body)
    assert body.startswith(sent)


@given(BODIES, SEEDS)
def test_wrong_signature_has_the_form_of_a_right_one(signed: bytes, seed: int) -> None:
    """
    In base64 and in hexadecimal another value of the same length comes out, which only checking tells.
    """
    for right in (signed.hex(), base64.b64encode(signed).decode()):
        request = WebhookRequest(
            url="http://loft.test/", body=b"x", headers=(("X-Seal", right),), signed_by=("X-Seal",)
        )

        ((name, wrong),) = harmed(request, DamageKind.SIGNATURE, seed=seed).headers

        assert (name, len(wrong)) == ("X-Seal", len(right))
        assert wrong != right
    if len(signed) > 1:
        assert base64.b64decode(wrong) != signed


def test_only_the_signature_is_changed() -> None:
    """
    Other headers keep their values, whatever these look like; the name is found in any spelling.
    """
    sent = harmed(SIGNED, DamageKind.SIGNATURE)

    assert sent.headers[0] == SIGNED.headers[0]
    assert sent.headers[1] != SIGNED.headers[1]
    assert sent.headers[2] == SIGNED.headers[2]
    assert sent.body == SIGNED.body


def test_what_is_not_signed_is_not_signed_wrongly() -> None:
    """
    Without a signature nothing is changed.
    """
    plain = WebhookRequest(url="http://loft.test/", body=b"x", headers=(("X-Seal", "a1"),))

    assert harmed(plain, DamageKind.SIGNATURE) == plain


def test_wrong_content_type_replaces_the_right_one() -> None:
    """
    There is one content type, text/plain, and every other header stays.
    """
    sent = harmed(SIGNED, DamageKind.CONTENT_TYPE)

    assert sent.headers == (*SIGNED.headers[1:], ("Content-Type", "text/plain"))


def test_slow_body_is_whole() -> None:
    """
    A slow one says how long it takes and is otherwise what it was.
    """
    sent = harmed(SIGNED, DamageKind.SLOW, real_ms=250)

    assert (sent.slow_real_ms, sent.body, sent.headers) == (250, SIGNED.body, SIGNED.headers)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)
    ),
    SEEDS,
)
def test_respelt_body_says_the_same_in_other_bytes(value: object, seed: int) -> None:
    """
    Blanks, lines and escapes differ; who reads JSON reads the same, and the signature is of what is sent.
    """
    body = json.dumps([value, "a/b"], separators=(",", ":")).encode()
    signed = WebhookRequest(
        url="http://loft.test/",
        body=body,
        headers=(("X-Seal", bytes.hex(body)), ("X-Other", "1")),
        signed_by=("x-seal",),
        sign=bytes.hex,
    )

    sent = harmed(signed, DamageKind.RESPELT, seed=seed)

    assert sent.body != body
    assert json.loads(sent.body) == json.loads(body)
    assert sent.headers == (("X-Seal", bytes.hex(sent.body)), ("X-Other", "1"))


@pytest.mark.parametrize("body", [b"<xml a='1,2'/>", b"a=1&b=2", b""])
def test_what_is_no_json_is_not_respelt(body: bytes) -> None:
    """
    XML and forms have spellings of their own.
    """
    plain = WebhookRequest(url="http://loft.test/", body=body)

    assert harmed(plain, DamageKind.RESPELT) == plain


def test_wrong_signature_stays_wrong_in_another_spelling() -> None:
    """
    What is respelt is signed anew before anything spoils its signature.
    """
    signed = WebhookRequest(
        url="http://loft.test/",
        body=b"[1,2]",
        headers=(("X-Seal", "00"),),
        signed_by=("X-Seal",),
        sign=bytes.hex,
    )

    sent = harmed(signed, DamageKind.SIGNATURE, DamageKind.RESPELT)

    assert sent.body != signed.body
    assert sent.headers != (("X-Seal", bytes.hex(sent.body)),)


# -- in a simulation --------------------------------------------------------------------------------


def told_damaged(sim: Bench, *kinds: DamageKind, seed: int | None = None) -> Webhook:
    """
    Send one whose only webhook is damaged so, let the integrator refuse it once, and return the webhook.
    """
    faults = WebhookFaults(damage=tuple(Damage(kind=kind) for kind in kinds))
    sim.load(rule("bad line", fate=SOON, webhooks=faults))
    sim.answers = lambda webhook: 200 if webhook.attempts else 400
    sim.submit(pigeon(to=PHONE))
    sim.settle()
    (webhook,) = sim.webhooks()
    return webhook


@pytest.mark.parametrize("kind", [DamageKind.TRUNCATE, DamageKind.CORRUPT, DamageKind.CONTENT_TYPE])
def test_retry_is_sent_whole(sim: Bench, kind: DamageKind) -> None:
    """
    Only the first attempt is damaged; asked later, each attempt is shown as it was sent.
    """
    webhook = told_damaged(sim, kind)
    whole = sim.account.render(webhook)

    first, second = (sim.simulation.request_for(webhook, number) for number in (1, 2))

    assert webhook.state is WebhookState.ACKNOWLEDGED
    assert first != whole
    assert second == whole
    assert sim.simulation.request_for(webhook) == whole


def test_first_attempt_is_the_same_before_and_after_it_was_made(sim: Bench) -> None:
    """
    What is shown of an attempt is what was sent, byte for byte.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.CORRUPT), Damage(kind=DamageKind.TRUNCATE)))
    sim.load(rule("bad line", fate=SOON, webhooks=faults))
    sim.submit(pigeon(to=PHONE))
    sim.simulation.fire(1_000)
    sim.simulation.fire(1_000)
    (webhook,) = sim.webhooks()
    sent = sim.simulation.request_for(webhook)

    sim.dispatch()

    assert sim.simulation.request_for(webhook, 1) == sent


def test_damage_is_the_same_for_a_seed() -> None:
    """
    Two simulations of one seed send the same broken bytes, one of another seed does not.
    """
    sent = []
    for seed in (7, 7, 8):
        sim = Bench(seed)
        webhook = told_damaged(sim, DamageKind.CORRUPT)
        sent.append(sim.simulation.request_for(webhook, 1).body)

    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_damage_is_told_as_intended(sim: Bench) -> None:
    """
    The journal says what was done to a webhook, and by which rule.
    """
    webhook = told_damaged(sim, DamageKind.TRUNCATE, DamageKind.CONTENT_TYPE)

    assert webhook.intended == ("truncated", "of a wrong content type")
    assert (
        f"+00:00:01.000 pigeon {PHONE} #1 webhook truncated, of a wrong content type on purpose "
        '[DELIVERED] (rule "bad line")'
    ) in sim.narrative()


def test_share_of_damage_is_drawn_for_each_webhook(sim: Bench) -> None:
    """
    Of many webhooks some are damaged and some are not, and those that are say so.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.CORRUPT, share_bp=5_000),))
    sim.load(rule("bad line", fate=SOON, webhooks=faults))

    for number in range(100):
        sim.submit(pigeon(to=f"+9055500001{number:02d}"))
    sim.settle()

    hit = [webhook for webhook in sim.webhooks() if webhook.damage]
    assert 25 < len(hit) < 75
    assert {webhook.intended for webhook in hit} == {("corrupted",)}
    assert {webhook.intended for webhook in sim.webhooks()} == {(), ("corrupted",)}


def test_webhook_that_is_not_signed_is_not_said_to_be_signed_wrongly(sim: Bench) -> None:
    """
    A rule that wants a wrong signature where there is none does nothing, and the journal says so.
    """
    forged = WebhookFaults(damage=(Damage(kind=DamageKind.SIGNATURE), Damage(kind=DamageKind.CORRUPT)))
    sim.load(rule("forger", fate=SOON, webhooks=forged))

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    (webhook,) = sim.webhooks()
    assert (webhook.intended, [one.kind for one in webhook.damage]) == (("corrupted",), [DamageKind.CORRUPT])
    assert [line for line in sim.story(message.key) if "signed" in line] == [
        f"+00:00:01.000 pigeon {PHONE} #1 webhook is not signed, so not wrongly either [DELIVERED]"
        ' (rule "forger")'
    ]


def test_damage_may_last_for_several_attempts(sim: Bench) -> None:
    """
    So many attempts are broken as the rule says, all in the same way, and the next one is whole.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.TRUNCATE, attempts=2),))
    sim.load(rule("bad line", fate=SOON, webhooks=faults))
    sim.answers = lambda webhook: 200 if len(webhook.attempts) == 2 else 400
    sim.submit(pigeon(to=PHONE))
    sim.settle()

    (webhook,) = sim.webhooks()
    bodies = [sim.simulation.request_for(webhook, number).body for number in (1, 2, 3)]
    whole = sim.account.render(webhook).body
    assert bodies[0] == bodies[1] != whole
    assert bodies[2] == whole
    assert [attempt.acknowledged for attempt in webhook.attempts] == [False, False, True]
