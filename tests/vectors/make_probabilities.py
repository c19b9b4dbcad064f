#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes probabilities.txt: tails and quantiles as mpmath has them, with 60 digits.

Each line has a distribution, its arguments as fractions, and 30 digits of the answer. Arguments are
drawn, always the same ones, and then set to make probabilities from almost 1 to 1e-300 and below.
"""

import fractions
import math
import pathlib
import random

import mpmath

mpmath.mp.dps = 60
OUT = pathlib.Path(__file__).with_name("probabilities.txt")
EXTRA = 340  # digits that a complement may lose


def number(fraction):
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def summed(x, a, b):
    """sum (a + b)_n / (a + 1)_n x^n; mpmath's own where it does not take for ever."""
    if a + b < 400:
        return mpmath.hyp2f1(1, a + b, a + 1, x)
    total, term, n = mpmath.mpf(1), mpmath.mpf(1), 0
    while n * (1 - x) < 3 * b * x or term > total * mpmath.eps:
        term *= (a + b + n) * x / (a + 1 + n)
        total += term
        n += 1
    return total


def beta_tail(x, a, b):
    """I_x(a, b), by the series that converges, with digits to spare."""
    with mpmath.workdps(60 + EXTRA):
        x, a, b = number(x), number(a), number(b)
        y = 1 - x
        front = mpmath.exp(a * mpmath.log(x) + b * mpmath.log(y)
                           + mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b))
        if x * (a + b + 2) < a + 1 and y > 0.2:
            return front / a * summed(x, a, b)
        return 1 - front / b * summed(y, b, a)


def f_tail(f, d1, d2):
    return beta_tail(d2 / (d2 + d1 * f), d2 / 2, d1 / 2)


def t_tails(square, freedom):
    return f_tail(square, fractions.Fraction(1), freedom)


def chi2_tail(x, freedom):
    with mpmath.workdps(60 + EXTRA):
        return mpmath.gammainc(number(freedom) / 2, number(x) / 2, mpmath.inf, regularized=True)


def normal_tails(square):
    return mpmath.erfc(mpmath.sqrt(number(square) / 2))


def binomial_tail(least, n, share):
    """P(X >= least): its terms one by one, as integers over a common denominator."""
    up, down = share.numerator, share.denominator - share.numerator
    n, least = int(n), int(least)
    term, total = math.comb(n, least) * up**least * down ** (n - least), 0
    for k in range(least, n + 1):
        total += term
        term = term * (n - k) * up // ((k + 1) * down)
    return number(fractions.Fraction(total, share.denominator**n))


def root(function, wanted, low, high):
    """Where a function that falls is as wanted: by bisection, and then by secants."""
    while function(high) > wanted:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > wanted else (low, middle)
    at, before = (low + high) / 2, low
    value, value_before = function(at) - wanted, function(before) - wanted
    while at != before and value != value_before and abs(at - before) > abs(at) * 10**-45:
        slope = (value - value_before) / (number(at) - number(before))
        before, value_before = at, value
        at = fractions.Fraction(int((number(at) - value / slope) * 10**50), 10**50)
        value = function(at) - wanted
    return number(at)


def t_quantile(tails, v):
    return root(lambda t: t_tails(t * t, v), number(tails), fractions.Fraction(0), fractions.Fraction(1))


def chi2_quantile(tail, v):
    return root(lambda x: chi2_tail(x, v), number(tail), fractions.Fraction(0), v)


def normal_quantile(tails):
    return root(lambda z: normal_tails(z * z), number(tails), fractions.Fraction(0), fractions.Fraction(1))


def draw(source, low, high):
    """A short fraction between two powers of ten."""
    return fractions.Fraction(f"{10 ** source.uniform(low, high):.4g}")


def cases():
    source = random.Random(17)
    freedoms = [1, 2, 3, 4, 5, 10, 29, 100, 599, 10**4, 10**6, 10**9, 10**15, 2**59]
    shares = [fractions.Fraction(one) for one in ("1/2", "1/10", "1/20", "1/100", "1/1000", "0.32")]
    for d in freedoms:
        for _ in range(10):
            yield t_tails, (draw(source, -4, 3.2), fractions.Fraction(d))
    for _ in range(100):  # Welch's
        yield t_tails, (draw(source, -3, 3), draw(source, 0.1, 5))
    for _ in range(150):
        d1, d2 = source.choice([1, 2, 3, 8, 24, 100]), source.choice(freedoms)
        yield f_tail, (draw(source, -2, 2.5), fractions.Fraction(d1), fractions.Fraction(d2))
    for _ in range(150):
        d = source.choice([1, 2, 3, 4, 9, 25, 100, 961])
        yield chi2_tail, (d * draw(source, -1.5, 1.2), fractions.Fraction(d))
    for _ in range(100):
        yield normal_tails, (draw(source, -5, 3.17),)
    for share in shares:
        yield normal_quantile, (share,)
        for d in (1, 2, 3, 4, 9, 30, 1000, 10**6):
            yield t_quantile, (share, fractions.Fraction(d))
        for d in (1, 2, 3, 10, 100, 1000):
            yield chi2_quantile, (share, fractions.Fraction(d))
            yield chi2_quantile, (1 - share, fractions.Fraction(d))
    yield from binomial_cases()


def binomial_cases():
    source = random.Random(18)
    for n in (1, 2, 5, 20, 100, 577, 3000):
        for _ in range(12):
            share = fractions.Fraction(source.randint(1, 99), 100)
            near = n * share + source.choice([-8, -3, -1, 0, 1, 3, 8, 40]) * (n * share * (1 - share)) ** 0.5
            yield binomial_tail, (fractions.Fraction(min(max(round(near), 1), n)), fractions.Fraction(n), share)


def main():
    lines = [" ".join([function.__name__, *map(str, arguments),
                       mpmath.nstr(function(*arguments), 30, min_fixed=1, max_fixed=0)])
             for function, arguments in cases()]
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
