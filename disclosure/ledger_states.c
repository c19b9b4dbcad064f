/* SPDX-License-Identifier: Apache-2.0 */

/* A column and its product with a yes or no, as they were told one after the other. Leans on
 * sketches, and on ledger_changed.c for the atoms.
 *
 * The one idea: what changed in the sums of a column, less what changed in those of the product,
 * are the rows of no that changed; and the one less the other in two states are rows of no, and
 * some that changed. So of each atom all states are kept in which either was told, and each that is
 * told now is held against those that were. Atoms are cut by every predicate that is asked first:
 * so the same is done with all atoms together, of those with most predicates. */

#include "ledger_states.h"

#include "ledger_compare.h"

#include <sotto/alloc.h>
#include <string.h>

/* So many states of an atom are looked at, the last ones. */
#define STATES_MAX 64
/* Each is held against each two others, so often in all atoms: about half a second. */
#define WORK_MAX (UINT64_C(1) << 22)

/* --- Keeping --- */

static bool has_pair(const struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    bool found = false;
    for (size_t i = 0; !found && i < file->pairs_len; i++) {
        found = file->pairs[i].alone == decision->measure ||
                file->pairs[i].product == decision->measure;
    }
    return found;
}

static const struct sotto_sketch *find_last(const struct sotto__changed *changed,
                                            const struct sotto__changed_atom *atom)
{
    static const struct sotto_sketch nothing;
    return atom->told > 0 ? &changed->told[atom->told - 1].sketch : &nothing;
}

static bool keep(struct sotto__changed *changed, struct sotto__changed_atom *atom,
                 const struct sotto_sketch *sketch)
{
    void *told = changed->told;
    if (memcmp(find_last(changed, atom), sketch, sizeof *sketch) == 0) {
        return true;
    }
    if (sotto_array_reserve(&told, &changed->told_capacity_len, changed->told_len + 1,
                            sizeof *changed->told) != SOTTO_OK) {
        return false;
    }
    changed->told = told;
    changed->told[changed->told_len++] =
        (struct sotto__told_values){.sketch = *sketch,
                                    .more = sotto_sketch_more(sketch),
                                    .before = atom->told,
                                    .is_other = atom->is_other};
    atom->told = changed->told_len;
    return true;
}

bool sotto__states_add(struct decision *decision, struct sotto__changed_atom *atom,
                       const struct sotto_sketch *sketch)
{
    struct sotto__changed *changed = &decision->changed[decision->measure];
    if (!has_pair(decision)) {
        return true;
    }
    if (changed->whole.predicates_len < atom->predicates_len) {
        changed->whole.predicates_len = atom->predicates_len;
        changed->whole_told = (struct sotto_sketch){0};
    }
    if (changed->whole.predicates_len == atom->predicates_len) {
        changed->whole.answer = atom->answer;
        sotto_sketch_merge(&changed->whole_told, sketch);
        sotto_sketch_subtract(&changed->whole_told, find_last(changed, atom));
    }
    return keep(changed, atom, sketch);
}

bool sotto__states_end_answer(struct sotto__changed *changed)
{
    changed->whole.is_other = false;
    for (size_t i = 0; i < changed->len; i++) {
        const struct sotto__changed_atom *atom = &changed->list[i];
        bool is_part = atom->predicates_len == changed->whole.predicates_len;
        changed->whole.is_other = changed->whole.is_other || (is_part && atom->is_other);
    }
    return keep(changed, &changed->whole, &changed->whole_told);
}

/* --- States --- */

/* What is told of an atom, the last first. */
struct states {
    struct sotto__told_values now; /* where it is told anew */
    const struct sotto__told_values *list[STATES_MAX];
    size_t len;
    bool is_new; /* the first is now */
};

/* How many states are looked at of each of so many atoms: 16 where these are 1,000. */
static size_t count_states(const struct decision *decision, size_t atoms_len)
{
    uint64_t all = (uint64_t)atoms_len * decision->file->pairs_len;
    size_t len = STATES_MAX;
    while (len > 2 && all * len * len * len > WORK_MAX) {
        len /= 2;
    }
    return len;
}

