/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_SEATS_H
#define SOTTO_NODE_HTTP_SEATS_H

/* The seats that one listener has for connections, and which of them is given up when there are
 * too many. No I/O here: who owns the connections closes those that are cut. Threads: the loop's.
 */

#include <sotto/status.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* CONFIG.md ("Limits") has these with their reasons. What owners may have adds to what strangers
 * may have: neither can take it from the other. */
#define SEATS_OF_STRANGERS 256
#define SEATS_OF_BLOCK 32
#define STRANGER_SECONDS 10
#define BODY_SECONDS 120
#define ANSWER_SECONDS 120

/* The addresses that count as one: an IPv4 address, or the /64 of an IPv6 address. */
struct seat_block {
    uint8_t bytes[9]; /* the family, then 4 or 8 bytes */
};
struct seat_block seat_block_of(const struct sockaddr *address);

/* Who has proved a key or a token on a connection: a number below owners_len. */
#define SEAT_STRANGER SIZE_MAX

struct seat {
    struct seat *older;
    struct seat *newer;
    struct seat_block block;
    size_t owner;         /* SEAT_STRANGER until proved */
    uint64_t deadline_ms; /* when it is cut; UINT64_MAX: never */
    bool is_home;         /* a stranger where an owner was seen before */
    bool is_waiting;      /* it waits for this node's answer */
    bool is_cut;
    void *connection; /* the caller's */
};

struct seats {
    struct seat *oldest;
    struct seat *newest;
    struct seat_block *homes; /* where each owner proved itself last; family 0: nowhere */
    size_t owners_len;
    size_t of_owner;  /* so many at most */
    uint64_t next_ms; /* no deadline is earlier */
    void (*cut)(void *connection);
};

/* cut(connection) is called once for each seat that is given up; the seat stays until
 * seats_leave. Ownership: ended by seats_release, when nobody has a seat any more. */
enum sotto_status seats_init(struct seats *seats, size_t owners_len, size_t of_owner,
                             void (*cut)(void *connection)) SOTTO_NODISCARD;
void seats_release(struct seats *seats);

/* Takes a seat for a connection from address, as a stranger. What is over a limit is cut: the
 * oldest stranger of its block, or of all blocks, but those of a block where an owner was seen last
 * go last. */
void seats_enter(struct seats *seats, struct seat *seat, const struct sockaddr *address,
                 void *connection, uint64_t now_ms);
void seats_leave(struct seats *seats, struct seat *seat);
/* Whether a connection of owner is left that was not cut. */
bool seats_has(const struct seats *seats, size_t owner);

/* Cuts all connections of owner, who has no home any more. */
void seats_cut(struct seats *seats, size_t owner);

/* The connection proved to be owner's, from now on. Beyond of_owner the one of this owner
 * that proved itself longest ago and does not wait is cut. */
void seats_prove(struct seats *seats, struct seat *seat, size_t owner);
/* Cuts the seat at deadline_ms, unless another deadline is set before. A stranger's is never set
 * later than it is. */
void seats_set_deadline(struct seats *seats, struct seat *seat, uint64_t deadline_ms);
/* Cuts those whose deadline has passed. Returns: the time of the next deadline. */
uint64_t seats_sweep(struct seats *seats, uint64_t now_ms);

#endif
