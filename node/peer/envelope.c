/* SPDX-License-Identifier: Apache-2.0 */

/* Envelopes, as PEER.md has them, without I/O; leans on libsodium and on the identity of
 * aggregation/. The idea: who it is from, to whom, and how much will come, is sealed apart from the
 * body. */

#include "peer/envelope.h"

#include <sodium.h>
#include <sotto/secret.h>
#include <string.h>

#define ENVELOPE_VERSION 2
#define RESPONSE_BIT 0x80
#define REQUEST_LABEL "sotto peer request"
#define RESPONSE_LABEL "sotto peer response"
#define MAC_BYTES (SEAL_BYTES - SHARE_BYTES - TICKET_BYTES)
_Static_assert(SEAL_BYTES == sizeof(struct sotto_signature), "a seal may be a signature");
_Static_assert(MAC_BYTES >= crypto_generichash_BYTES_MIN, "as short as BLAKE2b has it");

static const uint8_t envelope_magic[8] = {'s', 'o', 't', 't', 'o', 'p', 'e', 'r'};

enum sotto_status session_id_random(struct session_id *out, struct sotto_random random)
{
    return random.fill(random.context, out->bytes, sizeof out->bytes);
}

bool session_id_equal(const struct session_id *a, const struct session_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0; /* not a secret */
}

static const char *choose_label(const struct envelope *envelope)
{
    return envelope->is_response ? RESPONSE_LABEL : REQUEST_LABEL;
}

static void hash_body(uint8_t out[ENVELOPE_HASH_BYTES], const void *body, size_t body_bytes)
{
    (void)crypto_generichash(out, ENVELOPE_HASH_BYTES, body, body_bytes, NULL, 0);
}

static void write_header(struct sotto_writer *writer, const struct sotto_key *from,
                         const struct envelope *envelope, const void *body, size_t body_bytes)
{
    SOTTO_REQUIRE(body_bytes <= UINT32_MAX);
    uint8_t hash[ENVELOPE_HASH_BYTES];
    uint8_t type = (uint8_t)(envelope->type | (envelope->is_response ? RESPONSE_BIT : 0));
    hash_body(hash, body, body_bytes);
    sotto_writer_init(writer, ENVELOPE_HEADER_BYTES);
    sotto_write_bytes(writer, envelope_magic, sizeof envelope_magic);
    sotto_write_u8(writer, ENVELOPE_VERSION);
    sotto_write_u8(writer, type);
    sotto_write_bytes(writer, from->bytes, sizeof from->bytes);
    sotto_write_bytes(writer, envelope->to.bytes, sizeof envelope->to.bytes);
    sotto_write_bytes(writer, envelope->session.bytes, SESSION_BYTES);
    sotto_write_u64(writer, envelope->counter);
    sotto_write_u32(writer, (uint32_t)body_bytes);
    sotto_write_bytes(writer, hash, sizeof hash);
}

/* Header and seal, of 134 and 64 bytes, and the body. */
static void write_all(struct sotto_writer *writer, const struct sotto_writer *header,
                      const uint8_t seal[SEAL_BYTES], const void *body, size_t body_bytes)
{
    sotto_write_bytes(writer, header->data, header->data_bytes);
    sotto_write_bytes(writer, seal, SEAL_BYTES);
    sotto_write_bytes(writer, body, body_bytes);
}

void envelope_write_signed(struct sotto_writer *writer, const struct sotto_identity *identity,
                           const struct envelope *envelope, const void *body, size_t body_bytes)
{
    struct sotto_writer header;
    struct sotto_signature signature;
    struct sotto_key from = sotto_identity_key(identity);
    write_header(&header, &from, envelope, body, body_bytes);
    if (sotto_writer_status(&header) != SOTTO_OK) {
        writer->failed = true;
    } else {
        sotto_identity_sign(identity, &signature, choose_label(envelope), header.data,
                            header.data_bytes);
        write_all(writer, &header, signature.bytes, body, body_bytes);
    }
    sotto_writer_release(&header);
}

