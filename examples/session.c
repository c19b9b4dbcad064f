/* SPDX-License-Identifier: Apache-2.0 */

/* One secure sum between processes that talk over TCP: session.h and a transport, nothing else.
 *
 *     session key NAME              makes NAME.key, and prints the line "NAME KEY"
 *     session sum KEYS NAME PORT    runs a sum of all others in the file KEYS, and prints it
 *     session join KEYS NAME PORT VALUE
 *
 * KEYS has the lines of all, the aggregator's first: so everybody knows everybody's key, and takes
 * nobody else's word. A frame is a length, four bytes least significant first, and a message. The
 * aggregator's first frame is the random id of the task. What is not here: TLS, other hosts than
 * this one, another attempt after a loss (sotto/task.h has that). */

#define _DEFAULT_SOURCE /* sockets, beside C17 */

#include <arpa/inet.h>
#include <poll.h>
#include <sotto/secret.h>
#include <sotto/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define PEERS_MAX 64
#define FRAME_BYTES_MAX ((size_t)1024 * 1024)
#define STEP_MS 10000 /* who has not answered a step by then is lost */
#define VALUES_LEN 1

static const struct sotto_vector_run run = {8, VALUES_LEN}; /* integers modulo 2^64 */

struct peer {
    char name[64];
    struct sotto_key key;
    int fd; /* the aggregator's connection to it; -1: none */
};
static struct peer peers[PEERS_MAX];
static size_t peers_len;

/* This is an example: what fails ends the program. A host with more to do than this looks at each
 * status, and goes on without who is lost. */
static void check(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "session: %s\n", what);
        exit(1);
    }
}

static void check_status(enum sotto_status status, const struct sotto_error *err)
{
    check(status == SOTTO_OK, err != NULL ? err->text : sotto_status_text(status));
}

/* --- Keys --- */

static void make_key(const char *name)
{
    char path[128];
    char text[SOTTO_KEY_TEXT_BYTES];
    uint8_t seed[SOTTO_IDENTITY_SEED_BYTES];
    struct sotto_identity *identity;
    check_status(sotto_identity_generate(&identity, sotto_random_system()), NULL);
    (void)snprintf(path, sizeof path, "%.100s.key", name);
    (void)umask(0077);
    FILE *file = fopen(path, "wbx");
    sotto_identity_seed(identity, seed);
    check(file != NULL && fwrite(seed, 1, sizeof seed, file) == sizeof seed && fclose(file) == 0,
          "expected a name whose .key is not there yet");
    sotto_wipe(seed, sizeof seed);
    struct sotto_key key = sotto_identity_key(identity);
    sotto_key_to_text(&key, text);
    (void)printf("%s %s\n", name, text);
    sotto_identity_free(identity);
}

static struct sotto_identity *load_key(const char *name)
{
    char path[128];
    uint8_t seed[SOTTO_IDENTITY_SEED_BYTES];
    struct sotto_identity *identity;
    (void)snprintf(path, sizeof path, "%.100s.key", name);
    FILE *file = fopen(path, "rb");
    check(file != NULL && fread(seed, 1, sizeof seed, file) == sizeof seed, "no such key");
    (void)fclose(file);
    check_status(sotto_identity_from_seed(&identity, seed), NULL);
    sotto_wipe(seed, sizeof seed);
    return identity;
}

static void load_peers(const char *path)
{
    char text[128];
    FILE *file = fopen(path, "r");
    check(file != NULL, "the file of keys is not there");
    while (peers_len < PEERS_MAX && fscanf(file, "%63s %127s", peers[peers_len].name, text) == 2) {
        check_status(sotto_key_from_text(&peers[peers_len].key, text), NULL);
        peers[peers_len++].fd = -1;
    }
    (void)fclose(file);
}

/* Returns: NULL of who is not in the file. */
static struct peer *find_peer(const struct sotto_key *key)
{
    for (size_t i = 0; i < peers_len; i++) {
        if (sotto_key_equal(&peers[i].key, key)) {
            return &peers[i];
        }
    }
    return NULL;
}

/* --- Frames --- */

