/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include "cases.h"
#include "test.h"
#include <sotto/alloc.h>

struct allocation_fault {
    size_t calls;
    size_t fail_at;
};

static bool allow(void *context, size_t bytes)
{
    struct allocation_fault *fault = context;
    (void)bytes;
    size_t call = __atomic_add_fetch(&fault->calls, 1, __ATOMIC_RELAXED);
    return call != fault->fail_at;
}

size_t fault_next(size_t fail_at)
{
    return fail_at + (fail_at < 100 || test_cases(1) >= 3 ? 1 : 3 + fail_at / 7 % 5);
}

size_t fault_each_allocation(fault_run *run, void *context)
{
    for (size_t fail_at = 1;; fail_at = fault_next(fail_at)) {
        struct allocation_fault fault = {.fail_at = fail_at};
        sotto_alloc_set_hook(allow, &fault);
        enum sotto_status status = run(context);
        sotto_alloc_set_hook(NULL, NULL);
        if (fault.calls < fail_at) {
            assert_int_equal(status, SOTTO_OK);
            assert_true(fault.calls > 0);
            return fault.calls;
        }
        assert_int_equal(status, SOTTO_ERROR_NO_MEMORY);
    }
}

static struct allocation_fault by_hand;

void fault_allocation_begin(size_t fail_at)
{
    by_hand = (struct allocation_fault){.fail_at = fail_at};
    sotto_alloc_set_hook(allow, &by_hand);
}

bool fault_allocation_end(void)
{
    sotto_alloc_set_hook(NULL, NULL);
    return by_hand.calls >= by_hand.fail_at;
}

static enum sotto_status fault_fill(void *context, uint8_t *out, size_t out_bytes)
{
    struct fault_random *fault = context;
    if (++fault->calls == fault->fail_at) {
        return SOTTO_ERROR_RANDOM;
    }
    return fault->inner.fill(fault->inner.context, out, out_bytes);
}

struct sotto_random fault_random_source(struct fault_random *fault)
{
    return (struct sotto_random){.fill = fault_fill, .context = fault};
}

size_t fault_each_random(fault_run *run, void *context, struct fault_random *fault)
{
    for (size_t fail_at = 1;; fail_at++) {
        *fault = (struct fault_random){.fail_at = fail_at};
        fault->inner = sotto_random_seeded(&fault->stream, 1, 1);
        enum sotto_status status = run(context);
        if (fault->calls < fail_at) {
            assert_int_equal(status, SOTTO_OK);
            assert_true(fault->calls > 0);
            return fault->calls;
        }
        assert_int_equal(status, SOTTO_ERROR_RANDOM);
    }
}
