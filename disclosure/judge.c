/* SPDX-License-Identifier: Apache-2.0 */

/* The rules that look at a party's own rows, in each round, before anything leaves: R1 (rows), R2
 * (presence), R3 (hidden) and R5 (dominance). It leans on the engine's evidence for what there is,
 * and on mixture.c for what sums give away together. The one idea: not what a plan says is judged,
 * but which rows stand behind each sum, and behind each difference of sums.
 *
 * 1. A set that the asker made (where and what it leaves out, a group, a condition and what it
 *    leaves out, a bin, a level) has at least min_rows rows. None and few are one class: whether
 *    anybody is number 17 is told by neither. Where and conditions refuse; groups and cells are
 *    withheld one by one.
 * 2. No combination of these sets is of 1 to min_rows - 1 rows. A cell that takes part in one is
 *    withheld too: a total less all other cells would give back what was withheld first.
 * 3. Sets that missing values made may be none. But where one monomial is opened over two sets,
 *    these differ by no rows or by min_rows.
 * 4. A column that has one value in most rows of a sum, and others in few, is a condition in
 *    disguise.
 * 5. No row is nearly all of a sum.
 *
 * With groups, each is judged alone, and a group that fails is withheld, not the plan refused.
 *
 * What passes is opened only where enough other parties have as much (R4). This party's part of
 * that is said too: where it gives what it has, but has few. */

#include "mixture.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

/* So often one more cell is withheld where sets are too many to be compared. */
#define BLIND_TRIES 16

struct judging {
    struct sotto_disclosure *disclosure;
    const struct sotto_rules *rules;
    const struct sotto_evidence *evidence;
    struct sotto_withheld *withheld;
    const struct sotto_evidence_set *sets;
    size_t sets_len;
    const struct sotto_evidence_sum *sums;
    size_t sums_len;
    uint64_t prime;
    size_t group;
    /* The atoms of the group, of one dataset: */
    size_t dataset;
    const struct sotto_evidence_atom *atoms;
    size_t first; /* of the dataset's atoms */
    size_t len;
    uint64_t rows;
    struct sotto_error *err;
};

static bool is_on(const struct judging *judging, enum sotto_rule rule)
{
    return judging->rules->is_on[rule];
}

/* --- Refusals --- */

SOTTO_PRINTF(3, 4)
static enum sotto_status refuse(const struct judging *judging, enum sotto_rule rule,
                                const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    judging->disclosure->rule = rule;
    return sotto_error_set(judging->err, SOTTO_ERROR_REFUSED, "rule %s: %s", sotto_rule_code(rule),
                           text);
}

static unsigned long long shown(uint64_t rows)
{
    return rows;
}

/* --- Sets --- */

static uint64_t weigh_set(const struct judging *judging, size_t set)
{
    uint64_t rows = 0;
    for (size_t i = judging->first; i < judging->first + judging->len; i++) {
        rows += sotto_evidence_holds(judging->evidence, i, set) ? judging->atoms[i].rows : 0;
    }
    return rows;
}

static bool is_here(const struct judging *judging, size_t set)
{
    return judging->sets[set].dataset == judging->dataset;
}

static uint8_t *find_cell(const struct judging *judging, size_t set)
{
    return &judging->withheld
                ->cells[judging->group * judging->withheld->cells_len + judging->sets[set].cell];
}

static uint8_t *find_few_cell(const struct judging *judging, size_t set)
{
    return &judging->withheld->few_cells[judging->group * judging->withheld->cells_len +
                                         judging->sets[set].cell];
}

/* What a party must have of a cell, or of a sum, so that others can stand behind it. */
static uint64_t least_rows(const struct judging *judging)
{
    return judging->rules->min_rows > 0 ? judging->rules->min_rows : 1;
}