static bool send_all(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

static bool send_frame(int fd, const void *data, size_t bytes)
{
    uint8_t length[8];
    sotto_store_u64(length, bytes);
    return send_all(fd, length, 4) && send_all(fd, data, bytes);
}

static bool receive_all(int fd, uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = recv(fd, data, bytes, 0);
        if (got <= 0) {
            return false;
        }
        data += got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Returns: false if the other side has gone, or sends what can't be. Ownership: *out is ended by
 * free, and borrowed by a message that is opened of it. */
static bool receive_frame(int fd, uint8_t **out, size_t *out_bytes)
{
    uint8_t length[8] = {0};
    if (!receive_all(fd, length, 4) || sotto_load_u64(length) > FRAME_BYTES_MAX) {
        return false;
    }
    *out_bytes = (size_t)sotto_load_u64(length);
    *out = malloc(*out_bytes + 1);
    check(*out != NULL, "no memory");
    if (!receive_all(fd, *out, *out_bytes)) {
        free(*out);
        return false;
    }
    return true;
}

static struct sockaddr_in address_of(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(port)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* What all must have word for word: else their sessions have other ids, and refuse each other. */
static struct sotto_session_terms make_terms(const uint8_t task[SOTTO_TASK_ID_BYTES])
{
    static const char agreement[] = "one integer of 64 bits";
    struct sotto_session_terms terms = {
        .invitation = {.label = {.round = 1, .attempt = 1}, .aggregator = peers[0].key},
        .min_parties = 3,
        .runs = &run,
        .runs_len = 1,
    };
    memcpy(terms.invitation.label.task.bytes, task, SOTTO_TASK_ID_BYTES);
    sotto_digest(terms.invitation.plan_digest, "example plan", "a sum", 5);
    sotto_digest(terms.agreement, "example agreement", agreement, sizeof agreement);
    return terms;
}

/* --- The aggregator --- */

/* Waits for everybody's ADVERT: who connects is who signed one. Returns: how many came. */
static size_t gather(struct sotto_buffer *adverts, int listener,
                     const struct sotto_session_terms *terms)
{
    size_t len = 0;
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    while (len + 1 < peers_len && poll(&ready, 1, STEP_MS) == 1) {
        struct sotto_advert advert;
        uint8_t *frame;
        size_t bytes;
        int fd = accept(listener, NULL, NULL);
        const struct timeval step = {.tv_sec = STEP_MS / 1000};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof step); /* half a frame too */
        if (!send_frame(fd, terms->invitation.label.task.bytes, SOTTO_TASK_ID_BYTES) ||
            !receive_frame(fd, &frame, &bytes)) {
            (void)close(fd);
            continue;
        }
        bool is_advert =
            sotto_advert_open(&advert, frame, bytes, &terms->invitation, NULL) == SOTTO_OK;
        struct peer *peer = is_advert ? find_peer(&advert.sender) : NULL;
        if (peer != NULL && peer->fd < 0 && peer != &peers[0]) {
            peer->fd = fd;
            check_status(sotto_buffer_copy(&adverts[len++], frame, bytes), NULL);
        } else {
            (void)close(fd);
        }
        free(frame);
    }
    return len;
}

static void lose(struct sotto_session_aggregator *aggregator, struct peer *peer)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(aggregator);
    (void)close(peer->fd);
    peer->fd = -1;
    (void)!sotto_session_aggregator_drop(aggregator, sotto_roster_find(roster, &peer->key));
}

static void send_actions(struct sotto_session_aggregator *aggregator)
{
    struct sotto_action action;
    while (sotto_session_aggregator_next(aggregator, &action)) {
        struct peer *peer = find_peer(&action.peer);
        if (action.kind == SOTTO_ACTION_SEND && peer != NULL && peer->fd >= 0 &&
            !send_frame(peer->fd, action.bytes.data, action.bytes.data_bytes)) {
            lose(aggregator, peer);
        }
        sotto_action_release(&action);
    }
}

/* Takes a frame of whoever has one; who is gone is dropped. */
static void take_frames(struct sotto_session_aggregator *aggregator)
{
    struct pollfd ready[PEERS_MAX];
    for (size_t i = 0; i < peers_len; i++) {
        ready[i] = (struct pollfd){.fd = peers[i].fd, .events = POLLIN};
    }
    if (poll(ready, peers_len, STEP_MS) <= 0) {
        (void)!sotto_session_aggregator_expire(aggregator);
        return;
    }
    for (size_t i = 0; i < peers_len; i++) {
        struct sotto_error err = {0};
        struct sotto_message message;
        uint8_t *frame;
        size_t bytes;
        if (peers[i].fd < 0 || ready[i].revents == 0) {
            continue;
        }
        if (!receive_frame(peers[i].fd, &frame, &bytes)) {
            lose(aggregator, &peers[i]);
            continue;
        }
        /* What is wrong changes nothing; a host would log it. */
        if (sotto_message_open(&message, frame, bytes, &err) != SOTTO_OK ||
            !sotto_key_equal(&message.sender, &peers[i].key) ||
            sotto_session_aggregator_receive(aggregator, &message, &err) != SOTTO_OK) {
            (void)fprintf(stderr, "session: %s: %s\n", peers[i].name, err.text);
        }
        free(frame);
    }
}

static void run_sum(struct sotto_identity *identity, const char *port)
{
    uint8_t task[SOTTO_TASK_ID_BYTES];
    struct sotto_buffer adverts[PEERS_MAX] = {{0}};
    struct sotto_roster roster;
    struct sotto_error err = {0};
    struct sotto_session_aggregator *aggregator;
    struct sotto_random random = sotto_random_system();
    struct sockaddr_in address = address_of(port);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
              listen(listener, PEERS_MAX) == 0,
          "can't listen on that port");
    check_status(random.fill(random.context, task, sizeof task), NULL);
    struct sotto_session_terms terms = make_terms(task);
    size_t len = gather(adverts, listener, &terms);
    check_status(
        sotto_roster_make(&roster, adverts, len, &terms.invitation, &terms.graph, identity, &err),
        &err);
    check_status(sotto_session_aggregator_new(&aggregator, identity, &roster, &terms, &err), &err);
    send_actions(aggregator);
    enum sotto_aggregator_phase phase = SOTTO_AGGREGATOR_DEALING;
    while (phase < SOTTO_AGGREGATOR_SUMMED) {
        take_frames(aggregator);
        send_actions(aggregator);
        phase = sotto_session_aggregator_phase(aggregator);
    }
    bool is_final;
    if (phase != SOTTO_AGGREGATOR_SUMMED) {
        check_status(sotto_session_aggregator_failure(aggregator, &is_final, &err), &err);
    }
    size_t bytes;
    (void)printf("sum %llu\n", (unsigned long long)sotto_load_u64(
                                   sotto_session_aggregator_sum(aggregator, &bytes)));
    sotto_session_aggregator_free(aggregator);
    for (size_t i = 0; i < len; i++) {
        sotto_buffer_release(&adverts[i]);
    }
    (void)close(listener);
}

