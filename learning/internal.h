/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_LEARNING_INTERNAL_H
#define SOTTO_LEARNING_INTERNAL_H

/* What files of learning share. */

#include <sotto/bundle.h>

/* More than any manifest has whose names are within their cap. */
#define SOTTO__MANIFEST_BYTES_MAX ((size_t)4096)

/* Appends the one JSON text of a manifest. Returns: SOTTO_ERROR_INPUT, SOTTO_ERROR_LIMIT where one
 * of its values is not allowed; SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__manifest_write(struct sotto_writer *out,
                                        const struct sotto_bundle_manifest *manifest,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the JSON text of a manifest, which must be the one that sotto__manifest_write writes.
 * Returns: SOTTO_ERROR_INPUT, SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__manifest_read(struct sotto_bundle_manifest *out, const char *text,
                                       size_t text_bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* Appends a manifest as lines for people. */
void sotto__manifest_print(struct sotto_writer *out, const struct sotto_bundle_manifest *manifest);

/* Appends one line (without LF) of a source as sotto_bundle_reveal does, behind a mark. Returns:
 * how many characters stand there by their numbers. */
size_t sotto__reveal_line(struct sotto_writer *out, char mark, const char *line, size_t line_bytes,
                          size_t number, size_t columns);

/* Whether a name is one or more parts of letters, digits, '_', '-' and '.' of ASCII, none of which
 * begins with '.' or '-', with one '/' between two: so it leads nowhere but down, and reads one
 * way. */
bool sotto__bundle_name_is_plain(const char *name, size_t name_bytes);

#endif
