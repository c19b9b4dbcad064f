/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SECRET_H
#define SOTTO_SECRET_H

/* Memory for secrets: guard pages around it, locked where the system allows, left out of core
 * dumps, wiped when freed. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* Prepares the cryptographic libraries. Call once before anything else of Sotto; calling it again
 * is fine. Returns: SOTTO_ERROR_RANDOM if the system has no randomness. Threads: safe. */
SOTTO_API enum sotto_status sotto_init(void) SOTTO_NODISCARD;

/* Allocates bytes of guarded, zero-filled memory; subject to the hook of alloc.h. Returns: NULL if
 * there is no memory. Ownership: the caller's, ended (and wiped) by sotto_secret_free. */
SOTTO_API void *sotto_secret_alloc(size_t bytes) SOTTO_NODISCARD;

/* Wipes and frees what sotto_secret_alloc gave; NULL is fine. */
SOTTO_API void sotto_secret_free(void *secret);

/* Overwrites memory with zeros in a way that the compiler keeps. */
SOTTO_API void sotto_wipe(void *memory, size_t bytes);

/* Compares bytes bytes. CT: time depends on bytes only. */
SOTTO_API bool sotto_equal_ct(const void *a, const void *b, size_t bytes);

#define SOTTO_SHORT_DIGEST_BYTES 16

/* Writes a digest of some bytes: nobody finds others that have the same one. */
SOTTO_API void sotto_short_digest(uint8_t out[SOTTO_SHORT_DIGEST_BYTES], const void *data,
                                  size_t bytes);

SOTTO_END_DECLS

#endif
