/* SPDX-License-Identifier: Apache-2.0 */

/* sotto simulate --parties N: what a session of N parties costs, measured. Leans on
 * sotto_trial_run, which drives the real machines. The idea: the values are made by a hash of party
 * and place, so that the sum is known and checked, and no file is needed. */

#include "cli/options.h"
#include "cli/print.h"

#include <sotto/alloc.h>
#include <sotto/trial.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct numbers {
    uint32_t parties_len;
    uint32_t lost;
    unsigned bits;
    size_t width;
    size_t elements_len;
    bool is_shown; /* how far it is */
    time_t shown_at;
};

/* Element i of a party: some value of numbers->bits bits. */
static uint64_t make_value(const struct numbers *numbers, uint32_t party, size_t i)
{
    uint64_t x = ((uint64_t)party << 32 | (uint64_t)i) * UINT64_C(0x9E3779B97F4A7C15);
    return x >> (64 - numbers->bits);
}

static void fill_input(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    const struct numbers *numbers = context;
    for (size_t i = 0; i * numbers->width < vector_bytes; i++) {
        uint64_t value = make_value(numbers, party, i);
        memcpy(vector + i * numbers->width, &value, numbers->width);
    }
}

/* Whether a party is lost: the lost ones are spread evenly among all. */
static bool is_lost(const struct numbers *numbers, uint32_t party)
{
    uint64_t before = (uint64_t)party * numbers->lost / numbers->parties_len;
    uint64_t after = ((uint64_t)party + 1) * numbers->lost / numbers->parties_len;
    return before != after;
}

static enum sotto_trial_step choose_step(void *context, uint32_t party)
{
    return is_lost(context, party) ? SOTTO_TRIAL_MASKING : SOTTO_TRIAL_STAYS;
}

static const char *const step_names[] = {"dealing", "masking", "consenting", "revealing", "total"};

/* Says how far a trial is, once a second: one of many parties takes minutes. */
static void show_step(void *context, enum sotto_trial_step step, uint32_t done)
{
    struct numbers *numbers = context;
    time_t now = time(NULL);
    if (now != numbers->shown_at) {
        (void)fprintf(stderr, "\r%s: %u of %u parties   ", step_names[step], done,
                      numbers->parties_len);
        numbers->shown_at = now;
    }
}

static bool sum_is_right(const struct numbers *numbers, const struct sotto_trial_report *report)
{
    for (size_t i = 0; i < numbers->elements_len; i++) {
        uint64_t sum = 0;
        uint64_t found = 0;
        for (uint32_t party = 0; party < numbers->parties_len; party++) {
            sum += is_lost(numbers, party) ? 0 : make_value(numbers, party, i);
        }
        memcpy(&found, report->sum + i * numbers->width, numbers->width);
        if (found != sum) {
            return false;
        }
    }
    return true;
}

/* --- What is printed --- */

static const struct sotto_trial_cost *cost_at(const struct sotto_trial_report *report, size_t k)
{
    return k < SOTTO_TRIAL_STEPS_LEN ? &report->steps[k] : &report->total;
}

static void print_table(const struct numbers *numbers, const struct sotto_trial_report *report)
{
    (void)printf("%u parties, %u lost after dealing, %u in the sum; %zu elements of %u bits in %zu "
                 "bytes\n",
                 numbers->parties_len, numbers->lost, report->survivors, numbers->elements_len,
                 numbers->bits, numbers->width);
    (void)printf("each secret has %u holders, %u of them give it; %u pair masks drawn by each\n\n",
                 report->graph.holders, report->graph.threshold, report->graph.masks);
    (void)printf("%-12s %10s %14s %12s %12s %12s %14s %12s %14s\n", "step", "party ms",
                 "aggregator ms", "party up B", "party down B", "party mults", "aggregator m.",
                 "party MB ks", "aggregator MB");
    for (size_t k = 0; k <= SOTTO_TRIAL_STEPS_LEN; k++) {
        const struct sotto_trial_cost *cost = cost_at(report, k);
        (void)printf("%-12s %10.2f %14.2f %12.0f %12.0f %12.0f %14llu %12.1f %14.1f\n",
                     step_names[k], cost->party_s * 1e3, cost->aggregator_s * 1e3,
                     cost->party_up_bytes, cost->party_down_bytes, cost->party_group_operations,
                     (unsigned long long)cost->aggregator_group_operations,
                     cost->party_keystream_bytes * 1e-6,
                     (double)cost->aggregator_keystream_bytes * 1e-6);
    }
    (void)printf("\nmults: scalar multiplications; ks: keystream. The sum is %s.\n",
                 sum_is_right(numbers, report) ? "right" : "WRONG");
}

/* Prints the figures of one step, with their names (JSON) or without. */
static void print_cost(const struct sotto_trial_cost *cost, const char *const names[9])
{
    const double figures[] = {cost->party_s,
                              cost->party_max_s,
                              cost->aggregator_s,
                              cost->party_up_bytes,
                              cost->party_down_bytes,
                              cost->party_group_operations,
                              (double)cost->aggregator_group_operations,
                              cost->party_keystream_bytes,
                              (double)cost->aggregator_keystream_bytes};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (names != NULL) {
            (void)printf("%s\"%s\": ", i > 0 ? ", " : "", names[i]);
        } else {
            (void)putchar(',');
        }
        (void)printf("%.15g", figures[i]);
    }
}

