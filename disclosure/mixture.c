/* SPDX-License-Identifier: Apache-2.0 */

/* What sums over some sets of rows give away by adding and subtracting them. It leans on nothing
 * but arithmetic modulo a prime.
 *
 * The question. Each sum is a row of a matrix, a column of which is an atom: rows of the data that
 * count alike in all sums, weighted by how many they are. In a sum over a set they count once or
 * not at all, in a sum of products with a column of few values by that column. Whoever has all sums
 * has every combination of the matrix's rows. If one of these is 0 but for atoms of few rows in
 * all, it is the sum over these few.
 *
 * The answer, in steps:
 * 1. Atoms of at least min_rows rows come first, larger ones before smaller ones. The matrix is
 *    reduced, with pivots taken in that order.
 * 2. A combination that lives on few rows is made of reduced rows whose pivots stand on small atoms
 *    only: any other has its large pivot in it. So without such a row nothing is given away, which
 *    is proved, not guessed.
 * 3. Else these rows span all combinations of small atoms. The search for one on few rows goes
 *    through their atoms, the heaviest first: an atom is either not in it, which leaves one row
 *    less, or has a part in it, which leaves fewer rows to have. An atom that alone is too many
 *    rows is not in it, so that most need no choice. What has more choices than are tried is said
 *    not to be known.
 * 4. Of a sample of rows, where every atom is small, each reduced row is weighed, and each two of
 *    them in the combinations that cancel most: whoever asks this knows that more is not found.
 *    Mostly they weigh too much on the first columns already (find_at_head), and the rest of the
 *    matrix is not reduced.
 *
 * Numbers are modulo a prime above 2^60. What is 0 there is 0 but for a chance of about 2^-50 that
 * nobody can bring about who does not know the prime. */

#include "mixture.h"

#include <gmp.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* Operations of one question: about a second. */
#define WORK_MAX (UINT64_C(1) << 27)
/* Numbers of a system: 64 MB. */
#define NUMBERS_MAX ((size_t)1 << 23)

/* Columns that are looked at first in a sample, beside one for each set and row that is few. */
#define HEAD_SPARE 32

/* Whole numbers up to here are below the prime. */
#define WHOLE_MAX 9007199254740992.0

__extension__ typedef unsigned __int128 wide;

struct system {
    const struct sotto__mixture *mixture;
    uint64_t prime;
    size_t *order;      /* of atoms: the heaviest first */
    uint64_t *rows;     /* [row * width]: of atoms in that order, then of sets */
    size_t columns_len; /* of atoms: all of them, or the first ones */
    size_t width;       /* these and sets */
    size_t *pivots;     /* [row]: where its pivot stands */
    size_t pivots_len;
    uint64_t work_left;
};

/* --- Numbers --- */

uint64_t sotto__mixture_prime(uint64_t seed)
{
    mpz_t number;
    mpz_init_set_ui(number, (UINT64_C(1) << 60) + (seed >> 5));
    mpz_nextprime(number, number);
    uint64_t prime = mpz_get_ui(number);
    mpz_clear(number);
    return prime;
}

uint64_t sotto__mixture_multiply(uint64_t a, uint64_t b, uint64_t prime)
{
    return (uint64_t)((wide)a * b % prime);
}

static uint64_t raise(uint64_t a, uint64_t exponent, uint64_t prime)
{
    uint64_t power = 1;
    for (; exponent > 0; exponent >>= 1) {
        power = (exponent & 1) != 0 ? sotto__mixture_multiply(power, a, prime) : power;
        a = sotto__mixture_multiply(a, a, prime);
    }
    return power;
}

uint64_t sotto__mixture_invert(uint64_t a, uint64_t prime)
{
    return raise(a, prime - 2, prime);
}

