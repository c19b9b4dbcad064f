/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_TOKENS_H
#define SOTTO_NODE_TOKENS_H

/* The tokens of a node's API besides the first one (keys.h): each has a name, a role and an end.
 * The file beside token_file, `tokens`, has their hashes, one line each, and mode 0600. */

#include "config/keys.h"

#define TOKENS_MAX 64
#define TOKEN_NAME_BYTES 33
#define TOKEN_HASH_BYTES 32

/* What a token may do, as bits. */
enum token_role {
    ROLE_ASK = 1 << 0,     /* create and cancel tasks; what ROLE_READ may */
    ROLE_READ = 1 << 1,    /* see tasks and results */
    ROLE_APPROVE = 1 << 2, /* see what others ask and the record, and decide */
    ROLE_ADMIN = 1 << 3,   /* everything */
    ROLE_WATCH = 1 << 4,   /* see how the node is: metrics, readiness, nodes */
};

/* The word for a role. Returns: static storage. */
const char *token_role_name(enum token_role role);
/* Returns: false if no role has this name. */
bool token_role_parse(enum token_role *out, const char *name);

struct api_token {
    char name[TOKEN_NAME_BYTES];
    enum token_role role;
    int64_t expires_ms;
    uint8_t hash[TOKEN_HASH_BYTES];
};

struct tokens {
    struct api_token list[TOKENS_MAX];
    size_t len;
};

/* The path of the file that belongs to a token_file. */
#define TOKENS_PATH_BYTES 4200
void tokens_path(char out[TOKENS_PATH_BYTES], const char *token_file);

/* Reads the file; one that is not there has none. Returns: SOTTO_ERROR_REFUSED where others may
 * read or write it, SOTTO_ERROR_INPUT naming the line. */
enum sotto_status tokens_load(struct tokens *out, const char *path,
                              struct sotto_error *err) SOTTO_NODISCARD;

/* Adds a token to the file, in one step, and gives its text, which is kept nowhere. Returns:
 * SOTTO_ERROR_STATE if the name is taken by one that counts, SOTTO_ERROR_LIMIT, SOTTO_ERROR_INPUT.
 */
enum sotto_status tokens_add(char out_text[TOKEN_TEXT_BYTES], const char *path, const char *name,
                             enum token_role role, int64_t now_ms, int64_t expires_ms,
                             struct sotto_error *err) SOTTO_NODISCARD;
/* Takes a token out of the file. Returns: SOTTO_ERROR_NOT_FOUND. */
enum sotto_status tokens_remove(const char *path, const char *name,
                                struct sotto_error *err) SOTTO_NODISCARD;

/* What the file has of a token. */
void token_hash(uint8_t out[TOKEN_HASH_BYTES], const char *text);

/* The index of the token of this hash, or SOTTO_NONE. One whose time is over is none. CT: in the
 * hash. */
size_t tokens_find(const struct tokens *tokens, const uint8_t hash[TOKEN_HASH_BYTES],
                   int64_t now_ms);

#endif
