/* SPDX-License-Identifier: Apache-2.0 */

/* LIVING, UNMASK and OPENED [PROTOCOL.md, LIVING to OPENED], [BBGLR20, sec. 4]: one survivor set,
 * and the masked inputs that are summed, recorded before they are signed, opened when enough of
 * this party's holders signed the same. Leans on dealing.c for the digest that is signed, on
 * transcript.c for what was opened.
 *
 * The idea: `living` and `living_masked` are written once, together with the phase that says so,
 * before anything can fail; from then on another set, or another input of somebody in it, is an
 * attack, whatever happened to the answer.
 *
 * CT: shares and keys are only copied. Which of the two shares of a dealer goes out depends on who
 * lives, which is public. */

#include "message/transcript.h"
#include "session/session_party.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* --- LIVING -> RECORD -> CONSENT --- */

/* What LIVING says; borrows. */
struct living_message {
    const uint8_t *living;
    const uint8_t *masked; /* a digest for each of them, ascending */
    size_t masked_bytes;
};

/* Returns: false if LIVING is malformed. */
static bool read_living(const struct sotto_session_party *party, struct living_message *out,
                        struct sotto_reader *reader)
{
    uint32_t parties_len = party_count(party);
    out->living = sotto__bitmap_read(reader, parties_len);
    if (out->living == NULL) {
        return false;
    }
    out->masked_bytes = (size_t)bitmap_count(out->living, parties_len) * SOTTO__HASH_BYTES;
    out->masked = sotto_read_bytes(reader, out->masked_bytes);
    return sotto_reader_finished(reader);
}

/* Whether this party, which lives, is listed with what it sent. */
static bool lists_own(const struct sotto_session_party *party, const struct living_message *message)
{
    size_t place = bitmap_count(message->living, party->own);
    return memcmp(message->masked + place * SOTTO__HASH_BYTES, party->masked, SOTTO__HASH_BYTES) ==
           0;
}

/* [PROTOCOL.md, LIVING], "The receiver checks". */
static enum sotto_status party_check_living(const struct sotto_session_party *party,
                                            const struct living_message *message,
                                            struct sotto_error *err)
{
    const uint8_t *living = message->living;
    uint32_t parties_len = party->roster.adverts_len;
    for (uint32_t i = 0; i < parties_len; i++) {
        if (bitmap_get(living, i) && !bitmap_get(party->dealers, i)) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a survivor that never dealt");
        }
    }
    if (!sotto__party_has_enough(party, living)) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "%u survivors: at least %u needed, this party and its holders among "
                               "them",
                               bitmap_count(living, parties_len), party->need);
    }
    if (!lists_own(party, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregator lists a masked input that this party did not send");
    }
    return SOTTO_OK;
}

/* What this party consents to. */
static struct sotto__survivors list_survivors(const struct sotto_session_party *party)
{
    return (struct sotto__survivors){.session = party->session,
                                     .dealers = party->dealers,
                                     .living = party->living,
                                     .parties_len = party_count(party),
                                     .dealings = party->dealings,
                                     .masked = party->living_masked};
}

static void digest_survivors(const struct sotto_session_party *party,
                             uint8_t out[SOTTO__HASH_BYTES])
{
    struct sotto__survivors survivors = list_survivors(party);
    sotto__survivors_digest(out, &survivors);
}

/* What the host must write down before it calls sotto_session_party_recorded. */
static enum sotto_status party_push_consent(struct sotto_session_party *party)
{
    uint8_t rest[(SOTTO_SESSION_PARTIES_MAX + 7) / 8 + SOTTO__HASH_BYTES];
    size_t living_bytes = bitmap_bytes(party_count(party));
    memcpy(rest, party->living, living_bytes);
    digest_survivors(party, rest + living_bytes);
    return sotto__party_push_record(party, SOTTO_ACTION_RECORD, rest,
                                    living_bytes + SOTTO__HASH_BYTES);
}

