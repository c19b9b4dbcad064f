/* SPDX-License-Identifier: Apache-2.0 */

/* Sets of rows, each alone and all together. Leans on the engine's evidence, which says what atoms
 * a set is made of, and on mixture.c for what sums over sets give away.
 *
 * The one idea: sums that are opened together are a family, a table of what each sum has of each
 * atom. Where the table gives few rows away, its last cell is withheld, and the rest is looked
 * at again; where no cell is left that would help, the plan is refused. */

#include "judge.h"
#include "mixture.h"

#include <sotto/alloc.h>
#include <string.h>

/* So often one more cell is withheld where sets are too many to be compared. */
#define BLIND_TRIES 16

/* --- Sets --- */

static uint64_t weigh_set(const struct judging *judging, size_t set)
{
    uint64_t rows = 0;
    for (size_t i = judging->first; i < judging->first + judging->len; i++) {
        rows += sotto_evidence_holds(judging->evidence, i, set) ? judging->atoms[i].rows : 0;
    }
    return rows;
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

enum sotto_status sotto__judge_sets(const struct judging *judging)
{
    uint64_t min_rows = judging->rules->min_rows;
    for (size_t i = 0; i < judging->sets_len; i++) {
        const struct sotto_evidence_set *set = &judging->sets[i];
        if (!sotto__judge_is_here(judging, i) || !set->is_told_apart) {
            continue;
        }
        uint64_t in = weigh_set(judging, i);
        uint64_t out = judging->rows - in;
        if (set->kind == SOTTO_SET_CELL && in < sotto__judge_least_rows(judging) &&
            sotto__judge_is_on(judging, SOTTO_RULE_COVER)) {
            *find_few_cell(judging, i) = 1;
        }
        if (set->kind == SOTTO_SET_CELL && in < min_rows &&
            sotto__judge_is_on(judging, SOTTO_RULE_ROWS)) {
            *find_cell(judging, i) = 1;
        } else if (set->kind == SOTTO_SET_CONDITION && (in < min_rows || out < min_rows) &&
                   sotto__judge_is_on(judging, SOTTO_RULE_ROWS)) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_ROWS,
                "the condition at column %zu of %.160s holds for %llu rows here and not "
                "for %llu, at least %llu each are needed",
                set->start + 1, set->text, sotto__judge_shown(in), sotto__judge_shown(out),
                sotto__judge_shown(min_rows));
        } else if (set->kind == SOTTO_SET_MADE && in > 0 && in < min_rows &&
                   sotto__judge_is_on(judging, SOTTO_RULE_PRESENCE)) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_PRESENCE,
                "what stands at column %zu of %.160s makes or takes the place of missing "
                "values in %llu rows here, none or at least %llu are needed",
                set->start + 1, set->text, sotto__judge_shown(in), sotto__judge_shown(min_rows));
        } else if (set->kind == SOTTO_SET_CLIPPED && in >= min_rows &&
                   sotto__judge_is_on(judging, SOTTO_RULE_HIDDEN)) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_HIDDEN,
                "what stands at column %zu of %.160s changes the values of %llu rows "
                "here: fewer than %llu are few enough to be no condition",
                set->start + 1, set->text, sotto__judge_shown(in), sotto__judge_shown(min_rows));
        }
    }
    return SOTTO_OK;
}

/* --- Families: sets that are opened together --- */

void sotto__family_release(struct family *family)
{
    sotto_free(family->list);
    sotto_free(family->weights);
    sotto_free(family->factors);
    sotto_free(family->found);
}

