/* SPDX-License-Identifier: Apache-2.0 */
/* The party's side of a session: ADVERT, DEAL, MASKED, CONSENT, REVEAL (PROTOCOL.md). */
#include "session_party.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

enum sotto_party_phase sotto_session_party_phase(const struct sotto_session_party *party)
{
    return party->phase;
}

const struct sotto_roster *sotto_session_party_roster(const struct sotto_session_party *party)
{
    return &party->roster;
}

bool sotto_session_party_lives(const struct sotto_session_party *party, uint32_t index)
{
    SOTTO_REQUIRE(party->phase >= SOTTO_PARTY_RECORDING && index < party->roster.adverts_len);
    return bitmap_get(party->living, index);
}

bool sotto_session_party_next(struct sotto_session_party *party, struct sotto_action *out)
{
    return sotto_action_pop(&party->queue, out);
}

struct sotto_session_counters sotto_session_party_counters(const struct sotto_session_party *party)
{
    return party->counters;
}

static void party_wipe_vector(struct sotto_session_party *party)
{
    if (party->vector != NULL) {
        sotto_wipe(party->vector, party->vector_bytes);
        sotto_free(party->vector);
        party->vector = NULL;
    }
}

/* After this nothing can be revealed any more. */
static void party_wipe(struct sotto_session_party *party)
{
    sotto_secret_free(party->secrets);
    sotto_secret_free(party->shares);
    party->secrets = NULL;
    party->shares = NULL;
    party_wipe_vector(party);
}

void sotto_session_party_free(struct sotto_session_party *party)
{
    if (party == NULL) {
        return;
    }
    party_wipe(party);
    sotto_buffer_release(&party->advert);
    sotto_buffer_release(&party->consent);
    sotto_buffer_release(&party->reveal);
    sotto_action_queue_release(&party->queue);
    sotto_roster_release(&party->roster);
    sotto_free(party->runs);
    sotto_free(party->holders);
    sotto_free(party->my_holders);
    sotto_free(party->verified);
    sotto_free(party->partners);
    sotto_free(party->dealers);
    sotto_free(party->living);
    sotto_free(party->held);
    sotto_free(party);
}

/* Queues bytes to the aggregator; takes them. */
static enum sotto_status party_push(struct sotto_session_party *party, struct sotto_buffer *bytes)
{
    party->counters.bytes_out += bytes->data_bytes;
    return sotto_action_push_send(&party->queue, &party->invitation.aggregator, bytes);
}

/* Queues a copy of bytes to the aggregator. */
static enum sotto_status party_send(struct sotto_session_party *party,
                                    const struct sotto_buffer *bytes)
{
    struct sotto_buffer copy;
    enum sotto_status status = sotto_buffer_copy(&copy, bytes->data, bytes->data_bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    return party_push(party, &copy);
}

void sotto__party_begin(const struct sotto_session_party *party, struct sotto_writer *writer,
                        enum sotto_message_type type)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, &party->invitation.label, party->session, party->identity);
}

/* Finishes the message and queues it. */
enum sotto_status sotto__party_finish(struct sotto_session_party *party,
                                      struct sotto_writer *writer)
{
    struct sotto_buffer message;
    enum sotto_status status = sotto_message_finish(writer, &message, party->identity);
    party->counters.signatures++;
    return status == SOTTO_OK ? party_push(party, &message) : status;
}

/* --- ADVERT --- */