/* Judges each set alone; cells that are too small are withheld. */
static enum sotto_status judge_sets(const struct judging *judging)
{
    uint64_t min_rows = judging->rules->min_rows;
    for (size_t i = 0; i < judging->sets_len; i++) {
        const struct sotto_evidence_set *set = &judging->sets[i];
        if (!is_here(judging, i) || !set->is_told_apart) {
            continue;
        }
        uint64_t in = weigh_set(judging, i);
        uint64_t out = judging->rows - in;
        if (set->kind == SOTTO_SET_CELL && in < least_rows(judging) &&
            is_on(judging, SOTTO_RULE_COVER)) {
            *find_few_cell(judging, i) = 1;
        }
        if (set->kind == SOTTO_SET_CELL && in < min_rows && is_on(judging, SOTTO_RULE_ROWS)) {
            *find_cell(judging, i) = 1;
        } else if (set->kind == SOTTO_SET_CONDITION && (in < min_rows || out < min_rows) &&
                   is_on(judging, SOTTO_RULE_ROWS)) {
            return refuse(judging, SOTTO_RULE_ROWS,
                          "the condition at column %zu of %.160s holds for %llu rows here and not "
                          "for %llu, at least %llu each are needed",
                          set->start + 1, set->text, shown(in), shown(out), shown(min_rows));
        } else if (set->kind == SOTTO_SET_MADE && in > 0 && in < min_rows &&
                   is_on(judging, SOTTO_RULE_PRESENCE)) {
            return refuse(judging, SOTTO_RULE_PRESENCE,
                          "what stands at column %zu of %.160s makes or takes the place of missing "
                          "values in %llu rows here, none or at least %llu are needed",
                          set->start + 1, set->text, shown(in), shown(min_rows));
        } else if (set->kind == SOTTO_SET_CLIPPED && in >= min_rows &&
                   is_on(judging, SOTTO_RULE_HIDDEN)) {
            return refuse(judging, SOTTO_RULE_HIDDEN,
                          "what stands at column %zu of %.160s changes the values of %llu rows "
                          "here: fewer than %llu are few enough to be no condition",
                          set->start + 1, set->text, shown(in), shown(min_rows));
        }
    }
    return SOTTO_OK;
}

/* --- Combinations of sets --- */

/* A sum of a family: over a set (SOTTO_NONE: the universe itself), of products with two columns of
 * few values (SOTTO_NONE: 1). */
struct opened {
    size_t set;
    size_t by[2];
};

/* Sums that are opened together, of one value, over the rows of a universe. */
struct family {
    struct opened *list;
    size_t len;
    size_t len_max;
    uint64_t *weights;
    uint64_t *factors; /* [sum * atoms_len + atom] */
    uint8_t *found;
    size_t atoms_len;
};

static void family_release(struct family *family)
{
    sotto_free(family->list);
    sotto_free(family->weights);
    sotto_free(family->factors);
    sotto_free(family->found);
}

