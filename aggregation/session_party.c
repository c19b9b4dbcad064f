/* SPDX-License-Identifier: Apache-2.0 */
/* The party's side of a session: ADVERT, DEAL, MASKED, CONSENT, REVEAL (PROTOCOL.md). */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* Lives in guarded memory. */
struct party_secrets {
    uint8_t channel_key[SCALAR_BYTES]; /* c */
    uint8_t mask_key[SCALAR_BYTES];    /* m */
    uint8_t self_seed[SCALAR_BYTES];   /* b */
};

struct sotto_session_party {
    const struct sotto_identity *identity;
    struct sotto_random random;
    struct sotto_invitation_terms invitation;
    struct party_secrets *secrets;
    struct sotto_buffer advert;
    struct sotto_action_queue queue;
    enum sotto_party_phase phase;

    /* From the roster on. */
    struct sotto_roster roster;
    uint16_t *slots;
    size_t slots_len;
    size_t limbs_len;
    uint32_t own;  /* index of this party */
    uint32_t need; /* survivors, at least */
    uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto__share_pair *shares; /* by dealer; guarded */
    uint8_t *dealers;                 /* bitmaps */
    uint8_t *living;

    uint64_t *vector; /* the input, then the masked input; NULL until there is an input */
    struct sotto_buffer consent;
    struct sotto_buffer reveal;
};

enum sotto_party_phase sotto_session_party_phase(const struct sotto_session_party *party)
{
    return party->phase;
}

bool sotto_session_party_next(struct sotto_session_party *party, struct sotto_action *out)
{
    return sotto_action_pop(&party->queue, out);
}

static void party_wipe_vector(struct sotto_session_party *party)
{
    if (party->vector != NULL) {
        sotto_wipe(party->vector, party->limbs_len * sizeof *party->vector);
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
    sotto_free(party->slots);
    sotto_free(party->dealers);
    sotto_free(party->living);
    sotto_free(party);
}

static const struct sotto_key *party_key(const struct sotto_session_party *party, uint32_t index)
{
    return &party->roster.adverts[index].sender;
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
    return sotto_action_push_send(&party->queue, &party->invitation.aggregator, &copy);
}

static void party_begin(const struct sotto_session_party *party, struct sotto_writer *writer,
                        enum sotto_message_type type)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, &party->invitation.label, party->session, party->identity);
}

