/* SPDX-License-Identifier: Apache-2.0 */

/* What a party of a task asks all its parts, and what it makes of them. Leans on round_text.c and
 * on round_parts.c, and on jansson to read. The one idea: the party's driver is that of the task,
 * with what all parties opened, and its own parts are asked as if the round were theirs alone. */

#include "number/number.h"
#include "parts/round.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

#define VERSION 1
/* Of what a watch asks: predicates and columns, with their names. */
#define WATCHED_BYTES_MAX ((size_t)1 << 26)

/* watched: what the contribution's watch asks. */
static struct sotto__part_question find_question(const struct sotto_contribution *contribution,
                                                 const struct sotto_asked *asked,
                                                 const struct sotto_buffer *watched)
{
    struct sotto__part_question question = {.plan = contribution->driver->plan,
                                            .driver = contribution->driver,
                                            .rows = &asked->rows,
                                            .snapshot = asked->snapshot,
                                            .watched = watched};
    const char *text = contribution->driver->plan->text;
    sotto_short_digest(question.plan_digest, text, strlen(text));
    return question;
}

/* What the watch asks, if there is one. Ended by sotto__part_wipe_buffer. */
static enum sotto_status find_watched(struct sotto_buffer *out,
                                      const struct sotto_contribution *contribution,
                                      struct sotto_error *err)
{
    const struct sotto_watch_sink *sink =
        contribution->watch != NULL ? sotto__watch_sink(contribution->watch) : NULL;
    if (sink == NULL) {
        return SOTTO_OK;
    }
    return sink->ask != NULL ? sink->ask(sink->context, out, 0, err)
                             : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                               "rows in parts can't be shown to whom these are");
}

/* What parts are made for: who is judged by nobody has evidence of it all the same. */
static enum sotto_status find_min_rows(uint32_t *out, const struct sotto_contribution *contribution,
                                       struct sotto_error *err)
{
    uint64_t min_rows = contribution->judge != NULL ? contribution->judge->min_rows : 1;
    if (min_rows == 0 || min_rows > SOTTO_PART_MIN_ROWS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "expected rules with min_rows from 1 to %d, found %llu: parts are "
                               "made for no others",
                               SOTTO_PART_MIN_ROWS_MAX, (unsigned long long)min_rows);
    }
    *out = (uint32_t)min_rows;
    return SOTTO_OK;
}

/* --- Asking --- */

/* Workers have the rows of one dataset, and nothing of others. */
static enum sotto_status check_datasets(const struct sotto_plan *plan, struct sotto_error *err)
{
    return plan->datasets_len == 1
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "expected a plan of one dataset, as its rows are in parts, found "
                                 "one of %zu",
                                 plan->datasets_len);
}

static enum sotto_status write_ask(char **out, const struct sotto__part_question *question,
                                   uint32_t min_rows, struct sotto_error *err)
{
    struct sotto_writer writer;
    char *round = NULL;
    enum sotto_status status = sotto__part_write_question(question, &round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&writer, SIZE_MAX);
    sotto__json_raw(&writer, "{\"sotto\": \"ask\", \"version\": 1, \"min_rows\": ");
    sotto__json_integer(&writer, min_rows);
    sotto__json_raw(&writer, ", \"plan\": ");
    sotto__json_string(&writer, question->plan->text);
    sotto__json_raw(&writer, ", \"round\": ");
    sotto__json_string(&writer, round);
    if (question->watched->data != NULL) {
        sotto__json_raw(&writer, ", \"watched\": ");
        sotto__part_write_digits(&writer, question->watched->data, question->watched->data_bytes);
    }
    sotto__json_raw(&writer, "}\n");
    sotto_free(round);
    return sotto__json_finish(&writer, out) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_contribution_ask(const struct sotto_contribution *contribution, char **out,
                                         const struct sotto_asked *asked, struct sotto_error *err)
{
    struct sotto_buffer watched = {0};
    const struct sotto__part_question question = find_question(contribution, asked, &watched);
    uint32_t min_rows = 0;
    enum sotto_status status = check_datasets(question.plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (question.driver->opened_len + 1 != question.driver->round) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "expected a driver that keeps what its rounds opened");
    }
    status = find_min_rows(&min_rows, contribution, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_watched(&watched, contribution, err);
    if (status == SOTTO_OK) {
        status = write_ask(out, &question, min_rows, err);
    }
    sotto__part_wipe_buffer(&watched);
    return status;
}

/* --- Being asked --- */

static enum sotto_status fail_text(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "expected what a node asks its workers, found another text");
}

