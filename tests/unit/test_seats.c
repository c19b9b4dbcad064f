/* SPDX-License-Identifier: Apache-2.0 */
#include "node/http/seats.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define OWNERS 3
#define OF_OWNER 4

static size_t cuts;

static void count_cut(void *connection)
{
    cuts++;
    *(bool *)connection = true;
}

static struct sockaddr_storage v4(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&out;
    in->sin_family = AF_INET;
    assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
    return out;
}

static struct sockaddr_storage v6(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)&out;
    in->sin6_family = AF_INET6;
    assert_int_equal(inet_pton(AF_INET6, text, &in->sin6_addr), 1);
    return out;
}

struct guest {
    struct seat seat;
    bool is_cut;
};

static void enter(struct seats *seats, struct guest *guest, struct sockaddr_storage from,
                  uint64_t now_ms)
{
    guest->is_cut = false;
    seats_enter(seats, &guest->seat, (const struct sockaddr *)(const void *)&from, &guest->is_cut,
                now_ms);
}

static size_t count_held(const struct guest *guests, size_t len)
{
    size_t held = 0;
    for (size_t i = 0; i < len; i++) {
        held += !guests[i].is_cut;
    }
    return held;
}

static void test_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage a = v6(cases[i].a);
        struct sockaddr_storage b = v6(cases[i].b);
        struct seat_block x = seat_block_of((const struct sockaddr *)(const void *)&a);
        struct seat_block y = seat_block_of((const struct sockaddr *)(const void *)&b);
        assert_int_equal(memcmp(&x, &y, sizeof x) == 0, cases[i].same);
    }
    struct sockaddr_storage mapped = v6("::ffff:10.0.0.1");
    struct sockaddr_storage plain = v4("10.0.0.1");
    struct seat_block x = seat_block_of((const struct sockaddr *)(const void *)&mapped);
    struct seat_block y = seat_block_of((const struct sockaddr *)(const void *)&plain);
    assert_memory_equal(&x, &y, sizeof x);
}

/* One address never holds more than its seats, and its newest connections are those that stay. */
static void test_a_block_takes_from_itself(void **state)
{
    (void)state;
    enum { LEN = 3 * SEATS_OF_BLOCK };
    static struct guest flood[LEN];
    struct guest other;
    struct seats seats;
    cuts = 0;
    assert_ok(seats_init(&seats, OWNERS, OF_OWNER, count_cut));
    enter(&seats, &other, v4("10.0.0.2"), 0);
    for (size_t i = 0; i < LEN; i++) {
        enter(&seats, &flood[i], v4("10.0.0.1"), 1);
        assert_false(flood[i].is_cut);
    }
    assert_int_equal(count_held(flood, LEN), SEATS_OF_BLOCK);
    assert_int_equal(cuts, LEN - SEATS_OF_BLOCK);
    assert_true(flood[0].is_cut);
    assert_false(other.is_cut);
    for (size_t i = 0; i < LEN; i++) {
        seats_leave(&seats, &flood[i].seat);
    }
    seats_leave(&seats, &other.seat);
    seats_release(&seats);
}

/* However many addresses there are: those who proved who they are keep their seats, a newcomer
 * gets one, and strangers where an owner was seen go last. */
static void test_many_blocks(void **state)
{
    (void)state;
    enum { LEN = 4 * SEATS_OF_STRANGERS };
    static struct guest flood[LEN];
    struct guest owner;
    struct guest again;
    struct seats seats;
    assert_ok(seats_init(&seats, OWNERS, OF_OWNER, count_cut));
    enter(&seats, &owner, v6("2001:db8::1"), 0);
    seats_prove(&seats, &owner.seat, 1);
    enter(&seats, &again, v6("2001:db8::2"), 0); /* at home, older than the flood */
    for (size_t i = 0; i < LEN; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "10.0.%u.%u", (unsigned)(i / 200), (unsigned)(i % 200));
        enter(&seats, &flood[i], v4(text), 1);
        assert_false(flood[i].is_cut);
    }
    assert_int_equal(count_held(flood, LEN), SEATS_OF_STRANGERS - 1);
    assert_false(owner.is_cut || again.is_cut);
    for (size_t i = 0; i < LEN; i++) {
        seats_leave(&seats, &flood[i].seat);
    }
    seats_leave(&seats, &owner.seat);
    seats_leave(&seats, &again.seat);
    seats_release(&seats);
}

