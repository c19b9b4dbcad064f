/* SPDX-License-Identifier: Apache-2.0 */
/* What a session costs: parties and aggregator of real machines in this process, 100,000 values of
 * 24 bits (and one long vector), dropouts after dealing, complete and sparse graphs; and what it
 * costs a party to verify the sum. Every sum is checked against a plain one. */
#include "party_memory.h"
#include "support.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/trial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workload {
    uint32_t parties_len;
    size_t elements_len;
    unsigned bits;
    unsigned drop_percent;
    struct sotto_graph_terms graph;
};

/* Room for the sum over all parties. */
static uint32_t element_bytes(const struct workload *workload)
{
    unsigned bits = workload->bits;
    while (bits < 64 && (UINT64_C(1) << (bits - workload->bits)) < workload->parties_len) {
        bits++;
    }
    return workload->bits >= 32 ? (workload->bits == 32 ? 4 : 8)
           : bits <= 32         ? 4
           : bits <= 40         ? 5
                                : 8;
}

static uint64_t value_of(const struct workload *workload, uint32_t party, size_t element)
{
    uint64_t x = (uint64_t)party * 1000003 + element * 7919 + 1;
    x ^= x >> 15;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x >> (64 - workload->bits);
}

static void input(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    const struct workload *workload = context;
    size_t width = element_bytes(workload);
    for (size_t i = 0; i * width < vector_bytes; i++) {
        uint64_t value = value_of(workload, party, i);
        memcpy(vector + i * width, &value, width);
    }
}

/* Spread evenly over the parties. */
static bool vanishes(const struct workload *workload, uint32_t party)
{
    uint32_t n = workload->parties_len;
    return party * workload->drop_percent / 100 != (party + 1) * workload->drop_percent / 100 &&
           party < n;
}

static enum sotto_trial_step leaves(void *context, uint32_t party)
{
    return vanishes(context, party) ? SOTTO_TRIAL_MASKING : SOTTO_TRIAL_STAYS;
}

static bool sum_is_right(const struct workload *workload, const struct sotto_trial_report *report)
{
    size_t width = element_bytes(workload);
    size_t step = workload->elements_len > 1000 ? workload->elements_len / 997 : 1;
    for (size_t i = 0; i < workload->elements_len; i += step) {
        uint64_t sum = 0;
        uint64_t found = 0;
        for (uint32_t party = 0; party < workload->parties_len; party++) {
            sum += vanishes(workload, party) ? 0 : value_of(workload, party, i);
        }
        memcpy(&found, report->sum + i * width, width);
        if (found != (width == 8 ? sum : sum & ((UINT64_C(1) << (8 * width)) - 1))) {
            return false;
        }
    }
    return true;
}

static const char *graph_name(const struct sotto_graph_terms *graph)
{
    static const char *const names[] = {"complete", "curious", "semi"};
    return names[graph->model];
}

/* The costs of each step, in milliseconds: [dealing, masking, consenting, revealing]. */
static void steps_text(char *out, size_t out_bytes, const struct sotto_trial_report *report,
                       bool of_aggregator)
{
    double ms[SOTTO_TRIAL_STEPS_LEN];
    for (size_t k = 0; k < SOTTO_TRIAL_STEPS_LEN; k++) {
        const struct sotto_trial_cost *step = &report->steps[k];
        ms[k] = (of_aggregator ? step->aggregator_s : step->party_s) * 1e3;
    }
    (void)snprintf(out, out_bytes, "[%.3g, %.3g, %.3g, %.3g]", ms[0], ms[1], ms[2], ms[3]);
}

/* What is asked of two idle cores of Zen 4, in milliseconds; 0: of the aggregator nothing. */
struct goal {
    enum sotto_graph_model model;
    uint32_t parties_len;
    size_t elements_len;
    unsigned drop_percent;
    double party_ms;
    double aggregator_ms;
};

static const struct goal goals[] = {
    {SOTTO_GRAPH_COMPLETE, 3, 5, 0, 2, 0},
    {SOTTO_GRAPH_COMPLETE, 1000, 100000, 30, 500, 15000},
    {SOTTO_GRAPH_CURIOUS, 1000, 100000, 30, 30, 1500},
    {SOTTO_GRAPH_SEMI_MALICIOUS, 1000, 100000, 30, 150, 8000},
    {SOTTO_GRAPH_COMPLETE, 100, 10000000, 0, 1000, 4000},
    {SOTTO_GRAPH_COMPLETE, 100, 10000000, 30, 1000, 8000},
};
#define GOALS_LEN (sizeof goals / sizeof goals[0])

