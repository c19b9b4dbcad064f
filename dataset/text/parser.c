/* SPDX-License-Identifier: Apache-2.0 */

/* The memory of libcsv's parsers, so that one refusal ends the reading. */

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
