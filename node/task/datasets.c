/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's files, opened for a task. Leans on openat2, so that no name and no link leads out of
 * data_dir, on the CSV reader and on the store, which keeps catalogues. The idea: a catalogue costs
 * a whole reading of the file, so it is made once for each state of the file and each way to read
 * it; columns that policy hides are marked in it, and behave as if they were not there. */

#include "task/datasets.h"

#include "loop/log.h"
#include "task/pushing.h"
#include "task/sourced.h"
#include "task/worked.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The store keeps a catalogue under the options of its file, written as one text; this one stands
 * for none. */
#define OPTIONS_DEFAULT "default"
#define DESCRIBED_SECONDS 600
#define OPTIONS_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Opens part by part, following no link at all: for kernels before 5.6, which have no openat2. */
static int open_by_parts(int folder_fd, const char *file)
{
    char part[256];
    int at = dup(folder_fd);
    while (at >= 0) {
        size_t part_bytes = strcspn(file, "/");
        if (part_bytes == 0 || part_bytes >= sizeof part) {
            (void)close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, file, part_bytes);
        part[part_bytes] = '\0';
        bool is_last = file[part_bytes] == '\0';
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int next = openat(at, part, is_last ? flags : flags | O_DIRECTORY);
        int reason = errno;
        (void)close(at);
        errno = reason;
        if (is_last || next < 0) {
            return next;
        }
        at = next;
        file += part_bytes + 1;
    }
    return -1;
}

int dataset_open_beneath(const char *folder, const char *file, struct sotto_error *err)
{
    if (!config_is_safe_file_name(file)) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED,
                              "\"%s\" is refused: expected the name of a file below data_dir, "
                              "without \"..\" and not absolute",
                              file);
        return -1;
    }
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "data_dir %s: %s", folder, strerror(errno));
        return -1;
    }
    /* O_NONBLOCK: a FIFO must not hold the node; on regular files it means nothing. */
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, folder_fd, file, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        fd = open_by_parts(folder_fd, file);
    }
    int reason = errno;
    (void)close(folder_fd);
    if (fd >= 0) {
        return fd;
    }
    if (reason == EXDEV || reason == ELOOP) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED,
                              "%s is refused: it is a link that leads out of data_dir", file);
    } else if (reason == ENOENT || reason == ENOTDIR) {
        (void)sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s: there is no such file in data_dir",
                              file);
    } else {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", file, strerror(reason));
    }
    return -1;
}

/* The catalogue in the store. Returns: NULL if there is none that describes the file that is open;
 * identity NULL: whatever it describes. */
static struct sotto_catalogue *recall_catalogue(struct store *store, const char *file,
                                                const char *options,
                                                const struct sotto_file_identity *identity)
{
    struct sotto_buffer encoded = {0};
    struct sotto_catalogue *catalogue = NULL;
    if (store_catalogue_get(store, &encoded, file, options, NULL) != SOTTO_OK) {
        return NULL;
    }
    if (sotto_catalogue_decode(&catalogue, encoded.data, encoded.data_bytes) != SOTTO_OK) {
        catalogue = NULL;
    } else if (identity != NULL && !sotto_file_identity_equal(&catalogue->identity, identity)) {
        sotto_catalogue_free(catalogue);
        catalogue = NULL;
    }
    sotto_buffer_release(&encoded);
    return catalogue;
}

static void keep_catalogue(struct store *store, const char *file, const char *options,
                           const struct sotto_catalogue *catalogue)
{
    struct sotto_buffer encoded = {0};
    struct sotto_error err;
    if (sotto_catalogue_encode(catalogue, &encoded) != SOTTO_OK) {
        return;
    }
    if (store_catalogue_put(store, file, options, encoded.data, encoded.data_bytes, &err) !=
        SOTTO_OK) {
        log_warning("the catalogue of %s is not kept: %s", file, err.text); /* it is made again */
    }
    sotto_buffer_release(&encoded);
}

/* --- How a file is read --- */

