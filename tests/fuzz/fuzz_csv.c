/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a CSV file: refused, or read twice (as catalogued and as text) without a surprise;
 * and through both readers, line by line and in spans of any size, the same. */

#include "dataset/file/file.h"

#include <omp.h>
#include <sotto/status.h>
#include <sotto/table.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void load(struct sotto_csv *csv, const struct sotto_catalogue *catalogue, bool as_text)
{
    for (size_t i = 0; i < catalogue->columns_len && i < 64; i++) {
        struct sotto_csv_wanted wanted = {.column = i, .type = catalogue->columns[i].type};
        struct sotto_table *table = NULL;
        if (as_text) {
            wanted.type = (struct sotto_type){.kind = SOTTO_KIND_STRING};
        }
        enum sotto_status status = sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL);
        if (catalogue->columns[i].hidden) { /* it has no name */
            check(status == SOTTO_ERROR_NOT_FOUND);
            continue;
        }
        check(status == SOTTO_OK);
        struct sotto_column column = sotto_table_column(table, 0);
        check(column.len == catalogue->rows && column.null_count == catalogue->columns[i].missing);
        size_t missing = 0;
        for (size_t row = 0; row < column.len; row++) {
            missing += !sotto_column_is_valid(&column, row);
        }
        check(missing == column.null_count);
        sotto_table_free(table);
    }
}

/* The input's own bytes say how it is read: half of all inputs as usual. */
static struct sotto_csv *open_bytes(const uint8_t *data, size_t data_bytes)
{
    struct sotto_csv *csv = NULL;
    uint8_t choice = data_bytes > 2 ? data[data_bytes / 3] : 0;
    struct sotto_csv_options options = {.skip = choice / 2 % 2,
                                        .comment = choice / 4 % 2 == 1 ? '#' : '\0'};
    bool is_packed = data_bytes > 1 && ((data[0] == 0x1F && data[1] == 0x8B) || data[0] == 0x28);
    options.footer = is_packed ? 0 : choice / 8 % 3;
    int fd = memfd_create("sotto-fuzz", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data, data_bytes) == (ssize_t)data_bytes);
    /* What begins as an object is read as lines of them. */
    const char *name = data_bytes > 0 && data[0] == '{' ? "t.ndjson" : "t.csv";
    options = name[2] == 'n' ? (struct sotto_csv_options){.format = SOTTO_TEXT_NDJSON} : options;
    check(sotto_csv_open_fd(&csv, fd, name, choice % 2 == 1 ? &options : NULL, NULL) == SOTTO_OK);
    return csv;
}

static void compare_columns(const struct sotto_column *a, const struct sotto_column *b)
{
    check(a->len == b->len && a->null_count == b->null_count && a->wide == b->wide);
    for (size_t row = 0; row < a->len; row++) {
        check(sotto_column_is_valid(a, row) == sotto_column_is_valid(b, row));
    }
    size_t each = a->wide ? sizeof(struct sotto_int128) : 8;
    switch (a->type.kind) {
    case SOTTO_KIND_NULL:
        break;
    case SOTTO_KIND_BOOL:
        for (size_t row = 0; row < a->len; row++) {
            unsigned x = ((const uint8_t *)a->values)[row / 8];
            unsigned y = ((const uint8_t *)b->values)[row / 8];
            check(((x ^ y) >> (row % 8) & 1) == 0);
        }
        break;
    case SOTTO_KIND_STRING:
        check(memcmp(a->offsets, b->offsets, (a->len + 1) * sizeof *a->offsets) == 0);
        check(memcmp(a->values, b->values, (size_t)a->offsets[a->len]) == 0);
        break;
    default:
        check(memcmp(a->values, b->values, a->len * each) == 0);
        break;
    }
}

/* The same file through both readers: catalogues are equal, and so is each column. */
static void compare(struct sotto_csv *a, const struct sotto_catalogue *x, struct sotto_csv *b,
                    const struct sotto_catalogue *y)
{
    check(x->rows == y->rows && x->columns_len == y->columns_len);
    for (size_t i = 0; i < x->columns_len && i < 64; i++) {
        const struct sotto_catalogue_column *p = &x->columns[i];
        const struct sotto_catalogue_column *q = &y->columns[i];
        check(strcmp(p->name, q->name) == 0 && p->type.kind == q->type.kind &&
              p->type.scale == q->type.scale && p->missing == q->missing &&
              p->digits_lost == q->digits_lost && p->inexact == q->inexact &&
              p->exponent_inexact == q->exponent_inexact && p->hidden == q->hidden);
        if (p->hidden) {
            continue;
        }
        struct sotto_csv_wanted wanted = {.column = i, .type = p->type};
        struct sotto_table *s = NULL;
        struct sotto_table *t = NULL;
        check(sotto_table_load(&s, a, x, &wanted, 1, NULL) == SOTTO_OK);
        check(sotto_table_load(&t, b, y, &wanted, 1, NULL) == SOTTO_OK);
        struct sotto_column c = sotto_table_column(s, 0);
        struct sotto_column d = sotto_table_column(t, 0);
        compare_columns(&c, &d);
        sotto_table_free(s);
        sotto_table_free(t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    struct sotto_csv *csv = open_bytes(data, data_bytes);
    struct sotto_csv *fast = open_bytes(data, data_bytes);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_catalogue *spans = NULL;
    struct sotto_error err = {0};
    struct sotto_error fast_err = {0};
    csv->serial = true;
    /* The input's own bytes say how it is cut. */
    fast->chunk_bytes = 1 + (data_bytes > 0 ? data[data_bytes - 1] % 64 : 0);
    fast->format.window_bytes = 1 + (data_bytes > 1 ? data[data_bytes / 2] % 96 : 0);
    omp_set_num_threads(data_bytes > 0 && data[0] % 64 == 1 ? 2 : 1); /* threads are slow here */
    enum sotto_status status = sotto_csv_catalogue(csv, &catalogue, &err);
    check(sotto_csv_catalogue(fast, &spans, &fast_err) == status);
    if (status == SOTTO_OK) {
        load(csv, catalogue, false);
        load(csv, catalogue, true);
        compare(csv, catalogue, fast, spans);
    } else {
        check(status == err.status && err.text[0] != '\0');
        check(strcmp(err.text, fast_err.text) == 0);
    }
    sotto_catalogue_free(catalogue);
    sotto_catalogue_free(spans);
    sotto_csv_close(csv);
    sotto_csv_close(fast);
    return 0;
}