static enum sotto_status party_advertise(struct sotto_session_party *party, const uint8_t *payload,
                                         size_t payload_bytes)
{
    uint8_t channel_point[POINT_BYTES];
    uint8_t mask_point[POINT_BYTES];
    uint8_t nonce[16];
    uint8_t *const scalars[] = {party->secrets->channel_key, party->secrets->mask_key,
                                party->secrets->self_seed};
    for (size_t i = 0; i < 3; i++) {
        enum sotto_status status = sotto__scalar_random(scalars[i], party->random);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (!sotto__point_base(channel_point, party->secrets->channel_key) ||
        !sotto__point_base(mask_point, party->secrets->mask_key)) {
        return SOTTO_ERROR_RANDOM; /* a zero scalar: the source is broken */
    }
    enum sotto_status status = party->random.fill(party->random.context, nonce, sizeof nonce);
    if (status != SOTTO_OK) {
        return status;
    }
    party->counters.group_operations += 2;
    party->counters.signatures++;
    status = sotto__advert_seal(&party->advert, &party->invitation, channel_point, mask_point,
                                nonce, payload, payload_bytes, party->identity);
    return status == SOTTO_OK ? party_send(party, &party->advert) : status;
}

enum sotto_status sotto_session_party_new(struct sotto_session_party **out,
                                          const struct sotto_identity *identity,
                                          struct sotto_random random,
                                          const struct sotto_invitation_terms *terms,
                                          const uint8_t *payload, size_t payload_bytes)
{
    SOTTO_REQUIRE(payload_bytes <= SOTTO_ADVERT_PAYLOAD_MAX);
    struct sotto_session_party *party = sotto_alloc_zeroed(sizeof *party);
    if (party == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    party->identity = identity;
    party->random = random;
    party->invitation = *terms;
    party->secrets = sotto_secret_alloc(sizeof *party->secrets);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (party->secrets != NULL) {
        status = party_advertise(party, payload, payload_bytes);
    }
    if (status != SOTTO_OK) {
        sotto_session_party_free(party);
        return status;
    }
    *out = party;
    return SOTTO_OK;
}

/* --- Keys --- */

/* The key of a label between this party's scalar and a peer's point, for the ordered parties a, b.
 * Usable points times nonzero scalars are never the identity: the group has prime order. */
static void party_pair_key(const struct sotto_session_party *party, uint8_t out[32],
                           const char *label, const uint8_t scalar[SCALAR_BYTES],
                           const uint8_t point[POINT_BYTES], uint32_t a, uint32_t b)
{
    uint8_t shared[POINT_BYTES];
    SOTTO_REQUIRE(sotto__point_multiply(shared, scalar, point));
    sotto__derive_key(out, label, shared, party->session, party_key(party, a), party_key(party, b));
    sotto_wipe(shared, sizeof shared);
}

void sotto__party_channel_key(const struct sotto_session_party *party, uint8_t out[32],
                              uint32_t peer, uint32_t dealer, uint32_t holder)
{
    party_pair_key(party, out, "sotto channel", party->secrets->channel_key,
                   party->roster.adverts[peer].channel_point, dealer, holder);
}

/* --- The roster --- */

bool sotto__party_has_enough(const struct sotto_session_party *party, const uint8_t *parties)
{
    uint32_t holders = 0;
    for (uint32_t p = 0; p < party->roster.graph.holders; p++) {
        holders += bitmap_get(parties, party->holders[p]);
    }
    return bitmap_get(parties, party->own) &&
           bitmap_count(parties, party_count(party)) >= party->need &&
           holders >= party->roster.graph.threshold;
}

static enum sotto_status party_check_roster(struct sotto_session_party *party,
                                            const struct sotto_graph_terms *graph,
                                            struct sotto_error *err)
{
    struct sotto_key own_key = sotto_identity_key(party->identity);
    party->own = sotto_roster_find(&party->roster, &own_key);
    if (party->own == UINT32_MAX ||
        party->roster.adverts[party->own].bytes_len != party->advert.data_bytes ||
        memcmp(party->roster.adverts[party->own].bytes, party->advert.data,
               party->advert.data_bytes) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the roster does not hold this party's own advert");
    }
    if (party_count(party) < party->need) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "a roster of %u parties: at least %u needed", party_count(party),
                               party->need);
    }
    if (!sotto_graph_is_safe(&party->roster.graph, graph, party_count(party))) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a graph of %u holders with threshold %u is not safe for %u parties",
                               party->roster.graph.holders, party->roster.graph.threshold,
                               party_count(party));
    }
    return SOTTO_OK;
}

