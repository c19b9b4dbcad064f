/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "files.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/arrow.h>
#include <stdio.h>

/* --- A foreign struct array --- */

#define COLUMNS_MAX 4

/* Storage of all that a test gives away. */
struct foreign {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowSchema schemas[COLUMNS_MAX];
    struct ArrowArray arrays[COLUMNS_MAX];
    struct ArrowSchema *schema_pointers[COLUMNS_MAX];
    struct ArrowArray *array_pointers[COLUMNS_MAX];
    const void *buffers[COLUMNS_MAX][3];
    const void *no_buffers[1];
    struct ArrowSchema dictionary_schema;
    struct ArrowArray dictionary;
    const void *dictionary_buffers[3];
    int schemas_released;
    int arrays_released;
};

static void schema_release(struct ArrowSchema *schema)
{
    ((struct foreign *)schema->private_data)->schemas_released++;
    schema->release = NULL;
}

static void array_release(struct ArrowArray *array)
{
    ((struct foreign *)array->private_data)->arrays_released++;
    array->release = NULL;
}

/* Children are released with their parent, and count nowhere. */
static void child_schema_release(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void child_array_release(struct ArrowArray *array)
{
    array->release = NULL;
}

static void foreign_init(struct foreign *foreign, int64_t rows)
{
    *foreign = (struct foreign){0};
    foreign->schema = (struct ArrowSchema){.format = "+s",
                                           .children = foreign->schema_pointers,
                                           .release = schema_release,
                                           .private_data = foreign};
    foreign->array = (struct ArrowArray){.length = rows,
                                         .n_buffers = 1,
                                         .buffers = foreign->no_buffers,
                                         .children = foreign->array_pointers,
                                         .release = array_release,
                                         .private_data = foreign};
}

static struct ArrowArray *foreign_column(struct foreign *foreign, const char *name,
                                         const char *format, const void *validity,
                                         const void *first, const void *second)
{
    int64_t i = foreign->schema.n_children++;
    foreign->array.n_children++;
    foreign->schema_pointers[i] = &foreign->schemas[i];
    foreign->array_pointers[i] = &foreign->arrays[i];
    foreign->schemas[i] =
        (struct ArrowSchema){.format = format, .name = name, .release = child_schema_release};
    foreign->buffers[i][0] = validity;
    foreign->buffers[i][1] = first;
    foreign->buffers[i][2] = second;
    int64_t n_buffers = *format == 'u' || *format == 'U' ? 3 : *format == 'n' ? 0 : 2;
    foreign->arrays[i] = (struct ArrowArray){.length = foreign->array.length,
                                             .null_count = -1,
                                             .n_buffers = n_buffers,
                                             .buffers = foreign->buffers[i],
                                             .release = child_array_release};
    return &foreign->arrays[i];
}

static void foreign_dictionary(struct foreign *foreign, int64_t len, const char *format,
                               const void *validity, const void *offsets, const char *text)
{
    foreign->dictionary_schema =
        (struct ArrowSchema){.format = format, .release = child_schema_release};
    foreign->dictionary_buffers[0] = validity;
    foreign->dictionary_buffers[1] = offsets;
    foreign->dictionary_buffers[2] = text;
    foreign->dictionary = (struct ArrowArray){.length = len,
                                              .n_buffers = 3,
                                              .buffers = foreign->dictionary_buffers,
                                              .release = child_array_release};
    foreign->schemas[0].dictionary = &foreign->dictionary_schema;
    foreign->arrays[0].dictionary = &foreign->dictionary;
}

static void assert_released(const struct foreign *foreign)
{
    assert_int_equal(foreign->schemas_released, 1);
    assert_int_equal(foreign->arrays_released, 1);
    assert_null(foreign->schema.release);
    assert_null(foreign->array.release);
}

static struct sotto_table *import(struct foreign *foreign)
{
    struct sotto_table *table = NULL;
    struct sotto_error err = {0};
    if (sotto_arrow_import(&table, &foreign->schema, &foreign->array, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    assert_int_equal(foreign->schemas_released, 1);
    assert_int_equal(foreign->arrays_released, 0);
    return table;
}

static void assert_cells(const struct sotto_table *table, size_t i, const char *expected)
{
    struct sotto_column column = sotto_table_column(table, i);
    char *cells = test_cells(&column);
    assert_string_equal(cells, expected);
    sotto_free(cells);
}

static void refused(struct foreign *foreign, enum sotto_status status, const char *text)
{
    struct sotto_table *table = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_arrow_import(&table, &foreign->schema, &foreign->array, &err), status);
    assert_contains(err.text, text);
    assert_null(table);
    assert_released(foreign);
}

/* --- Import --- */

static void test_what_fits_is_borrowed(void **state)
{
    (void)state;
    static const int64_t integers[] = {7, -8, INT64_MAX};
    static const double doubles[] = {0.5, 0, -2};
    static const uint8_t present[] = {0xFD}; /* row 1 is missing, and 0 */
    static const int64_t offsets[] = {0, 1, 1, 3};
    struct foreign foreign;
    foreign_init(&foreign, 3);
    (void)foreign_column(&foreign, "i", "l", NULL, integers, NULL);
    (void)foreign_column(&foreign, "f", "g", present, doubles, NULL);
    (void)foreign_column(&foreign, "s", "U", NULL, offsets, "abc");
    (void)foreign_column(&foreign, "n", "n", NULL, NULL, NULL);
    struct sotto_table *table = import(&foreign);
    assert_int_equal(sotto_table_rows(table), 3);
    assert_int_equal(sotto_table_columns_len(table), 4);
    assert_string_equal(sotto_table_name(table, 1), "f");
    assert_cells(table, 0, "7|-8|9223372036854775807|");
    assert_cells(table, 1, "0x1p-1|NA|-0x1p+1|");
    assert_cells(table, 2, "a||bc|");
    assert_cells(table, 3, "NA|NA|NA|");
    assert_ptr_equal(sotto_table_column(table, 0).values, integers);
    assert_ptr_equal(sotto_table_column(table, 1).values, doubles);
    assert_ptr_equal(sotto_table_column(table, 2).offsets, offsets);
    assert_int_equal(sotto_table_column(table, 1).null_count, 1);
    sotto_table_free(table);
    assert_released(&foreign);
}

static void test_numbers_are_converted(void **state)
{
    (void)state;
    static const int8_t i8[] = {-128, 127};
    static const uint32_t u32[] = {0, UINT32_MAX};
    static const float f32[] = {0.5F, -0.0F};
    static const double f64[] = {-0.0, __builtin_nan("")};
    struct foreign foreign;
    foreign_init(&foreign, 2);
    (void)foreign_column(&foreign, "a", "c", NULL, i8, NULL);
    (void)foreign_column(&foreign, "b", "I", NULL, u32, NULL);
    (void)foreign_column(&foreign, "c", "f", NULL, f32, NULL);
    (void)foreign_column(&foreign, "d", "g", NULL, f64, NULL);
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "-128|127|");
    assert_cells(table, 1, "0|4294967295|");
    assert_cells(table, 2, "0x1p-1|0x0p+0|");
    assert_cells(table, 3, "0x0p+0|NA|");
    assert_int_equal(sotto_table_column(table, 3).null_count, 1);
    sotto_table_free(table);
    assert_released(&foreign);
}

/* Each of these bits among doubles that need nothing, at each place around the pieces that are
 * looked at together: NaN of any payload is missing, -0 is 0, all others stay. */
static void test_doubles_are_tidied_one_by_one(void **state)
{
    (void)state;
    enum { N = 200 };
    static const uint64_t odd[] = {
        UINT64_C(0x8000000000000000), UINT64_C(0x7FF0000000000001), UINT64_C(0xFFF0000000000001),
        UINT64_C(0x7FFFFFFFFFFFFFFF), UINT64_C(0xFFFFFFFFFFFFFFFF), UINT64_C(0x7FF8000000000000),
        UINT64_C(0x7FF0000000000000), UINT64_C(0xFFF0000000000000), UINT64_C(0x8000000000000001),
        UINT64_C(0x0000000000000001), UINT64_C(0x7FEFFFFFFFFFFFFF), UINT64_C(0x8010000000000000)};
    uint64_t bits[N];
    for (size_t i = 0; i < N; i++) {
        bits[i] = UINT64_C(0x3FF0000000000000) + i;
    }
    for (size_t at = 0; at < N * 12; at++) {
        struct foreign foreign;
        uint64_t before = bits[at / 12];
        uint64_t value = odd[at % 12];
        bool is_missing = (value << 1) > UINT64_C(0xFFE0000000000000);
        bool is_kept = value != UINT64_C(0x8000000000000000) && !is_missing;
        bits[at / 12] = value;
        foreign_init(&foreign, N);
        (void)foreign_column(&foreign, "x", "g", NULL, bits, NULL);
        struct sotto_table *table = import(&foreign);
        struct sotto_column column = sotto_table_column(table, 0);
        assert_int_equal(column.null_count, is_missing);
        assert_int_equal(sotto_column_is_valid(&column, at / 12), !is_missing);
        assert_int_equal(column.values == (const void *)bits, is_kept);
        bits[at / 12] = is_kept ? value : 0;
        assert_memory_equal(column.values, bits, sizeof bits);
        bits[at / 12] = before;
        sotto_table_free(table);
        assert_released(&foreign);
    }
}

/* Every offset against every length, of bits, numbers and strings: a slice is a slice. */
static void test_offsets_are_respected(void **state)
{
    (void)state;
    enum { N = 40 };
    int64_t integers[N];
    int32_t offsets[N + 1] = {0};
    char text[N];
    uint8_t bits[N / 8] = {0x35, 0xA7, 0x0F, 0x91, 0x6C};
    for (size_t i = 0; i < N; i++) {
        integers[i] = (int64_t)i * 1000;
        text[i] = (char)('A' + i % 26);
        offsets[i + 1] = (int32_t)i + 1;
    }
    for (size_t offset = 0; offset <= N; offset++) {
        for (size_t len = 0; len <= N - offset; len++) {
            struct foreign foreign;
            foreign_init(&foreign, (int64_t)len);
            /* Half of the offset at the table, half at its columns. */
            foreign.array.offset = (int64_t)offset / 2;
            (void)foreign_column(&foreign, "i", "l", bits, integers, NULL);
            (void)foreign_column(&foreign, "b", "b", bits, bits, NULL);
            (void)foreign_column(&foreign, "s", "u", bits, offsets, text);
            for (size_t i = 0; i < 3; i++) {
                foreign.arrays[i].offset = (int64_t)(offset - offset / 2);
                foreign.arrays[i].length = (int64_t)(len + offset / 2);
            }
            struct sotto_table *table = import(&foreign);
            for (size_t row = 0; row < len; row++) {
                size_t at = offset + row;
                bool present = ((bits[at / 8] >> (at % 8)) & 1) != 0;
                struct sotto_column column = sotto_table_column(table, 0);
                assert_int_equal(sotto_column_is_valid(&column, row), present);
                assert_int_equal(((const int64_t *)column.values)[row], present ? at * 1000 : 0);
                column = sotto_table_column(table, 1);
                assert_int_equal((((const uint8_t *)column.values)[row / 8] >> (row % 8)) & 1,
                                 present);
                column = sotto_table_column(table, 2);
                assert_int_equal(column.offsets[row + 1] - column.offsets[row], present);
                if (present) {
                    assert_int_equal(((const char *)column.values)[column.offsets[row]], text[at]);
                }
            }
            assert_int_equal(sotto_table_column(table, 2).offsets[0], 0);
            sotto_table_free(table);
            assert_released(&foreign);
        }
    }
}

static void test_a_slice_of_strings_without_gaps_keeps_its_bytes(void **state)
{
    (void)state;
    static const int64_t offsets[] = {0, 1, 1, 3, 6};
    static const char text[] = "abcdef";
    struct foreign foreign;
    foreign_init(&foreign, 2);
    struct ArrowArray *array = foreign_column(&foreign, "s", "U", NULL, offsets, text);
    array->offset = 2;
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "bc|def|");
    assert_ptr_equal(sotto_table_column(table, 0).values, text + 1);
    sotto_table_free(table);
}

