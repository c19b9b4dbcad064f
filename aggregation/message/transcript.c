/* SPDX-License-Identifier: Apache-2.0 */

/* The transcript of an opened session [PROTOCOL.md, OPENED, Verified sums]. Leans on dealing.c for
 * the digests that consents sign, on mask.c for keystreams.
 *
 * The idea: everything was fixed before anything was opened, so nobody has to be believed. Consents
 * fix which masked inputs are in the sum, the points B and M fix the scalars that take their masks
 * off; what is left is arithmetic, and has one outcome. Whoever checks a transcript has computed
 * the sum, and did not compare it with one that somebody said.
 *
 * The order of checks is the cheapest first, and each leans on those before it: the length says
 * where everything stands; consents say that the digests of masked inputs are those that t parties
 * saw; the digests say that these are the inputs; their signatures say that each is its party's,
 * and not one that was invented for it; the scalars say that masks are those that were put on. */

#include "message/transcript.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

#define CONSENT_BYTES (4 + SOTTO_MESSAGE_SIGNATURE_BYTES)

/* Its parts; borrows. */
struct parts {
    const uint8_t *masked;   /* vector and signature of each of the living */
    const uint8_t *scalars;  /* of each dealer */
    const uint8_t *consents; /* CONSENT_BYTES each */
    uint32_t living_len;
    uint32_t dealers_len;
    uint32_t consents_len;
};

static size_t masked_bytes(const struct sotto__opening *opening)
{
    return opening->vector_bytes + SOTTO_MESSAGE_SIGNATURE_BYTES;
}

size_t sotto_session_transcript_bytes(uint32_t parties_len, size_t vector_bytes)
{
    size_t party_bytes =
        vector_bytes + SOTTO_MESSAGE_SIGNATURE_BYTES + SOTTO__SCALAR_BYTES + CONSENT_BYTES;
    return 4 + parties_len * party_bytes;
}

/* --- Consents --- */

void sotto__consents_write(struct sotto_writer *writer, const struct sotto_signature *consents,
                           const uint8_t *consenting, uint32_t parties_len)
{
    sotto_write_u32(writer, bitmap_count(consenting, parties_len));
    for (uint32_t i = 0; i < parties_len; i++) {
        if (bitmap_get(consenting, i)) {
            sotto_write_u32(writer, i);
            sotto_write_bytes(writer, consents[i].bytes, SOTTO_MESSAGE_SIGNATURE_BYTES);
        }
    }
}

const uint8_t *sotto__consents_read(struct sotto_reader *reader, uint32_t *out_len,
                                    uint32_t parties_len)
{
    *out_len = sotto_read_u32(reader);
    if (*out_len > parties_len) {
        sotto_reader_fail(reader);
    }
    return sotto_read_bytes(reader, (size_t)*out_len * CONSENT_BYTES);
}

bool sotto__consents_suffice(const struct sotto_roster *roster, const uint8_t *living,
                             const uint8_t digest[SOTTO__HASH_BYTES], const uint8_t *consents,
                             uint32_t consents_len)
{
    uint8_t given[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    struct sotto_reader reader;
    uint32_t least = 0;
    sotto_reader_init(&reader, consents, (size_t)consents_len * CONSENT_BYTES);
    for (uint32_t k = 0; k < consents_len; k++) {
        struct sotto_signature consent;
        uint32_t index = sotto_read_u32(&reader);
        sotto_read_copy(&reader, consent.bytes, sizeof consent.bytes);
        if (index < least || index >= roster->adverts_len || !bitmap_get(living, index) ||
            !sotto_key_verify(&roster->adverts[index].sender, &consent, SOTTO__SURVIVORS_LABEL,
                              digest, SOTTO__HASH_BYTES)) {
            return false;
        }
        bitmap_set(given, index);
        least = index + 1; /* ascending: nobody counts twice */
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (bitmap_get(living, i) && roster->adverts[i].demands.needs_consent &&
            !bitmap_get(given, i)) {
            return false;
        }
    }
    return consents_len >= roster->graph.threshold;
}

/* --- Writing --- */

void sotto__transcript_write(struct sotto_writer *writer, const struct sotto__opening *opening,
                             const struct sotto__signed_vector *masked, const uint8_t *scalars,
                             const struct sotto_signature *consents, const uint8_t *consenting)
{
    uint32_t n = opening->survivors.parties_len;
    sotto_writer_reserve(writer, sotto_session_transcript_bytes(n, opening->vector_bytes));
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(opening->survivors.living, i)) {
            sotto_write_bytes(writer, masked[i].vector, opening->vector_bytes);
            sotto_write_bytes(writer, masked[i].signature.bytes, SOTTO_MESSAGE_SIGNATURE_BYTES);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(opening->survivors.dealers, i)) {
            sotto_write_bytes(writer, scalars + (size_t)i * SOTTO__SCALAR_BYTES,
                              SOTTO__SCALAR_BYTES);
        }
    }
    sotto__consents_write(writer, consents, consenting, n);
}

