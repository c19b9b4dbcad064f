/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_COMPLAINT_H
#define SOTTO_AGGREGATION_MESSAGE_COMPLAINT_H

/* A holder's proof that a dealer dealt it something else than it committed to. */

#include "crypto/dleq.h"
#include "message/message.h"

struct sotto__complaint {
    uint32_t dealer;
    uint8_t shared[SOTTO__POINT_BYTES]; /* P = c_i C_j = c_j C_i */
    struct sotto__dleq proof;           /* that it is */
};

/* Of `holder` about complaint->dealer, whose P stands there: adds the proof. Returns: what the
 * source of randomness returned. CT: in channel_key. */
enum sotto_status sotto__complaint_prove(struct sotto__complaint *complaint,
                                         const struct sotto_roster *roster, const uint8_t *session,
                                         uint32_t holder,
                                         const uint8_t channel_key[SOTTO__SCALAR_BYTES],
                                         struct sotto_random random) SOTTO_NODISCARD;
void sotto__complaint_write(const struct sotto__complaint *complaint, struct sotto_writer *writer);
void sotto__complaint_read(struct sotto__complaint *complaint, struct sotto_reader *reader);

/* Whether it is right: P is proven, and what the dealer signed for the holder does not decrypt with
 * it to the shares of its leaves. complaint->dealer is below the roster's adverts_len. */
bool sotto__complaint_is_right(const struct sotto__complaint *complaint,
                               const struct sotto_roster *roster, const uint8_t *session,
                               uint32_t holder, const uint8_t leaves[SOTTO__LEAVES_BYTES],
                               const uint8_t *cipher);

#endif
