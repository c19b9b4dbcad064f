/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_FAULT_H
#define SOTTO_TEST_FAULT_H

/* Fault injection: run something again and again, failing its 1st, 2nd, 3rd, ... allocation (or
 * call for randomness), until it succeeds without a failure being left to inject. Where few cases
 * are wanted (SOTTO_CASES, cases.h, below 3), one in five or so after the hundredth: all of them
 * are the work of ./dev test more, of tests with the label `cases`. */

#include <sotto/random.h>

/* One run of the code under test. It must release everything it made, whatever happens. */
typedef enum sotto_status fault_run(void *context);

/* Asserts (cmocka) that every run with an injected failure returns SOTTO_ERROR_NO_MEMORY (without
 * crashing or leaking) and that the run without one succeeds. Returns: how many allocations that
 * run made, at least 1. */
size_t fault_each_allocation(fault_run *run, void *context);

/* Injects one failure by hand, for code that lives on with it: the fail_at-th allocation from now
 * on. _end returns whether it came to that. fault_next: which one to fail after that. */
size_t fault_next(size_t fail_at);
void fault_allocation_begin(size_t fail_at);
bool fault_allocation_end(void);

/* The same for randomness: `source` must be what the code under test draws from. */
struct fault_random {
    struct sotto_random_stream stream;
    struct sotto_random inner;
    size_t calls;
    size_t fail_at; /* 0: never */
};

struct sotto_random fault_random_source(struct fault_random *fault);
size_t fault_each_random(fault_run *run, void *context, struct fault_random *fault);

#endif
