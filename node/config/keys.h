/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_KEYS_H
#define SOTTO_NODE_KEYS_H

/* Secrets on disk: a node's identity, the token of its API, the URIs of its sources. Their files
 * have mode 0600, and are refused where group or others may read them. */

#include <sotto/identity.h>

#define TOKEN_TEXT_BYTES 65 /* 64 hexadecimal digits and the NUL */

/* Writes a new identity. Returns: SOTTO_ERROR_STATE if the file exists: a key is never
 * overwritten. */
enum sotto_status identity_file_create(const char *path, struct sotto_key *out_key,
                                       struct sotto_error *err) SOTTO_NODISCARD;

/* Reads an identity. Returns: SOTTO_ERROR_NOT_FOUND, SOTTO_ERROR_REFUSED (others may read the
 * file), SOTTO_ERROR_INPUT. Ownership: *out is ended by sotto_identity_free. */
enum sotto_status identity_file_load(const char *path, struct sotto_identity **out,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the token, which the caller wipes; makes the file first if create is set and there is none.
 * Returns: SOTTO_ERROR_NOT_FOUND, SOTTO_ERROR_REFUSED (others may read the file),
 * SOTTO_ERROR_INPUT. */
enum sotto_status token_file_load(const char *path, char out[TOKEN_TEXT_BYTES], bool create,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the first line of a file that only its owner may read, or which something else keeps from
 * others (is_watched_over). The caller wipes out. Returns: SOTTO_ERROR_NOT_FOUND,
 * SOTTO_ERROR_REFUSED (others may read the file), SOTTO_ERROR_INPUT (no file, a longer line),
 * SOTTO_ERROR_IO. */
enum sotto_status secret_file_read(const char *path, char *out, size_t out_bytes,
                                   bool is_watched_over, struct sotto_error *err) SOTTO_NODISCARD;

/* Reads a file of at most max_bytes (a certificate, a plan); *out is NUL-terminated and ended by
 * sotto_free. path "-" is standard input. Returns: SOTTO_ERROR_NOT_FOUND, SOTTO_ERROR_IO,
 * SOTTO_ERROR_LIMIT (it is longer), SOTTO_ERROR_NO_MEMORY. */
enum sotto_status file_read(const char *path, char **out, size_t *out_bytes, size_t max_bytes,
                            struct sotto_error *err) SOTTO_NODISCARD;

/* Writes a file that only its owner may read, beside the path first: there is the file that was
 * there before, or all of this one. To what is no regular file, as /dev/stdout is, it is written.
 */
enum sotto_status file_replace(const char *path, const uint8_t *bytes, size_t bytes_len,
                               struct sotto_error *err) SOTTO_NODISCARD;

#endif
