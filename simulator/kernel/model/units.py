"""
Durations, shares, rates and delays: text for people, integers inside.

Everything the simulator computes with is a whole number of milliseconds or
basis points, so the same scenario means the same thing on every machine.  Text
such as ``"1h30m"`` exists at the edges only, and this module is that edge.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from simulator.kernel.model.quantiles import CELL_BITS, lognormal_cap, lognormal_table

__all__ = [
    "DELAY_PATTERN",
    "DURATION_MAX_MS",
    "DURATION_PATTERN",
    "RATE_PATTERN",
    "SHARE_PATTERN",
    "UNIT_BITS",
    "WHOLE",
    "BasisPoints",
    "ConstantDelay",
    "Delay",
    "LognormalDelay",
    "Millis",
    "Rate",
    "UniformDelay",
    "UnitError",
    "format_delay",
    "format_duration",
    "format_offset",
    "format_share",
    "parse_delay",
    "parse_duration",
    "parse_rate",
    "parse_share",
    "shown",
]

Millis: TypeAlias = int
BasisPoints: TypeAlias = int

WHOLE: BasisPoints = 10_000
"""All of it: 100 %."""

UNIT_BITS = 32
"""A delay is drawn from a uniform integer in [0, 2 ** UNIT_BITS)."""

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
DURATION_MAX_MS: Millis = 400 * _UNITS_MS["d"]
_RATE_COUNT_MAX = 999_999_999

_CELL_SHIFT = UNIT_BITS - CELL_BITS
_CELL_MASK = (1 << _CELL_SHIFT) - 1

# Longer quotations would drown the sentence that carries them.
_SHOWN_LENGTH_MAX = 60

# The patterns are written so that Python and JSON Schema (ECMA 262) read them
# alike.  Digits are bounded: int() of a megabyte of digits is slow or refused.
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_DURATION = r"(?:0|(?=[0-9])" + "".join(f"(?:{_NUMBER}{unit})?" for unit in _UNITS_MS) + ")"
_COUNT = r"(?:[0-9]{1,9}|[1-9][0-9]{0,2}(?:_[0-9]{3}){1,2})"
_RATE = rf"{_COUNT}/(?:min|[dhms]|(?=[0-9])" + "".join(f"(?:{_NUMBER}{unit})?" for unit in _UNITS_MS) + ")"
_LOGNORMAL = rf"lognormal\( *median *= *{_DURATION} *, *p99 *= *{_DURATION} *\)"
DURATION_PATTERN = f"^{_DURATION}$"
SHARE_PATTERN = r"^[0-9]{1,3}(?:\.[0-9]{1,2})?%$"
RATE_PATTERN = f"^{_RATE}$"
DELAY_PATTERN = f"^(?:{_DURATION}(?: *\\.\\. *{_DURATION})?|{_LOGNORMAL})$"

_DURATION_PARTS = re.compile("".join(rf"(?:({_NUMBER}){unit})?" for unit in _UNITS_MS))
_SHARE_PARTS = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%")
_RATE_PARTS = re.compile(rf"({_COUNT})/(.+)", re.DOTALL)
_LOGNORMAL_PARTS = re.compile(r"lognormal\( *median *= *([^ ,]+) *, *p99 *= *([^ ,)]+) *\)")


class UnitError(ValueError):
    """
    A text that is no such value; says what was expected and what came.
    """


def shown(text: str) -> str:
    """
    Return *text* quoted for a complaint, cut when long, safe to print.
    """
    cut = text if len(text) <= _SHOWN_LENGTH_MAX else text[: _SHOWN_LENGTH_MAX - 1] + "…"
    return json.dumps(cut, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


# Durations ------------------------------------------------------------------


def parse_duration(text: str) -> Millis:
    """
    Return the milliseconds of a text such as "250ms", "1.5s", "1h30m" or "0".

    Only the last part may have a decimal fraction, and it must come to whole
    milliseconds: nothing is ever rounded.
    """
    if text == "0":
        return 0
    match = _DURATION_PARTS.fullmatch(text)
    if match is None or not text:
        hint = ""
        if re.fullmatch(r"[0-9]{1,15}", text):
            hint = f'; say the unit, for example "{text}s" or "{text}ms"'
        raise _no_duration(text, hint)
    parts = [(number, unit) for number, unit in zip(match.groups(), _UNITS_MS, strict=True) if number]
    total_ms = 0
    for position, (number, unit) in enumerate(parts, start=1):
        whole, _, fraction = number.partition(".")
        if fraction and position < len(parts):
            raise _no_duration(text, "; only the last part may have a fraction")
        scaled = int(whole + fraction) * _UNITS_MS[unit]
        part_ms, rest = divmod(scaled, 10 ** len(fraction))
        if rest:
            raise _no_duration(text, "; that is not a whole number of milliseconds")
        total_ms += part_ms
    if total_ms > DURATION_MAX_MS:
        raise UnitError(
            f"expected a duration of at most {format_duration(DURATION_MAX_MS)}, got {shown(text)}"
        )
    return total_ms


def _no_duration(text: str, hint: str) -> UnitError:
    return UnitError(f'expected a duration such as "3s" or "1h30m", got {shown(text)}{hint}')


def format_duration(ms: Millis) -> str:
    """
    Return the shortest text that ``parse_duration`` reads as *ms*.
    """
    if ms < 0:
        raise UnitError(f"expected a duration of 0 ms or more, got {ms} ms")
    if ms == 0:
        return "0s"
    seconds, millis = divmod(ms, 1_000)
    text = ""
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, _UNITS_MS[unit] // 1_000)
        text += f"{count}{unit}" if count else ""
    if seconds and millis:
        return f"{text}{seconds}.{millis:03}".rstrip("0") + "s"
    if seconds:
        return f"{text}{seconds}s"
    return f"{text}{millis}ms" if millis else text


def format_offset(ms: Millis) -> str:
    """
    Return a distance from the start, such as "+00:00:02.300" or "+2d 03:00:00.000".
    """
    sign = "-" if ms < 0 else "+"
    seconds, millis = divmod(abs(ms), 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    day_text = f"{days}d " if days else ""
    return f"{sign}{day_text}{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"


# Shares and rates -----------------------------------------------------------


def parse_share(text: str) -> BasisPoints:
    """
    Return the basis points of a text such as "15%" or "0.05%".
    """
    match = _SHARE_PARTS.fullmatch(text)
    if match is None:
        raise UnitError(f'expected a share such as "15%" or "0.5%" (at most two decimals), got {shown(text)}')
    share = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if share > WHOLE:
        raise UnitError(f"expected a share of at most 100%, got {shown(text)}")
    return share


def format_share(share: BasisPoints) -> str:
    """
    Return the text that ``parse_share`` reads as *share*.
    """
    if not 0 <= share <= WHOLE:
        raise UnitError(f"expected a share of 0 to {WHOLE} basis points, got {share}")
    percent, hundredths = divmod(share, 100)
    decimals = f".{hundredths:02}".rstrip("0") if hundredths else ""
    return f"{percent}{decimals}%"


@dataclass(frozen=True, slots=True)
class Rate:
    """
    So many per so many milliseconds; not reduced, so "60/min" stays apart from "1/s".
    """

    count: int
    per_ms: Millis


_RATE_WORDS = {"s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "ms": 1}


def parse_rate(text: str) -> Rate:
    """
    Return the rate of a text such as "200/s", "120/min", "5/10s" or "2_000/s".

    A rate of nothing is refused: whoever wants no traffic says so in other words.
    """
    complaint = f'expected a rate such as "200/s", "120/min" or "5/10s", got {shown(text)}'
    match = _RATE_PARTS.fullmatch(text)
    if match is None or not text.isascii():
        raise UnitError(complaint)
    count, per = int(match[1]), match[2]
    try:
        per_ms = _RATE_WORDS[per] if per in _RATE_WORDS else parse_duration(per)
    except UnitError:
        raise UnitError(complaint) from None
    if count == 0 or per_ms == 0:
        raise UnitError(f"{complaint}; neither side may be 0")
    return Rate(count, per_ms)


# Delays ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConstantDelay:
    """
    Always the same.
    """

    ms: Millis

    def draw(self, unit: int) -> Millis:
        """
        Return the delay; *unit* is ignored.
        """
        return self.ms

    @property
    def max_ms(self) -> Millis:
        """
        The longest delay that can be drawn.
        """
        return self.ms


@dataclass(frozen=True, slots=True)
class UniformDelay:
    """
    Any whole millisecond from one end to the other, both included, equally likely.
    """

    from_ms: Millis
    to_ms: Millis

    def __post_init__(self) -> None:
        if self.from_ms > self.to_ms:
            raise UnitError(
                "expected a range from the shorter to the longer duration,"
                f' got "{format_duration(self.from_ms)}..{format_duration(self.to_ms)}"'
            )

    def draw(self, unit: int) -> Millis:
        """
        Return the delay that *unit*, uniform in [0, 2 ** 32), stands for.
        """
        return self.from_ms + ((unit * (self.to_ms - self.from_ms + 1)) >> UNIT_BITS)

    @property
    def max_ms(self) -> Millis:
        """
        The longest delay that can be drawn.
        """
        return self.to_ms


@dataclass(frozen=True, slots=True)
class LognormalDelay:
    """
    The long-tailed delay of real networks, given by its median and 99th percentile.

    Draws interpolate linearly, in integers, in a table of 2,049 quantiles that is
    made at the first draw.  The tail is capped: the longest delay is the quantile
    at 1 - 1/4096 (99.976 %), or the longest duration there is, 400 days.
    """

    median_ms: Millis
    p99_ms: Millis
    _table: tuple[Millis, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.median_ms <= self.p99_ms <= DURATION_MAX_MS:
            raise UnitError(
                "expected a lognormal delay with a median above 0 and a p99 no shorter than it,"
                f" got median {self.median_ms} ms and p99 {self.p99_ms} ms"
            )

    def draw(self, unit: int) -> Millis:
        """
        Return the delay that *unit*, uniform in [0, 2 ** 32), stands for.
        """
        table = self._table
        if not table:
            table = lognormal_table(self.median_ms, self.p99_ms, DURATION_MAX_MS)
            object.__setattr__(self, "_table", table)
        cell = unit >> _CELL_SHIFT
        low = table[cell]
        return low + (((unit & _CELL_MASK) * (table[cell + 1] - low)) >> _CELL_SHIFT)

    @property
    def max_ms(self) -> Millis:
        """
        No drawn delay is longer; the table need not be made for it.
        """
        return lognormal_cap(self.median_ms, self.p99_ms, DURATION_MAX_MS)


Delay: TypeAlias = ConstantDelay | UniformDelay | LognormalDelay


def parse_delay(text: str) -> Delay:
    """
    Return the delay of "3s", "1s..4s" or "lognormal(median=2s, p99=30s)".
    """
    if text.startswith("lognormal"):
        match = _LOGNORMAL_PARTS.fullmatch(text)
        if match is None:
            hint = "" if text.endswith(")") else "; inside {} or [] quote it, for it holds a comma"
            raise UnitError(f'expected "lognormal(median=2s, p99=30s)", got {shown(text)}{hint}')
        return LognormalDelay(parse_duration(match[1]), parse_duration(match[2]))
    low, dots, high = text.partition("..")
    if dots:
        return UniformDelay(parse_duration(low.rstrip(" ")), parse_duration(high.lstrip(" ")))
    return ConstantDelay(parse_duration(text))


def format_delay(delay: Delay) -> str:
    """
    Return the text that ``parse_delay`` reads as *delay*.
    """
    match delay:
        case ConstantDelay():
            return format_duration(delay.ms)
        case UniformDelay():
            return f"{format_duration(delay.from_ms)}..{format_duration(delay.to_ms)}"
        case LognormalDelay():
            median, p99 = format_duration(delay.median_ms), format_duration(delay.p99_ms)
            return f"lognormal(median={median}, p99={p99})"
