/* SPDX-License-Identifier: Apache-2.0 */

/* SHARES [PROTOCOL.md, SHARES]: what others dealt to this party, checked against their commitments
 * before it masks. Leans on dealing.c and merkle.c.
 *
 * The idea: all of the message is read before anything of it is believed, and all shares are
 * checked before anything is kept. A dealer that cheated is found here, while the party can still
 * leave without having shown anything; later, its share would be missing when secrets are put
 * together.
 *
 * CT: in channels, keys and shares. Which dealer's share is wrong shows, since the party names it.
 */

#include "message/complaint.h"
#include "session/session_party.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* What SHARES holds of one dealer; borrows. */
struct dealt {
    uint32_t dealer;
    uint32_t position; /* of this party among the dealer's holders */
    uint32_t place;    /* of the dealer among this party's holders; 0: not one of them */
    struct sotto__dealing dealing;
    const uint8_t *path;
    const uint8_t *leaves;
    const uint8_t *cipher;
    enum { DEALT_WELL, RELAYED_WRONG, DEALT_BADLY } verdict;
};

/* Whether the dealer signed these leaves and this ciphertext. */
static bool is_signed(const struct sotto_session_party *party, const struct dealt *dealt)
{
    uint8_t pair[SOTTO__HASH_BYTES];
    sotto__pair_hash(pair, dealt->leaves, dealt->cipher);
    return sotto__dealing_verify(&dealt->dealing, party->session,
                                 party_key(party, dealt->dealer)) &&
           sotto__merkle_check(dealt->dealing.root, pair, dealt->path, dealt->position,
                               party->roster.graph.holders);
}

/* Decrypts into pair. Returns: whether these are shares, and those of the leaves. */
static bool open_shares(const struct sotto_session_party *party, const struct dealt *dealt,
                        struct sotto__share_pair *pair)
{
    uint8_t fresh[SOTTO__POINT_BYTES];
    uint8_t key[SOTTO__KEY_BYTES];
    uint32_t dealer = dealt->dealer;
    const uint8_t *channel = fresh;
    if (dealt->place != 0) {
        channel = party->channels[dealt->place].point;
    } else {
        sotto__party_channel(party, fresh, dealer);
    }
    sotto__derive_key(key, SOTTO__CHANNEL_LABEL, channel, party->session, party_key(party, dealer),
                      party_key(party, party->own));
    sotto_wipe(fresh, sizeof fresh);
    bool opened = sotto__shares_open(pair, dealt->leaves, dealt->cipher, key, party->session,
                                     dealer, party->own);
    sotto_wipe(key, sizeof key);
    return opened;
}

/* Proves that a dealer cheated: whoever has P can decrypt what it signed. This party's part of the
 * session is over. CT: in the channel key. */
enum sotto_status sotto__party_complain(struct sotto_session_party *party, uint32_t dealer)
{
    struct sotto_writer writer;
    struct sotto__complaint complaint = {.dealer = dealer};
    sotto__party_channel(party, complaint.shared, dealer);
    enum sotto_status status =
        sotto__complaint_prove(&complaint, &party->roster, party->session, party->own,
                               party->secrets->channel_key, party->random);
    party->counters.group_operations += 3;
    sotto__party_wipe(party);
    party->phase = status == SOTTO_OK ? SOTTO_PARTY_COMPLAINED : SOTTO_PARTY_LEFT;
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_COMPLAINT);
    sotto__complaint_write(&complaint, &writer);
    return sotto__party_finish(party, &writer);
}

/* Says whose fault it is: the dealer's, if it signed what is wrong, else nobody's but the
 * aggregator's, which gave this party something else. On a sparse graph there is no other attempt
 * to complain for. */
