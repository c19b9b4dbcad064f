/* SPDX-License-Identifier: Apache-2.0 */

/* The numbers that results are computed in: rationals, square roots of rationals, infinities and
 * NaN. It leans on GMP for rationals, on rounding.c for the nearest double, on MPFR for exp and
 * log.
 *
 * The one idea: standard deviations and correlations are square roots of rationals. Such a root is
 * held as its signed square, -sqrt(2) as -2, and stays one through products, quotients and powers,
 * so that std(x) / mean(x) is rounded once and std(x) ** 2 is var(x) exactly. A sum of a root and
 * something else is neither a rational nor a root: it becomes the sum of the nearest doubles, and
 * is marked as rounded, as exp and log are. What is not finite follows IEEE 754; zero has no sign.
 */

#include "number/number.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>
#include <string.h>

void sotto__value_init(struct sotto__value *value)
{
    *value = (struct sotto__value){.kind = SOTTO__VALUE_FINITE};
    mpq_init(value->number);
}

static void forget_interval(struct sotto__value *value)
{
    if (value->is_interval) {
        mpq_clear(value->high);
        value->is_interval = false;
    }
}

void sotto__value_clear(struct sotto__value *value)
{
    forget_interval(value);
    mpq_clear(value->number);
}

void sotto__value_set(struct sotto__value *value, const struct sotto__value *from)
{
    value->kind = from->kind;
    value->is_root = from->is_root;
    value->is_rounded = from->is_rounded;
    mpq_set(value->number, from->number);
    if (!from->is_interval) {
        forget_interval(value);
    } else {
        if (!value->is_interval) {
            mpq_init(value->high);
        }
        value->is_interval = true;
        value->high_kind = from->high_kind;
        mpq_set(value->high, from->high);
    }
    sotto__value_verify(value);
}

void sotto__value_set_special(struct sotto__value *value, enum sotto__value_kind kind)
{
    forget_interval(value);
    value->kind = kind;
    value->is_root = false;
    value->is_rounded = false;
    mpq_set_ui(value->number, 0, 1);
}

void sotto__value_set_literal(struct sotto__value *value, const char *text, size_t text_bytes)
{
    mpz_ptr digits = mpq_numref(value->number);
    long power = 0;
    bool after_point = false;
    size_t i = 0;
    sotto__value_set_special(value, SOTTO__VALUE_FINITE);
    for (; i < text_bytes && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            after_point = true;
            continue;
        }
        mpz_mul_ui(digits, digits, 10);
        mpz_add_ui(digits, digits, (unsigned long)(text[i] - '0'));
        power -= after_point;
    }
    bool negative = i + 1 < text_bytes && text[i + 1] == '-';
    long exponent = 0; /* at most SOTTO__LITERAL_EXPONENT_MAX, by the parser */
    for (i++; i < text_bytes; i++) {
        exponent = text[i] >= '0' ? exponent * 10 + (text[i] - '0') : exponent;
    }
    power += negative ? -exponent : exponent;
    mpz_t scale;
    mpz_init(scale);
    mpz_ui_pow_ui(scale, 10, (unsigned long)(power < 0 ? -power : power));
    if (power < 0) {
        mpz_set(mpq_denref(value->number), scale);
    } else {
        mpz_mul(digits, digits, scale);
    }
    mpz_clear(scale);
    mpq_canonicalize(value->number);
    sotto__value_verify(value);
}

#ifdef SOTTO_VERIFY_BUILD
void sotto__value_verify(const struct sotto__value *value)
{
    mpz_t divisor;
    mpz_init(divisor);
    mpz_gcd(divisor, mpq_numref(value->number), mpq_denref(value->number));
    SOTTO_VERIFY(mpz_sgn(mpq_denref(value->number)) > 0 && mpz_cmp_ui(divisor, 1) == 0);
    SOTTO_VERIFY(value->kind == SOTTO__VALUE_FINITE ||
                 (!value->is_root && mpq_sgn(value->number) == 0));
    if (value->is_root) {
        mpz_abs(divisor, mpq_numref(value->number));
        SOTTO_VERIFY(mpz_perfect_square_p(divisor) == 0 ||
                     mpz_perfect_square_p(mpq_denref(value->number)) == 0);
    }
    mpz_clear(divisor);
}
#endif

/* Returns: -1, 0 or 1; 0 for NaN too. */
static int find_sign(const struct sotto__value *value)
{
    switch (value->kind) {
    case SOTTO__VALUE_FINITE:
        return mpq_sgn(value->number);
    case SOTTO__VALUE_INFINITE:
        return 1;
    case SOTTO__VALUE_NEGATIVE_INFINITE:
        return -1;
    default:
        return 0;
    }
}

