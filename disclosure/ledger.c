/* SPDX-License-Identifier: Apache-2.0 */

/* What one more answer would tell beside those that are out. Leans on chain.c for what was written
 * down and on sketch.c for how two multisets differ.
 *
 * The one idea: answers are compared atom by atom. An atom is a cell of the Venn diagram of all
 * predicates that a file was asked about, and these are only ever added: an atom of an earlier
 * answer, when there were k of them, is the union of today's atoms whose first k classes are the
 * same. So its values of today are the sum of their sketches, and the distance to the sketch that
 * was written down says how many rows the two answers can tell apart. Any sum of atoms of one
 * answer less the same sum of another is then 0 or over many rows.
 *
 * What an answer must remember is more than what it asked: where an old atom has the same values
 * today, today's finer atoms in it are known to be parts of that old answer, and are written down
 * too. */

#include "chain.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Texts --- */

void sotto_ledger_texts_release(struct sotto_ledger_texts *texts)
{
    for (size_t i = 0; i < texts->len; i++) {
        sotto_free(texts->texts[i]);
    }
    sotto_free(texts->texts);
    *texts = (struct sotto_ledger_texts){0};
}

static enum sotto_status append_text(struct sotto_ledger_texts *texts, const char *text)
{
    void *array = texts->texts;
    char *copy = sotto_text_copy(text, strlen(text));
    if (copy == NULL || sotto_array_reserve(&array, &texts->capacity_len, texts->len + 1,
                                            sizeof *texts->texts) != SOTTO_OK) {
        sotto_free(copy);
        return SOTTO_ERROR_NO_MEMORY;
    }
    texts->texts = array;
    texts->texts[texts->len++] = copy;
    return SOTTO_OK;
}

enum sotto_status sotto_ledger_texts_add(struct sotto_ledger_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->len; i++) {
        if (strcmp(texts->texts[i], text) == 0) {
            return SOTTO_OK;
        }
    }
    return append_text(texts, text);
}

/* --- Epochs and predicates --- */

static enum sotto_status see_epoch(void *context, const struct sotto_ledger_row *row,
                                   struct sotto_error *err)
{
    uint64_t *epoch = context;
    struct sotto__ledger_entry entry;
    (void)err;
    if (sotto__ledger_decode(&entry, row)) {
        *epoch = entry.entry.count;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__ledger_epoch(struct sotto_ledger *ledger, uint64_t *out, const char *file,
                                      struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_EPOCH, "", 0, 0, file);
    *out = 0;
    return ledger->storage.each(ledger->storage.context, subject, see_epoch, out, err);
}

/* A long predicate stands in several entries: its count is its place, and in the upper half which
 * part of the text it is. All parts but the last are full. */
#define PART_SHIFT 32
#define PREDICATE_BYTES_MAX ((size_t)256 * 1024)

static enum sotto_status extend_text(char **in_out, const char *part)
{
    size_t bytes = strlen(*in_out);
    size_t part_bytes = strlen(part);
    char *whole = sotto_alloc(bytes + part_bytes + 1);
    if (whole == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(whole, *in_out, bytes);
    memcpy(whole + bytes, part, part_bytes + 1);
    sotto_free(*in_out);
    *in_out = whole;
    return SOTTO_OK;
}

/* Predicates that are written down again when old entries are forgotten keep their place. */
static enum sotto_status see_predicate(void *context, const struct sotto_ledger_row *row,
                                       struct sotto_error *err)
{
    struct sotto_ledger_texts *texts = context;
    struct sotto__ledger_entry entry;
    bool is_entry = sotto__ledger_decode(&entry, row);
    size_t place = (size_t)(entry.entry.count & UINT32_MAX);
    size_t part_at = (size_t)(entry.entry.count >> PART_SHIFT) * SOTTO_LEDGER_TEXT_BYTES_MAX;
    size_t known_bytes = is_entry && place < texts->len ? strlen(texts->texts[place]) : 0;
    if (!is_entry || place > texts->len || part_at > known_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "the ledger lacks a predicate before entry %llu",
                               (unsigned long long)row->number);
    }
    if (place < texts->len && part_at < known_bytes) {
        return SOTTO_OK; /* written down again */
    }
    enum sotto_status status = place < texts->len
                                   ? extend_text(&texts->texts[place], entry.entry.text)
                                   : append_text(texts, entry.entry.text);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status read_predicates(struct sotto_ledger *ledger,
                                         struct sotto_ledger_texts *in_out, const char *file,
                                         uint64_t epoch, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_PREDICATES, "", 0, epoch, file);
    return ledger->storage.each(ledger->storage.context, subject, see_predicate, in_out, err);
}

enum sotto_status sotto_ledger_predicates(struct sotto_ledger *ledger,
                                          struct sotto_ledger_texts *in_out, const char *file,
                                          struct sotto_error *err)
{
    uint64_t epoch;
    enum sotto_status status = sotto__ledger_epoch(ledger, &epoch, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_predicates(ledger, in_out, file, epoch, err);
    if (status != SOTTO_OK) {
        sotto_ledger_texts_release(in_out);
    }
    return status;
}

static void add_epoch(struct sotto__ledger_batch *batch, const char *file, uint64_t epoch)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_EPOCH, .count = epoch}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_EPOCH, "", 0, 0, file);
    sotto__ledger_add(batch, &entry, subject);
}

static enum sotto_status check_text(const char *text, size_t bytes_max, const char *what,
                                    struct sotto_error *err)
{
    return strlen(text) <= bytes_max
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the ledger takes %s of at most %zu bytes, found %zu: %.60s...",
                                 what, bytes_max, strlen(text), text);
}