/* --- Checking --- */

static enum sotto_status object(struct sotto_dispute *out_dispute, struct sotto_error *err,
                                enum sotto_dispute_kind kind, const char *text)
{
    *out_dispute = (struct sotto_dispute){.kind = kind};
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "%s", text);
}

/* Returns: false unless the length is right to the byte. */
static bool read_parts(const struct sotto__opening *opening, struct parts *out,
                       const uint8_t *transcript, size_t transcript_bytes)
{
    struct sotto_reader reader;
    uint32_t n = opening->survivors.parties_len;
    out->living_len = bitmap_count(opening->survivors.living, n);
    out->dealers_len = bitmap_count(opening->survivors.dealers, n);
    sotto_reader_init(&reader, transcript, transcript_bytes);
    out->masked = sotto_read_bytes(&reader, out->living_len * masked_bytes(opening));
    out->scalars = sotto_read_bytes(&reader, (size_t)out->dealers_len * SOTTO__SCALAR_BYTES);
    out->consents = sotto__consents_read(&reader, &out->consents_len, n);
    return sotto_reader_finished(&reader);
}

/* What can be wrong with a masked input. One that is signed and not listed proves nothing about its
 * party: who listed another one, that nobody sent, may be the aggregator. */
enum masked_verdict { MASKED_RIGHT, MASKED_UNSIGNED, MASKED_UNLISTED, MASKED_UNKNOWN };

/* Makes the MASKED of party `index` again, which is the place-th of the living. */
static enum masked_verdict judge_masked(const struct sotto__opening *opening,
                                        const struct parts *parts, uint32_t index, uint32_t place)
{
    const uint8_t *vector = parts->masked + place * masked_bytes(opening);
    const struct sotto_key *sender = &opening->roster->adverts[index].sender;
    uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES];
    uint8_t digest[SOTTO__HASH_BYTES];
    struct sotto_signature signature;
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_writer_reserve(&writer, SOTTO_MESSAGE_HEADER_BYTES + opening->vector_bytes);
    sotto__message_header(&writer, SOTTO_MESSAGE_MASKED, opening->label, opening->survivors.session,
                          sender);
    sotto_write_bytes(&writer, vector, opening->vector_bytes);
    enum masked_verdict verdict = MASKED_UNKNOWN;
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        goto out;
    }
    memcpy(signature.bytes, vector + opening->vector_bytes, sizeof signature.bytes);
    sotto__message_signed_digest(signed_digest, writer.data, writer.data_bytes);
    sotto__masked_digest(digest, signed_digest);
    bool is_listed = memcmp(digest, opening->survivors.masked + (size_t)place * SOTTO__HASH_BYTES,
                            sizeof digest) == 0;
    bool is_signed = sotto_key_verify_digest(sender, &signature, signed_digest);
    verdict = !is_signed ? MASKED_UNSIGNED : !is_listed ? MASKED_UNLISTED : MASKED_RIGHT;
out:
    sotto_writer_release(&writer);
    return verdict;
}

static enum sotto_status check_masked(const struct sotto__opening *opening,
                                      struct sotto_dispute *out_dispute, const struct parts *parts,
                                      struct sotto_error *err)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < opening->survivors.parties_len; i++) {
        if (!bitmap_get(opening->survivors.living, i)) {
            continue;
        }
        switch (judge_masked(opening, parts, i, place++)) {
        case MASKED_UNKNOWN:
            return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory to check masked inputs");
        case MASKED_UNSIGNED:
            return object(out_dispute, err, SOTTO_DISPUTE_MASKED,
                          "the transcript has a masked input that its party did not sign");
        case MASKED_UNLISTED:
            return object(out_dispute, err, SOTTO_DISPUTE_MASKED,
                          "the transcript has a masked input that is not the one that was "
                          "consented to");
        case MASKED_RIGHT:
            break;
        }
    }
    return SOTTO_OK;
}

/* Whether a scalar is canonical, not zero, and that of the point. */
static bool scalar_fits(const uint8_t scalar[SOTTO__SCALAR_BYTES],
                        const uint8_t committed[SOTTO__POINT_BYTES])
{
    uint8_t point[SOTTO__POINT_BYTES];
    return sotto__scalar_is_canonical(scalar) && sotto__point_base(point, scalar) &&
           memcmp(point, committed, sizeof point) == 0;
}

static bool scalars_fit(const struct sotto__opening *opening, const struct parts *parts)
{
    uint32_t wrong = 0;
    uint32_t n = opening->survivors.parties_len;
#pragma omp parallel for schedule(static) if (n > SOTTO__PARALLEL_PARTIES) reduction(+ : wrong)
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(opening->survivors.dealers, i)) {
            size_t place = bitmap_count(opening->survivors.dealers, i);
            const uint8_t *committed = bitmap_get(opening->survivors.living, i)
                                           ? opening->seed_points + (size_t)i * SOTTO__POINT_BYTES
                                           : opening->roster->adverts[i].mask_point;
            wrong += !scalar_fits(parts->scalars + place * SOTTO__SCALAR_BYTES, committed);
        }
    }
    return wrong == 0;
}

