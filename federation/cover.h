/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_COVER_H
#define SOTTO_FEDERATION_COVER_H

/* What parties offer in the first round, and what they then open together. */

#include <sotto/contribution.h>
#include <sotto/session.h>

/* --- wire.c --- */

/* Bytes of what a party says of so many parts (sotto_driver_cover_len): a bitmap of those that it
 * has enough of, and one of those that it gives. */
#define SOTTO__COVER_BYTES(len) (2 * (((len) + 7) / 8))

/* What an advert of the first round offers. */
struct sotto__offer {
    struct sotto_schema schema;
    const uint8_t *cover; /* borrows from the advert, where it was read from one */
    uint32_t cover_len;   /* parts */
};

/* An offer, behind what this node's engine computes, as the payload of an advert. Return:
 * SOTTO_ERROR_NO_MEMORY, encode SOTTO_ERROR_LIMIT for more than a payload holds; decode also
 * SOTTO_ERROR_INPUT, and SOTTO_ERROR_VERSION where the sender's engine computes otherwise. Out:
 * owned; unchanged where decode fails. */
enum sotto_status sotto__offer_encode(struct sotto_buffer *out,
                                      const struct sotto__offer *offer) SOTTO_NODISCARD;
enum sotto_status sotto__offer_decode(struct sotto__offer *out, const struct sotto_plan *plan,
                                      const struct sotto_advert *advert) SOTTO_NODISCARD;

/* --- cover.c: what the parties of a session open together --- */

struct sotto__cover {
    size_t len;        /* parts: sotto_driver_cover_len */
    size_t stride;     /* of those a group, its differences, and its bins and levels */
    size_t first_cell; /* of these */
    uint32_t needed;   /* so many parties must have enough */
    size_t parties_len;
    uint8_t *said;   /* [party]: SOTTO__COVER_BYTES each */
    uint8_t *opened; /* [part]: 1 if it is */
    bool is_all_open;
    struct sotto_cover_cell *cells; /* [stride - 1] */
};

/* Decides what is opened of the driver's current round; offers are the roster's, in its order.
 * Returns: SOTTO_ERROR_REFUSED where no group is, SOTTO_ERROR_NO_MEMORY. Ended by
 * sotto__cover_release, which bears zeros too, but after SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__cover_init(struct sotto__cover *out, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers,
                                    const struct sotto_roster *roster,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__cover_release(struct sotto__cover *cover);
/* Whether what is opened is covered by the parties that live: lives[i] of the roster's. */
bool sotto__cover_holds(const struct sotto__cover *cover, const bool *lives);

#endif
