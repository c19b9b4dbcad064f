/* SPDX-License-Identifier: Apache-2.0 */

/* A round as text: JSON with what it is derived from. Leans on jansson to read it. The one idea:
 * nothing is in it that was derived, so that there is nothing to believe: types that were agreed
 * on, how many rows there are, and what each round has opened. */

#include "number/number.h"
#include "parts/round.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

#define VERSION 1

/* --- Bytes as digits --- */

void sotto__part_write_digits(struct sotto_writer *writer, const uint8_t *data, size_t data_bytes)
{
    static const char digits[] = "0123456789abcdef";
    sotto_write_u8(writer, '"');
    uint8_t *out = sotto_write_space(writer, 2 * data_bytes);
    for (size_t i = 0; out != NULL && i < data_bytes; i++) {
        out[2 * i] = (uint8_t)digits[data[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[data[i] & 15];
    }
    sotto_write_u8(writer, '"');
}

/* --- Writing --- */

static void write_types(struct sotto_writer *writer, const struct sotto_driver *driver)
{
    struct sotto_writer types;
    sotto_writer_init(&types, SIZE_MAX);
    sotto_schema_write(sotto_driver_schema(driver), &types);
    writer->failed = writer->failed || types.failed;
    sotto__part_write_digits(writer, types.data, types.data_bytes);
    sotto_writer_release(&types);
}

enum sotto_status sotto__part_write_question(const struct sotto__part_question *asked, char **out,
                                             struct sotto_error *err)
{
    const struct sotto_driver *driver = asked->driver;
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    sotto__json_raw(&writer, "{\"sotto\": \"round\", \"version\": 1, \"round\": ");
    sotto__json_integer(&writer, sotto_driver_round(driver));
    sotto__json_raw(&writer, ", \"plan\": ");
    sotto__part_write_digits(&writer, asked->plan_digest, sizeof asked->plan_digest);
    sotto__json_raw(&writer, ", \"snapshot\": ");
    sotto__json_string(&writer, asked->snapshot);
    if (driver->calls.needed > 0) {
        sotto__json_raw(&writer, ", \"parties\": ");
        sotto__json_integer(&writer, driver->calls.needed);
    }
    sotto__json_raw(&writer, ", \"rows\": [");
    for (size_t i = 0; i < sotto_plan_datasets_len(asked->plan); i++) {
        sotto__json_raw(&writer, i > 0 ? ", " : "");
        sotto__json_integer(&writer, asked->rows[i]);
    }
    sotto__json_raw(&writer, "], \"types\": ");
    write_types(&writer, driver);
    sotto__json_raw(&writer, ", \"opened\": [");
    for (size_t i = 0; i < driver->opened_len; i++) {
        sotto__json_raw(&writer, i > 0 ? ", " : "");
        sotto__part_write_digits(&writer, driver->opened[i].data, driver->opened[i].data_bytes);
    }
    sotto__json_raw(&writer, "]}\n");
    if (sotto__json_finish(&writer, out) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    return SOTTO_OK;
}

enum sotto_status sotto_round_write(const struct sotto_round *round, char **out,
                                    struct sotto_error *err)
{
    const struct sotto__part_question asked = sotto__part_round_question(round);
    if (round->driver == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "round 0 has no text: parts are made for it from the plan alone");
    }
    enum sotto_status status = sotto__part_round_check_not_over(round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__part_write_question(&asked, out, err);
}

/* --- Reading --- */

static enum sotto_status fail_text(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "expected a round as sotto advance writes it, found another text");
}

/* Returns: 16 for what is no digit. */
static unsigned read_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned)(digit - '0');
    }
    return digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10 : 16;
}

enum sotto_status sotto__part_read_digits(struct sotto_buffer *out, const char *digits,
                                          size_t digits_len)
{
    if (digits == NULL || digits_len % 2 != 0) {
        return SOTTO_ERROR_INPUT;
    }
    *out = (struct sotto_buffer){.data = sotto_alloc_array(digits_len / 2 + 1, 1)};
    if (out->data == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->data_bytes < digits_len / 2; out->data_bytes++) {
        unsigned high = read_digit(digits[2 * out->data_bytes]);
        unsigned low = read_digit(digits[2 * out->data_bytes + 1]);
        if (high > 15 || low > 15) {
            sotto__part_wipe_buffer(out);
            return SOTTO_ERROR_INPUT;
        }
        out->data[out->data_bytes] = (uint8_t)(high << 4 | low);
    }
    return SOTTO_OK;
}

static enum sotto_status read_digits(struct sotto_buffer *out, const json_t *text,
                                     struct sotto_error *err)
{
    enum sotto_status status =
        sotto__part_read_digits(out, json_string_value(text), json_string_length(text));
    return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err)
           : status == SOTTO_OK            ? SOTTO_OK
                                           : fail_text(err);
}

