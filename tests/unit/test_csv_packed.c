/* SPDX-License-Identifier: Apache-2.0 */
/* Files that gzip or zstd packed. */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <fenv.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

/* The text packed, in two members or frames. */
static size_t pack(char *out, size_t room, const char *text, size_t bytes, bool zstd)
{
    size_t at = 0;
    for (size_t part = 0; part < 2; part++) {
        const char *from = text + part * (bytes / 2);
        size_t len = part == 0 ? bytes / 2 : bytes - bytes / 2;
        if (zstd) {
            size_t made = ZSTD_compress(out + at, room - at, from, len, 1);
            assert_false(ZSTD_isError(made));
            at += made;
            continue;
        }
        z_stream gzip = {.next_in = (Bytef *)(uintptr_t)from,
                         .avail_in = (uInt)len,
                         .next_out = (Bytef *)out + at,
                         .avail_out = (uInt)(room - at)};
        assert_int_equal(deflateInit2(&gzip, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
        assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
        at += gzip.total_out;
        assert_int_equal(deflateEnd(&gzip), Z_OK);
    }
    return at;
}

static struct sotto_csv *open_packed(const char *packed, size_t bytes, size_t chunk, bool serial)
{
    struct sotto_csv *csv = test_csv_bytes(packed, bytes);
    csv->chunk_bytes = chunk;
    csv->serial = serial;
    omp_set_num_threads(1 + (int)(chunk % 3));
    return csv;
}

/* Packed and cut anyhow, it is the same table. */
static void test_packed_files(void **state)
{
    (void)state;
    char text[20000];
    char packed[30000];
    size_t bytes = (size_t)sprintf(text, "a,b\r\n");
    for (size_t i = 0; bytes < sizeof text - 100; i++) {
        bytes += (size_t)sprintf(text + bytes, i % 9 == 0 ? "%zu,\"x\r\ny%zu\"\r\n" : "%zu,z%zu\n",
                                 i, i % 7);
    }
    struct sotto_csv *plain = test_csv_bytes(text, bytes);
    struct sotto_catalogue *catalogue = test_catalogue(plain);
    struct sotto_table *table = test_table(plain, catalogue, false);
    struct sotto_column expected = sotto_table_column(table, 1);
    char *cells = test_cells(&expected);
    for (size_t i = 0; i < 60; i++) {
        size_t packed_bytes = pack(packed, sizeof packed, text, bytes, i % 2 == 0);
        struct sotto_csv *csv = open_packed(packed, packed_bytes, 1 + i * i * 7, i < 4);
        struct sotto_catalogue *ours = test_catalogue(csv);
        assert_int_equal(ours->text_bytes, bytes);
        assert_int_equal(ours->rows, catalogue->rows);
        assert_true((ours->spans_len > 0) == (i >= 4));
        struct sotto_table *loaded = test_table(csv, ours, false);
        struct sotto_column column = sotto_table_column(loaded, 1);
        char *others = test_cells(&column);
        assert_string_equal(cells, others);
        sotto_free(others);
        sotto_table_free(loaded);
        sotto_catalogue_free(ours);
        sotto_csv_close(csv);
    }
    omp_set_num_threads(1);
    sotto_free(cells);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(plain);
}

/* Values handed out while a packed file is catalogued, one after the other. */
struct handed_out {
    double values[8];
    size_t len;
};

static enum sotto_status take_doubles(void *context, size_t worker, uint64_t first_row,
                                      const struct sotto_column *columns, size_t columns_len,
                                      size_t rows, struct sotto_error *err)
{
    struct handed_out *out = context;
    (void)worker, (void)first_row, (void)columns_len, (void)err;
    for (size_t i = 0; i < rows && columns[0].type.kind == SOTTO_KIND_FLOAT64; i++) {
        out->values[out->len++] = ((const double *)columns[0].values)[i];
    }
    return SOTTO_OK;
}

static void test_rounding_mode_of_the_caller_does_not_matter(void **state)
{
    (void)state;
    static const char text[] = "a\n1e-1\n7e-1\n1234567e-30\n";
    static const char *const names[] = {"a"};
    char packed[1000];
    struct handed_out out = {.len = 0};
    struct sotto_catalogue *catalogue = NULL;
    bool complete = false;
    size_t bytes = pack(packed, sizeof packed, text, sizeof text - 1, false);
    struct sotto_csv *csv = open_packed(packed, bytes, 1 << 20, false);
    omp_set_num_threads(1);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    assert_ok(sotto_csv_survey(csv, &catalogue, &complete, names, 1, take_doubles, &out, NULL));
    assert_int_equal(fegetround(), FE_UPWARD);
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    assert_true(complete && out.len == 3);
    assert_true(out.values[0] == 0x1.999999999999ap-4);
    assert_true(out.values[1] == 0x1.6666666666666p-1);
    assert_true(out.values[2] == 1234567e-30);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static void test_damaged_packing(void **state)
{
    (void)state;
    static const char text[] = "a,b\n1,x\n2,y\n";
    char packed[1000];
    for (int zstd = 0; zstd < 2; zstd++) {
        size_t bytes = pack(packed, sizeof packed, text, sizeof text - 1, zstd != 0);
        test_refuses(packed, bytes - 1, SOTTO_ERROR_INPUT, "damaged or cut short");
        packed[bytes - 6] = (char)(packed[bytes - 6] + 1);
        packed[bytes - 3] = (char)(packed[bytes - 3] + 1);
        packed[bytes] = 'x'; /* what follows is no member either */
        test_refuses(packed, bytes + 1, SOTTO_ERROR_INPUT, "t.csv");
    }
    /* A row that is too short is found in the text, by its line. */
    size_t bytes = pack(packed, sizeof packed, "a,b\n1,x\n2\n", 10, false);
    test_refuses(packed, bytes, SOTTO_ERROR_INPUT, "t.csv:3: expected 2 fields");
}

/* gzip(1) passes over zeros behind a member, which blocks of a tape end with. */
static void test_padding(void **state)
{
    (void)state;
    static const size_t paddings[] = {1, 512, 300000};
    size_t room = 400000;
    char *packed = sotto_alloc_zeroed(room);
    assert_non_null(packed);
    size_t bytes = pack(packed, room, "a\n1\n2\n", 6, false);
    for (size_t i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
        for (int serial = 0; serial < 2; serial++) {
            struct sotto_csv *csv = open_packed(packed, bytes + paddings[i], 8, serial == 1);
            struct sotto_catalogue *catalogue = test_catalogue(csv);
            assert_int_equal(catalogue->rows, 2);
            sotto_catalogue_free(catalogue);
            sotto_csv_close(csv);
        }
        packed[bytes + paddings[i]] = 'x';
        test_refuses(packed, bytes + paddings[i] + 1, SOTTO_ERROR_INPUT, "damaged or cut short");
        /* Another member is none behind zeros. */
        memcpy(packed + bytes + paddings[i], packed, bytes);
        test_refuses(packed, 2 * bytes + paddings[i], SOTTO_ERROR_INPUT, "damaged or cut short");
        memset(packed + bytes + paddings[i], 0, bytes);
    }
    sotto_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_files),
        cmocka_unit_test(test_rounding_mode_of_the_caller_does_not_matter),
        cmocka_unit_test(test_damaged_packing),
        cmocka_unit_test(test_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
