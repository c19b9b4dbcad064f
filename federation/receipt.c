/* SPDX-License-Identifier: Apache-2.0 */

/* Receipts [PROTOCOL.md, Receipts]. Leans on records of sessions (sotto/record.h), on verified.c
 * for what confirmations sign, on the plan for who had to take part.
 *
 * The idea: a receipt is a chain of what others signed. Adverts name plan and parties; consents fix
 * what each session could open; the chain of sums ties the sessions together; confirmations sign
 * its end with the result. A verifier computes each link itself, and compares signatures with
 * nothing but that. What it can't compute, the sums themselves, whoever confirmed has computed: so
 * one honest signer is enough, and the verifier says who signed.
 *
 * The signature of who ran the task is over all bytes: no byte of a receipt can be another. */

#include <sotto/receipt.h>

#include "aggregator_confirming.h"
#include "verified.h"

#include <sotto/alloc.h>
#include <sotto/record.h>
#include <string.h>

#define RECEIPT_VERSION 1
#define FLAG_FULL 1 /* with the transcript of each round */
#define CONFIRMATION_BYTES (4 + SOTTO_MESSAGE_SIGNATURE_BYTES)

static const uint8_t magic[4] = {'S', 'O', 'T', 'R'};
static const char receipt_label[] = "sotto receipt";

/* --- Writing --- */

void sotto__task_aggregator_record(struct sotto_task_aggregator *task, const void *aggregate,
                                   size_t aggregate_bytes)
{
    uint8_t digest[SOTTO_DIGEST_BYTES];
    if (!task->verifies) {
        task->lacks_record = true;
        return;
    }
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    task->lacks_record = task->lacks_record || roster->demands.no_receipts;
    sotto_session_aggregator_write_record(task->session, &task->records);
    sotto_digest(digest, "sotto aggregate", aggregate, aggregate_bytes);
    sotto_write_bytes(&task->records, digest, sizeof digest);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        task->lacks_transcript =
            task->lacks_transcript || !roster->adverts[i].demands.keeps_transcripts;
    }
    if (!task->lacks_transcript) {
        const struct sotto_buffer *transcript = sotto_session_aggregator_transcript(task->session);
        sotto_write_blob(&task->transcripts, transcript->data, transcript->data_bytes);
    }
}

static void write_confirmations(const struct sotto_task_aggregator *task,
                                struct sotto_writer *writer)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    uint32_t count = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            sotto_write_u32(writer, count);
        }
        for (uint32_t i = 0; i < roster->adverts_len; i++) {
            const struct invitee *invitee =
                &task->invitees[sotto__task_aggregator_invitee_of_member(task, i)];
            if (invitee->has_confirmed && pass == 0) {
                count++;
            } else if (invitee->has_confirmed) {
                sotto_write_u32(writer, i);
                sotto_write_bytes(writer, invitee->confirmation.bytes,
                                  sizeof invitee->confirmation.bytes);
            }
        }
    }
}

static void write_receipt(const struct sotto_task_aggregator *task, struct sotto_writer *writer,
                          bool is_full)
{
    struct sotto_writer schema;
    struct sotto_signature signature;
    sotto_writer_init(&schema, SOTTO_MESSAGE_BYTES_MAX);
    sotto__course_write_types(&task->course, &schema);
    sotto_write_bytes(writer, magic, sizeof magic);
    sotto_write_u16(writer, RECEIPT_VERSION);
    sotto_write_u16(writer, is_full ? FLAG_FULL : 0);
    sotto_write_bytes(writer, task->terms.label.task.bytes, sizeof task->terms.label.task.bytes);
    sotto_write_bytes(writer, task->terms.aggregator.bytes, sizeof task->terms.aggregator.bytes);
    sotto_write_blob(writer, task->plan_json, task->plan_bytes);
    sotto_write_blob(writer, schema.data, schema.data_bytes);
    sotto_write_blob(writer, task->result, strlen(task->result));
    sotto_write_u32(writer, task->terms.label.round);
    sotto_write_bytes(writer, task->records.data, task->records.data_bytes);
    write_confirmations(task, writer);
    if (is_full) {
        sotto_write_bytes(writer, task->transcripts.data, task->transcripts.data_bytes);
        writer->failed = writer->failed || sotto_writer_status(&task->transcripts) != SOTTO_OK;
    }
    if (sotto_writer_status(&schema) != SOTTO_OK ||
        sotto_writer_status(&task->records) != SOTTO_OK) {
        writer->failed = true;
    }
    sotto_writer_release(&schema);
    if (sotto_writer_status(writer) == SOTTO_OK) {
        sotto_identity_sign(task->identity, &signature, receipt_label, writer->data,
                            writer->data_bytes);
        sotto_write_bytes(writer, signature.bytes, sizeof signature.bytes);
    }
}

