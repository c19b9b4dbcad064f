/* SPDX-License-Identifier: Apache-2.0 */

/* Files that hold secrets, on libsodium: created once with mode 0600 and never overwritten, refused
 * where others may read them, wiped from the stack on every path. */

#include "config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED_BYTES 32
#define SEED_TEXT_BYTES (2 * SEED_BYTES + 1)
#define IDENTITY_PREFIX "sotto identity 1 "
#define SECRET_LINE_BYTES 128
#define PIECE_BYTES ((size_t)1 << 14)

/* Creates path with mode 0600 and writes one line; never overwrites. */
static enum sotto_status write_secret(const char *path, const char *line, struct sotto_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "%s exists already and is not overwritten: name another file", path);
    }
    if (fd < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: can't be created: %s", path,
                               strerror(errno));
    }
    size_t line_bytes = strlen(line);
    bool written = write(fd, line, line_bytes) == (ssize_t)line_bytes && fsync(fd) == 0;
    int reason = errno;
    (void)close(fd);
    if (!written) {
        (void)unlink(path);
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: can't be written: %s", path,
                               strerror(reason));
    }
    return SOTTO_OK;
}

enum sotto_status secret_file_read(const char *path, char *out, size_t out_bytes,
                                   bool is_watched_over, struct sotto_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum sotto_status status = errno == ENOENT ? SOTTO_ERROR_NOT_FOUND : SOTTO_ERROR_IO;
        return sotto_error_set(err, status, "%s: %s", path, strerror(errno));
    }
    enum sotto_status status = SOTTO_OK;
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: not a regular file", path);
        goto out;
    }
    if (!is_watched_over && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "%s holds a secret that others may read (mode %03o): say `chmod "
                                 "600 %s`",
                                 path, (unsigned)info.st_mode & 0777U, path);
        goto out;
    }
    ssize_t got = read(fd, out, out_bytes - 1);
    if (got < 0) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    out[got] = '\0';
    size_t line_bytes = strcspn(out, "\r\n");
    if (line_bytes == out_bytes - 1) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a line of less than %zu bytes, found a longer one",
                                 path, out_bytes - 1);
    }
    out[line_bytes] = '\0';
out:
    (void)close(fd);
    return status;
}

enum sotto_status identity_file_create(const char *path, struct sotto_key *out_key,
                                       struct sotto_error *err)
{
    struct sotto_identity *identity = NULL;
    uint8_t seed[SEED_BYTES];
    char line[SECRET_LINE_BYTES] = IDENTITY_PREFIX;
    size_t prefix_bytes = strlen(line);
    enum sotto_status status = sotto_identity_generate(&identity, sotto_random_system());
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no key was made: %s", sotto_status_text(status));
    }
    sotto_identity_seed(identity, seed);
    (void)sodium_bin2hex(line + prefix_bytes, SEED_TEXT_BYTES, seed, sizeof seed);
    line[prefix_bytes + SEED_TEXT_BYTES - 1] = '\n';
    line[prefix_bytes + SEED_TEXT_BYTES] = '\0';
    status = write_secret(path, line, err);
    if (status == SOTTO_OK) {
        *out_key = sotto_identity_key(identity);
    }
    sotto_wipe(line, sizeof line);
    sotto_wipe(seed, sizeof seed);
    sotto_identity_free(identity);
    return status;
}

enum sotto_status identity_file_load(const char *path, struct sotto_identity **out,
                                     struct sotto_error *err)
{
    char line[SECRET_LINE_BYTES];
    uint8_t seed[SEED_BYTES];
    size_t seed_bytes = 0;
    size_t prefix_bytes = strlen(IDENTITY_PREFIX);
    enum sotto_status status = secret_file_read(path, line, sizeof line, false, err);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        (void)sotto_error_set(err, status, "%s: no such file; `sotto keygen --out %s` makes one",
                              path, path);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    const char *end = NULL;
    if (strncmp(line, IDENTITY_PREFIX, prefix_bytes) != 0 ||
        sodium_hex2bin(seed, sizeof seed, line + prefix_bytes, strlen(line + prefix_bytes), NULL,
                       &seed_bytes, &end) != 0 ||
        seed_bytes != sizeof seed || *end != '\0') {
        status =
            sotto_error_set(err, SOTTO_ERROR_INPUT,
                            "%s: not an identity file; expected what `sotto keygen` writes", path);
        goto out;
    }
    status = sotto_identity_from_seed(out, seed);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "%s: %s", path, sotto_status_text(status));
    }