/* Finishes the message and queues it. */
static enum sotto_status party_finish(struct sotto_session_party *party,
                                      struct sotto_writer *writer)
{
    struct sotto_buffer message;
    enum sotto_status status = sotto_message_finish(writer, &message, party->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_action_push_send(&party->queue, &party->invitation.aggregator, &message);
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

/* --- DEAL --- */

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

static void party_channel_key(const struct sotto_session_party *party, uint8_t out[32],
                              uint32_t peer, uint32_t dealer, uint32_t holder)
{
    party_pair_key(party, out, "sotto channel", party->secrets->channel_key,
                   party->roster.adverts[peer].channel_point, dealer, holder);
}

/* What dealing needs for a moment; lives in guarded memory. coefficients[kind] has threshold
 * scalars, pairs one entry for each holder. */
struct dealing_work {
    uint8_t *coefficients[2];
    struct sotto__share_pair *pairs;
};

static enum sotto_status draw_polynomials(struct sotto_session_party *party,
                                          struct dealing_work *work)
{
    memcpy(work->coefficients[SHARE_OF_MASK_KEY], party->secrets->mask_key, SCALAR_BYTES);
    memcpy(work->coefficients[SHARE_OF_SELF_SEED], party->secrets->self_seed, SCALAR_BYTES);
    for (size_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 1; k < party->roster.threshold; k++) {
            enum sotto_status status = sotto__scalar_random(
                work->coefficients[kind] + (size_t)k * SCALAR_BYTES, party->random);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* Shares, salts, and the leaves that commit to them (2n hashes). */
static enum sotto_status make_shares(struct sotto_session_party *party, struct dealing_work *work,
                                     uint8_t *leaves)
{
    for (uint32_t j = 0; j < party->roster.adverts_len; j++) {
        struct sotto__share_pair *pair = &work->pairs[j];
        for (size_t kind = 0; kind < 2; kind++) {
            enum sotto_status status =
                party->random.fill(party->random.context, pair->salt[kind], SALT_BYTES);
            if (status != SOTTO_OK) {
                return status;
            }
            sotto__shamir_share(pair->share[kind], work->coefficients[kind],
                                party->roster.threshold, j);
            sotto__share_leaf(leaves + ((size_t)2 * j + kind) * HASH_BYTES, party->session,
                              party->own, j, (enum sotto__share_kind)kind, pair->salt[kind],
                              pair->share[kind]);
        }
    }
    return SOTTO_OK;
}

static void write_ciphers(struct sotto_session_party *party, const struct dealing_work *work,
                          struct sotto_writer *writer)
{
    for (uint32_t j = 0; j < party->roster.adverts_len; j++) {
        uint8_t *cipher = j == party->own ? NULL : sotto_write_space(writer, SHARE_CIPHER_BYTES);
        if (cipher != NULL) {
            uint8_t key[32];
            party_channel_key(party, key, j, party->own, j);
            sotto__share_encrypt(cipher, &work->pairs[j], key, party->session, party->own, j);
            sotto_wipe(key, sizeof key);
        }
    }
}

static enum sotto_status party_write_deal(struct sotto_session_party *party,
                                          struct dealing_work *work, uint8_t *leaves)
{
    struct sotto__dealing dealing;
    struct sotto__merkle_tree tree;
    enum sotto_status status = draw_polynomials(party, work);
    if (status == SOTTO_OK) {
        status = make_shares(party, work, leaves);
    }
    if (status == SOTTO_OK) {
        status = sotto__merkle_build(&tree, leaves, party->roster.adverts_len);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    memcpy(dealing.root, sotto__merkle_root(&tree), HASH_BYTES);
    sotto__merkle_release(&tree);
    if (!sotto__point_base(dealing.seed_point, party->secrets->self_seed)) {
        return SOTTO_ERROR_RANDOM;
    }
    sotto__dealing_sign(&dealing, party->session, party->identity);
    party->shares[party->own] = work->pairs[party->own];

    struct sotto_writer writer;
    party_begin(party, &writer, SOTTO_MESSAGE_DEAL);
    sotto__dealing_write(&dealing, &writer);
    sotto_write_bytes(&writer, leaves, (size_t)2 * party->roster.adverts_len * HASH_BYTES);
    write_ciphers(party, work, &writer);
    return party_finish(party, &writer);
}

static enum sotto_status party_deal(struct sotto_session_party *party)
{
    size_t parties_len = party->roster.adverts_len;
    size_t polynomial_bytes = (size_t)party->roster.threshold * SCALAR_BYTES;
    uint8_t *leaves = sotto_alloc_array(2 * parties_len, HASH_BYTES);
    uint8_t *coefficients = sotto_secret_alloc(2 * polynomial_bytes);
    struct dealing_work work = {.pairs = sotto_secret_alloc(parties_len * sizeof *work.pairs)};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (leaves != NULL && coefficients != NULL && work.pairs != NULL) {
        work.coefficients[0] = coefficients;
        work.coefficients[1] = coefficients + polynomial_bytes;
        status = party_write_deal(party, &work, leaves);
    }
    sotto_secret_free(work.pairs);
    sotto_secret_free(coefficients);
    sotto_free(leaves);
    return status;
}

static enum sotto_status party_check_roster(struct sotto_session_party *party,
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
    if (party->roster.adverts_len < party->need) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "a roster of %u parties: at least %u needed",
                               party->roster.adverts_len, party->need);
    }
    return SOTTO_OK;
}

static enum sotto_status party_allocate(struct sotto_session_party *party,
                                        const struct sotto_session_terms *terms)
{
    size_t parties_len = party->roster.adverts_len;
    party->slots_len = terms->slots_len;
    party->slots = sotto_alloc_array(terms->slots_len, sizeof *party->slots);
    party->shares = sotto_secret_alloc(parties_len * sizeof *party->shares);
    party->dealers = sotto_alloc_zeroed(bitmap_bytes(party->roster.adverts_len));
    party->living = sotto_alloc_zeroed(bitmap_bytes(party->roster.adverts_len));
    if (party->slots == NULL || party->shares == NULL || party->dealers == NULL ||
        party->living == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(party->slots, terms->slots, terms->slots_len * sizeof *party->slots);
    return SOTTO_OK;
}

enum sotto_status sotto_session_party_start(struct sotto_session_party *party,
                                            struct sotto_roster *roster,
                                            const struct sotto_session_terms *terms,
                                            uint32_t own_min_parties, struct sotto_error *err)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_ADVERTISED && party->slots == NULL);
    party->roster = *roster;
    *roster = (struct sotto_roster){0};
    uint32_t min_parties =
        terms->min_parties > own_min_parties ? terms->min_parties : own_min_parties;
    party->need = sotto_session_need(party->roster.adverts_len, min_parties);
    enum sotto_status status = party_check_roster(party, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__slots_limbs(&party->limbs_len, terms->slots, terms->slots_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the vector to sum is empty or too long");
    }
    sotto__session_id(party->session, &party->roster, terms);
    status = party_allocate(party, terms);
    if (status == SOTTO_OK) {
        status = party_deal(party);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "dealing shares: %s", sotto_status_text(status));
    }
    party->phase = SOTTO_PARTY_DEALT;
    return SOTTO_OK;
}

/* --- SHARES --- */

enum sotto_status sotto_session_party_leave(struct sotto_session_party *party,
                                            const struct sotto_leave *leave)
{
    struct sotto_buffer message;
    party_wipe(party);
    party->phase = SOTTO_PARTY_LEFT;
    enum sotto_status status = sotto_leave_seal(&message, leave, &party->invitation.label,
                                                party->session, party->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_action_push_send(&party->queue, &party->invitation.aggregator, &message);
}

static enum sotto_status party_blame(struct sotto_session_party *party, uint32_t dealer,
                                     struct sotto_error *err, const char *what)
{
    struct sotto_leave leave = {.reason = SOTTO_ERROR_PROTOCOL,
                                .blamed = *party_key(party, dealer)};
    char name[SOTTO_KEY_TEXT_BYTES];
    sotto_key_to_text(&leave.blamed, name);
    enum sotto_status status = sotto_session_party_leave(party, &leave);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "leaving the session: %s", sotto_status_text(status));
    }
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "dealer %s cheated: %s", name, what);
}

