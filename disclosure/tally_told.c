/* SPDX-License-Identifier: Apache-2.0 */

/* What an answer tells of the predicates. Leans on the engine's watch, which knows the bins and
 * levels that were withheld, and on tally_atoms.c.
 *
 * The one idea: who is not told a class can't tell its rows from those of none. So a ledger
 * remembers predicates without the classes that were withheld, and atoms that differ by these only
 * are one. */

#include "tally.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <string.h>

/* --- Predicates --- */

/* Which classes of a predicate the answer tells; NULL: all. Of an old one all were. */
static const uint8_t *find_told(const struct sotto_tally *tally, size_t *out_len, size_t dataset,
                                size_t predicate)
{
    const struct tallied *tallied = &tally->datasets[dataset];
    const char *text;
    *out_len = 0;
    for (size_t i = 0; predicate >= tallied->known_len &&
                       (text = sotto_watch_predicate(tally->watch, dataset, i)) != NULL;
         i++) {
        if (strcmp(text, tallied->predicates.texts[predicate]) == 0) {
            return sotto_watch_told(tally->watch, out_len, dataset, i);
        }
    }
    return NULL;
}

static size_t count_told(const uint8_t *told, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += told[i] != 0;
    }
    return count;
}

/* The text of a predicate without the classes that are not told. */
static char *write_told(const char *predicate, const uint8_t *told, size_t len)
{
    struct sotto_writer writer;
    size_t bytes;
    size_t bytes_max = strlen(predicate) + sizeof SOTTO_WATCH_WITHOUT + 8 * len;
    sotto_writer_init(&writer, bytes_max);
    sotto_write_bytes(&writer, predicate, strlen(predicate));
    if (count_told(told, len) < len) {
        sotto_write_bytes(&writer, SOTTO_WATCH_WITHOUT, strlen(SOTTO_WATCH_WITHOUT));
    }
    for (size_t i = 0; i < len; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, " %zu", i + 1);
        sotto_write_bytes(&writer, number, told[i] == 0 ? strlen(number) : 0);
    }
    sotto_write_u8(&writer, 0);
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        sotto_writer_release(&writer);
        return NULL;
    }
    return (char *)sotto_writer_take(&writer, &bytes);
}

/* Whether the plan has a predicate, and counts the rows of each of its classes. */
static bool counts_cells(const struct sotto_tally *tally, size_t dataset, const char *predicate)
{
    const char *text;
    size_t i = 0;
    while ((text = sotto_watch_predicate(tally->watch, dataset, i)) != NULL &&
           strcmp(text, predicate) != 0) {
        i++;
    }
    return text != NULL && sotto_watch_counts_cells(predicate);
}

static size_t find_text(const struct sotto_ledger_texts *texts, const char *text)
{
    size_t at = 0;
    while (at < texts->len && strcmp(texts->texts[at], text) != 0) {
        at++;
    }
    return at;
}

/* Adds a predicate as it is told, unless nothing of it is, or it is there. */
static enum sotto_status add_told(struct tallied *tallied, size_t predicate, bool is_counted,
                                  const uint8_t *told, size_t len)
{
    const char *whole = tallied->predicates.texts[predicate];
    size_t before = tallied->told.len;
    tallied->told_at[predicate] = SOTTO_NONE;
    if (told != NULL && count_told(told, len) == 0) {
        return SOTTO_OK;
    }
    char *text = write_told(whole, told, told != NULL ? len : 0);
    if (text == NULL || sotto_ledger_texts_add(&tallied->told, text) != SOTTO_OK) {
        sotto_free(text);
        return SOTTO_ERROR_NO_MEMORY;
    }
    tallied->counts_cells[find_text(&tallied->told, text)] |= is_counted;
    sotto_free(text);
    tallied->told_at[predicate] = tallied->told.len > before ? before : SOTTO_NONE;
    return SOTTO_OK;
}

/* Whether an output has the conditions of one that was listed. */
static bool is_listed(const struct tallied *tallied, const struct sotto_ledger_conditions *some)
{
    bool found = false;
    for (size_t i = 0; !found && i < tallied->conditions_len; i++) {
        const struct sotto_ledger_conditions *other = &tallied->conditions[i];
        found = other->len == some->len && memcmp(other->predicates, some->predicates,
                                                  some->len * sizeof *some->predicates) == 0;
    }
    return found;
}

/* Adds a condition of the plan to those of an output, once. */
static void add_condition(size_t *used, size_t *in_out_len, const struct tallied *tallied,
                          const char *text)
{
    size_t place = find_text(&tallied->told, text);
    size_t at = 0;
    while (at < *in_out_len && used[at] != place) {
        at++;
    }
    if (at == *in_out_len && place < tallied->told.len && !sotto_watch_counts_cells(text)) {
        used[(*in_out_len)++] = place;
    }
}

