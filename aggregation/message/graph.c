/* SPDX-License-Identifier: Apache-2.0 */

/* Degrees and thresholds of sparse graphs [BBGLR20, sec. 3 and 4], by the bounds of PROTOCOL.md,
 * "Sparse graphs". Leans on libm alone. Everything here is public.
 *
 * The idea: each bound is a sum of hypergeometric probabilities far below what a double holds, so
 * all of it is summed in logarithms. The least number of holders for which some threshold satisfies
 * all bounds is looked for by halving, and what is found is checked. Both sides compute the bounds,
 * on machines whose libm may differ in the last bits: a party accepts a graph that misses them by a
 * hundredth of a bit. */

#include <sotto/graph.h>

#include <math.h>

/* A hundredth of a bit: what floating point may differ by between machines, and much more. */
#define SLACK_BITS 0.01
/* Each of the two ways to lose privacy gets half of 2^-40. */
#define FAILURE_BITS (SOTTO_GRAPH_SECURITY_BITS + 1)
/* Every honest connected component has at least this fraction of all parties (semi-malicious). */
#define COMPONENT_FRACTION 3

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* From five parties on one colluder more costs nothing: t and need are the same with k = 0. */
#define COLLUDER_PARTIES_MIN 5

uint32_t sotto_session_colluders(uint32_t parties_len, uint32_t demanded)
{
    return max_u32(demanded, parties_len < COLLUDER_PARTIES_MIN ? 0 : 1);
}

uint32_t sotto_session_threshold(uint32_t parties_len, uint32_t demanded_colluders)
{
    uint32_t colluding = sotto_session_colluders(parties_len, demanded_colluders) + 1;
    return max_u32(2 * parties_len / 3, (parties_len + colluding) / 2) + 1;
}

uint32_t sotto_session_releases(uint32_t parties_len, uint32_t demanded_colluders)
{
    uint32_t colluding = sotto_session_colluders(parties_len, demanded_colluders) + 1;
    return parties_len + colluding + 1 - sotto_session_threshold(parties_len, demanded_colluders);
}

bool sotto_graph_is_complete(const struct sotto_graph *graph, uint32_t parties_len)
{
    return graph->holders == parties_len && graph->masks == parties_len - 1;
}

/* ceil(permille n / 1000) */
static uint32_t round_up_permille(uint16_t permille, uint32_t n)
{
    return (permille * n + 999) / 1000;
}

uint32_t sotto_session_need(const struct sotto_graph_terms *terms, const struct sotto_graph *graph,
                            uint32_t parties_len, uint32_t min_parties, uint32_t demanded_colluders)
{
    /* The aggregator's own party, its colluders, and two honest ones. */
    uint32_t need =
        max_u32(min_parties, sotto_session_colluders(parties_len, demanded_colluders) + 3);
    if (sotto_graph_is_complete(graph, parties_len)) {
        return max_u32(need, graph->threshold);
    }
    return max_u32(need, parties_len - round_up_permille(terms->dropped_permille, parties_len));
}

/* --- Probabilities --- */

/* log2 of factorials up to n. */
struct factorials {
    double log2_of[SOTTO_SESSION_PARTIES_MAX + 1];
};

static void factorials_init(struct factorials *table, uint32_t n)
{
    table->log2_of[0] = 0;
    for (uint32_t i = 1; i <= n; i++) {
        table->log2_of[i] = table->log2_of[i - 1] + log2((double)i);
    }
}

/* log2 C(n, k); -infinity where k > n. */
static double log2_choose(const struct factorials *table, uint32_t n, uint32_t k)
{
    return k > n ? -INFINITY : table->log2_of[n] - table->log2_of[k] - table->log2_of[n - k];
}

/* Draws without replacement from a population of which some are marked. */
struct draw {
    uint32_t population;
    uint32_t marked;
    uint32_t drawn;
};

/* log2 of the probability of exactly x marked ones. */
static double log2_exactly(const struct factorials *table, const struct draw *draw, uint32_t x)
{
    if (x > draw->drawn) {
        return -INFINITY;
    }
    return log2_choose(table, draw->marked, x) +
           log2_choose(table, draw->population - draw->marked, draw->drawn - x) -
           log2_choose(table, draw->population, draw->drawn);
}

