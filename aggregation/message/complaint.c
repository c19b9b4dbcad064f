/* SPDX-License-Identifier: Apache-2.0 */

/* COMPLAINT [PROTOCOL.md, COMPLAINT]. Leans on dleq.c for the proof, on dealing.c for shares.
 *
 * The idea: the key of a ciphertext comes from one point that dealer and holder both know. The
 * holder shows it, proves that it is the right one, and then anybody can decrypt what the dealer
 * signed. That tells nobody who is told it by the dealer anyway, and the holder has not masked. */

#include "message/complaint.h"

#include <sotto/secret.h>
#include <string.h>

/* session || i u32 || j u32. */
static struct sotto__dleq_statement make_statement(const struct sotto__complaint *complaint,
                                                   const struct sotto_roster *roster,
                                                   const uint8_t *session, uint32_t holder)
{
    struct sotto__dleq_statement statement = {
        .own_point = roster->adverts[holder].channel_point,
        .base = roster->adverts[complaint->dealer].channel_point,
        .shared = complaint->shared,
    };
    memcpy(statement.context, session, SOTTO_SESSION_BYTES);
    sotto_store_u64(statement.context + SOTTO_SESSION_BYTES,
                    (uint64_t)holder << 32 | complaint->dealer); /* little endian */
    return statement;
}

enum sotto_status sotto__complaint_prove(struct sotto__complaint *complaint,
                                         const struct sotto_roster *roster, const uint8_t *session,
                                         uint32_t holder,
                                         const uint8_t channel_key[SOTTO__SCALAR_BYTES],
                                         struct sotto_random random)
{
    struct sotto__dleq_statement statement = make_statement(complaint, roster, session, holder);
    return sotto__dleq_prove(&complaint->proof, channel_key, &statement, random);
}

void sotto__complaint_write(const struct sotto__complaint *complaint, struct sotto_writer *writer)
{
    sotto_write_u32(writer, complaint->dealer);
    sotto_write_bytes(writer, complaint->shared, SOTTO__POINT_BYTES);
    sotto_write_bytes(writer, complaint->proof.challenge, SOTTO__SCALAR_BYTES);
    sotto_write_bytes(writer, complaint->proof.response, SOTTO__SCALAR_BYTES);
}

void sotto__complaint_read(struct sotto__complaint *complaint, struct sotto_reader *reader)
{
    complaint->dealer = sotto_read_u32(reader);
    sotto_read_copy(reader, complaint->shared, SOTTO__POINT_BYTES);
    sotto_read_copy(reader, complaint->proof.challenge, SOTTO__SCALAR_BYTES);
    sotto_read_copy(reader, complaint->proof.response, SOTTO__SCALAR_BYTES);
}

/* Variable-time: who is told P may know the shares. They are wiped all the same. */
bool sotto__complaint_is_right(const struct sotto__complaint *complaint,
                               const struct sotto_roster *roster, const uint8_t *session,
                               uint32_t holder, const uint8_t leaves[SOTTO__LEAVES_BYTES],
                               const uint8_t *cipher)
{
    uint8_t key[SOTTO__KEY_BYTES];
    struct sotto__share_pair pair;
    struct sotto__dleq_statement statement = make_statement(complaint, roster, session, holder);
    if (!sotto__dleq_verify(&complaint->proof, &statement)) {
        return false;
    }
    sotto__derive_key(key, SOTTO__CHANNEL_LABEL, complaint->shared, session,
                      &roster->adverts[complaint->dealer].sender, &roster->adverts[holder].sender);
    bool dealt_well =
        sotto__shares_open(&pair, leaves, cipher, key, session, complaint->dealer, holder);
    sotto_wipe(&pair, sizeof pair);
    sotto_wipe(key, sizeof key);
    return !dealt_well;
}
