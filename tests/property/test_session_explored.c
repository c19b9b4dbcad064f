/* SPDX-License-Identifier: Apache-2.0 */
/* All that a lying aggregator can make honest parties do in a session, and on the way to another
 * one, with a party of its own.
 *
 * First the real machine: from each state that a party was brought into, also while its host writes
 * down what it asked for, every message of a list is tried, by doing all over again what led there;
 * and that its process ends, with or without that on its disk, which is all that it has then.
 * What it takes, and what it then says, makes a graph of some hundred states. The list is what a
 * liar can choose: of two dealings of its own party which one is shown, whom it calls living, of
 * two masked inputs which one it lists, whose consents it shows, whether it asks for a release, and
 * how many releases it shows.
 *
 * Then a search over these graphs, one for each honest party, in which nobody's signature is there
 * before it is given. Of all that can be reached at most one thing can be opened; a party that went
 * on to another session is in none that can; and never are there shares enough of both secrets of
 * anybody. A search in which a check is left out finds that it is needed. */
#include "test.h"
#include "world.h"

#include "aggregation/message/release.h"
#include "aggregation/session/session_aggregator.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

#define N_MAX 4
#define LIVING_MAX (N_MAX + 1)
#define VIEWS_MAX ((size_t)4 * LIVING_MAX)
#define NODES_MAX 256
#define PATH_MAX_LEN 10
/* The aggregator's own party. */
#define LIAR 0

/* What is opened with: a dealing of the liar's, the living, a masked input of the liar's. */
struct view {
    unsigned dealing;
    uint8_t living; /* of the roster */
    unsigned masked;
};

enum move_kind { SHARES, LIVING, UNMASK, WITHDRAW, RESTART, RECORDED, CRASH };

struct move {
    enum move_kind kind;
    size_t what; /* a dealing; a view (LIVING heeds no dealing); how many releases; of CRASH,
                    whether what was asked for is on the disk */
};

/* A state of a party. */
struct node {
    struct move path[PATH_MAX_LEN];
    size_t path_len;
    int dealing; /* that it took; -1: none yet */
    bool has_masked;
    bool is_asked; /* its host is writing down what it asked for */
    int shown;     /* the view of the LIVING that it took; -1: none */
    int consented; /* to which view; -1: to none */
    int revealed;  /* likewise */
    bool has_released;
    bool has_crashed;
    bool has_pledged;   /* on the disk */
    bool has_recorded;  /* likewise */
    bool has_restarted; /* terminal */
};

struct edge {
    size_t from;
    size_t to;
    struct move move;
};

struct graph {
    struct node nodes[NODES_MAX];
    size_t nodes_len;
    struct edge edges[NODES_MAX * 16];
    size_t edges_len;
};

/* The session that is played again and again. */
static uint32_t n;
static uint32_t threshold;
static struct view views[VIEWS_MAX];
static size_t views_len;
static uint8_t digests[2][N_MAX]
                      [SOTTO__HASH_BYTES];   /* of masked inputs; [1]: the liar's other one */
static struct sotto_buffer shares[2][N_MAX]; /* to each party, under both dealings */
static uint8_t dealings[2][SOTTO__HASH_BYTES];
static uint64_t replays;

/* Of the party that is played: what its host is writing down, and what is on its disk. */
static struct sotto_buffer asked;
static struct sotto_buffer disk;

/* --- The world --- */

static const uint16_t *lost_type;
static struct sotto_buffer *kept_shares;
static bool swaps_deal;

static uint32_t liar_index(const struct world *world)
{
    return world_index_of(world, LIAR);
}

static uint32_t spared;

/* The other dealing differs in what it says to the last of all, who complains: not used for it. */
static bool is_spoiled(uint32_t holder)
{
    return holder == spared;
}