static void test_decimals(void **state)
{
    (void)state;
    static const struct sotto_int128 values[] = {
        {.low = 123, .high = 0}, {.low = (uint64_t)-5, .high = -1}, {.low = 9, .high = 9}};
    static const uint8_t present[] = {3};
    struct foreign foreign;
    foreign_init(&foreign, 3);
    (void)foreign_column(&foreign, "a", "d:38,2", present, values, NULL);
    (void)foreign_column(&foreign, "b", "d:20,18,128", NULL, values, NULL);
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "1.23|-0.05|NA|");
    assert_true(sotto_table_column(table, 0).wide);
    assert_int_equal(sotto_table_column(table, 1).type.scale, 18);
    assert_ptr_equal(sotto_table_column(table, 1).values, values);
    sotto_table_free(table);
    /* 2^63 at scale 0, as a text can't say it either. */
    static const struct sotto_int128 edges[] = {{.low = UINT64_C(1) << 63, .high = -1},
                                                {.low = UINT64_C(1) << 63, .high = 0}};
    foreign_init(&foreign, 1);
    (void)foreign_column(&foreign, "a", "d:38,0", NULL, edges, NULL);
    table = import(&foreign);
    sotto_table_free(table);
    foreign_init(&foreign, 2);
    (void)foreign_column(&foreign, "a", "d:38,0", NULL, edges, NULL);
    refused(&foreign, SOTTO_ERROR_LIMIT, "column \"a\": expected decimals below 2^63");
}

