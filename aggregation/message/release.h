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

/* Whether the body of a REOPEN has releases of a session by so many of its parties that nobody can
 * open it. keys: of all parties of its roster, ascending; its graph is complete; colluders: as many
 * as the roster demands. */
bool sotto__releases_suffice(const struct sotto_key *keys, uint32_t parties_len, uint32_t colluders,
                             const uint8_t *session, const uint8_t *bytes, size_t bytes_len);

#endif