enum sotto_status sotto_ledger_begin_epoch(struct sotto_ledger *ledger, const char *file,
                                           int64_t now_ms, struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    uint64_t epoch;
    enum sotto_status status =
        check_text(file, SOTTO__LEDGER_NAME_BYTES_MAX, "the name of a file", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__ledger_epoch(ledger, &epoch, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    add_epoch(&batch, file, epoch + 1);
    return sotto__ledger_append(&batch, 0, err);
}

static void add_predicate(struct sotto__ledger_batch *batch, const char *file, uint64_t epoch,
                          size_t index, const char *text)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_PREDICATE, .count = index}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    size_t bytes = strlen(text);
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_PREDICATES, "", 0, epoch, file);
    for (size_t at = 0; at < bytes; at += SOTTO_LEDGER_TEXT_BYTES_MAX) {
        (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%.*s",
                       SOTTO_LEDGER_TEXT_BYTES_MAX, text + at);
        sotto__ledger_add(batch, &entry, subject);
        entry.entry.count += (uint64_t)1 << PART_SHIFT;
    }
}

/* --- Atoms --- */

/* An atom by its first classes. */
struct prefix {
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
    size_t atom;
};

/* The atoms in the order of these digests, for one number of classes. */
struct prefixes {
    size_t classes_len;
    struct prefix *list; /* NULL: not made yet */
};

/* What an atom is known by, among those of one file and epoch. */
static void digest_classes(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const uint16_t *classes,
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

/* Parties over which a measure was told. */
struct told_set {
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
    uint64_t answer;
};

/* A sum was told before; lately, so that it need not be written down again. */
enum {
    IS_REPEATED = 1,
    IS_WRITTEN = 2,
};

/* What is decided about one file. */
struct decision {
    const struct sotto_ledger_question *question;
    const struct sotto_ledger_file *file;
    struct sotto_ledger *ledger;
    uint64_t epoch;
    size_t measure;
    struct prefixes *prefixes; /* [classes_len] */
    uint8_t *has_failed;       /* of each atom */
    uint8_t *is_known;         /* [measure * atoms_len + atom]: part of an earlier answer */
    uint8_t *is_written;       /* likewise: this very sketch is in the ledger */
    uint64_t stands;           /* number of the answer that the first failure is about; 0: none */
    uint64_t few_rows;         /* that are singled out; 0: none */
    bool is_dominated;         /* by one row */
    struct sotto_ledger_magnitude *added; /* scratch, of each group: what is not known */
    uint8_t *is_new;    /* scratch, of each group: it has an atom that is not known */
    uint64_t *new_rows; /* likewise: how many rows it has in these, or min_rows and more */
    uint8_t *repeats;   /* [measure * groups + group]: whether the sum was told before */
    uint8_t (*digests)[SOTTO_LEDGER_SUBJECT_BYTES]; /* of each group */
    size_t digests_of;                              /* so many predicates; SOTTO_NONE: none yet */
    uint8_t *is_missing; /* of each atom: few, and by missing values, see missing.c */
    size_t failed_measure;
    const struct sotto__ledger_set *parties;
    struct sotto_ledger_pending *pending; /* sets that the parties go with are added */
    struct told_set *told;                /* of the measure: all answers */
    size_t told_len;
    size_t told_capacity_len;
    bool has_same;    /* values of the measure are those of an earlier answer */
    uint8_t *is_told; /* of each measure: over these parties, lately */
};

static enum sotto_status find_prefixes(struct decision *decision, const struct prefix **out,
                                       size_t classes_len, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    struct prefixes *prefixes = &decision->prefixes[classes_len];
    if (prefixes->list == NULL) {
        prefixes->list = sotto_alloc_array(file->atoms_len + 1, sizeof *prefixes->list);
        if (prefixes->list == NULL) {
            return sotto_error_no_memory(err);
        }
        for (size_t i = 0; i < file->atoms_len; i++) {
            prefixes->list[i].atom = i;
            digest_classes(prefixes->list[i].digest, file->atoms[i].classes, classes_len);
        }
        qsort(prefixes->list, file->atoms_len, sizeof *prefixes->list, compare_prefixes);
    }
    *out = prefixes->list;
    return SOTTO_OK;
}

/* Finds the atoms that an old one is the union of now: from *out_first on. Returns: how many. */
static size_t find_parts(const struct prefix *list, size_t *out_first, size_t len,
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

static bool is_few(const struct decision *decision, const struct sotto_sketch *one,
                   const struct sotto_sketch *other)
{
    uint64_t distance = sotto_sketch_distance(one, other);
    return distance > 0 && distance < decision->question->min_rows;
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
        is_near = is_few(decision, &old->sketch, part) || is_few(decision, &old->sketch, &others);
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
            is_few(decision, &old->sketch, &asked)) {
            fail_parts(decision, old, parts, parts_len, group);
        }
    }
}