static enum sotto_status family_init(struct family *out, const struct judging *judging)
{
    size_t len_max = judging->sets_len + judging->sums_len + 1;
    *out = (struct family){.len_max = len_max};
    out->list = sotto_alloc_array(len_max, sizeof *out->list);
    out->found = sotto_alloc_array(len_max, sizeof *out->found);
    if (out->list == NULL || out->found == NULL) {
        family_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

static void add_opened(struct family *family, size_t set, size_t by, size_t and_by)
{
    SOTTO_REQUIRE(family->len < family->len_max);
    family->list[family->len++] = (struct opened){.set = set, .by = {by, and_by}};
}

/* What a sum has of each row of an atom. */
static uint64_t find_factor(const struct judging *judging, const struct opened *opened, size_t atom)
{
    const struct sotto_evidence *evidence = judging->evidence;
    bool is_in = opened->set == SOTTO_NONE || sotto_evidence_holds(evidence, atom, opened->set);
    uint64_t factor = is_in;
    for (size_t i = 0; i < 2 && is_in && opened->by[i] != SOTTO_NONE; i++) {
        double level = sotto_evidence_level(evidence, atom, opened->by[i]);
        factor = sotto__mixture_multiply(factor, sotto__mixture_number(level, judging->prime),
                                         judging->prime);
    }
    return factor;
}

/* Adds an atom, or its rows to those of one that counts as much in all sums. */
static void add_atom(struct family *family, const uint64_t *factors, uint64_t rows)
{
    for (size_t i = 0; i < family->atoms_len; i++) {
        if (memcmp(family->factors + i * family->len, factors, family->len * sizeof *factors) ==
            0) {
            family->weights[i] += rows;
            return;
        }
    }
    memmove(family->factors + family->atoms_len * family->len, factors,
            family->len * sizeof *factors);
    family->weights[family->atoms_len++] = rows;
}

/* Collects the atoms within all universes (universes_len of them), as the family's sums see them,
 * and turns the table so that each sum has its row. */
static enum sotto_status collect_atoms(struct family *family, const struct judging *judging,
                                       const size_t *universes, size_t universes_len)
{
    size_t len = family->len;
    uint64_t *turned = NULL;
    sotto_free(family->weights);
    sotto_free(family->factors);
    family->atoms_len = 0;
    family->weights = sotto_alloc_array(judging->len, sizeof *family->weights);
    family->factors = sotto_alloc_array((judging->len + 1) * len, sizeof *family->factors);
    if (family->weights == NULL || family->factors == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = judging->first; i < judging->first + judging->len; i++) {
        uint64_t *factors = family->factors + judging->len * len; /* the last row is scratch */
        bool is_in = true;
        for (size_t j = 0; is_in && j < universes_len; j++) {
            is_in = sotto_evidence_holds(judging->evidence, i, universes[j]);
        }
        for (size_t j = 0; is_in && j < len; j++) {
            factors[j] = find_factor(judging, &family->list[j], i);
        }
        if (is_in) {
            add_atom(family, factors, judging->atoms[i].rows);
        }
    }
    turned = sotto_alloc_array(family->atoms_len * len, sizeof *turned);
    if (turned == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < family->atoms_len; i++) {
        for (size_t j = 0; j < len; j++) {
            turned[j * family->atoms_len + i] = family->factors[i * len + j];
        }
    }
    sotto_free(family->factors);
    family->factors = turned;
    return SOTTO_OK;
}

/* Looks for a combination on few rows. *out_found, and family->found; where the sets are too many
 * to be compared, all of them count as one. */
static enum sotto_status find_combination(struct family *family, bool *out_found, bool *out_blind,
                                          const struct judging *judging)
{
    const struct sotto__mixture mixture = {.weights = family->weights,
                                           .atoms_len = family->atoms_len,
                                           .factors = family->factors,
                                           .sets_len = family->len};
    enum sotto_status status = sotto__mixture_find(&mixture, out_found, family->found,
                                                   judging->rules->min_rows, judging->prime);
    *out_blind = status == SOTTO_ERROR_LIMIT;
    if (*out_blind) {
        *out_found = true;
        memset(family->found, 1, family->len);
        return SOTTO_OK;
    }
    return status;
}

/* Withholds the smallest cell of a combination, and takes it out of the family. Returns: false if
 * there is none. */
static bool withhold_cell(struct family *family, const struct judging *judging)
{
    size_t smallest = SOTTO_NONE;
    uint64_t least = 0;
    for (size_t i = 0; i < family->len; i++) {
        size_t set = family->list[i].set;
        if (family->found[i] == 0 || set == SOTTO_NONE ||
            judging->sets[set].kind != SOTTO_SET_CELL) {
            continue;
        }
        uint64_t rows = weigh_set(judging, set);
        if (smallest == SOTTO_NONE || rows < least) {
            smallest = i;
            least = rows;
        }
    }
    if (smallest == SOTTO_NONE) {
        return false;
    }
    *find_cell(judging, family->list[smallest].set) = 1;
    family->list[smallest] = family->list[--family->len];
    return true;
}

static enum sotto_status refuse_combination(const struct family *family,
                                            const struct judging *judging, enum sotto_rule rule)
{
    size_t named[2] = {SOTTO_NONE, SOTTO_NONE};
    for (size_t i = family->len; i-- > 0;) {
        if (family->found[i] != 0 && family->list[i].set != SOTTO_NONE) {
            named[1] = named[0];
            named[0] = family->list[i].set;
        }
    }
    SOTTO_REQUIRE(named[0] != SOTTO_NONE); /* the universe alone has enough rows */
    const struct sotto_evidence_set *one = &judging->sets[named[0]];
    const struct sotto_evidence_set *other =
        named[1] != SOTTO_NONE ? &judging->sets[named[1]] : one;
    if (rule == SOTTO_RULE_PRESENCE) {
        return refuse(
            judging, rule,
            "what stands at column %zu of %.120s and at column %zu of %.120s is summed up "
            "over rows that differ by 1 to %llu here: \"rows\": \"complete\" in the plan "
            "takes the same rows for all",
            one->start + 1, one->text, other->start + 1, other->text,
            shown(judging->rules->min_rows - 1));
    }
    return refuse(
        judging, rule,
        "the conditions at column %zu of %.120s and at column %zu of %.120s give 1 to %llu "
        "rows away together here",
        one->start + 1, one->text, other->start + 1, other->text,
        shown(judging->rules->min_rows - 1));
}

static uint64_t count_rows(const struct family *family)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < family->atoms_len; i++) {
        rows += family->weights[i];
    }
    return rows;
}

/* Withholds cells of a family until nothing is given away. Returns: SOTTO_ERROR_REFUSED where that
 * does not help. */
static enum sotto_status judge_family(struct family *family, const struct judging *judging,
                                      const size_t *universes, size_t universes_len,
                                      enum sotto_rule rule)
{
    bool found = true;
    size_t blind_tries = 0;
    while (found) {
        bool is_blind;
        enum sotto_status status = collect_atoms(family, judging, universes, universes_len);
        if (status != SOTTO_OK) {
            return status;
        }
        status = find_combination(family, &found, &is_blind, judging);
        if (status != SOTTO_OK) {
            return status;
        }
        if (count_rows(family) < judging->rules->min_rows) {
            return SOTTO_OK; /* each cell is withheld already, and nothing is opened of the rest */
        }
        blind_tries += is_blind;
        if (found && (blind_tries > BLIND_TRIES || !withhold_cell(family, judging))) {
            return refuse_combination(family, judging, rule);
        }
    }
    return SOTTO_OK;
}

static bool is_sum_here(const struct judging *judging, size_t sum)
{
    return is_here(judging, judging->sums[sum].set) && !judging->sums[sum].is_difference;
}

