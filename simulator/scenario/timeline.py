"""
How the timeline is written in a scenario: what happens at an instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from simulator.kernel.model.recipient import TRAITS, Value
from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import ServerTurn, Storm, TimelineItem
from simulator.kernel.model.units import Delay, Rate
from simulator.scenario.acts import act_shape, check_act
from simulator.scenario.addresses import WRITTEN, read_address
from simulator.scenario.calls import COMMAND
from simulator.scenario.recipients import trait_fields
from simulator.scenario.rules import Vocabulary, all_acts
from simulator.scenario.storms import STORM
from simulator.schema.shapes import (
    AnyJson,
    Choice,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    OneOf,
    RateShape,
    Record,
    Shape,
    Text,
    Word,
)

__all__ = ["timeline_shape"]

_HOLD, _RELEASE = "hold", "release"
_NOTHING: Final = object()

_RELEASED: Final = Record(
    lambda rate=None: rate,
    [Field("rate", RateShape(), "So many per time; all at once, if not given.")],
    doc="What was held back is sent.",
)
_WEBHOOKS: Final = Either[object](
    Word(_HOLD),
    Word(_RELEASE),
    OneOf[Rate | None, Rate | None]({_RELEASE: _RELEASED}, lambda _, rate: rate),
)


_SOFTWARE: Final[Shape[str]] = Record(
    lambda restart: restart if isinstance(restart, str) else f"{restart[0]} {restart[1]}",
    [
        Field(
            "restart",
            Either[object](Word("start"), COMMAND),
            "A call that restarts it; or `start`: what --start began ends and begins again.",
            required=True,
        )
    ],
    doc="What happens to the software under test.",
)


def timeline_shape(
    providers: Mapping[str, Vocabulary], settings: Shape[Mapping[str, Mapping[str, object]]]
) -> Shape[TimelineItem]:
    """Return how an item of the timeline looks, where *settings* is how those of all *providers* do."""

    acts = act_shape(all_acts(providers))

    def item(does: str = "", provider: str = "", recipient: str = "", **values: object) -> TimelineItem:
        if recipient:
            values["recipient"] = read_address(recipient, providers, provider)
        act = does or ("writes" if "writes" in values else "")
        if act and provider:
            check_act(act, provider, providers[provider].acts)
        item = _item(does=does, provider=provider, **values)  # type: ignore[arg-type]
        storm = item.storm
        if storm is not None:
            begin = storm.recipient or providers[provider].numbers
            numbers = read_address(f"{begin}*", providers, provider).removesuffix("*")
            return replace(item, storm=replace(storm, recipient=numbers))
        return item

    return Record(
        item,
        [
            Field("at", Duration(), "When, counted from the start of the scenario.", required=True),
            Field("recipient", WRITTEN, "Whom it is about: an address, or a prefix with *."),
            *trait_fields(),
            Field("writes", Text(0), "The recipient writes this."),
            Field("does", acts, "What else the recipient does, in the provider's words."),
            Field("data", AnyJson(), "What that act needs."),
            Field("to", Text(1, 200), "Whom the recipient writes to."),
            Field("count", Integer(1, 1_000_000), "So many times; with a prefix, by as many numbers of it."),
            Field("rate", RateShape(), "How fast these begin; all at once, if not given."),
            Field("after", DelayShape(), "How long after that each one happens; at once, if not given."),
            Field("storm", STORM, "The simulator makes messages itself, at a rate."),
            Field("webhooks", _WEBHOOKS, "Hold webhooks back, or release what was held."),
            Field("providers", settings, "Settings that change, as at the top level: a secret, a quota."),
            Field(
                "server",
                Choice(ServerTurn),
                "down: nobody listens at the port that `--listen` gave the provider, until it is up again; "
                "the port that all providers share stays open.",
            ),
            Field("software", _SOFTWARE, "What `simulator run` does to your software, and is no send of it."),
            Field("provider", Choice({name: name for name in providers}), "At this provider only."),
        ],
        doc="What happens at an instant.",
    )


def _item(
    at: int,
    recipient: str = "",
    writes: str | None = None,
    does: str = "",
    data: object = None,
    storm: Storm | None = None,
    to: str = "",
    count: int | None = None,
    rate: Rate | None = None,
    after: Delay | None = None,
    webhooks: object = _NOTHING,
    provider: str = "",
    providers: Mapping[str, Mapping[str, object]] | None = None,
    server: ServerTurn | None = None,
    software: str = "",
    **traits: Value,
) -> TimelineItem:
    act = _act(writes, does, to, data)
    if (traits or act is not None) and not recipient:
        raise ValueError("expected a recipient that this is about")
    happenings = (traits, act, storm, providers, software, server)
    if webhooks is _NOTHING and not any(happenings):
        raise ValueError(
            "expected something that happens: webhooks, storm, providers, server, software, writes, does, "
            f"{', '.join(TRAITS)}"
        )
    if act is not None and not provider:
        raise ValueError("expected the provider through which the recipient acts")
    if act is None and (count is not None or rate is not None or after is not None):
        raise ValueError("expected writes or does along with count, rate and after")
    if act is not None and recipient.endswith("*") and count is None:
        raise ValueError("expected count: how many numbers with this prefix act")
    if storm is not None and not provider:
        raise ValueError("expected the provider through which the storm's messages are sent")
    if server is not None and not provider:
        raise ValueError("expected the provider whose server is down or up")
    return TimelineItem(
        at_ms=at,
        recipient=recipient,
        traits=traits,
        act=act,
        count=count or 1,
        rate=rate,
        after=after,
        storm=None if storm is None else replace(storm, provider=provider),
        hold=webhooks == _HOLD,
        release=webhooks if isinstance(webhooks, Rate) else None,
        release_at_once=webhooks == _RELEASE or webhooks is None,
        provider=provider,
        providers=providers or {},
        server=server,
        software=software,
    )


def _act(writes: str | None, does: str, to: str, data: object) -> Act | None:
    if writes is not None and does:
        raise ValueError("expected one of writes and does, not both")
    if writes is not None:
        return Act("writes", text=writes, sender=to, data=data)
    return Act(does, sender=to, data=data) if does else None
