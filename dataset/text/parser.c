/* SPDX-License-Identifier: Apache-2.0 */

/* The memory of libcsv's parsers. Leans on sotto/alloc.h, so that tests can refuse it.
 *
 * The idea: libcsv answers a refusal by asking for less, and would go on with a smaller buffer; one
 * refusal is to be the end of the reading, so it is remembered and every later request is refused
 * too. The flag is the thread's, because libcsv's function for memory has no context. */

#include "text/text.h"

#include <sotto/alloc.h>

_Thread_local bool sotto__libcsv_memory_refused;

void *sotto__libcsv_realloc(void *memory, size_t bytes)
{
    size_t capacity = 0;
    if (sotto__libcsv_memory_refused ||
        sotto_array_reserve(&memory, &capacity, bytes, 1) != SOTTO_OK) {
        sotto__libcsv_memory_refused = true;
        return NULL;
    }
    return memory;
}