/* What an earlier answer says of an atom's values, beside what they are today. */
static void compare_atom(struct decision *decision, const struct sotto__ledger_entry *old,
                         const struct prefix *parts, size_t parts_len)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto_sketch now = {0};
    bool is_asked = false;
    for (size_t i = 0; i < parts_len; i++) {
        const struct sotto_ledger_atom *atom = &file->atoms[parts[i].atom];
        sotto_sketch_merge(&now, &atom->sketches[decision->measure]);
        is_asked = is_asked || atom->is_asked;
    }
    uint64_t distance = sotto_sketch_distance(&old->sketch, &now);
    size_t at = decision->measure * file->atoms_len;
    decision->has_same = decision->has_same || (distance == 0 && is_asked);
    for (size_t i = 0; distance == 0 && i < parts_len; i++) {
        decision->is_known[at + parts[i].atom] = 1;
        if (parts_len == 1 && old->predicates_len == file->predicates_len &&
            decision->question->now_ms - old->entry.created_ms < SOTTO__LEDGER_REPEAT_MS) {
            decision->is_written[at + parts[i].atom] = 1;
        }
    }
    if (file->measures[decision->measure].is_context) {
        return;
    }
    if (is_asked && is_few(decision, &old->sketch, &now)) {
        fail_parts(decision, old, parts, parts_len, SOTTO_NONE);
    } else if (is_asked && distance > 0 && parts_len > 1 &&
               !file->measures[decision->measure].is_count) {
        compare_asked(decision, old, &now, parts, parts_len);
    }
}

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
    bool is_young = decision->question->now_ms - old->entry.created_ms < SOTTO__LEDGER_REPEAT_MS;
    if (is_young && memcmp(old->parties, decision->parties->digest, sizeof old->parties) == 0) {
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

/* Where the values are those of an earlier answer, it is not known of which: of all. */
static enum sotto_status check_parties(struct decision *decision, struct sotto_error *err)
{
    size_t least = decision->question->parties_least;
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

static size_t find_group(const struct decision *decision, size_t atom)
{
    return decision->question->groups_len > 0 ? decision->file->atoms[atom].group : 0;
}

static size_t count_groups(const struct decision *decision)
{
    return decision->question->groups_len > 0 ? decision->question->groups_len : 1;
}

/* Adds a run of atoms that are one atom of fewer predicates, if all of it is asked for in a group.
 * Returns: false if some parts are, and others not. */
static bool add_run(crypto_generichash_state *state, struct sotto_sketch *asked,
                    const struct decision *decision, const struct prefix *run, size_t len,
                    size_t group)
{
    size_t asked_len = 0;
    for (size_t i = 0; i < len; i++) {
        const struct sotto_ledger_atom *atom = &decision->file->atoms[run[i].atom];
        bool is_asked = atom->is_asked && find_group(decision, run[i].atom) == group;
        asked_len += is_asked;
        if (is_asked) {
            sotto_sketch_merge(asked, &atom->sketches[decision->measure]);
        }
    }
    if (asked_len > 0) {
        (void)crypto_generichash_update(state, run[0].digest, sizeof run[0].digest);
    }
    return asked_len == 0 || asked_len == len;
}

/* Writes what a group of the question is known by: the atoms that it is the union of, when there
 * were so many predicates, and their values. An equal digest is an equal sum; zeros if it is no
 * such union. */
static void digest_group(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const struct decision *decision,
                         const struct prefix *list, size_t group)
{
    size_t len = decision->file->atoms_len;
    struct sotto_sketch asked = {0};
    crypto_generichash_state state;
    bool is_union = true;
    (void)crypto_generichash_init(&state, NULL, 0, SOTTO_LEDGER_SUBJECT_BYTES);
    for (size_t first = 0, next = 0; is_union && first < len; first = next) {
        while (next < len && compare_prefixes(&list[first], &list[next]) == 0) {
            next++;
        }
        is_union = add_run(&state, &asked, decision, list + first, next - first, group);
    }
    (void)crypto_generichash_update(&state, (const uint8_t *)&asked, sizeof asked);
    (void)crypto_generichash_final(&state, out, SOTTO_LEDGER_SUBJECT_BYTES);
    memset(out, 0, is_union ? 0 : SOTTO_LEDGER_SUBJECT_BYTES);
}

/* The digests of all groups, for so many predicates; those of the last number are kept. */
static enum sotto_status find_digests(struct decision *decision, size_t predicates_len,
                                      struct sotto_error *err)
{
    const struct prefix *list = NULL;
    if (decision->digests_of == predicates_len) {
        return SOTTO_OK;
    }
    enum sotto_status status = find_prefixes(decision, &list, predicates_len, err);
    for (size_t i = 0; status == SOTTO_OK && i < count_groups(decision); i++) {
        digest_group(decision->digests[i], decision, list, i);
    }
    decision->digests_of = status == SOTTO_OK ? predicates_len : SOTTO_NONE;
    return status;
}

static enum sotto_status compare_set(struct decision *decision,
                                     const struct sotto__ledger_entry *old, struct sotto_error *err)
{
    bool is_young = decision->question->now_ms - old->entry.created_ms < SOTTO__LEDGER_REPEAT_MS;
    enum sotto_status status = find_digests(decision, (size_t)old->entry.count, err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint8_t *repeats = decision->repeats + decision->measure * count_groups(decision);
    for (size_t i = 0; i < count_groups(decision); i++) {
        if (memcmp(decision->digests[i], old->parties, sizeof old->parties) == 0) {
            repeats[i] |= is_young ? IS_REPEATED | IS_WRITTEN : IS_REPEATED;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status see_sketch(void *context, const struct sotto_ledger_row *row,
                                    struct sotto_error *err)
{
    struct decision *decision = context;
    struct sotto__ledger_entry old;
    const struct prefix *list = NULL;
    size_t first;
    if (!sotto__ledger_decode(&old, row) || old.predicates_len > decision->file->predicates_len ||
        (old.entry.kind == SOTTO_LEDGER_SET && old.entry.count > decision->file->predicates_len)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    if (sotto__ledger_is_annulled(decision->ledger, old.entry.answer)) {
        return SOTTO_OK;
    }
    if (old.entry.kind == SOTTO_LEDGER_TOLD) {
        return keep_told(decision, &old, err);
    }
    if (old.entry.kind == SOTTO_LEDGER_SET) {
        return compare_set(decision, &old, err);
    }
    enum sotto_status status = find_prefixes(decision, &list, old.predicates_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t parts_len = find_parts(list, &first, decision->file->atoms_len, old.atom);
    compare_atom(decision, &old, list + first, parts_len);
    return SOTTO_OK;
}

static void find_measure_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                 const struct decision *decision, size_t measure)
{
    const struct sotto_ledger_file *file = decision->file;
    sotto__ledger_subject(out, SOTTO__SUBJECT_MEASURE, file->file, strlen(file->file),
                          decision->epoch, file->measures[measure].text);
}

static void check_rows(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->atoms_len; i++) {
        const struct sotto_ledger_atom *atom = &file->atoms[i];
        if (atom->is_asked && atom->rows < decision->question->min_rows &&
            decision->is_missing[i] == 0) {
            decision->has_failed[i] = 1;
            decision->few_rows = atom->rows;
        }
    }
}

/* Bins and levels that were withheld are known all together, with the rows of none, as what the
 * others leave of a total. Whoever is told some of these rows and not the others is told both:
 * where there are few of either, it fails. */
static void check_rest(struct decision *decision, size_t predicate)
{
    const struct sotto_ledger_file *file = decision->file;
    uint64_t few_rows = 0;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_few = file->atoms[i].rows < decision->question->min_rows;
        few_rows =
            file->atoms[i].classes[predicate] == 0 && is_few ? file->atoms[i].rows : few_rows;
    }
    for (size_t i = 0; few_rows > 0 && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked && file->atoms[i].classes[predicate] == 0) {
            decision->has_failed[i] = 1;
            decision->few_rows = few_rows;
        }
    }
}

static uint64_t find_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t find_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The rows that an atom's sum of the measure tells about: those with a value that is not 0, where
 * these are fewer than min_rows; 0 if it has none. */
static uint64_t count_few(const struct decision *decision, size_t at)
{
    static const struct sotto_sketch nothing;
    const struct sotto_ledger_atom *atom = &decision->file->atoms[at];
    bool is_count = decision->file->measures[decision->measure].is_count;
    uint64_t values =
        is_count ? 0 : sotto_sketch_distance(&nothing, &atom->sketches[decision->measure]);
    uint64_t few = values > 0 ? find_least(values, atom->rows) : atom->rows;
    few = is_count && decision->is_missing[at] != 0 ? 0 : few;
    return few < decision->question->min_rows ? few : 0;
}

static void fail_atom(struct decision *decision, size_t atom, uint64_t few)
{
    decision->has_failed[atom] = 1;
    decision->few_rows = few;
}

/* What is told of a measure is the sums of sets, each of which is made of atoms that are known. A
 * group with an atom that is not known can't be taken apart with them: nothing else has that atom.
 * Any other group is known atoms only, and adds a sum to these: if all of them are of many rows, so
 * is whatever these sums give together. The same sum as before adds nothing. An atom that only
 * missing values made small is asked for where others that are not known are enough rows with it.
 */
static void check_known(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    size_t groups_len = count_groups(decision);
    const uint8_t *repeats = decision->repeats + decision->measure * groups_len;
    uint64_t few_known = 0;
    memset(decision->is_new, 0, groups_len);
    memset(decision->new_rows, 0, groups_len * sizeof *decision->new_rows);
    for (size_t i = 0; i < file->atoms_len; i++) {
        uint64_t few = count_few(decision, i);
        few_known = is_known[i] != 0 && few != 0 ? few : few_known;
        if (file->atoms[i].is_asked && is_known[i] == 0) {
            decision->is_new[find_group(decision, i)] = 1;
            decision->new_rows[find_group(decision, i)] +=
                few != 0 ? few : decision->question->min_rows;
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = find_group(decision, i);
        if (!file->atoms[i].is_asked || (repeats[group] & IS_REPEATED) != 0) {
            continue;
        }
        uint64_t few = decision->is_new[group] != 0 ? decision->new_rows[group] : few_known;
        few = decision->is_missing[i] == 0 && count_few(decision, i) != 0 ? count_few(decision, i)
                                                                          : few;
        if (few != 0 && few < decision->question->min_rows) {
            fail_atom(decision, i, few);
        }
    }
}

static void add_magnitude(struct sotto_ledger_magnitude *in_out,
                          const struct sotto_ledger_magnitude *other)
{
    in_out->total += other->total;
    for (size_t i = 0; i < 2; i++) {
        double value = other->largest[i];
        double second = value > in_out->largest[0] ? in_out->largest[0] : value;
        in_out->largest[0] = value > in_out->largest[0] ? value : in_out->largest[0];
        in_out->largest[1] = second > in_out->largest[1] ? second : in_out->largest[1];
    }
}

/* The total's last bits depend on how rows were read: what is that near counts. */
static bool is_dominated(const struct decision *decision,
                         const struct sotto_ledger_magnitude *magnitude)
{
    double rest = magnitude->total - magnitude->largest[0] - magnitude->largest[1];
    double needed = magnitude->largest[0] * decision->question->dominance / 100;
    return magnitude->largest[0] > 0 && rest <= needed + 1e-9 * magnitude->total;
}

/* As check_known, of sums that one row makes up. */
static void check_dominance(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    size_t groups_len = decision->question->groups_len > 0 ? decision->question->groups_len : 1;
    bool has_dominated = false;
    memset(decision->added, 0, groups_len * sizeof *decision->added);
    for (size_t i = 0; i < file->atoms_len; i++) {
        const struct sotto_ledger_magnitude *of = &file->atoms[i].magnitudes[decision->measure];
        has_dominated = has_dominated || (is_known[i] != 0 && is_dominated(decision, of));
        if (file->atoms[i].is_asked && is_known[i] == 0) {
            add_magnitude(&decision->added[find_group(decision, i)], of);
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = find_group(decision, i);
        bool fails = decision->is_new[group] != 0 ? is_dominated(decision, &decision->added[group])
                                                  : has_dominated;
        if (file->atoms[i].is_asked && fails) {
            fail_atom(decision, i, 1);
            decision->is_dominated = true;
        }
    }
}

/* How many rows a file has is known: a sum over all atoms. What no set that was counted has, and
 * none that is asked for, is what that sum adds. Where nothing is left of it, it is a sum of known
 * atoms. */
static void check_others(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    uint64_t others = 0;
    uint64_t few = 0;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_other =
            !file->atoms[i].is_asked && is_known[i] == 0 && decision->is_missing[i] == 0;
        others += is_other ? file->atoms[i].rows : 0;
        few = find_most(few, count_few(decision, i));
    }
    few = others > 0 ? others : few;
    for (size_t i = 0; few > 0 && few < decision->question->min_rows && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked) {
            fail_atom(decision, i, few);
        }
    }
}

/* Adds the atoms that are asked for to those of a measure that are known. */
static void list_known(uint8_t *out, const struct decision *decision, size_t measure)
{
    const struct sotto_ledger_file *file = decision->file;
    memcpy(out, decision->is_known + measure * file->atoms_len, file->atoms_len);
    for (size_t i = 0; !file->measures[measure].is_context && i < file->atoms_len; i++) {
        out[i] |= file->atoms[i].is_asked;
    }
}

/* Rows of an atom in which the product is not 0; *out_is_pure: its factor has one value in all of
 * the atom, so that the product tells the sum alone there. */
static uint64_t count_factor(const struct sotto_ledger_pair *pair, bool *out_is_pure, size_t atom)
{
    const uint64_t *counts = pair->counts + atom * pair->stride;
    uint64_t all = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < SOTTO_LEDGER_LEVELS; i++) {
        all += counts[i];
        most = find_most(most, counts[i]);
    }
    uint64_t some = all - (pair->zero < SOTTO_LEDGER_LEVELS ? counts[pair->zero] : 0);
    *out_is_pure = some > 0 && most == all;
    return some;
}

/* Whether the sums of a group that are asked of a pair were told before. */
static bool is_pair_repeated(const struct decision *decision, const struct sotto_ledger_pair *pair,
                             size_t group)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = count_groups(decision);
    const size_t measures[2] = {pair->product, pair->alone};
    bool is_repeated = true;
    for (size_t i = 0; i < 2; i++) {
        is_repeated = is_repeated &&
                      (file->measures[measures[i]].is_context ||
                       (decision->repeats[measures[i] * groups_len + group] & IS_REPEATED) != 0);
    }
    return is_repeated;
}

/* As check_known, of what a product tells as sums over the rows of its factor's values: in an atom
 * where these are one value it is the sum alone, so many times. Told of a part of the file, it is
 * held against sums alone over more, and the other way round. */
static void check_pair(struct decision *decision, const struct sotto_ledger_pair *pair)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *product_known = decision->is_known + pair->product * file->atoms_len;
    const uint8_t *alone_known = decision->is_known + pair->alone * file->atoms_len;
    bool asks_alone = !file->measures[pair->alone].is_context;
    uint64_t min_rows = decision->question->min_rows;
    uint64_t few_known = 0;
    decision->measure = pair->alone;
    memset(decision->is_new, 0, count_groups(decision));
    memset(decision->new_rows, 0, count_groups(decision) * sizeof *decision->new_rows);
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_pure;
        uint64_t some = count_factor(pair, &is_pure, i);
        bool is_known = alone_known[i] != 0 || (product_known[i] != 0 && is_pure);
        uint64_t few = count_few(decision, i);
        uint64_t asked = asks_alone ? (few != 0 ? few : min_rows) : some;
        few_known = is_known && few != 0 ? few : few_known;
        if (file->atoms[i].is_asked && !is_known && asked > 0) {
            decision->is_new[find_group(decision, i)] = 1;
            decision->new_rows[find_group(decision, i)] += asked;
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = find_group(decision, i);
        uint64_t few = decision->is_new[group] != 0 ? decision->new_rows[group] : few_known;
        if (file->atoms[i].is_asked && few != 0 && few < min_rows &&
            !is_pair_repeated(decision, pair, group)) {
            fail_atom(decision, i, few);
        }
    }
}

static enum sotto_status check_pairs(struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    uint8_t *known = sotto_alloc_zeroed(2 * file->atoms_len + 1);
    if (known == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < file->pairs_len; i++) {
        const struct sotto_ledger_pair *pair = &file->pairs[i];
        list_known(known, decision, pair->product);
        list_known(known + file->atoms_len, decision, pair->alone);
        uint64_t odd = sotto__ledger_count_odd(file, pair, known, known + file->atoms_len,
                                               decision->question->min_rows);
        for (size_t j = 0; odd > 0 && j < file->atoms_len; j++) {
            if (file->atoms[j].is_asked) {
                fail_atom(decision, j, odd);
            }
        }
        check_pair(decision, pair);
    }
    sotto_free(known);
    return SOTTO_OK;
}

static enum sotto_status check_file(struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_storage *storage = &decision->ledger->storage;
    check_rows(decision);
    for (size_t i = 0; i < decision->file->predicates_len; i++) {
        if (sotto_watch_leaves_out(decision->file->predicates[i])) {
            check_rest(decision, i);
        }
    }
    for (size_t i = 0; i < decision->file->measures_len; i++) {
        uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
        decision->measure = i;
        decision->has_same = false;
        decision->told_len = 0;
        decision->digests_of = SOTTO_NONE;
        find_measure_subject(subject, decision, i);
        enum sotto_status status =
            storage->each(storage->context, subject, see_sketch, decision, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (decision->file->measures[i].is_context) {
            continue;
        }
        status = check_parties(decision, err);
        if (status != SOTTO_OK) {
            return status;
        }
        check_known(decision);
        bool has_magnitudes =
            decision->file->atoms_len > 0 && decision->file->atoms[0].magnitudes != NULL;
        if (decision->question->dominance > 0 && has_magnitudes &&
            !decision->file->measures[i].is_count) {
            check_dominance(decision);
        }
        if (decision->file->measures[i].is_count) {
            check_others(decision);
        }
    }
    return check_pairs(decision, err);
}

/* --- The verdict --- */

static enum sotto_status see_answer(void *context, const struct sotto_ledger_row *row,
                                    struct sotto_error *err)
{
    struct sotto__ledger_entry *wanted = context;
    struct sotto__ledger_entry entry;
    (void)err;
    if (row->number == wanted->entry.number && sotto__ledger_decode(&entry, row)) {
        *wanted = entry;
    }
    return SOTTO_OK;
}

static void write_date(char out[32], int64_t ms)
{
    struct tm date;
    time_t seconds = (time_t)(ms / 1000);
    if (gmtime_r(&seconds, &date) == NULL || strftime(out, 32, "%Y-%m-%d", &date) == 0) {
        (void)snprintf(out, 32, "an unknown day");
    }
}

/* Names the answer that stands and its day. */
static enum sotto_status fail_changed(const struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto_ledger_storage *storage = &decision->ledger->storage;
    struct sotto__ledger_entry answer = {.entry = {.number = decision->stands}};
    struct sotto_error unread = {0};
    char date[32];
    char digits[9] = "?";
    if (storage->each(storage->context, NULL, see_answer, &answer, &unread) == SOTTO_OK &&
        answer.entry.kind == SOTTO_LEDGER_ANSWER) {
        for (size_t i = 0; i < 4; i++) {
            (void)snprintf(digits + 2 * i, 3, "%02x", answer.entry.task[i]);
        }
    }
    write_date(date, answer.entry.created_ms);
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: fewer than %llu values of %.100s in %.100s changed since task "
                           "%s (%.60s) of %s was answered: that answer stands. Ask again when more "
                           "have changed",
                           (unsigned long long)decision->question->min_rows,
                           file->measures[decision->failed_measure].text, file->file, digits,
                           answer.entry.name, date);
}

static enum sotto_status fail_few(const struct decision *decision, struct sotto_error *err)
{
    if (decision->is_dominated) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "ledger: together with what %.100s was asked before, this gives a "
                               "sum away which one row dominates: all others but the next one are "
                               "less than %u %% of it",
                               decision->file->file, decision->question->dominance);
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: together with what %.100s was asked before, this singles out "
                           "%llu rows, at least %llu are needed",
                           decision->file->file, (unsigned long long)decision->few_rows,
                           (unsigned long long)decision->question->min_rows);
}

