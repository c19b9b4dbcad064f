/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that a worker sends, handed out as they come. */
#include "source/pushed.h"
#include "test.h"

#include <omp.h>
#include <pthread.h>
#include <stdbool.h>

#define ROWS 7
#define NUMBERS_SUM 12 /* 1 - 2 + 0 + 6 + 7, beside 2^63 - 1 */

/* A source of the driver of tests in a mode. */
struct streaming {
    struct source_request request;
    struct source_limits limits;
    struct source_session *session;
    struct sotto_catalogue_column columns[2];
    struct sotto_catalogue catalogue;
    struct sotto_source *source;
};

static void open_mode(struct streaming *out, const char *mode)
{
    *out = (struct streaming){
        .request = {.driver = SOTTO_TEST_DRIVER,
                    .entry = "test_driver_init",
                    .from = "t",
                    .options = {{"mode", mode}},
                    .options_len = 1,
                    .is_all = true,
                    .is_session = true},
        .limits = {.program = SOTTO_TEST_BINARY, .bytes_max = 1 << 20, .silence_s = 10},
        .columns = {{.name = "n", .type = {.kind = SOTTO_KIND_INT64}},
                    {.name = "odd \"name\"", .type = {.kind = SOTTO_KIND_STRING}}}};
    out->catalogue =
        (struct sotto_catalogue){.columns = out->columns, .columns_len = 2, .rows = ROWS};
    assert_ok(source_session_open(&out->session, &out->request, &out->limits, "pay", NULL));
    assert_ok(streamed_new(&out->source, out->session, &out->catalogue, NULL));
}

static void close_mode(struct streaming *streaming)
{
    sotto_source_free(streaming->source);
    source_session_close(streaming->session);
}

/* What came. */
struct taken {
    pthread_mutex_t lock;
    uint64_t rows;
    size_t missing;
    uint64_t sum;         /* of numbers, modulo 2^64 */
    int64_t bytes;        /* of texts */
    uint64_t refuse_from; /* rows after which no more are taken */
};

static enum sotto_status take(void *context, size_t worker, uint64_t first_row,
                              const struct sotto_column *columns, size_t columns_len, size_t rows,
                              struct sotto_error *err)
{
    struct taken *taken = context;
    (void)first_row;
    assert_true(worker < (size_t)omp_get_max_threads());
    assert_int_equal(columns_len, 2);
    (void)pthread_mutex_lock(&taken->lock);
    taken->rows += rows;
    for (size_t i = 0; i < rows; i++) {
        taken->missing += !sotto_column_is_valid(&columns[1], i);
        taken->sum += (uint64_t)((const int64_t *)columns[1].values)[i];
    }
    taken->bytes += columns[0].offsets[rows] - columns[0].offsets[0];
    bool is_enough = taken->rows >= taken->refuse_from;
    (void)pthread_mutex_unlock(&taken->lock);
    return is_enough ? sotto_error_set(err, SOTTO_ERROR_LIMIT, "enough") : SOTTO_OK;
}

/* Scans texts and numbers, in this order. */
static enum sotto_status scan(struct taken *out, const struct streaming *streaming,
                              uint64_t refuse_from, struct sotto_error *err)
{
    static const struct sotto_csv_wanted wanted[] = {
        {.column = 1, .type = {.kind = SOTTO_KIND_STRING}},
        {.column = 0, .type = {.kind = SOTTO_KIND_INT64}}};
    *out = (struct taken){.lock = PTHREAD_MUTEX_INITIALIZER, .refuse_from = refuse_from};
    const struct sotto_source_scan scan = {
        .wanted = wanted, .wanted_len = 2, .sink = take, .context = out};
    SOTTO_REQUIRE(streaming->source != NULL);
    return streaming->source->ops->scan(streaming->source, &scan, err);
}

static void check_taken(const struct taken *taken)
{
    assert_int_equal(taken->rows, ROWS);
    assert_int_equal(taken->missing, 1);
    assert_int_equal(taken->sum, (uint64_t)INT64_MAX + NUMBERS_SUM);
    assert_int_equal(taken->bytes, 9);
}