/* What SHARES holds of one dealer; borrows. */
struct dealt {
    struct sotto__dealing dealing;
    const uint8_t *path;
    const uint8_t *cipher;
};

/* Returns: NULL if the shares are what the dealer committed to, else what is wrong. */
static const char *party_take_share(struct sotto_session_party *party, uint32_t dealer,
                                    const struct dealt *dealt)
{
    if (!sotto__dealing_verify(&dealt->dealing, party->session, party_key(party, dealer))) {
        return "its commitment is not signed by it";
    }
    uint8_t key[32];
    struct sotto__share_pair *pair = &party->shares[dealer];
    party_channel_key(party, key, dealer, dealer, party->own);
    bool opened =
        sotto__share_decrypt(pair, dealt->cipher, key, party->session, dealer, party->own);
    sotto_wipe(key, sizeof key);
    if (!opened) {
        return "its share does not decrypt";
    }
    uint8_t leaves[2][HASH_BYTES];
    for (size_t kind = 0; kind < 2; kind++) {
        sotto__share_leaf(leaves[kind], party->session, dealer, party->own,
                          (enum sotto__share_kind)kind, pair->salt[kind], pair->share[kind]);
    }
    return sotto__merkle_check(dealt->dealing.root, leaves[0], leaves[1], dealt->path, party->own,
                               party->roster.adverts_len)
               ? NULL
               : "its share is not the one that it committed to";
}

static enum sotto_status party_mask(struct sotto_session_party *party);

/* Reads all of SHARES before anything is believed. dealt has one entry for each party. */
static bool read_shares(const struct sotto_session_party *party, struct sotto_reader *reader,
                        const uint8_t **dealers, struct dealt *dealt)
{
    uint32_t parties_len = party->roster.adverts_len;
    *dealers = sotto__bitmap_read(reader, parties_len);
    for (uint32_t i = 0; *dealers != NULL && i < parties_len; i++) {
        if (bitmap_get(*dealers, i) && i != party->own) {
            sotto__dealing_read(&dealt[i].dealing, reader);
            dealt[i].path =
                sotto_read_bytes(reader, (size_t)sotto__merkle_depth(parties_len) * HASH_BYTES);
            dealt[i].cipher = sotto_read_bytes(reader, SHARE_CIPHER_BYTES);
        }
    }
    return sotto_reader_finished(reader);
}