static void test_dictionaries(void **state)
{
    (void)state;
    static const int8_t indexes[] = {1, 0, 9, 1, 2};
    static const uint8_t present[] = {0x1B}; /* row 2 is missing: its index does not matter */
    static const int32_t offsets[] = {0, 3, 5, 6};
    static const uint8_t words[] = {3}; /* the third string is missing */
    struct foreign foreign;
    foreign_init(&foreign, 5);
    (void)foreign_column(&foreign, "d", "c", present, indexes, NULL);
    foreign_dictionary(&foreign, 3, "u", words, offsets, "onetwo");
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "tw|one|NA|tw|NA|");
    assert_int_equal(sotto_table_column(table, 0).null_count, 2);
    sotto_table_free(table);

    foreign_init(&foreign, 5);
    (void)foreign_column(&foreign, "d", "c", NULL, indexes, NULL);
    foreign_dictionary(&foreign, 3, "u", words, offsets, "onetwo");
    refused(&foreign, SOTTO_ERROR_INPUT, "an index points outside its dictionary");
    foreign_init(&foreign, 5);
    (void)foreign_column(&foreign, "d", "c", present, indexes, NULL);
    foreign_dictionary(&foreign, 3, "l", NULL, offsets, NULL);
    refused(&foreign, SOTTO_ERROR_TYPE, "a dictionary of something else than strings");
    foreign_init(&foreign, 5);
    (void)foreign_column(&foreign, "d", "c", present, indexes, NULL);
    foreign_dictionary(&foreign, 3, "u", NULL, offsets, "onetwo");
    foreign.arrays[0].dictionary = NULL;
    refused(&foreign, SOTTO_ERROR_INPUT, "its dictionary is missing");
}

