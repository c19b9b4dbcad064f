/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_VERIFIED_H
#define SOTTO_FEDERATION_VERIFIED_H

/* Sums that parties check: what they are shown, what they sign, what they object to (PROTOCOL.md,
 * "Verified sums"). All of it is verified.c's. */

#include "internal.h"

/* OPENED: a result's text (none: another round follows) and a transcript. Borrows. */
struct sotto__shown {
    const char *result; /* not ended by a NUL */
    size_t result_bytes;
    const uint8_t *transcript;
    size_t transcript_bytes;
};

/* Returns: SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_buffer_release. */
enum sotto_status sotto__opened_seal(struct sotto_buffer *out, const struct sotto__shown *opened,
                                     const struct sotto_session_label *label,
                                     const uint8_t session[SOTTO_SESSION_BYTES],
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;
/* Returns: false for a malformed body. */
bool sotto__opened_parse(struct sotto__shown *out, const struct sotto_message *message);

/* H("sotto shown", ...) of a whole OPENED, by which a dispute names it. */
void sotto__shown_digest(uint8_t out[SOTTO_DIGEST_BYTES], const struct sotto_buffer *opened);

/* What CONFIRM signs: this result of this plan, under these types (as sotto_schema_write has them),
 * after these sums. Borrows. */
struct sotto__confirmed {
    const struct sotto_invitation_terms *terms;
    const uint8_t *schema;
    size_t schema_bytes;
    const uint8_t *opened; /* the chain of all sums */
    const uint8_t *result;
    size_t result_bytes;
};
enum sotto_status sotto__confirmed_make(uint8_t out[SOTTO_DIGEST_BYTES],
                                        const struct sotto__confirmed *confirmed) SOTTO_NODISCARD;
/* The same, with the course's types and a result's text. */
enum sotto_status sotto__confirmed_digest(uint8_t out[SOTTO_DIGEST_BYTES],
                                          const struct sotto_invitation_terms *terms,
                                          const struct sotto__course *course,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES],
                                          const char *result) SOTTO_NODISCARD;

/* Makes and seals the CONFIRM of such a digest. Returns and ownership: as sotto__opened_seal. */
enum sotto_status sotto__confirm_seal(struct sotto_buffer *out,
                                      const uint8_t digest[SOTTO_DIGEST_BYTES],
                                      const struct sotto_session_label *label,
                                      const uint8_t session[SOTTO_SESSION_BYTES],
                                      const struct sotto_identity *identity) SOTTO_NODISCARD;
/* Takes a CONFIRM apart. Returns: false if it does not sign the digest. */
bool sotto__confirm_open(struct sotto_signature *out, const struct sotto_message *message,
                         const uint8_t digest[SOTTO_DIGEST_BYTES]);

enum sotto_status sotto__dispute_seal(struct sotto_buffer *out, const struct sotto_dispute *dispute,
                                      const uint8_t shown[SOTTO_DIGEST_BYTES],
                                      const struct sotto_session_label *label,
                                      const uint8_t session[SOTTO_SESSION_BYTES],
                                      const struct sotto_identity *identity) SOTTO_NODISCARD;
bool sotto__dispute_parse(struct sotto_dispute *out, uint8_t out_shown[SOTTO_DIGEST_BYTES],
                          const struct sotto_message *message);
/* What is wrong, as a part of a sentence. */
const char *sotto__dispute_text(enum sotto_dispute_kind kind);

/* The CONFIRM of a member of the last roster. */
struct sotto__confirmation {
    uint32_t index;
    struct sotto_signature signature;
};

/* What FINISH says. Borrows. */
struct sotto__finish {
    enum sotto_status status;
    const char *result; /* not ended by a NUL; NULL: none */
    size_t result_bytes;
    const struct sotto__confirmation *confirmations; /* when it is made */
    const uint8_t *confirmation_bytes;               /* when it was read: 68 bytes each */
    uint32_t confirmations_len;
};

enum sotto_status sotto__finish_seal(struct sotto_buffer *out, const struct sotto__finish *finish,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;
/* Returns: false for a malformed body. */
bool sotto__finish_parse(struct sotto__finish *out, const struct sotto_message *message);

/* The confirmations of a FINISH: ascending, each by a member that `has` says took part, and of the
 * digest. Returns: false if one is not; else out_confirms[i] says whether member i confirms. */
bool sotto__finish_verify(const struct sotto__finish *finish, bool *out_confirms,
                          const struct sotto_roster *roster, const bool *has,
                          const uint8_t digest[SOTTO_DIGEST_BYTES]);

/* Appends why the confirmation of one is missing: "; no answer of n2". text has
 * SOTTO_ERROR_TEXT_BYTES, of which *in_out_used are used; what does not fit is cut. */
void sotto__unconfirmed_write(char *text, size_t *in_out_used, const char *name,
                              bool signs_nothing);

#endif
