/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_CRYPTO_REMEMBERED_H
#define SOTTO_AGGREGATION_CRYPTO_REMEMBERED_H

/* Signatures that this process knows to be right (remembered.c), while a host of it asked for that
 * (sotto_signatures_remember). Threads: any. */

#include "crypto/crypto.h"

/* Whether this process found this signature right before, or made it. false says nothing. */
bool sotto__remembers(const struct sotto_key *key, const struct sotto_signature *signature,
                      const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES]);
/* Keeps a signature that is right. */
void sotto__remember(const struct sotto_key *key, const struct sotto_signature *signature,
                     const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES]);

#endif
