/* SPDX-License-Identifier: Apache-2.0 */

/* The rules on each sum of a group: presence, hidden conditions, columns that are one, identifiers,
 * dominance, and cover. Leans on the engine's evidence for the values and the terms of a sum, and
 * on judge_sets.c for sums of one monomial, or of one column, that are opened over several sets.
 *
 * The one idea: a sum is known by its rows, its factors and the size of its terms; what it tells is
 * looked for in these three, by one function for each rule. */

#include "judge.h"

#include <math.h>

/* --- Sums over several sets --- */

static bool is_same_monomial(const struct sotto_evidence_sum *a, const struct sotto_evidence_sum *b)
{
    return a->factors[0] == b->factors[0] && a->factors[1] == b->factors[1];
}

/* Judges the sums of a family among all rows, and among those in which columns are not 0. */
static enum sotto_status judge_opened(struct family *family, const struct judging *judging,
                                      const size_t columns[2])
{
    size_t columns_len;
    const struct sotto_evidence_column *all =
        sotto_evidence_columns(judging->evidence, &columns_len);
    size_t universes[2];
    size_t len = 0;
    if (family->len < 2) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__family_judge(family, judging, NULL, 0, SOTTO_RULE_PRESENCE);
    for (size_t i = 0; i < 2; i++) {
        if (columns[i] != SOTTO_NONE && all[columns[i]].support != SOTTO_NONE) {
            universes[len++] = all[columns[i]].support;
        }
    }
    return status == SOTTO_OK && len > 0
               ? sotto__family_judge(family, judging, universes, len, SOTTO_RULE_PRESENCE)
               : status;
}

static uint64_t count_difference(const struct judging *judging, size_t set, size_t less)
{
    uint64_t rows = 0;
    for (size_t i = judging->first; i < judging->first + judging->len; i++) {
        bool is_in = sotto_evidence_holds(judging->evidence, i, set) &&
                     !sotto_evidence_holds(judging->evidence, i, less);
        rows += is_in ? judging->atoms[i].rows : 0;
    }
    return rows;
}

/* Whether the evidence looks at what a sum tells less another one of the same monomial. */
static bool is_compared(const struct judging *judging, const struct sotto_evidence_sum *one,
                        size_t less)
{
    bool found = false;
    for (size_t i = 0; !found && i < judging->sums_len; i++) {
        const struct sotto_evidence_sum *sum = &judging->sums[i];
        found = sum->is_difference && sum->set == one->set && sum->less == less &&
                is_same_monomial(sum, one);
    }
    return found;
}

/* Of a monomial over many sets not each two are looked at: then no row may be in one of these and
 * not in the other. */
static enum sotto_status judge_uncompared(const struct judging *judging,
                                          const struct sotto_evidence_sum *one,
                                          const struct family *family)
{
    for (size_t i = 0; i < family->len; i++) {
        size_t less = family->list[i].set;
        if (count_difference(judging, one->set, less) > 0 && !is_compared(judging, one, less)) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_PRESENCE,
                "what stands at column %zu of %.160s is summed up over more sets of rows "
                "than can be compared: ask for fewer at once, or for groups",
                one->start + 1, one->text);
        }
    }
    return SOTTO_OK;
}

/* The sets over which one monomial is opened: sum is the first that opens it. */
static enum sotto_status judge_monomial(const struct judging *judging, size_t sum)
{
    struct family family;
    for (size_t i = 0; i < sum; i++) {
        if (is_same_monomial(&judging->sums[i], &judging->sums[sum])) {
            return SOTTO_OK;
        }
    }
    enum sotto_status status = sotto__family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = sum; i < judging->sums_len; i++) {
        if (!judging->sums[i].is_difference &&
            is_same_monomial(&judging->sums[i], &judging->sums[sum])) {
            sotto__family_add(&family, judging->sums[i].set, SOTTO_NONE, SOTTO_NONE);
        }
    }
    status = judge_opened(&family, judging, judging->sums[sum].factors);
    for (size_t i = sum; status == SOTTO_OK && family.len > 1 && i < judging->sums_len; i++) {
        if (!judging->sums[i].is_difference &&
            is_same_monomial(&judging->sums[i], &judging->sums[sum])) {
            status = judge_uncompared(judging, &judging->sums[i], &family);
        }
    }
    sotto__family_release(&family);
    return status;
}