/* log2 (2^a + 2^b). */
static double log2_add(double a, double b)
{
    double high = a > b ? a : b;
    double low = a > b ? b : a;
    return low == -INFINITY ? high : high + log2(1 + exp2(low - high));
}

/* log2 of the probability of at least `least` marked ones. */
static double log2_at_least(const struct factorials *table, const struct draw *draw, uint32_t least)
{
    double sum = -INFINITY;
    for (uint32_t x = least; x <= draw->drawn && x <= draw->marked; x++) {
        sum = log2_add(sum, log2_exactly(table, draw, x));
    }
    return sum;
}

/* log2 of the probability of at most `most` marked ones. */
static double log2_at_most(const struct factorials *table, const struct draw *draw, uint32_t most)
{
    double sum = -INFINITY;
    for (uint32_t x = 0; x <= most && x <= draw->drawn; x++) {
        sum = log2_add(sum, log2_exactly(table, draw, x));
    }
    return sum;
}

/* --- The bounds --- */

struct question {
    const struct factorials *table;
    const struct sotto_graph_terms *terms;
    uint32_t n;
    uint32_t corrupted;
    uint32_t dropped;
};

/* PROTOCOL.md, "Correctness": some secret's holders lose so many that it can't be had (union bound
 * over n). */
static double log2_incorrect(const struct question *q, const struct sotto_graph *graph)
{
    struct draw alive = {q->n - 1, q->n - 1 - q->dropped, graph->holders - 1};
    return log2((double)q->n) + log2_at_most(q->table, &alive, graph->threshold - 1);
}

/* PROTOCOL.md, "Betrayal": some honest party's holders betray it: so many corrupted that they have
 * the secret (curious), or that both its secrets could be asked for, t + t <= holders + corrupted
 * (semi-malicious). */
static double log2_betrayed(const struct question *q, const struct sotto_graph *graph)
{
    struct draw corrupted = {q->n - 1, q->corrupted, graph->holders - 1};
    uint32_t least = graph->threshold;
    if (q->terms->model == SOTTO_GRAPH_SEMI_MALICIOUS) {
        least = 2 * graph->threshold > graph->holders ? 2 * graph->threshold - graph->holders : 0;
    }
    return log2((double)q->n) + log2_at_least(q->table, &corrupted, least);
}

/* PROTOCOL.md, "Isolation", curious: the honest survivors' mask graph falls apart, dropouts being
 * independent of it: some set of s picked no mask partner outside it among them, and nobody outside
 * picked one in it. */
static double log2_disconnected(const struct question *q, const struct sotto_graph *graph)
{
    uint32_t honest = q->n - q->corrupted - q->dropped;
    double sum = -INFINITY;
    for (uint32_t s = 1; s <= honest / 2; s++) {
        struct draw inside = {q->n - 1, honest - s, graph->masks};
        struct draw outside = {q->n - 1, s, graph->masks};
        double none = log2_choose(q->table, honest, s) + s * log2_exactly(q->table, &inside, 0) +
                      (honest - s) * log2_exactly(q->table, &outside, 0);
        sum = log2_add(sum, none);
    }
    return sum;
}

/* PROTOCOL.md, "Isolation", semi-malicious: a small set of honest parties finds its thresholds of
 * consents within itself and the corrupted, whatever survivor sets the aggregator makes up: each
 * needs its own and t - 1 of the holders that it drew. */
static double log2_cut_off(const struct question *q, const struct sotto_graph *graph)
{
    double sum = -INFINITY;
    for (uint32_t s = 1; s <= q->n / COMPONENT_FRACTION; s++) {
        struct draw within = {q->n - 1, s - 1 + q->corrupted, graph->holders - 1};
        sum = log2_add(sum, log2_choose(q->table, q->n, s) +
                                s * log2_at_least(q->table, &within, graph->threshold - 1));
    }
    return sum;
}

