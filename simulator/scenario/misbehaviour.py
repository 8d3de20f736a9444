"""
How the misbehaviour of webhooks is written in a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from simulator.kernel.model.faults import Contradict, Damage, DamageKind, Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.units import WHOLE, BasisPoints, ConstantDelay, Delay, UniformDelay
from simulator.scenario.spans import SPAN
from simulator.schema.shapes import (
    Boolean,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    Mapped,
    Record,
    Shape,
    Share,
    Word,
)

__all__ = ["WEBHOOKS"]

T = TypeVar("T")

_SOON: Final = ConstantDelay(10_000)
_SLOW_MS_MAX: Final = 600_000


def _within(within: int) -> Delay:
    return UniformDelay(0, within) if within else ConstantDelay(0)


def _duplicate(
    share: BasisPoints = WHOLE, within: int = 10_000, times: int = 1, ids: str = "same"
) -> Duplicate:
    return Duplicate(share_bp=share, within=_within(within), times=times, reissue=ids == "new")


def _reorder(share: BasisPoints = WHOLE, within: int = 10_000) -> Reorder:
    return Reorder(share_bp=share, within_ms=within)


def _contradict(share: BasisPoints = WHOLE, after: Delay = _SOON) -> Contradict:
    return Contradict(share_bp=share, after=after)


def _drop(share: BasisPoints = WHOLE) -> BasisPoints:
    return share


def _slow(over: int, share: BasisPoints = WHOLE, attempts: int = 1) -> Damage:
    return Damage(kind=DamageKind.SLOW, share_bp=share, attempts=attempts, real_ms=over)


_DAMAGES: Final = {
    "respell": (
        DamageKind.RESPELT,
        "Write the JSON of the first attempt with other blanks and escapes, and sign it as it is sent.",
    ),
    "truncate": (DamageKind.TRUNCATE, "Break the body of the first attempt off in the middle."),
    "corrupt": (DamageKind.CORRUPT, "Flip a few bytes of the body of the first attempt."),
    "content_type": (DamageKind.CONTENT_TYPE, "Label the first attempt text/plain."),
}


_FORGERY: Final = {"wrong": DamageKind.SIGNATURE, "missing": DamageKind.UNSIGNED}


def _forged(share: BasisPoints = WHOLE, attempts: int = 1, how: str = "wrong") -> Damage:
    return Damage(kind=_FORGERY[how], share_bp=share, attempts=attempts)


def _damage(kind: DamageKind) -> Callable[..., Damage]:
    return lambda share=WHOLE, attempts=1: Damage(kind=kind, share_bp=share, attempts=attempts)


def _faults(**values: object) -> WebhookFaults:
    if not set(values) - {"during"}:
        raise ValueError("expected at least one thing that happens to webhooks, such as delay or duplicate")
    damages = [values.pop(name, None) for name in (*_DAMAGES, "mis_sign", "slow")]
    damage = tuple(harm for harm in damages if isinstance(harm, Damage) and harm.share_bp)
    return WebhookFaults(damage=damage, **values)  # type: ignore[arg-type]


_SHARE_FIELD: Final = Field("share", Share(), "How many of them; all, if not given.")
_ATTEMPTS: Final = Field("attempts", Integer(1, 1_000), "The first so many attempts; 1 if not given.")


_HOW: Final[Shape[str]] = Either(Word("wrong"), Word("missing"))
_HOW_FIELD: Final = Field(
    "how", _HOW, "wrong: another signature of the same form; missing: no header of one. wrong, if not given."
)


def _some(build: Callable[..., T], *more: Field) -> Either[T]:
    """Return the forms in which all take how many webhooks they befall: a truth, a share, or a mapping."""
    return Either[T](
        Mapped(Boolean(), lambda every: build(share=WHOLE if every else 0)),
        Mapped(Share(), lambda share: build(share=share)),
        Record(build, [_SHARE_FIELD, *more]),
    )


WEBHOOKS: Final[Shape[WebhookFaults]] = Record(
    _faults,
    [
        Field("delay", DelayShape(), "Send them later."),
        Field(
            "duplicate",
            _some(
                _duplicate,
                Field("within", Duration(), "The copy comes within this time; 10s if not given."),
                Field("times", Integer(1, 100), "How many copies; 1 if not given."),
                Field(
                    "ids",
                    Either(Word("same"), Word("new")),
                    "same: the same bytes come again; new: the provider makes it anew, with ids of its own "
                    "where it has some (Pub/Sub's messageId at RBM, msgid and txnid at BiP).",
                ),
            ),
            "Send them again.",
        ),
        Field(
            "reorder",
            _some(_reorder, Field("within", Duration(), "Push back by up to this time; 10s if not given.")),
            "Push them back, so that later ones overtake them.",
        ),
        Field("drop", _some(_drop), "Never send them.", argument="drop_share_bp"),
        Field(
            "contradict",
            _some(
                _contradict,
                Field("after", DelayShape(), "After the truth was acknowledged, or lost; 10s if not given."),
            ),
            "Report the opposite of how the message ended, after the truth.",
        ),
        *(Field(name, _some(_damage(kind), _ATTEMPTS), doc) for name, (kind, doc) in _DAMAGES.items()),
        Field(
            "mis_sign",
            Either[Damage](
                Mapped(_HOW, lambda how: _forged(how=how)), *_some(_forged, _ATTEMPTS, _HOW_FIELD).shapes
            ),
            "Sign the first attempt wrongly, or (`missing`) not at all, where the provider signs.",
        ),
        Field(
            "slow",
            Record(
                _slow,
                [
                    _SHARE_FIELD,
                    _ATTEMPTS,
                    Field("over", Duration(0, _SLOW_MS_MAX), "How long the body takes.", required=True),
                ],
            ),
            "Send the body of the first attempt bit by bit, in real time.",
        ),
        Field("early", Boolean(), "Report the end before the send call is answered."),
        Field(
            "during",
            SPAN,
            "Only to what is told in this span, counted from the start of the scenario; the one in `when` is "
            "about when a message was sent.",
        ),
    ],
    doc="How reports reach the integrator.",
)