static bool is_infinite(const struct sotto__value *value)
{
    return value->kind == SOTTO__VALUE_INFINITE || value->kind == SOTTO__VALUE_NEGATIVE_INFINITE;
}

static void set_infinite(struct sotto__value *value, int sign_of)
{
    sotto__value_set_special(value,
                             sign_of > 0 ? SOTTO__VALUE_INFINITE : SOTTO__VALUE_NEGATIVE_INFINITE);
}

void sotto__value_negate(struct sotto__value *value)
{
    if (is_infinite(value)) {
        set_infinite(value, -find_sign(value));
    }
    mpq_neg(value->number, value->number);
    sotto__value_verify(value);
}

/* --- Roots --- */

/* A root of a fraction of squares becomes that fraction: no rational is marked as a root. */
static void simplify_root(struct sotto__value *value)
{
    if (!value->is_root) {
        return;
    }
    int sign_of = mpq_sgn(value->number);
    mpz_abs(mpq_numref(value->number), mpq_numref(value->number));
    if (mpz_perfect_square_p(mpq_numref(value->number)) != 0 &&
        mpz_perfect_square_p(mpq_denref(value->number)) != 0) {
        mpz_sqrt(mpq_numref(value->number), mpq_numref(value->number));
        mpz_sqrt(mpq_denref(value->number), mpq_denref(value->number));
        value->is_root = false;
    }
    if (sign_of < 0) {
        mpq_neg(value->number, value->number);
    }
}

/* Writes the same number as a root: its square, with its own sign. */
static void make_root(struct sotto__value *value)
{
    if (!value->is_root) {
        int sign_of = mpq_sgn(value->number);
        mpq_mul(value->number, value->number, value->number);
        if (sign_of < 0) {
            mpq_neg(value->number, value->number);
        }
        value->is_root = true;
    }
}

void sotto__value_set_double(struct sotto__value *value, double number)
{
    bool is_finite = number - number == 0;
    sotto__value_set_special(value, is_finite    ? SOTTO__VALUE_FINITE
                                    : number > 0 ? SOTTO__VALUE_INFINITE
                                    : number < 0 ? SOTTO__VALUE_NEGATIVE_INFINITE
                                                 : SOTTO__VALUE_NAN);
    if (is_finite) {
        mpq_set_d(value->number, number);
    }
}

/* A root becomes the double nearest to it; anything else stays as it is. */
static void round_root(struct sotto__value *value)
{
    if (!value->is_root) {
        return;
    }
    double rounded = sotto__root_to_double(value->number);
    sotto__value_set_special(value, SOTTO__VALUE_FINITE);
    if (rounded - rounded == 0) {
        mpq_set_d(value->number, rounded);
    } else {
        set_infinite(value, rounded > 0 ? 1 : -1);
    }
    value->is_rounded = true;
}

static void round_value(struct sotto__value *value)
{
    if (value->is_root) {
        round_root(value);
    } else if (value->kind == SOTTO__VALUE_FINITE) {
        double rounded = sotto__rational_to_double(value->number);
        if (rounded - rounded == 0) {
            mpq_set_d(value->number, rounded);
        } else {
            set_infinite(value, rounded > 0 ? 1 : -1);
        }
        value->is_rounded = true;
    }
}

double sotto__value_double(const struct sotto__value *value)
{
    switch (value->kind) {
    case SOTTO__VALUE_FINITE:
        return value->is_root ? sotto__root_to_double(value->number)
                              : sotto__rational_to_double(value->number);
    case SOTTO__VALUE_INFINITE:
        return (double)INFINITY;
    case SOTTO__VALUE_NEGATIVE_INFINITE:
        return (double)-INFINITY;
    default:
        return (double)NAN;
    }
}

/* --- Intervals --- */

int sotto__value_compare(const struct sotto__value *a, const struct sotto__value *b)
{
    int side_of_a = is_infinite(a) ? find_sign(a) : 0;
    int side_of_b = is_infinite(b) ? find_sign(b) : 0;
    return side_of_a == 0 && side_of_b == 0 ? mpq_cmp(a->number, b->number) : side_of_a - side_of_b;
}