static bool has_levels(const struct judging *judging, size_t column)
{
    return column == SOTTO_NONE || sotto_evidence_has_levels(judging->evidence, column);
}

/* Adds the sums of columns of few values, and of their products: these are counts. */
static void add_counts(struct family *family, const struct judging *judging)
{
    for (size_t i = 0; i < judging->sums_len; i++) {
        const size_t *factors = judging->sums[i].factors;
        if (is_sum_here(judging, i) && has_levels(judging, factors[0]) &&
            has_levels(judging, factors[1])) {
            add_opened(family, judging->sums[i].set, factors[0], factors[1]);
        }
    }
}

/* Adds the conditions, and the cells that are shown, of a universe or (SOTTO_NONE) of all. */
static void add_asked(struct family *family, const struct judging *judging, bool has_cells,
                      size_t universe)
{
    add_opened(family, SOTTO_NONE, SOTTO_NONE, SOTTO_NONE);
    for (size_t i = 0; i < judging->sets_len; i++) {
        const struct sotto_evidence_set *set = &judging->sets[i];
        bool is_cell = set->kind == SOTTO_SET_CELL && has_cells &&
                       (universe == SOTTO_NONE || set->universe == universe);
        if (is_here(judging, i) &&
            (set->kind == SOTTO_SET_CONDITION || (is_cell && *find_cell(judging, i) == 0))) {
            add_opened(family, i, SOTTO_NONE, SOTTO_NONE);
        }
    }
    add_counts(family, judging);
}

static enum sotto_status judge_universe(const struct judging *judging, const size_t *universes,
                                        size_t universes_len, bool has_cells, size_t universe)
{
    struct family family;
    enum sotto_status status = family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    add_asked(&family, judging, has_cells, universe);
    status = judge_family(&family, judging, universes, universes_len, SOTTO_RULE_ROWS);
    family_release(&family);
    return status;
}

/* Sets that the asker made, together: conditions over all rows; the cells of each value, among the
 * rows that have it; then all of them, among the rows that have all values. */
static enum sotto_status judge_asked(const struct judging *judging)
{
    size_t *universes = sotto_alloc_array(judging->sets_len, sizeof *universes);
    size_t len = 0;
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (universes == NULL) {
        return status;
    }
    for (size_t i = 0; i < judging->sets_len; i++) {
        bool is_new = is_here(judging, i) && judging->sets[i].universe != SOTTO_NONE;
        for (size_t j = 0; j < len; j++) {
            is_new = is_new && universes[j] != judging->sets[i].universe;
        }
        if (is_new) {
            universes[len++] = judging->sets[i].universe;
        }
    }
    status = judge_universe(judging, NULL, 0, false, SOTTO_NONE);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = judge_universe(judging, &universes[i], 1, true, universes[i]);
    }
    if (status == SOTTO_OK && len > 1) {
        status = judge_universe(judging, universes, len, true, SOTTO_NONE);
    }
    sotto_free(universes);
    return status;
}

/* --- Sums --- */

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
    enum sotto_status status = judge_family(family, judging, NULL, 0, SOTTO_RULE_PRESENCE);
    for (size_t i = 0; i < 2; i++) {
        if (columns[i] != SOTTO_NONE && all[columns[i]].support != SOTTO_NONE) {
            universes[len++] = all[columns[i]].support;
        }
    }
    return status == SOTTO_OK && len > 0
               ? judge_family(family, judging, universes, len, SOTTO_RULE_PRESENCE)
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
            return refuse(judging, SOTTO_RULE_PRESENCE,
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
    enum sotto_status status = family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = sum; i < judging->sums_len; i++) {
        if (!judging->sums[i].is_difference &&
            is_same_monomial(&judging->sums[i], &judging->sums[sum])) {
            add_opened(&family, judging->sums[i].set, SOTTO_NONE, SOTTO_NONE);
        }
    }
    status = judge_opened(&family, judging, judging->sums[sum].factors);
    for (size_t i = sum; status == SOTTO_OK && family.len > 1 && i < judging->sums_len; i++) {
        if (!judging->sums[i].is_difference &&
            is_same_monomial(&judging->sums[i], &judging->sums[sum])) {
            status = judge_uncompared(judging, &judging->sums[i], &family);
        }
    }
    family_release(&family);
    return status;
}

/* What a sum multiplies a column by: another column, itself, or nothing (SOTTO_NONE). Returns:
 * false if the column is not in it. */
static bool find_partner(const struct sotto_evidence_sum *sum, size_t *out, size_t column)
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
    enum sotto_status status = family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < judging->sums_len; i++) {
        if (is_sum_here(judging, i) && find_partner(&judging->sums[i], &partner, column) &&
            has_levels(judging, partner)) {
            add_opened(&family, judging->sums[i].set, partner, SOTTO_NONE);
        }
    }
    status = judge_opened(&family, judging, (const size_t[2]){column, SOTTO_NONE});
    family_release(&family);
    return status;
}

