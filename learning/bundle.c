/* SPDX-License-Identifier: Apache-2.0 */

/* Bundles, written and read; leans on libsodium for SHA-256. The idea: two byte strings are never
 * the same bundle. Files ascend strictly, texts are UTF-8 with LF alone, the manifest has one
 * spelling, and nothing may follow: so an owner who knows the digest knows every byte that runs. */

#include "internal.h"

#include <sotto/alloc.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define VERSION 1
/* What is too long for a bundle is refused when it is opened, and says so there. */
#define WRITTEN_BYTES_MAX (SOTTO_BUNDLE_BYTES_MAX + (size_t)64 * 1024)

static const uint8_t magic[8] = {'S', 'O', 'T', 'B', VERSION, 0, 0, 0};

void sotto_bundle_release(struct sotto_bundle *bundle)
{
    sotto_buffer_release(&bundle->bytes);
    sotto_free(bundle->files);
    *bundle = (struct sotto_bundle){0};
}

const struct sotto_bundle_file *sotto_bundle_find(const struct sotto_bundle *bundle,
                                                  const char *name)
{
    for (size_t i = 0; i < bundle->files_len; i++) {
        if (strcmp(bundle->files[i].name.text, name) == 0) {
            return &bundle->files[i];
        }
    }
    return NULL;
}

static enum sotto_status check_text(const struct sotto_bundle_file *file, struct sotto_error *err)
{
    size_t valid = sotto_utf8_valid_prefix(file->text, file->text_bytes);
    size_t line = 1;
    for (size_t i = 0; i < valid; i++) {
        if (file->text[i] == '\0' || file->text[i] == '\r') {
            valid = i;
        } else if (file->text[i] == '\n') {
            line++;
        }
    }
    return valid == file->text_bytes
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s, line %zu: expected UTF-8 without NUL and carriage return, "
                                 "found the byte 0x%02X",
                                 file->name.text, line, (unsigned char)file->text[valid]);
}

/* What a file is imported as: "models/lenet.py" and "models/lenet/__init__.py" as "models/lenet".
 * Returns: how many bytes of its name. */
static size_t measure_module(const char *name)
{
    static const char *const endings[] = {"/__init__.py", ".py"};
    size_t bytes = strlen(name);
    for (size_t i = 0; i < 2; i++) {
        size_t ending = strlen(endings[i]);
        if (bytes > ending && strcmp(name + bytes - ending, endings[i]) == 0) {
            return bytes - ending;
        }
    }
    return bytes;
}

/* Whether two names can't both be: for a file and a folder of one name, or for two sources of one
 * module, it would depend on the reader which of them counts. */
static bool names_clash(const char *a, const char *b)
{
    size_t a_bytes = measure_module(a);
    size_t b_bytes = measure_module(b);
    bool same_module = a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
    size_t whole = strlen(a);
    return same_module || (strncmp(a, b, whole) == 0 && b[whole] == '/');
}

static enum sotto_status check_names(const struct sotto_bundle *bundle, struct sotto_error *err)
{
    for (size_t i = 0; i < bundle->files_len; i++) {
        const char *name = bundle->files[i].name.text;
        if (i > 0 && strcmp(bundle->files[i - 1].name.text, name) >= 0) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "expected files in ascending order of their names, found '%s' "
                                   "after '%s'",
                                   name, bundle->files[i - 1].name.text);
        }
        for (size_t k = 0; k < i; k++) {
            if (names_clash(bundle->files[k].name.text, name)) {
                return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                       "'%s' and '%s' can't both be: one name is that of both",
                                       bundle->files[k].name.text, name);
            }
        }
    }
    return SOTTO_OK;
}

/* The class of the entry must be in a file of the bundle, which is the only place to import from
 * beside the owner's Python. */
static enum sotto_status check_entry(const struct sotto_bundle *bundle, struct sotto_error *err)
{
    char name[SOTTO_BUNDLE_NAME_BYTES_MAX + sizeof "/__init__.py"];
    const char *entry = bundle->manifest.entry.text;
    size_t bytes = strcspn(entry, ":");
    for (size_t i = 0; i < bytes; i++) {
        name[i] = entry[i];
        if (entry[i] == '.') {
            name[i] = '/';
        }
    }
    (void)snprintf(name + bytes, sizeof name - bytes, ".py");
    if (sotto_bundle_find(bundle, name) != NULL) {
        return SOTTO_OK;
    }
    (void)snprintf(name + bytes, sizeof name - bytes, "/__init__.py");
    return sotto_bundle_find(bundle, name) != NULL
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "entry '%s': no file of the bundle is this module", entry);
}

static enum sotto_status read_file(struct sotto_bundle_file *out, struct sotto_reader *reader,
                                   struct sotto_error *err)
{
    size_t name_bytes;
    const uint8_t *name = sotto_read_blob(reader, &name_bytes, SOTTO_BUNDLE_NAME_BYTES_MAX);
    out->text = (const char *)sotto_read_blob(reader, &out->text_bytes, SOTTO_BUNDLE_BYTES_MAX);
    if (name == NULL || out->text == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a name of at most %d bytes and a text, found the end",
                               SOTTO_BUNDLE_NAME_BYTES_MAX);
    }
    memcpy(out->name.text, name, name_bytes);
    out->name.text[name_bytes] = '\0';
    if (!sotto__bundle_name_is_plain((const char *)name, name_bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected names of letters, digits, '_', '-' and '.' with '/' "
                               "between, none of which begins with '.', found '%s'",
                               out->name.text);
    }
    return check_text(out, err);
}

