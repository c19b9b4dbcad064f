/* SPDX-License-Identifier: Apache-2.0 */

/* Parts of a round, made and taken. Leans on round.c for what is asked, on the room contribute for
 * what rows say, and on part.c for its bytes. The one idea: a part is a contribution that nobody
 * has judged; only that of all rows, of which none is missing or there twice, is of any use. */

#include "parts/round.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- What a part is of --- */

/* Sets plan, types and round; the digest of the round is of all that later ones start from. */
static enum sotto_status set_question(struct sotto__part_head *out,
                                      const struct sotto__part_question *asked)
{
    struct sotto_writer writer;
    memcpy(out->plan, asked->plan_digest, sizeof out->plan);
    if (asked->driver == NULL) {
        return SOTTO_OK;
    }
    out->number = sotto_driver_round(asked->driver);
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_schema_write(sotto_driver_schema(asked->driver), &writer);
    sotto_short_digest(out->types, writer.data, writer.data_bytes);
    sotto_write_u64(&writer, asked->driver->calls.needed);
    for (size_t i = 0; i < sotto_plan_datasets_len(asked->plan); i++) {
        sotto_write_u64(&writer, asked->rows[i]);
    }
    for (size_t i = 0; i < asked->driver->opened_len; i++) {
        const struct sotto_buffer *opened = &asked->driver->opened[i];
        uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
        sotto_short_digest(digest, opened->data, opened->data_bytes);
        sotto_write_bytes(&writer, digest, sizeof digest);
    }
    if (asked->watched != NULL && asked->watched->data != NULL) {
        uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
        sotto_short_digest(digest, asked->watched->data, asked->watched->data_bytes);
        sotto_write_bytes(&writer, digest, sizeof digest);
    }
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        sotto_short_digest(out->round, writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* --- Making a part --- */

enum sotto_status sotto__part_check_place(const struct sotto_part_place *place,
                                          struct sotto_error *err)
{
    if (place->part == 0 || place->part > place->parts_len || place->parts_len > SOTTO_PARTS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a part from 1 to the number of parts, which is at most "
                               "%d, found part %u of %u",
                               SOTTO_PARTS_MAX, (unsigned)place->part, (unsigned)place->parts_len);
    }
    if (place->min_rows == 0 || place->min_rows > SOTTO_PART_MIN_ROWS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "expected min_rows from 1 to %d, found %u",
                               SOTTO_PART_MIN_ROWS_MAX, (unsigned)place->min_rows);
    }
    return sotto__part_is_snapshot(place->snapshot)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a snapshot's name of at most %d characters of ASCII, "
                                 "without \" and \\",
                                 SOTTO_PART_SNAPSHOT_BYTES - 1);
}

static enum sotto_status check_snapshot(const struct sotto_round *round,
                                        const struct sotto_part_place *place,
                                        struct sotto_error *err)
{
    bool is_same = round->driver == NULL || strcmp(round->snapshot, place->snapshot) == 0;
    return is_same ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_CHANGED,
                                     "expected rows of snapshot \"%s\", as in round 0, found "
                                     "\"%s\": start again with round 0",
                                     round->snapshot, place->snapshot);
}

enum sotto_status sotto__part_count_rows(struct sotto__part_head *out,
                                         struct sotto_source *const *sources,
                                         struct sotto_error *err)
{
    for (size_t i = 0; i < out->datasets_len; i++) {
        const struct sotto_catalogue *catalogue = NULL;
        enum sotto_status status = sources[i]->ops->describe(sources[i], &catalogue, NULL, 0, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (catalogue->rows > SOTTO_ROWS_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                   "expected rows that can be counted, at most 2^60, found more or "
                                   "a source that does not know how many: save them in a file");
        }
        out->rows[i] = catalogue->rows;
    }
    return SOTTO_OK;
}