/* The last bytes of a seal, of the header and the bytes of the seal before them. */
static void find_mac(uint8_t out[MAC_BYTES], const struct envelope *envelope,
                     const struct session_keys *keys, const uint8_t *header, const uint8_t *seal)
{
    const uint8_t *key = envelope->is_response ? keys->response : keys->request;
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, key, sizeof keys->request, MAC_BYTES);
    (void)crypto_generichash_update(&state, header, ENVELOPE_HEADER_BYTES);
    (void)crypto_generichash_update(&state, seal, SEAL_BYTES - MAC_BYTES);
    (void)crypto_generichash_final(&state, out, MAC_BYTES);
}

void envelope_write_sealed(struct sotto_writer *writer, const struct sotto_key *from,
                           const struct envelope *envelope, const struct session_keys *keys,
                           const struct session_pass *pass, const void *body, size_t body_bytes)
{
    struct sotto_writer header;
    uint8_t seal[SEAL_BYTES] = {0};
    write_header(&header, from, envelope, body, body_bytes);
    if (sotto_writer_status(&header) != SOTTO_OK) {
        writer->failed = true;
    } else {
        if (pass != NULL) {
            memcpy(seal, pass->share, SHARE_BYTES);
            memcpy(seal + SHARE_BYTES, pass->ticket, TICKET_BYTES);
        }
        find_mac(seal + SEAL_BYTES - MAC_BYTES, envelope, keys, header.data, seal);
        write_all(writer, &header, seal, body, body_bytes);
    }
    sotto_writer_release(&header);
}

enum sotto_status envelope_read(struct envelope *out, const uint8_t *prefix, size_t prefix_bytes)
{
    struct sotto_reader reader;
    struct envelope envelope = {0};
    sotto_reader_init(&reader, prefix, prefix_bytes);
    const uint8_t *magic = sotto_read_bytes(&reader, sizeof envelope_magic);
    uint8_t version = sotto_read_u8(&reader);
    uint8_t type = sotto_read_u8(&reader);
    sotto_read_copy(&reader, envelope.from.bytes, sizeof envelope.from.bytes);
    sotto_read_copy(&reader, envelope.to.bytes, sizeof envelope.to.bytes);
    sotto_read_copy(&reader, envelope.session.bytes, SESSION_BYTES);
    envelope.counter = sotto_read_u64(&reader);
    envelope.body_bytes = sotto_read_u32(&reader);
    sotto_read_copy(&reader, envelope.body_hash, sizeof envelope.body_hash);
    (void)sotto_read_bytes(&reader, SEAL_BYTES);
    envelope.is_response = (type & RESPONSE_BIT) != 0;
    envelope.type = type & (uint8_t)~RESPONSE_BIT;
    if (!sotto_reader_finished(&reader) || magic == NULL ||
        memcmp(magic, envelope_magic, sizeof envelope_magic) != 0 || version != ENVELOPE_VERSION ||
        envelope.type < ENVELOPE_HELLO || envelope.type > ENVELOPE_MESSAGE) {
        return SOTTO_ERROR_INPUT;
    }
    *out = envelope;
    return SOTTO_OK;
}

bool envelope_is_of_another_version(const uint8_t prefix[ENVELOPE_PREFIX_BYTES])
{
    return memcmp(prefix, envelope_magic, sizeof envelope_magic) == 0 &&
           prefix[sizeof envelope_magic] != ENVELOPE_VERSION;
}

bool envelope_is_signed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct sotto_key *key)
{
    struct sotto_signature signature;
    memcpy(signature.bytes, prefix + ENVELOPE_HEADER_BYTES, sizeof signature.bytes);
    return sotto_key_verify(key, &signature, choose_label(envelope), prefix, ENVELOPE_HEADER_BYTES);
}

bool envelope_is_sealed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct session_keys *keys)
{
    const uint8_t *seal = prefix + ENVELOPE_HEADER_BYTES;
    uint8_t mac[MAC_BYTES];
    find_mac(mac, envelope, keys, prefix, seal);
    return sotto_equal_ct(mac, seal + SEAL_BYTES - MAC_BYTES, MAC_BYTES);
}

bool envelope_body_matches(const struct envelope *envelope, const void *body, size_t body_bytes)
{
    uint8_t hash[ENVELOPE_HASH_BYTES];
    hash_body(hash, body, body_bytes);
    return body_bytes == envelope->body_bytes &&
           memcmp(hash, envelope->body_hash, sizeof hash) == 0;
}