static enum sotto_status read_opened(struct sotto_round *round, const json_t *text,
                                     struct sotto_error *err)
{
    struct sotto_buffer bytes = {0};
    if (sotto_round_is_over(round)) {
        return fail_text(err);
    }
    size_t limbs_len = sotto_driver_limbs_len(round->driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    if (limbs == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = read_digits(&bytes, text, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (bytes.data_bytes != limbs_len * sizeof *limbs) {
        status = fail_text(err);
        goto out;
    }
    for (size_t i = 0; i < limbs_len; i++) {
        limbs[i] = sotto_load_u64(bytes.data + i * sizeof *limbs);
    }
    status = sotto_driver_advance(round->driver, limbs, limbs_len, err);
out:
    sotto_buffer_release(&bytes);
    sotto_free(limbs);
    return status;
}

static enum sotto_status read_types(struct sotto_schema *out, const struct sotto_plan *plan,
                                    const json_t *text, struct sotto_error *err)
{
    struct sotto_buffer bytes = {0};
    struct sotto_reader reader;
    enum sotto_status status = read_digits(&bytes, text, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_reader_init(&reader, bytes.data, bytes.data_bytes);
    status = sotto_schema_read(out, plan, &reader);
    if (status == SOTTO_ERROR_INPUT || (status == SOTTO_OK && !sotto_reader_finished(&reader))) {
        status = fail_text(err);
    }
    sotto_buffer_release(&bytes);
    return status;
}

/* How many rows each dataset has. */
static bool read_rows(uint64_t *out, size_t len, const json_t *rows)
{
    bool is_one = json_array_size(rows) == len;
    for (size_t i = 0; is_one && i < len; i++) {
        const json_t *of = json_array_get(rows, i);
        is_one = json_is_integer(of) && json_integer_value(of) >= 0;
        out[i] = is_one ? (uint64_t)json_integer_value(of) : 0;
    }
    return is_one;
}

static enum sotto_status start(struct sotto_round *round, const json_t *types, const json_t *rows,
                               const char *snapshot, struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(round->plan);
    struct sotto_schema agreed = {0};
    enum sotto_status status = SOTTO_OK;
    uint64_t *counted = sotto_alloc_array(len, sizeof *counted);
    if (counted == NULL) {
        return sotto_error_no_memory(err);
    }
    if (!read_rows(counted, len, rows) || !sotto__part_is_snapshot(snapshot)) {
        status = fail_text(err);
        goto out;
    }
    status = read_types(&agreed, round->plan, types, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__part_round_start(round, &agreed, counted, snapshot, err);
out:
    sotto_schema_release(&agreed);
    sotto_free(counted);
    return status;
}

static enum sotto_status check_plan(const struct sotto_round *round, const json_t *text,
                                    struct sotto_error *err)
{
    struct sotto_buffer digest = {0};
    enum sotto_status status = read_digits(&digest, text, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (digest.data_bytes != sizeof round->plan_digest) {
        status = fail_text(err);
    } else if (memcmp(digest.data, round->plan_digest, digest.data_bytes) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a round of this plan, found one of another: the plan is "
                                 "the same to the byte in all rounds and parts");
    }
    sotto_buffer_release(&digest);
    return status;
}

static enum sotto_status read_text(struct sotto_round *round, json_t *root, struct sotto_error *err)
{
    const char *kind = NULL;
    const char *snapshot = NULL;
    int version = 0;
    json_int_t number = 0;
    json_int_t parties = 0;
    json_t *plan = NULL;
    json_t *rows = NULL;
    json_t *types = NULL;
    json_t *opened = NULL;
    if (json_unpack(root, "{s:s, s:i, s:I, s:o, s:s, s?I, s:o, s:o, s:o!}", "sotto", &kind,
                    "version", &version, "round", &number, "plan", &plan, "snapshot", &snapshot,
                    "parties", &parties, "rows", &rows, "types", &types, "opened", &opened) != 0 ||
        strcmp(kind, "round") != 0 || version != VERSION || !json_is_array(rows) ||
        !json_is_array(opened) || parties < 0 || parties > UINT32_MAX) {
        return fail_text(err);
    }
    enum sotto_status status = check_plan(round, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start(round, types, rows, snapshot, err);
    if (status == SOTTO_OK) {
        sotto_driver_need_parties(round->driver, (uint32_t)parties);
    }
    for (size_t i = 0; i < json_array_size(opened) && status == SOTTO_OK; i++) {
        status = read_opened(round, json_array_get(opened, i), err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return !sotto_round_is_over(round) && number == (json_int_t)sotto_driver_round(round->driver)
               ? SOTTO_OK
               : fail_text(err);
}

enum sotto_status sotto_round_read(struct sotto_round **out, const void *plan, size_t plan_bytes,
                                   const void *text, size_t text_bytes, struct sotto_error *err)
{
    struct sotto_round *made = NULL;
    enum sotto_status status = sotto_round_new(&made, plan, plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    json_t *root = json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES, NULL);
    status = root != NULL ? read_text(made, root, err) : fail_text(err);
    json_decref(root);
    if (status != SOTTO_OK) {
        sotto_round_free(made);
        return status;
    }
    *out = made;
    return SOTTO_OK;
}