enum sotto_status sotto_task_aggregator_receipt(const struct sotto_task_aggregator *task,
                                                struct sotto_buffer *out, bool is_full,
                                                struct sotto_error *err)
{
    struct sotto_writer writer;
    if (!task->is_confirming || task->outbox.end.status != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "there is no receipt: its parties did not check the sums");
    }
    if (task->lacks_record) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "there is no receipt: a round was not checked, or an owner wants "
                               "none (policy.confirm)");
    }
    if (is_full && task->lacks_transcript) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "there is no full receipt: %s",
                               sotto__course_learns(&task->course)
                                   ? "what opens the sums of a learning task is not kept"
                                   : "not all owners let what opens the sums be kept "
                                     "(policy.transcripts)");
    }
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    write_receipt(task, &writer, is_full);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        *out = (struct sotto_buffer){0};
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_set(err, status, "no memory for a receipt");
}

/* --- Verifying --- */

/* A receipt on its way through the checks. Texts borrow from the bytes. */
struct check {
    const struct sotto_peer *peers;
    size_t peers_len;
    struct sotto_reader reader;
    struct sotto_invitation_terms terms;
    struct sotto_plan *plan;
    const uint8_t *plan_text;
    size_t plan_bytes;
    const uint8_t *schema;
    size_t schema_bytes;
    const uint8_t *result;
    size_t result_bytes;
    uint32_t rounds;
    bool is_full;
    uint8_t opened[SOTTO_DIGEST_BYTES];
    struct sotto_record *records;         /* of each round, as far as they are read */
    uint8_t (*links)[SOTTO_DIGEST_BYTES]; /* H("sotto aggregate", ...) of each */
    uint32_t records_len;
};

static bool knows_key(const struct check *check, const struct sotto_key *key)
{
    bool found = false;
    for (size_t i = 0; !found && i < check->peers_len; i++) {
        found = sotto_key_equal(&check->peers[i].key, key);
    }
    return found;
}

static enum sotto_status refuse_stranger(const struct sotto_key *key, struct sotto_error *err)
{
    char text[SOTTO_KEY_TEXT_BYTES];
    sotto_key_to_text(key, text);
    return sotto_error_set(err, SOTTO_ERROR_AUTH,
                           "the receipt has a party that is not among the peers: %s", text);
}

/* All before the rounds. */
static enum sotto_status read_head(struct check *check, struct sotto_error *err)
{
    uint8_t found[sizeof magic];
    struct sotto_reader *reader = &check->reader;
    sotto_read_copy(reader, found, sizeof found);
    uint16_t version = sotto_read_u16(reader);
    uint16_t flags = sotto_read_u16(reader);
    if (memcmp(found, magic, sizeof magic) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "this is no receipt of Sotto");
    }
    check->is_full = flags == FLAG_FULL;
    if (version != RECEIPT_VERSION || (flags & ~FLAG_FULL) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_VERSION,
                               "a receipt of version %u, flags %u; this program reads version %d",
                               version, flags, RECEIPT_VERSION);
    }
    sotto_read_copy(reader, check->terms.label.task.bytes, sizeof check->terms.label.task.bytes);
    sotto_read_copy(reader, check->terms.aggregator.bytes, sizeof check->terms.aggregator.bytes);
    check->plan_text = sotto_read_blob(reader, &check->plan_bytes, SOTTO_PLAN_BYTES_MAX);
    check->schema = sotto_read_blob(reader, &check->schema_bytes, SOTTO_MESSAGE_BYTES_MAX);
    check->result = sotto_read_blob(reader, &check->result_bytes, SOTTO_MESSAGE_BYTES_MAX);
    check->rounds = sotto_read_u32(reader);
    return reader->failed ? sotto_error_set(err, SOTTO_ERROR_INPUT, "the receipt is cut short")
                          : SOTTO_OK;
}

