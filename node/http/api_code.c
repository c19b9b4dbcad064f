/* SPDX-License-Identifier: Apache-2.0 */

/* The routes for code of learning tasks: offered by whoever may ask, shown to the owner, approved
 * and revoked. Leans on sotto/bundle.h, which shows a bundle; API.md is the specification. The
 * idea: an owner decides on a whole digest, and on what was shown under it. */

#include "http/api_internal.h"
#include "loop/log.h"
#include "store/store_code.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define CODE_LEN_MAX 1000
#define SHOWN_COLUMNS_DEFAULT 100
#define SHOWN_COLUMNS_MIN 20
#define SHOWN_COLUMNS_MAX 1000
#define APPROVED_ROUNDS_MAX 1000000
#define DIGEST_TEXT_BYTES (2 * SOTTO_BUNDLE_DIGEST_BYTES + 1)
/* A source of 4 MiB whose every character stands there by its number. */
#define SHOWN_BYTES_MAX ((size_t)64 * 1024 * 1024)

static void write_digest(char out[DIGEST_TEXT_BYTES],
                         const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES])
{
    (void)sodium_bin2hex(out, DIGEST_TEXT_BYTES, digest, SOTTO_BUNDLE_DIGEST_BYTES);
}

static json_t *make_code_json(const struct store_code *code)
{
    char digest[DIGEST_TEXT_BYTES];
    char words[SOTTO_BUNDLE_WORDS_BYTES];
    write_digest(digest, code->digest);
    sotto_bundle_words(words, code->digest);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:I}", "digest", digest, "words", words,
                     "state", code_state_name(code->state), "offered_at",
                     (json_int_t)code->offered_ms, "creator", code->creator, "decided_at",
                     (json_int_t)code->decided_ms, "peer", code->peer, "rounds_left",
                     (json_int_t)code->rounds_left);
}

static void append_code(void *context, const struct store_code *code)
{
    (void)json_array_append_new(context, make_code_json(code));
}

void http_api__get_code(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    json_t *array = json_array();
    if (store_each_code(api->reader, CODE_LEN_MAX, append_code, array, &err) != SOTTO_OK) {
        json_decref(array);
        http_api__answer_error(request, &err);
        return;
    }
    http_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "code", array));
}

/* Reads the parameter, or answers. */
static bool read_digest(uint8_t out[SOTTO_BUNDLE_DIGEST_BYTES], struct http_request *request)
{
    const char *text = http_parameter(request, "digest");
    size_t bytes = 0;
    bool is_right = text != NULL && strlen(text) == DIGEST_TEXT_BYTES - 1 &&
                    sodium_hex2bin(out, SOTTO_BUNDLE_DIGEST_BYTES, text, strlen(text), NULL, &bytes,
                                   NULL) == 0 &&
                    bytes == SOTTO_BUNDLE_DIGEST_BYTES;
    if (!is_right) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "digest: expected 64 hexadecimal digits, as the list has them");
    }
    return is_right;
}

/* What the owner reads: the bundle, or what changed since the last one of the same creator that was
 * approved. Out: *out_before "" where there is none. */
static enum sotto_status show_code(const struct http_api *api, struct sotto_writer *out,
                                   size_t *out_revealed, char out_before[DIGEST_TEXT_BYTES],
                                   const struct store_code *code, const struct sotto_buffer *bytes,
                                   size_t columns, struct sotto_error *err)
{
    struct sotto_bundle bundle = {0};
    struct sotto_bundle before = {0};
    struct store_code approved;
    struct sotto_buffer approved_bytes = {0};
    out_before[0] = '\0';
    enum sotto_status status = sotto_bundle_open(&bundle, bytes->data, bytes->data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_get_code_before(api->reader, &approved, &approved_bytes, code, err);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        *out_revealed = sotto_bundle_show(out, &bundle, columns);
        status = sotto_writer_status(out);
        goto out;
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_bundle_open(&before, approved_bytes.data, approved_bytes.data_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    write_digest(out_before, approved.digest);
    *out_revealed = sotto_bundle_compare(out, &before, &bundle, columns);
    status = *out_revealed == SOTTO_NONE ? sotto_error_no_memory(err) : sotto_writer_status(out);
out:
    sotto_buffer_release(&approved_bytes);
    sotto_bundle_release(&before);
    sotto_bundle_release(&bundle);
    return status;
}

static enum sotto_status make_code_one(const struct http_api *api, json_t **out,
                                       const struct store_code *code,
                                       const struct sotto_buffer *bytes, size_t columns,
                                       struct sotto_error *err)
{
    struct sotto_writer text;
    char before[DIGEST_TEXT_BYTES];
    size_t revealed = 0;
    sotto_writer_init(&text, SHOWN_BYTES_MAX);
    enum sotto_status status = show_code(api, &text, &revealed, before, code, bytes, columns, err);
    if (status == SOTTO_OK) {
        json_t *object = make_code_json(code);
        (void)json_object_set_new(object, "compared_to", json_string(before));
        (void)json_object_set_new(object, "by_number", json_integer((json_int_t)revealed));
        (void)json_object_set_new(object, "text",
                                  json_stringn((const char *)text.data, text.data_bytes));
        *out = object;
    }
    sotto_writer_release(&text);
    return status;
}

void http_api__get_code_one(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    uint64_t columns = SHOWN_COLUMNS_DEFAULT;
    struct store_code code;
    struct sotto_buffer bytes = {0};
    json_t *object = NULL;
    if (!read_digest(digest, request) ||
        !http_api__read_number(request, &columns, "columns", SHOWN_COLUMNS_MIN,
                               SHOWN_COLUMNS_MAX)) {
        return;
    }
    enum sotto_status status = store_get_code(api->reader, &code, &bytes, digest, &err);
    if (status == SOTTO_OK) {
        status = make_code_one(api, &object, &code, &bytes, (size_t)columns, &err);
    }
    sotto_buffer_release(&bytes);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, status, "%s", err.text);
    } else if (status != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        http_answer_json(request, MHD_HTTP_OK, object);
    }
}

void http_api__post_code_offer(struct http_api *api, struct http_request *request)
{
    http_api__ask_compute(api, request, JOB_OFFER_CODE, 0, false);
}

static void post_decision(struct http_api *api, struct http_request *request, bool approves)
{
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    uint64_t rounds = 0;
    const char *peer = approves ? http_parameter(request, "peer") : NULL;
    peer = peer != NULL ? peer : "";
    if (!read_digest(digest, request) ||
        (approves && !http_api__read_number(request, &rounds, "rounds", 1, APPROVED_ROUNDS_MAX))) {
        return;
    }
    size_t bytes = sizeof digest + strlen(peer) + 1;
    struct job *job = job_new(JOB_DECIDE_CODE);
    uint8_t *said = job != NULL ? sotto_alloc(bytes) : NULL;
    if (said == NULL) {
        job_free(job);
        http_answer_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, SOTTO_ERROR_NO_MEMORY,
                           "out of memory");
        return;
    }
    memcpy(said, digest, sizeof digest);
    memcpy(said + sizeof digest, peer, strlen(peer) + 1);
    job->bytes = (struct sotto_buffer){.data = said, .data_bytes = bytes};
    job->number = rounds;
    job->approves = approves;
    http_api__push_job(api, request, job);
}

void http_api__post_code_approve(struct http_api *api, struct http_request *request)
{
    post_decision(api, request, true);
}

void http_api__post_code_revoke(struct http_api *api, struct http_request *request)
{
    post_decision(api, request, false);
}
