/* SPDX-License-Identifier: Apache-2.0 */

/* What is asked, held against what was answered before. Leans on chain.c for what was written down
 * and on sketch.c for how two multisets differ.
 *
 * The one idea: answers are compared atom by atom. An atom is a cell of the Venn diagram of all
 * predicates that a file was asked about, and these are only ever added: an atom of an earlier
 * answer, when there were k of them, is the union of today's atoms whose first k classes are the
 * same. So its values of today are the sum of their sketches, and the distance to the sketch that
 * was written down says how many rows the two answers can tell apart. What several atoms say
 * together is looked at by ledger_changed.c and ledger_given.c. */

#include "ledger_compare.h"

#include "ledger_states.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Atoms --- */

void sotto__ledger_digest_classes(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const uint16_t *classes,
                                  size_t len)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, SOTTO_LEDGER_SUBJECT_BYTES);
    for (size_t i = 0; i < len; i++) {
        const uint8_t bytes[2] = {(uint8_t)(classes[i] & 0xFF), (uint8_t)(classes[i] >> 8)};
        (void)crypto_generichash_update(&state, bytes, sizeof bytes);
    }
    (void)crypto_generichash_final(&state, out, SOTTO_LEDGER_SUBJECT_BYTES);
}

static int compare_prefixes(const void *a, const void *b)
{
    return memcmp(a, b, SOTTO_LEDGER_SUBJECT_BYTES);
}

enum sotto_status sotto__decision_find_prefixes(struct decision *decision,
                                                const struct prefix **out, size_t classes_len,
                                                struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    struct prefix **list = &decision->prefixes[classes_len];
    if (*list == NULL) {
        *list = sotto_alloc_array(file->atoms_len + 1, sizeof **list);
        if (*list == NULL) {
            return sotto_error_no_memory(err);
        }
        for (size_t i = 0; i < file->atoms_len; i++) {
            (*list)[i].atom = i;
            sotto__ledger_digest_classes((*list)[i].digest, file->atoms[i].classes, classes_len);
        }
        qsort(*list, file->atoms_len, sizeof **list, compare_prefixes);
    }
    *out = *list;
    return SOTTO_OK;
}

size_t sotto__prefix_find(const struct prefix *list, size_t *out_first, size_t len,
                          const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES])
{
    size_t low = 0;
    size_t high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(list[middle].digest, digest, SOTTO_LEDGER_SUBJECT_BYTES) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_first = low;
    while (high < len && memcmp(list[high].digest, digest, SOTTO_LEDGER_SUBJECT_BYTES) == 0) {
        high++;
    }
    return high - low;
}

size_t sotto__prefix_end(const struct prefix *list, size_t first, size_t len)
{
    size_t end = first + 1;
    while (end < len && compare_prefixes(&list[first], &list[end]) == 0) {
        end++;
    }
    return end;
}

/* --- Comparing --- */

/* Sketches what is asked of parts, of one group or (SOTTO_NONE) of all. Returns: whether some is.
 */
static bool sketch_asked(const struct decision *decision, struct sotto_sketch *out,
                         const struct prefix *parts, size_t parts_len, size_t group)
{
    bool is_asked = false;
    *out = (struct sotto_sketch){0};
    for (size_t i = 0; i < parts_len; i++) {
        const struct sotto_ledger_atom *atom = &decision->file->atoms[parts[i].atom];
        if (atom->is_asked && (group == SOTTO_NONE || atom->group == group)) {
            sotto_sketch_merge(out, &atom->sketches[decision->measure]);
            is_asked = true;
        }
    }
    return is_asked;
}

static void fail_parts(struct decision *decision, const struct sotto__ledger_entry *old,
                       const struct prefix *parts, size_t parts_len, size_t group)
{
    for (size_t i = 0; i < parts_len; i++) {
        const struct sotto_ledger_atom *atom = &decision->file->atoms[parts[i].atom];
        if (group == SOTTO_NONE || (atom->is_asked && atom->group == group)) {
            decision->has_failed[parts[i].atom] = 1;
        }
    }
    if (decision->stands < old->entry.answer) { /* the latest is what an analyst has at hand */
        decision->stands = old->entry.answer;
        decision->failed_measure = decision->measure;
    }
}

/* Whether the old values of an atom that changed are those of one of its parts, or of all others,
 * but for few. An answer about the new rows, and one about all, would tell that part. */
static bool is_part_but_few(const struct decision *decision, const struct sotto__ledger_entry *old,
                            const struct sotto_sketch *now, const struct prefix *parts,
                            size_t parts_len)
{
    bool is_near = false;
    for (size_t i = 0; !is_near && i < parts_len; i++) {
        const struct sotto_sketch *part =
            &decision->file->atoms[parts[i].atom].sketches[decision->measure];
        struct sotto_sketch others = *now;
        sotto_sketch_subtract(&others, part);
        is_near = sotto__decision_is_few(decision, &old->sketch, part) ||
                  sotto__decision_is_few(decision, &old->sketch, &others);
    }
    return is_near;
}

