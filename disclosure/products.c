/* SPDX-License-Identifier: Apache-2.0 */

/* Products with a column of few values, held against sums of the other factor. Leans on chain.c for
 * which products were told, and on the tally, which counts rows by that column.
 *
 * The one idea: the sum of x times f, where f has few values, is the sums of x over the rows of
 * each value, so many times. Whoever has the sums of x over known sets, the atoms, can make any sum
 * of x times what is the same within each atom. If f is that in all rows but few, the difference is
 * over these few. So they are counted: in each atom the rows that have not its commonest value. Of
 * x in an atom that is not known only what is 0 times it can be made. The count is an x that is 1.
 */

#include "ledger_odd.h"
#include "magnitude.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Which were told --- */

static void find_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const char *file, uint64_t epoch)
{
    sotto__ledger_subject(out, SOTTO__SUBJECT_PRODUCTS, "", 0, epoch, file);
}

bool sotto_ledger_product_read(char out_columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1],
                               const char *text)
{
    char *end = NULL;
    size_t bytes = strtoul(text, &end, 10);
    if (end == text || *end != ':' || bytes > strlen(end + 1) ||
        bytes > SOTTO_LEDGER_COLUMN_BYTES_MAX ||
        strlen(end + 1) - bytes > SOTTO_LEDGER_COLUMN_BYTES_MAX) {
        return false;
    }
    memcpy(out_columns[0], end + 1, bytes);
    out_columns[0][bytes] = '\0';
    memcpy(out_columns[1], end + 1 + bytes, strlen(end + 1 + bytes) + 1);
    return true;
}

/* Texts that are young enough not to be written down again, or all. */
struct seen_products {
    struct sotto_ledger_texts *texts;
    int64_t since_ms;
};

static enum sotto_status see_product(void *context, const struct sotto_ledger_row *row,
                                     struct sotto_error *err)
{
    const struct seen_products *seen = context;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    bool is_seen = entry.entry.created_ms < seen->since_ms ||
                   sotto_ledger_texts_add(seen->texts, entry.entry.text) == SOTTO_OK;
    return is_seen ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status read_products(struct sotto_ledger *ledger,
                                       struct sotto_ledger_texts *in_out, const char *file,
                                       uint64_t epoch, int64_t since_ms, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    struct seen_products seen = {.texts = in_out, .since_ms = since_ms};
    find_subject(subject, file, epoch);
    enum sotto_status status =
        ledger->storage.each(ledger->storage.context, subject, see_product, &seen, err);
    if (status != SOTTO_OK) {
        sotto_ledger_texts_release(in_out);
    }
    return status;
}

enum sotto_status sotto_ledger_products(struct sotto_ledger *ledger,
                                        struct sotto_ledger_texts *in_out, const char *file,
                                        struct sotto_error *err)
{
    uint64_t epoch;
    enum sotto_status status = sotto__ledger_epoch(ledger, &epoch, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_products(ledger, in_out, file, epoch, INT64_MIN, err);
}

enum sotto_status sotto__ledger_add_products(struct sotto__ledger_batch *batch,
                                             const struct sotto_ledger_file *file, uint64_t epoch,
                                             struct sotto_error *err)
{
    struct sotto_ledger_texts known = {0};
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_PRODUCT}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    enum sotto_status status = read_products(batch->ledger, &known, file->file, epoch,
                                             batch->now_ms - SOTTO__LEDGER_REPEAT_MS, err);
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file->file);
    find_subject(subject, file->file, epoch);
    for (size_t i = 0; status == SOTTO_OK && i < file->measures_len; i++) {
        const struct sotto_ledger_measure *measure = &file->measures[i];
        size_t before = known.len;
        if (measure->factors[0] == NULL || measure->is_context) {
            continue;
        }
        (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%zu:%s%s",
                       strlen(measure->factors[0]), measure->factors[0],
                       measure->factors[1] != NULL ? measure->factors[1] : "");
        if (sotto_ledger_texts_add(&known, entry.entry.text) != SOTTO_OK) {
            status = sotto_error_no_memory(err);
        } else if (known.len > before) {
            sotto__ledger_add(batch, &entry, subject);
        }
    }
    sotto_ledger_texts_release(&known);
    return status;
}

/* --- What they give away --- */

/* The level of most rows. *out_all: rows of all levels. */
static size_t find_commonest(const struct sotto_ledger_slice *slices, uint64_t *out_all)
{
    size_t found = 0;
    *out_all = 0;
    for (size_t i = 0; i < SOTTO_LEDGER_LEVELS; i++) {
        found = slices[i].rows > slices[found].rows ? i : found;
        *out_all += slices[i].rows;
    }
    return found;
}

/* Adds rows, each times what its level's value is above another one. */
static void add_above(struct sotto_ledger_magnitude *in_out, const struct sotto_ledger_pair *pair,
                      const struct sotto_ledger_slice *slices, double value)
{
    for (size_t i = 0; i < pair->values_len; i++) {
        double times = fabs(pair->values[i] - value);
        struct sotto_ledger_magnitude magnitude = slices[i].magnitude;
        magnitude.total *= times;
        magnitude.largest[0] *= times;
        magnitude.largest[1] *= times;
        sotto__magnitude_add(in_out, &magnitude);
    }
}

static void add_slices(struct sotto_ledger_slice *in_out, const struct sotto_ledger_slice *slices)
{
    for (size_t i = 0; i < SOTTO_LEDGER_LEVELS; i++) {
        in_out[i].rows += slices[i].rows;
        sotto__magnitude_add(&in_out[i].magnitude, &slices[i].magnitude);
    }
}

void sotto__ledger_odd_add(struct sotto__ledger_odd *in_out, const struct sotto_ledger_pair *pair,
                           const struct sotto_ledger_slice *slices, bool is_product_known,
                           bool is_alone_known)
{
    uint64_t all;
    size_t commonest = find_commonest(slices, &all);
    if (is_product_known && is_alone_known && all > 0) {
        add_above(&in_out->magnitude, pair, slices, pair->values[commonest]);
        add_slices(in_out->both, slices);
    } else if (is_product_known) {
        add_slices(in_out->others, slices);
    }
}

/* The same value, so many times the sum alone, is taken off in all atoms, or each atom's own. */
bool sotto__ledger_odd_is_dominated(const struct sotto__ledger_odd *odd,
                                    const struct sotto_ledger_pair *pair, unsigned dominance)
{
    struct sotto_ledger_magnitude magnitude = odd->magnitude;
    add_above(&magnitude, pair, odd->others, 0);
    bool found = sotto__magnitude_is_dominated(&magnitude, dominance);
    for (size_t i = 0; !found && i < pair->values_len; i++) {
        magnitude = (struct sotto_ledger_magnitude){.total = 0};
        add_above(&magnitude, pair, odd->others, 0);
        if (odd->both[i].rows > 0) {
            add_above(&magnitude, pair, odd->both, pair->values[i]);
            found = sotto__magnitude_is_dominated(&magnitude, dominance);
        }
    }
    return found;
}
