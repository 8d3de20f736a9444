"""
What a subscription adds to webhooks: a default target, headers, a login, a signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from providers.infobip.bench import bench, one
from simulator.kernel.model.rules import Act
from simulator.scenario.loader import ScenarioError


async def test_custom_headers_and_basic_login():
    """
    Webhooks to the subscription carry its headers and its login.
    """
    security = {"headers": {"X-Team": "blue"}, "basic": {"user": "u", "password": "p:q"}}

    async with bench() as run:
        run.configure(webhook={"url": run.integrator.url, **security})
        await run.send(one())
        await run.settle()

    (push,) = run.integrator.pushes
    assert push.headers["X-Team"] == "blue"
    assert push.headers["Authorization"] == "Basic " + base64.b64encode(b"u:p:q").decode()


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        ("HMAC_MD5", "md5"),
        ("HMAC_SHA_1", "sha1"),
        ("HMAC_SHA_224", "sha224"),
        ("HMAC_SHA_256", "sha256"),
        ("HMAC_SHA_384", "sha384"),
        ("HMAC_SHA_512", "sha512"),
    ],
)
async def test_signature(algorithm, name):
    """
    The signature is the HMAC of exactly the bytes of the body.
    """
    async with bench() as run:
        signature = {"secret": "s3cret", "algorithm": algorithm, "header": "X-Signed"}
        run.configure(webhook={"url": run.integrator.url, "hmac": signature})
        await run.send(one())
        await run.settle()

    (push,) = run.integrator.pushes
    assert push.headers["X-Signed"] == hmac.new(b"s3cret", push.body, getattr(hashlib, name)).hexdigest()


async def test_signature__chosen_defaults():
    """
    Unless said otherwise it is HMAC_SHA_256 in X-Signature.
    """
    async with bench() as run:
        run.configure(webhook={"url": run.integrator.url, "hmac": {"secret": "s"}})
        await run.send(one())
        await run.settle()

    (push,) = run.integrator.pushes
    assert push.headers["X-Signature"] == hmac.new(b"s", push.body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("secure", "signed"), [("subscription", False), ("all", True)])
async def test_own_target_of_a_send__is_signed_only_where_settings_say_so(secure, signed):
    """
    A notifyUrl is no subscription, so nothing is added there unless settings want it everywhere.
    """
    async with bench() as run:
        run.configure(webhook={"hmac": {"secret": "s"}, "secure": secure})
        await run.send(one(notifyUrl=f"{run.integrator.url}/own"))
        await run.settle()

    (push,) = run.integrator.pushes
    assert ("X-Signature" in push.headers) == signed


async def test_inbound_and_click_targets_are_subscriptions():
    """
    Inbound messages are signed like reports.
    """
    async with bench() as run:
        run.configure(webhook={"hmac": {"secret": "s"}}, inbound={"url": f"{run.integrator.url}/mo"})
        run.space.simulation.act("infobip", "+41793026727", Act("writes", text="hi"))
        await run.settle()

    (push,) = run.integrator.pushes
    assert push.headers["X-Signature"] == hmac.new(b"s", push.body, hashlib.sha256).hexdigest()


async def test_nothing_is_added_by_default():
    """
    Without settings there is neither a signature nor any header of its own.
    """
    async with bench() as run:
        run.configure(webhook={"url": run.integrator.url})
        await run.send(one())
        await run.settle()

    (push,) = run.integrator.pushes
    assert not [name for name in push.headers if name.lower().startswith(("x-", "authorization"))]


async def test_secrets_are_not_shown():
    """
    What the control API tells of the settings holds no secret.
    """
    async with bench() as run:
        run.configure(
            webhook={
                "hmac": {"secret": "s3cret"},
                "basic": {"user": "u", "password": "p4ss"},
                "headers": {"X-Key": "k3y"},
            },
            credentials=["c:r3d"],
        )
        shown = str(run.space.gateways["infobip"].account.describe())

    assert not [secret for secret in ("s3cret", "p4ss", "k3y", "r3d") if secret in shown]


@pytest.mark.parametrize(
    ("webhook", "complaint"),
    [
        ({"hmac": {"algorithm": "HMAC_SHA_256"}}, "secret"),
        ({"hmac": {"secret": "s", "algorithm": "SHA"}}, "HMAC_SHA_256"),
        ({"headers": {"bad name": "x"}}, "header name"),
        ({"headers": {"X": "a\nb"}}, "header value"),
        ({"basic": {"user": "u"}}, "password"),
    ],
)
async def test_settings_that_cannot_be_meant(webhook, complaint):
    """
    A setting that makes no sense is refused with what was expected.
    """
    async with bench() as run:
        with pytest.raises(ScenarioError) as refusal:
            run.configure(webhook=webhook)

    assert complaint in str(refusal.value)