/* Before anything else is believed: who ran the task signed these bytes. */
static enum sotto_status check_signature(struct check *check, const uint8_t *bytes,
                                         size_t bytes_len, struct sotto_error *err)
{
    struct sotto_signature signature;
    size_t signed_bytes = bytes_len - sizeof signature.bytes;
    memcpy(signature.bytes, bytes + signed_bytes, sizeof signature.bytes);
    if (!knows_key(check, &check->terms.aggregator)) {
        return refuse_stranger(&check->terms.aggregator, err);
    }
    if (!sotto_key_verify(&check->terms.aggregator, &signature, receipt_label, bytes,
                          signed_bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "the receipt's signature is not right: a byte of it was changed, "
                               "or another node made it");
    }
    return SOTTO_OK;
}

static enum sotto_status check_plan(struct check *check, struct sotto_error *err)
{
    enum sotto_status status =
        sotto_plan_parse_task(&check->plan, check->plan_text, check->plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__task_plan_digest(check->terms.plan_digest, (const char *)check->plan_text,
                            check->plan_bytes);
    if (check->rounds == 0 || check->rounds > sotto_plan_rounds(check->plan)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the receipt has %u rounds, and its plan takes 1 to %u",
                               check->rounds, sotto_plan_rounds(check->plan));
    }
    return SOTTO_OK;
}

/* In how few parties a later round of a learning task may end, the code says, which is not in the
 * receipt: it is one of two numbers, and consents are of the right one only. */
static enum sotto_status read_record(struct check *check, uint32_t round, struct sotto_error *err)
{
    struct sotto_record *record = &check->records[round - 1];
    struct sotto_reader begin = check->reader;
    uint32_t min_clients = sotto_plan_strategy(check->plan)->min_clients;
    enum sotto_status status =
        sotto_record_read(record, &check->reader, &check->terms, round == 1 ? min_clients : 0, err);
    if (status == SOTTO_OK || round == 1 || sotto_plan_bundle(check->plan) == NULL) {
        return status;
    }
    check->reader = begin;
    return sotto_record_read(record, &check->reader, &check->terms, min_clients, err);
}

/* One round: its record holds, is the one that comes next, and is of known parties. That its
 * parties are those of the round before, whoever confirms has seen to. */
static enum sotto_status check_round(struct check *check, uint32_t round, struct sotto_error *err)
{
    struct sotto_record *record = &check->records[round - 1];
    uint8_t *link = check->links[round - 1];
    enum sotto_status status = read_record(check, round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    check->records_len++;
    sotto_read_copy(&check->reader, link, SOTTO_DIGEST_BYTES);
    if (record->label.round != round || check->reader.failed) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "round %u of the receipt is missing, or cut short", round);
    }
    for (uint32_t i = 0; i < record->roster.adverts_len; i++) {
        if (!knows_key(check, &record->roster.adverts[i].sender)) {
            return refuse_stranger(&record->roster.adverts[i].sender, err);
        }
    }
    sotto__opened_link(check->opened, &record->opening, link);
    return SOTTO_OK;
}