out:
    sotto_wipe(line, sizeof line);
    sotto_wipe(seed, sizeof seed);
    return status;
}

static enum sotto_status create_token(const char *path, struct sotto_error *err)
{
    uint8_t random[(TOKEN_TEXT_BYTES - 1) / 2];
    char line[TOKEN_TEXT_BYTES + 1];
    struct sotto_random source = sotto_random_system();
    enum sotto_status status = source.fill(source.context, random, sizeof random);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "%s: %s", path, sotto_status_text(status));
    }
    (void)sodium_bin2hex(line, TOKEN_TEXT_BYTES, random, sizeof random);
    line[TOKEN_TEXT_BYTES - 1] = '\n';
    line[TOKEN_TEXT_BYTES] = '\0';
    status = write_secret(path, line, err);
    sotto_wipe(random, sizeof random);
    sotto_wipe(line, sizeof line);
    return status;
}

enum sotto_status token_file_load(const char *path, char out[TOKEN_TEXT_BYTES], bool create,
                                  struct sotto_error *err)
{
    char line[SECRET_LINE_BYTES];
    if (create && access(path, F_OK) != 0 && errno == ENOENT) {
        enum sotto_status status = create_token(path, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status = secret_file_read(path, line, sizeof line, false, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (strlen(line) != TOKEN_TEXT_BYTES - 1 ||
        strspn(line, "0123456789abcdef") != TOKEN_TEXT_BYTES - 1) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a token of 64 hexadecimal digits; remove the file "
                                 "and the node makes a new one",
                                 path);
        goto out;
    }
    memcpy(out, line, TOKEN_TEXT_BYTES);
out:
    sotto_wipe(line, sizeof line);
    return status;
}

/* Limits may be gigabytes: memory is taken as the text comes. */
enum sotto_status file_read(const char *path, char **out, size_t *out_bytes, size_t max_bytes,
                            struct sotto_error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (file == NULL) {
        return sotto_error_set(err, errno == ENOENT ? SOTTO_ERROR_NOT_FOUND : SOTTO_ERROR_IO,
                               "%s: %s", path, strerror(errno));
    }
    enum sotto_status status = SOTTO_OK;
    struct sotto_writer text;
    size_t got = PIECE_BYTES;
    sotto_writer_init(&text, max_bytes + PIECE_BYTES + 1);
    while (got == PIECE_BYTES && text.data_bytes <= max_bytes) {
        uint8_t *to = sotto_write_space(&text, PIECE_BYTES);
        got = to != NULL ? fread(to, 1, PIECE_BYTES, file) : 0;
        text.data_bytes -= to != NULL ? PIECE_BYTES - got : 0;
    }
    if (ferror(file)) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    } else if (text.data_bytes > max_bytes) {
        status =
            sotto_error_set(err, SOTTO_ERROR_LIMIT, "%s: longer than %zu bytes", path, max_bytes);
    } else {
        sotto_write_u8(&text, 0);
        status = sotto_writer_status(&text) == SOTTO_OK
                     ? SOTTO_OK
                     : sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", path);
    }
    if (status == SOTTO_OK) {
        *out = (char *)sotto_writer_take(&text, out_bytes);
        --*out_bytes;
    }
    sotto_writer_release(&text);
    if (file != stdin) {
        (void)fclose(file);
    }
    return status;
}

static enum sotto_status fail_to_write(const char *path, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
}

static enum sotto_status write_bytes(const char *path, int flags, const uint8_t *bytes,
                                     size_t bytes_len, struct sotto_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (file == NULL) {
        enum sotto_status status = fail_to_write(path, err);
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    bool is_written = fwrite(bytes, 1, bytes_len, file) == bytes_len && fflush(file) == 0;
    enum sotto_status status = is_written ? SOTTO_OK : fail_to_write(path, err);
    if (fclose(file) != 0 && status == SOTTO_OK) {
        status = fail_to_write(path, err);
    }
    return status;
}

enum sotto_status file_replace(const char *path, const uint8_t *bytes, size_t bytes_len,
                               struct sotto_error *err)
{
    char beside[4200];
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return write_bytes(path, 0, bytes, bytes_len, err);
    }
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", path);
    }
    (void)unlink(beside); /* of a process that died */
    enum sotto_status status =
        write_bytes(beside, O_CREAT | O_EXCL | O_NOFOLLOW, bytes, bytes_len, err);
    if (status == SOTTO_OK && rename(beside, path) != 0) {
        status = fail_to_write(path, err);
    }
    if (status != SOTTO_OK) {
        (void)unlink(beside);
    }
    return status;
}
