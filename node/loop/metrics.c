/* SPDX-License-Identifier: Apache-2.0 */

/* Counts as Prometheus reads them. Leans on the names of rules and statuses. The one idea: a label
 * takes its values from a list that is known beforehand, all of which are written from the start:
 * no peer can make series, and a rate sees the first count of each, too. */

#include "loop/metrics.h"

#include "loop/log.h"
#include <sotto/disclosure.h>
#include <string.h>

static const char *const step_names[METRICS_STEPS_LEN] = {
    [METRICS_OFFER] = "offer",   [METRICS_PARTIAL] = "partial", [METRICS_PLEDGE] = "pledge",
    [METRICS_RECORD] = "record", [METRICS_KEEP] = "keep",       [METRICS_TRAIN] = "train",
};

static const char *const others[] = {"policy", "owner"}; /* what refuses and is no rule */
static const enum sotto_status statuses[] = {
#define METRICS_STATUS(code, value, name, text) code,
    SOTTO_STATUS_TABLE(METRICS_STATUS)
#undef METRICS_STATUS
};

#define OTHERS_LEN (sizeof others / sizeof others[0])
#define STATUSES_LEN (sizeof statuses / sizeof statuses[0])
#define REASONS_LEN ((size_t)SOTTO_RULES_LEN + OTHERS_LEN + STATUSES_LEN)
_Static_assert(REASONS_LEN <= METRICS_REASONS_ROOM, "each reason needs a count");

static const char *name_reason(size_t index)
{
    if (index < SOTTO_RULES_LEN) {
        return sotto_rule_code((enum sotto_rule)index);
    }
    index -= SOTTO_RULES_LEN;
    return index < OTHERS_LEN ? others[index] : sotto_status_name(statuses[index - OTHERS_LEN]);
}

void metrics_decline(struct metrics *metrics, enum sotto_status status, const char *refused_by)
{
    const char *reason = status == SOTTO_ERROR_REFUSED ? refused_by : sotto_status_name(status);
    size_t index = 0;
    while (index < REASONS_LEN && strcmp(name_reason(index), reason) != 0) {
        index++;
    }
    SOTTO_REQUIRE(index < REASONS_LEN);
    atomic_fetch_add(&metrics->declined[index], 1);
}

void metrics_step(struct metrics *metrics, enum metrics_step step, uint64_t begin_ms)
{
    atomic_fetch_add(&metrics->steps[step], 1);
    atomic_fetch_add(&metrics->steps_ms[step], clock_ms() - begin_ms);
}

void metrics_write_family(FILE *out, const char *family, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

void metrics_write(FILE *out, const char *name, const char *labels, double value)
{
    if (labels != NULL) {
        (void)fprintf(out, "%s{%s} %.15g\n", name, labels, value);
    } else {
        (void)fprintf(out, "%s %.15g\n", name, value);
    }
}

static double read_count(const atomic_uint_fast64_t *count)
{
    return (double)atomic_load(count);
}

void metrics_write_counts(FILE *out, const struct metrics *metrics)
{
    char labels[64];
    metrics_write_family(out, "sotto_joined_total", "counter",
                         "Tasks that this node took part in.");
    metrics_write(out, "sotto_joined_total", NULL, read_count(&metrics->joined));
    metrics_write_family(out, "sotto_answered_total", "counter",
                         "Rounds whose sum can be opened with this node's rows in it.");
    metrics_write(out, "sotto_answered_total", NULL, read_count(&metrics->answered));
    metrics_write_family(out, "sotto_declined_total", "counter",
                         "Tasks that this node declined, by rule or class of failure.");
    for (size_t i = 0; i < REASONS_LEN; i++) {
        if (i == SOTTO_RULES_LEN + OTHERS_LEN) {
            continue; /* SOTTO_OK, the first of the statuses, declines nothing */
        }
        (void)snprintf(labels, sizeof labels, "reason=\"%s\"", name_reason(i));
        metrics_write(out, "sotto_declined_total", labels, read_count(&metrics->declined[i]));
    }
    metrics_write_family(out, "sotto_step_seconds", "summary",
                         "How long this node took for its steps in rounds.");
    for (size_t i = 0; i < METRICS_STEPS_LEN; i++) {
        (void)snprintf(labels, sizeof labels, "step=\"%s\"", step_names[i]);
        metrics_write(out, "sotto_step_seconds_sum", labels,
                      read_count(&metrics->steps_ms[i]) / 1000);
        metrics_write(out, "sotto_step_seconds_count", labels, read_count(&metrics->steps[i]));
    }
}