/* --- A party --- */

/* What leaves after a PLEDGE or RECORD can be opened by others without this party: so it is
 * written down first, and a host that starts again and finds one takes part in that sum no more. */
static void keep(const char *name, const struct sotto_buffer *bytes)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%.100s.pledge", name);
    FILE *file = fopen(path, "wb");
    check(file != NULL && fwrite(bytes->data, 1, bytes->data_bytes, file) == bytes->data_bytes &&
              fflush(file) == 0 && fsync(fileno(file)) == 0 && fclose(file) == 0,
          "can't write the pledge");
}

static void do_actions(struct sotto_session_party *party, int fd, const char *name)
{
    struct sotto_action action;
    while (sotto_session_party_next(party, &action)) {
        if (action.kind == SOTTO_ACTION_SEND) {
            check(send_frame(fd, action.bytes.data, action.bytes.data_bytes), "the sum has ended");
        } else if (action.kind == SOTTO_ACTION_PLEDGE || action.kind == SOTTO_ACTION_RECORD) {
            keep(name, &action.bytes);
            check_status(sotto_session_party_recorded(party), NULL);
        }
        sotto_action_release(&action);
    }
}

/* The ROSTER comes first, and is start's, not receive's: its senders are for the host to check. */
static void start(struct sotto_session_party *party, const struct sotto_session_terms *terms,
                  int fd)
{
    struct sotto_roster roster;
    struct sotto_error err = {0};
    uint8_t *frame;
    size_t bytes;
    check(receive_frame(fd, &frame, &bytes), "the sum has ended");
    check_status(sotto_roster_open(&roster, frame, bytes, &terms->invitation, &err), &err);
    free(frame);
    for (uint32_t i = 0; i < roster.adverts_len; i++) {
        check(find_peer(&roster.adverts[i].sender) != NULL, "the roster has a stranger");
    }
    check_status(sotto_session_party_start(party, &roster, terms, &err), &err);
}

static void join(struct sotto_identity *identity, const char *name, const char *port,
                 uint64_t value)
{
    struct sotto_error err = {0};
    struct sotto_session_party *party;
    struct sotto_session_demands demands = {.needs_consent = true};
    struct sockaddr_in address = address_of(port);
    uint8_t vector[8 * VALUES_LEN];
    uint8_t *frame;
    size_t bytes;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "nobody is at that port");
    check(receive_frame(fd, &frame, &bytes) && bytes == SOTTO_TASK_ID_BYTES, "no task");
    struct sotto_session_terms terms = make_terms(frame);
    free(frame);
    check_status(sotto_session_party_new(&party, identity, sotto_random_system(), &terms.invitation,
                                         &demands, NULL, 0),
                 NULL);
    do_actions(party, fd, name);
    start(party, &terms, fd);
    sotto_store_u64(vector, value);
    check_status(sotto_session_party_input(party, vector, sizeof vector), NULL);
    do_actions(party, fd, name);
    while (sotto_session_party_phase(party) != SOTTO_PARTY_REVEALED) {
        struct sotto_message message;
        check(receive_frame(fd, &frame, &bytes), "the sum has ended");
        check_status(sotto_message_open(&message, frame, bytes, &err), &err);
        check_status(sotto_session_party_receive(party, &message, &err), &err);
        free(frame);
        do_actions(party, fd, name);
    }
    sotto_session_party_free(party);
    (void)close(fd);
}

int main(int argc, char **argv)
{
    check(sotto_init() == SOTTO_OK, "libsodium does not start");
    const char *command = argc > 2 ? argv[1] : "";
    if (strcmp(command, "key") == 0 && argc == 3) {
        make_key(argv[2]);
        return 0;
    }
    bool is_sum = strcmp(command, "sum") == 0 && argc == 5;
    check(is_sum || (strcmp(command, "join") == 0 && argc == 6),
          "expected key NAME, sum KEYS NAME PORT or join KEYS NAME PORT VALUE");
    load_peers(argv[2]);
    struct sotto_identity *identity = load_key(argv[3]);
    if (is_sum) {
        run_sum(identity, argv[4]);
    } else {
        join(identity, argv[3], argv[4], strtoull(argv[5], NULL, 10));
    }
    sotto_identity_free(identity);
    return 0;
}