static bool inspect(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (swaps_deal && message.type == SOTTO_MESSAGE_DEAL && letter->from == LIAR) {
        spared = (liar_index(world) + 1) % n;
        world_spoil_deal(&letter->bytes, world->parties[LIAR].identity, n, is_spoiled);
    }
    if (kept_shares != NULL && message.type == SOTTO_MESSAGE_SHARES) {
        assert_ok(sotto_buffer_copy(&kept_shares[letter->to], letter->bytes.data,
                                    letter->bytes.data_bytes));
    }
    return lost_type == NULL || message.type != *lost_type;
}

/* The same world each time, up to before messages of a type. */
static void begin(struct world *world, uint16_t until)
{
    static uint16_t type;
    type = until;
    lost_type = &type;
    world_make(world, n, 100 + n);
    world->inspect = inspect;
    assert_ok(world_start(world));
    assert_ok(world_deliver(world));
}

static void make_views(const struct world *world)
{
    views_len = 0;
    uint8_t all = (uint8_t)((1U << n) - 1);
    for (size_t i = 0; i < (size_t)n + 1; i++) {
        uint8_t living = i < n ? (uint8_t)(all & ~(1U << i)) : all;
        bool is_enough = n > 3 || living == all;
        bool has_liar = bitmap_get(&living, liar_index(world));
        for (unsigned k = 0; is_enough && k < (has_liar ? 4U : 2U); k++) {
            views[views_len++] = (struct view){.dealing = k % 2, .living = living, .masked = k / 2};
        }
    }
}

/* Plays honestly once, and once with the other dealing, to learn what messages are made of. */
static void learn(void)
{
    struct world world;
    uint16_t living = SOTTO_MESSAGE_LIVING;
    uint16_t dealt = SOTTO_MESSAGE_SHARES;
    kept_shares = shares[0];
    begin(&world, living);
    kept_shares = NULL;
    threshold = sotto_session_aggregator_roster(world.aggregator)->graph.threshold;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(digests[0][i], world.aggregator->members[i].masked_digest, SOTTO__HASH_BYTES);
        memcpy(digests[1][i], digests[0][i], SOTTO__HASH_BYTES);
    }
    digests[1][liar_index(&world)][0] ^= 1;
    memcpy(dealings[0], world.aggregator->dealings, SOTTO__HASH_BYTES);
    make_views(&world);
    world_release(&world);
    swaps_deal = true;
    kept_shares = shares[1];
    begin(&world, dealt);
    memcpy(dealings[1], world.aggregator->dealings, SOTTO__HASH_BYTES);
    kept_shares = NULL;
    swaps_deal = false;
    assert_memory_not_equal(dealings[0], dealings[1], SOTTO__HASH_BYTES);
    world_release(&world);
}

static void forget(void)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < N_MAX; j++) {
            sotto_buffer_release(&shares[i][j]);
        }
    }
    sotto_buffer_release(&asked);
    sotto_buffer_release(&disk);
}

/* --- Messages --- */

static size_t list_digests(uint8_t *out, const struct view *view)
{
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(&view->living, i)) {
            memcpy(out + len++ * SOTTO__HASH_BYTES, digests[view->masked][i], SOTTO__HASH_BYTES);
        }
    }
    return len * SOTTO__HASH_BYTES;
}

static void digest_view(uint8_t out[SOTTO__HASH_BYTES], const uint8_t *session,
                        const struct view *view)
{
    uint8_t all = (uint8_t)((1U << n) - 1);
    uint8_t masked[N_MAX * SOTTO__HASH_BYTES];
    (void)list_digests(masked, view);
    struct sotto__survivors survivors = {.session = session,
                                         .dealers = &all,
                                         .living = &view->living,
                                         .parties_len = n,
                                         .dealings = dealings[view->dealing],
                                         .masked = masked};
    sotto__survivors_digest(out, &survivors);
}