static enum sotto_status judge_columns(const struct judging *judging)
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

static enum sotto_status judge_presence(const struct judging *judging, size_t at)
{
    const struct sotto_evidence_sum *sum = &judging->sums[at];
    uint64_t min_rows = judging->rules->min_rows;
    struct sotto_evidence_terms terms =
        sotto_evidence_terms_of(judging->evidence, judging->group, at);
    uint64_t rows = terms.rows > 0 && terms.rows < min_rows ? terms.rows : terms.infinite;
    if (rows > 0 && rows < min_rows) {
        return refuse(judging, SOTTO_RULE_PRESENCE,
                      "what stands at column %zu of %.160s has values in %llu rows here and is "
                      "infinite in %llu, none or at least %llu are needed",
                      sum->start + 1, sum->text, shown(terms.rows), shown(terms.infinite),
                      shown(min_rows));
    }
    return sum->is_difference ? SOTTO_OK : judge_monomial(judging, at);
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
            return refuse(
                judging, SOTTO_RULE_HIDDEN,
                "what stands at column %zu of %.160s has one value in all but %llu of %llu "
                "rows here, at least %llu others are needed: it is a condition",
                column->start + 1, column->text, shown(values.differing), shown(values.rows),
                shown(min_rows));
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
            if (a == SOTTO_NONE || b == SOTTO_NONE || a == b || !is_sum_here(judging, i) ||
                !find_partner(sum, &partners[0], a) ||
                !find_partner(&judging->sums[i], &partners[1], b)) {
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
                return refuse(judging, SOTTO_RULE_HIDDEN,
                              "what stands at column %zu of %.120s and at column %zu of %.120s is "
                              "the same here, but for units and for fewer than %llu rows",
                              columns[a].start + 1, columns[a].text, columns[b].start + 1,
                              columns[b].text, shown(judging->rules->min_rows));
            }
        }
    }
    return SOTTO_OK;
}

/* --- Columns that make one another up --- */

/* Steps on one value in all tries: about a tenth of a second. */
#define DEPENDENCE_WORK ((uint64_t)1 << 24)

/* Sums of one value times others, over a sample of rows. */
struct dependence {
    size_t *by; /* columns; SOTTO_NONE: 1 */
    size_t len;
    uint64_t *weights;
    uint64_t *factors; /* [sum * rows_len + row] */
    uint8_t *found;
    size_t rows_len;
};

static void dependence_release(struct dependence *dependence)
{
    sotto_free(dependence->by);
    sotto_free(dependence->weights);
    sotto_free(dependence->factors);
    sotto_free(dependence->found);
}

static size_t count_sample(const struct judging *judging)
{
    return sotto_evidence_sample_len(judging->evidence, judging->group);
}

/* The sums of a column (SOTTO_NONE: of 1, that is of all columns alone) over all its rows. */
static enum sotto_status dependence_init(struct dependence *out, const struct judging *judging,
                                         size_t column)
{
    size_t rows_max = count_sample(judging);
    *out = (struct dependence){.by = sotto_alloc_array(judging->sums_len + 1, sizeof *out->by)};
    for (size_t i = 0; out->by != NULL && i < judging->sums_len; i++) {
        const struct sotto_evidence_sum *sum = &judging->sums[i];
        size_t partner = sum->factors[0];
        bool is_of = column == SOTTO_NONE ? sum->factors[1] == SOTTO_NONE
                                          : find_partner(sum, &partner, column);
        if (is_of && is_sum_here(judging, i) && !sum->has_conditions) {
            out->by[out->len++] = partner;
        }
    }
    if (column == SOTTO_NONE && out->by != NULL) { /* how many rows there are is known */
        out->by[out->len++] = SOTTO_NONE;
    }
    out->weights = sotto_alloc_array(rows_max, sizeof *out->weights);
    out->factors = sotto_alloc_array(rows_max * out->len, sizeof *out->factors);
    out->found = sotto_alloc_array(out->len, sizeof *out->found);
    return out->by != NULL && out->weights != NULL && out->factors != NULL && out->found != NULL
               ? SOTTO_OK
               : SOTTO_ERROR_NO_MEMORY;
}

static uint64_t find_value(const struct judging *judging, size_t row, size_t column)
{
    double value = column == SOTTO_NONE ? 1
                                        : sotto_evidence_sample_value(judging->evidence,
                                                                      judging->group, row, column);
    return value == value ? sotto__mixture_number(value, judging->prime) : 0;
}

