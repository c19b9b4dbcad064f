/* SPDX-License-Identifier: Apache-2.0 */

/* Seats for connections. The idea: who has proved nothing can only take a seat from others who
 * have proved nothing, and a newcomer takes it from the one that had the longest time to prove
 * something. An honest caller signs its first request within a round trip; so it is through before
 * a flood has gone once around, and what a flood holds it loses again. Seats are few, so that a
 * walk over all of them costs less than the connection that caused it. */

#include "http/seats.h"

#include <netinet/in.h>
#include <sotto/alloc.h>
#include <string.h>

struct seat_block seat_block_of(const struct sockaddr *address)
{
    struct seat_block block = {{0}};
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(v6);
        block.bytes[0] = is_v4 ? AF_INET : AF_INET6;
        memcpy(block.bytes + 1, is_v4 ? v6->s6_addr + 12 : v6->s6_addr, is_v4 ? 4 : 8);
    } else {
        block.bytes[0] = AF_INET;
        memcpy(block.bytes + 1,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr, 4);
    }
    return block;
}

static bool is_same_block(const struct seat_block *a, const struct seat_block *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

enum sotto_status seats_init(struct seats *seats, size_t owners_len, size_t of_owner,
                             void (*cut)(void *connection))
{
    *seats = (struct seats){
        .owners_len = owners_len, .of_owner = of_owner, .next_ms = UINT64_MAX, .cut = cut};
    seats->homes = sotto_alloc_zeroed((owners_len + 1) * sizeof *seats->homes);
    return seats->homes != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

void seats_release(struct seats *seats)
{
    SOTTO_REQUIRE(seats->oldest == NULL);
    sotto_free(seats->homes);
    *seats = (struct seats){0};
}

static void append_newest(struct seats *seats, struct seat *seat)
{
    seat->older = seats->newest;
    seat->newer = NULL;
    *(seats->newest != NULL ? &seats->newest->newer : &seats->oldest) = seat;
    seats->newest = seat;
}

static void unlink_seat(struct seats *seats, struct seat *seat)
{
    *(seat->older != NULL ? &seat->older->newer : &seats->oldest) = seat->newer;
    *(seat->newer != NULL ? &seat->newer->older : &seats->newest) = seat->older;
}

static void cut_seat(struct seats *seats, struct seat *seat)
{
    seat->is_cut = true;
    seats->cut(seat->connection);
}

/* The strangers that a newcomer finds, itself among them. */
struct census {
    size_t strangers;
    size_t in_block;
    struct seat *oldest;      /* of those away from home */
    struct seat *oldest_home; /* of those at home */
    struct seat *oldest_in_block;
};

static void keep_oldest(struct seat **oldest, struct seat *seat)
{
    *oldest = *oldest != NULL ? *oldest : seat;
}

/* Counts the strangers that are not cut: they are in the order in which they came. */
static struct census count_seats(const struct seats *seats, const struct seat_block *block)
{
    struct census census = {0};
    for (struct seat *seat = seats->oldest; seat != NULL; seat = seat->newer) {
        if (seat->is_cut || seat->owner != SEAT_STRANGER) {
            continue;
        }
        census.strangers++;
        keep_oldest(seat->is_home ? &census.oldest_home : &census.oldest, seat);
        if (is_same_block(&seat->block, block)) {
            census.in_block++;
            keep_oldest(&census.oldest_in_block, seat);
        }
    }
    return census;
}

static bool is_home_of_anybody(const struct seats *seats, const struct seat_block *block)
{
    for (size_t i = 0; i < seats->owners_len; i++) {
        if (is_same_block(&seats->homes[i], block)) {
            return true;
        }
    }
    return false;
}

void seats_enter(struct seats *seats, struct seat *seat, const struct sockaddr *address,
                 void *connection, uint64_t now_ms)
{
    *seat = (struct seat){
        .block = seat_block_of(address),
        .owner = SEAT_STRANGER,
        .deadline_ms = UINT64_MAX,
        .connection = connection,
    };
    seat->is_home = is_home_of_anybody(seats, &seat->block);
    append_newest(seats, seat);
    seats_set_deadline(seats, seat, now_ms + STRANGER_SECONDS * UINT64_C(1000));
    struct census census = count_seats(seats, &seat->block);
    struct seat *given_up = census.in_block > SEATS_OF_BLOCK         ? census.oldest_in_block
                            : census.strangers <= SEATS_OF_STRANGERS ? NULL
                            : census.oldest != NULL                  ? census.oldest
                                                                     : census.oldest_home;
    if (given_up != NULL) {
        cut_seat(seats, given_up);
    }
}

void seats_leave(struct seats *seats, struct seat *seat)
{
    unlink_seat(seats, seat);
}

bool seats_has(const struct seats *seats, size_t owner)
{
    const struct seat *seat = seats->oldest;
    while (seat != NULL && (seat->is_cut || seat->owner != owner)) {
        seat = seat->newer;
    }
    return seat != NULL;
}

void seats_cut(struct seats *seats, size_t owner)
{
    SOTTO_REQUIRE(owner < seats->owners_len);
    seats->homes[owner] = (struct seat_block){{0}};
    for (struct seat *seat = seats->oldest; seat != NULL; seat = seat->newer) {
        if (!seat->is_cut && seat->owner == owner) {
            cut_seat(seats, seat);
        }
    }
}

void seats_prove(struct seats *seats, struct seat *seat, size_t owner)
{
    SOTTO_REQUIRE(owner < seats->owners_len);
    struct seat *longest = NULL;
    size_t len = 0;
    seat->owner = owner;
    seats->homes[owner] = seat->block;
    unlink_seat(seats, seat);
    append_newest(seats, seat);
    for (struct seat *at = seats->oldest; at != NULL; at = at->newer) {
        if (!at->is_cut && at->owner == owner) {
            len++;
            longest = longest == NULL && !at->is_waiting ? at : longest;
        }
    }
    if (len > seats->of_owner && longest != NULL) {
        cut_seat(seats, longest);
    }
}

void seats_set_deadline(struct seats *seats, struct seat *seat, uint64_t deadline_ms)
{
    if (seat->owner == SEAT_STRANGER && deadline_ms > seat->deadline_ms) {
        return;
    }
    seat->deadline_ms = deadline_ms;
    seats->next_ms = deadline_ms < seats->next_ms ? deadline_ms : seats->next_ms;
}

uint64_t seats_sweep(struct seats *seats, uint64_t now_ms)
{
    if (seats->next_ms > now_ms) {
        return seats->next_ms;
    }
    seats->next_ms = UINT64_MAX;
    for (struct seat *seat = seats->oldest; seat != NULL; seat = seat->newer) {
        if (seat->is_cut) {
            continue;
        }
        if (seat->deadline_ms <= now_ms) {
            cut_seat(seats, seat);
        } else if (seat->deadline_ms < seats->next_ms) {
            seats->next_ms = seat->deadline_ms;
        }
    }
    return seats->next_ms;
}