/* A double is a whole number times a power of 2, or of its inverse (prime + 1) / 2. */
uint64_t sotto__mixture_number(double value, uint64_t prime)
{
    int exponent;
    if (!isfinite(value)) {
        return 0;
    }
    if (fabs(value) <= WHOLE_MAX && value == trunc(value)) { /* most values, and at once */
        uint64_t whole = (uint64_t)fabs(value);
        return value < 0 ? prime - whole : whole;
    }
    double fraction = frexp(fabs(value), &exponent); /* 53 bits */
    uint64_t digits = (uint64_t)ldexp(fraction, 53) % prime;
    int shift = exponent - 53;
    uint64_t power = raise(shift >= 0 ? 2 : (prime + 1) / 2, (uint64_t)abs(shift), prime);
    uint64_t number = sotto__mixture_multiply(digits, power, prime);
    return value < 0 && number != 0 ? prime - number : number;
}

/* Each product with one factor costs no division (Shoup): q = floor(b s / 2^64) for s =
 * floor(2^64 factor / prime) is floor(factor b / prime) or one less, since s prime falls short of
 * 2^64 factor by less than prime, and b is below 2^64. So factor b - q prime is below 2 prime,
 * which fits 64 bits. */
void sotto__mixture_subtract(uint64_t *out, const uint64_t *row, uint64_t factor, size_t from,
                             size_t width, uint64_t prime)
{
    uint64_t scaled = (uint64_t)(((wide)factor << 64) / prime);
    for (size_t i = from; factor != 0 && i < width; i++) {
        uint64_t quotient = (uint64_t)((wide)scaled * row[i] >> 64);
        uint64_t part = factor * row[i] - quotient * prime;
        part = part >= prime ? part - prime : part;
        out[i] = out[i] >= part ? out[i] - part : out[i] + prime - part;
    }
}

/* --- The reduced system --- */

static int compare_weights(const void *a, const void *b, void *context)
{
    const uint64_t *weights = context;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    if (weights[x] != weights[y]) {
        return weights[x] > weights[y] ? -1 : 1;
    }
    return (x > y) - (x < y);
}

static enum sotto_status system_init(struct system *out, const struct sotto__mixture *mixture,
                                     size_t columns_len, uint64_t prime)
{
    size_t width = columns_len + mixture->sets_len;
    *out = (struct system){.mixture = mixture,
                           .prime = prime,
                           .columns_len = columns_len,
                           .width = width,
                           .work_left = WORK_MAX};
    if (mixture->sets_len > 0 && width > NUMBERS_MAX / mixture->sets_len) {
        return SOTTO_ERROR_LIMIT;
    }
    out->order = sotto_alloc_array(mixture->atoms_len, sizeof *out->order);
    out->rows = sotto_alloc_array(mixture->sets_len * width, sizeof *out->rows);
    out->pivots = sotto_alloc_array(mixture->sets_len, sizeof *out->pivots);
    if (out->order == NULL || out->rows == NULL || out->pivots == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < mixture->atoms_len; i++) {
        out->order[i] = i;
    }
    qsort_r(out->order, mixture->atoms_len, sizeof *out->order, compare_weights,
            (void *)mixture->weights);
    for (size_t i = 0; i < mixture->sets_len; i++) {
        for (size_t j = 0; j < columns_len; j++) {
            out->rows[i * width + j] = mixture->factors[i * mixture->atoms_len + out->order[j]];
        }
        out->rows[i * width + columns_len + i] = 1; /* how it is made of the sets */
    }
    return SOTTO_OK;
}

static void system_release(struct system *system)
{
    sotto_free(system->order);
    sotto_free(system->rows);
    sotto_free(system->pivots);
}

static void swap_rows(struct system *system, size_t a, size_t b)
{
    for (size_t i = 0; a != b && i < system->width; i++) {
        uint64_t kept = system->rows[a * system->width + i];
        system->rows[a * system->width + i] = system->rows[b * system->width + i];
        system->rows[b * system->width + i] = kept;
    }
}

/* Counts operations. Returns: false where there were too many. */
static bool spend(struct system *system, uint64_t work)
{
    system->work_left -= work < system->work_left ? work : system->work_left;
    return system->work_left > 0;
}

/* Makes a row's number in a column 1, and 0 in all other rows. Returns: false after too much work.
 */