static void write_list(struct sotto_writer *writer, const char *name, char *const *texts,
                       unsigned len)
{
    sotto_write_bytes(writer, name, strlen(name));
    for (unsigned i = 0; texts != NULL && i < len; i++) {
        sotto_write_bytes(writer, "\x1F", 1);
        sotto_write_bytes(writer, texts[i], strlen(texts[i]));
    }
}

/* Which rows of a database are meant; by which driver is no matter. */
static void write_source(struct sotto_writer *writer, const struct source_words *source)
{
    write_list(writer, source->uri != NULL ? " uri" : " uri_file",
               source->uri != NULL ? &source->uri : &source->uri_file, 1);
    write_list(writer, source->table != NULL ? " table" : "", &source->table,
               source->table != NULL);
    write_list(writer, source->query != NULL ? " query" : "", &source->query,
               source->query != NULL);
    write_list(writer, " options", source->options, source->options_count);
}

/* The words in one text. Texts in node.yaml hold no control characters but tabs, so that no two
 * sets of words have one text. Returns: NULL if there is no memory. */
static char *join_words(const struct file_words *words)
{
    struct sotto_writer writer;
    size_t bytes;
    char *text = NULL;
    if (words == NULL) {
        return sotto_text_copy(OPTIONS_DEFAULT, sizeof OPTIONS_DEFAULT - 1);
    }
    sotto_writer_init(&writer, OPTIONS_BYTES_MAX);
    write_list(&writer, words->format != NULL ? "format" : "", &words->format,
               words->format != NULL);
    write_list(&writer, "delimiter", &words->delimiter, words->delimiter != NULL);
    write_list(&writer, " decimal", &words->decimal, words->decimal != NULL);
    char lines[64] = "";
    if (words->skip > 0 || words->footer > 0) {
        (void)snprintf(lines, sizeof lines, " skip %u footer %u", words->skip, words->footer);
    }
    sotto_write_bytes(&writer, lines, strlen(lines));
    write_list(&writer, words->comment != NULL ? " comment" : "", &words->comment,
               words->comment != NULL);
    write_list(&writer, words->na != NULL ? " na" : "", words->na, words->na_count);
    write_list(&writer, " types", words->types, words->types_count);
    write_list(&writer, words->key != NULL ? " key" : "", &words->key, words->key != NULL);
    if (words->source != NULL) {
        write_source(&writer, words->source);
    }
    write_list(&writer, words->workers != NULL ? " workers" : "", &words->workers,
               words->workers != NULL);
    sotto_write_u8(&writer, 0);
    if (sotto_writer_status(&writer) == SOTTO_OK) {
        text = (char *)sotto_writer_take(&writer, &bytes);
    }
    sotto_writer_release(&writer);
    return text;
}

/* --- Opening --- */

static enum sotto_status check_offered(const struct config *config, const char *file,
                                       struct sotto_error *err)
{
    if (!config_is_safe_file_name(file)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "\"%s\" is refused: expected the name of a file below data_dir, "
                               "without \"..\" and not absolute",
                               file);
    }
    return config_offers(config, file)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                 "%s is not offered: policy.datasets of node.yaml does not list it",
                                 file);
}

/* Marks the columns that policy does not show: they are as those that are not there. */
static void hide_columns(struct sotto_catalogue *catalogue, const struct config *config,
                         const char *file)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        struct sotto_catalogue_column *column = &catalogue->columns[i];
        bool is_shown = config_shows(config, file, column->name);
        column->hidden = column->hidden || !is_shown;
        column->is_nested = column->is_nested && is_shown; /* else its name could be told */
    }
}

static size_t find_column(const struct sotto_catalogue *catalogue, const char *name)
{
    size_t i = 0;
    while (i < catalogue->columns_len && strcmp(catalogue->columns[i].name, name) != 0) {
        i++;
    }
    return i < catalogue->columns_len ? i : SOTTO_NONE;
}

/* Marks the key, which may be hidden: nobody is shown it. is_checked: it was found to be one. Of
 * rows in parts a ledger is told whether two have the same (disclosure/tally_keys.c). */