static enum sotto_status read_files(struct sotto_bundle *bundle, struct sotto_reader *reader,
                                    struct sotto_error *err)
{
    uint32_t len = sotto_read_u32(reader);
    if (len < 1 || len > SOTTO_BUNDLE_FILES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "expected 1 to %d files, found %u",
                               SOTTO_BUNDLE_FILES_MAX, len);
    }
    bundle->files = sotto_alloc_array(len, sizeof *bundle->files);
    if (bundle->files == NULL) {
        return sotto_error_no_memory(err);
    }
    for (; bundle->files_len < len; bundle->files_len++) {
        enum sotto_status status = read_file(&bundle->files[bundle->files_len], reader, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return sotto_reader_finished(reader)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected the end after %u files, found %zu bytes more", len,
                                 sotto_reader_left(reader));
}

static enum sotto_status read_bundle(struct sotto_bundle *bundle, struct sotto_error *err)
{
    struct sotto_reader reader;
    size_t manifest_bytes;
    sotto_reader_init(&reader, bundle->bytes.data, bundle->bytes.data_bytes);
    const uint8_t *begin = sotto_read_bytes(&reader, sizeof magic);
    const uint8_t *manifest = sotto_read_blob(&reader, &manifest_bytes, SOTTO__MANIFEST_BYTES_MAX);
    if (begin == NULL || memcmp(begin, magic, sizeof magic) != 0 || manifest == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "expected SOTB, version %d and a manifest",
                               VERSION);
    }
    enum sotto_status status =
        sotto__manifest_read(&bundle->manifest, (const char *)manifest, manifest_bytes, err);
    if (status != SOTTO_OK) {
        (void)sotto_error_prefix(err, "the manifest");
        return status;
    }
    status = read_files(bundle, &reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_names(bundle, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_entry(bundle, err);
}

enum sotto_status sotto_bundle_open(struct sotto_bundle *out, const void *bytes, size_t bytes_len,
                                    struct sotto_error *err)
{
    struct sotto_error unread = {0};
    err = err != NULL ? err : &unread; /* for the prefixes */
    *out = (struct sotto_bundle){0};
    if (bytes_len > SOTTO_BUNDLE_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "a bundle has at most %zu bytes, found %zu",
                               SOTTO_BUNDLE_BYTES_MAX, bytes_len);
    }
    if (sotto_buffer_copy(&out->bytes, bytes, bytes_len) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = read_bundle(out, err);
    if (status != SOTTO_OK) {
        (void)sotto_error_prefix(err, "this is no bundle");
        sotto_bundle_release(out);
        return status;
    }
    crypto_hash_sha256(out->digest, out->bytes.data, out->bytes.data_bytes);
    return SOTTO_OK;
}

/* Appends the file whose name comes next after `last` (NULL: the first one). Returns: it, or NULL
 * where there is none. */
static const struct sotto_bundle_file *write_next(struct sotto_writer *out,
                                                  const struct sotto_bundle_file *last,
                                                  const struct sotto_bundle_file *files,
                                                  size_t files_len)
{
    const struct sotto_bundle_file *next = NULL;
    for (size_t i = 0; i < files_len; i++) {
        if ((last == NULL || strcmp(files[i].name.text, last->name.text) > 0) &&
            (next == NULL || strcmp(files[i].name.text, next->name.text) < 0)) {
            next = &files[i];
        }
    }
    if (next != NULL) {
        sotto_write_blob(out, next->name.text, strlen(next->name.text));
        sotto_write_blob(out, next->text, next->text_bytes);
    }
    return next;
}

/* The bytes that a bundle of these files has at least. */
static size_t measure_files(const struct sotto_bundle_file *files, size_t files_len)
{
    size_t bytes = 0;
    for (size_t i = 0; i < files_len && bytes <= SOTTO_BUNDLE_BYTES_MAX; i++) {
        bool fits = files[i].text_bytes <= SOTTO_BUNDLE_BYTES_MAX;
        bytes += fits ? files[i].text_bytes + strlen(files[i].name.text) : SIZE_MAX / 2;
    }
    return bytes;
}

enum sotto_status sotto_bundle_make(struct sotto_bundle *out,
                                    const struct sotto_bundle_manifest *manifest,
                                    const struct sotto_bundle_file *files, size_t files_len,
                                    struct sotto_error *err)
{
    struct sotto_writer writer;
    *out = (struct sotto_bundle){0};
    if (files_len > SOTTO_BUNDLE_FILES_MAX ||
        measure_files(files, files_len) > SOTTO_BUNDLE_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "a bundle has at most %d files and %zu bytes, found %zu files",
                               SOTTO_BUNDLE_FILES_MAX, SOTTO_BUNDLE_BYTES_MAX, files_len);
    }
    sotto_writer_init(&writer, WRITTEN_BYTES_MAX);
    sotto_write_bytes(&writer, magic, sizeof magic);
    enum sotto_status status = sotto__manifest_write(&writer, manifest, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_write_u32(&writer, (uint32_t)files_len);
    const struct sotto_bundle_file *last = NULL;
    for (size_t i = 0; i < files_len; i++) {
        last = write_next(&writer, last, files, files_len);
        if (last == NULL) {
            status = sotto_error_set(err, SOTTO_ERROR_INPUT, "two files have one name");
            goto out;
        }
    }
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = sotto_bundle_open(out, writer.data, writer.data_bytes, err);
out:
    sotto_writer_release(&writer);
    return status;
}
