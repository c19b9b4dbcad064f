/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_JUDGE_H
#define SOTTO_DISCLOSURE_JUDGE_H

/* A party's rows as they are judged, for the files that this is spread over: judge.c (groups,
 * datasets, hosts' calls), judge_sets.c (sets and their combinations), judge_sums.c (single sums),
 * judge_products.c (products of two columns), judge_dependences.c (columns that make one another
 * up), judge_spans.c (what parties hold together). */

#include <sotto/disclosure.h>

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

static inline bool sotto__judge_is_on(const struct judging *judging, enum sotto_rule rule)
{
    return judging->rules->is_on[rule];
}

static inline bool sotto__judge_is_here(const struct judging *judging, size_t set)
{
    return judging->sets[set].dataset == judging->dataset;
}

static inline bool sotto__judge_is_sum_here(const struct judging *judging, size_t sum)
{
    return sotto__judge_is_here(judging, judging->sums[sum].set) &&
           !judging->sums[sum].is_difference;
}

static inline bool sotto__judge_has_levels(const struct judging *judging, size_t column)
{
    return column == SOTTO_NONE || sotto_evidence_has_levels(judging->evidence, column);
}

/* What a party must have of a cell, or of a sum, so that others can stand behind it. */
static inline uint64_t sotto__judge_least_rows(const struct judging *judging)
{
    return judging->rules->min_rows > 0 ? judging->rules->min_rows : 1;
}

/* A number of rows, for a text. */
static inline unsigned long long sotto__judge_shown(uint64_t rows)
{
    return rows;
}

/* --- judge.c --- */

/* Returns: SOTTO_ERROR_REFUSED, by a rule, with why. */
enum sotto_status sotto__judge_refuse(const struct judging *judging, enum sotto_rule rule,
                                      const char *format, ...) SOTTO_PRINTF(3, 4) SOTTO_NODISCARD;
struct judged_name {
    char text[200];
};
/* Which column, or what is computed, for a text. */
struct judged_name sotto__judge_name(const struct sotto_evidence_column *column);

/* --- judge_sets.c --- */

/* Judges each set alone; cells that are too small are withheld. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__judge_sets(const struct judging *judging) SOTTO_NODISCARD;
/* Judges sets that the asker made, together: conditions over all rows; the cells of each value,
 * among the rows that have it; then all of them, among the rows that have all values. Returns:
 * SOTTO_ERROR_REFUSED, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__judge_asked(const struct judging *judging) SOTTO_NODISCARD;

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

/* Begins a family without sums; it has room for all that a judging has. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__family_release. */
enum sotto_status sotto__family_init(struct family *out,
                                     const struct judging *judging) SOTTO_NODISCARD;
void sotto__family_release(struct family *family);
void sotto__family_add(struct family *family, size_t set, size_t by, size_t and_by);
/* Withholds cells of a family until nothing is given away, over the atoms within all universes.
 * Returns: SOTTO_ERROR_REFUSED, by the rule, where that does not help; SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__family_judge(struct family *family, const struct judging *judging,
                                      const size_t *universes, size_t universes_len,
                                      enum sotto_rule rule) SOTTO_NODISCARD;

/* --- judge_sums.c --- */

/* What a sum multiplies a column by: another column, itself, or nothing (SOTTO_NONE). Returns:
 * false if the column is not in it. */
bool sotto__judge_find_partner(const struct sotto_evidence_sum *sum, size_t *out, size_t column);
/* R4: notes whether the party has enough of every sum of the group. Sums of cells are known by
 * these. */
void sotto__judge_cover(const struct judging *judging);
/* Judges the sums of each column, and each sum by its rules. Return: SOTTO_ERROR_REFUSED,
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__judge_columns(const struct judging *judging) SOTTO_NODISCARD;
enum sotto_status sotto__judge_sums(const struct judging *judging) SOTTO_NODISCARD;

/* --- judge_products.c --- */

/* Judges products over all rows that have them. Returns: SOTTO_ERROR_REFUSED,
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__judge_products(const struct judging *judging) SOTTO_NODISCARD;

/* --- judge_dependences.c --- */

/* Judges three columns or more that depend on each other but in few rows: their sums, or those of
 * their products with one other, each times a number, add up to what these rows have. Returns:
 * SOTTO_ERROR_REFUSED, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__judge_dependences(const struct judging *judging) SOTTO_NODISCARD;

/* --- judge_spans.c --- */

/* R4: says of each group which combinations of its sums have any of its rows (sotto/span.h).
 * Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__judge_spans(struct judging *judging) SOTTO_NODISCARD;

#endif