/* Withholds the groups with an atom that fails, or refuses where there are none. */
static enum sotto_status judge_file(const struct decision *decision, uint8_t *withheld,
                                    struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    bool has_failed = false;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool fails = decision->has_failed[i] != 0 && file->atoms[i].is_asked;
        has_failed = has_failed || fails;
        if (fails && decision->question->groups_len > 0) {
            withheld[file->atoms[i].group] = 1;
        }
    }
    bool is_any_left = false;
    for (size_t i = 0; i < decision->question->groups_len; i++) {
        is_any_left = is_any_left || withheld[i] == 0;
    }
    if (!has_failed || is_any_left) {
        return SOTTO_OK;
    }
    return decision->stands != 0 ? fail_changed(decision, err) : fail_few(decision, err);
}

/* --- Writing down --- */

static void add_answer(struct sotto__ledger_batch *batch,
                       const struct sotto_ledger_question *question,
                       const struct sotto__ledger_set *parties)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_ANSWER,
                                                  .round = question->round,
                                                  .parties_len = (uint32_t)parties->len}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    memcpy(entry.entry.task, question->task, sizeof entry.entry.task);
    memcpy(entry.entry.creator, question->creator, sizeof entry.entry.creator);
    memcpy(entry.plan_digest, question->plan_digest, sizeof entry.plan_digest);
    memcpy(entry.parties, parties->digest, sizeof entry.parties);
    (void)snprintf(entry.entry.name, sizeof entry.entry.name, "%s", question->name);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_TASK, question->task, sizeof question->task, 0,
                          "");
    sotto__ledger_add(batch, &entry, subject);
}

