/* SPDX-License-Identifier: Apache-2.0 */

/* The file of tokens, on libsodium. The idea: the file has only hashes, so that who reads a backup
 * of it can ask nothing; it is replaced as a whole, so that a node which reads it at any moment
 * finds the old list or the new one. */

#include "config/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HASH_TEXT_BYTES (2 * TOKEN_HASH_BYTES + 1)

static const struct {
    enum token_role role;
    const char *name;
} roles[] = {{ROLE_ASK, "ask"},
             {ROLE_READ, "read"},
             {ROLE_APPROVE, "approve"},
             {ROLE_ADMIN, "admin"},
             {ROLE_WATCH, "watch"}};
#define ROLES_LEN (sizeof roles / sizeof roles[0])

const char *token_role_name(enum token_role role)
{
    for (size_t i = 0; i < ROLES_LEN; i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    return "?";
}

bool token_role_parse(enum token_role *out, const char *name)
{
    for (size_t i = 0; i < ROLES_LEN; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

void tokens_path(char out[TOKENS_PATH_BYTES], const char *token_file)
{
    (void)snprintf(out, TOKENS_PATH_BYTES, "%ss", token_file);
}

void token_hash(uint8_t out[TOKEN_HASH_BYTES], const char *text)
{
    (void)crypto_generichash(out, TOKEN_HASH_BYTES, (const uint8_t *)text, strlen(text), NULL, 0);
}

static bool is_name(const char *name)
{
    size_t bytes = strlen(name);
    return bytes > 0 && bytes < TOKEN_NAME_BYTES && strspn(name, NAME_CHARACTERS) == bytes;
}

/* Reads "NAME ROLE END HASH". */
static bool parse_line(struct api_token *out, const char *line)
{
    char name[TOKEN_NAME_BYTES];
    char role[16];
    char expires[24];
    char hash[HASH_TEXT_BYTES];
    char *rest = NULL;
    int end = 0;
    size_t hash_bytes = 0;
    if (sscanf(line, "%32s %15s %20s %64s%n", name, role, expires, hash, &end) != 4 ||
        strcmp(line + end, "\n") != 0 || !is_name(name) || !token_role_parse(&out->role, role)) {
        return false;
    }
    errno = 0;
    out->expires_ms = strtoll(expires, &rest, 10);
    if (*rest != '\0' || errno != 0) {
        return false;
    }
    memcpy(out->name, name, sizeof out->name);
    return sodium_hex2bin(out->hash, sizeof out->hash, hash, strlen(hash), NULL, &hash_bytes,
                          NULL) == 0 &&
           hash_bytes == sizeof out->hash;
}

static enum sotto_status read_lines(struct tokens *out, FILE *file, const char *path,
                                    struct sotto_error *err)
{
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        if (out->len == TOKENS_MAX || !parse_line(&out->list[out->len], line)) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "%s: line %zu: expected what `sotto token new` writes, at most "
                                   "%d lines",
                                   path, out->len + 1, TOKENS_MAX);
        }
        out->len++;
    }
    return ferror(file) ? sotto_error_set(err, SOTTO_ERROR_IO, "%s: can't be read", path)
                        : SOTTO_OK;
}

enum sotto_status tokens_load(struct tokens *out, const char *path, struct sotto_error *err)
{
    struct stat info;
    out->len = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT
                   ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    enum sotto_status status;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: not a regular file", path);
    } else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "%s: others may read or write it: say `chmod 600 %s`", path, path);
    } else {
        status = read_lines(out, file, path, err);
    }
    (void)fclose(file);
    if (status != SOTTO_OK) {
        out->len = 0;
    }
    return status;
}