static void test_empty_batches(void **state)
{
    (void)state;
    struct foreign foreign;
    foreign_init(&foreign, 0);
    (void)foreign_column(&foreign, "i", "l", NULL, NULL, NULL);
    (void)foreign_column(&foreign, "s", "u", NULL, NULL, NULL);
    (void)foreign_column(&foreign, "d", "d:38,4", NULL, NULL, NULL);
    (void)foreign_column(&foreign, "b", "b", NULL, NULL, NULL);
    struct sotto_table *table = import(&foreign);
    assert_int_equal(sotto_table_rows(table), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_cells(table, i, "");
    }
    assert_int_equal(sotto_table_column(table, 1).offsets[0], 0);
    sotto_table_free(table);
    foreign_init(&foreign, 3); /* rows of no columns */
    table = import(&foreign);
    assert_int_equal(sotto_table_rows(table), 3);
    sotto_table_free(table);
    assert_released(&foreign);
}

/* One thing wrong at a time: each of the next three spoils a batch of one good column in its i-th
 * way, from 0. Returns: what must be said of it, NULL beyond the last one. */
static const char *spoil_batch(struct foreign *f, size_t i)
{
    static const uint8_t bits[] = {5};
    switch (i) {
    case 0:
        f->schema.format = "l";
        return "expected a struct array";
    case 1:
        f->schema.format = NULL;
        return "expected a struct array";
    case 2:
        f->array.n_buffers = 0;
        return "expected a struct array";
    case 3:
        f->array.buffers = NULL;
        return "expected a struct array";
    case 4:
        f->array.length = -1;
        return "out of range";
    case 5:
        f->array.offset = INT64_MAX;
        return "out of range";
    case 6:
        f->array.n_children = 2;
        return "not the same columns";
    case 7:
        f->schema.n_children = f->array.n_children = -1;
        return "not the same";
    case 8:
        f->schema.children = NULL;
        return "not the same columns";
    case 9:
        f->schema_pointers[0] = NULL;
        return "column 1 is not there";
    case 10:
        f->array_pointers[0] = NULL;
        return "column 1 is not there";
    case 11:
        f->no_buffers[0] = bits;
        return "whole rows of it are missing";
    default:
        return NULL;
    }
}