bool sotto__judge_find_partner(const struct sotto_evidence_sum *sum, size_t *out, size_t column)
{
    bool is_first = sum->factors[0] == column;
    *out = is_first ? sum->factors[1] : sum->factors[0];
    return is_first || sum->factors[1] == column;
}

/* The sums of a column, and of its products with columns of few values: each of these is a sum over
 * the rows of each value, that many times. */
static enum sotto_status judge_column(const struct judging *judging, size_t column)
{
    struct family family;
    size_t partner;
    enum sotto_status status = sotto__family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < judging->sums_len; i++) {
        if (sotto__judge_is_sum_here(judging, i) &&
            sotto__judge_find_partner(&judging->sums[i], &partner, column) &&
            sotto__judge_has_levels(judging, partner)) {
            sotto__family_add(&family, judging->sums[i].set, partner, SOTTO_NONE);
        }
    }
    status = judge_opened(&family, judging, (const size_t[2]){column, SOTTO_NONE});
    sotto__family_release(&family);
    return status;
}

enum sotto_status sotto__judge_columns(const struct judging *judging)
{
    size_t len;
    enum sotto_status status = SOTTO_OK;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        bool has_two = columns[i].dataset == judging->dataset && columns[i].support != SOTTO_NONE;
        status = has_two ? judge_column(judging, i) : SOTTO_OK;
    }
    return status;
}

/* --- Single sums --- */

static enum sotto_status judge_presence(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    uint64_t min_rows = judging->rules->min_rows;
    struct sotto_evidence_terms terms =
        sotto_evidence_terms_of(judging->evidence, judging->group, at);
    uint64_t rows = terms.rows > 0 && terms.rows < min_rows ? terms.rows : terms.infinite;
    if (rows > 0 && rows < min_rows) {
        return sotto__judge_refuse(
            judging, SOTTO_RULE_PRESENCE,
            "what stands at column %zu of %.160s has values in %llu rows here and is "
            "infinite in %llu, none or at least %llu are needed",
            sum->start + 1, sum->text, sotto__judge_shown(terms.rows),
            sotto__judge_shown(terms.infinite), sotto__judge_shown(min_rows));
    }
    return sum->is_difference ? SOTTO_OK : judge_monomial(judging, at);
}

/* The sum of a column of three values, that of its squares, and how many rows there are, say how
 * many have which value. */
static enum sotto_status judge_square(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    size_t columns_len;
    const struct sotto_evidence_column *columns =
        sotto_evidence_columns(judging->evidence, &columns_len);
    struct sotto_evidence_values values =
        sotto_evidence_values_of(judging->evidence, judging->group, at, 0);
    bool counts = sum->factors[0] == sum->factors[1] && values.is_counted && values.distinct == 3;
    if (!counts || values.least >= judging->rules->min_rows) {
        return SOTTO_OK;
    }
    const struct sotto_evidence_column *column = &columns[sum->factors[0]];
    return sotto__judge_refuse(
        judging, SOTTO_RULE_HIDDEN,
        "%s has three values here, one of them in %llu rows: its sum and that of its squares count "
        "these, at least %llu are needed",
        sotto__judge_name(column).text, sotto__judge_shown(values.least),
        sotto__judge_shown(judging->rules->min_rows));
}

static enum sotto_status judge_hidden(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    uint64_t min_rows = judging->rules->min_rows;
    size_t columns_len;
    const struct sotto_evidence_column *columns =
        sotto_evidence_columns(judging->evidence, &columns_len);
    for (size_t i = 0; i < 2 && sum->factors[i] != SOTTO_NONE; i++) {
        struct sotto_evidence_values values =
            sotto_evidence_values_of(judging->evidence, judging->group, at, i);
        /* Where not even half of few rows have one value, there is no such value. */
        bool has_one = values.is_counted && 2 * values.differing <= values.rows;
        if (values.rows > 0 && has_one && values.differing < min_rows) {
            const struct sotto_evidence_column *column = &columns[sum->factors[i]];
            return sotto__judge_refuse(
                judging, SOTTO_RULE_HIDDEN,
                "%s has one value in all but %llu of %llu rows here, at least %llu others are "
                "needed: it is a condition",
                sotto__judge_name(column).text, sotto__judge_shown(values.differing),
                sotto__judge_shown(values.rows), sotto__judge_shown(min_rows));
        }
    }
    return SOTTO_OK;
}

