/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_RECORD_H
#define SOTTO_AGGREGATION_MESSAGE_RECORD_H

/* What stays of a session that was opened. */

#include "message/transcript.h"

/* Appends a record: dealings by index (of dealers), consents by index (of `consenting`). */
void sotto__record_write(struct sotto_writer *writer, const struct sotto__opening *opening,
                         const uint8_t agreement[SOTTO_DIGEST_BYTES],
                         const struct sotto__dealing *const *dealings,
                         const struct sotto_signature *consents, const uint8_t *consenting);

#endif