enum sotto_status sotto__party_receive_living(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    struct living_message message;
    if (!read_living(party, &message, reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the survivor set is malformed");
    }
    if (party->phase >= SOTTO_PARTY_RECORDING) {
        if (memcmp(message.living, party->living, bitmap_bytes(party_count(party))) != 0 ||
            memcmp(message.masked, party->living_masked, message.masked_bytes) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "the aggregator asks for consent to a second survivor set, or "
                                   "to other masked inputs of it");
        }
        return party->phase > SOTTO_PARTY_RECORDING ? sotto__party_send(party, &party->consent)
                                                    : SOTTO_OK;
    }
    if (party->phase != SOTTO_PARTY_MASKED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a survivor set before the masked inputs");
    }
    enum sotto_status status = party_check_living(party, &message, err);
    if (status != SOTTO_OK) {
        return status;
    }
    /* From here on only this set exists, even if the answer can't be sent. */
    memcpy(party->living, message.living, bitmap_bytes(party_count(party)));
    memcpy(party->living_masked, message.masked, message.masked_bytes);
    party->phase = SOTTO_PARTY_RECORDING;
    status = party_push_consent(party);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "recording the answer: %s", sotto_status_text(status));
    }
    return SOTTO_OK;
}

enum sotto_status sotto__party_consent(struct sotto_session_party *party)
{
    uint8_t digest[SOTTO__HASH_BYTES];
    struct sotto_signature signature;
    struct sotto_writer writer;
    digest_survivors(party, digest);
    sotto_identity_sign(party->identity, &signature, SOTTO__SURVIVORS_LABEL, digest, sizeof digest);
    party->counters.signatures += 2;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_CONSENT);
    sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    party->phase = SOTTO_PARTY_CONSENTED;
    enum sotto_status status = sotto_message_finish(&writer, &party->consent, party->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__party_send(party, &party->consent);
}

/* --- UNMASK -> REVEAL --- */

struct consent {
    uint32_t index;
    struct sotto_signature signature;
};

/* Reads consents of the living, of this party's own holders or of those whose adverts ask for it.
 * Returns: false if one is of somebody else. */
static bool read_consents(const struct sotto_session_party *party, struct consent *consents,
                          uint32_t len, struct sotto_reader *reader)
{
    for (uint32_t k = 0; k < len; k++) {
        uint32_t index = sotto_read_u32(reader);
        sotto_read_copy(reader, consents[k].signature.bytes, sizeof consents[k].signature.bytes);
        /* Ascending: nobody counts twice. */
        if ((k > 0 && index <= consents[k - 1].index) || index >= party_count(party) ||
            !bitmap_get(party->living, index) ||
            (!bitmap_get(party->my_holders, index) &&
             !party->roster.adverts[index].demands.needs_consent)) {
            return false;
        }
        consents[k].index = index;
    }
    return true;
}

/* Whether all of them sign the set that this party signed. Variable-time: consents are public. */
static bool verify_consents(struct sotto_session_party *party, const struct consent *consents,
                            uint32_t len)
{
    uint8_t digest[SOTTO__HASH_BYTES];
    uint32_t wrong = 0;
    digest_survivors(party, digest);
#pragma omp parallel for schedule(static) if (len > SOTTO__PARALLEL_PARTIES) reduction(+ : wrong)
    for (uint32_t k = 0; k < len; k++) {
        wrong += !sotto_key_verify(party_key(party, consents[k].index), &consents[k].signature,
                                   SOTTO__SURVIVORS_LABEL, digest, sizeof digest);
    }
    party->counters.signatures += len;
    return wrong == 0;
}

/* Whether there are threshold of this party's own holders, and all of the living whose adverts ask
 * for their own consent. */
static enum sotto_status party_count_consents(const struct sotto_session_party *party,
                                              const struct consent *consents, uint32_t len,
                                              struct sotto_error *err)
{
    uint8_t given[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    uint32_t holders = 0;
    for (uint32_t k = 0; k < len; k++) {
        bitmap_set(given, consents[k].index);
        holders += bitmap_get(party->my_holders, consents[k].index);
    }
    if (holders < party->roster.graph.threshold) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "%u consents: %u needed", holders,
                               party->roster.graph.threshold);
    }
    for (uint32_t i = 0; i < party_count(party); i++) {
        if (bitmap_get(party->living, i) && party->roster.adverts[i].demands.needs_consent &&
            !bitmap_get(given, i)) {
            return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                                   "a survivor asks that nothing is opened without its own "
                                   "consent, which is not there");
        }
    }
    return SOTTO_OK;
}

/* [PROTOCOL.md, UNMASK], "The receiver checks". */
static enum sotto_status party_check_consents(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    uint32_t len = sotto_read_u32(reader);
    if (len > party_count(party)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "%u consents of %u parties", len,
                               party_count(party));
    }
    struct consent *consents = sotto_alloc_array(len, sizeof *consents);
    if (consents == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for consents");
    }
    enum sotto_status status;
    if (!read_consents(party, consents, len, reader) || !verify_consents(party, consents, len)) {
        status = sotto_error_set(err, SOTTO_ERROR_AUTH, "a consent of the survivors is not right");
        goto out;
    }
    if (!sotto_reader_finished(reader)) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the list of consents is malformed");
        goto out;
    }
    status = party_count_consents(party, consents, len, err);