static void add_sketch(struct sotto__ledger_batch *batch, const struct decision *decision,
                       size_t atom, uint64_t answer)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_SKETCH, .answer = answer},
        .predicates_len = (uint16_t)file->predicates_len,
        .sketch = file->atoms[atom].sketches[decision->measure],
    };
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file->file);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s",
                   file->measures[decision->measure].text);
    digest_classes(entry.atom, file->atoms[atom].classes, file->predicates_len);
    find_measure_subject(subject, decision, decision->measure);
    sotto__ledger_add(batch, &entry, subject);
}

static void add_told(struct sotto__ledger_batch *batch, const struct decision *decision,
                     uint64_t answer)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_TOLD, .answer = answer}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file->file);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s",
                   file->measures[decision->measure].text);
    memcpy(entry.parties, decision->parties->digest, sizeof entry.parties);
    find_measure_subject(subject, decision, decision->measure);
    sotto__ledger_add(batch, &entry, subject);
}

/* Adds the sums of the measure that are answered, unless they were written down lately. */
static enum sotto_status add_sets(struct sotto__ledger_batch *batch, struct decision *decision,
                                  const uint8_t *withheld, uint64_t answer, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *repeats = decision->repeats + decision->measure * count_groups(decision);
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_SET, .answer = answer, .count = file->predicates_len}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    decision->digests_of = SOTTO_NONE;
    enum sotto_status status = find_digests(decision, file->predicates_len, err);
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file->file);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s",
                   file->measures[decision->measure].text);
    find_measure_subject(subject, decision, decision->measure);
    for (size_t i = 0; status == SOTTO_OK && i < count_groups(decision); i++) {
        bool is_told = decision->question->groups_len == 0 || withheld[i] == 0;
        if (is_told && (repeats[i] & IS_WRITTEN) == 0) {
            memcpy(entry.parties, decision->digests[i], sizeof entry.parties);
            sotto__ledger_add(batch, &entry, subject);
        }
    }
    return status;
}