static void write_consents(const struct world *world, struct sotto_writer *writer,
                           const uint8_t *session, const struct view *view)
{
    uint8_t digest[SOTTO__HASH_BYTES];
    digest_view(digest, session, view);
    sotto_write_u32(writer, threshold);
    uint32_t left = threshold;
    for (uint32_t i = 0; i < n && left > 0; i++) {
        struct sotto_signature signature;
        if (bitmap_get(&view->living, i)) {
            sotto_identity_sign(world->parties[world_party_at(world, i)].identity, &signature,
                                SOTTO__SURVIVORS_LABEL, digest, sizeof digest);
            sotto_write_u32(writer, i);
            sotto_write_bytes(writer, signature.bytes, sizeof signature.bytes);
            left--;
        }
    }
}

/* With nothing but what it pledged, if it did. */
static enum sotto_status restart_from_disk(const struct world *world, const uint8_t *releases,
                                           size_t releases_bytes)
{
    struct sotto_key keys[N_MAX];
    struct sotto_session_pledge pledge;
    if (disk.data == NULL) {
        return SOTTO_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = sotto_identity_key(world->parties[world_party_at(world, i)].identity);
    }
    assert_true(sotto_session_pledge_read(&pledge, disk.data, disk.data_bytes));
    return sotto_session_pledge_may_restart(&pledge, keys, n, releases, releases_bytes, NULL);
}

static enum sotto_status restart(const struct world *world, uint32_t party, const uint8_t *session,
                                 size_t releases_len)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, 4096);
    sotto_write_u32(&writer, (uint32_t)releases_len);
    for (uint32_t i = 0; i < releases_len; i++) {
        struct sotto_signature signature;
        sotto__release_sign(&signature, session, world->parties[world_party_at(world, i)].identity);
        sotto_write_u32(&writer, i);
        sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    }
    const uint8_t *releases = releases_len > 0 ? writer.data : NULL;
    size_t releases_bytes = releases_len > 0 ? writer.data_bytes : 0;
    enum sotto_status status = world->parties[party].session != NULL
                                   ? sotto_session_party_may_restart(world->parties[party].session,
                                                                     releases, releases_bytes, NULL)
                                   : restart_from_disk(world, releases, releases_bytes);
    sotto_writer_release(&writer);
    return status;
}

static void write_down(void)
{
    if (asked.data != NULL) {
        sotto_buffer_release(&disk);
        disk = asked;
        asked = (struct sotto_buffer){0};
    }
}

/* The process ends. Returns: SOTTO_ERROR_STATE where nothing is being written down that could be on
 * the disk. */
static enum sotto_status crash(struct world *world, uint32_t party, bool is_written)
{
    if (is_written && asked.data == NULL) {
        return SOTTO_ERROR_STATE;
    }
    if (is_written) {
        write_down();
    }
    sotto_session_party_free(world->parties[party].session);
    world->parties[party].session = NULL;
    return SOTTO_OK;
}

static enum sotto_status play(struct world *world, uint32_t party, const struct move *move)
{
    uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto_buffer bytes;
    struct sotto_writer writer;
    enum sotto_message_type type = SOTTO_MESSAGE_WITHDRAW;
    sotto__session_id(session, sotto_session_aggregator_roster(world->aggregator), &world->terms);
    if (move->kind == RESTART) {
        return restart(world, party, session, move->what);
    }
    if (move->kind == CRASH) {
        return crash(world, party, move->what == 1);
    }
    if (move->kind == RECORDED) {
        write_down();
        struct sotto_session_party *asker = world->parties[party].session;
        enum sotto_party_phase phase = sotto_session_party_phase(asker);
        return phase == SOTTO_PARTY_MASKING || phase == SOTTO_PARTY_RECORDING
                   ? sotto_session_party_recorded(asker)
                   : SOTTO_ERROR_STATE; /* given up meanwhile */
    }
    if (move->kind == SHARES) {
        return world_give(world, party, &shares[move->what][party], NULL);
    }
    sotto_writer_init(&writer, 4096);
    if (move->kind == LIVING) {
        uint8_t body[N_MAX * SOTTO__HASH_BYTES];
        const struct view *view = &views[move->what];
        sotto_write_u8(&writer, view->living);
        sotto_write_bytes(&writer, body, list_digests(body, view));
        type = SOTTO_MESSAGE_LIVING;
    } else if (move->kind == UNMASK) {
        write_consents(world, &writer, session, &views[move->what]);
        type = SOTTO_MESSAGE_UNMASK;
    }
    world_seal(world, &bytes, world->aggregator_identity, type, session,
               writer.data_bytes > 0 ? writer.data : NULL, writer.data_bytes);
    sotto_writer_release(&writer);
    enum sotto_status status = world_give(world, party, &bytes, NULL);
    sotto_buffer_release(&bytes);
    return status;
}