static const char *spoil_column(struct foreign *f, size_t i)
{
    struct ArrowArray *array = &f->arrays[0];
    switch (i) {
    case 0:
        array->length = 2;
        return "\"x\": it has less rows";
    case 1:
        array->length = -3;
        return "\"x\": its length or";
    case 2:
        array->offset = -1;
        return "\"x\": its length or";
    case 3:
        array->n_buffers = 3;
        return "not the buffers of its type";
    case 4:
        array->buffers = NULL;
        return "not the buffers of its type";
    case 5:
        f->buffers[0][1] = NULL;
        return "a buffer of it is missing";
    case 6:
        array->null_count = 1;
        return "does not say which";
    case 7:
        array->release = NULL;
        return "released already";
    case 8:
        f->schemas[0].name = NULL;
        return "column 1: expected a name";
    case 9:
        f->schemas[0].n_children = 1;
        return "it has children";
    default:
        return NULL;
    }
}

static const char *spoil_strings(struct foreign *f, size_t i)
{
    static const int64_t falling[] = {0, 3, 1, 4};
    static const int64_t negative[] = {-1, 0, 0, 0};
    static const int64_t huge[] = {0, INT64_MAX, INT64_MAX, INT64_MAX};
    switch (i) {
    case 0:
        f->buffers[0][1] = falling;
        return "offsets are not in order";
    case 1:
        f->buffers[0][1] = negative;
        return "offsets are not in order";
    case 2:
        f->buffers[0][1] = huge;
        return "16 MiB";
    case 3:
        f->buffers[0][2] = "a\xff"
                           "b";
        return "expected UTF-8";
    case 4:
        f->buffers[0][2] = NULL;
        return "offsets are not in order";
    default:
        return NULL;
    }
}

