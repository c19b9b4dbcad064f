/* SPDX-License-Identifier: Apache-2.0 */

/* A folder of Arrow IPC files as one stream, as a driver would hand it on. Leans on arrow_reader.c.
 * The idea: the list of files, with their sizes and times, is taken before the first byte is read
 * and compared after the last, so that all rows are of one state of the folder. */

#include "source/arrow_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A column as the first file says it. */
struct wanted {
    char *name;
    char format[ARROW_FORMAT_BYTES]; /* of values */
    char index[2];
    struct ArrowSchema schema;
    struct ArrowSchema dictionary;
};

struct files {
    char *pattern;
    glob_t found;
    struct stat *stats; /* of the files, before they are read */
    size_t at;          /* the file that is read */
    int fd;             /* or -1 */
    struct arrow_reader reader;
    struct wanted *wanted;
    size_t wanted_len;
    struct ArrowSchema **children;
    size_t *columns; /* where they are in the file that is read */
    bool is_counted; /* no column is wanted: the one that there is has no values */
    struct ArrowArray none;
    struct ArrowArray *nones[1];
    struct sotto_error failure;
};

/* --- The list of files --- */

/* Whether two states of a file are the same. */
static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

/* Whether a folder that the pattern leaves open is one of values, as year=2024. */
static bool has_values(const char *pattern, const char *path)
{
    size_t fixed = strcspn(pattern, "*?[");
    while (fixed > 0 && pattern[fixed - 1] != '/') {
        fixed--;
    }
    const char *slash = strrchr(path, '/');
    size_t bytes = strlen(path);
    return slash != NULL && fixed < bytes && slash > path + fixed &&
           memchr(path + fixed, '=', (size_t)(slash - path) - fixed) != NULL;
}

static enum sotto_status list_files(struct files *files, struct sotto_error *err)
{
    const char *pattern = files->pattern;
    if (strstr(pattern, "**") != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a pattern of Arrow files without **, found '%s'", pattern);
    }
    int failed = glob(pattern, 0, NULL, &files->found);
    if (failed != 0) {
        return failed == GLOB_NOSPACE
                   ? sotto_error_no_memory(err)
                   : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                     "'%s': there is no such file to read", pattern);
    }
    files->stats = sotto_alloc_array(files->found.gl_pathc + 1, sizeof *files->stats);
    if (files->stats == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < files->found.gl_pathc; i++) {
        const char *path = files->found.gl_pathv[i];
        if (stat(path, &files->stats[i]) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "'%s': %s", path, strerror(errno));
        }
        if (has_values(pattern, path)) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "'%s': folders such as year=2024 are columns of Parquet files "
                                   "only: put the column into the files, and rename the folder",
                                   path);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_files(const struct files *files, struct sotto_error *err)
{
    glob_t now = {0};
    int failed = glob(files->pattern, 0, NULL, &now);
    bool are_same = failed == 0 && now.gl_pathc == files->found.gl_pathc;
    for (size_t i = 0; are_same && i < now.gl_pathc; i++) {
        struct stat info;
        are_same = strcmp(now.gl_pathv[i], files->found.gl_pathv[i]) == 0 &&
                   stat(now.gl_pathv[i], &info) == 0 && is_same(&info, &files->stats[i]);
    }
    globfree(&now);
    return are_same ? SOTTO_OK
                    : sotto_error_set(err, SOTTO_ERROR_CHANGED,
                                      "its files have changed while they were read");
}

/* --- One file --- */

static void close_file(struct files *files)
{
    arrow_reader_release(&files->reader);
    if (files->fd >= 0) {
        (void)close(files->fd);
    }
    files->fd = -1;
}

static enum sotto_status name_file(const struct files *files, struct sotto_error *err)
{
    return sotto_error_prefix(err, "%s", files->found.gl_pathv[files->at]);
}

/* Opens the file at `at`. */
static enum sotto_status open_file(struct files *files, struct sotto_error *err)
{
    struct stat info;
    files->fd = open(files->found.gl_pathv[files->at], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (files->fd < 0) {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "%s", strerror(errno));
        return name_file(files, err);
    }
    if (fstat(files->fd, &info) != 0 || !is_same(&info, &files->stats[files->at])) {
        (void)sotto_error_set(err, SOTTO_ERROR_CHANGED, "it has changed while it was read");
        return name_file(files, err);
    }
    return arrow_reader_open(&files->reader, files->fd, err) == SOTTO_OK ? SOTTO_OK
                                                                         : name_file(files, err);
}