static enum sotto_status party_object(struct sotto_session_party *party, const struct dealt *dealt,
                                      struct sotto_error *err)
{
    struct sotto_leave leave = {.reason = SOTTO_ERROR_PROTOCOL};
    char name[SOTTO_KEY_TEXT_BYTES];
    bool is_dealers = dealt->verdict == DEALT_BADLY;
    sotto_key_to_text(party_key(party, dealt->dealer), name);
    if (is_dealers) {
        leave.blamed = *party_key(party, dealt->dealer);
    }
    enum sotto_status status =
        is_dealers && sotto_graph_is_complete(&party->roster.graph, party_count(party))
            ? sotto__party_complain(party, dealt->dealer)
            : sotto_session_party_leave(party, &leave);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "leaving the session: %s", sotto_status_text(status));
    }
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                           is_dealers
                               ? "dealer %s cheated: its shares are not those that it committed to"
                               : "the aggregator relays shares that dealer %s did not sign",
                           name);
}

/* What one SHARES message says. */
struct shares_message {
    const uint8_t *dealers;
    struct dealt *dealt; /* ascending by dealer, this party left out */
    uint32_t *indices;   /* their dealers */
    uint32_t dealt_len;
};

/* Reads all of SHARES before anything is believed. */
static bool read_shares(const struct sotto_session_party *party, struct sotto_reader *reader,
                        struct shares_message *shares)
{
    size_t path_bytes =
        (size_t)sotto__merkle_depth(party->roster.graph.holders) * SOTTO__HASH_BYTES;
    for (uint32_t k = 0; k < shares->dealt_len; k++) {
        struct dealt *dealt = &shares->dealt[k];
        dealt->dealer = sotto_read_u32(reader);
        dealt->position = sotto_read_u32(reader);
        sotto__dealing_read(&dealt->dealing, reader);
        dealt->path = sotto_read_bytes(reader, path_bytes);
        dealt->leaves = sotto_read_bytes(reader, SOTTO__LEAVES_BYTES);
        dealt->cipher = sotto_read_bytes(reader, SOTTO__SHARE_CIPHER_BYTES);
        shares->indices[k] = dealt->dealer;
        bool ascending = k == 0 || dealt->dealer > shares->dealt[k - 1].dealer;
        if (!ascending || dealt->dealer >= party_count(party) || dealt->dealer == party->own ||
            !bitmap_get(shares->dealers, dealt->dealer) || dealt->position == 0 ||
            dealt->position >= party->roster.graph.holders) {
            return false;
        }
    }
    return sotto_reader_finished(reader);
}

/* Where dealers are holders too, the channel's secret is known already: c_i C_j = c_j C_i, made for
 * DEAL. Returns: how many. */
static uint32_t find_places(const struct sotto_session_party *party, struct shares_message *shares)
{
    uint32_t places[SOTTO_SESSION_PARTIES_MAX] = {0};
    uint32_t found = 0;
    for (uint32_t p = 1; p < party->roster.graph.holders; p++) {
        places[party->holders[p]] = p;
    }
    for (uint32_t k = 0; k < shares->dealt_len; k++) {
        shares->dealt[k].place = places[shares->dealt[k].dealer];
        found += shares->dealt[k].place != 0;
    }
    return found;
}

/* Decrypts and checks all shares, on all threads, and puts this party's own among them by index, so
 * that `held` ascends. All are checked even when one is wrong: which one it is does not depend on
 * threads. Returns: the place of the first that is wrong, or dealt_len. */
static uint32_t take_shares(struct sotto_session_party *party, struct shares_message *shares)
{
    party->counters.group_operations += shares->dealt_len - find_places(party, shares);
#pragma omp parallel for schedule(static) if (shares->dealt_len > SOTTO__PARALLEL_PARTIES)
    for (uint32_t k = 0; k < shares->dealt_len; k++) {
        struct dealt *dealt = &shares->dealt[k];
        uint32_t place = dealt->dealer < party->own ? k : k + 1;
        dealt->verdict = !is_signed(party, dealt)                            ? RELAYED_WRONG
                         : !open_shares(party, dealt, &party->shares[place]) ? DEALT_BADLY
                                                                             : DEALT_WELL;
        party->held[place] = dealt->dealer;
    }
    party->counters.signatures += shares->dealt_len;
    uint32_t own_place = 0;
    uint32_t first_wrong = 0;
    while (own_place < shares->dealt_len && shares->indices[own_place] < party->own) {
        own_place++;
    }
    party->held[own_place] = party->own;
    party->shares[own_place] = party->secrets->own_share;
    while (first_wrong < shares->dealt_len && shares->dealt[first_wrong].verdict == DEALT_WELL) {
        first_wrong++;
    }
    return first_wrong;
}