/* Puts the list in the place of the file. */
static enum sotto_status save_tokens(const struct tokens *tokens, const char *path,
                                     struct sotto_error *err)
{
    char fresh[TOKENS_PATH_BYTES + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    (void)unlink(fresh); /* of a process that died */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", fresh, strerror(errno));
    }
    bool good = true;
    for (size_t i = 0; i < tokens->len; i++) {
        char hash[HASH_TEXT_BYTES];
        const struct api_token *token = &tokens->list[i];
        (void)sodium_bin2hex(hash, sizeof hash, token->hash, sizeof token->hash);
        good = fprintf(file, "%s %s %" PRId64 " %s\n", token->name, token_role_name(token->role),
                       token->expires_ms, hash) > 0 &&
               good;
    }
    good = fflush(file) == 0 && fsync(fd) == 0 && good;
    good = fclose(file) == 0 && good;
    if (!good || rename(fresh, path) != 0) {
        enum sotto_status status =
            sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
        (void)unlink(fresh);
        return status;
    }
    return SOTTO_OK;
}

static size_t find_name(const struct tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->len; i++) {
        if (strcmp(tokens->list[i].name, name) == 0) {
            return i;
        }
    }
    return SOTTO_NONE;
}

static void remove_at(struct tokens *tokens, size_t index)
{
    for (size_t i = index + 1; i < tokens->len; i++) {
        tokens->list[i - 1] = tokens->list[i];
    }
    tokens->len--;
}

/* Makes room for a name: those whose time is over go. */
static enum sotto_status make_room(struct tokens *tokens, const char *name, int64_t now_ms,
                                   struct sotto_error *err)
{
    for (size_t i = tokens->len; i-- > 0;) {
        if (tokens->list[i].expires_ms <= now_ms) {
            remove_at(tokens, i);
        }
    }
    if (!is_name(name)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "\"%.64s\": expected a name of at most %d letters, digits, . _ -",
                               name, TOKEN_NAME_BYTES - 1);
    }
    if (find_name(tokens, name) != SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "there is a token %s: revoke it first, or take another name", name);
    }
    return tokens->len < TOKENS_MAX
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT, "there are %d tokens: revoke one first",
                                 TOKENS_MAX);
}

enum sotto_status tokens_add(char out_text[TOKEN_TEXT_BYTES], const char *path, const char *name,
                             enum token_role role, int64_t now_ms, int64_t expires_ms,
                             struct sotto_error *err)
{
    struct tokens tokens;
    char text[TOKEN_TEXT_BYTES];
    uint8_t random[(TOKEN_TEXT_BYTES - 1) / 2];
    struct sotto_random source = sotto_random_system();
    enum sotto_status status = tokens_load(&tokens, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_room(&tokens, name, now_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = source.fill(source.context, random, sizeof random);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no token was made: %s", sotto_status_text(status));
    }
    (void)sodium_bin2hex(text, sizeof text, random, sizeof random);
    struct api_token *token = &tokens.list[tokens.len++];
    *token = (struct api_token){.role = role, .expires_ms = expires_ms};
    (void)snprintf(token->name, sizeof token->name, "%s", name);
    token_hash(token->hash, text);
    status = save_tokens(&tokens, path, err);
    if (status == SOTTO_OK) {
        memcpy(out_text, text, sizeof text);
    }
    sotto_wipe(random, sizeof random);
    sotto_wipe(text, sizeof text);
    return status;
}

enum sotto_status tokens_remove(const char *path, const char *name, struct sotto_error *err)
{
    struct tokens tokens;
    enum sotto_status status = tokens_load(&tokens, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t index = find_name(&tokens, name);
    if (index == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "there is no token %.64s: `sotto token list` shows them", name);
    }
    remove_at(&tokens, index);
    return save_tokens(&tokens, path, err);
}

size_t tokens_find(const struct tokens *tokens, const uint8_t hash[TOKEN_HASH_BYTES],
                   int64_t now_ms)
{
    size_t found = SOTTO_NONE;
    for (size_t i = 0; i < tokens->len; i++) {
        bool is_it = sotto_equal_ct(hash, tokens->list[i].hash, TOKEN_HASH_BYTES);
        found = is_it && tokens->list[i].expires_ms > now_ms ? i : found;
    }
    return found;
}