static void test_hostile_arrays(void **state)
{
    (void)state;
    static const int64_t values[] = {1, 2, 3, 4};
    static const int64_t cut[] = {0, 1, 2, 3};
    static const char *(*const spoils[])(struct foreign *, size_t) = {spoil_batch, spoil_column,
                                                                      spoil_strings};
    size_t cases = 0;
    for (size_t kind = 0; kind < 3; kind++) {
        const char *text = "";
        for (size_t i = 0; text != NULL; i++) {
            struct foreign f;
            bool strings = kind == 2;
            foreign_init(&f, 3);
            (void)foreign_column(&f, "x", strings ? "U" : "l", NULL, strings ? cut : values, "abc");
            text = spoils[kind](&f, i);
            if (text != NULL) {
                bool is_limit = strcmp(text, "16 MiB") == 0;
                refused(&f, is_limit ? SOTTO_ERROR_LIMIT : SOTTO_ERROR_INPUT, text);
                cases++;
            }
        }
    }
    assert_int_equal(cases, 27);
}

static void test_dates(void **state)
{
    (void)state;
    static const int32_t days[] = {0, 77, -1, 18321, 2932896, -719162};
    static const int64_t milliseconds[] = {0, 77, -86400000, 0, 86400000, 0};
    static const uint8_t present[] = {0x3D};
    static const uint8_t beyond = 0x20;
    struct foreign foreign;
    foreign_init(&foreign, 6);
    (void)foreign_column(&foreign, "d", "tdD", present, days, NULL);
    (void)foreign_column(&foreign, "m", "tdm", present, milliseconds, NULL);
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "1970-01-01|NA|1969-12-31|2020-02-29|9999-12-31|0001-01-01|");
    assert_cells(table, 1, "1970-01-01|NA|1969-12-31|1970-01-01|1970-01-02|1970-01-01|");
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(sotto_arrow_export(&schema, &array, table, NULL));
    assert_string_equal(schema.children[0]->format, "tdD");
    const int32_t *out = array.children[0]->buffers[1];
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(out[i], i == 1 ? 0 : days[i]);
    }
    schema.release(&schema);
    array.release(&array);
    sotto_table_free(table);
    foreign_init(&foreign, 2);
    (void)foreign_column(&foreign, "m", "tdm", NULL, milliseconds, NULL);
    refused(&foreign, SOTTO_ERROR_INPUT, "without a time of day");
    static const int32_t far[][6] = {{2932897}, {-719163}, {0, 0, 0, 0, 0, INT32_MAX}};
    for (size_t i = 0; i < 3; i++) {
        foreign_init(&foreign, 6);
        (void)foreign_column(&foreign, "d", "tdD", i == 2 ? &beyond : NULL, far[i], NULL);
        refused(&foreign, SOTTO_ERROR_LIMIT, "of the years 1 to 9999");
    }
}

static void test_times(void **state)
{
    (void)state;
    static const int64_t seconds[] = {0, 77, -1, INT64_C(253402300799)};
    static const int64_t nanoseconds[] = {1000, 77, -1000, INT64_C(1580428800000001000)};
    static const uint8_t present[] = {0x0D};
    struct foreign foreign;
    foreign_init(&foreign, 4);
    (void)foreign_column(&foreign, "s", "tss:", present, seconds, NULL);
    (void)foreign_column(&foreign, "m", "tsm:", present, seconds, NULL);
    (void)foreign_column(&foreign, "u", "tsu:Europe/Berlin", present, seconds, NULL);
    (void)foreign_column(&foreign, "n", "tsn:", present, nanoseconds, NULL);
    struct sotto_table *table = import(&foreign);
    assert_cells(table, 0, "1970-01-01T00:00:00|NA|1969-12-31T23:59:59|9999-12-31T23:59:59|");
    assert_cells(table, 1,
                 "1970-01-01T00:00:00|NA|1969-12-31T23:59:59.999000|1978-01-11T21:31:40.799000|");
    assert_cells(table, 2,
                 "1970-01-01T00:00:00Z|NA|1969-12-31T23:59:59.999999Z|"
                 "1970-01-03T22:23:22.300799Z|");
    assert_cells(table, 3,
                 "1970-01-01T00:00:00.000001|NA|1969-12-31T23:59:59.999999|"
                 "2020-01-31T00:00:00.000001|");
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(sotto_arrow_export(&schema, &array, table, NULL));
    assert_string_equal(schema.children[0]->format, "tsu:");
    assert_string_equal(schema.children[2]->format, "tsu:UTC");
    const int64_t *out = array.children[2]->buffers[1];
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == -1 && out[3] == INT64_C(253402300799));
    schema.release(&schema);
    array.release(&array);
    sotto_table_free(table);
    foreign_init(&foreign, 2);
    (void)foreign_column(&foreign, "n", "tsn:", NULL, nanoseconds, NULL);
    refused(&foreign, SOTTO_ERROR_INPUT, "whole microseconds");
    static const int64_t far[] = {INT64_C(253402300800), -INT64_C(62135596801), INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        foreign_init(&foreign, 1);
        (void)foreign_column(&foreign, "s", "tss:UTC", NULL, &far[i], NULL);
        refused(&foreign, SOTTO_ERROR_LIMIT, "of the years 1 to 9999");
    }
}