static enum sotto_status mark_key(struct dataset *dataset, const char *file, const char *key,
                                  bool is_checked, bool is_in_parts, struct sotto_error *err)
{
    size_t column = key != NULL ? find_column(dataset->catalogue, key) : SOTTO_NONE;
    if (key == NULL) {
        return SOTTO_OK;
    }
    if (column == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected the column \"%s\", which node.yaml names as its key",
                               file, key);
    }
    dataset->catalogue->columns[column].is_key = true;
    if (!is_checked && is_in_parts) {
        return sotto_catalogue_check_key(dataset->catalogue, column, file, err);
    }
    return is_checked ? SOTTO_OK
                      : sotto_source_check_key(dataset->source, dataset->csv, column, file, err);
}

/* Makes the source of a file that has its catalogue. */
static enum sotto_status make_source(struct dataset *dataset, const char *file, const char *key,
                                     bool is_checked, struct sotto_error *err)
{
    enum sotto_status status =
        sotto_source_new_file(&dataset->source, dataset->csv, dataset->catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return mark_key(dataset, file, key, is_checked, false, err);
}

/* Gets the catalogue of the open file from the store, or makes it, and keeps it once the key is
 * found to be one. */
static enum sotto_status find_catalogue(struct dataset *dataset, struct store *store,
                                        const char *file, const char *options, const char *key,
                                        struct sotto_error *err)
{
    struct sotto_file_identity identity;
    enum sotto_status status = sotto_csv_identity(dataset->csv, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    dataset->catalogue = store != NULL ? recall_catalogue(store, file, options, &identity) : NULL;
    if (dataset->catalogue != NULL) {
        return make_source(dataset, file, key, true, err);
    }
    status = sotto_csv_catalogue(dataset->csv, &dataset->catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_source(dataset, file, key, false, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (store != NULL) {
        keep_catalogue(store, file, options, dataset->catalogue);
    }
    return SOTTO_OK;
}

/* Opens a file, and gets its catalogue. */
static enum sotto_status open_file(struct dataset *dataset, const struct config *config,
                                   struct store *store, const char *file,
                                   const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct file_options options = {0};
    int fd = dataset_open_beneath(config->file->data_dir, file, err);
    if (fd < 0) {
        return err != NULL ? err->status : SOTTO_ERROR_IO;
    }
    const struct file_words *words = config_words_of(config, file);
    const char *wrong;
    char *text = join_words(words);
    enum sotto_status status = text != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = file_options_init(&options, words, &wrong, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_csv_open_fd(&dataset->csv, fd, file, &options.csv, err);
    fd = -1; /* the file's, or closed */
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_csv_heed(dataset->csv, interrupt);
    status = find_catalogue(dataset, store, file, text, words != NULL ? words->key : NULL, err);
out:
    file_options_release(&options);
    sotto_free(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* Keeps what rows are that are in no file, for dataset_describe. */
static void keep_described(const struct dataset *dataset, const struct config *config,
                           struct store *store, const char *file)
{
    char *text = store != NULL ? join_words(config_words_of(config, file)) : NULL;
    if (text != NULL) { /* else they are asked again */
        struct sotto_catalogue kept = *dataset->catalogue;
        kept.text_bytes = kept.rows; /* a catalogue has a byte for each */
        kept.identity = (struct sotto_file_identity){.changed_ns = clock_unix_ms() * 1000000};
        keep_catalogue(store, file, text, &kept);
    }
    sotto_free(text);
}

/* Opens a database that sums up itself what it can. A task that reads its rows again after a
 * restart has to know that they are the same, for which they must be seen. */
static bool push_rows(struct dataset *dataset, const struct config *config, const char *file,
                      bool is_read_again, const struct sotto_interrupt *interrupt)
{
    struct sotto_error why = {0};
    return !is_read_again && pushing_is_allowed(config, file) &&
           pushing_open(dataset, config, file, interrupt, &why) == SOTTO_OK;
}

/* Reads rows of a database. */
static enum sotto_status open_rows(struct dataset *dataset, const struct config *config,
                                   struct store *store, const char *file, bool is_read_again,
                                   const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    if (push_rows(dataset, config, file, is_read_again, interrupt)) {
        keep_described(dataset, config, store, file);
        return SOTTO_OK;
    }
    enum sotto_status status = sourced_read(dataset, config, file, is_read_again, interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = mark_key(dataset, file, config_words_of(config, file)->key, false, false, err);
    if (status == SOTTO_OK) {
        keep_described(dataset, config, store, file);
    }
    return status;
}

/* Asks workers which columns there are. */
static enum sotto_status open_parts(struct dataset *dataset, const struct config *config,
                                    struct store *store, const char *file,
                                    const struct sotto_interrupt *interrupt,
                                    struct sotto_error *err)
{
    enum sotto_status status = worked_open(dataset, config, file, interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = mark_key(dataset, file, config_words_of(config, file)->key, false, true, err);
    if (status == SOTTO_OK) {
        keep_described(dataset, config, store, file);
    }
    return status;
}

/* Leaves out what the owner does not offer of the rows, and keeps a file's between rounds. */
static enum sotto_status limit_rows(struct dataset *dataset, const struct config *config,
                                    const char *file, bool is_read_again, struct sotto_error *err)
{
    const struct file_words *words = config_words_of(config, file);
    enum sotto_status status = SOTTO_OK;
    SOTTO_REQUIRE(dataset->catalogue != NULL);
    hide_columns(dataset->catalogue, config, file);
    if (words != NULL && words->complete_count > 0) {
        status = sotto_source_new_complete(&dataset->source, dataset->source,
                                           (const char *const *)words->complete,
                                           words->complete_count, err);
    }
    bool is_kept = is_read_again && dataset->csv != NULL && config->rows_memory > 0;
    return status == SOTTO_OK && is_kept
               ? sotto_source_new_kept(&dataset->source, dataset->source, config->rows_memory, err)
               : status;
}

enum sotto_status dataset_open(struct dataset *out, const struct config *config,
                               struct store *store, const char *file, bool is_read_again,
                               const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct dataset dataset = {0};
    enum sotto_status status = check_offered(config, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (worked_program(config, file) != NULL) {
        status = open_parts(&dataset, config, store, file, interrupt, err);
    } else if (config_source_of(config, file) != NULL) {
        status = open_rows(&dataset, config, store, file, is_read_again, interrupt, err);
    } else {
        status = open_file(&dataset, config, store, file, interrupt, err);
    }
    if (status == SOTTO_OK) {
        status = limit_rows(&dataset, config, file, is_read_again, err);
    }
    if (status != SOTTO_OK) {
        dataset_release(&dataset);
        return status;
    }
    *out = dataset;
    return SOTTO_OK;
}

/* Whether rows in no file were looked at not long ago. */
static bool is_recent(const struct sotto_catalogue *catalogue)
{
    int64_t age_ms = clock_unix_ms() - catalogue->identity.changed_ns / 1000000;
    return age_ms >= 0 && age_ms < (int64_t)DESCRIBED_SECONDS * 1000;
}

enum sotto_status dataset_describe(struct dataset *out, const struct config *config,
                                   struct store *store, const char *file,
                                   const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct dataset dataset = {0};
    bool is_kept = store != NULL && check_offered(config, file, NULL) == SOTTO_OK &&
                   (config_source_of(config, file) != NULL || worked_program(config, file) != NULL);
    char *text = is_kept ? join_words(config_words_of(config, file)) : NULL;
    if (text != NULL) {
        dataset.catalogue = recall_catalogue(store, file, text, NULL);
    }
    sotto_free(text);
    if (dataset.catalogue == NULL || !is_recent(dataset.catalogue)) {
        dataset_release(&dataset);
        return dataset_open(out, config, store, file, false, interrupt, err);
    }
    hide_columns(dataset.catalogue, config, file);
    *out = dataset;
    return SOTTO_OK;
}

void dataset_release(struct dataset *dataset)
{
    sotto_source_free(dataset->source);
    sotto_catalogue_free(dataset->catalogue);
    sotto_csv_close(dataset->csv);
    sourced_release(dataset);
    *dataset = (struct dataset){0};
}
