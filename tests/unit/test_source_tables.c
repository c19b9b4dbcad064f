/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that come as tables, each with types of its own. */
#include "test.h"

#include <sotto/arrow.h>
#include <sotto/source.h>
#include <stdbool.h>

#define ROWS 5

/* A table of one column, of decimals of 128 bits or of nothing. */
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static struct sotto_table *make_table(const char *format, const struct sotto_int128 *values)
{
    const void *buffers[] = {NULL, values};
    const void *none[] = {NULL};
    struct ArrowSchema column = {
        .format = format, .name = "x", .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
    struct ArrowArray array = {.length = ROWS,
                               .null_count = values == NULL ? ROWS : 0,
                               .n_buffers = values == NULL ? 0 : 2,
                               .buffers = buffers,
                               .release = release_array};
    struct ArrowSchema *columns[] = {&column};
    struct ArrowArray *arrays[] = {&array};
    struct ArrowSchema schema = {
        .format = "+s", .n_children = 1, .children = columns, .release = release_schema};
    struct ArrowArray rows = {.length = ROWS,
                              .n_buffers = 1,
                              .n_children = 1,
                              .buffers = none,
                              .children = arrays,
                              .release = release_array};
    struct sotto_table *table = NULL;
    assert_ok(sotto_arrow_import(&table, &schema, &rows, NULL));
    return table;
}

/* Tables in their order, and what a sink was shown of them. */
struct series {
    const struct sotto_table *const *tables;
    size_t tables_len;
    size_t next;
    size_t blocks;
};

static enum sotto_status take_next(void *context, size_t worker, struct sotto_table_rows *out,
                                   struct sotto_error *err)
{
    struct series *series = context;
    assert_int_equal(worker, 0);
    (void)err;
    *out = (struct sotto_table_rows){0};
    if (series->next < series->tables_len) {
        *out = (struct sotto_table_rows){.table = series->tables[series->next++], .len = ROWS};
    }
    return SOTTO_OK;
}

/* Decimals of one digit after the point come with two, and a column of nothing as zeros that are
 * missing, as sotto/column.h wants them. */
static enum sotto_status check_block(void *context, size_t worker, uint64_t first_row,
                                     const struct sotto_column *columns, size_t columns_len,
                                     size_t rows, struct sotto_error *err)
{
    struct series *series = context;
    (void)worker;
    (void)first_row;
    (void)err;
    bool is_nothing = series->blocks++ % 2 == 1;
    const struct sotto_int128 *values = columns[0].values;
    assert_int_equal(columns_len, 1);
    assert_int_equal(rows, ROWS);
    assert_int_equal(columns[0].type.scale, 2);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(sotto_column_is_valid(&columns[0], i), !is_nothing);
        assert_int_equal(values[i].low, is_nothing ? 0 : (i + 7) * 10);
        assert_int_equal(values[i].high, 0);
    }
    return SOTTO_OK;
}

static void test_each_table_is_converted_on_its_own(void **state)
{
    (void)state;
    struct sotto_int128 digits[ROWS] = {{0}};
    for (size_t i = 0; i < ROWS; i++) {
        digits[i].low = i + 7;
    }
    struct sotto_table *decimals = make_table("d:38,1", digits);
    struct sotto_table *nothing = make_table("n", NULL);
    const struct sotto_table *const order[] = {decimals, nothing, decimals, nothing};
    struct series series = {.tables = order, .tables_len = 4};
    const struct sotto_csv_wanted wanted = {.type = {.kind = SOTTO_KIND_DECIMAL, .scale = 2}};
    const struct sotto_tables tables = {.next = take_next, .context = &series, .workers_len = 1};
    const struct sotto_source_scan scan = {
        .wanted = &wanted, .wanted_len = 1, .sink = check_block, .context = &series};
    assert_ok(sotto_source_scan_tables(&tables, &scan, NULL));
    assert_int_equal(series.blocks, 4);
    sotto_table_free(decimals);
    sotto_table_free(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_table_is_converted_on_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