static void test_types_that_are_refused(void **state)
{
    (void)state;
    static const char *const formats[] = {"L",       "e",       "vu",         "tsx:",  "z",  "",
                                          "d:38,19", "d:38,-1", "d:20,2,256", "d:0,0", "+l", "ll",
                                          "d:9, 2",  "ts",      "tsu",        "ttu"};
    static const int64_t values[4] = {0};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct foreign foreign;
        char text[64];
        foreign_init(&foreign, 1);
        (void)foreign_column(&foreign, "good", "l", NULL, values, NULL);
        (void)foreign_column(&foreign, "bad", formats[i], NULL, values, NULL);
        (void)snprintf(text, sizeof text, "column \"bad\": its type \"%s\"", formats[i]);
        refused(&foreign, SOTTO_ERROR_TYPE, text);
    }
    struct foreign foreign;
    foreign_init(&foreign, 1);
    (void)foreign_column(&foreign, "same", "l", NULL, values, NULL);
    (void)foreign_column(&foreign, "same", "l", NULL, values, NULL);
    refused(&foreign, SOTTO_ERROR_INPUT, "found \"same\" as column 1 and as column 2");
    struct sotto_table *table = NULL; /* released already: nothing is called again */
    assert_int_equal(sotto_arrow_import(&table, &foreign.schema, &foreign.array, NULL),
                     SOTTO_ERROR_INPUT);
    assert_released(&foreign);
}

/* --- Export --- */

static const char text[] = "i,d,w,f,s,b,n\n1,1.5,9223372036854775807,1e3,x,True,\n"
                           ",-2.25,0.000000000000000001,,\"y,z\",,\n3,,,2.5,,False,\n";

static struct sotto_table *load(void)
{
    struct sotto_csv *csv = test_csv(text);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_table *table = test_table(csv, catalogue, false);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return table;
}

static void assert_tables_equal(const struct sotto_table *a, const struct sotto_table *b)
{
    assert_int_equal(sotto_table_rows(a), sotto_table_rows(b));
    assert_int_equal(sotto_table_columns_len(a), sotto_table_columns_len(b));
    for (size_t i = 0; i < sotto_table_columns_len(a); i++) {
        struct sotto_column x = sotto_table_column(a, i);
        struct sotto_column y = sotto_table_column(b, i);
        char *cells = test_cells(&y);
        assert_string_equal(sotto_table_name(a, i), sotto_table_name(b, i));
        assert_int_equal(x.type.kind, y.type.kind);
        assert_int_equal(x.type.scale, y.type.scale);
        assert_int_equal(x.null_count, y.null_count);
        assert_cells(a, i, cells);
        sotto_free(cells);
    }
}

