/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "files.h"
#include "test.h"

#include <sotto/bytes.h>

static const char text[] = "a,b,c,d,e\n1,0.5,x,True,\n9223372036854775807,1e3,\"y\n\",,\n"
                           "0.000000000000000001,2,zz,False,\n";

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cataloguing),
        cmocka_unit_test(test_table_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