/* --- What a party does --- */

static int find_consented(const struct world *world, uint32_t party,
                          const struct sotto_message *message)
{
    struct sotto_key key = sotto_identity_key(world->parties[party].identity);
    struct sotto_signature signature;
    assert_int_equal(message->body_bytes, sizeof signature.bytes);
    memcpy(signature.bytes, message->body, sizeof signature.bytes);
    int found = -1;
    for (size_t i = 0; i < views_len; i++) {
        uint8_t digest[SOTTO__HASH_BYTES];
        digest_view(digest, message->session, &views[i]);
        if (sotto_key_verify(&key, &signature, SOTTO__SURVIVORS_LABEL, digest, sizeof digest)) {
            assert_int_equal(found, -1);
            found = (int)i;
        }
    }
    assert_int_not_equal(found, -1); /* it signs nothing else */
    return found;
}

static void see_sent(const struct world *world, uint32_t party, struct node *node,
                     const struct sotto_buffer *bytes)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, bytes->data, bytes->data_bytes));
    switch (message.type) {
    case SOTTO_MESSAGE_MASKED:
        node->has_masked = true;
        break;
    case SOTTO_MESSAGE_CONSENT: {
        int view = find_consented(world, party, &message);
        assert_true(node->consented == -1 || node->consented == view);
        assert_false(node->has_released);
        node->consented = view;
        break;
    }
    case SOTTO_MESSAGE_REVEAL:
        assert_int_not_equal(node->consented, -1);
        assert_true(node->revealed == -1 || node->revealed == node->consented);
        node->revealed = node->consented;
        break;
    case SOTTO_MESSAGE_RELEASE:
        assert_int_equal(node->consented, -1);
        node->has_released = true;
        break;
    default:
        fail_msg("a party says type %d", message.type);
    }
}

/* Takes note of what the party does; what it has to write down is on disk after a move. */
static void see(struct world *world, uint32_t party, struct node *node)
{
    struct sotto_session_party *session = world->parties[party].session;
    struct sotto_action action;
    while (session != NULL && sotto_session_party_next(session, &action)) {
        if (action.kind == SOTTO_ACTION_SEND) {
            see_sent(world, party, node, &action.bytes);
        } else if (action.kind == SOTTO_ACTION_PLEDGE || action.kind == SOTTO_ACTION_RECORD) {
            node->is_asked = true;
            sotto_buffer_release(&asked);
            asked = action.bytes;
            action.bytes = (struct sotto_buffer){0};
        }
        sotto_action_release(&action);
    }
}

static void see_disk(struct node *node)
{
    struct sotto_session_pledge pledge = {0};
    node->has_pledged = disk.data != NULL;
    if (node->has_pledged) {
        assert_true(sotto_session_pledge_read(&pledge, disk.data, disk.data_bytes));
    }
    node->has_recorded = pledge.may_have_consented;
    node->is_asked = node->is_asked && !node->has_crashed;
}

/* Makes a party do again what led to a node, and then a move. Returns: whether it takes it; *out is
 * then the node that it leads to. */