/* What whoever reads the rows has to show of them, of the one dataset. */
static enum sotto_status read_watched(struct sotto_round *in_out, const char *digits,
                                      size_t digits_len, struct sotto_error *err)
{
    if (digits_len > 2 * WATCHED_BYTES_MAX || in_out->plan->datasets_len != 1) {
        return fail_text(err);
    }
    enum sotto_status status = sotto__part_read_digits(&in_out->watched, digits, digits_len);
    return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err)
           : status == SOTTO_OK            ? SOTTO_OK
                                           : fail_text(err);
}

static enum sotto_status read_ask(struct sotto_round **out, uint32_t *out_min_rows, json_t *root,
                                  struct sotto_error *err)
{
    const char *kind = NULL;
    const char *plan = NULL;
    const char *round = NULL;
    size_t plan_bytes = 0;
    size_t round_bytes = 0;
    const char *watched = NULL;
    size_t watched_bytes = 0;
    int version = 0;
    json_int_t min_rows = 1;
    if (json_unpack(root, "{s:s, s:i, s?I, s?s%, s?s%, s?s% !}", "sotto", &kind, "version",
                    &version, "min_rows", &min_rows, "plan", &plan, &plan_bytes, "round", &round,
                    &round_bytes, "watched", &watched, &watched_bytes) != 0 ||
        strcmp(kind, "ask") != 0 || version != VERSION || min_rows < 1 ||
        min_rows > SOTTO_PART_MIN_ROWS_MAX || (plan == NULL) != (round == NULL) ||
        (watched != NULL && (plan == NULL || watched_bytes == 0))) {
        return fail_text(err);
    }
    *out_min_rows = (uint32_t)min_rows;
    *out = NULL;
    if (plan == NULL) {
        return SOTTO_OK;
    }
    struct sotto_round *made = NULL;
    enum sotto_status status = sotto_round_read(&made, plan, plan_bytes, round, round_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = watched != NULL ? read_watched(made, watched, watched_bytes, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        sotto_round_free(made);
        return status;
    }
    *out = made;
    return SOTTO_OK;
}

enum sotto_status sotto_ask_read(struct sotto_round **out, uint32_t *out_min_rows, const void *text,
                                 size_t text_bytes, struct sotto_error *err)
{
    json_t *root = json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES, NULL);
    enum sotto_status status =
        root != NULL ? read_ask(out, out_min_rows, root, err) : fail_text(err);
    json_decref(root);
    return status;
}

/* --- What all parts together say --- */

static enum sotto_status read_party(struct sotto__part *out,
                                    const struct sotto_contribution *contribution,
                                    const struct sotto_asked *asked,
                                    const struct sotto_part_bytes *party, struct sotto_error *err)
{
    struct sotto_buffer watched = {0};
    const struct sotto__part_question question = find_question(contribution, asked, &watched);
    uint32_t min_rows = 0;
    enum sotto_status status = find_min_rows(&min_rows, contribution, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_watched(&watched, contribution, err);
    if (status == SOTTO_OK) {
        status = sotto__part_read_party(out, &question, party, err);
    }
    sotto__part_wipe_buffer(&watched);
    if (status != SOTTO_OK) {
        return status;
    }
    return out->head.min_rows == min_rows
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a part made for min_rows %u, found %u", party->name,
                                 (unsigned)min_rows, (unsigned)out->head.min_rows);
}

/* Gives what all parts were shown to the watch that asked for it. */
static enum sotto_status give_shown(const struct sotto_contribution *contribution,
                                    const struct sotto__part *part, const char *name,
                                    struct sotto_error *err)
{
    const struct sotto_watch_sink *sink =
        contribution->watch != NULL ? sotto__watch_sink(contribution->watch) : NULL;
    if (part->shown_len != (sink != NULL)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected what the ledger asks for with the sums, and nothing "
                               "else: all parts are made by the same version of sotto",
                               name);
    }
    return sink != NULL
               ? sink->give(sink->context, 0, part->shown[0].data, part->shown[0].data_bytes, err)
               : SOTTO_OK;
}

enum sotto_status sotto_contribution_give(struct sotto_contribution *in_out,
                                          const struct sotto_asked *asked,
                                          const struct sotto_part_bytes *party,
                                          struct sotto_error *err)
{
    struct sotto__part part = {0};
    struct sotto_contribution *given = NULL;
    enum sotto_status status = read_party(&part, in_out, asked, party, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__part_contribute(&given, in_out->driver, &part, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_driver_add(in_out->driver, in_out->limbs, given->limbs, in_out->limbs_len);
    if (in_out->judge != NULL) {
        sotto__evidence_merge(&in_out->evidence, &given->evidence);
        status = in_out->evidence.status;
        status = status == SOTTO_OK ? SOTTO_OK : sotto__evidence_fail(status, err);
    }
    if (status == SOTTO_OK) {
        status = give_shown(in_out, &part, party->name, err);
    }
out:
    sotto_contribution_free(given);
    sotto__part_release(&part);
    return status;
}