out:
    sotto_free(consents);
    return status;
}

/* The keys of the pair masks with the dead, as they were used: on a sparse graph it saves the
 * aggregator as many multiplications. It could derive them itself from the dead one's secret, so
 * they tell it nothing more. On a complete graph nobody sends them: nobody else could check them,
 * and a party could make the aggregator's sum another than that of the transcript. */
static void party_write_pair_keys(const struct sotto_session_party *party,
                                  struct sotto_writer *writer)
{
    if (sotto_graph_is_complete(&party->roster.graph, party_count(party))) {
        return;
    }
    for (uint32_t k = 0; k < party->mask_partners_len; k++) {
        if (!bitmap_get(party->living, party->mask_partners[k])) {
            sotto_write_bytes(writer, party->mask_keys[k].key, sizeof party->mask_keys[k].key);
        }
    }
}

/* [PROTOCOL.md, REVEAL], [BIKMMPRSS17, fig. 4, Unmasking]: of each dealer one share, of b if it
 * lives and of m if it is dead. Whatever comes of it, nothing can be revealed a second time. */
static enum sotto_status party_reveal(struct sotto_session_party *party)
{
    struct sotto_writer writer;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_REVEAL);
    for (uint32_t k = 0; k < party->held_len; k++) {
        enum sotto__share_kind kind = bitmap_get(party->living, party->held[k])
                                          ? SOTTO__SHARE_OF_SELF_SEED
                                          : SOTTO__SHARE_OF_MASK_KEY;
        sotto_write_bytes(&writer, party->shares[k].share[kind], SOTTO__SCALAR_BYTES);
        sotto_write_bytes(&writer, party->shares[k].salt[kind], SOTTO__SALT_BYTES);
    }
    party_write_pair_keys(party, &writer);
    party->counters.signatures++;
    enum sotto_status status = sotto_message_finish(&writer, &party->reveal, party->identity);
    sotto__party_wipe(party);
    party->phase = SOTTO_PARTY_LEFT;
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__party_send(party, &party->reveal);
    if (status != SOTTO_OK) {
        return status;
    }
    party->phase = SOTTO_PARTY_REVEALED;
    return SOTTO_OK;
}

enum sotto_status sotto__party_receive_unmask(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    if (party->phase != SOTTO_PARTY_CONSENTED && party->phase != SOTTO_PARTY_REVEALED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "asked to unmask out of turn");
    }
    enum sotto_status status = party_check_consents(party, reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = party->phase == SOTTO_PARTY_REVEALED ? sotto__party_send(party, &party->reveal)
                                                  : party_reveal(party);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "revealing shares: %s", sotto_status_text(status));
    }
    return SOTTO_OK;
}

/* --- OPENED --- */

void sotto_session_party_opening(const struct sotto_session_party *party,
                                 struct sotto_session_opening *out)
{
    SOTTO_REQUIRE(party->phase >= SOTTO_PARTY_RECORDING);
    memcpy(out->session, party->session, sizeof out->session);
    digest_survivors(party, out->survivors);
}

enum sotto_status sotto_session_party_verify(struct sotto_session_party *party, uint8_t *sum,
                                             size_t vector_bytes, struct sotto_dispute *out_dispute,
                                             const uint8_t *transcript, size_t transcript_bytes,
                                             struct sotto_error *err)
{
    SOTTO_REQUIRE(party->phase >= SOTTO_PARTY_CONSENTED && party->phase <= SOTTO_PARTY_OPENED);
    SOTTO_REQUIRE(party->verifies && vector_bytes == party->vector_bytes);
    sotto__party_wipe(party);
    party->phase = SOTTO_PARTY_OPENED;
    struct sotto__opening opening = {.roster = &party->roster,
                                     .label = &party->invitation.label,
                                     .survivors = list_survivors(party),
                                     .seed_points = party->seed_points,
                                     .runs = party->runs,
                                     .runs_len = party->runs_len,
                                     .vector_bytes = party->vector_bytes};
    return sotto__transcript_open(&opening, sum, out_dispute, transcript, transcript_bytes, err);
}
