/* SPDX-License-Identifier: Apache-2.0 */

/* The party's side of a session: ADVERT, ROSTER, MASKED [PROTOCOL.md], [BIKMMPRSS17, sec. 4]. Leans
 * on party_deal.c, party_shares.c and party_unmask.c for the steps between, on crypto/ and vector/
 * for the rest.
 *
 * The idea: what protects a party is which secret it lets go in which phase, so a phase is a
 * promise. m is the mask key, b the self seed, c the channel key, x the input:
 *
 *     phase       what goes out                      x          c, m, b   shares of others
 *     ADVERTISED  cG, mG                             -          drawn     -
 *     DEALT       bG, commitments, encrypted shares  may come   kept      -
 *     SHARED      nothing                            may come   kept      decrypted, checked
 *     MASKING     nothing (the host writes PLEDGE)   kept       kept      kept
 *     MASKED      y = x + masks                      wiped      kept      kept
 *     COMPLAINED  c_i C_j, and that it is that       wiped      wiped     wiped
 *     RELEASED    a signature that it gave up        wiped      wiped     wiped
 *     RECORDING   nothing (the host writes RECORD)   -          kept      kept
 *     CONSENTED   a signature of one survivor set    -          kept      kept
 *     REVEALED    one share of each dealer           -          wiped     wiped
 *     OPENED      nothing                            -          wiped     wiped
 *     LEFT        LEAVE                              wiped      wiped     wiped
 *
 * 1. x goes out masked, once. The masks of a session serve one vector: where masking or sending
 *    fails, the input may be half masked or half sent, and the party leaves instead of trying
 *    again.
 *
 * 2. It masks only when its own secrets can be taken out of the sum by others: `need` dealers and
 *    threshold of its holders are there, and what they dealt was checked.
 *
 * 3. There is one survivor set, and one masked input of each survivor. The first set that is good
 *    and lists what this party sent is fixed before anything is signed (RECORDING), another one is
 *    refused, and the host must have written down that it answered before the signature exists:
 *    after a crash it does not sign a second one.
 *
 * 4. Shares go out only when threshold of its holders have consented to the same set, and all of
 *    the living whose adverts ask for that. So many consents to two sets don't exist, since
 *    2t > n + c [PROTOCOL.md, A lying aggregator].
 *
 * 5. Of each dealer one of the two shares goes out: of b if it lives, of m if it is dead. Both
 *    together would open its input, and `living` can't change any more when they go.
 *
 * 6. Pair keys go out for dead partners only, whose m is opened anyway.
 *
 * 7. After REVEAL, and whenever the party leaves, everything is wiped at one place
 *    (sotto__party_wipe); asked again, it sends the bytes that it has sent. */

#include "session/session_party.h"

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

/* The vector was the input, and may be half masked. */
static void party_wipe_vector(struct sotto_session_party *party)
{
    if (party->vector != NULL) {
        sotto_wipe(party->vector, party->vector_bytes);
        sotto_free(party->vector);
        party->vector = NULL;
    }
}

void sotto__party_wipe(struct sotto_session_party *party)
{
    sotto_secret_free(party->secrets);
    sotto_secret_free(party->shares);
    sotto_secret_free(party->channels);
    sotto_secret_free(party->mask_keys);
    party->secrets = NULL;
    party->shares = NULL;
    party->channels = NULL;
    party->mask_keys = NULL;
    party_wipe_vector(party);
}

void sotto_session_party_free(struct sotto_session_party *party)
{
    if (party == NULL) {
        return;
    }
    sotto__party_wipe(party);
    sotto_buffer_release(&party->advert);
    sotto_buffer_release(&party->consent);
    sotto_buffer_release(&party->reveal);
    sotto_buffer_release(&party->release);
    sotto_action_queue_release(&party->queue);
    sotto_roster_release(&party->roster);
    sotto_free(party->runs);
    sotto_free(party->holders);
    sotto_free(party->my_holders);
    sotto_free(party->verified);
    sotto_free(party->partners);
    sotto_free(party->dealers);
    sotto_free(party->living);
    sotto_free(party->living_masked);
    sotto_free(party->seed_points);
    sotto_free(party->held);
    sotto_free(party->mask_partners);
    sotto_free(party);
}

