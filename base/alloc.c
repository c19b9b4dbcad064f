/* SPDX-License-Identifier: Apache-2.0 */

/* All of Sotto's own allocations, on malloc. The idea: they pass one hook, so that tests can fail
 * each of them, and the size of an array is multiplied where the overflow is checked. */

#include <sotto/alloc.h>

#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool (*alloc_allow)(void *context, size_t bytes);
static void *alloc_context;

void sotto_alloc_set_hook(bool (*allow)(void *context, size_t bytes), void *context)
{
    alloc_allow = allow;
    alloc_context = context;
}

bool sotto__alloc_allowed(size_t bytes)
{
    return alloc_allow == NULL || alloc_allow(alloc_context, bytes);
}

void *sotto_alloc(size_t bytes)
{
    return sotto__alloc_allowed(bytes) ? malloc(bytes > 0 ? bytes : 1) : NULL;
}

void *sotto_alloc_zeroed(size_t bytes)
{
    return sotto__alloc_allowed(bytes) ? calloc(1, bytes > 0 ? bytes : 1) : NULL;
}

void *sotto_alloc_array(size_t len, size_t element_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(len, element_bytes, &bytes)) {
        return NULL;
    }
    return sotto_alloc_zeroed(bytes);
}

void *sotto_alloc_aligned(size_t bytes)
{
    size_t padded;
    if (__builtin_add_overflow(bytes, (size_t)SOTTO_ALIGNMENT - 1, &padded) ||
        !sotto__alloc_allowed(bytes)) {
        return NULL;
    }
    padded &= ~(size_t)(SOTTO_ALIGNMENT - 1);
    padded = padded > 0 ? padded : SOTTO_ALIGNMENT;
    void *memory = aligned_alloc(SOTTO_ALIGNMENT, padded);
    if (memory != NULL) {
        memset(memory, 0, padded);
    }
    return memory;
}

enum sotto_status sotto_array_reserve(void **array, size_t *capacity_len, size_t needed_len,
                                      size_t element_bytes)
{
    if (needed_len <= *capacity_len) {
        return SOTTO_OK;
    }
    size_t len = *capacity_len > SIZE_MAX / 2 ? needed_len : *capacity_len * 2;
    len = len < needed_len ? needed_len : len;
    len = len < 8 ? 8 : len;
    size_t bytes;
    if (__builtin_mul_overflow(len, element_bytes, &bytes) || !sotto__alloc_allowed(bytes)) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    void *grown = realloc(*array, bytes);
    if (grown == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    *array = grown;
    *capacity_len = len;
    return SOTTO_OK;
}

char *sotto_text_copy(const char *text, size_t text_bytes)
{
    size_t bytes;
    if (__builtin_add_overflow(text_bytes, (size_t)1, &bytes)) {
        return NULL;
    }
    char *copy = sotto_alloc(bytes);
    if (copy != NULL) {
        if (text_bytes > 0) {
            memcpy(copy, text, text_bytes);
        }
        copy[text_bytes] = '\0';
    }
    return copy;
}

void sotto_free(void *memory)
{
    free(memory);
}