/* At most len. now: NULL if it is not told now. */
static void list_states(struct states *out, size_t len, const struct sotto__changed *changed,
                        const struct sotto__changed_atom *atom, const struct sotto_sketch *now)
{
    const struct sotto_sketch *last = find_last(changed, atom);
    out->is_new = now != NULL && memcmp(now, last, sizeof *last) != 0;
    out->len = 0;
    if (out->is_new) {
        out->now = (struct sotto__told_values){.sketch = *now, .more = sotto_sketch_more(now)};
        out->list[out->len++] = &out->now;
    }
    for (size_t next = atom->told; next > 0 && out->len < len;
         next = changed->told[next - 1].before) {
        out->list[out->len++] = &changed->told[next - 1];
    }
}

/* Whether values, so many more than nothing, are those of a state, but for few. How many more is
 * known of a sum of sketches as of one: modulo twice SOTTO_SKETCH_MANY. */
static bool is_near(const struct decision *decision, const struct sotto_sketch *values,
                    int64_t more, const struct sotto__told_values *state)
{
    uint64_t others = (uint64_t)(more - state->more) & (2 * SOTTO_SKETCH_MANY - 1);
    others = others < SOTTO_SKETCH_MANY ? others : 2 * SOTTO_SKETCH_MANY - others;
    return sotto__may_cancel(decision, (int64_t)others) &&
           sotto__decision_is_few(decision, values, &state->sketch);
}

/* Whether what is told of one now, less what was told of it before, is near what was told of the
 * other twice: of each state of the other it follows what the state before would be. */
static bool is_change_near(const struct decision *decision, const struct states *one,
                           const struct states *other)
{
    bool found = false;
    for (size_t i = 0; one->is_new && !found && i < (one->len - 1) * other->len; i++) {
        const struct sotto__told_values *then = one->list[1 + i / other->len];
        const struct sotto__told_values *state = other->list[i % other->len];
        struct sotto_sketch before = state->sketch;
        sotto_sketch_merge(&before, &then->sketch);
        sotto_sketch_subtract(&before, &one->now.sketch);
        int64_t more = state->more + then->more - one->now.more;
        for (size_t j = 0; !found && j < other->len; j++) {
            found = other->list[j] != state && is_near(decision, &before, more, other->list[j]);
        }
    }
    return found;
}

/* Whether what is told of one now is near what was told of the other in a state that is gone. (In
 * today's it is known better which sets of rows were told.) */
static bool is_state_near(const struct decision *decision, const struct states *one,
                          const struct states *other)
{
    bool found = false;
    for (size_t i = other->is_new; one->is_new && !found && i < other->len; i++) {
        found = other->list[i]->is_other &&
                is_near(decision, &one->now.sketch, one->now.more, other->list[i]);
    }
    return found;
}

/* --- Atoms --- */

static void list_of_atom(struct states *out, const struct decision *decision, size_t measure,
                         const struct sotto__changed_atom *atom)
{
    const struct sotto__changed *changed = &decision->changed[measure];
    struct sotto_sketch now = *find_last(changed, atom);
    bool is_told = !decision->file->measures[measure].is_context && atom->is_asked;
    sotto_sketch_merge(&now, &atom->change);
    list_states(out, count_states(decision, decision->file->atoms_len), changed, atom,
                is_told ? &now : NULL);
}

/* Whether a column and its product changed alike in an atom. What is not told now stands as if it
 * were: it may have been told since with more predicates, in atoms that this one is not held
 * against. But so it stands as its columns are, whatever else rows had to have when it was told; so
 * all that was told of both is looked at too. */
static bool changed_alike(const struct decision *decision, const struct sotto_ledger_pair *pair,
                          const struct sotto__changed_atom *alone,
                          const struct sotto__changed_atom *product)
{
    struct states one;
    struct states other;
    list_of_atom(&one, decision, pair->alone, alone);
    list_of_atom(&other, decision, pair->product, product);
    return (one.is_new || other.is_new) &&
           (sotto__decision_is_few(decision, &alone->change, &product->change) ||
            is_change_near(decision, &one, &other) || is_change_near(decision, &other, &one));
}

static bool is_same_atom(const struct sotto__changed_atom *one,
                         const struct sotto__changed_atom *other)
{
    return one->predicates_len == other->predicates_len &&
           memcmp(one->digest, other->digest, sizeof one->digest) == 0;
}

