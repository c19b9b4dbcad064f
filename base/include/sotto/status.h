/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_STATUS_H
#define SOTTO_STATUS_H

/* Status codes, error text and the markers that every other header uses.
 *
 * Three mechanisms, never mixed:
 *   enum sotto_status   what can happen: bad input, a full disk, a lying peer;
 *   SOTTO_REQUIRE       a caller's bug: always checked, aborts;
 *   SOTTO_VERIFY        an invariant of ours: checked in VERIFY builds.
 *
 * Every fallible function returns a status and takes a nullable `struct sotto_error *err` last. On
 * failure it writes a text that a person can act on (file, line, column, what was expected, what to
 * do); on success it leaves *err alone. Outputs are unchanged or zeroised on failure. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SOTTO_BEGIN_DECLS extern "C" {
#define SOTTO_END_DECLS }
#else
#define SOTTO_BEGIN_DECLS
#define SOTTO_END_DECLS
#endif

#define SOTTO_API __attribute__((visibility("default")))
#define SOTTO_NODISCARD __attribute__((warn_unused_result))
#ifdef __clang__ /* which takes it on a type: then it holds for static functions too */
#define SOTTO_NODISCARD_TYPE SOTTO_NODISCARD
#else
#define SOTTO_NODISCARD_TYPE
#endif
#define SOTTO_PRINTF(format_index, first_index)                                                    \
    __attribute__((format(printf, format_index, first_index)))

/* The index of nothing: what a search returns that finds nothing. */
#define SOTTO_NONE SIZE_MAX

SOTTO_BEGIN_DECLS

/* The library's version, "0.1.0", for callers that are not compiled against these headers: structs
 * and functions may change with the first two numbers. Returns: static storage. */
SOTTO_API const char *sotto_version(void);

/* One line per status: code, name as it appears in logs and on the wire, text for people. */
#define SOTTO_STATUS_TABLE(X)                                                                      \
    X(SOTTO_OK, 0, "ok", "success")                                                                \
    X(SOTTO_ERROR_NO_MEMORY, -1, "memory", "out of memory")                                        \
    X(SOTTO_ERROR_IO, -2, "io", "reading or writing failed")                                       \
    X(SOTTO_ERROR_INPUT, -3, "input", "malformed data")                                            \
    X(SOTTO_ERROR_PLAN, -4, "plan", "the plan is not valid")                                       \
    X(SOTTO_ERROR_NOT_FOUND, -5, "not_found", "no such thing")                                     \
    X(SOTTO_ERROR_TYPE, -6, "type", "the types do not fit")                                        \
    X(SOTTO_ERROR_LIMIT, -7, "limit", "a stated limit is exceeded")                                \
    X(SOTTO_ERROR_REFUSED, -8, "refused", "refused by policy")                                     \
    X(SOTTO_ERROR_STATE, -9, "state", "not allowed in this state")                                 \
    X(SOTTO_ERROR_CHANGED, -10, "changed", "the data changed meanwhile")                           \
    X(SOTTO_ERROR_AUTH, -11, "auth", "not signed by who should have signed it")                    \
    X(SOTTO_ERROR_PROTOCOL, -12, "protocol", "a peer broke the protocol")                          \
    X(SOTTO_ERROR_PARTIES, -13, "parties", "too few parties")                                      \
    X(SOTTO_ERROR_CANCELLED, -14, "cancelled", "cancelled")                                        \
    X(SOTTO_ERROR_RANDOM, -15, "random", "the source of randomness failed")                        \
    X(SOTTO_ERROR_VERSION, -16, "version", "no protocol version in common")                        \
    X(SOTTO_ERROR_TIMEOUT, -17, "timeout", "no answer in time")

enum SOTTO_NODISCARD_TYPE sotto_status {
#define SOTTO_STATUS_ENUM(code, value, name, text) code = value,
    SOTTO_STATUS_TABLE(SOTTO_STATUS_ENUM)
#undef SOTTO_STATUS_ENUM
};