static size_t find_field(const struct arrow_fields *fields, const char *name)
{
    size_t i = 0;
    while (i < fields->len && strcmp(fields->fields[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Finds the columns of the first file in another one. */
static enum sotto_status map_columns(struct files *files, struct sotto_error *err)
{
    const struct arrow_fields *fields = &files->reader.fields;
    for (size_t i = 0; i < files->wanted_len; i++) {
        const struct wanted *wanted = &files->wanted[i];
        size_t at = find_field(fields, wanted->name);
        files->columns[i] = at;
        if (at == fields->len || strcmp(fields->fields[at].format, wanted->format) != 0 ||
            strcmp(fields->fields[at].index, wanted->index) != 0) {
            (void)sotto_error_set(err, SOTTO_ERROR_INPUT,
                                  "expected a column \"%s\" of the type that it has in %s, found "
                                  "%s: write all files with one schema",
                                  wanted->name, files->found.gl_pathv[0],
                                  at == fields->len ? "none" : "another type");
            return name_file(files, err);
        }
    }
    return SOTTO_OK;
}

/* --- The stream --- */

/* What is handed out as a schema stays whose it is. */
static void release_lent(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct files *files = stream->private_data;
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = (int64_t)files->wanted_len,
                                .children = files->children,
                                .release = release_lent};
    if (files->is_counted) {
        out->n_children = 1;
    }
    return 0;
}

/* It has no memory of its own. */
static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

/* In place of no columns at all, one without values. */
static void count_rows(struct files *files, struct ArrowArray *in_out)
{
    files->none = (struct ArrowArray){
        .length = in_out->length, .null_count = in_out->length, .release = release_nothing};
    files->nones[0] = &files->none;
    in_out->children = files->nones;
    in_out->n_children = 1;
}

/* The next batch of the file that is read, or of those behind it. */
static enum sotto_status next_batch(struct ArrowArray *out, struct files *files,
                                    struct sotto_error *err)
{
    while (files->at < files->found.gl_pathc) {
        if (files->fd < 0) {
            enum sotto_status status = open_file(files, err);
            if (status != SOTTO_OK) {
                return status;
            }
            status = map_columns(files, err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
        if (arrow_reader_next(out, &files->reader, files->columns, files->wanted_len, err) !=
            SOTTO_OK) {
            return name_file(files, err);
        }
        if (out->release != NULL) {
            return SOTTO_OK;
        }
        close_file(files);
        files->at++;
    }
    return check_files(files, err);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct files *files = stream->private_data;
    *out = (struct ArrowArray){0};
    if (next_batch(out, files, &files->failure) != SOTTO_OK) {
        return EIO;
    }
    if (out->release != NULL && files->is_counted) {
        count_rows(files, out);
    }
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    return ((struct files *)stream->private_data)->failure.text;
}

static void free_files(struct files *files)
{
    close_file(files);
    for (size_t i = 0; i < files->wanted_len; i++) {
        sotto_free(files->wanted[i].name);
    }
    globfree(&files->found);
    sotto_free(files->pattern);
    sotto_free(files->stats);
    sotto_free(files->wanted);
    sotto_free(files->children);
    sotto_free(files->columns);
    sotto_free(files);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    free_files(stream->private_data);
    stream->release = NULL;
}

/* --- Opening --- */

static bool is_named(const char *name, const char *const *names, size_t names_len)
{
    for (size_t i = 0; i < names_len; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Fills in a column as the interface describes it. */
static void describe_wanted(struct wanted *out)
{
    bool is_index = out->index[0] != '\0';
    out->dictionary = (struct ArrowSchema){
        .format = out->format, .name = "", .flags = ARROW_FLAG_NULLABLE, .release = release_lent};
    out->schema = (struct ArrowSchema){.format = is_index ? out->index : out->format,
                                       .name = out->name,
                                       .flags = ARROW_FLAG_NULLABLE,
                                       .dictionary = is_index ? &out->dictionary : NULL,
                                       .release = release_lent};
}

/* Chooses columns of the first file. */
static enum sotto_status choose_columns(struct files *files, const char *const *names,
                                        size_t names_len, bool is_all, struct sotto_error *err)
{
    static struct ArrowSchema none = {
        .format = "n", .name = "x", .flags = ARROW_FLAG_NULLABLE, .release = release_lent};
    const struct arrow_fields *fields = &files->reader.fields;
    files->wanted = sotto_alloc_zeroed((fields->len + 1) * sizeof *files->wanted);
    files->children = sotto_alloc_zeroed((fields->len + 1) * sizeof(struct ArrowSchema *));
    files->columns = sotto_alloc_zeroed((fields->len + 1) * sizeof *files->columns);
    if (files->wanted == NULL || files->children == NULL || files->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < fields->len; i++) {
        const struct arrow_field *field = &fields->fields[i];
        struct wanted *wanted = &files->wanted[files->wanted_len];
        if (!is_all && !is_named(field->name, names, names_len)) {
            continue;
        }
        wanted->name = sotto_text_copy(field->name, strlen(field->name));
        if (wanted->name == NULL) {
            return sotto_error_no_memory(err);
        }
        memcpy(wanted->format, field->format, sizeof wanted->format);
        memcpy(wanted->index, field->index, sizeof wanted->index);
        describe_wanted(wanted);
        files->columns[files->wanted_len] = i;
        files->children[files->wanted_len++] = &wanted->schema;
    }
    files->is_counted = !is_all && files->wanted_len == 0;
    if (files->is_counted) {
        files->children[0] = &none;
    }
    return SOTTO_OK;
}

static enum sotto_status open_all(struct files *files, const char *const *names, size_t names_len,
                                  bool is_all, struct sotto_error *err)
{
    enum sotto_status status = list_files(files, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = open_file(files, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return choose_columns(files, names, names_len, is_all, err);
}

enum sotto_status arrow_files_open(struct ArrowArrayStream *out, const char *pattern,
                                   const char *const *names, size_t names_len, bool is_all,
                                   struct sotto_error *err)
{
    struct files *files = sotto_alloc_zeroed(sizeof *files);
    if (files == NULL) {
        return sotto_error_no_memory(err);
    }
    files->fd = -1;
    files->pattern = sotto_text_copy(pattern, strlen(pattern));
    enum sotto_status status = files->pattern != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status == SOTTO_OK) {
        status = open_all(files, names, names_len, is_all, err);
    }
    if (status != SOTTO_OK) {
        free_files(files);
        return status;
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = files};
    return SOTTO_OK;
}
