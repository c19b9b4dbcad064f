/* SPDX-License-Identifier: Apache-2.0 */

/* Exact sums of all rows together. It leans on the bounds of registers, and on the kernels for
 * blocks of doubles. Exact values add up as words of the slot's width; doubles and their products
 * in a superaccumulator:
 *
 * A finite double is m x 2^(e - 1074) with 0 <= e <= 2045 and |m| < 2^53, and a product of k of
 * them M x 2^(E - 1074 k) with E <= 2045 k and |M| < 2^(53 k). Shifted by E mod 64, M has at most
 * 53 k + 63 bits, which lie in the 64-bit words from E / 64 on: for k = 1 to 4 at most 2, 3, 4, 5
 * words, the last of them 32, 65, 98, 131. Each word has a signed 128-bit accumulator, to which a
 * product adds less than 2^64 in magnitude: after 2^60 of them it is below 2^124, so that no carry
 * is needed until the end. */

#include "sums/sums.h"

#include <sotto/alloc.h>
#include <string.h>

/* A shifted product of four has so many words. */
#define PRODUCT_WORDS 5

/* --- Doubles --- */

static uint64_t read_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Returns: the mantissa m, as above; *exponent is e. bits are those of a finite double. */
static uint64_t split_double(unsigned *exponent, uint64_t bits)
{
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    unsigned biased = (unsigned)(bits >> 52) & 0x7FF;
    *exponent = biased > 0 ? biased - 1 : 0;
    return biased > 0 ? mantissa | UINT64_C(1) << 52 : mantissa;
}

static bool is_finite(uint64_t bits)
{
    return (bits >> 52 & 0x7FF) != 0x7FF;
}

/* Adds one double, in units of 2^(-1074 factors): the sum of a block may stand for products. */
static void add_double(sotto__int128 *words, uint64_t bits, size_t factors)
{
    unsigned exponent;
    sotto__uint128 shifted = split_double(&exponent, bits);
    exponent += 1074 * (unsigned)(factors - 1);
    shifted <<= exponent % 64;
    sotto__int128 *word = &words[exponent / 64];
    if (bits >> 63 == 0) {
        word[0] += (uint64_t)shifted;
        word[1] += (uint64_t)(shifted >> 64);
    } else {
        word[0] -= (uint64_t)shifted;
        word[1] -= (uint64_t)(shifted >> 64);
    }
}

void sotto__add_double(sotto__int128 *words, double value, size_t factors_len)
{
    add_double(words, read_bits(value), factors_len);
}

void sotto__add_integer(sotto__int128 *words, int64_t value, unsigned unit)
{
    sotto__int128 *word = &words[unit / 64];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    sotto__uint128 shifted = (sotto__uint128)magnitude << (unit % 64);
    sotto__int128 low = (uint64_t)shifted;
    sotto__int128 high = (uint64_t)(shifted >> 64);
    word[0] += value < 0 ? -low : low;
    word[1] += value < 0 ? -high : high;
}

/* product *= factor. It fits, since four mantissas and the shift do. */
static void multiply_word(uint64_t product[PRODUCT_WORDS], uint64_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < PRODUCT_WORDS; i++) {
        sotto__uint128 word = (sotto__uint128)product[i] * factor + carry;
        product[i] = (uint64_t)word;
        carry = (uint64_t)(word >> 64);
    }
}

/* Adds the product of 2 to 4 finite doubles. */
static void add_product(sotto__int128 *words, const uint64_t *factors, size_t factors_len)
{
    uint64_t product[PRODUCT_WORDS] = {1};
    unsigned exponents = 0;
    uint64_t sign = 0;
    for (size_t i = 0; i < factors_len; i++) {
        unsigned exponent;
        multiply_word(product, split_double(&exponent, factors[i]));
        exponents += exponent;
        sign ^= factors[i] >> 63;
    }
    multiply_word(product, UINT64_C(1) << (exponents % 64));
    sotto__int128 *word = &words[exponents / 64];
    for (size_t i = 0; i <= factors_len; i++) {
        word[i] += sign == 0 ? (sotto__int128)product[i] : -(sotto__int128)product[i];
    }
}

