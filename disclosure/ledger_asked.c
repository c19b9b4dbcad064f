/* SPDX-License-Identifier: Apache-2.0 */

/* The sums that a question asks for, as sets of atoms. Leans on the tally, which says of each
 * predicate what the plan does with it.
 *
 * The one idea: what is asked of a group is told whole, and so are parts of it: of bins, levels and
 * cells of tables the count of each; of an output's conditions, for every measure, what any of them
 * choose together, where it is known whether they hold. What two outputs choose is told by neither.
 */

#include "ledger_decide.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdlib.h>
#include <string.h>

/* Conditions that are taken together in every way; of more, all together and each alone. */
#define CONDITIONS_MAX 3

/* --- Sums --- */

void sotto__ledger_sums_release(struct sotto__ledger_sums *sums)
{
    sotto_free(sums->list);
    sotto_free(sums->columns);
    sotto_free(sums->old_weights);
    sotto_free(sums->lost);
    *sums = (struct sotto__ledger_sums){0};
}

uint64_t sotto__ledger_sums_mark_atom(size_t atom)
{
    uint64_t mark = (atom + 1) * UINT64_C(0x9E3779B97F4A7C15);
    mark = (mark ^ (mark >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return mark ^ (mark >> 32);
}

bool sotto__ledger_sums_add_column(struct sotto__ledger_sums *in_out, size_t column)
{
    void *columns = in_out->columns;
    if (sotto_array_reserve(&columns, &in_out->columns_capacity_len, in_out->columns_len + 1,
                            sizeof *in_out->columns) != SOTTO_OK) {
        return false;
    }
    in_out->columns = columns;
    in_out->columns[in_out->columns_len++] = (uint32_t)column;
    return true;
}

bool sotto__ledger_sums_add(struct sotto__ledger_sums *in_out, const struct sotto__ledger_sum *sum)
{
    void *list = in_out->list;
    size_t first = in_out->len > 0
                       ? in_out->list[in_out->len - 1].first + in_out->list[in_out->len - 1].len
                       : 0;
    if (sotto_array_reserve(&list, &in_out->capacity_len, in_out->len + 1, sizeof *in_out->list) !=
        SOTTO_OK) {
        return false;
    }
    in_out->list = list;
    in_out->list[in_out->len] = *sum;
    in_out->list[in_out->len].first = first;
    in_out->list[in_out->len].len = in_out->columns_len - first;
    in_out->len++;
    return true;
}

/* --- Tables: parts of what is asked of groups --- */

/* By the classes of which predicates a group is taken apart. */
struct partition {
    size_t predicates[SOTTO_LEDGER_PREDICATES_MAX];
    size_t len;
    bool has_none; /* rows of no class, and where it is not known, are parts too */
};

/* What is being listed. */
struct asking {
    const struct decision *decision;
    const struct partition *partition;
    size_t *order; /* atoms that are asked: by groups, and then by classes of the table */
    size_t len;
    size_t *group_lens; /* atoms that are asked of each group */
    uint32_t *run_of;   /* of each atom: those that literals do not tell apart */
    uint32_t *numbers;  /* scratch, likewise */
};

static int compare_atoms(const void *a, const void *b, void *context)
{
    const struct asking *asking = context;
    const struct sotto_ledger_file *file = asking->decision->file;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    size_t groups[2] = {sotto__decision_find_group(asking->decision, x),
                        sotto__decision_find_group(asking->decision, y)};
    int order = (groups[0] > groups[1]) - (groups[0] < groups[1]);
    for (size_t i = 0; order == 0 && i < asking->partition->len; i++) {
        size_t predicate = asking->partition->predicates[i];
        order = file->atoms[x].classes[predicate] - file->atoms[y].classes[predicate];
    }
    return order;
}

/* Whether the rows of an atom have a part of their own. */
static bool is_part(const struct asking *asking, size_t atom)
{
    const uint16_t *classes = asking->decision->file->atoms[atom].classes;
    bool is = true;
    for (size_t i = 0; is && !asking->partition->has_none && i < asking->partition->len; i++) {
        size_t predicate = asking->partition->predicates[i];
        bool is_table = asking->decision->file->counts_cells != NULL &&
                        asking->decision->file->counts_cells[predicate] != 0;
        is =
            classes[predicate] != SOTTO_WATCH_CLASSES_MAX && (!is_table || classes[predicate] != 0);
    }
    return is;
}

/* Adds the parts of all groups by the table; none that is all of its group, unless it is to be. */
static bool add_parts(struct sotto__ledger_sums *out, const struct asking *asking)
{
    bool has_memory = true;
    for (size_t first = 0, next = 0; has_memory && first < asking->len; first = next) {
        size_t atom = asking->order[first];
        struct sotto__ledger_sum sum = {.group = sotto__decision_find_group(asking->decision, atom),
                                        .is_whole = asking->partition->len == 0};
        while (next < asking->len &&
               compare_atoms(&asking->order[first], &asking->order[next], (void *)asking) == 0) {
            next++;
        }
        if (!is_part(asking, atom) ||
            (!sum.is_whole && next - first == asking->group_lens[sum.group])) {
            continue;
        }
        for (size_t i = first; has_memory && i < next; i++) {
            has_memory = sotto__ledger_sums_add_column(out, asking->order[i]);
            sum.mark ^= sotto__ledger_sums_mark_atom(asking->order[i]);
        }
        has_memory = has_memory && sotto__ledger_sums_add(out, &sum);
    }
    return has_memory;
}

/* --- Words --- */

/* Whether all atoms of each sum from first on have one class. */
static bool is_constant(const struct sotto__ledger_sums *sums, size_t first,
                        const struct sotto_ledger_file *file, size_t predicate)
{
    bool is = true;
    for (size_t i = first; is && i < sums->len; i++) {
        const uint32_t *atoms = sums->columns + sums->list[i].first;
        for (size_t j = 1; is && j < sums->list[i].len; j++) {
            is = file->atoms[atoms[j]].classes[predicate] ==
                 file->atoms[atoms[0]].classes[predicate];
        }
    }
    return is;
}

struct by_run {
    const struct sotto_ledger_file *file;
    const uint32_t *run_of;
    size_t predicate;
};

static int compare_runs(const void *a, const void *b, void *context)
{
    const struct by_run *by = context;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = (by->run_of[x] > by->run_of[y]) - (by->run_of[x] < by->run_of[y]);
    return order != 0 ? order
                      : by->file->atoms[x].classes[by->predicate] -
                            by->file->atoms[y].classes[by->predicate];
}

/* Tells runs of all atoms apart by one more predicate. order: scratch. Returns: how many there are.
 */
static uint32_t split_runs(struct asking *asking, size_t *order, size_t predicate)
{
    const struct sotto_ledger_file *file = asking->decision->file;
    struct by_run by = {.file = file, .run_of = asking->run_of, .predicate = predicate};
    uint32_t runs_len = 0;
    for (size_t i = 0; i < file->atoms_len; i++) {
        order[i] = i;
    }
    qsort_r(order, file->atoms_len, sizeof *order, compare_runs, &by);
    for (size_t i = 0; i < file->atoms_len; i++) {
        runs_len += i == 0 || compare_runs(&order[i - 1], &order[i], &by) != 0;
        asking->numbers[order[i]] = runs_len - 1;
    }
    memcpy(asking->run_of, asking->numbers, file->atoms_len * sizeof *asking->run_of);
    return runs_len;
}

/* Whether each sum from first on is a run, all of it. lens: scratch. */
static bool are_runs(const struct asking *asking, size_t *lens,
                     const struct sotto__ledger_sums *sums, size_t first)
{
    const struct sotto_ledger_file *file = asking->decision->file;
    bool are = true;
    memset(lens, 0, file->atoms_len * sizeof *lens);
    for (size_t i = 0; i < file->atoms_len; i++) {
        lens[asking->run_of[i]]++;
    }
    for (size_t i = first; are && i < sums->len; i++) {
        are = lens[asking->run_of[sums->columns[sums->list[i].first]]] == sums->list[i].len;
    }
    return are;
}

/* Finds predicates whose classes say which atoms sums from first on are over. Returns: how many;
 * SOTTO_NONE where none do. */
static size_t find_literals(struct asking *asking, size_t *out, size_t *scratch,
                            const struct sotto__ledger_sums *sums, size_t first)
{
    const struct sotto_ledger_file *file = asking->decision->file;
    uint32_t runs_len = 1;
    size_t len = 0;
    memset(asking->run_of, 0, file->atoms_len * sizeof *asking->run_of);
    for (size_t i = file->predicates_len; i-- > 0 && !are_runs(asking, scratch, sums, first);) {
        if (len == SOTTO__LEDGER_LITERALS_MAX) {
            return SOTTO_NONE;
        }
        if (!is_constant(sums, first, file, i)) {
            continue;
        }
        uint32_t split_len = split_runs(asking, scratch, i);
        if (split_len > runs_len) {
            out[len++] = i;
            runs_len = split_len;
        }
    }
    return are_runs(asking, scratch, sums, first) ? len : SOTTO_NONE;
}

/* Writes the words of sums from first on. */
static void set_words(struct asking *asking, size_t *scratch, struct sotto__ledger_sums *in_out,
                      size_t first)
{
    const struct sotto_ledger_file *file = asking->decision->file;
    size_t literals[SOTTO__LEDGER_LITERALS_MAX];
    size_t len = find_literals(asking, literals, scratch, in_out, first);
    for (size_t i = first; i < in_out->len; i++) {
        struct sotto__ledger_words *words = &in_out->list[i].words;
        size_t atom = in_out->columns[in_out->list[i].first];
        words->are_atoms = len == SOTTO_NONE;
        words->literals_len = words->are_atoms ? 0 : (uint8_t)len;
        for (size_t j = 0; j < words->literals_len; j++) {
            words->literals[j].predicate = (uint16_t)literals[j];
            words->literals[j].class_ = file->atoms[atom].classes[literals[j]];
        }
    }
}

/* --- All tables --- */

/* Adds a table's parts, with their words. */
static bool add_table(struct sotto__ledger_sums *in_out, struct asking *asking, size_t *scratch,
                      const struct partition *partition)
{
    size_t first = in_out->len;
    asking->partition = partition;
    qsort_r(asking->order, asking->len, sizeof *asking->order, compare_atoms, asking);
    if (!add_parts(in_out, asking)) {
        return false;
    }
    set_words(asking, scratch, in_out, first);
    return true;
}

/* What conditions of an output choose together: each way of taking some of them. */
static bool add_conditions(struct sotto__ledger_sums *in_out, struct asking *asking,
                           size_t *scratch, const struct sotto_ledger_conditions *of)
{
    const size_t *conditions = of->predicates;
    size_t len = of->len;
    bool has_memory = true;
    struct partition partition = {.len = len, .has_none = true};
    memcpy(partition.predicates, conditions, len * sizeof conditions[0]);
    if (len > CONDITIONS_MAX) {
        has_memory = add_table(in_out, asking, scratch, &partition);
    }
    partition.has_none = false;
    for (size_t some = 1; has_memory && len <= CONDITIONS_MAX && some < (size_t)1 << len; some++) {
        partition.len = 0;
        for (size_t i = 0; i < len; i++) {
            if (((some >> i) & 1) != 0) {
                partition.predicates[partition.len++] = conditions[i];
            }
        }
        has_memory = add_table(in_out, asking, scratch, &partition);
    }
    partition.len = 1;
    for (size_t i = 0; has_memory && len > CONDITIONS_MAX && i < len; i++) {
        partition.predicates[0] = conditions[i];
        has_memory = add_table(in_out, asking, scratch, &partition);
    }
    return has_memory;
}

static bool add_counts(struct sotto__ledger_sums *in_out, struct asking *asking, size_t *scratch)
{
    const struct sotto_ledger_file *file = asking->decision->file;
    struct partition partition = {.len = 1};
    bool has_memory = true;
    for (size_t i = 0; has_memory && file->counts_cells != NULL && i < file->predicates_len; i++) {
        partition.predicates[0] = i;
        if (file->counts_cells[i] != 0) {
            has_memory = add_table(in_out, asking, scratch, &partition);
        }
    }
    return has_memory;
}

/* Where the words of a table can't be found, each atom that is asked is told by itself. */
static bool add_atoms(struct sotto__ledger_sums *in_out, const struct asking *asking)
{
    bool has_memory = true;
    bool are_atoms = false;
    for (size_t i = 0; i < in_out->len; i++) {
        are_atoms = are_atoms || in_out->list[i].words.are_atoms;
    }
    for (size_t i = 0; has_memory && are_atoms && i < asking->len; i++) {
        size_t atom = asking->order[i];
        const struct sotto__ledger_sum sum = {
            .group = sotto__decision_find_group(asking->decision, atom),
            .mark = sotto__ledger_sums_mark_atom(atom),
            .words = {.are_atoms = true}};
        has_memory =
            sotto__ledger_sums_add_column(in_out, atom) && sotto__ledger_sums_add(in_out, &sum);
    }
    return has_memory;
}

enum sotto_status sotto__decision_list_asked(struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct partition whole = {.len = 0};
    struct asking asking = {.decision = decision};
    size_t *scratch = sotto_alloc_array(file->atoms_len + 1, sizeof *scratch);
    asking.order = sotto_alloc_array(file->atoms_len + 1, sizeof *asking.order);
    asking.run_of = sotto_alloc_array(file->atoms_len + 1, sizeof *asking.run_of);
    asking.numbers = sotto_alloc_array(file->atoms_len + 1, sizeof *asking.numbers);
    asking.group_lens =
        sotto_alloc_array(sotto__decision_count_groups(decision), sizeof *asking.group_lens);
    bool has_memory = scratch != NULL && asking.order != NULL && asking.run_of != NULL &&
                      asking.numbers != NULL && asking.group_lens != NULL;
    for (size_t i = 0; has_memory && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked) {
            asking.order[asking.len++] = i;
            asking.group_lens[sotto__decision_find_group(decision, i)]++;
        }
    }
    for (size_t i = 0; has_memory && i < 2; i++) { /* of sums, and of counts */
        struct sotto__ledger_sums *asked = &decision->asked[i];
        has_memory = add_table(asked, &asking, scratch, &whole);
        for (size_t j = 0; has_memory && j < file->conditions_len; j++) {
            has_memory = add_conditions(asked, &asking, scratch, &file->conditions[j]);
        }
        has_memory = has_memory && (i == 0 || add_counts(asked, &asking, scratch)) &&
                     add_atoms(asked, &asking);
    }
    sotto_free(scratch);
    sotto_free(asking.order);
    sotto_free(asking.run_of);
    sotto_free(asking.numbers);
    sotto_free(asking.group_lens);
    return has_memory ? SOTTO_OK : sotto_error_no_memory(err);
}