/* The goals of a workload as members of its line. */
static void goals_text(char *out, size_t out_bytes, const struct workload *workload)
{
    out[0] = '\0';
    for (size_t g = 0; g < GOALS_LEN; g++) {
        const struct goal *goal = &goals[g];
        if (goal->model == workload->graph.model && goal->parties_len == workload->parties_len &&
            goal->elements_len == workload->elements_len &&
            goal->drop_percent == workload->drop_percent) {
            char of_aggregator[40] = "";
            if (goal->aggregator_ms > 0) {
                (void)snprintf(of_aggregator, sizeof of_aggregator, ", \"aggregator_ms\": %.5g",
                               goal->aggregator_ms);
            }
            (void)snprintf(out, out_bytes, ", \"goals\": {\"party_ms\": %.4g%s}", goal->party_ms,
                           of_aggregator);
        }
    }
}

static void print_case(const struct workload *workload, const struct sotto_trial_report *report,
                       struct bench_values *aggregator, struct bench_values *party, bool ok)
{
    char name[96];
    char more[1024];
    char party_steps[80];
    char aggregator_steps[80];
    char wanted[80];
    goals_text(wanted, sizeof wanted, workload);
    steps_text(party_steps, sizeof party_steps, report, false);
    steps_text(aggregator_steps, sizeof aggregator_steps, report, true);
    double plain = (double)workload->elements_len * workload->bits / 8;
    (void)snprintf(name, sizeof name, "%s_n%u_m%zu_b%u_d%u", graph_name(&workload->graph),
                   workload->parties_len, workload->elements_len, workload->bits,
                   workload->drop_percent);
    (void)snprintf(more, sizeof more,
                   ", \"party_ms\": %.4g, \"aggregator_ms\": %.4g, "
                   "\"party_cpu_ms\": %.4g, \"aggregator_cpu_ms\": %.4g, \"up_bytes\": %.0f, "
                   "\"down_bytes\": %.0f, \"expansion\": %.3g, \"peak_mb\": %.0f, \"holders\": %u, "
                   "\"masks\": %u, \"threshold\": %u, \"party_group_operations\": %.0f, "
                   "\"aggregator_group_operations\": %llu, \"party_steps_ms\": %s, "
                   "\"aggregator_steps_ms\": %s%s",
                   bench_quantile(party, 0.5), bench_quantile(aggregator, 0.5),
                   report->total.party_cpu_s * 1e3, report->total.aggregator_cpu_s * 1e3,
                   report->total.party_up_bytes, report->total.party_down_bytes,
                   report->total.party_up_bytes / plain, bench_peak_mb(), report->graph.holders,
                   report->graph.masks, report->graph.threshold,
                   report->total.party_group_operations,
                   (unsigned long long)report->total.aggregator_group_operations, party_steps,
                   aggregator_steps, wanted);
    bench_print("protocol", name, aggregator, "ms", more, ok);
}

/* What was measured, for the fits in the end. */
struct measured {
    struct workload workload;
    double party_ms;
    double aggregator_ms;
};

static struct measured measured[64];
static size_t measured_len;

static void remember(const struct workload *workload, struct bench_values *aggregator,
                     struct bench_values *party)
{
    if (measured_len < sizeof measured / sizeof measured[0]) {
        measured[measured_len++] = (struct measured){*workload, bench_quantile(party, 0.5),
                                                     bench_quantile(aggregator, 0.5)};
    }
}

/* The slope of log(milliseconds) over log(x), by least squares. */
struct fit {
    double n, x, y, xx, xy;
};

static void fit_add(struct fit *fit, double x, double y)
{
    x = log(x);
    y = log(y);
    fit->n++;
    fit->x += x;
    fit->y += y;
    fit->xx += x * x;
    fit->xy += x * y;
}

static double fit_slope(const struct fit *fit)
{
    return (fit->n * fit->xy - fit->x * fit->y) / (fit->n * fit->xx - fit->x * fit->x);
}