/* Infinities are counted behind the words: how many are positive, how many negative. */
static uint64_t *find_infinities(sotto__int128 *words, const struct sotto__term *term)
{
    return (uint64_t *)(words + term->limbs + 1);
}

void sotto__add_factors(sotto__int128 *words, const struct sotto__term *term,
                        const uint64_t *factors)
{
    bool finite = true;
    for (size_t i = 0; i < term->factors_len; i++) {
        finite = finite && is_finite(factors[i]);
    }
    SOTTO_VERIFY(term->limbs * 64 >= 2045 * term->factors_len + 53 * term->factors_len);
    if (finite && term->factors_len == 1) {
        add_double(words, factors[0], 1);
    } else if (finite) {
        add_product(words, factors, term->factors_len);
    } else if (term->has_infinities) {
        find_infinities(words, term)[factors[0] >> 63]++;
    }
}

static void add_floats(const struct sotto__rows *rows, sotto__int128 *words,
                       const struct sotto__term *term, size_t row)
{
    uint64_t factors[SOTTO__TERM_FACTORS_MAX];
    for (size_t i = 0; i < term->factors_len; i++) {
        factors[i] = read_bits(((const double *)rows->registers[term->factors[i]].values)[row]);
    }
    sotto__add_factors(words, term, factors);
}

/* What two grids leave over goes onto the next two, and what is left then is added one by one.
 * bound: as sotto__blocks's sum has it. */
static void add_rest(sotto__int128 *words, double *rest, uint64_t bound, size_t len, size_t factors)
{
    for (size_t pass = 0; pass < 2; pass++) {
        double sums[2];
        enum sotto__blocks_result result = sotto__blocks()->sum(sums, rest, &bound, rest, len);
        if (result == SOTTO__BLOCKS_REFUSED) {
            break;
        }
        add_double(words, read_bits(sums[0]), factors);
        add_double(words, read_bits(sums[1]), factors);
        if (result == SOTTO__BLOCKS_SUMMED) {
            return;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (rest[i] != 0) {
            add_double(words, read_bits(rest[i]), factors);
        }
    }
}

/* Returns: the register's values, or a copy with 0 where there is no value and up to a multiple of
 * SOTTO__BLOCK_STEP; *out_bound bounds them. */
static const double *copy_present(double *out, uint64_t *out_bound,
                                  const struct sotto__register *reg, const uint8_t *state, bool all,
                                  size_t len)
{
    const double *values = reg->values;
    *out_bound = reg->bound;
    if (!all || len % SOTTO__BLOCK_STEP != 0) {
        size_t i = 0;
        for (; i < len; i++) {
            out[i] = state[i] == 0 ? values[i] : 0;
        }
        for (; i % SOTTO__BLOCK_STEP != 0; i++) {
            out[i] = 0;
        }
        values = out;
    }
    if (*out_bound == SOTTO__BOUND_UNKNOWN) {
        *out_bound = sotto__blocks()->largest(values, len);
    }
    return values;
}

void sotto__find_factors(const double *out[2], uint64_t out_bounds[2], double *room,
                         const struct sotto__rows *rows, const struct sotto__term *term,
                         const uint8_t *state, bool all, size_t len)
{
    out[1] = NULL;
    for (size_t i = 0; i < term->factors_len; i++) {
        bool is_square = i == 1 && term->factors[1] == term->factors[0];
        out[i] = is_square ? out[0]
                           : copy_present(room + i * SOTTO__ROWS_LEN, &out_bounds[i],
                                          &rows->registers[term->factors[i]], state, all, len);
        out_bounds[i] = is_square ? out_bounds[0] : out_bounds[i];
    }
}

/* The sum of values, or of the products of two (factors_len), if the fast way takes them. bounds:
 * of their magnitudes. rests: room for len values each; len is a multiple of SOTTO__BLOCK_STEP, at
 * most SOTTO__ROWS_LEN. Returns: false if nothing was added. */
static bool add_values(sotto__int128 *words, size_t factors_len, const double *const values[2],
                       const uint64_t bounds[2], double *const rests[2], size_t len)
{
    double sums[4];
    uint64_t left[2] = {bounds[0], bounds[1]};
    enum sotto__blocks_result result =
        factors_len == 1 ? sotto__blocks()->sum(sums, rests[0], &left[0], values[0], len)
                         : sotto__blocks()->sum_products(sums, rests[0], rests[1], left, values[0],
                                                         values[1], len);
    if (result == SOTTO__BLOCKS_REFUSED) {
        return false;
    }
    for (size_t i = 0; i < 2 * factors_len; i++) {
        add_double(words, read_bits(sums[i]), factors_len);
    }
    for (size_t i = 0; result == SOTTO__BLOCKS_LEFT_REST && i < factors_len; i++) {
        add_rest(words, rests[i], left[i], len, factors_len);
    }
    return true;
}

/* Adds a whole block the fast way. Returns: false if nothing was added. */
static bool add_float_block(const struct sotto__sums *sums, const struct sotto__rows *rows,
                            sotto__int128 *words, const struct sotto__term *term,
                            const uint8_t *state, size_t len)
{
    double *rest = sums->scratch + (size_t)2 * SOTTO__ROWS_LEN; /* behind the factors */
    double *const rests[2] = {rest, rest + SOTTO__ROWS_LEN};
    const double *values[2] = {NULL, NULL};
    uint64_t bounds[2] = {0, 0};
    size_t padded = (len + SOTTO__BLOCK_STEP - 1) & ~(size_t)(SOTTO__BLOCK_STEP - 1);
    if (term->factors_len > 2) {
        return false;
    }
    sotto__find_factors(values, bounds, sums->scratch, rows, term, state, state == rows->no_state,
                        len);
    return add_values(words, term->factors_len, values, bounds, rests, padded);
}

/* --- Exact values --- */

/* Adds one value, sign-extended to the slot's words. */
void sotto__add_exact(uint64_t *sum, const uint64_t *value, size_t value_limbs, size_t limbs)
{
    uint64_t sign = value[value_limbs - 1] >> 63 != 0 ? UINT64_MAX : 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < limbs; i++) {
        uint64_t word = i < value_limbs ? value[i] : sign;
        uint64_t with_carry = sum[i] + carry;
        carry = with_carry < carry;
        sum[i] = with_carry + word;
        carry += sum[i] < word;
    }
}

