/* SPDX-License-Identifier: Apache-2.0 */

/* The draw of a learning task. It leans on the chain of opened rounds, and on the digest of the
 * code. The idea: a member's lot is a hash of a seed and of its key, and the lowest lots train.
 *
 * 1. From the second round on the seed is the chain, which has the sum of the round before. Nobody
 *    knows that sum before its survivors are settled by consents, and nobody can change it after:
 *    so nobody chooses a draw, and there is one for each round.
 * 2. Before the first sum the chain is empty. There the seed is the digest of the code that owners
 *    approved: asked again, the same members are drawn again.
 * 3. Who is not drawn gives zeros, masked as any vector is. So all members check each sum, and hold
 *    the next model, and a sum is of the drawn alone.
 * 4. A sum of the drawn is of as many survivors as one of all has to be. Whoever calls a drawn
 *    member lost loses it for the whole task, and gets no other in its place in that session. */

#include "draw.h"

#include "cover.h"

#include <stdlib.h>
#include <string.h>

struct lot {
    uint8_t digest[SOTTO_DIGEST_BYTES];
    uint32_t member;
};

static int compare_lots(const void *left, const void *right)
{
    const struct lot *const lots[] = {left, right};
    return memcmp(lots[0]->digest, lots[1]->digest, sizeof lots[0]->digest);
}

static struct lot make_lot(const struct sotto_bundle *bundle,
                           const uint8_t opened[SOTTO_DIGEST_BYTES], uint32_t member,
                           const struct sotto_key *key)
{
    struct lot lot = {.member = member};
    uint8_t bytes[SOTTO_BUNDLE_DIGEST_BYTES + SOTTO_DIGEST_BYTES + sizeof key->bytes];
    uint8_t *at = bytes;
    memcpy(at, bundle->digest, SOTTO_BUNDLE_DIGEST_BYTES);
    at += SOTTO_BUNDLE_DIGEST_BYTES;
    memcpy(at, opened, SOTTO_DIGEST_BYTES);
    memcpy(at + SOTTO_DIGEST_BYTES, key->bytes, sizeof key->bytes);
    sotto_digest(lot.digest, "sotto draw", bytes, sizeof bytes);
    return lot;
}

enum sotto_status sotto__draw_make(struct sotto__draw *out, const struct sotto_plan *plan,
                                   const struct sotto__course *course,
                                   const struct sotto_roster *roster,
                                   const uint8_t opened[SOTTO_DIGEST_BYTES],
                                   struct sotto_error *err)
{
    struct lot lots[SOTTO_SESSION_PARTIES_MAX];
    const struct sotto_strategy *strategy = sotto_plan_strategy(plan);
    uint32_t len = roster->adverts_len;
    *out = (struct sotto__draw){.is_of_all = true};
    if (!sotto__course_draws(course) || len <= strategy->max_clients) {
        return SOTTO_OK;
    }
    uint32_t needed = sotto__cover_needed(roster);
    needed = needed > strategy->min_clients ? needed : strategy->min_clients;
    if (needed > strategy->max_clients) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "max_clients is %u, and of %u parties a sum is of %u at least: "
                               "expected so many to be drawn",
                               strategy->max_clients, len, needed);
    }
    for (uint32_t i = 0; i < len; i++) {
        lots[i] = make_lot(&course->bundle, opened, i, &roster->adverts[i].sender);
    }
    qsort(lots, len, sizeof *lots, compare_lots);
    for (uint32_t i = 0; i < strategy->max_clients; i++) {
        out->drawn[lots[i].member] = 1;
    }
    out->is_of_all = false;
    out->needed = needed;
    return SOTTO_OK;
}

bool sotto__draw_has(const struct sotto__draw *draw, uint32_t member)
{
    return draw->is_of_all || draw->drawn[member] != 0;
}
