/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "files.h"
#include "test.h"

#include <sotto/bytes.h>
#include <zlib.h>

static const char text[] = "a,b,c,d,e\n1,0.5,x,True,\n9223372036854775807,1e3,\"y\n\",,\n"
                           "0.000000000000000001,2,zz,False,\n";

/* The text as a gzip file. Returns: how many bytes. */
static size_t pack_text(unsigned char *out, size_t room)
{
    z_stream gzip = {.next_in = (Bytef *)text,
                     .avail_in = (uInt)strlen(text),
                     .next_out = out,
                     .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&gzip, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    size_t bytes = room - gzip.avail_out;
    assert_int_equal(deflateEnd(&gzip), Z_OK);
    return bytes;
}

static enum sotto_status take_block(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)context, (void)worker, (void)first_row, (void)columns, (void)columns_len, (void)err;
    return rows > 0 ? SOTTO_OK : SOTTO_ERROR_INPUT;
}

/* Cataloguing and scanning a packed file. */
static enum sotto_status packed_run(void *context)
{
    (void)context;
    unsigned char packed[512];
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_csv_wanted wanted = {.column = 2, .type = {.kind = SOTTO_KIND_STRING}};
    size_t bytes = pack_text(packed, sizeof packed);
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(packed, bytes), "t.csv.gz", NULL, NULL);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_csv_catalogue(csv, &catalogue, NULL);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_csv_scan(csv, catalogue, &wanted, 1, take_block, NULL, NULL);
out:
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status;
}

static void test_packed(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(packed_run, NULL) > 30);
}

static enum sotto_status open_all(struct sotto_csv **out)
{
    static const char *const words[] = {"", "NA"};
    static const struct sotto_csv_column columns[] = {
        {.name = "b", .typed = true, .type = {.kind = SOTTO_KIND_FLOAT64}},
        {.name = "e", .typed = true, .type = {.kind = SOTTO_KIND_STRING}},
    };
    struct sotto_csv_options options = {
        .na_words = words, .na_words_len = 2, .columns = columns, .columns_len = 2};
    return sotto_csv_open_fd(out, test_file(text, strlen(text)), "t.csv", &options, NULL);
}

static enum sotto_status catalogue_run(void *context)
{
    (void)context;
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    enum sotto_status status = open_all(&csv);
    if (status == SOTTO_OK) {
        status = sotto_csv_catalogue(csv, &catalogue, NULL);
    }
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status;
}

static void test_cataloguing(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(catalogue_run, NULL) > 15);
}

static enum sotto_status dates_run(void *context)
{
    static const char dates[] = "born\n31.12.1999\n1.3.2020\n";
    static const struct sotto_csv_column column = {
        .name = "born", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .form = "%d.%m.%Y"};
    const struct sotto_csv_options options = {.columns = &column, .columns_len = 1};
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    (void)context;
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(dates, strlen(dates)), "t.csv", &options, NULL);
    if (status == SOTTO_OK) {
        status = sotto_csv_catalogue(csv, &catalogue, NULL);
    }
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status;
}

static void test_dates(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(dates_run, NULL) > 10);
}

static enum sotto_status ndjson_run(void *context)
{
    static const char rows[] = "{\"a\": 1, \"b\": \"x\"}\n{\"b\": null, \"c\": [1]}\n";
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_table *table = NULL;
    static const struct sotto_csv_wanted wanted = {.column = 1,
                                                   .type = {.kind = SOTTO_KIND_STRING}};
    (void)context;
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(rows, strlen(rows)), "t.ndjson", NULL, NULL);
    if (status == SOTTO_OK) {
        status = sotto_csv_catalogue(csv, &catalogue, NULL);
    }
    if (status == SOTTO_OK) {
        status = sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL);
    }
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status;
}

static void test_ndjson(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(ndjson_run, NULL) > 20);
}

struct loading {
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
};

static enum sotto_status load_run(void *context)
{
    struct loading *loading = context;
    struct sotto_csv_wanted wanted[5];
    for (size_t i = 0; i < 5; i++) {
        wanted[i] =
            (struct sotto_csv_wanted){.column = i, .type = loading->catalogue->columns[i].type};
    }
    struct sotto_table *table = NULL;
    enum sotto_status status =
        sotto_table_load(&table, loading->csv, loading->catalogue, wanted, 5, NULL);
    sotto_table_free(table);
    return status;
}

static enum sotto_status bytes_run(void *context)
{
    struct loading *loading = context;
    struct sotto_buffer bytes = {0};
    struct sotto_catalogue *decoded = NULL;
    enum sotto_status status = sotto_catalogue_encode(loading->catalogue, &bytes);
    if (status == SOTTO_OK) {
        status = sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes);
    }
    sotto_catalogue_free(decoded);
    sotto_buffer_release(&bytes);
    return status;
}

static void test_table_and_bytes(void **state)
{
    (void)state;
    struct loading loading = {0};
    assert_ok(open_all(&loading.csv));
    assert_ok(sotto_csv_catalogue(loading.csv, &loading.catalogue, NULL));
    assert_true(fault_each_allocation(load_run, &loading) > 20);
    assert_true(fault_each_allocation(bytes_run, &loading) > 8);
    sotto_catalogue_free(loading.catalogue);
    sotto_csv_close(loading.csv);
}

/* Why a column is text. */
static enum sotto_status misfits_run(void *context)
{
    static const char numbers[] = "v\n1\n2\n3%\n";
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_csv_misfit misfit = {.column = 0};
    (void)context;
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(numbers, strlen(numbers)), "t.csv", NULL, NULL);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_csv_catalogue(csv, &catalogue, NULL);
    if (status == SOTTO_OK) {
        status = sotto_csv_find_misfits(csv, catalogue, &misfit, 1, NULL);
    }
    if (status == SOTTO_OK) {
        assert_string_equal(misfit.text,
                            "t.csv:4: column \"v\": expected a number, as in most rows, "
                            "found \"3%\": take out the per cent sign");
    }
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status;
}

static void test_misfits(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(misfits_run, NULL) > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cataloguing),     cmocka_unit_test(test_dates),
        cmocka_unit_test(test_ndjson),          cmocka_unit_test(test_packed),
        cmocka_unit_test(test_table_and_bytes), cmocka_unit_test(test_misfits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