/* The sum of a block's values that are there, of one or two words. */
static sotto__int128 sum_present(const struct sotto__register *reg, const uint8_t *state,
                                 size_t len)
{
    sotto__int128 total = 0;
    const sotto__int128 *wide = reg->values;
    const int64_t *narrow = reg->values;
    for (size_t i = 0; reg->limbs == 2 && i < len; i++) {
        total += state[i] == 0 ? wide[i] : 0;
    }
    if (reg->limbs == 1 && reg->bits <= 53) { /* 2^53 x 512 = 2^62 fits int64 */
        int64_t sum = 0;
        for (size_t i = 0; i < len; i++) {
            sum += state[i] == 0 ? narrow[i] : 0;
        }
        return sum;
    }
    for (size_t i = 0; reg->limbs == 1 && i < len; i++) {
        total += state[i] == 0 ? narrow[i] : 0;
    }
    return total;
}

/* Adds a block of values of at most SOTTO__SUM_BITS_MAX bits. */
static void add_exact_block(uint64_t *sum, struct sotto__register *reg, const uint8_t *state,
                            bool all, size_t limbs, size_t len)
{
    sotto__int128 total = all ? sotto__register_sum(reg, len) : sum_present(reg, state, len);
    uint64_t words[2] = {(uint64_t)total, (uint64_t)(total >> 64)};
    sotto__add_exact(sum, words, 2, limbs);
}

/* --- Terms --- */

static void add_state(uint8_t *restrict to, const uint8_t *restrict state, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] |= state[i];
    }
}

const uint8_t *sotto__term_state(const struct sotto__sums *sums, const struct sotto__rows *rows,
                                 const struct sotto__term *term, size_t len)
{
    const struct sotto__program *program = rows->program;
    bool selects = sotto__program_selects(program);
    const uint8_t *state = selects ? rows->skipped : rows->registers[term->factors[0]].state;
    for (size_t i = 0; i < term->factors_len; i++) {
        const uint8_t *other = rows->registers[term->factors[i]].state;
        if (other == state || other == rows->no_state) {
            continue;
        }
        if (state != sums->state) {
            memcpy(sums->state, state, len);
        }
        add_state(sums->state, other, len);
        state = sums->state;
    }
    return state;
}

