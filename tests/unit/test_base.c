/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <sotto/cpu.h>
#include <sotto/random.h>
#include <sotto/secret.h>
#include <sotto/threads.h>
#include <stdio.h>

static void test_status_names_are_found_again(void **state)
{
    (void)state;
#define CHECK(code, value, name, text)                                                             \
    {                                                                                              \
        enum sotto_status found = SOTTO_OK;                                                        \
        assert_true(sotto_status_find(&found, name));                                              \
        assert_int_equal(found, code);                                                             \
        assert_string_equal(sotto_status_name(code), name);                                        \
        assert_string_equal(sotto_status_text(code), text);                                        \
    }
    SOTTO_STATUS_TABLE(CHECK)
    enum sotto_status untouched = SOTTO_ERROR_IO;
    assert_false(sotto_status_find(&untouched, "nonsense"));
    assert_int_equal(untouched, SOTTO_ERROR_IO);
    assert_string_equal(sotto_status_name((enum sotto_status)77), "unknown");
}

static void test_the_version_is_three_numbers(void **state)
{
    (void)state;
    int numbers[3] = {-1, -1, -1};
    assert_int_equal(sscanf(sotto_version(), "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]), 3);
}

static void test_error_text_is_safe_to_print(void **state)
{
    (void)state;
    struct sotto_error err;
    assert_int_equal(
        sotto_error_set(&err, SOTTO_ERROR_INPUT, "a\x1b[31m\n\xff\xc2\x9b|\xe2\x82\xac"),
        SOTTO_ERROR_INPUT);
    assert_string_equal(err.text, "a?[31m????|\xe2\x82\xac");
    assert_int_equal(sotto_error_prefix(&err, "file %d", 7), SOTTO_ERROR_INPUT);
    assert_string_equal(err.text, "file 7: a?[31m????|\xe2\x82\xac");
    assert_int_equal(sotto_error_set(NULL, SOTTO_ERROR_IO, "%d", 1), SOTTO_ERROR_IO);
}

static void test_error_text_is_cut_at_a_character(void **state)
{
    (void)state;
    struct sotto_error err;
    char euros[3 * 400 + 1];
    for (size_t i = 0; i < 400; i++) {
        memcpy(euros + 3 * i, "\xe2\x82\xac", 3);
    }
    euros[sizeof euros - 1] = '\0';
    (void)sotto_error_set(&err, SOTTO_ERROR_INPUT, "%s", euros);
    size_t bytes = strlen(err.text);
    assert_true(bytes > SOTTO_ERROR_TEXT_BYTES - 8 && bytes < SOTTO_ERROR_TEXT_BYTES);
    assert_string_equal(err.text + bytes - 3, "...");
    assert_int_equal(sotto_utf8_valid_prefix(err.text, bytes), bytes);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"", 0},
        {"a", 1},
        {"\xc2\xa9", 2},
        {"\xc1\xbf", 0},
        {"\xe0\x80\x80", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x90\x80\x80", 0},
        {"ab\xe2\x82", 2},
        {"\xf5", 0},
        {"a\x80", 1},
        {"\xf0\x80\x80\x80", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sotto_utf8_valid_prefix(cases[i].text, strlen(cases[i].text)),
                         cases[i].valid);
    }
}

static void test_writer_and_reader_agree(void **state)
{
    (void)state;
    struct sotto_writer writer;
    sotto_writer_init(&writer, 64);
    sotto_write_u8(&writer, 0x01);
    sotto_write_u16(&writer, 0x0302);
    sotto_write_u32(&writer, 0x07060504);
    sotto_write_u64(&writer, UINT64_C(0x0f0e0d0c0b0a0908));
    sotto_write_blob(&writer, "xyz", 3);
    sotto_write_double(&writer, -0.1);
    assert_ok(sotto_writer_status(&writer));
    for (size_t i = 0; i < 15; i++) {
        assert_int_equal(writer.data[i], i + 1);
    }
    struct sotto_reader reader;
    sotto_reader_init(&reader, writer.data, writer.data_bytes);
    assert_int_equal(sotto_read_u8(&reader), 0x01);
    assert_int_equal(sotto_read_u16(&reader), 0x0302);
    assert_int_equal(sotto_read_u32(&reader), 0x07060504);
    assert_true(sotto_read_u64(&reader) == UINT64_C(0x0f0e0d0c0b0a0908));
    size_t bytes = 0;
    assert_memory_equal(sotto_read_blob(&reader, &bytes, 3), "xyz", 3);
    assert_int_equal(bytes, 3);
    assert_true(sotto_read_double(&reader) == -0.1);
    assert_true(sotto_reader_finished(&reader));
    sotto_reader_demand(&reader, true);
    assert_true(sotto_reader_finished(&reader));
    sotto_reader_demand(&reader, false);
    assert_false(sotto_reader_finished(&reader));
    sotto_writer_release(&writer);
}

static void test_reader_fails_stickily(void **state)
{
    (void)state;
    static const uint8_t data[] = {3, 0, 0, 0, 'a', 'b'};
    struct sotto_reader reader;
    size_t bytes = 7;
    sotto_reader_init(&reader, data, sizeof data);
    assert_null(sotto_read_blob(&reader, &bytes, 100));
    assert_int_equal(bytes, 0);
    assert_int_equal(sotto_read_u8(&reader), 0);
    uint8_t copy[2] = {9, 9};
    sotto_read_copy(&reader, copy, sizeof copy);
    assert_int_equal(copy[0] | copy[1], 0);
    assert_int_equal(sotto_reader_left(&reader), 0);
    assert_false(sotto_reader_finished(&reader));
    sotto_reader_init(&reader, data, sizeof data);
    assert_null(sotto_read_blob(&reader, &bytes, 2)); /* longer than allowed */
    sotto_reader_init(&reader, data, sizeof data);
    (void)sotto_read_u32(&reader);
    assert_false(sotto_reader_finished(&reader)); /* two bytes left over */
}

static void test_writer_keeps_its_limit(void **state)
{
    (void)state;
    struct sotto_writer writer;
    sotto_writer_init(&writer, 7);
    sotto_write_u32(&writer, 1);
    sotto_write_u32(&writer, 2);
    sotto_write_u8(&writer, 3);
    assert_int_equal(sotto_writer_status(&writer), SOTTO_ERROR_NO_MEMORY);
    assert_int_equal(writer.data_bytes, 4);
    sotto_writer_release(&writer);
}

static void test_writer_reserves_exactly(void **state)
{
    (void)state;
    struct sotto_writer writer;
    sotto_writer_init(&writer, 100);
    sotto_write_u32(&writer, 7);
    sotto_writer_reserve(&writer, 60);
    const uint8_t *data = writer.data;
    assert_non_null(sotto_write_space(&writer, 60));
    assert_ptr_equal(writer.data, data);
    assert_int_equal(writer.capacity_bytes, 64);
    assert_int_equal(writer.data[0], 7);
    sotto_writer_reserve(&writer, 37);
    assert_int_equal(sotto_writer_status(&writer), SOTTO_ERROR_NO_MEMORY);
    sotto_writer_release(&writer);
}

static enum sotto_status write_much(void *context)
{
    (void)context;
    struct sotto_writer writer;
    sotto_writer_init(&writer, 1000);
    for (uint64_t i = 0; i < 100; i++) {
        sotto_write_u64(&writer, i);
    }
    enum sotto_status status = sotto_writer_status(&writer);
    sotto_writer_release(&writer);
    return status;
}

static void test_writer_survives_no_memory(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(write_much, NULL) > 3);
}