/* Reads the parties and who of them confirms. */
static enum sotto_status check_confirmations(struct check *check, struct sotto_receipt *receipt,
                                             struct sotto_error *err)
{
    uint8_t digest[SOTTO_DIGEST_BYTES];
    bool lives[SOTTO_SESSION_PARTIES_MAX];
    bool confirms[SOTTO_SESSION_PARTIES_MAX];
    const struct sotto_record *last = &check->records[check->rounds - 1];
    const struct sotto_roster *roster = &last->roster;
    struct sotto__finish finish = {.confirmations_len = sotto_read_u32(&check->reader)};
    if (finish.confirmations_len <= SOTTO_SESSION_PARTIES_MAX) {
        finish.confirmation_bytes =
            sotto_read_bytes(&check->reader, (size_t)finish.confirmations_len * CONFIRMATION_BYTES);
    }
    if (finish.confirmations_len > SOTTO_SESSION_PARTIES_MAX || check->reader.failed ||
        (!check->is_full && !sotto_reader_finished(&check->reader))) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the receipt's end is malformed");
    }
    struct sotto__confirmed confirmed = {.terms = &check->terms,
                                         .schema = check->schema,
                                         .schema_bytes = check->schema_bytes,
                                         .opened = check->opened,
                                         .result = check->result,
                                         .result_bytes = check->result_bytes};
    enum sotto_status status = sotto__confirmed_make(digest, &confirmed);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no memory for a receipt");
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        lives[i] = sotto_record_lives(last, i);
    }
    if (!sotto__finish_verify(&finish, confirms, roster, lives, digest)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "a confirmation of the receipt does not sign its plan, its sums "
                               "and its result");
    }
    receipt->parties = sotto_alloc_array(roster->adverts_len, sizeof *receipt->parties);
    if (receipt->parties == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a receipt");
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (lives[i]) {
            receipt->parties[receipt->parties_len++] = (struct sotto_receipt_party){
                .key = roster->adverts[i].sender, .confirms = confirms[i]};
            receipt->confirmed_len += confirms[i];
        }
    }
    receipt->colluders = sotto_session_colluders(roster->adverts_len, roster->demands.colluders);
    return SOTTO_OK;
}

/* --- What opens the sums --- */

/* What the sums are computed again with. */
struct again {
    struct sotto__peers peers;
    struct sotto__course course;
    struct sotto__cover cover;
    struct sotto_schema *offers;
    size_t offers_len;
    uint8_t opened[SOTTO_DIGEST_BYTES];
};

static void again_release(struct again *again)
{
    for (size_t i = 0; i < again->offers_len; i++) {
        sotto_schema_release(&again->offers[i]);
    }
    sotto_free(again->offers);
    sotto__cover_release(&again->cover);
    sotto__course_release(&again->course);
    sotto__peers_release(&again->peers);
}