static enum sotto_status offer_types(struct sotto__part *in_out, const struct sotto_round *round,
                                     struct sotto_source *const *sources, struct sotto_error *err)
{
    struct sotto_schema offer = {0};
    struct sotto_writer writer;
    enum sotto_status status = sotto_source_offer(&offer, round->plan, sources, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_schema_write(&offer, &writer);
    status = sotto_writer_status(&writer) == SOTTO_OK
                 ? sotto__part_add_offer(in_out, writer.data, writer.data_bytes, err)
                 : sotto_error_no_memory(err);
    sotto_writer_release(&writer);
    sotto_schema_release(&offer);
    return status;
}

/* Nobody judges a part: only all rows of a party together are judged. */
static enum sotto_status judge_nothing(void *context, const struct sotto_evidence *evidence,
                                       struct sotto_withheld *withheld, struct sotto_error *err)
{
    (void)context;
    (void)evidence;
    (void)withheld;
    return sotto_error_set(err, SOTTO_ERROR_STATE, "a part is not judged");
}

/* shown: NULL where nobody is shown the rows. */
static enum sotto_status sum_up(struct sotto__part *in_out, const struct sotto_round *round,
                                struct sotto_source *const *sources,
                                const struct sotto_part_shown *shown, struct sotto_error *err)
{
    const struct sotto_judge judge = {.min_rows = in_out->head.min_rows, .judge = judge_nothing};
    struct sotto_contribution *contribution = NULL;
    enum sotto_status status = sotto_contribution_new(&contribution, round->driver, &judge, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (shown != NULL) {
        sotto__watch_set_sink(shown->watch, &shown->sink);
        contribution->watch = shown->watch;
    }
    for (size_t i = 0; i < in_out->head.datasets_len && status == SOTTO_OK; i++) {
        status = sotto_contribution_add(contribution, sources[i], i, err);
    }
    if (status == SOTTO_OK) {
        status = sotto__part_take(in_out, contribution, err);
    }
    sotto_contribution_free(contribution);
    return status;
}

/* Likewise, and shows the rows. */
static enum sotto_status sum_up_watched(struct sotto__part *in_out, const struct sotto_round *round,
                                        struct sotto_source *const *sources,
                                        const struct sotto_part_watch *watch,
                                        struct sotto_error *err)
{
    struct sotto_part_shown shown = {0};
    if (!sotto_round_is_watched(round)) {
        return sum_up(in_out, round, sources, NULL, err);
    }
    if (watch == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the rows are to be shown to a ledger, and who reads them knows "
                               "none");
    }
    enum sotto_status status = watch->begin(&shown, round->driver, round->plan, round->watched.data,
                                            round->watched.data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sum_up(in_out, round, sources, &shown, err);
    if (status == SOTTO_OK) {
        status = watch->write(&shown, &in_out->all_shown, err);
    }
    watch->end(&shown);
    return status;
}

enum sotto_status sotto_round_part(const struct sotto_round *round, struct sotto_buffer *out,
                                   const struct sotto_part_place *place,
                                   struct sotto_source *const *sources,
                                   const struct sotto_part_watch *watch, struct sotto_error *err)
{
    struct sotto__part part = {0};
    const struct sotto__part_question asked = sotto__part_round_question(round);
    enum sotto_status status = sotto__part_round_check_not_over(round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__part_check_place(place, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_snapshot(round, place, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__part_head_init(&part.head, place, sotto_plan_datasets_len(round->plan)) !=
            SOTTO_OK ||
        set_question(&part.head, &asked) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = round->driver == NULL ? offer_types(&part, round, sources, err)
                                   : sum_up_watched(&part, round, sources, watch, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__part_count_rows(&part.head, sources, err);
    if (status == SOTTO_OK) {
        status = sotto__part_write(&part, out, err);
    }
out:
    sotto__part_release(&part);
    return status;
}

/* --- What all parts together say --- */

static enum sotto_status check_rows(const struct sotto__part_question *asked,
                                    const struct sotto__part_head *head, struct sotto_error *err)
{
    for (size_t i = 0; asked->driver != NULL && i < head->datasets_len; i++) {
        if (head->rows[i] != asked->rows[i]) {
            return sotto_error_set(
                err, SOTTO_ERROR_CHANGED,
                "dataset \"%s\": expected %llu rows in all parts, as in round 0, found %llu: start "
                "again with round 0",
                sotto_plan_dataset_alias(asked->plan, i), (unsigned long long)asked->rows[i],
                (unsigned long long)head->rows[i]);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__part_read_party(struct sotto__part *out,
                                         const struct sotto__part_question *asked,
                                         const struct sotto_part_bytes *party,
                                         struct sotto_error *err)
{
    struct sotto__part_head head = {0};
    enum sotto_status status = sotto__part_read(out, party, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (set_question(&head, asked) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    /* What a round does not say is the party's. */
    (void)snprintf(head.snapshot, sizeof head.snapshot, "%s",
                   asked->driver != NULL ? asked->snapshot : out->head.snapshot);
    head.min_rows = out->head.min_rows;
    head.parts_len = out->head.parts_len;
    head.datasets_len = sotto_plan_datasets_len(asked->plan);
    status = sotto__part_head_check(&head, &out->head, party->name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__part_head_is_whole(&out->head, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_rows(asked, &out->head, err);
}

/* Likewise of a round that is not over. */
static enum sotto_status read_party(struct sotto__part *out, const struct sotto_round *round,
                                    const struct sotto_part_bytes *party, struct sotto_error *err)
{
    const struct sotto__part_question asked = sotto__part_round_question(round);
    enum sotto_status status = sotto__part_round_check_not_over(round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__part_read_party(out, &asked, party, err);
}

static enum sotto_status read_offers(struct sotto_schema *out, const struct sotto_round *round,
                                     const struct sotto__part *part, struct sotto_error *err)
{
    for (size_t i = 0; i < part->offers_len; i++) {
        struct sotto_reader reader;
        sotto_reader_init(&reader, part->offers[i].data, part->offers[i].data_bytes);
        enum sotto_status status = sotto_schema_read(&out[i], round->plan, &reader);
        if (status != SOTTO_OK || !sotto_reader_finished(&reader)) {
            return sotto_error_set(err,
                                   status == SOTTO_ERROR_NO_MEMORY ? status : SOTTO_ERROR_INPUT,
                                   "expected the types of the plan's columns, found others: all "
                                   "parts are made by the same version of sotto");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status agree(struct sotto_round *round, const struct sotto__part *part,
                               struct sotto_error *err)
{
    struct sotto_schema agreed = {0};
    struct sotto_schema *offers = sotto_alloc_array(part->offers_len, sizeof *offers);
    const char **names = sotto_alloc_array(part->offers_len, sizeof *names);
    enum sotto_status status =
        offers != NULL && names != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status != SOTTO_OK) {
        goto out;
    }
    for (size_t i = 0; i < part->offers_len; i++) {
        names[i] = "some parts"; /* which ones offer the same nobody keeps */
    }
    status = read_offers(offers, round, part, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_schema_agree(&agreed, round->plan, offers, names, part->offers_len, err);
    if (status == SOTTO_OK) {
        status = sotto__part_round_start(round, &agreed, part->head.rows, part->head.snapshot, err);
    }
out:
    for (size_t i = 0; offers != NULL && i < part->offers_len; i++) {
        sotto_schema_release(&offers[i]);
    }
    sotto_free(offers);
    sotto_free(names);
    sotto_schema_release(&agreed);
    return status;
}

enum sotto_status sotto__part_contribute(struct sotto_contribution **out,
                                         const struct sotto_driver *driver,
                                         const struct sotto__part *part, struct sotto_error *err)
{
    const struct sotto_judge of_part = {.min_rows = part->head.min_rows, .judge = judge_nothing};
    struct sotto_contribution *made = NULL;
    enum sotto_status status = sotto_contribution_new(&made, driver, &of_part, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__part_give(part, made, err);
    if (status != SOTTO_OK) {
        sotto_contribution_free(made);
        return status;
    }
    made->judge = NULL; /* a part is checked by its evidence all the same */
    *out = made;
    return SOTTO_OK;
}

enum sotto_status sotto_round_contribution(const struct sotto_round *round,
                                           struct sotto_contribution **out,
                                           const struct sotto_part_bytes *party,
                                           const struct sotto_judge *judge, struct sotto_error *err)
{
    struct sotto__part part = {0};
    if (round->driver == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "types are not agreed on yet");
    }
    enum sotto_status status = read_party(&part, round, party, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (judge != NULL && part.head.min_rows != judge->min_rows) {
        status = sotto_error_set(
            err, SOTTO_ERROR_INPUT, "%s: expected a part made for min_rows %llu, found %u",
            party->name, (unsigned long long)judge->min_rows, (unsigned)part.head.min_rows);
        goto out;
    }
    status = sotto__part_contribute(out, round->driver, &part, err);
    if (status == SOTTO_OK) {
        (*out)->judge = judge;
    }
out:
    sotto__part_release(&part);
    return status;
}

static enum sotto_status open_sums(struct sotto_round *round, const struct sotto__part *part,
                                   struct sotto_error *err)
{
    struct sotto_contribution *contribution = NULL;
    enum sotto_status status = sotto__part_contribute(&contribution, round->driver, part, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_driver_advance(round->driver, contribution->limbs, contribution->limbs_len, err);
    sotto_contribution_free(contribution);
    return status;
}

enum sotto_status sotto_round_advance(struct sotto_round *round,
                                      const struct sotto_part_bytes *party, struct sotto_error *err)
{
    struct sotto__part part = {0};
    enum sotto_status status = read_party(&part, round, party, err);
    if (status == SOTTO_OK) {
        status = round->driver == NULL ? agree(round, &part, err) : open_sums(round, &part, err);
    }
    sotto__part_release(&part);
    return status;
}