static uint64_t count_rows(const uint8_t *state, uint8_t wanted, size_t len)
{
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += state[i] == wanted;
    }
    return count;
}

/* Adds rows one by one: exact values too wide for a block's sum, doubles that the fast way refused.
 */
static void add_rows(const struct sotto__rows *rows, sotto__int128 *accumulator,
                     const struct sotto__term *term, const uint8_t *state, size_t len)
{
    const struct sotto__register *reg = &rows->registers[term->factors[0]];
    for (size_t i = 0; i < len; i++) {
        if (state[i] == 0 && term->type == SOTTO__ROW_FLOAT) {
            add_floats(rows, accumulator, term, i);
        } else if (state[i] == 0) {
            sotto__add_exact((uint64_t *)accumulator,
                             (const uint64_t *)reg->values + i * reg->limbs, reg->limbs,
                             term->limbs);
        }
    }
}

static void add_term(struct sotto__sums *sums, const struct sotto__rows *rows,
                     const struct sotto__term *term, size_t len)
{
    struct sotto__register *reg = &rows->registers[term->factors[0]];
    const uint8_t *state = sotto__term_state(sums, rows, term, len);
    sotto__int128 *accumulator = sums->accumulators + term->accumulator;
    uint8_t wanted = term->kind == SOTTO__TERM_NAN_MADE ? SOTTO__ROW_MADE_NAN : 0;
    if (rows->program->keys_len > 0) {
        sotto__grouped_add(sums, rows, term, state, wanted, len);
    } else if (term->kind != SOTTO__TERM_SUM) {
        bool all = state == rows->no_state && wanted == 0;
        *(uint64_t *)accumulator += all ? len : count_rows(state, wanted, len);
    } else if (term->type != SOTTO__ROW_FLOAT && reg->bits <= SOTTO__SUM_BITS_MAX) {
        add_exact_block((uint64_t *)accumulator, reg, state, state == rows->no_state, term->limbs,
                        len);
    } else if (state == rows->no_state && sotto__shared_add(sums, rows, term, len)) {
        return;
    } else if (term->type != SOTTO__ROW_FLOAT ||
               !add_float_block(sums, rows, accumulator, term, state, len)) {
        add_rows(rows, accumulator, term, state, len);
    }
}

static struct sotto__factor read_factor(const struct sotto__register *reg)
{
    return (struct sotto__factor){.values = reg->values, .bound = reg->bound, .least = reg->least};
}

/* Adds the doubles nearest to the products of a whole block's rows in one pass, of at most
 * SOTTO__PRODUCTS_MAX terms with one first factor. Returns: false if nothing was added. */
static bool add_rounded_block(struct sotto__sums *sums, const struct sotto__rows *rows,
                              const struct sotto__term *const *terms, size_t terms_len, size_t len)
{
    double found[SOTTO__PRODUCTS_MAX][2];
    struct sotto__factor ys[SOTTO__PRODUCTS_MAX];
    const struct sotto__register *a = &rows->registers[terms[0]->factors[0]];
    bool all = !sotto__program_selects(rows->program) && a->state == rows->no_state &&
               len % SOTTO__BLOCK_STEP == 0;
    for (size_t i = 0; i < terms_len; i++) {
        const struct sotto__register *b = &rows->registers[terms[i]->times];
        ys[i] = read_factor(b);
        all = all && b->state == rows->no_state;
    }
    const struct sotto__factor x = read_factor(a);
    if (!all || sotto__blocks()->sum_rounded_products(found, &x, ys, terms_len, len) !=
                    SOTTO__BLOCKS_SUMMED) {
        return false;
    }
    for (size_t i = 0; i < terms_len; i++) {
        sotto__int128 *words = sums->accumulators + terms[i]->accumulator;
        add_double(words, read_bits(found[i][0]), 1);
        add_double(words, read_bits(found[i][1]), 1);
    }
    return true;
}

/* Adds the doubles nearest to products: those of a block that is not added in one pass stand in the
 * register behind all others. */