static enum sotto_status party_accept_shares(struct sotto_session_party *party,
                                             struct sotto_reader *reader, struct dealt *dealt,
                                             struct sotto_error *err)
{
    uint32_t parties_len = party->roster.adverts_len;
    const uint8_t *dealers;
    if (!read_shares(party, reader, &dealers, dealt)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the message with shares is malformed");
    }
    if (!bitmap_get(dealers, party->own) || bitmap_count(dealers, parties_len) < party->need) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "shares of %u dealers: at least %u needed, this party among them",
                               bitmap_count(dealers, parties_len), party->need);
    }
    for (uint32_t i = 0; i < parties_len; i++) {
        if (bitmap_get(dealers, i) && i != party->own) {
            const char *wrong = party_take_share(party, i, &dealt[i]);
            if (wrong != NULL) {
                return party_blame(party, i, err, wrong);
            }
        }
    }
    memcpy(party->dealers, dealers, bitmap_bytes(parties_len));
    party->phase = SOTTO_PARTY_SHARED;
    return party->vector != NULL ? party_mask(party) : SOTTO_OK;
}

static enum sotto_status party_receive_shares(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    if (party->phase != SOTTO_PARTY_DEALT) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "shares again");
    }
    struct dealt *dealt = sotto_alloc_array(party->roster.adverts_len, sizeof *dealt);
    if (dealt == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    enum sotto_status status = party_accept_shares(party, reader, dealt, err);
    sotto_free(dealt);
    return status;
}

/* --- MASKED --- */

static enum sotto_status party_apply_masks(struct sotto_session_party *party)
{
    uint8_t key[32];
    sotto__derive_key(key, "sotto self mask", party->secrets->self_seed, party->session,
                      party_key(party, party->own), party_key(party, party->own));
    enum sotto_status status =
        sotto__mask_apply(party->vector, party->slots, party->slots_len, key, MASK_ADD);
    for (uint32_t j = 0; status == SOTTO_OK && j < party->roster.adverts_len; j++) {
        if (j == party->own || !bitmap_get(party->dealers, j)) {
            continue;
        }
        uint32_t low = j < party->own ? j : party->own;
        uint32_t high = j < party->own ? party->own : j;
        party_pair_key(party, key, "sotto pair mask", party->secrets->mask_key,
                       party->roster.adverts[j].mask_point, low, high);
        status = sotto__mask_apply(party->vector, party->slots, party->slots_len, key,
                                   j > party->own ? MASK_ADD : MASK_SUBTRACT);
    }
    sotto_wipe(key, sizeof key);
    return status;
}

static enum sotto_status party_mask(struct sotto_session_party *party)
{
    enum sotto_status status = party_apply_masks(party);
    if (status == SOTTO_OK) {
        struct sotto_writer writer;
        party_begin(party, &writer, SOTTO_MESSAGE_MASKED);
        uint8_t *space = sotto_write_space(&writer, party->limbs_len * 8);
        for (size_t i = 0; space != NULL && i < party->limbs_len; i++) {
            sotto_store_u64(space + 8 * i, party->vector[i]);
        }
        status = party_finish(party, &writer);
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
                                            const uint64_t *limbs, size_t limbs_len)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_DEALT || party->phase == SOTTO_PARTY_SHARED);
    SOTTO_REQUIRE(party->vector == NULL && limbs_len == party->limbs_len);
    party->vector = sotto_alloc_array(limbs_len, sizeof *party->vector);
    if (party->vector == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(party->vector, limbs, limbs_len * sizeof *limbs);
    return party->phase == SOTTO_PARTY_SHARED ? party_mask(party) : SOTTO_OK;
}

/* --- LIVING -> CONSENT --- */