static bool try_move(const struct node *from, struct node *out, uint32_t party,
                     const struct move *move)
{
    struct world world;
    begin(&world, SOTTO_MESSAGE_SHARES);
    sotto_buffer_release(&asked);
    sotto_buffer_release(&disk);
    *out = (struct node){.dealing = -1, .shown = -1, .consented = -1, .revealed = -1};
    for (size_t i = 0; i < from->path_len; i++) {
        out->is_asked = out->is_asked && from->path[i].kind != RECORDED;
        assert_ok(play(&world, party, &from->path[i]));
        see(&world, party, out);
    }
    out->is_asked = out->is_asked && move->kind != RECORDED;
    bool is_taken = play(&world, party, move) == SOTTO_OK;
    see(&world, party, out);
    out->dealing = from->dealing;
    out->shown = from->shown;
    if (is_taken) {
        out->shown = move->kind == LIVING ? (int)move->what : out->shown;
        memcpy(out->path, from->path, sizeof out->path);
        out->path_len = from->path_len;
        out->dealing = move->kind == SHARES ? (int)move->what : out->dealing;
        out->has_restarted = move->kind == RESTART;
        out->has_crashed = from->has_crashed || move->kind == CRASH;
        see_disk(out);
        assert_true(out->path_len < PATH_MAX_LEN);
        out->path[out->path_len++] = *move;
    } else {
        assert_int_equal(out->consented, from->consented); /* what is refused changes nothing */
        assert_int_equal(out->revealed, from->revealed);
        assert_int_equal(out->has_masked, from->has_masked);
    }
    world_release(&world);
    replays++;
    return is_taken;
}

/* --- The graph of a party --- */

static bool is_same(const struct node *a, const struct node *b)
{
    return a->dealing == b->dealing && a->has_masked == b->has_masked &&
           a->is_asked == b->is_asked && a->shown == b->shown && a->consented == b->consented &&
           a->revealed == b->revealed && a->has_released == b->has_released &&
           a->has_crashed == b->has_crashed && a->has_pledged == b->has_pledged &&
           a->has_recorded == b->has_recorded && a->has_restarted == b->has_restarted;
}

static size_t find_node(struct graph *graph, const struct node *node)
{
    size_t i = 0;
    while (i < graph->nodes_len && !is_same(&graph->nodes[i], node)) {
        i++;
    }
    if (i == graph->nodes_len) {
        assert_true(graph->nodes_len < NODES_MAX);
        graph->nodes[graph->nodes_len++] = *node;
    }
    return i;
}

static void explore_move(struct graph *graph, size_t from, uint32_t party, struct move move)
{
    struct node next;
    struct node at = graph->nodes[from];
    if (!try_move(&at, &next, party, &move)) {
        return;
    }
    size_t to = find_node(graph, &next);
    assert_true(graph->edges_len < sizeof graph->edges / sizeof graph->edges[0]);
    graph->edges[graph->edges_len++] = (struct edge){from, to, move};
}

static void explore_restarts(struct graph *graph, size_t from, uint32_t party)
{
    for (size_t k = 0; k <= n; k++) {
        explore_move(graph, from, party, (struct move){RESTART, k});
    }
}

/* Tries all moves in all states that can be reached; of one party, that its process ends, too. */
static void explore(struct graph *graph, uint32_t party, uint32_t last, bool crashes)
{
    static const struct node first = {.dealing = -1, .shown = -1, .consented = -1, .revealed = -1};
    *graph = (struct graph){.nodes = {first}, .nodes_len = 1};
    for (size_t i = 0; i < graph->nodes_len; i++) {
        if (graph->nodes[i].has_restarted) {
            continue; /* the session is gone */
        }
        if (graph->nodes[i].has_crashed) {
            explore_restarts(graph, i, party);
            continue;
        }
        for (size_t k = 0; crashes && k < 2; k++) {
            explore_move(graph, i, party, (struct move){CRASH, k});
        }
        for (size_t k = 0; k < (party == last ? 1U : 2U); k++) {
            explore_move(graph, i, party, (struct move){SHARES, k});
        }
        for (size_t k = 0; k < views_len; k++) {
            if (views[k].dealing == 0) {
                explore_move(graph, i, party, (struct move){LIVING, k});
            }
            explore_move(graph, i, party, (struct move){UNMASK, k});
        }
        if (graph->nodes[i].is_asked) {
            explore_move(graph, i, party, (struct move){RECORDED, 0});
        }
        explore_move(graph, i, party, (struct move){WITHDRAW, 0});
        explore_restarts(graph, i, party);
    }
}