enum sotto_status sotto__family_init(struct family *out, const struct judging *judging)
{
    size_t len_max = judging->sets_len + judging->sums_len + 1;
    *out = (struct family){.len_max = len_max};
    out->list = sotto_alloc_array(len_max, sizeof *out->list);
    out->found = sotto_alloc_array(len_max, sizeof *out->found);
    if (out->list == NULL || out->found == NULL) {
        sotto__family_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

void sotto__family_add(struct family *family, size_t set, size_t by, size_t and_by)
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

/* Withholds the last cell of a combination, in the plan's order, and takes it out of the family: so
 * parties whose rows are alike withhold the same one, and others stand behind the rest. Returns:
 * false if there is none. */
static bool withhold_cell(struct family *family, const struct judging *judging)
{
    size_t last = SOTTO_NONE;
    for (size_t i = 0; i < family->len; i++) {
        size_t set = family->list[i].set;
        bool is_cell =
            family->found[i] != 0 && set != SOTTO_NONE && judging->sets[set].kind == SOTTO_SET_CELL;
        if (is_cell && (last == SOTTO_NONE || set > family->list[last].set)) {
            last = i;
        }
    }
    if (last == SOTTO_NONE) {
        return false;
    }
    *find_cell(judging, family->list[last].set) = 1;
    family->list[last] = family->list[--family->len];
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
        return sotto__judge_refuse(
            judging, rule,
            "what stands at column %zu of %.120s and at column %zu of %.120s is summed up "
            "over rows that differ by 1 to %llu here: \"rows\": \"complete\" in the plan "
            "takes the same rows for all",
            one->start + 1, one->text, other->start + 1, other->text,
            sotto__judge_shown(judging->rules->min_rows - 1));
    }
    return sotto__judge_refuse(
        judging, rule,
        "the conditions at column %zu of %.120s and at column %zu of %.120s give 1 to %llu "
        "rows away together here",
        one->start + 1, one->text, other->start + 1, other->text,
        sotto__judge_shown(judging->rules->min_rows - 1));
}

static uint64_t count_rows(const struct family *family)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < family->atoms_len; i++) {
        rows += family->weights[i];
    }
    return rows;
}

enum sotto_status sotto__family_judge(struct family *family, const struct judging *judging,
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

/* --- What the asker made --- */

/* Adds the sums of columns of few values, and of their products: these are counts. */
static void add_counts(struct family *family, const struct judging *judging)
{
    for (size_t i = 0; i < judging->sums_len; i++) {
        const size_t *factors = judging->sums[i].factors;
        if (sotto__judge_is_sum_here(judging, i) && sotto__judge_has_levels(judging, factors[0]) &&
            sotto__judge_has_levels(judging, factors[1])) {
            sotto__family_add(family, judging->sums[i].set, factors[0], factors[1]);
        }
    }
}

/* Adds the conditions, and the cells that are shown, of a universe or (SOTTO_NONE) of all. */
static void add_asked(struct family *family, const struct judging *judging, bool has_cells,
                      size_t universe)
{
    sotto__family_add(family, SOTTO_NONE, SOTTO_NONE, SOTTO_NONE);
    for (size_t i = 0; i < judging->sets_len; i++) {
        const struct sotto_evidence_set *set = &judging->sets[i];
        bool is_cell = set->kind == SOTTO_SET_CELL && has_cells &&
                       (universe == SOTTO_NONE || set->universe == universe);
        if (sotto__judge_is_here(judging, i) &&
            (set->kind == SOTTO_SET_CONDITION || (is_cell && *find_cell(judging, i) == 0))) {
            sotto__family_add(family, i, SOTTO_NONE, SOTTO_NONE);
        }
    }
    add_counts(family, judging);
}

static enum sotto_status judge_universe(const struct judging *judging, const size_t *universes,
                                        size_t universes_len, bool has_cells, size_t universe)
{
    struct family family;
    enum sotto_status status = sotto__family_init(&family, judging);
    if (status != SOTTO_OK) {
        return status;
    }
    add_asked(&family, judging, has_cells, universe);
    status = sotto__family_judge(&family, judging, universes, universes_len, SOTTO_RULE_ROWS);
    sotto__family_release(&family);
    return status;
}

enum sotto_status sotto__judge_asked(const struct judging *judging)
{
    size_t *universes = sotto_alloc_array(judging->sets_len, sizeof *universes);
    size_t len = 0;
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (universes == NULL) {
        return status;
    }
    for (size_t i = 0; i < judging->sets_len; i++) {
        bool is_new = sotto__judge_is_here(judging, i) && judging->sets[i].universe != SOTTO_NONE;
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