/* Adds the predicates of a file that are new, and the sketches of what is answered. */
static enum sotto_status add_file(struct sotto__ledger_batch *batch, struct decision *decision,
                                  const uint8_t *withheld, size_t known_len, uint64_t answer,
                                  struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = known_len; i < file->predicates_len; i++) {
        add_predicate(batch, file->file, decision->epoch, i, file->predicates[i]);
    }
    for (size_t i = 0; i < file->measures_len; i++) {
        decision->measure = i;
        if (file->measures[i].is_context) {
            continue;
        }
        if (decision->is_told[i] == 0) {
            add_told(batch, decision, answer);
        }
        enum sotto_status status = add_sets(batch, decision, withheld, answer, err);
        if (status != SOTTO_OK) {
            return status;
        }
        for (size_t j = 0; j < file->atoms_len; j++) {
            const struct sotto_ledger_atom *atom = &file->atoms[j];
            bool is_answered = atom->is_asked &&
                               (decision->question->groups_len == 0 || withheld[atom->group] == 0);
            size_t at = i * file->atoms_len + j;
            if ((is_answered || decision->is_known[at] != 0) && decision->is_written[at] == 0) {
                add_sketch(batch, decision, j, answer);
            }
        }
    }
    return SOTTO_OK;
}

/* --- One question --- */