/* --- All parties together --- */

/* Checks that a search leaves out. */
enum left_out {
    NOTHING,
    ONE_CONSENT,
    RELEASED_IS_OVER,
    ALL_RELEASES,
    PLEDGE_IS_KEPT, /* a restarted party knows no more that it masked */
    LOST_IS_OVER,   /* a restarted party could still consent where it masked */
    LEFT_OUT_LEN
};

struct search {
    const struct graph *graphs; /* of parties 1, 2, ... */
    size_t honest_len;
    uint32_t index[N_MAX]; /* of each party in the roster */
    enum left_out left_out;
    uint8_t *seen;
    uint64_t *queue;
    uint64_t states;
    bool has_failed;
};

/* Where the honest parties are: a digit of base NODES_MAX each. */
static const struct node *node_of(const struct search *search, uint64_t state, size_t honest)
{
    for (size_t i = 0; i < honest; i++) {
        state /= NODES_MAX;
    }
    return &search->graphs[honest].nodes[state % NODES_MAX];
}

/* Consents to a view that the aggregator has, or can make: its own party's. */
static uint32_t count_consents(const struct search *search, uint64_t state, size_t view)
{
    uint32_t found = bitmap_get(&views[view].living, search->index[LIAR]);
    for (size_t i = 0; i < search->honest_len; i++) {
        const struct node *node = node_of(search, state, i);
        found += node->consented == (int)view;
        /* Left out: a party that consented once, or gave the session up, consents to all. */
        found += search->left_out == ONE_CONSENT && node->consented != -1 &&
                 node->consented != (int)view &&
                 bitmap_get(&views[view].living, search->index[i + 1]);
        found += search->left_out == RELEASED_IS_OVER && node->has_released && node->has_masked &&
                 bitmap_get(&views[view].living, search->index[i + 1]);
        found += search->left_out == LOST_IS_OVER && node->has_crashed && node->has_masked &&
                 node->consented != (int)view &&
                 bitmap_get(&views[view].living, search->index[i + 1]);
    }
    return found;
}

static uint32_t count_releases(const struct search *search, uint64_t state)
{
    uint32_t found = 1; /* the liar's: it releases and consents */
    for (size_t i = 0; i < search->honest_len; i++) {
        found += node_of(search, state, i)->has_released;
    }
    return found + (search->left_out == ALL_RELEASES);
}

/* Whether shares enough of both secrets of an honest party are open. */
static bool are_both_open(const struct search *search, uint64_t state, size_t honest)
{
    uint32_t seeds = 1; /* the liar holds a share of each */
    uint32_t masks = 1;
    for (size_t i = 0; i < search->honest_len; i++) {
        int view = node_of(search, state, i)->revealed;
        bool lives = view != -1 && bitmap_get(&views[view].living, search->index[honest + 1]);
        seeds += view != -1 && lives;
        masks += view != -1 && !lives;
    }
    return seeds >= threshold && masks >= threshold;
}

static bool is_safe(const struct search *search, uint64_t state)
{
    size_t openable = 0;
    for (size_t view = 0; view < views_len; view++) {
        bool opens = count_consents(search, state, view) >= threshold;
        openable += opens;
        for (size_t i = 0; opens && i < search->honest_len; i++) {
            const struct node *node = node_of(search, state, i);
            bool is_in = bitmap_get(&views[view].living, search->index[i + 1]);
            if (is_in && node->has_masked && node->has_restarted) {
                return false; /* its input is in two sessions */
            }
        }
    }
    for (size_t i = 0; i < search->honest_len; i++) {
        if (are_both_open(search, state, i)) {
            return false;
        }
    }
    return openable <= 1;
}