/* One owner has its own number of connections, and loses the one that is longest unused; never one
 * that waits, nor those of another. */
static void test_owners_take_from_themselves(void **state)
{
    (void)state;
    struct guest own[OF_OWNER + 2];
    struct guest other;
    struct seats seats;
    assert_ok(seats_init(&seats, OWNERS, OF_OWNER, count_cut));
    enter(&seats, &other, v4("10.0.0.9"), 0);
    seats_prove(&seats, &other.seat, 2);
    for (size_t i = 0; i < OF_OWNER + 2; i++) {
        enter(&seats, &own[i], v4("10.0.0.1"), 0);
        seats_prove(&seats, &own[i].seat, 0);
        own[i].seat.is_waiting = i == 0;
        if (i == 3) { /* a request on a connection that it had */
            seats_prove(&seats, &own[1].seat, 0);
        }
    }
    assert_false(own[0].is_cut || own[1].is_cut || other.is_cut);
    assert_true(own[2].is_cut && own[3].is_cut);
    assert_int_equal(count_held(own, OF_OWNER + 2), OF_OWNER);
    for (size_t i = 0; i < OF_OWNER + 2; i++) {
        seats_leave(&seats, &own[i].seat);
    }
    seats_leave(&seats, &other.seat);
    seats_release(&seats);
}

/* An owner who is none any more loses all connections, also one that waits, and its home. */
static void test_an_owner_is_cut(void **state)
{
    (void)state;
    struct guest guests[4];
    struct seats seats;
    assert_ok(seats_init(&seats, OWNERS, OF_OWNER, count_cut));
    for (size_t i = 0; i < 4; i++) {
        enter(&seats, &guests[i], v4(i < 2 ? "10.0.0.1" : "10.0.0.2"), 0);
    }
    seats_prove(&seats, &guests[0].seat, 1);
    seats_prove(&seats, &guests[1].seat, 1);
    seats_prove(&seats, &guests[2].seat, 2);
    guests[1].seat.is_waiting = true;
    seats_cut(&seats, 1);
    assert_true(guests[0].is_cut && guests[1].is_cut);
    assert_false(guests[2].is_cut || guests[3].is_cut || seats_has(&seats, 1));
    for (size_t i = 0; i < 2; i++) {
        seats_leave(&seats, &guests[i].seat);
        enter(&seats, &guests[i], v4("10.0.0.1"), 0);
        assert_false(guests[i].seat.is_home);
    }
    for (size_t i = 0; i < 4; i++) {
        seats_leave(&seats, &guests[i].seat);
    }
    seats_release(&seats);
}

static void test_a_stranger_never_gets_more_time(void **state)
{
    (void)state;
    struct guest guest;
    struct seats seats;
    uint64_t end_ms = 1000 + STRANGER_SECONDS * UINT64_C(1000);
    assert_ok(seats_init(&seats, OWNERS, OF_OWNER, count_cut));
    enter(&seats, &guest, v4("10.0.0.1"), 1000);
    seats_set_deadline(&seats, &guest.seat, UINT64_MAX);
    seats_set_deadline(&seats, &guest.seat, end_ms + 5000);
    assert_int_equal(seats_sweep(&seats, end_ms - 1), end_ms);
    assert_false(guest.is_cut);
    assert_int_equal(seats_sweep(&seats, end_ms), UINT64_MAX);
    assert_true(guest.is_cut);
    seats_leave(&seats, &guest.seat);
    enter(&seats, &guest, v4("10.0.0.1"), 1000);
    seats_prove(&seats, &guest.seat, 0);
    seats_set_deadline(&seats, &guest.seat, UINT64_MAX);
    assert_int_equal(seats_sweep(&seats, UINT64_MAX - 1), UINT64_MAX);
    assert_false(guest.is_cut);
    seats_leave(&seats, &guest.seat);
    seats_release(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_a_block_takes_from_itself),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_owners_take_from_themselves),
        cmocka_unit_test(test_an_owner_is_cut),
        cmocka_unit_test(test_a_stranger_never_gets_more_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