/* Fills in the rows in which the column is not 0, from row first of the sample on. */
static void fill_rows(struct dependence *out, const struct judging *judging, size_t column,
                      size_t first)
{
    size_t len = count_sample(judging);
    out->rows_len = 0;
    for (size_t i = 0; i < len; i++) {
        out->rows_len += find_value(judging, i, column) != 0;
    }
    for (size_t i = 0, at = 0; i < len; i++) {
        size_t row = (first + i) % len;
        if (find_value(judging, row, column) == 0) {
            continue;
        }
        out->weights[at] = sotto_evidence_sample_rows(judging->evidence, judging->group, row);
        for (size_t j = 0; j < out->len; j++) {
            out->factors[j * out->rows_len + at] = find_value(judging, row, out->by[j]);
        }
        at++;
    }
}

static uint64_t count_weights(const struct dependence *dependence)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < dependence->rows_len; i++) {
        rows += dependence->weights[i];
    }
    return rows;
}

/* Looks for a combination on few rows. Fewer than min_rows rows are off, so that one of min_rows
 * beginnings has none of them among its first rows, which then fix the combination. */
static enum sotto_status find_dependence(struct dependence *in_out, bool *out_found,
                                         const struct judging *judging, size_t column)
{
    uint64_t min_rows = judging->rules->min_rows;
    size_t rows_len = count_sample(judging);
    uint64_t work = (uint64_t)(rows_len + in_out->len) * in_out->len * in_out->len + 1;
    uint64_t tries = DEPENDENCE_WORK / work + 1 < min_rows ? DEPENDENCE_WORK / work + 1 : min_rows;
    *out_found = false;
    for (uint64_t i = 0; !*out_found && i < tries; i++) {
        fill_rows(in_out, judging, column, (size_t)(i * rows_len / tries));
        if (count_weights(in_out) < in_out->len + min_rows) {
            return SOTTO_OK; /* so many equations for so few rows are up to the budget */
        }
        const struct sotto__mixture mixture = {.weights = in_out->weights,
                                               .atoms_len = in_out->rows_len,
                                               .factors = in_out->factors,
                                               .sets_len = in_out->len};
        enum sotto_status status =
            sotto__mixture_find(&mixture, out_found, in_out->found, min_rows, judging->prime);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status refuse_dependence(const struct dependence *dependence,
                                           const struct judging *judging)
{
    size_t named = 0;
    size_t len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    while (dependence->found[named] == 0 || dependence->by[named] == SOTTO_NONE) {
        named++; /* 1 alone is on all rows: a column is among them */
    }
    const struct sotto_evidence_column *one = &columns[dependence->by[named]];
    return refuse(judging, SOTTO_RULE_HIDDEN,
                  "what stands at column %zu of %.160s and other columns make one another up here, "
                  "but in fewer than %llu rows",
                  one->start + 1, one->text, shown(judging->rules->min_rows));
}

static enum sotto_status judge_dependence(const struct judging *judging, size_t column)
{
    struct dependence dependence;
    bool is_found = false;
    enum sotto_status status = dependence_init(&dependence, judging, column);
    if (status == SOTTO_OK && dependence.len > 2) {
        status = find_dependence(&dependence, &is_found, judging, column);
    }
    if (is_found) {
        status = refuse_dependence(&dependence, judging);
    } else if (status == SOTTO_ERROR_LIMIT) {
        status = refuse(judging, SOTTO_RULE_HIDDEN,
                        "there are too many sums of one column to be compared");
    }
    dependence_release(&dependence);
    return status;
}

/* Three columns or more that depend on each other but in few rows: their sums, or those of their
 * products with one other, each times a number, add up to what these rows have. */
static enum sotto_status judge_dependences(const struct judging *judging)
{
    size_t len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    if (len < 3 || count_sample(judging) == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = judge_dependence(judging, SOTTO_NONE);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = columns[i].dataset == judging->dataset ? judge_dependence(judging, i) : SOTTO_OK;
    }
    return status;
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
    return refuse(judging, SOTTO_RULE_DOMINANCE,
                  "of what stands at column %zu of %.160s one row makes up so much here that all "
                  "others but the next one are less than %u %% of it: clip(x, lo, hi) limits it",
                  sum->start + 1, sum->text, judging->rules->dominance);
}

/* R4: whether the party has rows in what two sums tell by their difference, and enough. */
static uint8_t judge_difference(const struct judging *judging, size_t sum)
{
    uint64_t rows = sotto_evidence_terms_of(judging->evidence, judging->group, sum).rows;
    return (uint8_t)((rows > 0 ? SOTTO_COVER_GIVEN : 0) |
                     (rows >= least_rows(judging) ? SOTTO_COVER_ENOUGH : 0));
}

/* R4: whether the party has enough of every sum of the group. Sums of cells are known by these. */
static void judge_cover(const struct judging *judging)
{
    uint64_t least = least_rows(judging);
    bool is_few = judging->rows < least;
    for (size_t i = 0; !is_few && i < judging->sums_len; i++) {
        is_few = !judging->sums[i].is_difference && is_sum_here(judging, i) &&
                 sotto_evidence_terms_of(judging->evidence, judging->group, i).rows < least;
    }
    judging->withheld->few_groups[judging->group] |= is_few;
    uint8_t *differences =
        judging->withheld->differences + judging->group * judging->withheld->differences_len;
    for (size_t i = 0; i < judging->sums_len; i++) {
        bool is_its = is_here(judging, judging->sums[i].set);
        if (judging->sums[i].is_difference) {
            *differences = is_its ? judge_difference(judging, i) : *differences;
            differences++;
        }
    }
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
            return refuse(judging, SOTTO_RULE_BUDGET,
                          "what stands at column %zu of %.160s is an identifier here, which its "
                          "owner lets nobody multiply",
                          column->start + 1, column->text);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status judge_sums(const struct judging *judging)
{
    static const struct {
        enum sotto_rule rule;
        enum sotto_status (*judge)(const struct judging *judging, size_t at);
    } rules[] = {{SOTTO_RULE_PRESENCE, judge_presence},
                 {SOTTO_RULE_HIDDEN, judge_hidden},
                 {SOTTO_RULE_HIDDEN, judge_near},
                 {SOTTO_RULE_BUDGET, judge_identifiers},
                 {SOTTO_RULE_DOMINANCE, judge_dominance}};
    for (size_t i = 0; i < judging->sums_len; i++) {
        for (size_t j = 0;
             is_here(judging, judging->sums[i].set) && j < sizeof rules / sizeof rules[0]; j++) {
            enum sotto_status status =
                is_on(judging, rules[j].rule) ? rules[j].judge(judging, i) : SOTTO_OK;
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* --- Groups --- */

/* What a method counts by itself: its bins have no rows, or enough. */
static enum sotto_status judge_bins(const struct judging *judging)
{
    size_t len;
    const uint64_t *bins = sotto_evidence_bins(judging->evidence, judging->group, &len);
    for (size_t i = 0; i < len && judging->dataset == 0; i++) {
        if (bins[i] > 0 && bins[i] < judging->rules->min_rows) {
            return refuse(judging, SOTTO_RULE_ROWS,
                          "a method counts %llu rows by themselves here, none or at least %llu are "
                          "needed",
                          shown(bins[i]), shown(judging->rules->min_rows));
        }
    }
    return SOTTO_OK;
}

/* Everything but the number of rows. */
static enum sotto_status judge_group(const struct judging *judging)
{
    if (is_on(judging, SOTTO_RULE_COVER)) {
        judge_cover(judging);
    }
    enum sotto_status status = judge_sets(judging);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_on(judging, SOTTO_RULE_ROWS)) {
        status = judge_bins(judging);
        if (status != SOTTO_OK) {
            return status;
        }
        status = judge_asked(judging);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (is_on(judging, SOTTO_RULE_PRESENCE)) {
        status = judge_columns(judging);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = judge_sums(judging);
    if (status != SOTTO_OK || !is_on(judging, SOTTO_RULE_HIDDEN)) {
        return status;
    }
    return judge_dependences(judging);
}

/* Finds the atoms of the next group. They are in the order of groups. */
static void enter_group(struct judging *judging, size_t group, size_t atoms_len)
{
    judging->group = group;
    judging->first += judging->len;
    judging->len = 0;
    judging->rows = 0;
    while (judging->first + judging->len < atoms_len &&
           judging->atoms[judging->first + judging->len].group == group) {
        judging->rows += judging->atoms[judging->first + judging->len++].rows;
    }
}

/* Withholds the smallest group that is shown, where what is shown of no group would be few rows. */
static void withhold_rest(struct judging *judging, const uint64_t *rows, uint64_t rest)
{
    size_t smallest = SOTTO_NONE;
    size_t groups_len = sotto_evidence_groups_len(judging->evidence);
    for (size_t i = 0; i < groups_len; i++) {
        bool is_shown = judging->withheld->groups[i] == 0;
        rest += is_shown ? 0 : rows[i];
        if (is_shown && (smallest == SOTTO_NONE || rows[i] < rows[smallest])) {
            smallest = i;
        }
    }
    if (rest > 0 && rest < judging->rules->min_rows && smallest != SOTTO_NONE) {
        judging->withheld->groups[smallest] = 1;
    }
}

static enum sotto_status judge_groups(struct judging *judging, size_t atoms_len, uint64_t rest)
{
    size_t groups_len = sotto_evidence_groups_len(judging->evidence);
    uint64_t *rows = sotto_alloc_array(groups_len, sizeof *rows);
    struct sotto_error *err = judging->err;
    bool counts = is_on(judging, SOTTO_RULE_ROWS);
    if (rows == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    judging->err = NULL;
    for (size_t i = 0; i < groups_len; i++) {
        enter_group(judging, i, atoms_len);
        rows[i] = judging->rows;
        bool is_small = counts && rows[i] < judging->rules->min_rows;
        enum sotto_status status =
            judging->withheld->groups[i] != 0 || is_small ? SOTTO_OK : judge_group(judging);
        if (status != SOTTO_OK && status != SOTTO_ERROR_REFUSED) {
            sotto_free(rows);
            return status;
        }
        judging->withheld->groups[i] |= is_small || status != SOTTO_OK;
    }
    if (counts) {
        withhold_rest(judging, rows, rest);
    }
    sotto_free(rows);
    judging->err = err;
    return SOTTO_OK;
}

static enum sotto_status judge_dataset(struct judging *judging, size_t dataset)
{
    size_t atoms_len;
    uint64_t left_out;
    uint64_t in_no_group;
    uint64_t rows = 0;
    uint64_t min_rows = judging->rules->min_rows;
    judging->dataset = dataset;
    judging->atoms = sotto_evidence_atoms(judging->evidence, dataset, &atoms_len);
    judging->first = judging->len = 0;
    sotto_evidence_outside(judging->evidence, &left_out, &in_no_group, dataset);
    for (size_t i = 0; i < atoms_len; i++) {
        rows += judging->atoms[i].rows;
    }
    rows += in_no_group;
    judging->disclosure->in_no_group += in_no_group;
    bool has_where = sotto_evidence_has_where(judging->evidence);
    if (is_on(judging, SOTTO_RULE_ROWS) &&
        (rows < min_rows || (has_where && left_out < min_rows))) {
        return has_where ? refuse(judging, SOTTO_RULE_ROWS,
                                  "where leaves %llu rows in and %llu out here, at least %llu each "
                                  "are needed",
                                  shown(rows), shown(left_out), shown(min_rows))
                         : refuse(judging, SOTTO_RULE_ROWS,
                                  "there are %llu rows here, at least %llu are needed", shown(rows),
                                  shown(min_rows));
    }
    if (sotto_evidence_has_groups(judging->evidence)) {
        return judge_groups(judging, atoms_len, in_no_group);
    }
    enter_group(judging, 0, atoms_len);
    return judge_group(judging);
}

static void count_withheld(struct sotto_disclosure *disclosure,
                           const struct sotto_withheld *withheld, size_t groups_len)
{
    disclosure->groups_withheld = disclosure->cells_withheld = 0;
    for (size_t i = 0; i < groups_len; i++) {
        disclosure->groups_withheld += withheld->groups != NULL && withheld->groups[i] != 0;
    }
    for (size_t i = 0; i < groups_len * withheld->cells_len; i++) {
        disclosure->cells_withheld += withheld->cells[i] != 0;
    }
}

static enum sotto_status judge_rows(void *context, const struct sotto_evidence *evidence,
                                    struct sotto_withheld *withheld, struct sotto_error *err)
{
    struct sotto_disclosure *disclosure = context;
    struct judging judging = {.disclosure = disclosure,
                              .rules = disclosure->rules,
                              .evidence = evidence,
                              .withheld = withheld,
                              .prime = disclosure->prime,
                              .err = err};
    judging.sets = sotto_evidence_sets(evidence, &judging.sets_len);
    judging.sums = sotto_evidence_sums(evidence, &judging.sums_len);
    disclosure->rule = SOTTO_RULES_LEN;
    disclosure->in_no_group = 0;
    for (size_t i = 0; i < sotto_evidence_datasets_len(evidence); i++) {
        enum sotto_status status =
            sotto_evidence_reads(evidence, i) ? judge_dataset(&judging, i) : SOTTO_OK;
        if (status != SOTTO_OK) {
            return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err) : status;
        }
    }
    disclosure->rule = SOTTO_RULES_LEN;
    count_withheld(disclosure, withheld, sotto_evidence_groups_len(evidence));
    return SOTTO_OK;
}

/* --- For hosts --- */

void sotto_disclosure_init(struct sotto_disclosure *out, const struct sotto_rules *rules,
                           uint64_t seed)
{
    *out = (struct sotto_disclosure){.rules = rules,
                                     .prime = sotto__mixture_prime(seed),
                                     .rule = SOTTO_RULES_LEN,
                                     .judge = {.judge = judge_rows}};
    out->judge.min_rows = rules->min_rows > 0 ? rules->min_rows : 1;
    out->judge.context = out;
}

const struct sotto_judge *sotto_disclosure_judge(const struct sotto_disclosure *disclosure)
{
    const struct sotto_rules *rules = disclosure->rules;
    bool looks = rules->is_on[SOTTO_RULE_COVER] || rules->is_on[SOTTO_RULE_ROWS] ||
                 rules->is_on[SOTTO_RULE_PRESENCE] || rules->is_on[SOTTO_RULE_HIDDEN] ||
                 rules->is_on[SOTTO_RULE_DOMINANCE] || rules->is_on[SOTTO_RULE_BUDGET];
    return looks ? &disclosure->judge : NULL;
}
