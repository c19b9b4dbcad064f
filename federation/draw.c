/* SPDX-License-Identifier: Apache-2.0 */

/* The draw of a learning task. It leans on the chain of opened rounds, and on the digest of the
 * code. The idea: a party's lot is a hash of a seed and of its key, and the lowest lots train.
 *
 * 1. From the second round on the seed is the chain, which has the sum of the round before. Nobody
 *    knows that sum before its survivors are settled by consents, and nobody can change it after.
 *    These survivors are who is drawn from, whoever of them the aggregator then has in a roster: so
 *    nobody chooses a draw, and there is one for each round and all its attempts. Were it made
 *    among the members, who makes a roster would know the lots of all, and leave out those whose
 *    places are to be others'.
 * 2. Before the first sum the chain is empty. There the seed is the digest of the code that owners
 *    approved: the same members are drawn again when they are asked again. Who they are, the
 *    aggregator chooses, and who writes the code may try texts until the lots are as they like.
 * 3. Who is not drawn gives zeros, masked as any vector is. So all members check each sum, and hold
 *    the next model, and a sum is of the drawn alone.
 * 4. A sum of the drawn is of as many survivors as one of all has to be. Whoever calls a drawn
 *    contributor lost loses it for the whole task, and gets no other in its place, while enough of
 *    the drawn are there.
 * 5. Where too few are, lots are drawn again among those who are there: by the same lots, in their
 *    order. That gives a place to others by losing some, so each party takes part in so few such
 *    draws of a task, whatever the aggregator says. */

#include "draw.h"

#include "cover.h"

#include <stdlib.h>
#include <string.h>

struct lot {
    uint8_t digest[SOTTO_DIGEST_BYTES];
    uint32_t member; /* UINT32_MAX: it is not there */
};

static int compare_lots(const void *left, const void *right)
{
    const struct lot *const lots[] = {left, right};
    return memcmp(lots[0]->digest, lots[1]->digest, sizeof lots[0]->digest);
}

static struct lot make_lot(const struct sotto__draw_terms *terms, const struct sotto_key *key)
{
    struct lot lot = {.member = sotto_roster_find(terms->roster, key)};
    uint8_t bytes[SOTTO_BUNDLE_DIGEST_BYTES + SOTTO_DIGEST_BYTES + sizeof key->bytes];
    uint8_t *at = bytes;
    memcpy(at, terms->course->bundle.digest, SOTTO_BUNDLE_DIGEST_BYTES);
    at += SOTTO_BUNDLE_DIGEST_BYTES;
    memcpy(at, terms->opened, SOTTO_DIGEST_BYTES);
    memcpy(at + SOTTO_DIGEST_BYTES, key->bytes, sizeof key->bytes);
    sotto_digest(lot.digest, "sotto draw", bytes, sizeof bytes);
    return lot;
}

/* skips: who is not there has no place. Returns: how many of the drawn are there. */
static uint32_t draw(struct sotto__draw *out, const struct sotto__draw_terms *terms, size_t len,
                     uint32_t max_clients, bool skips)
{
    struct lot lots[SOTTO_SESSION_PARTIES_MAX] = {{.member = 0}};
    uint32_t members = 0;
    uint32_t places = 0;
    for (size_t i = 0; i < len; i++) {
        lots[i] = make_lot(terms, terms->contributors != NULL ? &terms->contributors[i]
                                                              : &terms->roster->adverts[i].sender);
    }
    qsort(lots, len, sizeof *lots, compare_lots);
    for (size_t i = 0; i < len && places < max_clients; i++) {
        bool is_there = lots[i].member != UINT32_MAX;
        if (is_there) {
            out->drawn[lots[i].member] = 1;
            members++;
        }
        places += is_there || !skips;
    }
    return members;
}

enum sotto_status sotto__draw_make(struct sotto__draw *in_out,
                                   const struct sotto__draw_terms *terms, struct sotto_error *err)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(terms->plan);
    size_t len = terms->contributors != NULL ? terms->contributors_len : terms->roster->adverts_len;
    *in_out = (struct sotto__draw){.is_of_all = true, .redraws = in_out->redraws};
    if (!sotto__course_draws(terms->course) || len <= strategy->max_clients) {
        return SOTTO_OK;
    }
    uint32_t needed = sotto__cover_needed(terms->roster);
    needed = needed > strategy->min_clients ? needed : strategy->min_clients;
    uint32_t members = draw(in_out, terms, len, strategy->max_clients, false);
    if (needed > members && in_out->redraws < SOTTO__REDRAWS_MAX) {
        in_out->is_again = true;
        in_out->redraws++;
        members = draw(in_out, terms, len, strategy->max_clients, true);
    }
    if (needed > members) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "%u of %zu parties are drawn, of whom %u are there, and a sum is of "
                               "%u at least: expected a larger max_clients",
                               strategy->max_clients, len, members, needed);
    }
    in_out->is_of_all = false;
    in_out->needed = needed;
    return SOTTO_OK;
}

bool sotto__draw_has(const struct sotto__draw *draw, uint32_t member)
{
    return draw->is_of_all || draw->drawn[member] != 0;
}