static enum sotto_status party_allocate(struct sotto_session_party *party,
                                        const struct sotto_session_terms *terms)
{
    size_t bitmap_len = bitmap_bytes(party_count(party));
    party->runs_len = terms->runs_len;
    party->runs = sotto_alloc_array(terms->runs_len, sizeof *party->runs);
    party->holders = sotto_alloc_array(party_count(party), sizeof *party->holders);
    party->my_holders = sotto_alloc_zeroed(bitmap_len);
    party->verified = sotto_alloc_zeroed(bitmap_len);
    party->partners = sotto_alloc_zeroed(bitmap_len);
    party->dealers = sotto_alloc_zeroed(bitmap_len);
    party->living = sotto_alloc_zeroed(bitmap_len);
    if (party->runs == NULL || party->holders == NULL || party->my_holders == NULL ||
        party->verified == NULL || party->partners == NULL || party->dealers == NULL ||
        party->living == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(party->runs, terms->runs, terms->runs_len * sizeof *party->runs);
    return SOTTO_OK;
}

/* Uniform below limit > 0, by rejection. */
static enum sotto_status random_below(uint32_t *out, uint32_t limit, struct sotto_random random)
{
    uint32_t beyond = UINT32_MAX - UINT32_MAX % limit; /* the last incomplete range starts there */
    uint8_t bytes[4];
    uint32_t value;
    do {
        enum sotto_status status = random.fill(random.context, bytes, sizeof bytes);
        if (status != SOTTO_OK) {
            return status;
        }
        value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                (uint32_t)bytes[3] << 24;
    } while (value >= beyond);
    *out = value % limit;
    return SOTTO_OK;
}

/* Draws the holders: itself, then others at random without replacement; all, in order, on a
 * complete graph. party->holders has room for all parties. */
static enum sotto_status party_draw_holders(struct sotto_session_party *party)
{
    uint32_t n = party_count(party);
    uint32_t *holders = party->holders;
    uint32_t holders_len = party->roster.graph.holders;
    holders[0] = party->own;
    for (uint32_t i = 0, p = 1; i < n; i++) {
        if (i != party->own) {
            holders[p++] = i;
        }
    }
    for (uint32_t p = 1; holders_len < n && p < holders_len; p++) {
        uint32_t offset;
        enum sotto_status status = random_below(&offset, n - p, party->random);
        if (status != SOTTO_OK) {
            return status;
        }
        uint32_t drawn = holders[p + offset];
        holders[p + offset] = holders[p];
        holders[p] = drawn;
    }
    for (uint32_t p = 0; p < holders_len; p++) {
        bitmap_set(party->my_holders, holders[p]);
        if (p >= 1 && p <= party->roster.graph.masks) {
            bitmap_set(party->partners, holders[p]);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__party_verify(struct sotto_session_party *party, const uint32_t *indices,
                                      uint32_t indices_len, struct sotto_error *err)
{
    uint32_t bad = UINT32_MAX;
#pragma omp parallel for schedule(static) if (indices_len > PARALLEL_PARTIES) reduction(min : bad)
    for (uint32_t k = 0; k < indices_len; k++) {
        bool known = bitmap_get(party->verified, indices[k]) || indices[k] == party->own;
        if (!known && sotto__roster_verify(&party->roster, indices[k], &party->invitation, NULL) !=
                          SOTTO_OK) {
            bad = indices[k] < bad ? indices[k] : bad;
        }
    }
    if (bad != UINT32_MAX) {
        struct sotto_error reason;
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(party_key(party, bad), name);
        enum sotto_status status =
            sotto__roster_verify(&party->roster, bad, &party->invitation, &reason);
        return sotto_error_set(err, status, "the roster's advert of %s: %s", name, reason.text);
    }
    for (uint32_t k = 0; k < indices_len; k++) {
        party->counters.signatures += !bitmap_get(party->verified, indices[k]);
        bitmap_set(party->verified, indices[k]);
    }
    return SOTTO_OK;
}

enum sotto_status sotto_session_party_start(struct sotto_session_party *party,
                                            struct sotto_roster *roster,
                                            const struct sotto_session_terms *terms,
                                            uint32_t own_min_parties, struct sotto_error *err)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_ADVERTISED && party->runs == NULL);
    party->roster = *roster;
    *roster = (struct sotto_roster){0};
    party->counters.bytes_in += party->roster.message.data_bytes;
    uint32_t min_parties =
        terms->min_parties > own_min_parties ? terms->min_parties : own_min_parties;
    party->need =
        sotto_session_need(&terms->graph, &party->roster.graph, party_count(party), min_parties);
    enum sotto_status status = party_check_roster(party, &terms->graph, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_vector_bytes(&party->vector_bytes, terms->runs, terms->runs_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the vector to sum is empty, odd or too long");
    }
    sotto__session_id(party->session, &party->roster, terms);
    status = party_allocate(party, terms);
    if (status == SOTTO_OK) {
        status = party_draw_holders(party);
    }
    if (status == SOTTO_OK) {
        status = sotto__party_verify(party, party->holders, party->roster.graph.holders, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = sotto__party_deal(party);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "dealing shares: %s", sotto_status_text(status));
    }
    party->phase = SOTTO_PARTY_DEALT;
    return SOTTO_OK;
}

/* --- Leaving --- */

enum sotto_status sotto_session_party_leave(struct sotto_session_party *party,
                                            const struct sotto_leave *leave)
{
    struct sotto_buffer message;
    party_wipe(party);
    party->phase = SOTTO_PARTY_LEFT;
    enum sotto_status status = sotto_leave_seal(&message, leave, &party->invitation.label,
                                                party->session, party->identity);
    return status == SOTTO_OK ? party_push(party, &message) : status;
}

/* --- MASKED --- */

/* Keys of the self mask and of the pair masks with those partners that dealt; keys has room for one
 * more than the partners. Returns: how many there are. */
static size_t derive_mask_keys(struct sotto_session_party *party, struct sotto__mask_key *keys,
                               uint32_t *partners)
{
    uint32_t partners_len = 0;
    for (uint32_t j = 0; j < party_count(party); j++) {
        if (bitmap_get(party->partners, j) && bitmap_get(party->dealers, j)) {
            partners[partners_len++] = j;
        }
    }
#pragma omp parallel for schedule(static) if (partners_len > PARALLEL_PARTIES)
    for (uint32_t k = 0; k < partners_len; k++) {
        uint32_t j = partners[k];
        uint32_t low = j < party->own ? j : party->own;
        uint32_t high = j < party->own ? party->own : j;
        party_pair_key(party, keys[k + 1].key, "sotto pair mask", party->secrets->mask_key,
                       party->roster.adverts[j].mask_point, low, high);
        keys[k + 1].sign = j > party->own ? MASK_ADD : MASK_SUBTRACT;
    }
    sotto__derive_key(keys[0].key, "sotto self mask", party->secrets->self_seed, party->session,
                      party_key(party, party->own), party_key(party, party->own));
    keys[0].sign = MASK_ADD;
    party->counters.group_operations += partners_len;
    return (size_t)partners_len + 1;
}

static enum sotto_status party_apply_masks(struct sotto_session_party *party)
{
    uint32_t partners_len = bitmap_count(party->partners, party_count(party));
    struct sotto__mask_key *keys = sotto_secret_alloc(((size_t)partners_len + 1) * sizeof *keys);
    uint32_t *partners = sotto_alloc_array(partners_len, sizeof *partners);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (keys != NULL && partners != NULL) {
        size_t keys_len = derive_mask_keys(party, keys, partners);
        status = sotto__mask_apply(party->vector, party->runs, party->runs_len, keys, keys_len);
        party->counters.keystream_bytes += keys_len * party->vector_bytes;
    }
    sotto_secret_free(keys);
    sotto_free(partners);
    return status;
}

enum sotto_status sotto__party_mask(struct sotto_session_party *party)
{
    enum sotto_status status = party_apply_masks(party);
    if (status == SOTTO_OK) {
        struct sotto_writer writer;
        sotto__party_begin(party, &writer, SOTTO_MESSAGE_MASKED);
        sotto_writer_reserve(&writer, party->vector_bytes + SOTTO_MESSAGE_SIGNATURE_BYTES);
        sotto_write_bytes(&writer, party->vector, party->vector_bytes);
        status = sotto__party_finish(party, &writer);
    }
    party_wipe_vector(party);
    if (status != SOTTO_OK) {
        /* Half masked, or never sent: this input can't be masked a second time. */
        party_wipe(party);
        party->phase = SOTTO_PARTY_LEFT;
        return status;
    }
    party->phase = SOTTO_PARTY_MASKED;
    return SOTTO_OK;
}

enum sotto_status sotto_session_party_input(struct sotto_session_party *party,
                                            const uint8_t *vector, size_t vector_bytes)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_DEALT || party->phase == SOTTO_PARTY_SHARED);
    SOTTO_REQUIRE(party->vector == NULL && vector_bytes == party->vector_bytes);
    party->vector = sotto_alloc(vector_bytes);
    if (party->vector == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(party->vector, vector, vector_bytes);
    return party->phase == SOTTO_PARTY_SHARED ? sotto__party_mask(party) : SOTTO_OK;
}

/* --- LIVING -> RECORD -> CONSENT --- */

static enum sotto_status party_check_living(const struct sotto_session_party *party,
                                            const uint8_t *living, struct sotto_error *err)
{
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
    return SOTTO_OK;
}

static enum sotto_status party_push_record(struct sotto_session_party *party)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_RECORD};
    struct sotto_writer writer;
    const struct sotto_session_label *label = &party->invitation.label;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_bytes(&writer, label->task.bytes, sizeof label->task.bytes);
    sotto_write_u32(&writer, label->round);
    sotto_write_u32(&writer, label->attempt);
    sotto_write_bytes(&writer, party->session, sizeof party->session);
    sotto_write_blob(&writer, party->dealers, bitmap_bytes(party->roster.adverts_len));
    sotto_write_blob(&writer, party->living, bitmap_bytes(party->roster.adverts_len));
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        action.bytes.data = sotto_writer_take(&writer, &action.bytes.data_bytes);
        status = sotto_action_push(&party->queue, &action);
    }
    sotto_writer_release(&writer);
    return status;
}