/* The driver for the types that the first round's adverts offer. */
static enum sotto_status again_init(struct again *again, const struct check *check,
                                    struct sotto_error *err)
{
    const struct sotto_roster *roster = &check->records[0].roster;
    enum sotto_status status = sotto__peers_copy(&again->peers, check->peers, check->peers_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the list of peers: %s", sotto_status_text(status));
    }
    status = sotto__agree(&again->course, &again->cover, check->plan, roster, &check->terms,
                          &again->peers, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    again->offers = sotto_alloc_array(roster->adverts_len, sizeof *again->offers);
    if (again->offers == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a receipt");
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        struct sotto__offer offer;
        status = sotto__offer_decode(&offer, check->plan, &roster->adverts[i]);
        if (status != SOTTO_OK) {
            return sotto_error_set(err, status, "%s", sotto_status_text(status));
        }
        again->offers[again->offers_len++] = offer.schema;
    }
    return SOTTO_OK;
}

/* Computes the sum of a round, and gives it to the driver. */
static enum sotto_status open_round(struct again *again, struct check *check, uint32_t round,
                                    struct sotto_error *err)
{
    struct sotto__round_terms terms = {0};
    const struct sotto_record *record = &check->records[round];
    struct sotto_invitation_terms invitation = check->terms;
    uint8_t digest[SOTTO_DIGEST_BYTES];
    size_t transcript_bytes;
    size_t limbs_len = sotto_driver_limbs_len(again->course.driver);
    size_t bytes = limbs_len * sizeof(uint64_t);
    const uint8_t *transcript =
        sotto_read_blob(&check->reader, &transcript_bytes, SOTTO_SIGNED_BYTES_MAX);
    uint8_t *sum = sotto_alloc_aligned(bytes + 1);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (sum == NULL) {
        (void)sotto_error_set(err, status, "no memory for a receipt");
        goto out;
    }
    invitation.label = record->label;
    status = sotto__round_terms_init(&terms, check->plan, &again->course, &invitation,
                                     again->opened, record->roster.adverts_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_record_open(record, sum, terms.runs, terms.terms.runs_len, transcript,
                               transcript_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_digest(digest, "sotto aggregate", sum, bytes);
    if (memcmp(digest, check->links[round], sizeof digest) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "round %u of the receipt opens another sum than was confirmed",
                                 round + 1);
        goto out;
    }
    sotto__opened_digest(again->opened, &record->opening, sum, bytes);
    status = sotto_driver_advance(again->course.driver, (const uint64_t *)(const void *)sum,
                                  limbs_len, err);
out:
    sotto__round_terms_release(&terms);
    sotto_free(sum);
    return status;
}

/* All sums and the result are computed again. */
static enum sotto_status open_rounds(struct again *again, struct check *check,
                                     const struct sotto_receipt *receipt, struct sotto_error *err)
{
    bool is_result = false;
    enum sotto_status status = again_init(again, check, err);
    for (uint32_t round = 0; status == SOTTO_OK && round < check->rounds; round++) {
        status = sotto_driver_round(again->course.driver) == round + 1
                     ? open_round(again, check, round, err)
                     : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                       "the receipt has more rounds than its plan takes");
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_driver_round(again->course.driver) == 0) {
        status = sotto_driver_is_result(again->course.driver, &is_result, receipt->result,
                                        (uint32_t)receipt->parties_len, again->offers,
                                        again->offers_len, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return is_result && sotto_reader_finished(&check->reader)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the receipt's result is not that of its sums");
}

static enum sotto_status check_transcripts(struct check *check, struct sotto_receipt *receipt,
                                           struct sotto_error *err)
{
    struct again again = {0};
    if (!check->is_full) {
        return SOTTO_OK;
    }
    if (sotto_plan_bundle(check->plan) != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "a receipt of a learning task has nothing that opens its sums");
    }
    enum sotto_status status = open_rounds(&again, check, receipt, err);
    again_release(&again);
    receipt->is_full = status == SOTTO_OK;
    return status;
}

/* --- All of it --- */

static enum sotto_status check_all(struct check *check, struct sotto_receipt *receipt,
                                   const uint8_t *bytes, size_t bytes_len, struct sotto_error *err)
{
    enum sotto_status status = read_head(check, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_signature(check, bytes, bytes_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_plan(check, err);
    if (status != SOTTO_OK) {
        return status;
    }
    check->records = sotto_alloc_array(check->rounds, sizeof *check->records);
    check->links = sotto_alloc_array(check->rounds, sizeof *check->links);
    if (check->records == NULL || check->links == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a receipt");
    }
    for (uint32_t round = 1; status == SOTTO_OK && round <= check->rounds; round++) {
        status = check_round(check, round, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    receipt->task = check->terms.label.task;
    receipt->creator = check->terms.aggregator;
    receipt->rounds = check->rounds;
    receipt->plan_json = sotto_text_copy((const char *)check->plan_text, check->plan_bytes);
    receipt->result = sotto_text_copy((const char *)check->result, check->result_bytes);
    if (receipt->plan_json == NULL || receipt->result == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a receipt");
    }
    status = check_confirmations(check, receipt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_transcripts(check, receipt, err);
}

enum sotto_status sotto_receipt_verify(struct sotto_receipt *out, const void *bytes,
                                       size_t bytes_len, const struct sotto_peer *peers,
                                       size_t peers_len, struct sotto_error *err)
{
    struct check check = {.peers = peers, .peers_len = peers_len};
    struct sotto_receipt receipt = {0};
    if (bytes_len < SOTTO_MESSAGE_SIGNATURE_BYTES || bytes_len > SOTTO_SIGNED_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "this is no receipt of Sotto");
    }
    sotto_reader_init(&check.reader, bytes, bytes_len - SOTTO_MESSAGE_SIGNATURE_BYTES);
    enum sotto_status status = check_all(&check, &receipt, bytes, bytes_len, err);
    for (uint32_t i = 0; i < check.records_len; i++) {
        sotto_record_release(&check.records[i]);
    }
    sotto_free(check.records);
    sotto_free(check.links);
    sotto_plan_free(check.plan);
    if (status != SOTTO_OK) {
        sotto_receipt_release(&receipt);
        return status;
    }
    *out = receipt;
    return SOTTO_OK;
}

void sotto_receipt_release(struct sotto_receipt *receipt)
{
    sotto_free(receipt->plan_json);
    sotto_free(receipt->result);
    sotto_free(receipt->parties);
    *receipt = (struct sotto_receipt){0};
}