static void test_arrays_refuse_overflow(void **state)
{
    (void)state;
    assert_null(sotto_alloc_array(SIZE_MAX / 2, 3));
    assert_null(sotto_alloc_aligned(SOTTO_NONE - 10));
    void *array = NULL;
    size_t capacity = 0;
    assert_int_equal(sotto_array_reserve(&array, &capacity, SIZE_MAX / 4, 8),
                     SOTTO_ERROR_NO_MEMORY);
    assert_null(array);
    assert_int_equal(capacity, 0);
    uint8_t *aligned = sotto_alloc_aligned(65);
    assert_int_equal((uintptr_t)aligned % SOTTO_ALIGNMENT, 0);
    for (size_t i = 0; i < 128; i++) {
        assert_int_equal(aligned[i], 0);
    }
    sotto_free(aligned);
}

static void test_seeded_streams_differ(void **state)
{
    (void)state;
    struct sotto_random_stream a, b, c;
    struct sotto_random sources[] = {sotto_random_seeded(&a, 1, 1), sotto_random_seeded(&b, 1, 1),
                                     sotto_random_seeded(&c, 1, 2)};
    uint8_t out[3][16];
    for (size_t i = 0; i < 3; i++) {
        assert_ok(sources[i].fill(sources[i].context, out[i], 16));
    }
    assert_memory_equal(out[0], out[1], 16);
    assert_memory_not_equal(out[0], out[2], 16);
    assert_ok(sources[0].fill(sources[0].context, out[0], 16));
    assert_memory_not_equal(out[0], out[1], 16);
}

