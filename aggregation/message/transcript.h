/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_TRANSCRIPT_H
#define SOTTO_AGGREGATION_MESSAGE_TRANSCRIPT_H

/* What opens a session, as OPENED carries it, and whether it does. */

#include "message/message.h"
#include "vector/vector.h"

/* What was fixed before anything was opened: all that a transcript is checked against. Borrows. The
 * graph is complete. */
struct sotto__opening {
    const struct sotto_roster *roster;
    const struct sotto_session_label *label;
    struct sotto__survivors survivors;
    const uint8_t *seed_points; /* B of party i at i * SOTTO__POINT_BYTES; of dealers only */
    const struct sotto_vector_run *runs;
    size_t runs_len;
    size_t vector_bytes;
};

/* A masked input as its party signed it. Borrows vector. */
struct sotto__signed_vector {
    const uint8_t *vector;
    struct sotto_signature signature;
};

/* The consents of the parties in `consenting`, by index: a count, then index and signature of each,
 * ascending. Reading gives what sotto__consents_suffice takes; NULL, and the reader has failed,
 * where there are more than parties. */
void sotto__consents_write(struct sotto_writer *writer, const struct sotto_signature *consents,
                           const uint8_t *consenting, uint32_t parties_len);
const uint8_t *sotto__consents_read(struct sotto_reader *reader, uint32_t *out_len,
                                    uint32_t parties_len);
/* Whether threshold of the living, and all of them whose adverts ask for it, signed the digest.
 * Variable-time: consents are public. */
bool sotto__consents_suffice(const struct sotto_roster *roster, const uint8_t *living,
                             const uint8_t digest[SOTTO__HASH_BYTES], const uint8_t *consents,
                             uint32_t consents_len);

/* Appends a transcript: the masked inputs of the living (by index; others are not read), the scalar
 * of each dealer (by index, SOTTO__SCALAR_BYTES each), and the consents of the parties in
 * `consenting` (by index). The writer keeps what fails. */
void sotto__transcript_write(struct sotto_writer *writer, const struct sotto__opening *opening,
                             const struct sotto__signed_vector *masked, const uint8_t *scalars,
                             const struct sotto_signature *consents, const uint8_t *consenting);

/* Checks a transcript, and puts the sum of what it opens into sum (vector_bytes, aligned to
 * SOTTO_ALIGNMENT). Returns: SOTTO_ERROR_NO_MEMORY; SOTTO_ERROR_PROTOCOL, and *out_dispute says
 * what is wrong with it; sum is undefined then. Variable-time: all of it is public. Threads: uses
 * OpenMP's for many parties and for long vectors. */
enum sotto_status sotto__transcript_open(const struct sotto__opening *opening, uint8_t *sum,
                                         struct sotto_dispute *out_dispute,
                                         const uint8_t *transcript, size_t transcript_bytes,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* The key by which the mask of `dealer` that a living partner added is taken out (itself: its self
 * mask), from the dealer's b or m, and its sign. */
void sotto__unmasking_key(struct sotto__mask_key *out, const struct sotto_roster *roster,
                          const uint8_t *session, const uint8_t secret[SOTTO__SCALAR_BYTES],
                          uint32_t dealer, uint32_t partner);

#endif