static enum sotto_status check_file_texts(const struct sotto_ledger_file *file,
                                          struct sotto_error *err)
{
    enum sotto_status status =
        check_text(file->file, SOTTO__LEDGER_NAME_BYTES_MAX, "the name of a file", err);
    for (size_t i = 0; status == SOTTO_OK && i < file->measures_len; i++) {
        status = check_text(file->measures[i].text, SOTTO__LEDGER_MEASURE_BYTES_MAX, "a sum", err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < file->predicates_len; i++) {
        status = check_text(file->predicates[i], PREDICATE_BYTES_MAX, "a condition", err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (file->predicates_len > SOTTO_LEDGER_PREDICATES_MAX) {
        return sotto_error_set(
            err, SOTTO_ERROR_LIMIT,
            "%s was asked about %zu different conditions, and the ledger holds %d: its owner may "
            "begin an epoch (sotto audit --epoch %s)",
            file->file, file->predicates_len, SOTTO_LEDGER_PREDICATES_MAX, file->file);
    }
    return file->measures_len == 0 ||
                   file->atoms_len <= SOTTO_LEDGER_SKETCHES_MAX / file->measures_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the ledger takes at most %d sums of different rows in an answer, "
                                 "found %zu of %zu kinds of rows: ask for fewer",
                                 SOTTO_LEDGER_SKETCHES_MAX, file->measures_len, file->atoms_len);
}

static void decision_release(struct decision *decision)
{
    for (size_t i = 0; decision->prefixes != NULL && i <= decision->file->predicates_len; i++) {
        sotto_free(decision->prefixes[i].list);
    }
    sotto_free(decision->prefixes);
    sotto_free(decision->has_failed);
    sotto_free(decision->is_known);
    sotto_free(decision->is_written);
    sotto_free(decision->is_told);
    sotto_free(decision->is_new);
    sotto_free(decision->is_missing);
    sotto_free(decision->added);
    sotto_free(decision->new_rows);
    sotto_free(decision->digests);
    sotto_free(decision->repeats);
    sotto_free(decision->told);
}

static enum sotto_status decision_init(struct decision *out, struct sotto_ledger *ledger,
                                       const struct sotto_ledger_question *question,
                                       const struct sotto_ledger_file *file,
                                       const struct sotto__ledger_set *parties,
                                       struct sotto_ledger_pending *pending,
                                       struct sotto_error *err)
{
    size_t sketches_len = file->atoms_len * file->measures_len + 1;
    *out = (struct decision){.question = question,
                             .file = file,
                             .ledger = ledger,
                             .parties = parties,
                             .pending = pending};
    out->is_told = sotto_alloc_zeroed(file->measures_len + 1);
    out->is_new = sotto_alloc_zeroed(question->groups_len + 1);
    out->is_missing = sotto_alloc_zeroed(file->atoms_len + 1);
    out->added = sotto_alloc_array(question->groups_len + 1, sizeof *out->added);
    out->new_rows = sotto_alloc_array(question->groups_len + 1, sizeof *out->new_rows);
    out->digests = sotto_alloc_array(question->groups_len + 1, sizeof *out->digests);
    out->repeats = sotto_alloc_zeroed((file->measures_len + 1) * (question->groups_len + 1));
    out->prefixes = sotto_alloc_array(file->predicates_len + 1, sizeof *out->prefixes);
    out->has_failed = sotto_alloc_zeroed(file->atoms_len + 1);
    out->is_known = sotto_alloc_zeroed(sketches_len);
    out->is_written = sotto_alloc_zeroed(sketches_len);
    if (out->prefixes == NULL || out->has_failed == NULL || out->is_known == NULL ||
        out->is_written == NULL || out->is_told == NULL || out->is_new == NULL ||
        out->is_missing == NULL || out->added == NULL || out->new_rows == NULL ||
        out->digests == NULL || out->repeats == NULL ||
        sotto__ledger_find_missing(out->is_missing, file, question->min_rows) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    return sotto__ledger_epoch(ledger, &out->epoch, file->file, err);
}

/* Checks that the predicates of a question begin with those of the ledger. *out_len: of these. */
static enum sotto_status check_predicates(const struct decision *decision, size_t *out_len,
                                          struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto_ledger_texts known = {0};
    enum sotto_status status =
        read_predicates(decision->ledger, &known, file->file, decision->epoch, err);
    bool fits = known.len <= file->predicates_len;
    for (size_t i = 0; status == SOTTO_OK && fits && i < known.len; i++) {
        fits = strcmp(known.texts[i], file->predicates[i]) == 0;
    }
    *out_len = known.len;
    sotto_ledger_texts_release(&known);
    if (status != SOTTO_OK || fits) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE,
                           "the ledger got other conditions on %s meanwhile: ask again",
                           file->file);
}

/* Decides about one file; *decision is then what its part of the entry is made of. */
static enum sotto_status decide_file(struct decision *decision, size_t *out_known_len,
                                     uint8_t *withheld, struct sotto_error *err)
{
    enum sotto_status status = check_predicates(decision, out_known_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_file(decision, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return judge_file(decision, withheld, err);
}

/* All files are decided before any is written down: a group may be withheld for any of them. */
static enum sotto_status decide_all(struct decision *decisions, size_t *known_lens, size_t *out_len,
                                    struct sotto_ledger *ledger, uint8_t *withheld,
                                    const struct sotto_ledger_question *question,
                                    const struct sotto__ledger_set *parties,
                                    struct sotto_ledger_pending *pending, struct sotto_error *err)
{
    for (size_t i = 0; i < question->files_len; i++) {
        enum sotto_status status = check_file_texts(&question->files[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = decision_init(&decisions[i], ledger, question, &question->files[i], parties,
                               pending, err);
        *out_len = i + 1;
        if (status != SOTTO_OK) {
            return status;
        }
        status = decide_file(&decisions[i], &known_lens[i], withheld, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Charges for one file, and adds what it is answered. */
static enum sotto_status write_file(struct sotto__ledger_batch *batch, struct decision *decision,
                                    const uint8_t *withheld, size_t known_len, uint64_t answer,
                                    struct sotto_error *err)
{
    enum sotto_status status =
        sotto__ledger_charge(batch, decision->question, decision->file, withheld, answer, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = add_file(batch, decision, withheld, known_len, answer, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__ledger_add_products(batch, decision->file, decision->epoch, err);
}

/* Charges, and writes down what all files are answered. */
static enum sotto_status write_answer(struct sotto_ledger *ledger, uint64_t number,
                                      struct decision *decisions, const size_t *known_lens,
                                      const uint8_t *withheld,
                                      const struct sotto_ledger_question *question,
                                      const struct sotto__ledger_set *parties,
                                      struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = question->now_ms};
    add_answer(&batch, question, parties);
    enum sotto_status status = sotto__ledger_add_parties(&batch, parties, err);
    for (size_t i = 0; status == SOTTO_OK && i < question->files_len; i++) {
        status = write_file(&batch, &decisions[i], withheld, known_lens[i], number, err);
    }
    if (status != SOTTO_OK) {
        sotto__ledger_batch_release(&batch);
        return status;
    }
    return sotto__ledger_append(&batch, 0, err);
}

static void release_decisions(struct decision *decisions, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        decision_release(&decisions[i]);
    }
    sotto_free(decisions);
}

enum sotto_status sotto_ledger_foresee(struct sotto_ledger *ledger, uint8_t *withheld,
                                       const struct sotto_ledger_question *question,
                                       struct sotto_error *err)
{
    static const struct sotto__ledger_set nobody;
    size_t decisions_len = 0;
    struct sotto_ledger_pending pending = {0};
    struct decision *decisions = sotto_alloc_array(question->files_len + 1, sizeof *decisions);
    size_t *known_lens = sotto_alloc_array(question->files_len + 1, sizeof *known_lens);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    SOTTO_REQUIRE(question->parties_len == 0 && question->parties_least == 0);
    if (decisions == NULL || known_lens == NULL) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = decide_all(decisions, known_lens, &decisions_len, ledger, withheld, question, &nobody,
                        &pending, err);
out:
    sotto_ledger_pending_release(&pending);
    release_decisions(decisions, decisions_len);
    sotto_free(known_lens);
    return status;
}

enum sotto_status sotto_ledger_answer(struct sotto_ledger *ledger, struct sotto_ledger_pending *out,
                                      enum sotto_rule *out_rule, uint8_t *withheld,
                                      const struct sotto_ledger_question *question,
                                      struct sotto_error *err)
{
    struct sotto__ledger_set parties = {0};
    size_t decisions_len = 0;
    struct sotto_ledger_pending pending = {.number = ledger->head_number + 1,
                                           .parties_least = question->parties_least};
    struct decision *decisions = sotto_alloc_array(question->files_len + 1, sizeof *decisions);
    size_t *known_lens = sotto_alloc_array(question->files_len + 1, sizeof *known_lens);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    *out_rule = SOTTO_RULE_LEDGER;
    if (decisions == NULL || known_lens == NULL ||
        sotto__ledger_set_init(&parties, question->parties, question->parties_len) != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = decide_all(decisions, known_lens, &decisions_len, ledger, withheld, question, &parties,
                        &pending, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out_rule = SOTTO_RULE_BUDGET;
    status = write_answer(ledger, pending.number, decisions, known_lens, withheld, question,
                          &parties, err);
out:
    if (status == SOTTO_OK) {
        *out = pending;
    } else {
        sotto_ledger_pending_release(&pending);
    }
    release_decisions(decisions, decisions_len);
    sotto__ledger_set_release(&parties);
    sotto_free(known_lens);
    return status;
}
