/* SPDX-License-Identifier: Apache-2.0 */
/* Twenty parties sum vectors of a hundred real numbers; every fifth vanishes, at changing steps. */
#include <math.h>
#include <sotto/fixed.h>
#include <sotto/secret.h>
#include <sotto/trial.h>
#include <stdio.h>

static const struct sotto_fixed fixed = {5, 24, 1}; /* 40 bits, steps of 2^-24, |x| <= 1 */

static void gradient(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    double values[100];
    for (size_t i = 0; i < 100; i++) {
        values[i] = sin(party + (double)i);
    }
    (void)context, (void)vector_bytes;
    (void)!sotto_fixed_encode(vector, NULL, &fixed, values, 100, NULL);
}

static enum sotto_trial_step every_fifth_vanishes(void *context, uint32_t party)
{
    (void)context;
    return party % 5 == 4 ? (enum sotto_trial_step)(party / 5) : SOTTO_TRIAL_STAYS;
}

int main(void)
{
    struct sotto_error err = {0};
    struct sotto_trial_report report;
    struct sotto_vector_run run = {5, 100};
    struct sotto_trial trial = {.parties_len = 20,
                                .runs = &run,
                                .runs_len = 1,
                                .input = gradient,
                                .leaves = every_fifth_vanishes};
    double sum[100];
    if (sotto_init() != SOTTO_OK || sotto_fixed_check(&fixed, 20, &err) != SOTTO_OK ||
        sotto_trial_run(&report, &trial, &err) != SOTTO_OK) {
        return puts(err.text), 1;
    }
    sotto_fixed_decode(sum, &fixed, report.sum, 100);
    printf("%u survivors, first sum %.6f; a party: %.1f ms, %.0f bytes up, %.0f multiplications\n",
           report.survivors, sum[0], report.total.party_s * 1e3, report.total.party_up_bytes,
           report.total.party_group_operations);
    sotto_trial_report_release(&report);
    return 0;
}
