/* SPDX-License-Identifier: Apache-2.0 */

/* What changed in several atoms at once. Leans on sketches, which add up.
 *
 * The one idea: each atom changed by many values, and yet all of them together by few: twelve rows
 * went from one group to another, and one left. Sums of both groups before and after are then the
 * value of the one. A sketch of what was added less what was taken away tells, so those of two
 * atoms are added, and of three. ledger_states.c does likewise with a column and its product.
 *
 * Answers are gone through as they were given, and each atom is held against the others as they
 * were then. What is not told anew is not looked at: whoever asks has nothing of it to subtract.
 * Four atoms or more that change in a circle are not looked for, nor three of many. */

#include "ledger_changed.h"

#include "ledger_compare.h"
#include "ledger_states.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

void sotto__changed_release(struct sotto__changed *changed)
{
    sotto_free(changed->list);
    sotto_free(changed->mores);
    sotto_free(changed->told);
    *changed = (struct sotto__changed){0};
}

static bool is_of_entry(const struct sotto__changed_atom *atom,
                        const struct sotto__ledger_entry *old)
{
    return atom->predicates_len == old->predicates_len &&
           memcmp(atom->digest, old->atom, sizeof old->atom) == 0;
}

/* Finds the atom of an entry, or makes it. Answers have their atoms in one order: it is looked for
 * from behind the one before. Returns: NULL if there is no memory. */
static struct sotto__changed_atom *find_atom(struct sotto__changed *changed,
                                             const struct sotto__ledger_entry *old)
{
    void *list = changed->list;
    void *mores = changed->mores;
    for (size_t i = 0; i < changed->len; i++) {
        changed->at = changed->at + 1 < changed->len ? changed->at + 1 : 0;
        if (is_of_entry(&changed->list[changed->at], old)) {
            return &changed->list[changed->at];
        }
    }
    if (sotto_array_reserve(&list, &changed->capacity_len, changed->len + 1,
                            sizeof *changed->list) != SOTTO_OK) {
        return NULL;
    }
    changed->list = list;
    if (sotto_array_reserve(&mores, &changed->mores_capacity_len, changed->len + 1,
                            sizeof *changed->mores) != SOTTO_OK) {
        return NULL;
    }
    changed->mores = mores;
    changed->at = changed->len++;
    changed->list[changed->at].told = 0;
    return &changed->list[changed->at];
}

/* Three are looked at where there are so many atoms: 5,000 ways. */
#define CIRCLES_MAX 32

/* --- Failing --- */

void sotto__changed_fail(struct decision *decision, const struct sotto__changed_atom *atom)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t first;
    const struct prefix *list = decision->prefixes[atom->predicates_len]; /* made for its entry */
    size_t len = sotto__prefix_find(list, &first, file->atoms_len, atom->digest);
    for (size_t i = first; i < first + len; i++) {
        decision->has_failed[list[i].atom] |= file->atoms[list[i].atom].is_asked;
    }
    if (decision->stands < atom->answer) {
        decision->stands = atom->answer;
        decision->failed_measure = decision->measure;
    }
}

/* --- Comparing --- */

static bool cancel_but_few(const struct decision *decision,
                           const struct sotto__changed_atom *const *atoms, size_t len)
{
    static const struct sotto_sketch nothing;
    struct sotto_sketch all = atoms[0]->change;
    for (size_t i = 1; i < len; i++) {
        sotto_sketch_merge(&all, &atoms[i]->change);
    }
    return sotto__decision_is_few(decision, &nothing, &all);
}

/* Whether atoms changed that were told together, one of them lately, and one is asked for. */
static bool are_comparable(const struct sotto__changed_atom *const *atoms, size_t len)
{
    bool are_others = true;
    bool is_any_new = false;
    bool is_any_asked = false;
    for (size_t i = 0; i < len; i++) {
        are_others = are_others && atoms[i]->is_other &&
                     atoms[i]->predicates_len == atoms[0]->predicates_len;
        is_any_new = is_any_new || atoms[i]->is_new;
        is_any_asked = is_any_asked || atoms[i]->is_asked;
    }
    return are_others && is_any_new && is_any_asked;
}

static void compare_some(struct decision *decision, const struct sotto__changed_atom *const *atoms,
                         size_t len)
{
    if (!are_comparable(atoms, len) || !cancel_but_few(decision, atoms, len)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        sotto__changed_fail(decision, atoms[i]);
    }
}

void sotto__changed_compare(struct decision *decision)
{
    struct sotto__changed *changed = &decision->changed[decision->measure];
    const struct sotto__changed_atom *list = changed->list;
    const int64_t *mores = changed->mores;
    bool is_told = !decision->file->measures[decision->measure].is_context;
    for (size_t i = 0; is_told && i < changed->len; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct sotto__changed_atom *atoms[3] = {&list[i], &list[j]};
            int64_t more = mores[i] + mores[j];
            if (sotto__may_cancel(decision, more)) {
                compare_some(decision, atoms, 2);
            }
            for (size_t k = 0; changed->len <= CIRCLES_MAX && k < j; k++) {
                atoms[2] = &list[k];
                if (sotto__may_cancel(decision, more + mores[k])) {
                    compare_some(decision, atoms, 3);
                }
            }
        }
    }
    for (size_t i = 0; i < changed->len; i++) {
        changed->list[i].is_new = false;
    }
}

bool sotto__changed_add(struct decision *decision, const struct sotto__ledger_entry *old,
                        const struct sotto_sketch *now, bool is_other, bool is_asked)
{
    struct sotto__changed *changed = &decision->changed[decision->measure];
    if (changed->answer < old->entry.answer) {
        sotto__changed_compare(decision); /* the answer before is complete */
        if (!sotto__states_end_answer(changed)) {
            return false;
        }
        changed->answer = old->entry.answer;
    }
    struct sotto__changed_atom *atom = find_atom(changed, old);
    if (atom == NULL) {
        return false;
    }
    atom->predicates_len = old->predicates_len;
    memcpy(atom->digest, old->atom, sizeof atom->digest);
    atom->answer = old->entry.answer;
    atom->is_asked = is_asked;
    atom->is_other = is_other;
    atom->is_new = true;
    atom->change = *now;
    sotto_sketch_subtract(&atom->change, &old->sketch);
    changed->mores[changed->at] = sotto_sketch_more(&atom->change);
    return sotto__states_add(decision, atom, &old->sketch);
}