/* What is asked of an atom that changed, all of it and each group's, may not be its old values but
 * for few: what else was in it then is in parts that are not asked, and new rows are no cover. */
static void compare_asked(struct decision *decision, const struct sotto__ledger_entry *old,
                          const struct sotto_sketch *now, const struct prefix *parts,
                          size_t parts_len)
{
    struct sotto_sketch asked;
    if (is_part_but_few(decision, old, now, parts, parts_len)) {
        fail_parts(decision, old, parts, parts_len, SOTTO_NONE);
        return;
    }
    for (size_t i = 0; i <= decision->question->groups_len; i++) {
        size_t group = i < decision->question->groups_len ? i : SOTTO_NONE;
        if (sketch_asked(decision, &asked, parts, parts_len, group) &&
            sotto__decision_is_few(decision, &old->sketch, &asked)) {
            fail_parts(decision, old, parts, parts_len, group);
        }
    }
}

/* Whether an entry need not be written down again. */
static bool is_young(const struct decision *decision, const struct sotto__ledger_entry *old)
{
    return decision->question->now_ms - old->entry.created_ms < SOTTO__LEDGER_REPEAT_MS;
}

/* Today's values of an atom; scratch: of several parts they are added up there. *out_is_asked:
 * whether any of it is asked for. */
static const struct sotto_sketch *sum_parts(const struct decision *decision, bool *out_is_asked,
                                            struct sotto_sketch *scratch,
                                            const struct prefix *parts, size_t parts_len)
{
    const struct sotto_ledger_atom *atoms = decision->file->atoms;
    bool is_asked = false;
    for (size_t i = 0; i < parts_len; i++) {
        is_asked = is_asked || atoms[parts[i].atom].is_asked;
    }
    *out_is_asked = is_asked;
    if (parts_len == 1) {
        return &atoms[parts[0].atom].sketches[decision->measure];
    }
    *scratch = (struct sotto_sketch){0};
    for (size_t i = 0; i < parts_len; i++) {
        sotto_sketch_merge(scratch, &atoms[parts[i].atom].sketches[decision->measure]);
    }
    return scratch;
}

/* What an earlier answer says of an atom's values, beside what they are today. Returns: how many
 * are others. */
static uint64_t compare_atom(struct decision *decision, const struct sotto__ledger_entry *old,
                             const struct sotto_sketch *now, bool is_asked,
                             const struct prefix *parts, size_t parts_len)
{
    const struct sotto_ledger_file *file = decision->file;
    uint64_t distance = sotto_sketch_distance(&old->sketch, now);
    if (sotto__ledger_is_annulled(decision->ledger, old->entry.answer)) {
        return distance; /* other answers may lean on it all the same */
    }
    size_t at = decision->measure * file->atoms_len;
    decision->has_same = decision->has_same || (distance == 0 && is_asked);
    for (size_t i = 0; distance == 0 && i < parts_len; i++) {
        decision->is_known[at + parts[i].atom] = 1;
        if (parts_len == 1 && old->predicates_len == file->predicates_len &&
            is_young(decision, old)) {
            decision->is_written[at + parts[i].atom] = 1;
        }
    }
    if (file->measures[decision->measure].is_context) {
        return distance;
    }
    if (is_asked && distance > 0 && distance < decision->question->min_rows) {
        fail_parts(decision, old, parts, parts_len, SOTTO_NONE);
    } else if (is_asked && distance > 0 && parts_len > 1 &&
               !file->measures[decision->measure].is_count) {
        compare_asked(decision, old, now, parts, parts_len);
    }
    return distance;
}

/* --- Parties --- */

/* Parties over which a measure was told. */
struct told_set {
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
    uint64_t answer;
};

