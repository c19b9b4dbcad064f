/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels from a process that may be hostile: what is taken is a table whose texts are UTF-8, and
 * whose columns have the rows that it says. */
#include <sotto/parcel.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_column(const struct sotto_column *column, size_t rows)
{
    size_t missing = 0;
    SOTTO_REQUIRE(column->len == rows);
    for (size_t row = 0; row < rows; row++) {
        missing += !sotto_column_is_valid(column, row);
    }
    SOTTO_REQUIRE(missing == column->null_count);
    if (column->type.kind == SOTTO_KIND_STRING) {
        const char *texts = column->values;
        for (size_t row = 0; row < rows; row++) {
            size_t bytes = (size_t)(column->offsets[row + 1] - column->offsets[row]);
            SOTTO_REQUIRE(sotto_utf8_valid_prefix(texts + column->offsets[row], bytes) == bytes);
        }
    }
}

/* States a type for each column, another one by the size. Returns: false where one is not of it. */
static bool state_types(struct sotto_parcels *parcels, size_t size)
{
    bool good = sotto_parcels_are_complete(parcels);
    for (size_t i = 0; good && i < sotto_parcels_columns_len(parcels) && size % 4 == 0; i++) {
        size_t kind = SOTTO_KIND_BOOL + (size / 4 + i) % (SOTTO_KINDS_LEN - 1);
        const struct sotto_csv_column stated = {.name = sotto_parcels_column(parcels, i).name,
                                                .typed = true,
                                                .type = {.kind = (enum sotto_kind)kind}};
        good = sotto_parcels_state(parcels, &stated, 1, NULL) == SOTTO_OK;
    }
    return good;
}

/* Puts bytes where they are wanted, until a failure. Returns: whether all were taken. */
static bool put_bytes(struct sotto_parcels *parcels, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t bytes;
        void *to = sotto_parcels_space(parcels, &bytes);
        SOTTO_REQUIRE((to == NULL) == (bytes == 0));
        if (to == NULL) {
            return false;
        }
        bytes = bytes < size - at ? bytes : size - at;
        memcpy(to, data + at, bytes);
        if (sotto_parcels_filled(parcels, bytes, NULL) != SOTTO_OK) {
            return false;
        }
        at += bytes;
    }
    return true;
}

static void check_table(struct sotto_table *table)
{
    for (size_t i = 0; i < sotto_table_columns_len(table); i++) {
        struct sotto_column column = sotto_table_column(table, i);
        check_column(&column, sotto_table_rows(table));
    }
    sotto_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sotto_parcels *parcels;
    struct sotto_table *table = NULL;
    struct sotto_error err;
    if (sotto_parcels_new(&parcels, 1 << 20, NULL) != SOTTO_OK) {
        return 0;
    }
    size_t half = size / 2;
    bool good = sotto_parcels_take(parcels, data, half, &err) == SOTTO_OK;
    if (good && size % 3 == 0) { /* the rows so far first */
        good = sotto_parcels_rows(&table, parcels, &err) == SOTTO_OK;
        if (table != NULL) {
            check_table(table);
            table = NULL;
        }
    }
    if (good && put_bytes(parcels, data + half, size - half) && state_types(parcels, size) &&
        sotto_parcels_table(&table, parcels, &err) == SOTTO_OK) {
        check_table(table);
    }
    sotto_parcels_free(parcels);
    return 0;
}
