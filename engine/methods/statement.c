/* SPDX-License-Identifier: Apache-2.0 */

/* What this engine computes, as bytes: two engines that write the same bytes give the same bits. It
 * leans on the cards of functions and on elementary.c. The one idea: exactness needs no statement,
 * but two things could differ between builds that speak the same protocol: what a function asks of
 * rows, of which its card has the version, and the last bits of exp, log and pow, which are tried
 * out on doubles of all sizes. */

#include "kernels/elementary.h"
#include "methods/methods.h"

#include <math.h>
#include <sotto/arithmetic.h>
#include <string.h>

#define TRIES_LEN 4096

/* splitmix64: numbers that are the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A double of [0, 1). */
static double next_unit(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static void write_doubles(struct sotto_writer *writer, const double *values)
{
    for (size_t i = 0; i < TRIES_LEN; i++) {
        sotto_write_double(writer, values[i]);
    }
}

static void write_tries(struct sotto_writer *writer)
{
    double a[TRIES_LEN];
    double b[TRIES_LEN];
    double out[TRIES_LEN];
    uint64_t state = 1;
    for (size_t i = 0; i < TRIES_LEN; i++) { /* from what rounds to 0 to what is infinite */
        a[i] = next_unit(&state) * 1460 - 750;
    }
    sotto__exp(out, a, TRIES_LEN);
    write_doubles(writer, out);
    for (size_t i = 0; i < TRIES_LEN; i++) { /* subnormals too */
        a[i] = ldexp(1 + next_unit(&state), (int)(next_random(&state) % 2098) - 1074);
    }
    sotto__log(out, a, TRIES_LEN);
    write_doubles(writer, out);
    for (size_t i = 0; i < TRIES_LEN; i++) {
        a[i] = ldexp(1 + next_unit(&state), (int)(next_random(&state) % 80) - 40);
        b[i] = next_unit(&state) * 60 - 30;
    }
    sotto__pow(out, a, b, TRIES_LEN);
    write_doubles(writer, out);
}

void sotto_engine_write_statement(struct sotto_writer *writer)
{
    struct sotto_arithmetic arithmetic;
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        const char *name = card->name != NULL ? card->name : "";
        sotto_write_bytes(writer, name, strlen(name) + 1);
        sotto_write_u32(writer, card->version);
    }
    sotto_arithmetic_enter(&arithmetic); /* as in rounds: a caller's mode says nothing of them */
    write_tries(writer);
    sotto_arithmetic_leave(&arithmetic);
}