static bool clear_column(struct system *system, uint64_t *rows, size_t rows_len, size_t pivot,
                         size_t column)
{
    size_t width = system->width;
    uint64_t *by = rows + pivot * width;
    uint64_t factor = sotto__mixture_invert(by[column], system->prime);
    bool may_go_on = spend(system, width + rows_len);
    for (size_t i = 0; i < width; i++) {
        by[i] = by[i] != 0 ? sotto__mixture_multiply(by[i], factor, system->prime) : 0;
    }
    for (size_t i = 0; may_go_on && i < rows_len; i++) {
        uint64_t *row = rows + i * width;
        if (i != pivot && row[column] != 0) {
            sotto__mixture_subtract(row, by, row[column], 0, width, system->prime);
            may_go_on = spend(system, width);
        }
    }
    return may_go_on;
}

/* Takes a pivot in a column of atoms, if there is one, and clears the column in all other rows.
 * Returns: false after too much work. */
static bool reduce_column(struct system *system, size_t column)
{
    size_t width = system->width;
    size_t found = system->pivots_len;
    while (found < system->mixture->sets_len && system->rows[found * width + column] == 0) {
        found++;
    }
    if (found == system->mixture->sets_len) {
        return spend(system, found - system->pivots_len);
    }
    swap_rows(system, system->pivots_len, found);
    system->pivots[system->pivots_len] = column;
    return clear_column(system, system->rows, system->mixture->sets_len, system->pivots_len++,
                        column);
}

/* --- Weights --- */

static uint64_t weight_at(const struct system *system, size_t column)
{
    return system->mixture->weights[system->order[column]];
}

/* of_x times one row less of_y times another, neither 0; y: NULL for x alone. */
struct difference {
    const uint64_t *x;
    const uint64_t *y;
    uint64_t of_x;
    uint64_t of_y;
};

/* Whether it is not 0 in a column. */
static bool has_number(const struct system *system, const struct difference *difference, size_t i)
{
    uint64_t x = difference->x[i];
    uint64_t y = difference->y != NULL ? difference->y[i] : 0;
    return x == 0 || y == 0 ? x != y
                            : sotto__mixture_multiply(difference->of_x, x, system->prime) !=
                                  sotto__mixture_multiply(difference->of_y, y, system->prime);
}

/* The rows of data on which it is not 0, up to a limit. */
static uint64_t weigh(const struct system *system, const struct difference *difference,
                      uint64_t limit)
{
    uint64_t weight = 0;
    for (size_t i = 0; weight < limit && i < system->columns_len; i++) {
        weight += has_number(system, difference, i) ? weight_at(system, i) : 0;
    }
    return weight;
}

/* Tells which sets a combination is made of. out: NULL where that is no concern. */
static void name_sets(const struct system *system, uint8_t *out,
                      const struct difference *difference)
{
    for (size_t i = 0; out != NULL && i < system->mixture->sets_len; i++) {
        out[i] = has_number(system, difference, system->columns_len + i);
    }
}

/* Whether x less some multiple of y lives on few rows. Of any min_rows rows of the two it is 0 on
 * one at least, which says what multiple. */
static bool find_pair(const struct system *system, uint8_t *out_sets, const uint64_t *x,
                      const uint64_t *y, uint64_t min_rows)
{
    uint64_t seen = 0;
    for (size_t i = 0; seen < min_rows && i < system->columns_len; i++) {
        seen += x[i] != 0 || y[i] != 0 ? weight_at(system, i) : 0;
        if (x[i] == 0 || y[i] == 0) {
            continue;
        }
        const struct difference difference = {.x = x, .y = y, .of_x = y[i], .of_y = x[i]};
        if (weigh(system, &difference, min_rows) < min_rows) {
            name_sets(system, out_sets, &difference);
            return true;
        }
    }
    return false;
}

/* Whether two rows can have a difference on few rows at all: their pivots alone are in it. */
static bool may_pair(const struct system *system, size_t a, size_t b, uint64_t min_rows)
{
    return weight_at(system, system->pivots[a]) + weight_at(system, system->pivots[b]) < min_rows;
}