/* What all dealers committed to, for CONSENT. On a sparse graph a party is shown only some of it,
 * and zeros stand for all. */
static void digest_dealings(struct sotto_session_party *party, const struct shares_message *shares)
{
    struct sotto__hash hash;
    bool own_added = false;
    if (!sotto_graph_is_complete(&party->roster.graph, party_count(party))) {
        return;
    }
    sotto__hash_init(&hash, SOTTO__DEALINGS_LABEL);
    memcpy(party->seed_points + (size_t)party->own * SOTTO__POINT_BYTES, party->dealing.seed_point,
           SOTTO__POINT_BYTES);
    for (uint32_t k = 0; k < shares->dealt_len; k++) {
        memcpy(party->seed_points + (size_t)shares->dealt[k].dealer * SOTTO__POINT_BYTES,
               shares->dealt[k].dealing.seed_point, SOTTO__POINT_BYTES);
        if (!own_added && shares->dealt[k].dealer > party->own) {
            sotto__dealings_add(&hash, &party->dealing);
            own_added = true;
        }
        sotto__dealings_add(&hash, &shares->dealt[k].dealing);
    }
    if (!own_added) {
        sotto__dealings_add(&hash, &party->dealing);
    }
    sotto__hash_final(&hash, party->dealings);
}

/* "The receiver checks", and then masks where the input is here already. */
static enum sotto_status party_accept_shares(struct sotto_session_party *party,
                                             struct shares_message *shares, struct sotto_error *err)
{
    if (!sotto__party_has_enough(party, shares->dealers)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "shares of %u dealers: at least %u needed, this party and its "
                               "holders among them",
                               bitmap_count(shares->dealers, party_count(party)), party->need);
    }
    enum sotto_status status = sotto__party_verify(party, shares->indices, shares->dealt_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    party->held_len = shares->dealt_len + 1;
    party->held = sotto_alloc_array(party->held_len, sizeof *party->held);
    party->shares = sotto_secret_alloc(party->held_len * sizeof *party->shares);
    if (party->held == NULL || party->shares == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    uint32_t wrong = take_shares(party, shares);
    if (wrong < shares->dealt_len) {
        return party_object(party, &shares->dealt[wrong], err);
    }
    for (uint32_t k = 0; k < shares->dealt_len; k++) {
        /* Who drew this party among its first masks is its partner too. */
        if (shares->dealt[k].position <= party->roster.graph.masks) {
            bitmap_set(party->partners, shares->indices[k]);
        }
    }
    memcpy(party->dealers, shares->dealers, bitmap_bytes(party_count(party)));
    digest_dealings(party, shares);
    sotto_secret_free(party->channels); /* both directions were used */
    party->channels = NULL;
    party->phase = SOTTO_PARTY_SHARED;
    return party->vector != NULL ? sotto__party_pledge(party) : SOTTO_OK;
}

enum sotto_status sotto__party_receive_shares(struct sotto_session_party *party,
                                              struct sotto_reader *reader, struct sotto_error *err)
{
    if (party->phase != SOTTO_PARTY_DEALT || party->held != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "shares again");
    }
    struct shares_message shares = {.dealers = sotto__bitmap_read(reader, party_count(party)),
                                    .dealt_len = sotto_read_u32(reader)};
    if (shares.dealers == NULL || shares.dealt_len >= party_count(party)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the message with shares is malformed");
    }
    shares.dealt = sotto_alloc_array(shares.dealt_len, sizeof *shares.dealt);
    shares.indices = sotto_alloc_array(shares.dealt_len, sizeof *shares.indices);
    enum sotto_status status;
    if (shares.dealt == NULL || shares.indices == NULL) {
        status = sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
        goto out;
    }
    if (!read_shares(party, reader, &shares)) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the message with shares is malformed");
        goto out;
    }
    status = party_accept_shares(party, &shares, err);
out:
    sotto_free(shares.indices);
    sotto_free(shares.dealt);
    return status;
}