double sotto__value_double_beyond(const struct sotto__value *value, int sign)
{
    double number = sotto__value_double(value);
    bool is_beyond = number - number == 0 || value->kind != SOTTO__VALUE_FINITE;
    if (is_beyond && value->kind == SOTTO__VALUE_FINITE) {
        mpq_t exact;
        mpq_init(exact);
        mpq_set_d(exact, number);
        int order = mpq_cmp(exact, value->number);
        is_beyond = !value->is_root && (order == 0 || (order > 0) == (sign > 0));
        mpq_clear(exact);
    } else if (!is_beyond) {
        is_beyond = (number > 0) == (sign > 0); /* it is beyond the largest double */
    }
    return is_beyond ? number : nextafter(number, sign > 0 ? INFINITY : -INFINITY);
}

/* A root becomes a double beyond it. */
static void end_root(struct sotto__value *value, int sign)
{
    if (value->is_root) {
        sotto__value_set_double(value, sotto__value_double_beyond(value, sign));
    }
}

void sotto__value_set_between(struct sotto__value *value, const struct sotto__value *low,
                              const struct sotto__value *high)
{
    struct sotto__value end;
    SOTTO_VERIFY(!low->is_interval && !high->is_interval);
    bool is_one = low->kind == high->kind && low->is_root == high->is_root &&
                  mpq_equal(low->number, high->number) != 0;
    sotto__value_init(&end);
    sotto__value_set(&end, high);
    sotto__value_set(value, low);
    if (!is_one) {
        end_root(&end, 1);
        end_root(value, -1);
        mpq_init(value->high);
        mpq_set(value->high, end.number);
        value->high_kind = end.kind;
        value->is_rounded = value->is_rounded || high->is_rounded;
        value->is_interval = true;
    }
    sotto__value_clear(&end);
}

void sotto__value_ends(struct sotto__value *low, struct sotto__value *high,
                       const struct sotto__value *value)
{
    sotto__value_set(low, value);
    sotto__value_set(high, value);
    forget_interval(low);
    forget_interval(high);
    if (value->is_interval) {
        high->kind = value->high_kind;
        mpq_set(high->number, value->high);
    }
}

/* --- Arithmetic --- */

static void add_rounded(struct sotto__value *a, const struct sotto__value *b)
{
    struct sotto__value other;
    sotto__value_init(&other);
    sotto__value_set(&other, b);
    round_value(a);
    round_value(&other);
    sotto__value_add(a, &other); /* the exact sum of two doubles, or what IEEE 754 says */
    round_value(a);
    sotto__value_clear(&other);
}

void sotto__value_add(struct sotto__value *a, const struct sotto__value *b)
{
    bool is_rounded = a->is_rounded || b->is_rounded;
    if (a->is_root || b->is_root) {
        add_rounded(a, b);
    } else if (a->kind == SOTTO__VALUE_FINITE && b->kind == SOTTO__VALUE_FINITE) {
        mpq_add(a->number, a->number, b->number);
    } else if (a->kind == SOTTO__VALUE_NAN || b->kind == SOTTO__VALUE_NAN ||
               (is_infinite(a) && is_infinite(b) && a->kind != b->kind)) {
        sotto__value_set_special(a, SOTTO__VALUE_NAN);
    } else {
        set_infinite(a, is_infinite(a) ? find_sign(a) : find_sign(b));
    }
    a->is_rounded = a->is_rounded || is_rounded;
    sotto__value_verify(a);
}

/* Makes roots of both if one of them is a root. Returns: whether they are roots now. */
static bool make_alike(struct sotto__value *a, struct sotto__value *b)
{
    if (a->kind != SOTTO__VALUE_FINITE || b->kind != SOTTO__VALUE_FINITE ||
        (!a->is_root && !b->is_root)) {
        return false;
    }
    make_root(a);
    make_root(b);
    return true;
}

static void multiply_numbers(struct sotto__value *a, const struct sotto__value *b)
{
    if (a->kind == SOTTO__VALUE_FINITE && b->kind == SOTTO__VALUE_FINITE) {
        mpq_mul(a->number, a->number, b->number);
    } else if (find_sign(a) * find_sign(b) == 0) { /* NaN, or infinity times zero */
        sotto__value_set_special(a, SOTTO__VALUE_NAN);
    } else {
        set_infinite(a, find_sign(a) * find_sign(b));
    }
}