static bool find_in(const struct system *system, uint8_t *out_sets, uint64_t min_rows)
{
    size_t width = system->width;
    for (size_t i = 0; i < system->pivots_len; i++) {
        const struct difference alone = {.x = system->rows + i * width};
        if (weight_at(system, system->pivots[i]) < min_rows &&
            weigh(system, &alone, min_rows) < min_rows) {
            name_sets(system, out_sets, &alone);
            return true;
        }
    }
    for (size_t i = 0; i < system->pivots_len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (may_pair(system, i, j, min_rows) &&
                find_pair(system, out_sets, system->rows + i * width, system->rows + j * width,
                          min_rows)) {
                return true;
            }
        }
    }
    return false;
}

/* --- All combinations of small atoms --- */

/* Some of the combinations: all that rows make together. */
struct combinations {
    uint64_t *rows; /* [row * width] */
    size_t len;
    uint64_t weight; /* of atoms that may have a part in them */
};

/* The rows of data that atoms of some combinations have from a column on, up to a limit. */
static uint64_t weigh_combinations(const struct system *system, const struct combinations *some,
                                   size_t column, uint64_t limit)
{
    uint64_t weight = some->weight;
    for (size_t j = column; weight < limit && j < system->columns_len; j++) {
        bool is_in = false;
        for (size_t i = 0; !is_in && i < some->len; i++) {
            is_in = some->rows[i * system->width + j] != 0;
        }
        weight += is_in ? weight_at(system, j) : 0;
    }
    return weight;
}

/* A row with a number in a column; len if there is none. */
static size_t find_row(const struct system *system, const struct combinations *some, size_t column)
{
    size_t found = 0;
    while (found < some->len && some->rows[found * system->width + column] == 0) {
        found++;
    }
    return found;
}

/* Leaves only combinations without an atom. Returns: false after too much work. */
static bool leave_out(struct system *system, struct combinations *in_out, size_t row, size_t column)
{
    size_t width = system->width;
    bool may_go_on = clear_column(system, in_out->rows, in_out->len, row, column);
    in_out->len--;
    memmove(in_out->rows + row * width, in_out->rows + in_out->len * width,
            row < in_out->len ? width * sizeof *in_out->rows : 0);
    return may_go_on;
}

