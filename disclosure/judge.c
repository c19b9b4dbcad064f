/* SPDX-License-Identifier: Apache-2.0 */

/* The rules that look at a party's own rows, in each round, before anything leaves: R1 (rows), R2
 * (presence), R3 (hidden) and R5 (dominance). Here are groups, datasets, and what hosts call; it
 * leans on the engine's evidence for what there is, and on the files beside it for one group:
 * judge_sets.c (1 and 2 below, and sets of 3 alone), judge_sums.c (3 to 5), judge_products.c and
 * judge_dependences.c (4, of two columns and of more).
 * The one idea: not what a plan says is judged, but which rows stand behind each sum, and behind
 * each difference of sums.
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

#include "judge.h"
#include "mixture.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Refusals --- */

enum sotto_status sotto__judge_refuse(const struct judging *judging, enum sotto_rule rule,
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

/* A model of counts or of what is above 0 opens sums of y log y, log y! and log y, which are as
 * rare as the values of y are. */
static bool has_likelihood(const char *text)
{
    bool is_model = strncmp(text, "glm(", strlen("glm(")) == 0;
    return is_model && strstr(text, "likelihood") == NULL &&
           (strstr(text, "poisson") != NULL || strstr(text, "gamma") != NULL);
}

struct judged_name sotto__judge_name(const struct sotto_evidence_column *column)
{
    struct judged_name out;
    if (column->name != NULL) {
        (void)snprintf(out.text, sizeof out.text, "column \"%.60s\" of %.110s", column->name,
                       column->text);
    } else {
        (void)snprintf(out.text, sizeof out.text, "what stands at column %zu of %.110s%s",
                       column->start + 1, column->text,
                       has_likelihood(column->text) ? " (ask with likelihood=0)" : "");
    }
    return out;
}

/* --- Groups --- */

/* Bins have no rows, or enough. */
static enum sotto_status judge_some_bins(const struct judging *judging, const uint64_t *bins,
                                         size_t len)
{
    for (size_t i = 0; i < len && judging->dataset == 0; i++) {
        if (bins[i] > 0 && bins[i] < judging->rules->min_rows) {
            return sotto__judge_refuse(
                judging, SOTTO_RULE_ROWS,
                "a method counts %llu rows by themselves here, none or at least %llu are "
                "needed",
                sotto__judge_shown(bins[i]), sotto__judge_shown(judging->rules->min_rows));
        }
    }
    return SOTTO_OK;
}

/* What a method counts by itself. Exact quantiles count single values, with the owner's leave. */
static enum sotto_status judge_bins(const struct judging *judging)
{
    size_t bins_len;
    size_t values_len;
    const uint64_t *bins = sotto_evidence_bins(judging->evidence, judging->group, &bins_len);
    const uint64_t *values = sotto_evidence_values(judging->evidence, judging->group, &values_len);
    enum sotto_status status = judge_some_bins(judging, bins, bins_len);
    if (status != SOTTO_OK || judging->rules->tells_values) {
        return status;
    }
    return judge_some_bins(judging, values, values_len);
}

/* Everything but the number of rows. */
static enum sotto_status judge_group(const struct judging *judging)
{
    if (sotto__judge_is_on(judging, SOTTO_RULE_COVER)) {
        sotto__judge_cover(judging);
    }
    enum sotto_status status = sotto__judge_sets(judging);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__judge_is_on(judging, SOTTO_RULE_ROWS)) {
        status = judge_bins(judging);
        if (status != SOTTO_OK) {
            return status;
        }
        status = sotto__judge_asked(judging);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (sotto__judge_is_on(judging, SOTTO_RULE_PRESENCE)) {
        status = sotto__judge_columns(judging);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = sotto__judge_sums(judging);
    if (status != SOTTO_OK || !sotto__judge_is_on(judging, SOTTO_RULE_HIDDEN)) {
        return status;
    }
    status = sotto__judge_products(judging);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__judge_dependences(judging);
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

/* Withholds the last group that is shown, where what is shown of no group would be few rows. It is
 * the same one at parties whose rows are alike. */
static void withhold_rest(struct judging *judging, const uint64_t *rows, uint64_t rest)
{
    size_t last = SOTTO_NONE;
    size_t groups_len = sotto_evidence_groups_len(judging->evidence);
    for (size_t i = 0; i < groups_len; i++) {
        bool is_shown = judging->withheld->groups[i] == 0;
        rest += is_shown ? 0 : rows[i];
        last = is_shown ? i : last;
    }
    if (rest > 0 && rest < judging->rules->min_rows && last != SOTTO_NONE) {
        judging->withheld->groups[last] = 1;
    }
}

static enum sotto_status judge_groups(struct judging *judging, size_t atoms_len, uint64_t rest)
{
    size_t groups_len = sotto_evidence_groups_len(judging->evidence);
    uint64_t *rows = sotto_alloc_array(groups_len, sizeof *rows);
    struct sotto_error *err = judging->err;
    bool counts = sotto__judge_is_on(judging, SOTTO_RULE_ROWS);
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
    if (sotto__judge_is_on(judging, SOTTO_RULE_ROWS) &&
        (rows < min_rows || (has_where && left_out < min_rows))) {
        return has_where
                   ? sotto__judge_refuse(
                         judging, SOTTO_RULE_ROWS,
                         "where leaves %llu rows in and %llu out here, at least %llu each "
                         "are needed",
                         sotto__judge_shown(rows), sotto__judge_shown(left_out),
                         sotto__judge_shown(min_rows))
                   : sotto__judge_refuse(judging, SOTTO_RULE_ROWS,
                                         "there are %llu rows here, at least %llu are needed",
                                         sotto__judge_shown(rows), sotto__judge_shown(min_rows));
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

static enum sotto_status fail_without_memory(enum sotto_status status, struct sotto_error *err)
{
    return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err) : status;
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
            return fail_without_memory(status, err);
        }
    }
    disclosure->rule = SOTTO_RULES_LEN;
    count_withheld(disclosure, withheld, sotto_evidence_groups_len(evidence));
    return disclosure->spans != NULL && sotto__judge_is_on(&judging, SOTTO_RULE_COVER)
               ? fail_without_memory(sotto__judge_spans(&judging), err)
               : SOTTO_OK;
}

/* --- For hosts --- */

/* Rules that look at no values: grammar judges a plan, the ledger is shown rows by a watch. */
static const bool asks_classes[SOTTO_RULES_LEN] = {
    [SOTTO_RULE_GRAMMAR] = true,
    [SOTTO_RULE_COVER] = true,
    [SOTTO_RULE_LEDGER] = true,
};

static bool ask_classes_only(const struct sotto_rules *rules)
{
    for (size_t i = 0; i < SOTTO_RULES_LEN; i++) {
        if (rules->is_on[i] && !asks_classes[i]) {
            return false;
        }
    }
    return true;
}

void sotto_disclosure_init(struct sotto_disclosure *out, const struct sotto_rules *rules,
                           uint64_t seed)
{
    *out = (struct sotto_disclosure){
        .rules = rules, .prime = sotto__mixture_prime(seed), .rule = SOTTO_RULES_LEN};
    out->judge.judge = judge_rows;
    out->judge.min_rows = rules->min_rows > 0 ? rules->min_rows : 1;
    out->judge.rows_apart = rules->min_rows;
    out->judge.asks_classes_only = ask_classes_only(rules);
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
