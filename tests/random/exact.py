# SPDX-License-Identifier: Apache-2.0
"""Numbers of the reference: rationals, signed square roots of rationals, doubles that are not finite, and the double
nearest to each. Written from engine/SEMANTICS.md ("Exact"), with Python's fractions and nothing of Sotto's."""

import fractions
import math
import struct

F = fractions.Fraction
INF = math.inf
NAN = math.nan
MAX = F(math.nextafter(INF, 0))
BEYOND = MAX + F(2) ** 970  # what is this large rounds to infinity


class Root:
    """The signed square root of a rational: `square` has the root's sign."""

    def __init__(self, square):
        self.square = square


class Unknown:
    """A value that PLAN.md does not say to the last bit: two computations must agree on it, no more."""


UNKNOWN = Unknown()


def nearest(value):
    """The double nearest to a rational or a root, ties to even. Zero has no sign."""
    if isinstance(value, float):
        return value
    if isinstance(value, Root):
        size = _root(abs(value.square))
        return (size if value.square > 0 else -size) + 0.0
    if abs(value) >= BEYOND:
        return INF if value > 0 else -INF
    return value.numerator / value.denominator + 0.0


def _root(square):
    if square == 0:
        return 0.0
    if square >= BEYOND ** 2:
        return INF
    size = square.numerator.bit_length() - square.denominator.bit_length()
    scale = max(0, 60 - size // 2)
    guess = F(math.isqrt((square.numerator << 2 * scale) // square.denominator), 1 << scale)
    low = min(nearest(guess), float(MAX))
    while F(low) ** 2 > square:
        low = math.nextafter(low, 0)
    while low < float(MAX) and F(math.nextafter(low, INF)) ** 2 <= square:
        low = math.nextafter(low, INF)
    if low == float(MAX):
        return low
    high = math.nextafter(low, INF)
    order = 4 * square - (F(low) + F(high)) ** 2
    even = high if struct.pack("<d", low)[0] % 2 else low
    return even if order == 0 else high if order > 0 else low


def is_rational_root(value):
    top, bottom = abs(value.square).numerator, value.square.denominator
    return math.isqrt(top) ** 2 == top and math.isqrt(bottom) ** 2 == bottom


def _finite(value):
    return not isinstance(value, float)


def _sign(value):
    number = value.square if isinstance(value, Root) else value
    return (number > 0) - (number < 0)


def _squared(value):
    return value.square if isinstance(value, Root) else value * abs(value)


def _ieee(operation, a, b):
    """Where an operand is not finite only signs and zeros matter."""
    a, b = (x if isinstance(x, float) else float(_sign(x)) for x in (a, b))
    return operation(a, b)


def add(a, b):
    if UNKNOWN in (a, b):
        return UNKNOWN
    if not (_finite(a) and _finite(b)):
        return _ieee(lambda x, y: x + y, a, b)
    if isinstance(a, Root) or isinstance(b, Root):
        roots = [x for x in (a, b) if isinstance(x, Root)]
        if any(is_rational_root(x) for x in roots):
            return UNKNOWN
        return Sum(nearest(a), nearest(b))
    return a + b


class Sum:
    """A sum of doubles that was rounded again; what is computed from it is not followed."""

    def __init__(self, a, b):
        self.value = a + b


def subtract(a, b):
    return add(a, negate(b))


def negate(a):
    if a is UNKNOWN or isinstance(a, Sum):
        return UNKNOWN
    return Root(-a.square) if isinstance(a, Root) else -a


def multiply(a, b):
    if any(x is UNKNOWN or isinstance(x, Sum) for x in (a, b)):
        return UNKNOWN
    if not (_finite(a) and _finite(b)):
        return _ieee(lambda x, y: x * y, a, b)
    if isinstance(a, Root) or isinstance(b, Root):
        return Root(_squared(a) * abs(_squared(b)) * (1 if _sign(b) >= 0 else -1))
    return a * b


def divide(a, b):
    if any(x is UNKNOWN or isinstance(x, Sum) for x in (a, b)):
        return UNKNOWN
    if isinstance(b, float):
        return NAN if math.isnan(b) or isinstance(a, float) else F(0)
    if _sign(b) == 0:
        number = a if isinstance(a, float) else float(_sign(a))
        return NAN if number == 0 or math.isnan(number) else math.copysign(INF, number)
    if isinstance(a, float):
        return a * _sign(b)
    if isinstance(a, Root) or isinstance(b, Root):
        return multiply(a, Root(1 / _squared(b)))
    return a / b


def power(a, n):
    if a is UNKNOWN or isinstance(a, Sum):
        return UNKNOWN
    if n < 0:
        return divide(F(1), power(a, -n))
    result = F(1)
    for _ in range(n):
        result = multiply(result, a)
    if isinstance(result, Root) and n % 2 == 0:
        return abs(a.square) ** (n // 2)
    return result


def root(a):
    if not isinstance(a, (F, float)):
        return UNKNOWN
    if isinstance(a, float):
        return a if a > 0 else NAN
    return Root(a) if a >= 0 else NAN


def absolute(a):
    if a is UNKNOWN or isinstance(a, Sum):
        return UNKNOWN
    return Root(abs(a.square)) if isinstance(a, Root) else abs(a)