static void compare_atoms(struct decision *decision, const struct sotto_ledger_pair *pair)
{
    const struct sotto__changed *alone = &decision->changed[pair->alone];
    const struct sotto__changed *product = &decision->changed[pair->product];
    for (size_t i = 0; i < alone->len; i++) {
        for (size_t j = 0; j < product->len; j++) {
            const struct sotto__changed_atom *one = &alone->list[i];
            const struct sotto__changed_atom *other = &product->list[j];
            if (is_same_atom(one, other) && changed_alike(decision, pair, one, other)) {
                sotto__changed_fail(decision, one);
                sotto__changed_fail(decision, other);
            }
        }
    }
}

/* The other measure in an atom that was told of one, where that is told now and was not before. */
static void list_now(struct states *out, const struct decision *decision, size_t measure,
                     const struct sotto__changed_atom *told)
{
    static const struct sotto__changed_atom never = {.told = 0};
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto__changed *changed = &decision->changed[measure];
    const struct sotto__changed_atom *own = &never;
    const struct prefix *list = decision->prefixes[told->predicates_len]; /* made for its entry */
    struct sotto_sketch now = {0};
    size_t first;
    size_t len = sotto__prefix_find(list, &first, file->atoms_len, told->digest);
    for (size_t i = first; i < first + len; i++) {
        sotto_sketch_merge(&now, &file->atoms[list[i].atom].sketches[measure]);
    }
    for (size_t i = 0; i < changed->len; i++) {
        own = is_same_atom(&changed->list[i], told) ? &changed->list[i] : own;
    }
    bool is_told = !file->measures[measure].is_context && told->is_asked;
    list_states(out, 1, changed, own, is_told ? &now : NULL);
}

/* Holds what is told now of a measure against what was told of the other, in each atom. */
static void compare_states(struct decision *decision, size_t measure, size_t other)
{
    const struct sotto__changed *changed = &decision->changed[other];
    for (size_t i = 0; i < changed->len; i++) {
        struct states now;
        struct states then;
        list_now(&now, decision, measure, &changed->list[i]);
        list_states(&then, STATES_MAX, changed, &changed->list[i], NULL);
        if (is_state_near(decision, &now, &then)) {
            sotto__changed_fail(decision, &changed->list[i]);
        }
    }
}

/* --- All atoms --- */

static void list_of_all(struct states *out, const struct decision *decision, size_t measure)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto__changed *changed = &decision->changed[measure];
    struct sotto_sketch now = {0};
    bool is_told = !file->measures[measure].is_context;
    for (size_t i = 0; is_told && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked) {
            sotto_sketch_merge(&now, &file->atoms[i].sketches[measure]);
        }
    }
    list_states(out, count_states(decision, 1), changed, &changed->whole, is_told ? &now : NULL);
}

static void fail_all(struct decision *decision, const struct sotto_ledger_pair *pair)
{
    const struct sotto_ledger_file *file = decision->file;
    uint64_t answers[2] = {decision->changed[pair->alone].whole.answer,
                           decision->changed[pair->product].whole.answer};
    uint64_t answer = answers[0] > answers[1] ? answers[0] : answers[1];
    for (size_t i = 0; i < file->atoms_len; i++) {
        decision->has_failed[i] |= file->atoms[i].is_asked;
    }
    if (decision->stands < answer) {
        decision->stands = answer;
        decision->failed_measure = pair->alone;
    }
}

void sotto__states_compare(struct decision *decision, const struct sotto_ledger_pair *pair)
{
    struct states one;
    struct states other;
    if (decision->file->measures[pair->alone].is_count) {
        return;
    }
    decision->measure = pair->alone; /* which a failure names */
    if (decision->told_sums[pair->alone].len > 0 && decision->told_sums[pair->product].len > 0) {
        compare_atoms(decision, pair);
    }
    compare_states(decision, pair->alone, pair->product);
    compare_states(decision, pair->product, pair->alone);
    list_of_all(&one, decision, pair->alone);
    list_of_all(&other, decision, pair->product);
    if (is_change_near(decision, &one, &other) || is_change_near(decision, &other, &one) ||
        is_state_near(decision, &one, &other) || is_state_near(decision, &other, &one)) {
        fail_all(decision, pair);
    }
}
