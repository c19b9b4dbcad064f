/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_DRAW_H
#define SOTTO_FEDERATION_DRAW_H

/* Who trains in a round, where a learning task draws its parties. Both sides compute it alike. */

#include "course.h"

#define SOTTO__REDRAWS_MAX 3 /* of a task */

/* The members of a session that train: all, or those that were drawn. */
struct sotto__draw {
    bool is_of_all;
    bool is_again; /* too few of the drawn were there, so others have their places */
    uint8_t drawn[SOTTO_SESSION_PARTIES_MAX]; /* 1 or 0 of each member, where not of all */
    uint32_t redraws;                         /* of the task so far */
    uint32_t needed; /* so many of them live at least, or nothing is opened; 0 where of all: the
                        session sees to it */
};

/* What a draw is made of. Borrows. */
struct sotto__draw_terms {
    const struct sotto_plan *plan;
    const struct sotto__course *course;
    const struct sotto_roster *roster;
    const struct sotto_key *contributors; /* all survivors of the round before, be they in the
                                             roster or not; NULL in the first round */
    size_t contributors_len;
    const uint8_t *opened; /* SOTTO_DIGEST_BYTES: the chain of the rounds before */
};

/* Draws max_clients contributors, in the first round members, where the code says so and there are
 * more; again, among members alone, where fewer of them are members than must be in a sum of this
 * roster, and counts that. Returns: SOTTO_ERROR_PARTIES where these are too few too, or it would be
 * more often than SOTTO__REDRAWS_MAX. In-out: in_out->redraws; the rest is written. */
enum sotto_status sotto__draw_make(struct sotto__draw *in_out,
                                   const struct sotto__draw_terms *terms,
                                   struct sotto_error *err) SOTTO_NODISCARD;

bool sotto__draw_has(const struct sotto__draw *draw, uint32_t member);

#endif