static enum sotto_status keep_told(struct decision *decision, const struct sotto__ledger_entry *old,
                                   struct sotto_error *err)
{
    void *told = decision->told;
    if (sotto_array_reserve(&told, &decision->told_capacity_len, decision->told_len + 1,
                            sizeof *decision->told) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    decision->told = told;
    struct told_set *set = &decision->told[decision->told_len++];
    memcpy(set->digest, old->parties, sizeof set->digest);
    set->answer = old->entry.answer;
    if (is_young(decision, old) &&
        memcmp(old->parties, decision->parties->digest, sizeof old->parties) == 0) {
        decision->is_told[decision->measure] = 1;
    }
    return SOTTO_OK;
}

static enum sotto_status keep_set(struct sotto_ledger_pending *pending, const uint8_t *digest,
                                  struct sotto_error *err)
{
    void *sets = pending->sets;
    for (size_t i = 0; i < pending->sets_len; i++) {
        if (memcmp(pending->sets[i], digest, sizeof pending->sets[i]) == 0) {
            return SOTTO_OK;
        }
    }
    if (sotto_array_reserve(&sets, &pending->sets_capacity_len, pending->sets_len + 1,
                            sizeof *pending->sets) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    pending->sets = sets;
    memcpy(pending->sets[pending->sets_len++], digest, sizeof pending->sets[0]);
    return SOTTO_OK;
}

enum sotto_status sotto__decision_check_parties(struct decision *decision, struct sotto_error *err)
{
    size_t least = decision->question->parties_least;
    decision->is_of_parties =
        decision->is_of_parties || (decision->has_same && decision->told_len > 0);
    for (size_t i = 0; decision->has_same && least > 0 && i < decision->told_len; i++) {
        struct told_set *set = &decision->told[i];
        enum sotto_status status =
            sotto__ledger_opened(decision->ledger, set->digest, set->answer, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = sotto__ledger_compare_parties(decision->ledger, decision->parties, set->digest,
                                               least, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = keep_set(decision->pending, set->digest, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Sums that were told before --- */

unsigned sotto__decision_find_repeat(const struct decision *decision, size_t measure,
                                     const struct sotto__ledger_sum *sum)
{
    const struct sotto__ledger_sums *told = &decision->told_sums[measure];
    unsigned flags = 0;
    for (size_t i = 0; i < told->len; i++) {
        const struct sotto__ledger_sum *other = &told->list[i];
        if (!other->is_old && other->mark == sum->mark && other->len == sum->len) {
            flags |= other->is_written ? SOTTO__LEDGER_IS_REPEATED | SOTTO__LEDGER_IS_WRITTEN
                                       : SOTTO__LEDGER_IS_REPEATED;
        }
    }
    return flags;
}

/* --- A measure --- */

/* One measure, and what its entries say. */
struct comparing {
    struct decision *decision;
    struct sotto__old old;
};

static enum sotto_status see_atom(struct comparing *comparing,
                                  const struct sotto__ledger_entry *entry, struct sotto_error *err)
{
    struct decision *decision = comparing->decision;
    const struct prefix *list = NULL;
    size_t first;
    enum sotto_status status =
        sotto__decision_find_prefixes(decision, &list, entry->predicates_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t len = sotto__prefix_find(list, &first, decision->file->atoms_len, entry->atom);
    struct sotto_sketch scratch;
    bool is_asked;
    const struct sotto_sketch *now = sum_parts(decision, &is_asked, &scratch, list + first, len);
    uint64_t distance = compare_atom(decision, entry, now, is_asked, list + first, len);
    bool has_memory = sotto__old_add_atom(&comparing->old, entry, distance);
    if (has_memory && !decision->file->measures[decision->measure].is_count &&
        !sotto__ledger_is_annulled(decision->ledger, entry->entry.answer)) {
        has_memory = sotto__changed_add(decision, entry, now, distance > 0, is_asked);
    }
    return has_memory ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status see_entry(void *context, const struct sotto_ledger_row *row,
                                   struct sotto_error *err)
{
    struct comparing *comparing = context;
    struct decision *decision = comparing->decision;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row) ||
        entry.predicates_len > decision->file->predicates_len ||
        (entry.entry.kind == SOTTO_LEDGER_SET &&
         entry.entry.count > decision->file->predicates_len)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    if (entry.entry.kind == SOTTO_LEDGER_SKETCH) {
        return see_atom(comparing, &entry, err);
    }
    if (sotto__ledger_is_annulled(decision->ledger, entry.entry.answer)) {
        return SOTTO_OK;
    }
    if (entry.entry.kind == SOTTO_LEDGER_TOLD) {
        return keep_told(decision, &entry, err);
    }
    return sotto__old_add_sum(&comparing->old, &entry, is_young(decision, &entry))
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

void sotto__decision_find_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                  const struct decision *decision, size_t measure)
{
    const struct sotto_ledger_file *file = decision->file;
    sotto__ledger_subject(out, SOTTO__SUBJECT_MEASURE, file->file, strlen(file->file),
                          decision->epoch, file->measures[measure].text);
}

/* Marks groups of which all that is asked was told before. */
static void find_repeats(struct decision *decision)
{
    size_t groups_len = sotto__decision_count_groups(decision);
    const struct sotto__ledger_sums *asked = sotto__decision_asked(decision, decision->measure);
    for (size_t i = 0; i < asked->len; i++) {
        const struct sotto__ledger_sum *sum = &asked->list[i];
        if (sum->is_whole) {
            decision->repeats[decision->measure * groups_len + sum->group] =
                (uint8_t)sotto__decision_find_repeat(decision, decision->measure, sum);
        }
    }
}

enum sotto_status sotto__decision_compare(struct decision *decision, size_t measure,
                                          struct sotto_error *err)
{
    const struct sotto_ledger_storage *storage = &decision->ledger->storage;
    struct comparing comparing = {.decision = decision};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    decision->measure = measure;
    decision->has_same = false;
    decision->told_len = 0;
    sotto__decision_find_subject(subject, decision, measure);
    enum sotto_status status = storage->each(storage->context, subject, see_entry, &comparing, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__changed_compare(decision);
    if (!sotto__states_end_answer(&decision->changed[measure])) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = sotto__decision_list_told(decision, &comparing.old, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    find_repeats(decision);
out:
    sotto__old_release(&comparing.old);
    return status;
}