static enum sotto_status party_receive_living(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    uint32_t parties_len = party->roster.adverts_len;
    const uint8_t *living = sotto__bitmap_read(reader, parties_len);
    if (living == NULL || !sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the survivor set is malformed");
    }
    if (party->phase >= SOTTO_PARTY_RECORDING) {
        if (memcmp(living, party->living, bitmap_bytes(parties_len)) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "the aggregator asks for consent to a second survivor set");
        }
        return party->phase > SOTTO_PARTY_RECORDING ? party_send(party, &party->consent) : SOTTO_OK;
    }
    if (party->phase != SOTTO_PARTY_MASKED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a survivor set before the masked inputs");
    }
    enum sotto_status status = party_check_living(party, living, err);
    if (status != SOTTO_OK) {
        return status;
    }
    /* From here on only this set exists, even if the answer can't be sent. */
    memcpy(party->living, living, bitmap_bytes(parties_len));
    party->phase = SOTTO_PARTY_RECORDING;
    status = party_push_record(party);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "recording the answer: %s",
                                                sotto_status_text(status));
}

enum sotto_status sotto_session_party_recorded(struct sotto_session_party *party)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_RECORDING);
    uint8_t digest[HASH_BYTES];
    struct sotto_signature signature;
    struct sotto_writer writer;
    sotto__survivors_digest(digest, party->session, party->dealers, party->living,
                            party->roster.adverts_len);
    sotto_identity_sign(party->identity, &signature, SURVIVORS_LABEL, digest, sizeof digest);
    party->counters.signatures += 2;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_CONSENT);
    sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    party->phase = SOTTO_PARTY_CONSENTED;
    enum sotto_status status = sotto_message_finish(&writer, &party->consent, party->identity);
    return status == SOTTO_OK ? party_send(party, &party->consent) : status;
}