/* How costs grow with the number of parties, from 10 on, on each graph, at 100,000 values. */
static void print_growth(unsigned drop_percent)
{
    for (int model = SOTTO_GRAPH_COMPLETE; model <= SOTTO_GRAPH_SEMI_MALICIOUS; model++) {
        struct fit party = {0};
        struct fit aggregator = {0};
        const char *name = "";
        for (size_t i = 0; i < measured_len; i++) {
            const struct workload *one = &measured[i].workload;
            if (one->graph.model == (enum sotto_graph_model)model && one->elements_len == 100000 &&
                one->drop_percent == drop_percent && one->parties_len >= 10) {
                fit_add(&party, one->parties_len, measured[i].party_ms);
                fit_add(&aggregator, one->parties_len, measured[i].aggregator_ms);
                name = graph_name(&one->graph);
            }
        }
        if (party.n >= 2) {
            (void)printf("{\"bench\": \"protocol\", \"case\": \"growth_%s_d%u\", \"unit\": "
                         "\"exponent of n\", \"points\": %.0f, \"party\": %.3g, \"aggregator\": "
                         "%.3g}\n",
                         name, drop_percent, party.n, fit_slope(&party), fit_slope(&aggregator));
        }
    }
}

/* How costs grow with the length of the vector, among 100 parties. */
static void print_growth_with_length(unsigned drop_percent)
{
    struct fit party = {0};
    struct fit aggregator = {0};
    for (size_t i = 0; i < measured_len; i++) {
        const struct workload *one = &measured[i].workload;
        if (one->bits == 32 && one->parties_len == 100 && one->drop_percent == drop_percent) {
            fit_add(&party, (double)one->elements_len, measured[i].party_ms);
            fit_add(&aggregator, (double)one->elements_len, measured[i].aggregator_ms);
        }
    }
    if (party.n >= 2) {
        (void)printf("{\"bench\": \"protocol\", \"case\": \"growth_length_d%u\", \"unit\": "
                     "\"exponent of elements\", \"points\": %.0f, \"party\": %.3g, "
                     "\"aggregator\": %.3g}\n",
                     drop_percent, party.n, fit_slope(&party), fit_slope(&aggregator));
    }
}

/* Borrows both. */
static struct sotto_trial trial_of(const struct workload *workload,
                                   const struct sotto_vector_run *run)
{
    return (struct sotto_trial){
        .parties_len = workload->parties_len,
        .min_parties = 3,
        .graph = workload->graph,
        .runs = run,
        .runs_len = 1,
        .input = input,
        .leaves = leaves,
        .context = (void *)workload,
    };
}

static bool bench_case(const struct workload *workload, size_t runs)
{
    struct sotto_vector_run run = {element_bytes(workload), workload->elements_len};
    struct sotto_trial trial = trial_of(workload, &run);
    struct bench_values aggregator = {0};
    struct bench_values party = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < runs; i++) {
        struct sotto_trial_report report = {0};
        struct sotto_error err;
        if (sotto_trial_run(&report, &trial, &err) != SOTTO_OK) {
            (void)fprintf(stderr, "bench_protocol: %s\n", err.text);
            return false;
        }
        ok = sum_is_right(workload, &report);
        bench_add(&aggregator, report.total.aggregator_s * 1e3);
        bench_add(&party, report.total.party_s * 1e3);
        if (!ok || i + 1 == runs) {
            print_case(workload, &report, &aggregator, &party, ok);
            remember(workload, &aggregator, &party);
        }
        sotto_trial_report_release(&report);
    }
    return ok;
}

static bool bench_roster(uint32_t parties_len, size_t runs)
{
    static const unsigned drops[] = {0, 10, 30};
    bool ok = true;
    for (size_t d = 0; ok && d < 3; d++) {
        for (int model = SOTTO_GRAPH_COMPLETE; ok && model <= SOTTO_GRAPH_SEMI_MALICIOUS; model++) {
            struct sotto_graph_terms terms = {(enum sotto_graph_model)model, 50,
                                              drops[d] == 0   ? 50
                                              : drops[d] < 30 ? 100
                                                              : 330};
            struct workload workload = {parties_len, 100000, 24, drops[d], terms};
            struct sotto_graph graph;
            sotto_graph_choose(&graph, &terms, parties_len, 0);
            bool complete = sotto_graph_is_complete(&graph, parties_len);
            bool possible = drops[d] == 0 || parties_len >= 10;
            if (possible && (model == SOTTO_GRAPH_COMPLETE || (!complete && parties_len >= 100))) {
                ok = bench_case(&workload, runs);
            }
        }
    }
    return ok;
}

