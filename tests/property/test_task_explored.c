/* SPDX-License-Identifier: Apache-2.0 */
/* What a lying aggregator can make an honest party do over two rounds, with one restart of it.
 *
 * An honest task of three is played again and again. Each time one lie of a list is told to one
 * party before one of the letters that it gets, after its process ended before one of these, or did
 * not. The list is what the aggregator can choose between rounds: a sum moved by one unit, the
 * opening of a session before or cut, a sum that is only told, another attempt with no release or
 * with its own, a round that was missed and is none of this party's. What the party says is
 * watched:
 *
 * - It says ADVERT of the second round only when it was shown what opens the first one.
 * - It goes to another attempt of a round in which it masked only when nobody can open that one.
 * - It consents once a round.
 *
 * So the space is cut: orders of letters are those of an honest task, and lies come one at a time.
 * Every other order of one session is tried in test_session_explored.c. Where a check is taken out
 * of the machine, a party is found that does what it should not. */
#include "cases.h"
#include "net.h"
#include "test.h"

#include "federation/task_party.h"
#include "federation/verified.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>

#define PARTIES 3
#define VICTIM 2
#define LETTERS_MAX 24

enum lie {
    NO_LIE,
    MOVED_SUM,     /* a masked input of the aggregator's own party, one unit more */
    CUT,           /* an opening that lacks its end */
    OTHER_SESSION, /* an opening that says that it is of another session */
    ONLY_TOLD,     /* ROUND */
    NO_RELEASE,    /* REOPEN of the round that is under way */
    OWN_RELEASE,   /* likewise, with the signature of the aggregator's own party */
    MISSED,        /* RESUME */
    LIES_LEN
};

/* A check that is taken out of the party's machine. */
enum left_out { NOTHING, VERIFICATION, RELEASES, LEFT_OUT_LEN };

struct play {
    size_t crash_at; /* before which of its letters; SOTTO_NONE: never */
    size_t lie_at;
    enum lie lie;
    enum left_out left_out;
    /* What happened: */
    size_t letters;
    bool has_crashed;
    bool has_lied;
    bool was_shown; /* what opened the first round, as it was */
    bool is_wrong;
    struct sotto_session_label label; /* of its last message */
    uint8_t session[SOTTO_SESSION_BYTES];
    uint8_t masked[3][SOTTO_SESSION_BYTES]; /* by round: the session that it masked in */
    bool has_masked[3];
    bool has_consented[3];
    uint32_t releases[3]; /* of that session, by anybody */
};

static struct play play;
/* Of an honest task: what opened the first round. */
static struct sotto_buffer opened;

/* --- Lies --- */

static void seal(struct sotto_buffer *out, enum sotto_message_type type,
                 const struct sotto_session_label *label, const uint8_t *session, const void *body,
                 size_t body_bytes)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, type, label, session, net.hosts[0].identity);
    sotto_write_bytes(&writer, body, body_bytes);
    assert_ok(sotto_message_finish(&writer, out, net.hosts[0].identity));
}

/* The opening, changed as a lie has it. */
static void change_opened(struct sotto_buffer *out, enum lie lie)
{
    struct sotto_buffer copy;
    struct sotto_message message;
    assert_ok(sotto_buffer_copy(&copy, opened.data, opened.data_bytes));
    assert_true(sotto_message_parse(&message, copy.data, copy.data_bytes));
    uint8_t *body = copy.data + SOTTO_MESSAGE_HEADER_BYTES;
    body[4] ^= lie == MOVED_SUM; /* behind the length of a result: the first masked input */
    message.session[0] ^= lie == OTHER_SESSION;
    seal(out, SOTTO_MESSAGE_OPENED, &message.label, message.session, body,
         message.body_bytes - (lie == CUT));
    sotto_buffer_release(&copy);
}

static void sign_release(struct sotto_writer *writer)
{
    struct sotto_signature release;
    struct sotto_key own = sotto_identity_key(net.hosts[0].identity);
    uint32_t index = 0;
    for (size_t i = 0; i < PARTIES; i++) {
        index += sotto_key_compare(&net.peers[i].key, &own) < 0;
    }
    sotto_identity_sign(net.hosts[0].identity, &release, "sotto release", play.session,
                        sizeof play.session);
    sotto_write_u32(writer, 1);
    sotto_write_u32(writer, index);
    sotto_write_bytes(writer, release.bytes, sizeof release.bytes);
}

static void make_lie(struct sotto_buffer *out)
{
    static const uint64_t limbs[400];
    const struct sotto_driver *driver = sotto_task_party_driver(net.hosts[VICTIM].task);
    size_t bytes = driver != NULL ? sotto_driver_limbs_len(driver) * sizeof limbs[0] : 0;
    assert_true(bytes <= sizeof limbs);
    struct sotto_session_label label = play.label;
    struct sotto_writer writer;
    sotto_writer_init(&writer, 4096);
    switch (play.lie) {
    case ONLY_TOLD:
        label.round = 2;
        label.attempt = 1;
        seal(out, SOTTO_MESSAGE_ROUND, &label, NULL, limbs, bytes);
        break;
    case OWN_RELEASE:
        sign_release(&writer);
        /* fall through */
    case NO_RELEASE:
        label.attempt++;
        seal(out, SOTTO_MESSAGE_REOPEN, &label, NULL, writer.data, writer.data_bytes);
        break;
    case MISSED:
        label.round++;
        label.attempt = 1;
        seal(out, SOTTO_MESSAGE_RESUME, &label, NULL, limbs, bytes);
        break;
    default:
        change_opened(out, play.lie);
        break;
    }
    sotto_writer_release(&writer);
}

