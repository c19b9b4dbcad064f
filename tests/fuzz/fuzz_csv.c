/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a CSV file: refused, or read twice (as catalogued and as text) without a surprise.
 */

#include <sotto/status.h>
#include <sotto/table.h>
#include <stdlib.h>
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
        check(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL) == SOTTO_OK);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    int fd = memfd_create("sotto-fuzz", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data, data_bytes) == (ssize_t)data_bytes);
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    check(sotto_csv_open_fd(&csv, fd, "t.csv", NULL, NULL) == SOTTO_OK);
    enum sotto_status status = sotto_csv_catalogue(csv, &catalogue, &err);
    if (status == SOTTO_OK) {
        load(csv, catalogue, false);
        load(csv, catalogue, true);
    } else {
        check(status == err.status && err.text[0] != '\0');
    }
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return 0;
}