static enum sotto_status copy_combinations(struct combinations *out, const struct system *system,
                                           const struct combinations *from)
{
    *out = *from;
    out->rows = sotto_alloc_array(from->len * system->width, sizeof *out->rows);
    if (out->rows == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(out->rows, from->rows, from->len * system->width * sizeof *out->rows);
    return SOTTO_OK;
}

/* Looks for a combination on few rows, from a column on; in_out is used up, and then begins with a
 * row that is one. Recursion: as deep as there are rows. Returns: SOTTO_ERROR_LIMIT after too
 * much work, SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status search(struct system *system, bool *out_found, struct combinations *in_out,
                                size_t column, uint64_t min_rows)
{
    *out_found = false;
    for (size_t j = column; in_out->len > 0 && j < system->columns_len; j++) {
        size_t row = find_row(system, in_out, j);
        uint64_t weight = weight_at(system, j);
        enum sotto_status status = SOTTO_OK;
        if (!spend(system, in_out->len)) {
            return SOTTO_ERROR_LIMIT;
        }
        if (row == in_out->len) {
            continue;
        }
        if (in_out->weight + weight >= min_rows) {
            if (!leave_out(system, in_out, row, j)) {
                return SOTTO_ERROR_LIMIT;
            }
            continue;
        }
        if (weigh_combinations(system, in_out, j, min_rows) < min_rows) {
            break;
        }
        struct combinations without;
        status = copy_combinations(&without, system, in_out);
        if (status != SOTTO_OK) {
            return status;
        }
        status = leave_out(system, &without, row, j)
                     ? search(system, out_found, &without, j + 1, min_rows)
                     : SOTTO_ERROR_LIMIT;
        if (*out_found) {
            memcpy(in_out->rows, without.rows, system->width * sizeof *in_out->rows);
        }
        sotto_free(without.rows);
        if (status != SOTTO_OK || *out_found) {
            return status;
        }
        in_out->weight += weight;
    }
    *out_found = in_out->len > 0;
    return SOTTO_OK;
}

/* The combinations that live on small atoms only: rows whose pivots do. */
static enum sotto_status search_all(struct system *system, bool *out_found, uint8_t *out_sets,
                                    uint64_t min_rows)
{
    size_t first = 0;
    while (first < system->pivots_len && weight_at(system, system->pivots[first]) >= min_rows) {
        first++;
    }
    struct combinations small = {.rows = system->rows + first * system->width,
                                 .len = system->pivots_len - first};
    enum sotto_status status =
        search(system, out_found, &small, first < system->pivots_len ? system->pivots[first] : 0,
               min_rows);
    if (*out_found) {
        const struct difference alone = {.x = small.rows};
        name_sets(system, out_sets, &alone);
    }
    return status;
}

/* --- What is asked --- */

static bool has_small(const struct sotto__mixture *mixture, uint64_t min_rows)
{
    bool found = false;
    for (size_t i = 0; !found && i < mixture->atoms_len; i++) {
        found = mixture->weights[i] < min_rows;
    }
    return found;
}

/* Ended by system_release, also after a failure. */
static enum sotto_status system_reduce(struct system *out, const struct sotto__mixture *mixture,
                                       size_t columns_len, uint64_t prime)
{
    enum sotto_status status = system_init(out, mixture, columns_len, prime);
    for (size_t i = 0; status == SOTTO_OK && i < columns_len; i++) {
        status = reduce_column(out, i) ? SOTTO_OK : SOTTO_ERROR_LIMIT;
    }
    return status;
}

enum sotto_status sotto__mixture_find(const struct sotto__mixture *mixture, bool *out_found,
                                      uint8_t *out_sets, uint64_t min_rows, uint64_t prime)
{
    struct system system;
    *out_found = false;
    if (!has_small(mixture, min_rows)) {
        return SOTTO_OK; /* every combination is of whole atoms, and none is small */
    }
    enum sotto_status status = system_reduce(&system, mixture, mixture->atoms_len, prime);
    if (status == SOTTO_OK) {
        status = search_all(&system, out_found, out_sets, min_rows);
    }
    system_release(&system);
    return status;
}

/* Looks at the first columns only. *out_is_nothing: they say that nothing is found in all of them.
 * They do where each set has its pivot there, so that rows are reduced as they are by all columns,
 * and nothing is found there: each row is then too heavy there by itself, so that the combinations
 * of two that cancel most are the same ones too, and what is too heavy there is so on all columns.
 */
static enum sotto_status find_at_head(const struct sotto__mixture *mixture, bool *out_is_nothing,
                                      uint64_t min_rows, uint64_t prime)
{
    struct system system;
    size_t columns_len = mixture->sets_len + min_rows + HEAD_SPARE;
    *out_is_nothing = false;
    if (columns_len >= mixture->atoms_len) {
        return SOTTO_OK;
    }
    enum sotto_status status = system_reduce(&system, mixture, columns_len, prime);
    if (status == SOTTO_OK) {
        *out_is_nothing =
            system.pivots_len == mixture->sets_len && !find_in(&system, NULL, min_rows);
    }
    system_release(&system);
    return status;
}

enum sotto_status sotto__mixture_find_some(const struct sotto__mixture *mixture, bool *out_found,
                                           uint8_t *out_sets, uint64_t min_rows, uint64_t prime)
{
    struct system system;
    *out_found = false;
    if (!has_small(mixture, min_rows)) {
        return SOTTO_OK;
    }
    bool is_nothing;
    enum sotto_status status = find_at_head(mixture, &is_nothing, min_rows, prime);
    if (status != SOTTO_OK || is_nothing) {
        return status;
    }
    status = system_reduce(&system, mixture, mixture->atoms_len, prime);
    if (status == SOTTO_OK) {
        *out_found = find_in(&system, out_sets, min_rows);
    }
    system_release(&system);
    return status;
}
