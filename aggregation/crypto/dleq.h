/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_CRYPTO_DLEQ_H
#define SOTTO_AGGREGATION_CRYPTO_DLEQ_H

/* Proofs that C = cG and P = cB for the same c. */

#include "crypto/crypto.h"

struct sotto__dleq_statement {
    const uint8_t *own_point;                 /* C */
    const uint8_t *base;                      /* B */
    const uint8_t *shared;                    /* P */
    uint8_t context[SOTTO_SESSION_BYTES + 8]; /* what the proof is for */
};

struct sotto__dleq {
    uint8_t challenge[SOTTO__SCALAR_BYTES];
    uint8_t response[SOTTO__SCALAR_BYTES];
};

/* Returns: what the source returned; then *out is of no use. CT: in secret, which is c. */
enum sotto_status sotto__dleq_prove(struct sotto__dleq *out,
                                    const uint8_t secret[SOTTO__SCALAR_BYTES],
                                    const struct sotto__dleq_statement *statement,
                                    struct sotto_random random) SOTTO_NODISCARD;
/* Any bytes may stand in all of it. */
bool sotto__dleq_verify(const struct sotto__dleq *proof,
                        const struct sotto__dleq_statement *statement);

#endif