/* Two columns that differ in few rows, but for their units, are one: they may not both be summed up
 * alone, nor times the same third. */
static enum sotto_status judge_near(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    size_t columns_len;
    const struct sotto_evidence_column *columns =
        sotto_evidence_columns(judging->evidence, &columns_len);
    for (size_t i = 0; i < at && !sum->is_difference; i++) {
        for (size_t j = 0; j < 4; j++) {
            size_t a = sum->factors[j / 2];
            size_t b = judging->sums[i].factors[j % 2];
            size_t partners[2];
            if (a == SOTTO_NONE || b == SOTTO_NONE || a == b ||
                !sotto__judge_is_sum_here(judging, i) ||
                !sotto__judge_find_partner(sum, &partners[0], a) ||
                !sotto__judge_find_partner(&judging->sums[i], &partners[1], b)) {
                continue;
            }
            bool is_one = partners[0] == partners[1] || partners[0] == b || partners[1] == a;
            bool is_near = false;
            enum sotto_status status =
                is_one ? sotto_evidence_is_near(&is_near, judging->evidence, judging->group, a, b)
                       : SOTTO_OK;
            if (status != SOTTO_OK) {
                return status;
            }
            if (is_near) {
                return sotto__judge_refuse(
                    judging, SOTTO_RULE_HIDDEN,
                    "%s and %s are the same here, but for units and for fewer than %llu rows",
                    sotto__judge_name(&columns[a]).text, sotto__judge_name(&columns[b]).text,
                    sotto__judge_shown(judging->rules->min_rows));
            }
        }
    }
    return SOTTO_OK;
}

/* Whether a sum has a factor of more than two values: a number of rows dominates nothing. */
static bool is_magnitude(const struct judging *judging, size_t at)
{
    bool found = false;
    for (size_t i = 0; i < 2 && judging->sums[at].factors[i] != SOTTO_NONE; i++) {
        struct sotto_evidence_values values =
            sotto_evidence_values_of(judging->evidence, judging->group, at, i);
        found = found || !values.is_counted || values.distinct > 2;
    }
    return found;
}

static enum sotto_status judge_dominance(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    struct sotto_evidence_terms terms =
        sotto_evidence_terms_of(judging->evidence, judging->group, at);
    double rest = terms.total - terms.largest[0] - terms.largest[1];
    double needed = terms.largest[0] * judging->rules->dominance / 100;
    /* The total's last bits depend on how rows were read: what is that near is refused. */
    if (terms.rows == 0 || !is_magnitude(judging, at) || rest > needed + 1e-9 * terms.total) {
        return SOTTO_OK;
    }
    return sotto__judge_refuse(
        judging, SOTTO_RULE_DOMINANCE,
        "of what stands at column %zu of %.160s one row makes up so much here that all "
        "others but the next one are less than %u %% of it: clip(x, lo, hi) limits it",
        sum->start + 1, sum->text, judging->rules->dominance);
}

/* Whether a factor of a product has one value only: the product is the sum of the other one then,
 * so many times, and tells nothing of rows with other values, which others may have. */
static bool is_constant_product(const struct judging *judging, size_t at)
{
    const size_t *factors = judging->sums[at].factors;
    bool found = false;
    for (size_t i = 0; i < 2 && factors[1] != SOTTO_NONE && factors[0] != factors[1]; i++) {
        struct sotto_evidence_values values =
            sotto_evidence_values_of(judging->evidence, judging->group, at, i);
        found = found || (values.is_counted && values.distinct < 2);
    }
    return found;
}

/* Whether a party has too little of a sum to stand behind it: too few values, or nothing but zeros.
 */
static bool has_few_terms(const struct judging *judging, size_t at)
{
    struct sotto_evidence_terms terms =
        sotto_evidence_terms_of(judging->evidence, judging->group, at);
    bool is_nothing = terms.total == 0 && terms.infinite == 0;
    return terms.rows < sotto__judge_least_rows(judging) || is_nothing ||
           is_constant_product(judging, at);
}

