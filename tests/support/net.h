/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_NET_H
#define SOTTO_TEST_NET_H

/* Whole tasks between hosts in this process: who joins, who vanishes when, who comes back, who
 * lies, and what the creator is told in the end. */

#include <sotto/task.h>

#define NET_PARTIES_MAX 20
#define NET_ROUNDS_MAX 8

struct net_host {
    struct sotto_identity *identity;
    struct sotto_task_party *task;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    char name[24];
    bool off;                       /* receives and sends nothing */
    uint16_t dies_before;           /* the message type that it never sends, nor anything after */
    uint32_t dies_in;               /* the first round in which it may die */
    enum sotto_action_kind dies_at; /* before it does this, if it is not SEND */
    bool answered;                  /* from an earlier life: see struct sotto_task_party_config */
    struct sotto_buffer kept[NET_ROUNDS_MAX]; /* what is on its disk */
    size_t kept_len;
    struct sotto_buffer pledge;
    bool slow;        /* leaves PARTIAL to the test */
    size_t peers_len; /* how many of the others it has pinned; 0: all */
    struct sotto_session_demands demands;
    const uint8_t *says; /* what it has of each part (SOTTO_COVER_); NULL: everything */
    size_t says_len;
    bool is_of_parties; /* who survives matters to it */
    bool done;
    enum sotto_status ended; /* of DONE */
    char end_text[SOTTO_ERROR_TEXT_BYTES];
};

struct net_letter {
    size_t to; /* SOTTO_NONE: the aggregator */
    struct sotto_buffer bytes;
};

struct net {
    struct net_host hosts[NET_PARTIES_MAX];
    struct sotto_peer peers[NET_PARTIES_MAX];
    size_t len;
    struct sotto_random random;
    struct sotto_random_stream stream;
    struct sotto_task_aggregator *aggregator;
    struct net_letter letters[4000];
    size_t letters_head;
    size_t letters_len;
    uint64_t now_ms;
    uint64_t deadline_ms;
    uint64_t expiries; /* how often time had to pass */
    uint64_t shared;   /* letters whose bytes others had too when they were sent */
    bool twice;        /* every letter is delivered twice */
    uint64_t shuffles; /* not 0: letters overtake each other, by this state */
    void (*forge)(struct net_letter *letter); /* what the aggregator's host does to letters */
    bool has_result;                          /* RESULT came */
    bool done;
    enum sotto_status ended;
    char end_text[SOTTO_ERROR_TEXT_BYTES];
    char plan[1024];
    char log[16384];
};

/* The one that is running, from net_begin... to net_end. */
extern struct net net;

/* For the next net: who is known not to be there. */
extern bool net_away[NET_PARTIES_MAX];

/* For the next net: the code of its learning task; NULL: it is of statistics. Both weights begin as
 * 0, and host k trains by adding k + 1 to them, on k + 1 rows. */
extern const struct sotto_bundle *net_code;
#define NET_WEIGHTS 2

/* Plans of one round and of two, for min_clients and max_clients; of two whose parties don't
 * check sums, and of two whose parties confirm the result; and of four. */
extern const char net_plan_format[];
extern const char net_rounds_format[];
extern const char net_unverified_format[];
extern const char net_published_format[];
extern const char net_long_format[];
/* Twenty small files. */
extern const char *const net_pays[20];

/* Hosts n0, n1, ... with one CSV file each (texts[i % 20]), all invited by n0 to a plan with this
 * format of min_clients and max_clients. */
enum sotto_status net_begin_plan(const char *const *texts, size_t len, const char *format,
                                 uint32_t min_clients, uint32_t max_clients);

/* The same with net_plan_format. */
enum sotto_status net_begin_texts(const char *const *texts, size_t len, uint32_t min_clients,
                                  uint32_t max_clients);

/* len hosts with net_pays and net_plan_format. */
void net_begin(size_t len, uint32_t min_clients, uint32_t max_clients);

/* len hosts with net_pays and net_rounds_format. */
void net_begin_rounds(size_t len, uint32_t min_clients);

/* Frees the net. */
void net_end(void);

/* Delivers, and lets time pass where all wait, until the task is done. */
void net_run(void);

/* Delivers letters until none is under way. */
void net_deliver(void);

/* Carries out what the aggregator asks for. */
void net_pump(void);

/* The host gets a message; its task begins with an invitation. Returns: why it was ignored. */
enum sotto_status net_host_take(struct net_host *host, const struct sotto_buffer *bytes);

/* Reads the weights of a learning task. */
void net_read_weights(double out[NET_WEIGHTS], const struct sotto_buffer *weights);

/* Carries out what the host's task asks for. */
void net_host_pump(struct net_host *host);

/* The host computes and gives its partial: what a slow one leaves to the test. */
void net_host_partial(struct net_host *host);

/* The process dies, and a new one starts with nothing but its disk. */
void net_host_restart(struct net_host *host);

/* Likewise, and it goes on with the task that is on its disk, as the aggregator is told. Returns:
 * as sotto_task_party_resume; without a task where that fails. */
enum sotto_status net_host_return(struct net_host *host);

/* The task ended well, and its result has this part. */
void net_assert_result_has(const char *part);

/* ... and these two parts. */
void net_assert_result(const char *mean, const char *parties);

/* The task ended with this status, and text is why, in the log too. */
void net_assert_ended(enum sotto_status status, const char *text);

/* How often text is in the task's log. */
size_t net_count_in_log(const char *text);

#endif