/* What it costs a party to check the transcript of a session; it should cost no more than the
 * session cost the aggregator. CPU time of all threads. */
static bool bench_verifying(uint32_t parties_len, size_t elements_len, size_t runs)
{
    struct workload workload = {parties_len, elements_len, 64, 0, {.model = SOTTO_GRAPH_COMPLETE}};
    struct sotto_vector_run run = {element_bytes(&workload), elements_len};
    struct sotto_trial trial = trial_of(&workload, &run);
    struct sotto_trial_report report = {0};
    struct bench_values party = {0};
    struct bench_values aggregator = {0};
    char name[96];
    char more[256];
    bool ok = true;
    trial.verifies = true;
    for (size_t i = 0; ok && i < runs; i++) {
        struct sotto_error err;
        sotto_trial_report_release(&report);
        if (sotto_trial_run(&report, &trial, &err) != SOTTO_OK) {
            (void)fprintf(stderr, "bench_protocol: %s\n", err.text);
            return false;
        }
        ok = sum_is_right(&workload, &report);
        bench_add(&party, report.verifying.party_cpu_s * 1e3);
        bench_add(&aggregator, report.total.aggregator_cpu_s * 1e3);
    }
    (void)snprintf(name, sizeof name, "verifying_n%u_m%zu_b64", parties_len, elements_len);
    (void)snprintf(more, sizeof more,
                   ", \"aggregator_cpu_ms\": %.4g, \"ratio\": %.3g, \"down_bytes\": %.0f, "
                   "\"goals\": {\"ratio\": 1}",
                   bench_quantile(&aggregator, 0.5),
                   bench_quantile(&party, 0.5) / bench_quantile(&aggregator, 0.5),
                   report.verifying.party_down_bytes);
    bench_print("protocol", name, &party, "ms", more, ok);
    sotto_trial_report_release(&report);
    return ok;
}

/* What a party may take beside three vectors. */
#define PARTY_MEMORY_MORE_MB 64

static bool bench_party_memory(uint32_t parties_len, uint32_t elements_len)
{
    double vector_mb = (double)elements_len * 4 / (1 << 20);
    struct bench_values values = {0};
    char name[64];
    char more[80];
    bench_add(&values, party_memory_mb(parties_len, elements_len, 4));
    double peak_mb = bench_quantile(&values, 0.5);
    double goal_mb = 3 * vector_mb + PARTY_MEMORY_MORE_MB;
    (void)snprintf(name, sizeof name, "party_memory_n%u_m%u_b32", parties_len, elements_len);
    (void)snprintf(more, sizeof more, ", \"vectors\": %.3g, \"goals\": {\"mb\": %.4g}",
                   peak_mb / vector_mb, goal_mb);
    bench_print("protocol", name, &values, "MB", more, peak_mb <= goal_mb);
    return peak_mb <= goal_mb;
}

static bool bench_all(bool with_large_complete)
{
    static const struct sotto_graph_terms complete = {.model = SOTTO_GRAPH_COMPLETE};
    static const struct sotto_graph_terms curious = {SOTTO_GRAPH_CURIOUS, 50, 330};
    static const struct sotto_graph_terms semi = {SOTTO_GRAPH_SEMI_MALICIOUS, 50, 330};
    static const struct workload scalars = {3, 5, 64, 0, {.model = SOTTO_GRAPH_COMPLETE}};
    bool ok = bench_party_memory(100, 10000000) && bench_verifying(100, 34000, 5) &&
              bench_case(&scalars, 21) && bench_roster(3, 5) && bench_roster(10, 5) &&
              bench_roster(100, 5);
    static const uint32_t large[] = {500, 1000};
    for (size_t i = 0; ok && i < 2; i++) {
        for (unsigned drop = 0; ok && drop <= 30; drop += drop == 0 ? 10 : 20) {
            struct workload workload = {large[i], 100000, 24, drop, curious};
            ok = bench_case(&workload, 1);
            workload.graph = semi;
            ok = ok && bench_case(&workload, 1);
            workload.graph = complete;
            ok = ok && (!with_large_complete || bench_case(&workload, 1));
        }
    }
    for (unsigned drop = 0; ok && drop <= 30; drop += 30) {
        struct workload workload = {100, 10000000, 32, drop, complete};
        ok = bench_case(&workload, 1);
        workload.elements_len = 1000000;
        ok = ok && bench_case(&workload, 3);
        workload.elements_len = 100000;
        ok = ok && bench_case(&workload, 5);
    }
    for (unsigned drop = 0; drop <= 30; drop += drop == 0 ? 10 : 20) {
        print_growth(drop);
        print_growth_with_length(drop);
    }
    return ok;
}