static void add_rounded_products(struct sotto__sums *sums, const struct sotto__rows *rows,
                                 const struct sotto__term *term, size_t len)
{
    const struct sotto__register *a = &rows->registers[term->factors[0]];
    const struct sotto__register *b = &rows->registers[term->times];
    const uint8_t *state = sotto__rows_join_states(sums->products_state, rows, a, b, len);
    struct sotto__term product = *term;
    product.factors[0] = rows->program->ops_len;
    uint64_t least;
    uint64_t bound = sotto__blocks()->arithmetic(sums->products, &least, SOTTO__ARITHMETIC_MULTIPLY,
                                                 a->values, b->values, len);
    rows->registers[rows->program->ops_len] = (struct sotto__register){
        .values = sums->products,
        .state = state,
        .limbs = 1,
        /* What stands where there is no value says nothing of the others. */
        .bound = state == rows->no_state ? bound : SOTTO__BOUND_UNKNOWN};
    add_term(sums, rows, &product, len);
}

/* Adds the terms from the first one on that are products of its first factor, at most
 * SOTTO__PRODUCTS_MAX. Returns: how many. */
static size_t add_products_of_one(struct sotto__sums *sums, const struct sotto__rows *rows,
                                  size_t first, size_t len)
{
    const struct sotto__term *terms[SOTTO__PRODUCTS_MAX] = {
        &rows->program->terms[sums->added[first]]};
    size_t terms_len = 1;
    for (size_t i = first + 1; i < sums->added_len && terms_len < SOTTO__PRODUCTS_MAX; i++) {
        const struct sotto__term *term = &rows->program->terms[sums->added[i]];
        if (term->times == SOTTO_NONE || term->factors[0] != terms[0]->factors[0]) {
            break;
        }
        terms[terms_len++] = term;
    }
    if (add_rounded_block(sums, rows, terms, terms_len, len)) {
        return terms_len;
    }
    for (size_t i = 0; i < terms_len; i++) {
        if (terms_len == 1 || !add_rounded_block(sums, rows, &terms[i], 1, len)) {
            add_rounded_products(sums, rows, terms[i], len);
        }
    }
    return terms_len;
}

static void take_rows(void *context, const struct sotto__rows *rows, size_t dataset, size_t len)
{
    struct sotto__sums *sums = context;
    const struct sotto__program *program = rows->program;
    size_t added_len =
        sotto__shared_begin(sums, rows, dataset, len) ? sums->unshared_len : sums->added_len;
    for (size_t i = 0, now = 1; i < added_len; i += now) {
        const struct sotto__term *term = &program->terms[sums->added[i]];
        now = 1;
        if (program->ops[term->factors[0]].dataset != dataset) {
            continue;
        }
        if (term->times != SOTTO_NONE) {
            now = add_products_of_one(sums, rows, i, len);
        } else if (term->index == SOTTO_NONE) {
            add_term(sums, rows, term, len);
        } else {
            sotto__binned_add(sums, rows, sums->added[i], len);
        }
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        if (program->ops[index->op].dataset == dataset && index->twin == i) {
            sotto__indexed_add(sums, rows, i, len);
        }
    }
}

struct sotto__rows_sink sotto__sums_sink(struct sotto__sums *sums)
{
    return (struct sotto__rows_sink){.take = take_rows, .context = sums};
}

/* --- Out of the accumulators --- */

/* Carries through the words, which makes two's complement of them, and adds that to out. */
static void carry_words(uint64_t *out, const sotto__int128 *words, size_t limbs)
{
    sotto__int128 rest = 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < limbs; i++) {
        rest += words[i];
        uint64_t word = (uint64_t)rest;
        rest >>= 64; /* arithmetic in gcc and clang */
        uint64_t sum = out[i] + carry;
        carry = sum < carry;
        out[i] = sum + word;
        carry += out[i] < word;
    }
    SOTTO_VERIFY(rest + words[limbs] == 0 || rest + words[limbs] == -1); /* only the sign is left */
}