static void test_what_is_exported(void **state)
{
    (void)state;
    static const char *const formats[] = {"l", "d:38,2", "d:38,18", "g", "U", "b", "n"};
    struct sotto_table *table = load();
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(sotto_arrow_export(&schema, &array, table, NULL));
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 7);
    assert_int_equal(array.length, 3);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(schema.children[i]->format, formats[i]);
        assert_string_equal(schema.children[i]->name, sotto_table_name(table, i));
        assert_int_equal(schema.children[i]->flags, ARROW_FLAG_NULLABLE);
        assert_int_equal(array.children[i]->null_count, sotto_table_column(table, i).null_count);
    }
    assert_ptr_equal(array.children[0]->buffers[1], sotto_table_column(table, 0).values);
    assert_ptr_not_equal(array.children[1]->buffers[1], sotto_table_column(table, 1).values);
    assert_ptr_equal(array.children[2]->buffers[1], sotto_table_column(table, 2).values);
    /* And back: what comes in again is the same, and can be given away again. */
    struct sotto_table *back = NULL;
    assert_ok(sotto_arrow_import(&back, &schema, &array, NULL));
    assert_tables_equal(table, back);
    sotto_table_free(table);
    assert_ok(sotto_arrow_export(&schema, &array, back, NULL));
    sotto_table_free(back);
    assert_ok(sotto_arrow_import(&back, &schema, &array, NULL));
    table = load();
    assert_tables_equal(table, back);
    sotto_table_free(table);
    sotto_table_free(back);
}

/* Under AddressSanitizer this is more than it looks. */
static void test_a_child_that_is_moved_out_keeps_the_table(void **state)
{
    (void)state;
    struct sotto_table *table = load();
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(sotto_arrow_export(&schema, &array, table, NULL));
    struct ArrowArray child = *array.children[0];
    struct ArrowSchema child_schema = *schema.children[0];
    array.children[0]->release = NULL;
    schema.children[0]->release = NULL;
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_null(schema.release);
    sotto_table_free(table);
    assert_string_equal(child_schema.name, "i");
    assert_int_equal(((const int64_t *)child.buffers[1])[2], 3);
    child.release(&child);
    child_schema.release(&child_schema);
    assert_null(child.release);
}

/* --- Failing allocations --- */

static enum sotto_status export_run(void *context)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    enum sotto_status status = sotto_arrow_export(&schema, &array, context, NULL);
    if (status == SOTTO_OK) {
        schema.release(&schema);
        array.release(&array);
    }
    return status;
}

static enum sotto_status import_run(void *context)
{
    (void)context;
    static const int8_t indexes[] = {1, 0};
    static const int32_t offsets[] = {0, 3, 5};
    static const uint8_t present[] = {1};
    static const int64_t values[] = {1, 2, 3, 4};
    struct foreign foreign;
    foreign_init(&foreign, 2);
    (void)foreign_column(&foreign, "d", "c", present, indexes, NULL);
    foreign_dictionary(&foreign, 2, "u", NULL, offsets, "onetwo");
    (void)foreign_column(&foreign, "s", "u", present, offsets, "onetwo");
    (void)foreign_column(&foreign, "l", "l", present, values, NULL);
    (void)foreign_column(&foreign, "b", "b", present, values, NULL);
    struct sotto_table *table = NULL;
    enum sotto_status status = sotto_arrow_import(&table, &foreign.schema, &foreign.array, NULL);
    assert_int_equal(foreign.arrays_released, status != SOTTO_OK);
    sotto_table_free(table);
    assert_released(&foreign);
    return status;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    struct sotto_table *table = load();
    assert_true(fault_each_allocation(export_run, table) > 8 * 6);
    assert_true(fault_each_allocation(import_run, NULL) > 4 * 3);
    sotto_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits_is_borrowed),
        cmocka_unit_test(test_numbers_are_converted),
        cmocka_unit_test(test_doubles_are_tidied_one_by_one),
        cmocka_unit_test(test_offsets_are_respected),
        cmocka_unit_test(test_a_slice_of_strings_without_gaps_keeps_its_bytes),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_dictionaries),
        cmocka_unit_test(test_empty_batches),
        cmocka_unit_test(test_hostile_arrays),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_types_that_are_refused),
        cmocka_unit_test(test_what_is_exported),
        cmocka_unit_test(test_a_child_that_is_moved_out_keeps_the_table),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