/* --- UNMASK -> REVEAL --- */

static enum sotto_status party_check_consents(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    uint8_t digest[HASH_BYTES];
    sotto__survivors_digest(digest, party->session, party->dealers, party->living,
                            party->roster.adverts_len);
    uint32_t count = sotto_read_u32(reader);
    uint32_t next = 0; /* ascending: nobody counts twice */
    for (uint32_t k = 0; k < count; k++) {
        uint32_t index = sotto_read_u32(reader);
        struct sotto_signature signature;
        sotto_read_copy(reader, signature.bytes, sizeof signature.bytes);
        bool known = index >= next && index < party->roster.adverts_len &&
                     bitmap_get(party->living, index) && bitmap_get(party->my_holders, index);
        if (!known || !sotto_key_verify(party_key(party, index), &signature, SURVIVORS_LABEL,
                                        digest, sizeof digest)) {
            return sotto_error_set(err, SOTTO_ERROR_AUTH,
                                   "a consent of the survivors is not right");
        }
        party->counters.signatures++;
        next = index + 1;
    }
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the list of consents is malformed");
    }
    if (count < party->roster.graph.threshold) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "%u consents: %u needed", count,
                               party->roster.graph.threshold);
    }
    return SOTTO_OK;
}

/* The keys of the pair masks with the dead: it saves the aggregator as many multiplications. It
 * could derive them itself from the dead one's secret, so they tell it nothing more. */