/* Whether the aggregator has the signatures that a move shows. */
static bool is_enabled(const struct search *search, uint64_t state, const struct move *move,
                       const struct node *node)
{
    if (search->left_out == PLEDGE_IS_KEPT && move->kind == RESTART && node->has_crashed) {
        return true;
    }
    if (move->kind == UNMASK) {
        return count_consents(search, state, move->what) >= threshold;
    }
    return move->kind != RESTART || count_releases(search, state) >= move->what;
}

static void reach(struct search *search, size_t *tail, uint64_t state)
{
    if (((search->seen[state / 8] >> state % 8) & 1) == 0) {
        search->seen[state / 8] |= (uint8_t)(1U << state % 8);
        search->queue[(*tail)++] = state;
        search->states++;
        search->has_failed = search->has_failed || !is_safe(search, state);
    }
}

static void step_all(struct search *search, size_t *tail, uint64_t state)
{
    uint64_t unit = 1;
    for (size_t i = 0; i < search->honest_len; i++, unit *= NODES_MAX) {
        const struct graph *graph = &search->graphs[i];
        uint64_t at = state / unit % NODES_MAX;
        for (size_t k = 0; k < graph->edges_len; k++) {
            const struct edge *edge = &graph->edges[k];
            if (edge->from == at && is_enabled(search, state, &edge->move, &graph->nodes[at])) {
                reach(search, tail, state + (edge->to - at) * unit);
            }
        }
    }
}

static void run_search(struct search *search)
{
    uint64_t most = 1;
    for (size_t i = 0; i < search->honest_len; i++) {
        most *= NODES_MAX;
    }
    size_t head = 0;
    size_t tail = 0;
    search->seen = sotto_alloc_array(most / 8 + 1, 1);
    search->queue = sotto_alloc_array(most, sizeof *search->queue);
    assert_true(search->seen != NULL && search->queue != NULL);
    search->states = 0;
    search->has_failed = false;
    reach(search, &tail, 0);
    while (head < tail) {
        step_all(search, &tail, search->queue[head++]);
    }
    sotto_free(search->seen);
    sotto_free(search->queue);
}

static void explore_parties(uint32_t parties_len)
{
    static struct graph graphs[N_MAX - 1];
    struct search search = {.graphs = graphs, .honest_len = parties_len - 1};
    struct world world;
    n = parties_len;
    learn();
    begin(&world, SOTTO_MESSAGE_SHARES);
    uint32_t last = world_party_at(&world, (liar_index(&world) + 1) % n);
    for (uint32_t i = 0; i < n; i++) {
        search.index[i] = world_index_of(&world, i);
    }
    world_release(&world);
    replays = 0;
    for (uint32_t i = 1; i < n; i++) {
        explore(&graphs[i - 1], i, last, i == 1);
    }
    for (size_t i = 0; i < LEFT_OUT_LEN; i++) {
        search.left_out = (enum left_out)i;
        run_search(&search);
        if (i == NOTHING) {
            print_message(
                "%u parties: %llu moves tried, up to %zu states of a party, %llu of all\n", n,
                (unsigned long long)replays, graphs[0].nodes_len,
                (unsigned long long)search.states);
        }
        /* Of three, nothing is opened without the one that was restarted. */
        bool is_needed = i != NOTHING && (i != PLEDGE_IS_KEPT || n > 3);
        assert_int_equal(search.has_failed, is_needed);
    }
    forget();
}

static void test_three_parties(void **state)
{
    (void)state;
    explore_parties(3);
}

static void test_four_parties(void **state)
{
    (void)state;
    explore_parties(4);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_parties),
        cmocka_unit_test(test_four_parties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