static bool is_safe(const struct question *q, const struct sotto_graph *graph, double slack)
{
    bool curious = q->terms->model == SOTTO_GRAPH_CURIOUS;
    return log2_betrayed(q, graph) <= -FAILURE_BITS + slack &&
           (curious ? log2_disconnected(q, graph) : log2_cut_off(q, graph)) <=
               -FAILURE_BITS + slack &&
           log2_incorrect(q, graph) <= -SOTTO_GRAPH_CORRECTNESS_BITS + slack;
}

static bool question_init(struct question *q, struct factorials *table,
                          const struct sotto_graph_terms *terms, uint32_t parties_len,
                          uint32_t demanded_colluders)
{
    uint32_t colluding = sotto_session_colluders(parties_len, demanded_colluders) + 1;
    uint32_t stated = round_up_permille(terms->corrupted_permille, parties_len);
    *q = (struct question){.table = table,
                           .terms = terms,
                           .n = parties_len,
                           .corrupted = max_u32(stated, colluding),
                           .dropped = round_up_permille(terms->dropped_permille, parties_len)};
    factorials_init(table, parties_len);
    return terms->model != SOTTO_GRAPH_COMPLETE && q->corrupted + q->dropped + 2 < parties_len;
}

bool sotto_graph_is_safe(const struct sotto_graph *graph, const struct sotto_graph_terms *terms,
                         uint32_t parties_len, uint32_t demanded_colluders)
{
    struct factorials table;
    struct question q;
    if (parties_len < 3 || parties_len > SOTTO_SESSION_PARTIES_MAX) {
        return false;
    }
    if (sotto_graph_is_complete(graph, parties_len)) {
        return graph->threshold == sotto_session_threshold(parties_len, demanded_colluders);
    }
    bool formed = graph->holders >= 3 && graph->holders < parties_len && graph->masks >= 1 &&
                  graph->masks < graph->holders && graph->threshold >= 2 &&
                  graph->threshold <= graph->holders;
    bool all_mask = terms->model == SOTTO_GRAPH_CURIOUS || graph->masks == graph->holders - 1;
    return formed && all_mask &&
           question_init(&q, &table, terms, parties_len, demanded_colluders) &&
           is_safe(&q, graph, SLACK_BITS);
}

/* The best threshold for this many holders is the largest that is still correct: every privacy
 * bound falls with it. Returns: whether it is safe too. */
static bool try_holders(const struct question *q, struct sotto_graph *graph, uint32_t holders)
{
    *graph = (struct sotto_graph){.holders = holders, .masks = holders - 1, .threshold = 2};
    uint32_t low = 2; /* a threshold of 2 is taken as correct, and checked in the end */
    uint32_t high = holders;
    while (low + 1 < high) {
        graph->threshold = low + (high - low) / 2;
        bool correct = log2_incorrect(q, graph) <= -SOTTO_GRAPH_CORRECTNESS_BITS;
        low = correct ? graph->threshold : low;
        high = correct ? high : graph->threshold;
    }
    graph->threshold = low;
    return is_safe(q, graph, 0);
}

void sotto_graph_choose(struct sotto_graph *out, const struct sotto_graph_terms *terms,
                        uint32_t parties_len, uint32_t demanded_colluders)
{
    SOTTO_REQUIRE(parties_len >= 3 && parties_len <= SOTTO_SESSION_PARTIES_MAX);
    struct factorials table;
    struct question q;
    struct sotto_graph complete = {.holders = parties_len,
                                   .masks = parties_len - 1,
                                   .threshold =
                                       sotto_session_threshold(parties_len, demanded_colluders)};
    *out = complete;
    if (!question_init(&q, &table, terms, parties_len, demanded_colluders)) {
        return;
    }
    uint32_t low = 2; /* too few, or not tried */
    uint32_t high = parties_len;
    struct sotto_graph graph;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        bool safe = try_holders(&q, &graph, middle);
        low = safe ? low : middle;
        high = safe ? middle : high;
    }
    if (high == parties_len || !try_holders(&q, &graph, high)) {
        return;
    }
    if (terms->model == SOTTO_GRAPH_CURIOUS) {
        /* Connecting takes fewer than holding: the fewest that connect. */
        while (graph.masks > 1) {
            graph.masks--;
            if (log2_disconnected(&q, &graph) > -FAILURE_BITS) {
                graph.masks++;
                break;
            }
        }
    }
    *out = graph;
}
