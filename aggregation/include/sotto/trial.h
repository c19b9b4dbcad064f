/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TRIAL_H
#define SOTTO_TRIAL_H

/* One session between parties in this process, measured: for research and benchmarks. The machines
 * are those of session.h, which run over any transport; here it is a queue in memory. */

#include <sotto/session.h>

SOTTO_BEGIN_DECLS

/* When a party vanishes: it answers the steps before, and never this one. */
enum sotto_trial_step {
    SOTTO_TRIAL_DEALING,
    SOTTO_TRIAL_MASKING,
    SOTTO_TRIAL_CONSENTING,
    SOTTO_TRIAL_REVEALING,
    SOTTO_TRIAL_STAYS,
};

#define SOTTO_TRIAL_STEPS_LEN 4

struct sotto_trial {
    uint32_t parties_len; /* 3 .. SOTTO_SESSION_PARTIES_MAX */
    uint32_t min_parties;
    struct sotto_graph_terms graph;
    const struct sotto_vector_run *runs; /* borrowed */
    size_t runs_len;
    uint64_t seed; /* of keys and graphs; 0: the system's randomness */
    bool verifies; /* the survivors are shown the transcript, and check the sum; complete graphs */
    /* Writes a party's vector. */
    void (*input)(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes);
    /* NULL: everybody stays. */
    enum sotto_trial_step (*leaves)(void *context, uint32_t party);
    /* Is told before a step begins, and after each party in it how many have had their turn; NULL:
     * nobody is. */
    void (*tell)(void *context, enum sotto_trial_step step, uint32_t done);
    void *context;
};

/* Of one step, or of all together. Party figures are means over the parties that answered it. CPU
 * seconds are those of all threads: on a busy machine they tell more than seconds do. */
struct sotto_trial_cost {
    double party_s;
    double party_max_s;
    double party_cpu_s;
    double aggregator_s;
    double aggregator_cpu_s;
    double party_up_bytes;   /* what a party sends */
    double party_down_bytes; /* what it is sent */
    double party_group_operations;
    double party_keystream_bytes;
    uint64_t aggregator_group_operations;
    uint64_t aggregator_keystream_bytes;
};

struct sotto_trial_report {
    struct sotto_graph graph;
    uint32_t survivors;
    uint8_t *sum; /* of the survivors' vectors; ended by sotto_trial_report_release */
    size_t sum_bytes;
    struct sotto_trial_cost steps[SOTTO_TRIAL_STEPS_LEN]; /* by enum sotto_trial_step */
    struct sotto_trial_cost total;                        /* of these steps */
    struct sotto_trial_cost verifying; /* beside them: a party's seconds and what it is
                                          sent; the rest, or all where nobody verifies, is 0 */
};

/* Runs a session to its end. Returns: SOTTO_ERROR_PARTIES if too many vanished, or there are fewer
 * than 3 or more than SOTTO_SESSION_PARTIES_MAX; SOTTO_ERROR_INPUT if sums are to be verified on a
 * sparse graph; SOTTO_ERROR_PROTOCOL if a party does not verify the sum. Threads: the
 * machines use OpenMP's; parties run one after the other, so that each is measured with the whole
 * machine. */
SOTTO_API enum sotto_status sotto_trial_run(struct sotto_trial_report *out,
                                            const struct sotto_trial *trial,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* Frees what a report holds (its sum) and leaves it empty. */
SOTTO_API void sotto_trial_report_release(struct sotto_trial_report *report);

SOTTO_END_DECLS

#endif