static void party_write_pair_keys(struct sotto_session_party *party, struct sotto_writer *writer)
{
    for (uint32_t j = 0; j < party_count(party); j++) {
        if (!bitmap_get(party->partners, j) || !bitmap_get(party->dealers, j) ||
            bitmap_get(party->living, j)) {
            continue;
        }
        uint8_t *key = sotto_write_space(writer, 32);
        if (key != NULL) {
            party_pair_key(party, key, "sotto pair mask", party->secrets->mask_key,
                           party->roster.adverts[j].mask_point, j < party->own ? j : party->own,
                           j < party->own ? party->own : j);
            party->counters.group_operations++;
        }
    }
}

static enum sotto_status party_reveal(struct sotto_session_party *party)
{
    struct sotto_writer writer;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_REVEAL);
    for (uint32_t k = 0; k < party->held_len; k++) {
        enum sotto__share_kind kind =
            bitmap_get(party->living, party->held[k]) ? SHARE_OF_SELF_SEED : SHARE_OF_MASK_KEY;
        sotto_write_bytes(&writer, party->shares[k].share[kind], SCALAR_BYTES);
        sotto_write_bytes(&writer, party->shares[k].salt[kind], SALT_BYTES);
    }
    party_write_pair_keys(party, &writer);
    party->counters.signatures++;
    enum sotto_status status = sotto_message_finish(&writer, &party->reveal, party->identity);
    if (status == SOTTO_OK) {
        status = party_send(party, &party->reveal);
    }
    party_wipe(party);
    party->phase = status == SOTTO_OK ? SOTTO_PARTY_REVEALED : SOTTO_PARTY_LEFT;
    return status;
}

static enum sotto_status party_receive_unmask(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    if (party->phase != SOTTO_PARTY_CONSENTED && party->phase != SOTTO_PARTY_REVEALED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "asked to unmask out of turn");
    }
    enum sotto_status status = party_check_consents(party, reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = party->phase == SOTTO_PARTY_REVEALED ? party_send(party, &party->reveal)
                                                  : party_reveal(party);
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, status, "revealing shares: %s", sotto_status_text(status));
}

enum sotto_status sotto_session_party_receive(struct sotto_session_party *party,
                                              const struct sotto_message *message,
                                              struct sotto_error *err)
{
    if (party->phase == SOTTO_PARTY_ADVERTISED || party->phase == SOTTO_PARTY_LEFT) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message out of turn");
    }
    if (!sotto_key_equal(&message->sender, &party->invitation.aggregator) ||
        !sotto_session_label_equal(&message->label, &party->invitation.label) ||
        memcmp(message->session, party->session, sizeof party->session) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a message of another session");
    }
    struct sotto_reader reader;
    party->counters.bytes_in +=
        message->body_bytes + SOTTO_MESSAGE_HEADER_BYTES + SOTTO_MESSAGE_SIGNATURE_BYTES;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    switch (message->type) {
    case SOTTO_MESSAGE_SHARES:
        return sotto__party_receive_shares(party, &reader, err);
    case SOTTO_MESSAGE_LIVING:
        return party_receive_living(party, &reader, err);
    case SOTTO_MESSAGE_UNMASK:
        return party_receive_unmask(party, &reader, err);
    default:
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "message type %u is not for a party",
                               message->type);
    }
}
