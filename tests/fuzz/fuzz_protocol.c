/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of peers, in every place where they are read. The envelope is sealed here with the right
 * keys, so that bodies are reached: a hostile peer has keys too.
 *
 * input[0] chooses the reader, input[1] the message type, the rest is the body. */
#include "world.h"

#include "federation/verified.h"
#include <sotto/secret.h>

static const struct sotto_vector_run runs[] = {{8, 1}, {16, 1}, {272, 1}};

enum reader { READ_RAW, READ_ROSTER, READ_PARTY, READ_AGGREGATOR, READ_TASK, READERS_LEN };

static const enum sotto_message_type party_types[] = {SOTTO_MESSAGE_SHARES, SOTTO_MESSAGE_LIVING,
                                                      SOTTO_MESSAGE_UNMASK, SOTTO_MESSAGE_WITHDRAW};
static const enum sotto_message_type aggregator_types[] = {
    SOTTO_MESSAGE_DEAL,   SOTTO_MESSAGE_MASKED,    SOTTO_MESSAGE_CONSENT,
    SOTTO_MESSAGE_REVEAL, SOTTO_MESSAGE_COMPLAINT, SOTTO_MESSAGE_RELEASE};
static const enum sotto_message_type task_types[] = {SOTTO_MESSAGE_INVITATION, SOTTO_MESSAGE_REOPEN,
                                                     SOTTO_MESSAGE_FINISH,     SOTTO_MESSAGE_ROSTER,
                                                     SOTTO_MESSAGE_ADVERT,     SOTTO_MESSAGE_LEAVE};

static void read_raw(const uint8_t *data, size_t data_bytes)
{
    struct sotto_message message;
    struct sotto_message_route route;
    (void)!sotto_message_open(&message, data, data_bytes, NULL);
    (void)sotto_message_route(&route, data, data_bytes);
}

/* A body in a message of this world, opened again. */
static enum sotto_status seal(const struct world *world, struct sotto_buffer *bytes,
                              struct sotto_message *message, const struct sotto_identity *identity,
                              enum sotto_message_type type, const uint8_t *session,
                              const uint8_t *body, size_t body_bytes)
{
    world_seal(world, bytes, identity, type, session, body, body_bytes);
    return sotto_message_open(message, bytes->data, bytes->data_bytes, NULL);
}

static void read_roster(const struct world *world, const uint8_t *body, size_t body_bytes)
{
    struct sotto_buffer bytes;
    struct sotto_message message;
    struct sotto_roster roster;
    if (seal(world, &bytes, &message, world->aggregator_identity, SOTTO_MESSAGE_ROSTER, NULL, body,
             body_bytes) == SOTTO_OK &&
        sotto_roster_open(&roster, bytes.data, bytes.data_bytes, &world->terms.invitation, NULL) ==
            SOTTO_OK) {
        sotto_roster_release(&roster);
    }
    sotto_buffer_release(&bytes);
}

/* Loses every message of the type in inspect_context and after it: everybody waits for it. */
static bool stop_before(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const enum sotto_message_type *type = world->inspect_context;
    return sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes) &&
           message.type != *type;
}

static void read_session(struct world *world, enum sotto_message_type type, bool to_party,
                         const uint8_t *body, size_t body_bytes)
{
    struct sotto_buffer bytes;
    struct sotto_message message;
    struct sotto_message first;
    world->inspect = stop_before;
    world->inspect_context = &type;
    if (world_start(world) != SOTTO_OK || world_deliver(world) != SOTTO_OK) {
        return;
    }
    /* The session id stands in whatever party 0 said last; take it from a message of its own. */
    struct sotto_leave leave = {.reason = SOTTO_ERROR_IO};
    struct sotto_action action;
    if (sotto_session_party_leave(world->parties[1].session, &leave) != SOTTO_OK ||
        !sotto_session_party_next(world->parties[1].session, &action)) {
        return;
    }
    if (sotto_message_parse(&first, action.bytes.data, action.bytes.data_bytes) &&
        seal(world, &bytes, &message,
             to_party ? world->aggregator_identity : world->parties[0].identity, type,
             first.session, body, body_bytes) == SOTTO_OK) {
        if (to_party) {
            (void)!sotto_session_party_receive(world->parties[0].session, &message, NULL);
        } else {
            (void)!sotto_session_aggregator_receive(world->aggregator, &message, NULL);
        }
        sotto_buffer_release(&bytes);
    }
    sotto_action_release(&action);
}

/* What a disk has of a task. */
static void read_past(const struct sotto_task_party_config *config, const uint8_t *body,
                      size_t body_bytes)
{
    struct sotto_task_party *task = NULL;
    struct sotto_buffer kept = {0};
    if (sotto_buffer_copy(&kept, body, body_bytes) != SOTTO_OK) {
        return;
    }
    struct sotto_task_party_past past = {
        .kept = &kept, .kept_len = 1, .pledge = body, .pledge_bytes = body_bytes};
    if (sotto_task_party_resume(&task, config, &past, NULL) == SOTTO_OK) {
        sotto_task_party_free(task);
    }
    sotto_buffer_release(&kept);
}

static void read_task(const struct world *world, enum sotto_message_type type, const uint8_t *body,
                      size_t body_bytes)
{
    struct sotto_buffer bytes;
    struct sotto_task_party *task = NULL;
    struct sotto_leave leave;
    struct sotto__finish finish;
    struct sotto__shown opened;
    struct sotto_dispute dispute;
    uint8_t shown[SOTTO_DIGEST_BYTES];
    struct sotto_message message;
    struct sotto_peer peer = {.key = sotto_identity_key(world->aggregator_identity), .name = "a"};
    struct sotto_task_party_config config = {.identity = world->parties[0].identity,
                                             .random = world->random,
                                             .peers = &peer,
                                             .peers_len = 1};
    if (seal(world, &bytes, &message, world->aggregator_identity, type, NULL, body, body_bytes) ==
        SOTTO_OK) {
        (void)sotto_leave_parse(&leave, &message);
        (void)sotto__finish_parse(&finish, &message);
        (void)sotto__opened_parse(&opened, &message);
        (void)sotto__dispute_parse(&dispute, shown, &message);
        if (sotto_task_party_new(&task, &config, bytes.data, bytes.data_bytes, NULL) == SOTTO_OK) {
            sotto_task_party_free(task);
        }
        read_past(&config, body, body_bytes);
    }
    sotto_buffer_release(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    struct sotto_random_stream stream;
    struct world world;
    if (data_bytes < 2 || sotto_init() != SOTTO_OK) {
        return 0;
    }
    const uint8_t *body = data + 2;
    size_t body_bytes = data_bytes - 2;
    if (data[0] % READERS_LEN == READ_RAW) {
        read_raw(body, body_bytes);
        return 0;
    }
    if (world_init(&world, 3, runs, 3, 3, sotto_random_seeded(&stream, 1, 1)) == SOTTO_OK) {
        switch (data[0] % READERS_LEN) {
        case READ_ROSTER:
            read_roster(&world, body, body_bytes);
            break;
        case READ_PARTY:
            read_session(&world, party_types[data[1] % 4], true, body, body_bytes);
            break;
        case READ_AGGREGATOR:
            read_session(&world, aggregator_types[data[1] % 6], false, body, body_bytes);
            break;
        default:
            read_task(&world, task_types[data[1] % 6], body, body_bytes);
            break;
        }
    }
    world_release(&world);
    return 0;
}