void sotto__judge_cover(const struct judging *judging)
{
    bool is_few = judging->rows < sotto__judge_least_rows(judging);
    for (size_t i = 0; !is_few && i < judging->sums_len; i++) {
        is_few = !judging->sums[i].is_difference && sotto__judge_is_sum_here(judging, i) &&
                 has_few_terms(judging, i);
    }
    judging->withheld->few_groups[judging->group] |= is_few;
}

static bool is_identifier(const struct judging *judging, size_t column)
{
    size_t len;
    const struct sotto_evidence_column *of =
        &sotto_evidence_columns(judging->evidence, &len)[column];
    const struct sotto_disclosure *disclosure = judging->disclosure;
    enum sotto_column_kind kind =
        disclosure->kind_of != NULL && of->name != NULL
            ? disclosure->kind_of(disclosure->kind_context, of->file, of->name)
            : SOTTO_COLUMN_UNDECLARED;
    return kind == SOTTO_COLUMN_IDENTIFIER ||
           (kind == SOTTO_COLUMN_UNDECLARED &&
            sotto_evidence_is_identifier(judging->evidence, column));
}

/* A product with an identifier has as many known digits as tell many values at once. */
static enum sotto_status judge_identifiers(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    bool is_product = sum->factors[1] != SOTTO_NONE && sum->factors[0] != sum->factors[1];
    size_t len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    for (size_t i = 0; is_product && !sum->is_difference && i < 2; i++) {
        if (is_identifier(judging, sum->factors[i])) {
            const struct sotto_evidence_column *column = &columns[sum->factors[i]];
            return sotto__judge_refuse(
                judging, SOTTO_RULE_BUDGET,
                "%s is an identifier here, which its owner lets nobody multiply",
                sotto__judge_name(column).text);
        }
    }
    return SOTTO_OK;
}

/* A sum of exact numbers has as many digits as its largest term and its last one are apart. Where
 * these are as many bits as some rows have of a column, all of them may be told by this one sum: of
 * a secret column times a known one. Alone, a column's rows always have more. */
static enum sotto_status judge_bits(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    struct sotto_evidence_terms terms =
        sotto_evidence_terms_of(judging->evidence, judging->group, at);
    size_t columns_len;
    const struct sotto_evidence_column *columns =
        sotto_evidence_columns(judging->evidence, &columns_len);
    double widths[2];
    double steps[2];
    if (sum->factors[1] == SOTTO_NONE || sum->factors[0] == sum->factors[1] || terms.rows == 0) {
        return SOTTO_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        widths[i] = sotto_evidence_bits(judging->evidence, &steps[i], judging->group, at, i);
    }
    double bits = fmin(log2(terms.total) - log2(steps[0]) - log2(steps[1]),
                       log2((double)terms.rows) + widths[0] + widths[1]);
    for (size_t i = 0; i < 2; i++) {
        const struct sotto_evidence_column *column = &columns[sum->factors[i]];
        if (widths[i] > 0 && bits >= (double)terms.rows * widths[i]) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_BUDGET,
                "a sum has %.0f bits here, and the values of %s have %.1f in each of %llu rows: it "
                "may tell all of them, ask for it over more rows",
                ceil(bits), sotto__judge_name(column).text, widths[i],
                sotto__judge_shown(terms.rows));
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__judge_sums(const struct judging *judging)
{
    static const struct {
        enum sotto_rule rule;
        enum sotto_status (*judge)(const struct judging *judging, size_t at);
    } rules[] = {{SOTTO_RULE_PRESENCE, judge_presence},  {SOTTO_RULE_HIDDEN, judge_hidden},
                 {SOTTO_RULE_HIDDEN, judge_square},      {SOTTO_RULE_HIDDEN, judge_near},
                 {SOTTO_RULE_BUDGET, judge_identifiers}, {SOTTO_RULE_DOMINANCE, judge_dominance},
                 {SOTTO_RULE_BUDGET, judge_bits}};
    for (size_t i = 0; i < judging->sums_len; i++) {
        for (size_t j = 0; sotto__judge_is_here(judging, judging->sums[i].set) &&
                           j < sizeof rules / sizeof rules[0];
             j++) {
            enum sotto_status status =
                sotto__judge_is_on(judging, rules[j].rule) ? rules[j].judge(judging, i) : SOTTO_OK;
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}