/* Only what there are goals for, the long ones last. */
static bool bench_goals(void)
{
    static const size_t order[] = {0, 2, 4, 5, 3, 1};
    bool ok = bench_party_memory(100, 10000000) && bench_verifying(100, 34000, 5);
    for (size_t k = 0; ok && k < GOALS_LEN; k++) {
        const struct goal *goal = &goals[order[k]];
        struct workload workload = {goal->parties_len,
                                    goal->elements_len,
                                    goal->elements_len == 5          ? 64
                                    : goal->elements_len == 10000000 ? 32
                                                                     : 24,
                                    goal->drop_percent,
                                    {goal->model, 50, 330}};
        ok = bench_case(&workload, goal->parties_len == 3 ? 21 : 1);
    }
    return ok;
}

static int usage(void)
{
    (void)fprintf(
        stderr, "usage: bench_protocol [--quick | --full | --goals | --verifying | --case GRAPH N "
                "ELEMENTS BITS DROP%%]\n"
                "GRAPH: complete, curious, semi. --full adds complete graphs of 500 and 1,000\n"
                "parties, every one of which does all its work: minutes each. --goals runs only\n"
                "the cases for which there are goals, --verifying the one of verified sums. On a\n"
                "busy machine look at ..._cpu_ms: of all threads together.\n");
    return 2;
}

static bool bench_named(char **words)
{
    struct sotto_graph_terms terms = {SOTTO_GRAPH_COMPLETE, 50, 330};
    if (strcmp(words[0], "curious") == 0) {
        terms.model = SOTTO_GRAPH_CURIOUS;
    } else if (strcmp(words[0], "semi") == 0) {
        terms.model = SOTTO_GRAPH_SEMI_MALICIOUS;
    }
    struct workload workload = {(uint32_t)strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10),
                                (unsigned)strtoul(words[3], NULL, 10),
                                (unsigned)strtoul(words[4], NULL, 10), terms};
    if (workload.elements_len == 0 || workload.bits < 1 || workload.bits > 64) {
        return false;
    }
    return bench_case(&workload, 1);
}

int main(int argc, char **argv)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    if (argc == 1) {
        return bench_all(false) ? 0 : 1;
    }
    if (argc == 2 && strcmp(argv[1], "--full") == 0) {
        return bench_all(true) ? 0 : 1;
    }
    if (argc == 2 && strcmp(argv[1], "--goals") == 0) {
        return bench_goals() ? 0 : 1;
    }
    if (argc == 2 && strcmp(argv[1], "--verifying") == 0) {
        return bench_verifying(100, 34000, 5) ? 0 : 1;
    }
    if (argc == 7 && strcmp(argv[1], "--case") == 0) {
        return bench_named(argv + 2) ? 0 : 1;
    }
    if (argc == 2 && strcmp(argv[1], "--quick") == 0) {
        struct workload scalars = {3, 5, 64, 0, {.model = SOTTO_GRAPH_COMPLETE}};
        struct workload some = {10, 1000, 24, 30, {.model = SOTTO_GRAPH_COMPLETE}};
        struct workload sparse = {60, 1000, 24, 10, {SOTTO_GRAPH_SEMI_MALICIOUS, 50, 200}};
        bool ok = bench_case(&scalars, 5) && bench_case(&some, 5) && bench_case(&sparse, 1) &&
                  bench_party_memory(5, 2000000) && bench_verifying(5, 100, 3);
        return ok ? 0 : 1;
    }
    return usage();
}