/* --- What the party says --- */

/* Whether the session that it masked in can still be opened. */
static bool is_openable(uint32_t round)
{
    return play.has_masked[round] && play.releases[round] < sotto_session_releases(PARTIES, 0);
}

static void see_said(const struct sotto_message *message)
{
    uint32_t round = message->label.round;
    assert_true(round <= 2);
    play.label = message->label;
    if (message->type == SOTTO_MESSAGE_ADVERT) {
        play.is_wrong = play.is_wrong || (round == 2 && !play.was_shown) || is_openable(round);
    } else if (message->type == SOTTO_MESSAGE_MASKED) {
        memcpy(play.session, message->session, sizeof play.session);
        memcpy(play.masked[round], message->session, sizeof play.session);
        play.has_masked[round] = true;
        play.releases[round] = 0;
    } else if (message->type == SOTTO_MESSAGE_CONSENT) {
        play.is_wrong = play.is_wrong || play.has_consented[round];
        play.has_consented[round] = true;
    }
}

static void see_release(const struct sotto_message *message)
{
    uint32_t round = message->label.round;
    play.releases[round] += message->type == SOTTO_MESSAGE_RELEASE && play.has_masked[round] &&
                            memcmp(play.masked[round], message->session, sizeof play.session) == 0;
}

/* Takes a check out. */
static void leave_out(struct sotto_task_party *task)
{
    if (task == NULL) {
        return;
    }
    if (play.left_out == VERIFICATION) {
        task->verifies = false;
    } else if (play.left_out == RELEASES) {
        sotto_session_party_free(task->session); /* as if it had masked in none */
        task->session = NULL;
        task->phase = SOTTO__TASK_RETURNED;
        task->has_pledge = task->recorded = false;
    }
}

static void see(struct net_letter *letter)
{
    struct sotto_message message;
    struct net_host *host = &net.hosts[VICTIM];
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == SOTTO_NONE) {
        see_release(&message);
    }
    if (letter->to == SOTTO_NONE && sotto_key_equal(&message.sender, &net.peers[VICTIM].key)) {
        see_said(&message);
    }
    if (letter->to != VICTIM) {
        return;
    }
    size_t at = play.letters++;
    if (at == play.crash_at && !play.has_crashed && host->kept_len > 0) {
        play.has_crashed = true;
        assert_ok(net_host_return(host));
    }
    if (at == play.lie_at && play.lie != NO_LIE && !play.has_lied && host->task != NULL) {
        struct sotto_buffer lie;
        play.has_lied = true;
        make_lie(&lie);
        leave_out(host->task);
        (void)!net_host_take(host, &lie);
        sotto_buffer_release(&lie);
    }
    if (message.type == SOTTO_MESSAGE_OPENED && message.label.round == 1) {
        play.was_shown = true;
        if (opened.data == NULL) {
            assert_ok(sotto_buffer_copy(&opened, letter->bytes.data, letter->bytes.data_bytes));
        }
    }
}

/* Returns: whether the party did what it should not. */
static bool run_play(size_t crash_at, size_t lie_at, enum lie lie, enum left_out left_out)
{
    play = (struct play){.crash_at = crash_at, .lie_at = lie_at, .lie = lie, .left_out = left_out};
    assert_ok(net_begin_plan(net_pays, PARTIES, net_published_format, 3, PARTIES));
    net.forge = see;
    net_run();
    net_end();
    return play.is_wrong;
}

static void test_two_rounds_and_one_restart(void **state)
{
    (void)state;
    size_t plays = 0;
    size_t counterexamples[LEFT_OUT_LEN] = {0};
    assert_false(run_play(SOTTO_NONE, SOTTO_NONE, NO_LIE, NOTHING));
    size_t letters = play.letters;
    assert_true(letters < LETTERS_MAX);
    /* All of them where many cases are wanted, else some. */
    size_t step = test_cases(1) > 1 ? 1 : 7;
    for (size_t crash = 0; crash < letters + step; crash += step) { /* from the last one */
        for (size_t at = 0; at < letters; at++) {
            for (enum lie lie = MOVED_SUM; lie < LIES_LEN; lie++) {
                size_t crash_at = crash >= letters ? SOTTO_NONE : letters - 1 - crash;
                plays++;
                assert_false(run_play(crash_at, at, lie, NOTHING));
            }
        }
    }
    for (enum left_out left_out = VERIFICATION; left_out < LEFT_OUT_LEN; left_out++) {
        for (size_t at = 0; at < letters && counterexamples[left_out] == 0; at++) {
            for (enum lie lie = MOVED_SUM; lie < LIES_LEN; lie++) {
                counterexamples[left_out] += run_play(SOTTO_NONE, at, lie, left_out);
            }
        }
        assert_true(counterexamples[left_out] > 0);
    }
    print_message("%zu letters, %zu plays\n", letters, plays);
    sotto_buffer_release(&opened);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_rounds_and_one_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
