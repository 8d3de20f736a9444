"""
Settings that are declared once: read, put in force, shown and documented from one declaration.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.provider import (
    Boolean,
    ConstantDelay,
    Delay,
    DelayShape,
    Duration,
    Integer,
    ListOf,
    MapOf,
    RetrySchedule,
    Text,
    UniformDelay,
    WebhookPolicy,
    WebhookSettings,
    changed,
    described,
    group,
    setting,
    settings_shape,
)
from simulator.schema.node import Json, Problems, node_of
from simulator.schema.shapes import Invalid

DOCUMENTED = RetrySchedule((1_000, 2_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """
    A second group under the key of the first.
    """

    secret: str = setting(Text(0, 100), "", "The shared secret.", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One setting of each kind.
    """

    credentials: tuple[str, ...] = setting(ListOf(Text()), [], "Who may call.", secret=True)
    webhook: WebhookSettings = group(WebhookSettings, "Where reports go.", {"batch": {"max": 100}})
    signing: Signing = group(Signing, "How they are signed.", name="webhook")
    deliver_after: Delay = setting(DelayShape(), "1s..4s", "From sending to delivery.")
    kept_ms: int = setting(Duration(), "48h", "How long it is kept.", name="kept")
    prices: dict[str, int] = setting(MapOf(Integer(0), Text()), {"CH": 1}, "By country.", merges=True)  # type: ignore[assignment]
    mute: bool = setting(Boolean(), False, "Nobody writes.")


def read(plain: Json) -> dict[str, object]:
    """
    Return what a file says, as the shape reads it.
    """
    problems = Problems()
    values = settings_shape(Sample).read(node_of(plain), "", problems)
    assert not isinstance(values, Invalid), problems.render("")
    return dict(values)


def test_defaults_are_what_the_declaration_writes() -> None:
    """
    A default is read as a file's value would be, those of a group as the declaring class wants them.
    """
    settings = Sample()

    assert (settings.deliver_after, settings.kept_ms) == (UniformDelay(1_000, 4_000), 172_800_000)
    assert settings.webhook.policy(DOCUMENTED) == WebhookPolicy(retry=DOCUMENTED, batch_max=100)


def test_only_what_is_written_changes() -> None:
    """
    Groups change part by part, mappings that merge grow, everything else stays.
    """
    webhook: Json = {"url": "http://127.0.0.1:1/", "batch": {"wait": "2s"}}
    once = changed(Sample(), read({"webhook": webhook, "prices": {"TR": 2}}))

    twice = changed(once, read({"webhook": {"retry": ["5s"], "secret": "k"}, "deliver_after": "3s"}))

    assert twice.webhook.policy(DOCUMENTED) == WebhookPolicy(
        retry=RetrySchedule((5_000,)), batch_max=100, batch_wait_ms=2_000
    )
    assert (twice.webhook.url, twice.signing.secret) == ("http://127.0.0.1:1/", "k")
    assert (twice.prices, twice.deliver_after) == ({"CH": 1, "TR": 2}, ConstantDelay(3_000))


def test_settings_are_shown_as_a_file_says_them_and_secrets_are_not() -> None:
    """
    What is shown reads back as the settings in force; of secrets it says how many there are.
    """
    written: Json = {"credentials": ["s3cret"], "webhook": {"secret": "k3y", "retry": "none"}}
    settings = changed(Sample(), read(written))

    shown = described(settings)

    assert shown == {
        "credentials": 1,
        "webhook": {
            "url": "",
            "retry": "none",
            "timeout": "10s",
            "in_flight": 32,
            "acknowledged": "2xx",
            "pause_on_failure": "0s",
            "verify_tls": True,
            "batch": {"max": 100, "wait": "0s"},
            "secret": True,
        },
        "deliver_after": "1s..4s",
        "kept": "2d",
        "prices": {"CH": 1},
        "mute": False,
    }


def test_schema_names_every_default_but_secrets() -> None:
    """
    Editors and the reference show what applies when nothing is written.
    """
    properties: dict[str, dict[str, object]] = settings_shape(Sample).schema({})["properties"]  # type: ignore[assignment]
    batch = properties["webhook"]["properties"]["batch"]["properties"]  # type: ignore[index]

    assert {name: part.get("default") for name, part in properties.items()} == {
        "credentials": None,
        "webhook": None,
        "deliver_after": "1s..4s",
        "kept": "48h",
        "prices": {"CH": 1},
        "mute": False,
    }
    assert {name: part["default"] for name, part in batch.items()} == {"max": 100, "wait": "0s"}


def test_default_that_the_shape_refuses_is_refused_at_once() -> None:
    """
    A declaration that contradicts itself fails when the class is made.
    """
    with pytest.raises(ValueError, match="expected a default of the setting's shape"):
        setting(Duration(), "soon", "When.")