/* Lists what conditions stand in each output. Returns: false if there is no memory. */
static bool list_conditions(struct sotto_tally *tally, size_t dataset)
{
    struct tallied *tallied = &tally->datasets[dataset];
    size_t output = SOTTO_NONE;
    size_t uses_len = 0;
    while (sotto_watch_use(tally->watch, &output, dataset, uses_len) != SOTTO_NONE) {
        uses_len++;
    }
    tallied->used = sotto_alloc_array(uses_len + 1, sizeof *tallied->used);
    tallied->conditions = sotto_alloc_array(uses_len + 1, sizeof *tallied->conditions);
    if (tallied->used == NULL || tallied->conditions == NULL) {
        return false;
    }
    size_t *used = tallied->used;
    for (size_t first = 0, next = 0; first < uses_len; first = next) {
        struct sotto_ledger_conditions conditions = {.predicates = used};
        size_t of = SOTTO_NONE;
        for (bool is_of = true; is_of && next < uses_len; next += is_of) {
            size_t predicate = sotto_watch_use(tally->watch, &output, dataset, next);
            of = next == first ? output : of;
            is_of = output == of;
            if (is_of) {
                add_condition(used, &conditions.len, tallied,
                              sotto_watch_predicate(tally->watch, dataset, predicate));
            }
        }
        if (conditions.len > 0 && !is_listed(tallied, &conditions)) {
            tallied->conditions[tallied->conditions_len++] = conditions;
            used += conditions.len;
        }
    }
    return true;
}

enum sotto_status sotto__tally_list_told(struct sotto_tally *tally, size_t dataset)
{
    struct tallied *tallied = &tally->datasets[dataset];
    tallied->told_at = sotto_alloc_array(tallied->predicates.len + 1, sizeof *tallied->told_at);
    tallied->counts_cells = sotto_alloc_zeroed(tallied->predicates.len + 1);
    if (tallied->told_at == NULL || tallied->counts_cells == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tallied->predicates.len; i++) {
        size_t len;
        const uint8_t *told = find_told(tally, &len, dataset, i);
        bool is_counted = counts_cells(tally, dataset, tallied->predicates.texts[i]);
        if (add_told(tallied, i, is_counted, told, len) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return list_conditions(tally, dataset) ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* --- Atoms --- */

/* Changes the classes of an atom to those that are told: a class that is not is none. */
static void rename_classes(uint16_t *out, const uint16_t *classes, const struct sotto_tally *tally,
                           size_t dataset)
{
    const struct tallied *tallied = &tally->datasets[dataset];
    for (size_t i = 0; i < tallied->predicates.len; i++) {
        size_t len;
        const uint8_t *told = find_told(tally, &len, dataset, i);
        bool is_untold =
            told != NULL && classes[i] > 0 && classes[i] <= len && told[classes[i] - 1] == 0;
        if (tallied->told_at[i] != SOTTO_NONE) {
            out[tallied->told_at[i]] = is_untold ? 0 : classes[i];
        }
    }
}

enum sotto_status sotto__tally_merge_untold(struct sotto_tally *tally, size_t dataset,
                                            const struct atoms *atoms, const uint8_t *withheld,
                                            struct sotto_error *err)
{
    struct atoms *told = &tally->datasets[dataset].atoms;
    bool has_groups = sotto_driver_groups_len(tally->driver) > 0;
    told->predicates_len = tally->datasets[dataset].told.len;
    told->measures_len = atoms->measures_len;
    uint16_t *classes = sotto_alloc_array(told->predicates_len + 1, sizeof *classes);
    struct placed_atom *placed = sotto__tally_sort_atoms(atoms);
    bool has_memory = sotto__tally_prepare_pairs(told, &tally->datasets[dataset]) &&
                      classes != NULL && placed != NULL;
    enum sotto_status status = has_memory ? SOTTO_OK : sotto_error_no_memory(err);
    for (size_t j = 0; status == SOTTO_OK && j < atoms->len; j++) {
        size_t i = placed[j].at; /* entries of a ledger do not depend on how rows were read */
        uint32_t group = atoms->groups[i];
        size_t atom = 0;
        bool is_withheld = has_groups && group != SOTTO__TALLY_NOT_ASKED && withheld[group] != 0;
        rename_classes(classes, atoms->classes + i * atoms->predicates_len, tally, dataset);
        status = sotto__tally_find_atom(told, &atom, classes,
                                        is_withheld ? SOTTO__TALLY_NOT_ASKED : group, err);
        if (status == SOTTO_OK) {
            sotto__tally_add_atom(told, atom, atoms, i);
        }
    }
    sotto_free(placed);
    sotto_free(classes);
    return status;
}
