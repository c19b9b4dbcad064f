/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "test.h"
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <sotto/datetime.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int test_file(const void *data, size_t data_bytes)
{
    int fd = memfd_create("sotto-test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    const char *p = data;
    for (size_t done = 0; done < data_bytes;) {
        ssize_t wrote = write(fd, p + done, data_bytes - done);
        assert_true(wrote > 0);
        done += (size_t)wrote;
    }
    return fd;
}

struct sotto_csv *test_csv_bytes(const void *data, size_t data_bytes)
{
    struct sotto_csv *csv = NULL;
    assert_ok(sotto_csv_open_fd(&csv, test_file(data, data_bytes), "t.csv", NULL, NULL));
    return csv;
}

struct sotto_csv *test_csv(const char *text)
{
    return test_csv_bytes(text, strlen(text));
}

struct sotto_catalogue *test_catalogue(struct sotto_csv *csv)
{
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    if (sotto_csv_catalogue(csv, &catalogue, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    return catalogue;
}

struct sotto_table *test_table(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                               bool strings)
{
    size_t len = catalogue->columns_len;
    struct sotto_csv_wanted *wanted = sotto_alloc_array(len, sizeof *wanted);
    assert_non_null(wanted);
    for (size_t i = 0; i < len; i++) {
        wanted[i].column = i;
        wanted[i].type = catalogue->columns[i].type;
        if (strings) {
            wanted[i].type = (struct sotto_type){.kind = SOTTO_KIND_STRING};
        }
    }
    struct sotto_table *table = NULL;
    struct sotto_error err = {0};
    if (sotto_table_load(&table, csv, catalogue, wanted, len, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    sotto_free(wanted);
    return table;
}

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

static void write_decimal(struct sotto_writer *writer, const struct sotto_column *column,
                          size_t row)
{
    __extension__ typedef __int128 int128;
    __extension__ typedef unsigned __int128 uint128;
    int128 value;
    if (column->wide) {
        const struct sotto_int128 *wide = (const struct sotto_int128 *)column->values + row;
        value = (int128)(((uint128)(uint64_t)wide->high << 64) | wide->low);
    } else {
        value = ((const int64_t *)column->values)[row];
    }
    uint128 left = value < 0 ? -(uint128)value : (uint128)value;
    char digits[64];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    for (size_t i = 0; left > 0 || i <= column->type.scale; i++) {
        if (i == column->type.scale && i > 0) {
            digits[--at] = '.';
        }
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    }
    write_text(writer, value < 0 ? "-" : "");
    write_text(writer, digits + at);
}

static void write_cell(struct sotto_writer *writer, const struct sotto_column *column, size_t row)
{
    char text[64];
    if (!sotto_column_is_valid(column, row)) {
        write_text(writer, "NA");
        return;
    }
    switch (column->type.kind) {
    case SOTTO_KIND_NULL:
        fail();
        break;
    case SOTTO_KIND_BOOL:
        write_text(writer,
                   ((const uint8_t *)column->values)[row / 8] >> (row % 8) & 1 ? "true" : "false");
        break;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_DECIMAL:
        write_decimal(writer, column, row);
        break;
    case SOTTO_KIND_FLOAT64:
        (void)snprintf(text, sizeof text, "%a", ((const double *)column->values)[row]);
        write_text(writer, text);
        break;
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        sotto_datetime_text(text, column->type.kind, ((const int64_t *)column->values)[row]);
        write_text(writer, text);
        break;
    case SOTTO_KIND_STRING:
        sotto_write_bytes(writer, (const char *)column->values + column->offsets[row],
                          (size_t)(column->offsets[row + 1] - column->offsets[row]));
        break;
    }
}

static char *written(struct sotto_writer *writer)
{
    size_t bytes;
    sotto_write_u8(writer, 0);
    assert_ok(sotto_writer_status(writer));
    return (char *)sotto_writer_take(writer, &bytes);
}

char *test_cell(const struct sotto_column *column, size_t row)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_NONE);
    write_cell(&writer, column, row);
    return written(&writer);
}

char *test_cells(const struct sotto_column *column)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_NONE);
    for (size_t row = 0; row < column->len; row++) {
        write_cell(&writer, column, row);
        sotto_write_u8(&writer, '|');
    }
    return written(&writer);
}

char *test_read(const char *text, const struct sotto_type *type)
{
    struct sotto_csv *csv = test_csv(text);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_csv_wanted wanted = {.type = catalogue->columns[0].type};
    if (type != NULL) {
        wanted.type = *type;
    }
    struct sotto_table *table = NULL;
    assert_ok(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL));
    struct sotto_column column = sotto_table_column(table, 0);
    char *cells = test_cells(&column);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return cells;
}

uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t test_random_below(uint64_t *state, size_t limit)
{
    return (size_t)(test_random(state) % limit);
}

void test_refuses(const void *data, size_t bytes, enum sotto_status expected, const char *part)
{
    struct sotto_csv *csv = test_csv_bytes(data, bytes);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), expected);
    assert_null(catalogue);
    assert_contains(err.text, part);
    sotto_csv_close(csv);
}
