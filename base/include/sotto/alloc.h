/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ALLOC_H
#define SOTTO_ALLOC_H

/* Every allocation of libsotto's own goes through here, so that tests can make the i-th one fail.
 * GMP, MPFR, jansson and OpenMP allocate for themselves; their operands are bounded instead. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* What column buffers are aligned to and padded to a multiple of: a cache line, an AVX-512 vector.
 */
#define SOTTO_ALIGNMENT 64

/* Allocates bytes (0 allowed), not initialised. Returns: NULL if there is no memory. Ownership: the
 * caller's, ended by sotto_free. */
SOTTO_API void *sotto_alloc(size_t bytes) SOTTO_NODISCARD;

/* Allocates bytes (0 allowed), filled with zeros. Returns: NULL if there is no memory. Ownership:
 * the caller's, ended by sotto_free. */
SOTTO_API void *sotto_alloc_zeroed(size_t bytes) SOTTO_NODISCARD;

/* Allocates len elements of element_bytes, zero-filled. Returns: NULL on overflow or no memory. */
SOTTO_API void *sotto_alloc_array(size_t len, size_t element_bytes) SOTTO_NODISCARD;

/* Allocates bytes rounded up to SOTTO_ALIGNMENT and aligned to it, zero-filled. Ended by
 * sotto_free as well. */
SOTTO_API void *sotto_alloc_aligned(size_t bytes) SOTTO_NODISCARD;

/* Grows *array (NULL or from sotto_alloc*, not from sotto_alloc_aligned) to hold at least
 * needed_len elements, at least doubling *capacity_len; new elements are not initialised.
 * Returns: SOTTO_ERROR_NO_MEMORY, and *array and *capacity_len unchanged, on overflow or no memory.
 */
SOTTO_API enum sotto_status sotto_array_reserve(void **array, size_t *capacity_len,
                                                size_t needed_len,
                                                size_t element_bytes) SOTTO_NODISCARD;

/* Copies text_bytes bytes and a terminating NUL. Returns: NULL if there is no memory. */
SOTTO_API char *sotto_text_copy(const char *text, size_t text_bytes) SOTTO_NODISCARD;

/* Frees what the functions above gave; NULL is fine. */
SOTTO_API void sotto_free(void *memory);

/* Fault injection for tests: before each allocation `allow(context, bytes)` is asked, and false
 * makes the allocation fail. NULL removes the hook. Threads: set it while no other thread
 * allocates; `allow` itself may be called from several. */
SOTTO_API void sotto_alloc_set_hook(bool (*allow)(void *context, size_t bytes), void *context);

SOTTO_END_DECLS

#endif