/* --- The sum --- */

void sotto__unmasking_key(struct sotto__mask_key *out, const struct sotto_roster *roster,
                          const uint8_t *session, const uint8_t secret[SOTTO__SCALAR_BYTES],
                          uint32_t dealer, uint32_t partner)
{
    uint32_t low = partner < dealer ? partner : dealer;
    uint32_t high = partner < dealer ? dealer : partner;
    if (dealer == partner) {
        sotto__derive_key(out->key, "sotto self mask", secret, session,
                          &roster->adverts[dealer].sender, &roster->adverts[dealer].sender);
        out->sign = SOTTO__MASK_SUBTRACT;
        return;
    }
    uint8_t shared[SOTTO__POINT_BYTES];
    SOTTO_VERIFY(sotto__point_is_usable(roster->adverts[partner].mask_point));
    sotto__scalar_verify(secret);
    SOTTO_REQUIRE(sotto__point_multiply(shared, secret, roster->adverts[partner].mask_point));
    sotto__derive_key(out->key, "sotto pair mask", shared, session, &roster->adverts[low].sender,
                      &roster->adverts[high].sender);
    sotto_wipe(shared, sizeof shared);
    /* The partner added the stream if the dealer's index is above its own. */
    out->sign = dealer > partner ? SOTTO__MASK_SUBTRACT : SOTTO__MASK_ADD;
}

/* A dealer whose scalar takes a mask off, and the living partner that put it on. */
struct mask {
    uint32_t dealer;
    uint32_t partner;
};

/* The masks that are left in the sum: of each of the living its own, and those with the dead. masks
 * NULL: only counts. */
static size_t list_masks(const struct sotto__opening *opening, struct mask *masks)
{
    size_t len = 0;
    uint32_t n = opening->survivors.parties_len;
    for (uint32_t i = 0; i < n; i++) {
        bool lives = bitmap_get(opening->survivors.living, i);
        for (uint32_t j = 0; bitmap_get(opening->survivors.dealers, i) && j < n; j++) {
            if (lives ? j == i : bitmap_get(opening->survivors.living, j)) {
                if (masks != NULL) {
                    masks[len] = (struct mask){i, j};
                }
                len++;
            }
        }
    }
    return len;
}

static enum sotto_status remove_masks(const struct sotto__opening *opening, uint8_t *sum,
                                      const struct parts *parts)
{
    size_t len = list_masks(opening, NULL);
    struct mask *masks = sotto_alloc_array(len, sizeof *masks);
    struct sotto__mask_key *keys = sotto_alloc_array(len, sizeof *keys);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (masks == NULL || keys == NULL) {
        goto out;
    }
    (void)list_masks(opening, masks);
#pragma omp parallel for schedule(static) if (len > SOTTO__PARALLEL_PARTIES)
    for (size_t k = 0; k < len; k++) {
        size_t place = bitmap_count(opening->survivors.dealers, masks[k].dealer);
        sotto__unmasking_key(&keys[k], opening->roster, opening->survivors.session,
                             parts->scalars + place * SOTTO__SCALAR_BYTES, masks[k].dealer,
                             masks[k].partner);
    }
    status = sotto__mask_apply(sum, opening->runs, opening->runs_len, keys, len);
out:
    sotto_free(masks);
    sotto_free(keys);
    return status;
}

enum sotto_status sotto__transcript_open(const struct sotto__opening *opening, uint8_t *sum,
                                         struct sotto_dispute *out_dispute,
                                         const uint8_t *transcript, size_t transcript_bytes,
                                         struct sotto_error *err)
{
    struct parts parts;
    uint8_t survivors[SOTTO__HASH_BYTES];
    if (!read_parts(opening, &parts, transcript, transcript_bytes)) {
        return object(out_dispute, err, SOTTO_DISPUTE_FORM, "the transcript is malformed");
    }
    sotto__survivors_digest(survivors, &opening->survivors);
    if (!sotto__consents_suffice(opening->roster, opening->survivors.living, survivors,
                                 parts.consents, parts.consents_len)) {
        return object(out_dispute, err, SOTTO_DISPUTE_CONSENTS,
                      "the transcript lacks consents, or one of them is not right");
    }
    enum sotto_status status = check_masked(opening, out_dispute, &parts, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!scalars_fit(opening, &parts)) {
        return object(out_dispute, err, SOTTO_DISPUTE_SECRET,
                      "the transcript has a secret that is not the one that was committed to");
    }
    memset(sum, 0, opening->vector_bytes);
    for (uint32_t k = 0; k < parts.living_len; k++) {
        sotto_vector_add(sum, parts.masked + k * masked_bytes(opening), opening->runs,
                         opening->runs_len);
    }
    status = remove_masks(opening, sum, &parts);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_set(err, status, "no memory to check a sum");
}
