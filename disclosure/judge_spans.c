/* SPDX-License-Identifier: Apache-2.0 */

/* R4, of sums together: what a party says of its rows, so that all parties can see whether a
 * combination of sums has rows of enough of them (federation/cover_combinations.c). Leans on
 * families.c for which sums are held together, and on span.c. The one idea: what is said of a
 * combination is whether any rows are in it; that these are not few the rules on rows have seen to
 * before. */

#include "judge.h"

#include <sotto/span.h>

/* Whether an atom is in all universes of a family. */
static bool is_within(const struct judging *judging, const struct sotto_family *family, size_t atom)
{
    bool is_in = true;
    for (size_t i = 0; is_in && i < family->universes_len; i++) {
        is_in = sotto_evidence_holds(judging->evidence, atom, family->universes[i]);
    }
    return is_in;
}

/* Whether the party gives what a set is opened over: not of a cell that it withholds. */
static bool is_given(const struct judging *judging, size_t set)
{
    const struct sotto_withheld *withheld = judging->withheld;
    size_t cell = judging->sets[set].cell;
    return cell == SOTTO_NONE || withheld->cells[judging->group * withheld->cells_len + cell] == 0;
}

/* Of the bins or levels of one output what this party withholds is in the rest of all rows too, and
 * is not few (judge_sets.c): others may stand behind that bin or level nevertheless. */
static void add_atom(const struct judging *judging, const struct sotto_family *family,
                     struct sotto_span *in_out, size_t atom)
{
    uint64_t vector[SOTTO_FAMILY_SUMS_MAX];
    for (size_t i = 0; i < family->sets_len; i++) {
        size_t set = family->sets[i];
        bool is_in = set == SOTTO_NONE || sotto_evidence_holds(judging->evidence, atom, set);
        bool is_shown = set == SOTTO_NONE || family->is_one_output || is_given(judging, set);
        vector[i] = is_in && is_shown;
    }
    (void)sotto_span_add(in_out, vector, NULL);
}

/* The first of a dataset's atoms, which are in the order of groups, that is of no earlier group. */
static size_t find_first(const struct sotto_evidence_atom *atoms, size_t len, size_t group)
{
    size_t from = 0;
    size_t to = len;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (atoms[middle].group < group) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Says what a family's sums have of the group's rows. */
static enum sotto_status say_family(const struct judging *judging,
                                    const struct sotto_family *family, struct sotto_writer *out)
{
    struct sotto_span span;
    size_t atoms_len;
    const struct sotto_evidence_atom *atoms =
        sotto_evidence_atoms(judging->evidence, family->dataset, &atoms_len);
    enum sotto_status status =
        sotto_span_init(&span, family->sets_len, judging->disclosure->spans_prime);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t first = find_first(atoms, atoms_len, judging->group);
    for (size_t i = first; i < atoms_len && atoms[i].group == judging->group; i++) {
        if (is_within(judging, family, i)) {
            add_atom(judging, family, &span, i);
        }
    }
    sotto_span_write(&span, out);
    sotto_span_release(&span);
    return SOTTO_OK;
}

/* The spans of all families in the group: none, if it is withheld. */
static enum sotto_status say_group(const struct judging *judging,
                                   const struct sotto_families *families, struct sotto_writer *out)
{
    struct sotto_writer group;
    bool has_groups = sotto_evidence_has_groups(judging->evidence);
    bool is_withheld = has_groups && judging->withheld->groups[judging->group] != 0;
    enum sotto_status status = SOTTO_OK;
    sotto_writer_init(&group, out->limit_bytes);
    for (size_t i = 0; !is_withheld && i < families->len; i++) {
        if (families->list[i].sets_len > SOTTO_FAMILY_SUMS_MAX) {
            continue; /* nobody opens these */
        }
        status = say_family(judging, &families->list[i], &group);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = sotto_writer_status(&group);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_write_blob(out, group.data, group.data_bytes);
out:
    sotto_writer_release(&group);
    return status;
}

enum sotto_status sotto__judge_spans(struct judging *judging)
{
    struct sotto_families families = {0};
    struct sotto_writer *out = judging->disclosure->spans;
    enum sotto_status status = sotto_families_init(&families, judging->evidence);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t groups_len = families.len > 0 ? sotto_evidence_groups_len(judging->evidence) : 0;
    if (families.len > 0) {
        sotto_write_u64(out, families.digest);
    }
    for (size_t group = 0; status == SOTTO_OK && group < groups_len; group++) {
        judging->group = group;
        status = say_group(judging, &families, out);
    }
    sotto_families_release(&families);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_writer_status(out);
}
