/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger's rows that were read before, in memory. Leans on nothing but rows.
 *
 * The one idea: a question is held against every row of its subjects, so these lie one behind the
 * other, as they are gone through. SQLite, whose pages may be in memory as well, takes three times
 * as long to find and to copy them. Rows are only ever appended, so what is kept of a subject is
 * its first rows, and only those behind are asked for. */

#include "store/store_kept.h"

#include <sotto/alloc.h>
#include <string.h>

/* 20,000 sketches. What has no room is read each time. */
#define KEPT_BYTES_MAX ((size_t)24 << 20)
/* Subjects that are gone through to find one. */
#define SUBJECTS_MAX 256

struct store_kept {
    struct store_kept *next;
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    uint64_t last;
    uint8_t *bytes; /* of each row a head, and what it says */
    size_t len;
    size_t capacity_len;
};

struct head {
    uint64_t number;
    int64_t created_ms;
    size_t bytes_len;
};

void store__kept_release(struct store_kept_all *all)
{
    while (all->first != NULL) {
        struct store_kept *kept = all->first;
        all->first = kept->next;
        sotto_free(kept->bytes);
        sotto_free(kept);
    }
    *all = (struct store_kept_all){.version = all->version};
}

static struct store_kept *make_kept(struct store_kept_all *all,
                                    const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES])
{
    struct store_kept *kept = sotto_alloc_zeroed(sizeof *kept);
    if (kept != NULL) {
        memcpy(kept->subject, subject, sizeof kept->subject);
        kept->next = all->first;
        all->first = kept;
        all->len++;
    }
    return kept;
}

struct store_kept *store__kept_find(struct store_kept_all *all,
                                    const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES])
{
    struct store_kept *kept = all->first;
    while (kept != NULL && memcmp(kept->subject, subject, sizeof kept->subject) != 0) {
        kept = kept->next;
    }
    if (kept != NULL) {
        return kept;
    }
    if (all->bytes > KEPT_BYTES_MAX / 2 || all->len == SUBJECTS_MAX) {
        store__kept_release(all); /* what is asked now is asked again sooner */
    }
    return make_kept(all, subject);
}

uint64_t store__kept_last(const struct store_kept *kept)
{
    return kept->last;
}

bool store__kept_add(struct store_kept_all *all, struct store_kept *kept,
                     const struct sotto_ledger_row *row)
{
    const struct head head = {
        .number = row->number, .created_ms = row->created_ms, .bytes_len = row->bytes_len};
    size_t len = sizeof head + row->bytes_len;
    void *bytes = kept->bytes;
    if (len > KEPT_BYTES_MAX - all->bytes ||
        sotto_array_reserve(&bytes, &kept->capacity_len, kept->len + len, 1) != SOTTO_OK) {
        return false;
    }
    kept->bytes = bytes;
    memcpy(kept->bytes + kept->len, &head, sizeof head);
    if (row->bytes_len > 0) {
        memcpy(kept->bytes + kept->len + sizeof head, row->bytes, row->bytes_len);
    }
    kept->len += len;
    kept->last = row->number;
    all->bytes += len;
    return true;
}

enum sotto_status store__kept_each(const struct store_kept *kept, sotto_ledger_see_row *see,
                                   void *see_context, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    struct sotto_ledger_row row = {0};
    memcpy(row.subject, kept->subject, sizeof row.subject);
    for (size_t at = 0; status == SOTTO_OK && at < kept->len; at += row.bytes_len) {
        struct head head;
        memcpy(&head, kept->bytes + at, sizeof head);
        at += sizeof head;
        row.number = head.number;
        row.created_ms = head.created_ms;
        row.bytes = kept->bytes + at;
        row.bytes_len = head.bytes_len;
        status = see(see_context, &row, err);
    }
    return status;
}