/* The short name of a status ("io"). Returns: static storage, never NULL. */
SOTTO_API const char *sotto_status_name(enum sotto_status status);

/* The text for people of a status ("out of memory"). Returns: static storage, never NULL. */
SOTTO_API const char *sotto_status_text(enum sotto_status status);

/* Finds the status of a short name. Returns: false, and *out unchanged, if there is none. */
SOTTO_API bool sotto_status_find(enum sotto_status *out, const char *name);

#define SOTTO_ERROR_TEXT_BYTES 512

/* The caller's storage for an error text; `text` is always terminated, and is cut with "..." where
 * it is too long. Control characters and invalid UTF-8 in it are shown as '?', so that text which
 * came from data or from a peer is safe to print and to log. */
struct sotto_error {
    enum sotto_status status;
    char text[SOTTO_ERROR_TEXT_BYTES];
};

/* Writes status and formatted text into err (if not NULL). Returns: status, so that a function can
 * say `return sotto_error_set(err, SOTTO_ERROR_IO, ...)`. */
SOTTO_API enum sotto_status sotto_error_set(struct sotto_error *err, enum sotto_status status,
                                            const char *format, ...) SOTTO_PRINTF(3, 4);

#ifdef __clang_analyzer__ /* which can't see that status comes back */
#define sotto_error_set(err, status, ...)                                                          \
    ((void)sotto_error_set(err, status, __VA_ARGS__), (status))
#endif

/* Writes SOTTO_ERROR_NO_MEMORY and its text into err (if not NULL), as sotto_error_set does.
 * Returns: SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_error_no_memory(struct sotto_error *err);

#ifdef __clang_analyzer__
#define sotto_error_no_memory(err) ((void)sotto_error_no_memory(err), SOTTO_ERROR_NO_MEMORY)
#endif

/* Puts formatted text and ": " before the text that err holds already. Returns: err's status. */
SOTTO_API enum sotto_status sotto_error_prefix(struct sotto_error *err, const char *format, ...)
    SOTTO_PRINTF(2, 3);

/* Puts '?' in place of what could deceive a reader: control characters, marks that change the
 * direction of text, characters without width, invalid UTF-8. The text is terminated. */
SOTTO_API void sotto_text_sanitize(char *text);

/* Copies text so that each of its characters can be told: what has no width, blanks that are no
 * space, signs that look like a minus or a quote, combining marks and controls stand there by their
 * numbers, as <U+00A0 no-break space>. Out: out, out_bytes (at least 8) of it, terminated; a text
 * that does not fit ends in "...". */
SOTTO_API void sotto_text_reveal(char *out, size_t out_bytes, const char *text, size_t text_bytes);

/* The name nearest to word by edit distance, if it is near enough to be what was meant. Returns:
 * one of names, or NULL. */
SOTTO_API const char *sotto_text_nearest(const char *word, const char *const *names,
                                         size_t names_len);

/* The length of the longest prefix of data that is valid UTF-8 (== data_bytes if all is). */
SOTTO_API size_t sotto_utf8_valid_prefix(const void *data, size_t data_bytes);

/* The first character of a text. Out: *out its code point, unchanged where there is none. Returns:
 * its bytes, 1 to 4; 0 where no valid sequence stands there. */
SOTTO_API size_t sotto_utf8_decode(uint32_t *out, const char *text, size_t text_bytes);

/* What a failed SOTTO_REQUIRE calls: prints the place and the condition to standard error, and
 * aborts. */
SOTTO_API void sotto__require_failed(const char *file, int line, const char *condition)
    __attribute__((noreturn));

#define SOTTO_REQUIRE(condition)                                                                   \
    ((condition) ? (void)0 : sotto__require_failed(__FILE__, __LINE__, #condition))
#ifdef SOTTO_VERIFY_BUILD
#define SOTTO_VERIFY(condition) SOTTO_REQUIRE(condition)
#else
#define SOTTO_VERIFY(condition) ((void)0)
#endif

SOTTO_END_DECLS

#endif