static void divide_numbers(struct sotto__value *a, const struct sotto__value *b)
{
    bool both_zero = a->kind == SOTTO__VALUE_FINITE && b->kind == SOTTO__VALUE_FINITE &&
                     find_sign(a) == 0 && find_sign(b) == 0;
    if (a->kind == SOTTO__VALUE_NAN || b->kind == SOTTO__VALUE_NAN ||
        (is_infinite(a) && is_infinite(b)) || both_zero) {
        sotto__value_set_special(a, SOTTO__VALUE_NAN);
    } else if (is_infinite(a)) {
        set_infinite(a, find_sign(b) < 0 ? -find_sign(a) : find_sign(a));
    } else if (is_infinite(b)) {
        sotto__value_set_special(a, SOTTO__VALUE_FINITE);
    } else if (mpq_sgn(b->number) != 0) {
        mpq_div(a->number, a->number, b->number);
    } else {
        set_infinite(a, find_sign(a));
    }
}

static void apply_operation(struct sotto__value *a, const struct sotto__value *b,
                            void (*operation)(struct sotto__value *, const struct sotto__value *))
{
    struct sotto__value other;
    bool is_rounded = a->is_rounded || b->is_rounded;
    sotto__value_init(&other);
    sotto__value_set(&other, b);
    bool roots = make_alike(a, &other);
    operation(a, &other);
    a->is_root = roots && a->kind == SOTTO__VALUE_FINITE;
    a->is_rounded = is_rounded;
    simplify_root(a);
    sotto__value_clear(&other);
}

void sotto__value_multiply(struct sotto__value *a, const struct sotto__value *b)
{
    apply_operation(a, b, multiply_numbers);
    sotto__value_verify(a);
}

void sotto__value_divide(struct sotto__value *a, const struct sotto__value *b)
{
    apply_operation(a, b, divide_numbers);
    sotto__value_verify(a);
}

void sotto__value_power(struct sotto__value *a, int exponent)
{
    struct sotto__value base;
    struct sotto__value one;
    sotto__value_init(&base);
    sotto__value_init(&one);
    sotto__value_set(&base, a);
    mpq_set_ui(one.number, 1, 1);
    sotto__value_set(a, &one); /* x ** 0 is 1, of NaN too, as IEEE 754 has it */
    for (int i = 0; i < abs(exponent); i++) {
        sotto__value_multiply(a, &base);
    }
    if (exponent < 0) {
        sotto__value_divide(&one, a);
        sotto__value_set(a, &one);
    }
    sotto__value_clear(&base);
    sotto__value_clear(&one);
    sotto__value_verify(a);
}

void sotto__value_signed_root(struct sotto__value *value)
{
    round_root(value); /* the root of a root is neither a rational nor a root of one */
    if (value->kind == SOTTO__VALUE_FINITE) {
        value->is_root = true;
        simplify_root(value);
    }
    sotto__value_verify(value);
}

void sotto__value_sqrt(struct sotto__value *value)
{
    if (find_sign(value) < 0) {
        sotto__value_set_special(value, SOTTO__VALUE_NAN);
        return;
    }
    bool was_rounded = value->is_rounded || value->is_root;
    sotto__value_signed_root(value);
    if (was_rounded) {
        round_root(value);
        value->is_rounded = true;
    }
    sotto__value_verify(value);
}

/* --- Transcendental functions --- */

/* value becomes the function of the double nearest to it. MPFR takes infinities and NaN too; what
 * is below the normal doubles is rounded at their places. */
static void apply_function(struct sotto__value *value,
                           int (*function)(mpfr_t, const mpfr_t, mpfr_rnd_t))
{
    mpfr_t number;
    mpfr_exp_t least = mpfr_get_emin();
    mpfr_exp_t most = mpfr_get_emax();
    mpfr_init2(number, 53);
    (void)mpfr_set_d(number, sotto__value_double(value), MPFR_RNDN);
    (void)mpfr_set_emin(-1073);
    (void)mpfr_set_emax(1024);
    int rounded = function(number, number, MPFR_RNDN);
    (void)mpfr_subnormalize(number, rounded, MPFR_RNDN);
    (void)mpfr_set_emin(least);
    (void)mpfr_set_emax(most);
    if (mpfr_nan_p(number)) {
        sotto__value_set_special(value, SOTTO__VALUE_NAN);
    } else if (mpfr_inf_p(number)) {
        set_infinite(value, mpfr_sgn(number));
    } else {
        sotto__value_set_special(value, SOTTO__VALUE_FINITE);
        mpfr_get_q(value->number, number);
    }
    value->is_rounded = true;
    mpfr_clear(number);
    mpfr_free_cache(); /* it is per thread, and a thread that ends would leak it */
}

void sotto__value_exp(struct sotto__value *value)
{
    apply_function(value, mpfr_exp);
    sotto__value_verify(value);
}

void sotto__value_log(struct sotto__value *value)
{
    apply_function(value, mpfr_log);
    sotto__value_verify(value);
}