static enum sotto_status party_check_living(const struct sotto_session_party *party,
                                            const uint8_t *living, struct sotto_error *err)
{
    uint32_t parties_len = party->roster.adverts_len;
    for (uint32_t i = 0; i < parties_len; i++) {
        if (bitmap_get(living, i) && !bitmap_get(party->dealers, i)) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a survivor that never dealt");
        }
    }
    uint32_t count = bitmap_count(living, parties_len);
    if (!bitmap_get(living, party->own) || count < party->need) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "%u survivors: at least %u needed, this party among them", count,
                               party->need);
    }
    return SOTTO_OK;
}

static enum sotto_status party_consent(struct sotto_session_party *party)
{
    uint8_t digest[HASH_BYTES];
    struct sotto_signature signature;
    struct sotto_writer writer;
    sotto__survivors_digest(digest, party->session, party->dealers, party->living,
                            party->roster.adverts_len);
    sotto_identity_sign(party->identity, &signature, SURVIVORS_LABEL, digest, sizeof digest);
    party_begin(party, &writer, SOTTO_MESSAGE_CONSENT);
    sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    enum sotto_status status = sotto_message_finish(&writer, &party->consent, party->identity);
    return status == SOTTO_OK ? party_send(party, &party->consent) : status;
}

static enum sotto_status party_receive_living(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    uint32_t parties_len = party->roster.adverts_len;
    const uint8_t *living = sotto__bitmap_read(reader, parties_len);
    if (living == NULL || !sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the survivor set is malformed");
    }
    if (party->phase >= SOTTO_PARTY_CONSENTED) {
        if (memcmp(living, party->living, bitmap_bytes(parties_len)) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "the aggregator asks for consent to a second survivor set");
        }
        return party_send(party, &party->consent);
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
    party->phase = SOTTO_PARTY_CONSENTED;
    status = party_consent(party);
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, status, "signing survivors: %s", sotto_status_text(status));
}

/* --- UNMASK -> RECORD -> REVEAL --- */

static enum sotto_status party_check_consents(const struct sotto_session_party *party,
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
        bool known =
            index >= next && index < party->roster.adverts_len && bitmap_get(party->living, index);
        if (!known || !sotto_key_verify(party_key(party, index), &signature, SURVIVORS_LABEL,
                                        digest, sizeof digest)) {
            return sotto_error_set(err, SOTTO_ERROR_AUTH,
                                   "a consent of the survivors is not right");
        }
        next = index + 1;
    }
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the list of consents is malformed");
    }
    if (count < party->roster.threshold) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "%u consents: %u needed", count,
                               party->roster.threshold);
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
    if (party->phase == SOTTO_PARTY_REVEALED) {
        return party_send(party, &party->reveal);
    }
    status = party_push_record(party);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "recording the answer: %s", sotto_status_text(status));
    }
    party->phase = SOTTO_PARTY_RECORDING;
    return SOTTO_OK;
}

enum sotto_status sotto_session_party_recorded(struct sotto_session_party *party)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_RECORDING);
    struct sotto_writer writer;
    party_begin(party, &writer, SOTTO_MESSAGE_REVEAL);
    for (uint32_t i = 0; i < party->roster.adverts_len; i++) {
        if (!bitmap_get(party->dealers, i)) {
            continue;
        }
        enum sotto__share_kind kind =
            bitmap_get(party->living, i) ? SHARE_OF_SELF_SEED : SHARE_OF_MASK_KEY;
        sotto_write_bytes(&writer, party->shares[i].share[kind], SCALAR_BYTES);
        sotto_write_bytes(&writer, party->shares[i].salt[kind], SALT_BYTES);
    }
    enum sotto_status status = sotto_message_finish(&writer, &party->reveal, party->identity);
    if (status == SOTTO_OK) {
        status = party_send(party, &party->reveal);
    }
    party_wipe(party);
    party->phase = status == SOTTO_OK ? SOTTO_PARTY_REVEALED : SOTTO_PARTY_LEFT;
    return status;
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
    sotto_reader_init(&reader, message->body, message->body_bytes);
    switch (message->type) {
    case SOTTO_MESSAGE_SHARES:
        return party_receive_shares(party, &reader, err);
    case SOTTO_MESSAGE_LIVING:
        return party_receive_living(party, &reader, err);
    case SOTTO_MESSAGE_UNMASK:
        return party_receive_unmask(party, &reader, err);
    default:
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "message type %u is not for a party",
                               message->type);
    }
}