static void test_each_scan_has_all_rows(void **state)
{
    (void)state;
    struct streaming streaming;
    struct taken taken;
    open_mode(&streaming, "");
    for (size_t i = 0; i < 3; i++) {
        assert_ok(scan(&taken, &streaming, UINT64_MAX, NULL));
        check_taken(&taken);
    }
    close_mode(&streaming);
}

static void expect(struct streaming *streaming, enum sotto_status expected, const char *text)
{
    struct taken taken;
    struct sotto_error err = {0};
    assert_int_equal(scan(&taken, streaming, UINT64_MAX, &err), expected);
    if (strstr(err.text, text) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", text, err.text);
    }
    close_mode(streaming);
}

/* Whatever is not as it was when the catalogue was made. */
static void test_changes_are_found(void **state)
{
    (void)state;
    static const char *const changed = "there are other rows or types than before";
    struct streaming streaming;
    for (uint64_t rows = ROWS - 1; rows <= ROWS + 1; rows += 2) {
        open_mode(&streaming, "");
        streaming.catalogue.rows = rows;
        expect(&streaming, SOTTO_ERROR_CHANGED, changed);
    }
    open_mode(&streaming, "endless");
    expect(&streaming, SOTTO_ERROR_CHANGED, changed);
    open_mode(&streaming, "");
    streaming.columns[0].type.kind = SOTTO_KIND_FLOAT64;
    expect(&streaming, SOTTO_ERROR_CHANGED,
           "column \"n\": its values were float64, and come as int64");
    open_mode(&streaming, "");
    streaming.columns[0].name = (char[]){"m"};
    expect(&streaming, SOTTO_ERROR_CHANGED, changed);
    open_mode(&streaming, "");
    streaming.catalogue.columns_len = 1;
    expect(&streaming, SOTTO_ERROR_CHANGED, changed);
}

/* Half of an answer is none, and nothing else can be asked behind it. */
static void test_failures_end_it(void **state)
{
    (void)state;
    struct streaming streaming;
    struct source_rows rows;
    struct taken taken;
    struct sotto_error err = {0};
    open_mode(&streaming, "lost");
    expect(&streaming, SOTTO_ERROR_IO, "pay: reading rows: the connection was lost");
    open_mode(&streaming, "changed");
    expect(&streaming, SOTTO_ERROR_INPUT, "pay: the driver sends other columns");
    open_mode(&streaming, "endless");
    streaming.catalogue.rows = UINT64_MAX;
    assert_int_equal(scan(&taken, &streaming, 1, &err), SOTTO_ERROR_LIMIT);
    assert_string_equal(err.text, "enough");
    assert_int_equal(scan(&taken, &streaming, UINT64_MAX, &err), SOTTO_ERROR_STATE);
    assert_int_equal(source_session_ask(&rows, streaming.session, "SELECT 1", &err),
                     SOTTO_ERROR_STATE);
    assert_string_equal(err.text, "pay: not all rows were read that it was asked");
    close_mode(&streaming);
}

static void test_it_is_interrupted(void **state)
{
    (void)state;
    struct sotto_interrupt interrupt = {0};
    struct streaming streaming;
    open_mode(&streaming, "endless");
    source_session_close(streaming.session);
    sotto_source_free(streaming.source);
    streaming.limits.interrupt = &interrupt;
    assert_ok(source_session_open(&streaming.session, &streaming.request, &streaming.limits, "pay",
                                  NULL));
    assert_ok(streamed_new(&streaming.source, streaming.session, &streaming.catalogue, NULL));
    streaming.catalogue.rows = UINT64_MAX;
    sotto_interrupt_set(&interrupt);
    expect(&streaming, SOTTO_ERROR_CANCELLED, "interrupted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_scan_has_all_rows),
        cmocka_unit_test(test_changes_are_found),
        cmocka_unit_test(test_failures_end_it),
        cmocka_unit_test(test_it_is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
