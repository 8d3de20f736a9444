"""
Quantiles of the lognormal distribution as whole numbers, alike on every machine.

Floats would do but for ``math.log`` and ``math.exp``, whose last digit is the C
library's choice.  Decimal rounds its exp, ln and sqrt correctly everywhere.
"""

import decimal
import functools
from decimal import Decimal

__all__ = ["CELL_BITS", "lognormal_cap", "lognormal_table"]

CELL_BITS = 11
"""A table has 2 ** CELL_BITS cells of equal probability, hence one point more."""

_CELLS = 1 << CELL_BITS
# The outermost points stand half a cell inside, for the true ones are infinite.
_TAIL = Decimal(1) / (2 * _CELLS)
_CONTEXT = decimal.Context(prec=24, rounding=decimal.ROUND_HALF_EVEN)
_ROOT_OF_TWO_PI = Decimal("2.50662827463100050241576528481")
_TERM_MIN = Decimal("1e-22")
# Newton's method squares the error: a step this small leaves about 1e-18.
_STEP_MIN = Decimal("1e-9")


@functools.lru_cache(maxsize=64)
def lognormal_table(median: int, p99: int, limit: int) -> tuple[int, ...]:
    """
    Return the quantiles at 0, 1/2048, 2/2048, … 1, none above *limit*.

    The first and the last stand for 1/4096 and 1 - 1/4096.
    """
    with decimal.localcontext(_CONTEXT):
        sigma = _sigma(median, p99)
        return tuple(_quantile(median, sigma, normal, limit) for normal in _normal_table())


def lognormal_cap(median: int, p99: int, limit: int) -> int:
    """
    Return the last entry of the table without making it.
    """
    with decimal.localcontext(_CONTEXT):
        return _quantile(median, _sigma(median, p99), _normal_cap(), limit)


def _sigma(median: int, p99: int) -> Decimal:
    return (Decimal(p99) / median).ln() / _normal_p99()


def _quantile(median: int, sigma: Decimal, normal: Decimal, limit: int) -> int:
    return min(int((median * (sigma * normal).exp()).to_integral_value()), limit)


@functools.cache
def _normal_p99() -> Decimal:
    return -_normal_quantile(Decimal("0.01"), Decimal(-3))


@functools.cache
def _normal_cap() -> Decimal:
    return -_normal_quantile(_TAIL, Decimal(-4))


@functools.cache
def _normal_table() -> tuple[Decimal, ...]:
    lower = [-_normal_cap()]
    for step in range(1, _CELLS // 2):
        lower.append(_normal_quantile(Decimal(step) / _CELLS, lower[-1]))
    return (*lower, Decimal(0), *(-normal for normal in reversed(lower)))


def _normal_quantile(probability: Decimal, start: Decimal) -> Decimal:
    """
    Return where the standard normal distribution reaches *probability*, below 1/2.

    Newton's method.  *start* must lie a little below the answer: the curve is
    convex there, so the first step lands above and the others close in.
    """
    point = start
    while True:
        density = (-point * point / 2).exp() / _ROOT_OF_TWO_PI
        step = (probability - (Decimal("0.5") + density * _area_series(point))) / density
        point += step
        if abs(step) < _STEP_MIN:
            return point


def _area_series(point: Decimal) -> Decimal:
    """
    Return x + x³/3 + x⁵/(3·5) + …, which times the density is the area from 0 to x.
    """
    square = point * point
    total = term = point
    divisor = 1
    while abs(term) > _TERM_MIN:
        divisor += 2
        term = term * square / divisor
        total += term
    return total