/* Queues bytes to the aggregator; takes them. */
static enum sotto_status party_push(struct sotto_session_party *party, struct sotto_buffer *bytes)
{
    party->counters.bytes_out += bytes->data_bytes;
    return sotto_action_push_send(&party->queue, &party->invitation.aggregator, bytes);
}

/* Queues a copy of bytes to the aggregator. */
enum sotto_status sotto__party_send(struct sotto_session_party *party,
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
    if (status != SOTTO_OK) {
        return status;
    }
    return party_push(party, &message);
}

/* --- ADVERT --- */

/* [PROTOCOL.md, ADVERT], [BIKMMPRSS17, fig. 4, AdvertiseKeys]: c, m and b are drawn, C and M shown.
 * CT: in the scalars. */
static enum sotto_status party_advertise(struct sotto_session_party *party,
                                         const struct sotto_session_demands *demands,
                                         const uint8_t *payload, size_t payload_bytes)
{
    uint8_t channel_point[SOTTO__POINT_BYTES];
    uint8_t mask_point[SOTTO__POINT_BYTES];
    uint8_t nonce[SOTTO__NONCE_BYTES];
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
                                nonce, demands, payload, payload_bytes, party->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__party_send(party, &party->advert);
}

enum sotto_status sotto_session_party_new(struct sotto_session_party **out,
                                          const struct sotto_identity *identity,
                                          struct sotto_random random,
                                          const struct sotto_invitation_terms *terms,
                                          const struct sotto_session_demands *demands,
                                          const uint8_t *payload, size_t payload_bytes)
{
    SOTTO_REQUIRE(payload_bytes <= SOTTO_ADVERT_PAYLOAD_MAX &&
                  demands->colluders <= SOTTO_SESSION_COLLUDERS_MAX);
    struct sotto_session_party *party = sotto_alloc_zeroed(sizeof *party);
    if (party == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    party->identity = identity;
    party->random = random;
    party->invitation = *terms;
    party->secrets = sotto_secret_alloc(sizeof *party->secrets);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (party->secrets == NULL) {
        goto out;
    }
    status = party_advertise(party, demands, payload, payload_bytes);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = party;
    party = NULL;
out:
    sotto_session_party_free(party);
    return status;
}

void sotto_session_party_share(struct sotto_session_party *party,
                               struct sotto_shared_points *points)
{
    party->shared_points = points;
}

/* --- Keys --- */

/* c_i C_j [PROTOCOL.md, DEAL]. CT: in the channel key; the point is public. */
void sotto__party_channel(const struct sotto_session_party *party, uint8_t out[SOTTO__POINT_BYTES],
                          uint32_t peer)
{
    /* Usable points times nonzero scalars are never the identity: the group has prime order. */
    SOTTO_VERIFY(sotto__point_is_usable(party->roster.adverts[peer].channel_point));
    sotto__scalar_verify(party->secrets->channel_key);
    SOTTO_REQUIRE(sotto__point_share(party->shared_points, out, party->secrets->channel_key,
                                     party->roster.adverts[party->own].channel_point,
                                     party->roster.adverts[peer].channel_point));
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

/* [PROTOCOL.md, ROSTER], "The receiver checks". */
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
    if (!sotto_graph_is_safe(&party->roster.graph, graph, party_count(party),
                             party->roster.demands.colluders)) {
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
    party->verifies = terms->verifies;
    party->runs_len = terms->runs_len;
    party->runs = sotto_alloc_array(terms->runs_len, sizeof *party->runs);
    party->holders = sotto_alloc_array(party_count(party), sizeof *party->holders);
    party->my_holders = sotto_alloc_zeroed(bitmap_len);
    party->verified = sotto_alloc_zeroed(bitmap_len);
    party->partners = sotto_alloc_zeroed(bitmap_len);
    party->dealers = sotto_alloc_zeroed(bitmap_len);
    party->living = sotto_alloc_zeroed(bitmap_len);
    party->living_masked = sotto_alloc_array(party_count(party), SOTTO__HASH_BYTES);
    party->seed_points = sotto_alloc_array(party_count(party), SOTTO__POINT_BYTES);
    party->channels =
        sotto_secret_alloc((size_t)party->roster.graph.holders * sizeof *party->channels);
    if (party->runs == NULL || party->holders == NULL || party->my_holders == NULL ||
        party->verified == NULL || party->partners == NULL || party->dealers == NULL ||
        party->living == NULL || party->living_masked == NULL || party->seed_points == NULL ||
        party->channels == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(party->runs, terms->runs, terms->runs_len * sizeof *party->runs);
    return SOTTO_OK;
}

/* Uniform below limit > 0, by rejection. Variable-time: how often it draws says nothing of what
 * comes out, and holders are shown in DEAL. */
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

/* Draws the holders [BBGLR20, sec. 4], [PROTOCOL.md, DEAL]: itself, then others at random without
 * replacement; all, in order, on a complete graph. party->holders has room for all parties. */
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

/* [PROTOCOL.md, Lazy checks]. Variable-time: adverts are public. */
enum sotto_status sotto__party_verify(struct sotto_session_party *party, const uint32_t *indices,
                                      uint32_t indices_len, struct sotto_error *err)
{
    uint32_t bad = UINT32_MAX;
#pragma omp parallel for schedule(static) if (indices_len > SOTTO__PARALLEL_PARTIES)               \
    reduction(min                                                                                  \
              : bad)
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

static enum sotto_status dealing_failed(struct sotto_error *err, enum sotto_status status)
{
    return sotto_error_set(err, status, "dealing shares: %s", sotto_status_text(status));
}

enum sotto_status sotto_session_party_start(struct sotto_session_party *party,
                                            struct sotto_roster *roster,
                                            const struct sotto_session_terms *terms,
                                            struct sotto_error *err)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_ADVERTISED && party->runs == NULL);
    party->roster = *roster;
    *roster = (struct sotto_roster){0};
    party->counters.bytes_in += party->roster.message.data_bytes;
    party->need = sotto__roster_need(&party->roster, terms);
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
    if (status != SOTTO_OK) {
        return dealing_failed(err, status);
    }
    status = party_draw_holders(party);
    if (status != SOTTO_OK) {
        return dealing_failed(err, status);
    }
    status = sotto__party_verify(party, party->holders, party->roster.graph.holders, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__party_deal(party);
    if (status != SOTTO_OK) {
        return dealing_failed(err, status);
    }
    party->phase = SOTTO_PARTY_DEALT;
    return SOTTO_OK;
}

/* --- Leaving --- */

enum sotto_status sotto_session_party_leave(struct sotto_session_party *party,
                                            const struct sotto_leave *leave)
{
    struct sotto_buffer message;
    sotto__party_wipe(party);
    party->phase = SOTTO_PARTY_LEFT;
    enum sotto_status status = sotto_leave_seal(&message, leave, &party->invitation.label,
                                                party->session, party->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return party_push(party, &message);
}

/* --- MASKED --- */

/* pair_ij and its sign [PROTOCOL.md, MASKED], [BIKMMPRSS17, sec. 4]: both partners derive the same
 * key, and the one of the lower index adds what the other subtracts. CT: in the mask key; who is
 * whose partner is public. */
static void derive_pair_key(const struct sotto_session_party *party, struct sotto__mask_key *out,
                            uint32_t j)
{
    uint8_t shared[SOTTO__POINT_BYTES];
    uint32_t low = j < party->own ? j : party->own;
    uint32_t high = j < party->own ? party->own : j;
    SOTTO_VERIFY(sotto__point_is_usable(party->roster.adverts[j].mask_point));
    sotto__scalar_verify(party->secrets->mask_key);
    SOTTO_REQUIRE(sotto__point_share(party->shared_points, shared, party->secrets->mask_key,
                                     party->roster.adverts[party->own].mask_point,
                                     party->roster.adverts[j].mask_point));
    sotto__derive_key(out->key, "sotto pair mask", shared, party->session, party_key(party, low),
                      party_key(party, high));
    sotto_wipe(shared, sizeof shared);
    out->sign = j > party->own ? SOTTO__MASK_ADD : SOTTO__MASK_SUBTRACT;
}

/* Keys of the pair masks with those partners that dealt, and of the self mask after them. */
static enum sotto_status derive_mask_keys(struct sotto_session_party *party)
{
    uint32_t len = 0;
    uint32_t partners_len = bitmap_count(party->partners, party_count(party));
    party->mask_keys = sotto_secret_alloc(((size_t)partners_len + 1) * sizeof *party->mask_keys);
    party->mask_partners = sotto_alloc_array(partners_len, sizeof *party->mask_partners);
    if (party->mask_keys == NULL || party->mask_partners == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (uint32_t j = 0; j < party_count(party); j++) {
        if (bitmap_get(party->partners, j) && bitmap_get(party->dealers, j)) {
            party->mask_partners[len++] = j;
        }
    }
#pragma omp parallel for schedule(static) if (len > SOTTO__PARALLEL_PARTIES)
    for (uint32_t k = 0; k < len; k++) {
        derive_pair_key(party, &party->mask_keys[k], party->mask_partners[k]);
    }
    struct sotto__mask_key *self = &party->mask_keys[len];
    sotto__derive_key(self->key, "sotto self mask", party->secrets->self_seed, party->session,
                      party_key(party, party->own), party_key(party, party->own));
    self->sign = SOTTO__MASK_ADD;
    party->mask_partners_len = len;
    party->counters.group_operations += len;
    return SOTTO_OK;
}

static enum sotto_status party_apply_masks(struct sotto_session_party *party)
{
    enum sotto_status status = derive_mask_keys(party);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t keys_len = (size_t)party->mask_partners_len + 1;
    party->counters.keystream_bytes += keys_len * party->vector_bytes;
    return sotto__mask_apply(party->vector, party->runs, party->runs_len, party->mask_keys,
                             keys_len);
}

/* [PROTOCOL.md, MASKED]. The vector is masked in place; on failure it is half masked. */
static enum sotto_status party_send_masked(struct sotto_session_party *party)
{
    struct sotto_writer writer;
    enum sotto_status status = party_apply_masks(party);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_MASKED);
    sotto_writer_reserve(&writer, party->vector_bytes + SOTTO_MESSAGE_SIGNATURE_BYTES);
    sotto_write_bytes(&writer, party->vector, party->vector_bytes);
    struct sotto_buffer message;
    uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES];
    status = sotto__message_finish_digest(&writer, &message, signed_digest, party->identity);
    party->counters.signatures++;
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__masked_digest(party->masked, signed_digest);
    party->has_masked = true;
    return party_push(party, &message);
}

enum sotto_status sotto__party_mask(struct sotto_session_party *party)
{
    enum sotto_status status = party_send_masked(party);
    party_wipe_vector(party);
    if (status != SOTTO_OK) {
        /* Half masked, or never sent: this input can't be masked a second time. */
        sotto__party_wipe(party);
        party->phase = SOTTO_PARTY_LEFT;
        return status;
    }
    party->phase = SOTTO_PARTY_MASKED;
    return SOTTO_OK;
}

enum sotto_status sotto__party_pledge(struct sotto_session_party *party)
{
    party->phase = SOTTO_PARTY_MASKING;
    enum sotto_status status = sotto__party_push_record(party, SOTTO_ACTION_PLEDGE, NULL, 0);
    if (status != SOTTO_OK) {
        sotto__party_wipe(party);
        party->phase = SOTTO_PARTY_LEFT;
    }
    return status;
}

enum sotto_status sotto_session_party_recorded(struct sotto_session_party *party)
{
    SOTTO_REQUIRE(party->phase == SOTTO_PARTY_MASKING || party->phase == SOTTO_PARTY_RECORDING);
    return party->phase == SOTTO_PARTY_MASKING ? sotto__party_mask(party)
                                               : sotto__party_consent(party);
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
    return party->phase == SOTTO_PARTY_SHARED ? sotto__party_pledge(party) : SOTTO_OK;
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
        return sotto__party_receive_living(party, &reader, err);
    case SOTTO_MESSAGE_UNMASK:
        return sotto__party_receive_unmask(party, &reader, err);
    case SOTTO_MESSAGE_WITHDRAW:
        return sotto__party_receive_withdraw(party, &reader, err);
    default:
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "message type %u is not for a party",
                               message->type);
    }
}
