/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_RELEASE_H
#define SOTTO_AGGREGATION_MESSAGE_RELEASE_H

/* Sessions that are given up. */

#include "message/message.h"

/* Signs that its signer has not consented in a session, and never will. */
void sotto__release_sign(struct sotto_signature *out, const uint8_t *session,
                         const struct sotto_identity *identity);
bool sotto__release_verify(const struct sotto_signature *release, const uint8_t *session,
                           const struct sotto_key *key);

/* Whether the body of a REOPEN has releases of this session by so many of the roster that nobody
 * can open it. */
bool sotto__releases_suffice(const struct sotto_roster *roster, const uint8_t *session,
                             const uint8_t *bytes, size_t bytes_len);

#endif