static const char *const figure_names[] = {"party_s",
                                           "party_max_s",
                                           "aggregator_s",
                                           "party_up_bytes",
                                           "party_down_bytes",
                                           "party_multiplications",
                                           "aggregator_multiplications",
                                           "party_keystream_bytes",
                                           "aggregator_keystream_bytes"};

static void print_csv_table(const struct numbers *numbers, const struct sotto_trial_report *report)
{
    (void)fputs("parties,survivors,elements,bits,right,step", stdout);
    for (size_t i = 0; i < sizeof figure_names / sizeof figure_names[0]; i++) {
        (void)printf(",%s", figure_names[i]);
    }
    for (size_t k = 0; k <= SOTTO_TRIAL_STEPS_LEN; k++) {
        (void)printf("\n%u,%u,%zu,%u,%s,%s", numbers->parties_len, report->survivors,
                     numbers->elements_len, numbers->bits,
                     sum_is_right(numbers, report) ? "true" : "false", step_names[k]);
        print_cost(cost_at(report, k), NULL);
    }
    (void)putchar('\n');
}

static void print_json(const struct numbers *numbers, const struct sotto_trial_report *report)
{
    (void)printf("{\"parties\": %u, \"lost\": %u, \"survivors\": %u, \"elements\": %zu, "
                 "\"bits\": %u, \"element_bytes\": %zu, \"holders\": %u, \"threshold\": %u, "
                 "\"masks\": %u, \"right\": %s, \"steps\": {",
                 numbers->parties_len, numbers->lost, report->survivors, numbers->elements_len,
                 numbers->bits, numbers->width, report->graph.holders, report->graph.threshold,
                 report->graph.masks, sum_is_right(numbers, report) ? "true" : "false");
    for (size_t k = 0; k <= SOTTO_TRIAL_STEPS_LEN; k++) {
        (void)printf("%s\"%s\": {", k > 0 ? ", " : "", step_names[k]);
        print_cost(cost_at(report, k), figure_names);
        (void)putchar('}');
    }
    (void)puts("}}");
}

static void print_report(const struct numbers *numbers, const struct sotto_trial_report *report,
                         enum print_format format)
{
    switch (format) {
    case PRINT_JSON:
        print_json(numbers, report);
        break;
    case PRINT_CSV:
        print_csv_table(numbers, report);
        break;
    default:
        print_table(numbers, report);
        break;
    }
}

static struct sotto_graph_terms choose_graph(const struct trial_options *options)
{
    enum sotto_graph_model model =
        options->parties < GRAPH_IS_SPARSE_FROM ? SOTTO_GRAPH_COMPLETE : SOTTO_GRAPH_CURIOUS;
    if (options->graph > 0) {
        model = (enum sotto_graph_model)(options->graph - 1);
    }
    double corrupted = options->corrupted > 0 ? options->corrupted : 0.05;
    return (struct sotto_graph_terms){model, (uint16_t)(corrupted * 1000 + 0.5), 330};
}

int cmd_trial(const struct args *args)
{
    const struct trial_options *options = &args->trial;
    struct numbers numbers = {.parties_len = options->parties,
                              .bits = options->bits > 0 ? options->bits : 24,
                              .elements_len = options->elements > 0 ? options->elements : 1,
                              .is_shown = isatty(STDERR_FILENO) == 1,
                              .shown_at = time(NULL)};
    struct sotto_error err = {0};
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("sotto simulate --parties N takes neither files nor expressions");
    }
    if (args_refuse(args, OPTION_ROWS | OPTION_WORDS | OPTION_LOG | OPTION_POLICY,
                    "sotto simulate --parties N")) {
        return EXIT_USAGE;
    }
    unsigned sum_bits = numbers.bits;
    while ((UINT32_C(1) << (sum_bits - numbers.bits)) < numbers.parties_len) {
        sum_bits++;
    }
    numbers.width = sum_bits <= 32 ? 4 : sum_bits <= 40 ? 5 : 8;
    numbers.lost = (uint32_t)(options->drop * numbers.parties_len + 0.5);
    struct sotto_vector_run run = {(uint32_t)numbers.width, numbers.elements_len};
    struct sotto_trial trial = {
        .parties_len = numbers.parties_len,
        .min_parties = 3,
        .graph = choose_graph(options),
        .runs = &run,
        .runs_len = 1,
        .input = fill_input,
        .seed = options->seed,
        .leaves = choose_step,
        .tell = numbers.is_shown ? show_step : NULL,
        .context = &numbers,
    };
    struct sotto_trial_report report;
    enum sotto_status status = sotto_trial_run(&report, &trial, &err);
    (void)fprintf(stderr, "%s", numbers.is_shown ? "\r\033[K" : "");
    if (status != SOTTO_OK) {
        return command_failed(&err);
    }
    print_report(&numbers, &report, args_style(args).format);
    int code = sum_is_right(&numbers, &report) ? EXIT_DONE : EXIT_FAILED;
    sotto_trial_report_release(&report);
    return code;
}
