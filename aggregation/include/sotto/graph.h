/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_GRAPH_H
#define SOTTO_GRAPH_H

/* Who holds shares for whom: everybody for everybody in small rosters, a random few in large ones.
 * aggregation/PROTOCOL.md, "Sparse graphs", derives the bounds. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

#define SOTTO_SESSION_PARTIES_MAX 1000

/* The probabilities that a sparse graph is chosen for: of a privacy failure at most 2^-40, of a
 * session that fails although no more than the stated fraction vanished at most 2^-20. */
#define SOTTO_GRAPH_SECURITY_BITS 40
#define SOTTO_GRAPH_CORRECTNESS_BITS 20

enum sotto_graph_model {
    SOTTO_GRAPH_COMPLETE,       /* the aggregator may lie; everybody holds shares for everybody */
    SOTTO_GRAPH_CURIOUS,        /* the aggregator follows the protocol, and remembers */
    SOTTO_GRAPH_SEMI_MALICIOUS, /* the aggregator relays the adverts honestly, then may lie */
};

/* What a graph has to withstand. */
struct sotto_graph_terms {
    enum sotto_graph_model model;
    uint16_t corrupted_permille; /* of the parties, colluding with the aggregator */
    uint16_t dropped_permille;   /* of the parties, vanishing on the way */
};

struct sotto_graph {
    uint32_t holders;   /* who hold shares of one party's secrets, itself included */
    uint32_t masks;     /* of the holders, other than itself: who share a pair mask with it too */
    uint32_t threshold; /* shares that give a secret */
};

/* No session can withstand more: its sum would have fewer than two honest parties. */
#define SOTTO_SESSION_COLLUDERS_MAX (SOTTO_SESSION_PARTIES_MAX - 3)

/* k: how many parties beside the aggregator's own may collude with it: what somebody demands, and
 * from five parties on at least one. */
SOTTO_API uint32_t sotto_session_colluders(uint32_t parties_len, uint32_t demanded);

/* t = max(floor(2n/3) + 1, floor((n + k + 1)/2) + 1), on a complete graph, with the k of
 * sotto_session_colluders. It is above n where k is above n - 3: such a session has too few parties
 * (sotto_session_need). */
SOTTO_API uint32_t sotto_session_threshold(uint32_t parties_len, uint32_t demanded_colluders);

/* How many of a session's members must have given it up (RELEASE) so that nobody can open it any
 * more, on a complete graph: n - t + c + 1, of whom one beyond the c = k + 1 colluders is among any
 * t that consent. It is above n where so many don't exist. */
SOTTO_API uint32_t sotto_session_releases(uint32_t parties_len, uint32_t demanded_colluders);

/* The least number of survivors: with a minimum of the plan's or an owner's, never below k + 3, and
 * never below t on a complete graph. Where it is above parties_len, the session can't be held. */
SOTTO_API uint32_t sotto_session_need(const struct sotto_graph_terms *terms,
                                      const struct sotto_graph *graph, uint32_t parties_len,
                                      uint32_t min_parties, uint32_t demanded_colluders);

/* The cheapest graph of these terms for parties_len (3 .. SOTTO_SESSION_PARTIES_MAX): complete
 * where no sparse one is safe. */
SOTTO_API void sotto_graph_choose(struct sotto_graph *out, const struct sotto_graph_terms *terms,
                                  uint32_t parties_len, uint32_t demanded_colluders);

/* Whether everybody holds shares for everybody. */
SOTTO_API bool sotto_graph_is_complete(const struct sotto_graph *graph, uint32_t parties_len);

/* Whether a graph that somebody proposes withstands the terms. (Not whether it is the cheapest: so
 * that two machines' floating point need not agree on the last bit.) */
SOTTO_API bool sotto_graph_is_safe(const struct sotto_graph *graph,
                                   const struct sotto_graph_terms *terms, uint32_t parties_len,
                                   uint32_t demanded_colluders);

SOTTO_END_DECLS

#endif