void sotto__sums_add_to(struct sotto__sums *sums, uint64_t *out)
{
    const struct sotto__program *program = sums->program;
    sotto__grouped_flush(sums);
    sotto__shared_flush(sums);
    for (size_t group = 0; group < program->groups_len; group++) {
        for (size_t i = 0; i < program->terms_len; i++) {
            const struct sotto__term *term = &program->terms[i];
            sotto__int128 *from = sums->accumulators + group * program->group_accumulators;
            uint64_t *to = out + group * program->group_limbs + term->offset;
            from += term->accumulator;
            if (term->index != SOTTO_NONE && !term->is_binned) {
                continue;
            }
            if (term->kind != SOTTO__TERM_SUM || term->type != SOTTO__ROW_FLOAT) {
                sotto__limbs_add(to, (const uint64_t *)from, term->limbs);
                continue;
            }
            carry_words(to, from, term->limbs);
            const sotto__int128 *total = sotto__shared_total(sums, term);
            if (total != NULL) {
                carry_words(to, total, term->limbs);
            }
            for (size_t j = 0; term->has_infinities && j < 2; j++) {
                to[term->limbs + j] += find_infinities(from, term)[j];
            }
        }
        sotto__indexed_add_to(sums, out, group);
    }
}

/* --- Making one --- */

/* Whether each block is added to a term. Counts of an index are read off when the rows are over,
 * and the sums by an index's numbers are all reached from the first of them. */
static bool is_added(const struct sotto__term *term)
{
    return term->index == SOTTO_NONE || (term->is_binned && term->first == 0);
}

static enum sotto_status list_added(struct sotto__sums *sums, const struct sotto__program *program)
{
    size_t len = 0;
    for (size_t i = 0; i < program->terms_len; i++) {
        len += is_added(&program->terms[i]);
    }
    sums->added = sotto_alloc_array(len, sizeof *sums->added);
    if (sums->added == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < program->terms_len; i++) {
            const struct sotto__term *term = &program->terms[i];
            if (is_added(term) && sotto__shared_sums(sums->shared, program, term) == (turn == 1)) {
                sums->added[sums->added_len++] = i;
            }
        }
        sums->unshared_len = turn == 0 ? sums->added_len : sums->unshared_len;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__sums_init(struct sotto__sums *out, const struct sotto__program *program)
{
    size_t groups_len = program->groups_len;
    *out = (struct sotto__sums){.program = program};
    out->accumulators =
        sotto_alloc_aligned(program->group_accumulators * groups_len * sizeof *out->accumulators);
    out->grids = sotto_alloc_array(program->grids_len, sizeof *out->grids);
    out->grid_sums = sotto_alloc_aligned(sotto__grouped_sums_len(program) * sizeof *out->grid_sums);
    out->parts =
        sotto_alloc_aligned((size_t)(SOTTO__GRIDS_LEN + 2) * SOTTO__ROWS_LEN * sizeof *out->parts);
    out->counts = sotto_alloc_array(program->group_counts * groups_len, sizeof *out->counts);
    out->totals = sotto_alloc_array(program->group_counts, sizeof *out->totals);
    out->scratch = sotto_alloc_aligned((size_t)4 * SOTTO__ROWS_LEN * sizeof *out->scratch);
    out->state = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    out->products = sotto_alloc_aligned(SOTTO__ROWS_LEN * sizeof *out->products);
    out->products_state = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    if (out->accumulators == NULL || out->grids == NULL || out->grid_sums == NULL ||
        out->parts == NULL || out->counts == NULL || out->totals == NULL || out->scratch == NULL ||
        out->state == NULL || out->products == NULL || out->products_state == NULL ||
        sotto__shared_new(&out->shared, program) != SOTTO_OK ||
        list_added(out, program) != SOTTO_OK) {
        sotto__sums_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

void sotto__sums_release(struct sotto__sums *sums)
{
    sotto_free(sums->accumulators);
    sotto_free(sums->grids);
    sotto_free(sums->grid_sums);
    sotto_free(sums->parts);
    sotto_free(sums->counts);
    sotto_free(sums->totals);
    sotto_free(sums->scratch);
    sotto_free(sums->state);
    sotto_free(sums->products);
    sotto_free(sums->products_state);
    sotto_free(sums->added);
    sotto__shared_free(sums->shared);
    *sums = (struct sotto__sums){0};
}
