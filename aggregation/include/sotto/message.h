/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_MESSAGE_H
#define SOTTO_MESSAGE_H

/* The envelope of every message between parties and aggregator: header, body, signature
 * (aggregation/PROTOCOL.md, "Messages"). */

#include <sotto/bytes.h>
#include <sotto/identity.h>

SOTTO_BEGIN_DECLS

#define SOTTO_PROTOCOL_VERSION 2
#define SOTTO_PROTOCOL_SUITE 1
#define SOTTO_TASK_ID_BYTES 16
#define SOTTO_SESSION_BYTES 32
#define SOTTO_MESSAGE_HEADER_BYTES 100
#define SOTTO_MESSAGE_SIGNATURE_BYTES 64
/* No message of any machine is longer. */
#define SOTTO_MESSAGE_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* To a party: INVITATION, REOPEN, FINISH, ROUND, ROSTER, SHARES, LIVING, UNMASK, WITHDRAW, OPENED,
 * RESUME, BROWSE; the others to the aggregator. BROWSE and LISTING are of no task
 * (sotto/listing.h). */
enum sotto_message_type {
    SOTTO_MESSAGE_INVITATION = 1,
    SOTTO_MESSAGE_REOPEN = 2,
    SOTTO_MESSAGE_FINISH = 3,
    SOTTO_MESSAGE_ROSTER = 4,
    SOTTO_MESSAGE_SHARES = 5,
    SOTTO_MESSAGE_LIVING = 6,
    SOTTO_MESSAGE_UNMASK = 7,
    SOTTO_MESSAGE_ROUND = 8,
    SOTTO_MESSAGE_WITHDRAW = 9,
    SOTTO_MESSAGE_OPENED = 10,
    SOTTO_MESSAGE_RESUME = 11,
    SOTTO_MESSAGE_BROWSE = 12,
    SOTTO_MESSAGE_ADVERT = 16,
    SOTTO_MESSAGE_DEAL = 17,
    SOTTO_MESSAGE_MASKED = 18,
    SOTTO_MESSAGE_CONSENT = 19,
    SOTTO_MESSAGE_REVEAL = 20,
    SOTTO_MESSAGE_LEAVE = 21,
    SOTTO_MESSAGE_RELEASE = 22,
    SOTTO_MESSAGE_COMPLAINT = 23,
    SOTTO_MESSAGE_CONFIRM = 24,
    SOTTO_MESSAGE_DISPUTE = 25,
    SOTTO_MESSAGE_RETURN = 26,
    SOTTO_MESSAGE_LISTING = 27,
};

/* Names a task among all nodes; drawn at random by its creator. */
struct sotto_task_id {
    uint8_t bytes[SOTTO_TASK_ID_BYTES];
};

/* One attempt at one round of a task. */
struct sotto_session_label {
    struct sotto_task_id task;
    uint32_t round;   /* from 1 */
    uint32_t attempt; /* from 1 */
};

/* Whether two labels name the same attempt at the same round of the same task. */
SOTTO_API bool sotto_session_label_equal(const struct sotto_session_label *a,
                                         const struct sotto_session_label *b);

/* A message taken apart; body borrows the bytes it was parsed from. signature, and signed_digest,
 * which is what it signs: zeros where only sotto_message_parse was asked. */
struct sotto_message {
    uint16_t version;
    uint16_t suite;
    uint16_t type;
    struct sotto_session_label label;
    uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto_key sender;
    const uint8_t *body;
    size_t body_bytes;
    uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES];
    struct sotto_signature signature;
};

/* Takes the header apart without looking at version, suite, type, session or signature. Returns:
 * false if these bytes can't be a message. */
SOTTO_API bool sotto_message_parse(struct sotto_message *out, const uint8_t *bytes,
                                   size_t bytes_len);

/* Parses, and checks version, suite and the sender's signature: who the sender should be is the
 * caller's to check. Returns: SOTTO_ERROR_PROTOCOL, SOTTO_ERROR_VERSION or SOTTO_ERROR_AUTH. */
SOTTO_API enum sotto_status sotto_message_open(struct sotto_message *out, const uint8_t *bytes,
                                               size_t bytes_len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* What the signature of a whole message signs (the last SOTTO_MESSAGE_SIGNATURE_BYTES of bytes, of
 * which there are at least so many, are the signature). */
SOTTO_API void sotto_message_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const uint8_t *bytes,
                                    size_t bytes_len);

/* Begins a message in an initialised writer: writes the header. The caller appends the body, then
 * calls sotto_message_finish. session: SOTTO_SESSION_BYTES, or NULL (zeros). */
SOTTO_API void sotto_message_begin(struct sotto_writer *writer, enum sotto_message_type type,
                                   const struct sotto_session_label *label, const uint8_t *session,
                                   const struct sotto_identity *identity);

/* Signs what sotto_message_begin began and gives the bytes to *out; the writer is left released,
 * also on failure. Returns: SOTTO_ERROR_NO_MEMORY where it, or a write before, found no memory or
 * came to the writer's limit. Ownership: *out is ended by sotto_buffer_release. */
SOTTO_API enum sotto_status
sotto_message_finish(struct sotto_writer *writer, struct sotto_buffer *out,
                     const struct sotto_identity *identity) SOTTO_NODISCARD;

/* The body of LEAVE. */
#define SOTTO_LEAVE_TEXT_BYTES 256
struct sotto_leave {
    enum sotto_status reason;
    struct sotto_key blamed;           /* zeros: nobody */
    char text[SOTTO_LEAVE_TEXT_BYTES]; /* what the owner lets the initiator know; often empty */
};

/* A signed LEAVE as bytes. leave->reason is not SOTTO_OK; session: SOTTO_SESSION_BYTES, NULL before
 * there is one. Returns: SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_buffer_release.
 */
SOTTO_API enum sotto_status sotto_leave_seal(struct sotto_buffer *out,
                                             const struct sotto_leave *leave,
                                             const struct sotto_session_label *label,
                                             const uint8_t *session,
                                             const struct sotto_identity *identity) SOTTO_NODISCARD;

/* Takes the body of an opened LEAVE apart. Returns: false, and *out unchanged, for a body that is
 * none: a byte that is no failure's, a text of SOTTO_LEAVE_TEXT_BYTES or more. */
SOTTO_API bool sotto_leave_parse(struct sotto_leave *out, const struct sotto_message *message);

/* Appends a status as one byte, 0 for success. */
SOTTO_API void sotto_write_status(struct sotto_writer *writer, enum sotto_status status);

/* Reads a status as sotto_write_status wrote it. Returns: the status; SOTTO_ERROR_PROTOCOL for a
 * byte that is none, and where the reader failed. */
SOTTO_API enum sotto_status sotto_read_status(struct sotto_reader *reader) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