static void test_secrets(void **state)
{
    (void)state;
    uint8_t *secret = sotto_secret_alloc(48);
    assert_non_null(secret);
    uint8_t zeros[48] = {0};
    assert_true(sotto_equal_ct(secret, zeros, 48));
    secret[47] = 1;
    assert_false(sotto_equal_ct(secret, zeros, 48));
    sotto_wipe(secret, 48);
    assert_true(sotto_equal_ct(secret, zeros, 48));
    sotto_secret_free(secret);
    sotto_secret_free(NULL);
}

static void test_threads(void **state)
{
    (void)state;
    size_t before = sotto_threads();
    sotto_threads_set(3);
    assert_int_equal(sotto_threads(), 3);
    sotto_threads_set(before);
    assert_int_equal(sotto_threads(), before);
}

static void test_cpu_level_has_a_name(void **state)
{
    (void)state;
    assert_non_null(sotto_cpu_level_name(sotto_cpu_level()));
}

/* What a text shows is what is there: nothing that moves, hides or deletes the rest of it. */
static void test_text_is_made_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"wages \u00fc \u20ac \U0001F600", "wages \u00fc \u20ac \U0001F600"},
        {"a\x1b[2Jb\tc\n", "a?[2Jb?c?"},
        {"x\u202egnp", "x???gnp"},
        {"a\u200bb\ufeffc\u2066d\u061ce", "a???b???c???d??e"},
        {"\xc2\x85|\xc2\xad|\xff|\xe2\x80", "??|??|?|??"},
        {"\U000e0041\u2028", "???????"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        sotto_text_sanitize(text);
        assert_string_equal(text, cases[i].shown);
    }
}

/* Every character can be told, and what does not fit is cut between two of them. */
static void test_text_is_revealed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"", ""},
        {"wages \u00fc \u20ac", "wages \u00fc \u20ac"},
        {"12\u00a0000", "12<U+00A0 no-break space>000"},
        {"\u2212"
         "5\u200b",
         "<U+2212 minus sign>5<U+200B zero width space>"},
        {"o\u0308", "o<U+0308 combining diaeresis>"},
        {"a\tb\x1b", "a<U+0009 tab>b<U+001B>"},
        {"\uff11\u202e", "<U+FF11><U+202E>"},
        {"\xff"
         "a",
         "<FF>a"},
    };
    char shown[100];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sotto_text_reveal(shown, sizeof shown, cases[i].text, strlen(cases[i].text));
        assert_string_equal(shown, cases[i].shown);
    }
    sotto_text_reveal(shown, 8, "1234567", 7);
    assert_string_equal(shown, "1234567");
    sotto_text_reveal(shown, 8, "12345678", 8);
    assert_string_equal(shown, "1234...");
    sotto_text_reveal(shown, 8, "123\u00e9\u00e9", 7);
    assert_string_equal(shown, "123\u00e9\u00e9");
    sotto_text_reveal(shown, 8, "123\u00e9\u00e9x", 8);
    assert_string_equal(shown, "123...");
}

/* All owners see the same bytes, in whatever order they let go of them. */
static void test_shared_buffers(void **state)
{
    (void)state;
    for (size_t first = 0; first < 3; first++) {
        struct sotto_buffer owners[3];
        assert_ok(sotto_buffer_copy(&owners[0], "abc", 3));
        assert_ok(sotto_buffer_share(&owners[1], &owners[0]));
        assert_ok(sotto_buffer_share(&owners[2], &owners[1]));
        for (size_t i = 0; i < 3; i++) {
            struct sotto_buffer *owner = &owners[(first + i) % 3];
            assert_memory_equal(owner->data, "abc", 3);
            assert_int_equal(owner->data_bytes, 3);
            assert_ptr_equal(owner->data, owners[(first + 2) % 3].data);
            sotto_buffer_release(owner);
            assert_null(owner->data);
        }
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_made_harmless),
        cmocka_unit_test(test_text_is_revealed),
        cmocka_unit_test(test_status_names_are_found_again),
        cmocka_unit_test(test_the_version_is_three_numbers),
        cmocka_unit_test(test_error_text_is_safe_to_print),
        cmocka_unit_test(test_error_text_is_cut_at_a_character),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_writer_and_reader_agree),
        cmocka_unit_test(test_reader_fails_stickily),
        cmocka_unit_test(test_writer_keeps_its_limit),
        cmocka_unit_test(test_writer_reserves_exactly),
        cmocka_unit_test(test_writer_survives_no_memory),
        cmocka_unit_test(test_arrays_refuse_overflow),
        cmocka_unit_test(test_seeded_streams_differ),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_shared_buffers),
        cmocka_unit_test(test_cpu_level_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
