/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_COVER_H
#define SOTTO_FEDERATION_COVER_H

/* What parties offer in the first round, and what they then open together. */

#include <sotto/contribution.h>
#include <sotto/session.h>
#include <sotto/span.h>
#include <sotto/task.h>

/* --- wire.c --- */

/* Bytes of what a party says of so many parts (sotto_driver_cover_len): a bitmap of those that it
 * has enough of, and one of those that it gives. */
#define SOTTO__COVER_BYTES(len) (2 * (((len) + 7) / 8))

/* What an advert of the first round offers. */
struct sotto__offer {
    struct sotto_schema schema;
    const uint8_t *cover; /* borrows from the advert, where it was read from one, as spans does */
    uint32_t cover_len;   /* parts */
    const uint8_t *spans; /* what the judge wrote of combinations of sums; 0 bytes: nobody judged */
    size_t spans_bytes;
    const uint8_t *model; /* of a learning task, which has nothing of the above: what
                             sotto__training_offer has; else NULL. Borrows likewise */
    size_t model_bytes;
};

/* An offer, behind what this node's engine computes, as the payload of an advert. Return:
 * SOTTO_ERROR_NO_MEMORY, encode SOTTO_ERROR_LIMIT for more than a payload holds; decode also
 * SOTTO_ERROR_INPUT, and SOTTO_ERROR_VERSION where the sender's engine computes otherwise. Out:
 * owned; unchanged where decode fails. */
enum sotto_status sotto__offer_encode(struct sotto_buffer *out,
                                      const struct sotto__offer *offer) SOTTO_NODISCARD;
enum sotto_status sotto__offer_decode(struct sotto__offer *out, const struct sotto_plan *plan,
                                      const struct sotto_advert *advert) SOTTO_NODISCARD;

/* --- cover_combinations.c: combinations of sums --- */

/* What the parties of a roster say of combinations of sums (sotto/span.h). */
struct sotto__combinations {
    uint64_t prime;
    struct sotto_families families;
    size_t sets_len;   /* of the round */
    size_t groups_len; /* 1 without group_by */
    size_t parties_len;
    struct sotto_buffer *said; /* [party]: as offered */
    size_t *places;            /* [(party * groups_len + group) * families.len + family]: where in
                                  that; SOTTO_NONE: nobody can read it */
    bool *is_unjudged;         /* [party]: it says nothing, and stands behind whatever others do */
};

struct sotto__cover;

/* Reads what is offered. Returns: SOTTO_ERROR_REFUSED for more sums than can be compared,
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__combinations_release, which bears zeros too. */
enum sotto_status sotto__combinations_init(struct sotto__combinations *out,
                                           const struct sotto_evidence *evidence,
                                           const struct sotto__offer *offers, size_t offers_len,
                                           uint64_t prime, struct sotto_error *err) SOTTO_NODISCARD;
void sotto__combinations_release(struct sotto__combinations *spans);

/* Looks for a combination of what is open in a group in which some parties that live (NULL: all)
 * have rows, but fewer than are needed. *out_found; out_sets has 1 for each set (spans.sets_len)
 * that has a part in it, none where nothing can be said, or where a decision, whose operations are
 * counted in *in_out_work (0 before the first call), takes too many. Returns:
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__combinations_find(const struct sotto__cover *cover, bool *out_found,
                                           uint8_t *out_sets, uint64_t *in_out_work, size_t group,
                                           const bool *lives) SOTTO_NODISCARD;

/* --- cover.c: what the parties of a session open together --- */

struct sotto__cover {
    size_t len;      /* parts: sotto_driver_cover_len */
    size_t stride;   /* of those a group, and its bins and levels */
    uint32_t needed; /* so many parties must have enough */
    size_t parties_len;
    uint8_t *said;   /* [party]: SOTTO__COVER_BYTES each */
    uint8_t *opened; /* [part]: 1 if it is */
    bool is_all_open;
    struct sotto_cover_cell *cells; /* [stride - 1] */
    struct sotto__combinations spans;
};

/* How many parties must stand behind what is opened of some rows. */
uint32_t sotto__cover_needed(const struct sotto_roster *roster);
/* Decides what is opened of the driver's current round; offers are the roster's, in its order;
 * prime: sotto__cover_prime. Returns: SOTTO_ERROR_REFUSED where no group is, SOTTO_ERROR_NO_MEMORY.
 * Ended by sotto__cover_release, which bears zeros too, but after SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__cover_init(struct sotto__cover *out, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers,
                                    const struct sotto_roster *roster, uint64_t prime,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__cover_release(struct sotto__cover *cover);
/* Whether what is opened is covered by the parties that live: lives[i] of the roster's. Without
 * memory it is not. */
bool sotto__cover_holds(const struct sotto__cover *cover, const bool *lives);

/* The prime of a task, modulo which its parties say what their rows are in. It follows from the
 * task and its plan: who makes a plan so that sums cancel out modulo a prime does not know which.
 */
uint64_t sotto__cover_prime(const struct sotto_invitation_terms *terms);
/* What a party says of a part of a roster: whether it has enough of it, and whether it gives it. */
bool sotto__cover_has_enough(const struct sotto__cover *cover, size_t party, size_t part);
bool sotto__cover_gives(const struct sotto__cover *cover, size_t party, size_t part);

#endif
