/* SPDX-License-Identifier: Apache-2.0 */

/* The open file: its options, its identity, its bytes. Leans on the operating system alone.
 *
 * The idea: a file is opened once and read by offset (pread), so that workers share the descriptor
 * without sharing a position, and what is read is one file whatever happens to its name. Whether it
 * stayed the same meanwhile is asked of fstat before and after (sotto_csv_identity). */

#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A chunk fits the second-level cache, its windows the first. */
#define CHUNK_BYTES ((size_t)1024 * 1024)
#define WINDOW_BYTES ((size_t)32 * 1024)

/* Errno values as texts, without strerror's locale and static buffer. */
static enum sotto_status open_failed(const char *name, int number, struct sotto_error *err)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s: there is no such file; check its name and its folder", name);
    case EACCES:
    case EPERM:
        return sotto_error_set(err, SOTTO_ERROR_IO,
                               "%s: no permission to read it; check the file's mode and owner",
                               name);
    case ELOOP:
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: too many symbolic links", name);
    case EMFILE:
    case ENFILE:
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: too many open files", name);
    case ENOMEM:
        return sotto__name_no_memory(name, err);
    default:
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: cannot be opened (errno %d)", name,
                               number);
    }
}

bool sotto__delimiter_is_possible(char c)
{
    return c == '\t' || c == ',' || (c != '\0' && strchr(SOTTO_CSV_MARKS, c) != NULL);
}

/* Whether a name ends so, .gz or .zst behind it or not. */
static bool ends_with(const char *name, const char *ending)
{
    size_t bytes = strlen(name);
    size_t ending_bytes = strlen(ending);
    if (bytes >= 3 && strcmp(name + bytes - 3, ".gz") == 0) {
        bytes -= 3;
    } else if (bytes >= 4 && strcmp(name + bytes - 4, ".zst") == 0) {
        bytes -= 4;
    }
    return bytes >= ending_bytes && strncmp(name + bytes - ending_bytes, ending, ending_bytes) == 0;
}

static bool is_json(const char *name, const struct sotto_csv_options *options)
{
    if (options != NULL && options->format != SOTTO_TEXT_BY_NAME) {
        return options->format == SOTTO_TEXT_NDJSON;
    }
    return ends_with(name, ".ndjson") || ends_with(name, ".jsonl");
}

/* What is said of CSV is not said of JSON. */
static enum sotto_status csv_init_json(struct sotto_csv *csv,
                                       const struct sotto_csv_options *options,
                                       struct sotto_error *err)
{
    csv->format.is_json = true;
    csv->serial = true;
    if (options != NULL && (options->delimiter != 0 || options->decimal_comma ||
                            options->skip > 0 || options->footer > 0 || options->comment != 0)) {
        return sotto_error_set(
            err, SOTTO_ERROR_INPUT,
            "%s: a file of JSON has no delimiter, decimal comma, skip, footer or "
            "comment: leave them out, or say that it is CSV (--format csv, or "
            "`format` in node.yaml)",
            csv->name);
    }
    return SOTTO_OK;
}

static enum sotto_status check_regular(uint64_t *out_bytes, const char *name, int fd,
                                       struct sotto_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: cannot be inspected (errno %d)", name,
                               errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: expected a CSV file, found a directory",
                               name);
    }
    if (!S_ISREG(info.st_mode)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected a regular file, found a device, pipe or socket", name);
    }
    *out_bytes = (uint64_t)info.st_size;
    return SOTTO_OK;
}

/* Which lines are none of the table. */
static enum sotto_status csv_init_lines(struct sotto_csv *csv,
                                        const struct sotto_csv_options *options,
                                        struct sotto_error *err)
{
    csv->skip = options->skip;
    csv->footer = options->footer;
    csv->format.comment = options->comment;
    if (options->comment != 0 && (strchr(SOTTO_CSV_MARKS, options->comment) == NULL ||
                                  options->comment == csv->format.delimiter)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: '%c' can't begin comments; use one of %s that is not "
                               "the delimiter",
                               csv->name, options->comment, SOTTO_CSV_MARKS);
    }
    if (options->footer > 0 && csv->packing != SOTTO__PACKING_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: a footer can be left out of a file that is not packed: unpack "
                               "it first",
                               csv->name);
    }
    return SOTTO_OK;
}

/* The first bytes of the text, unpacked. Returns: SOTTO_ERROR_NO_MEMORY. What can't be read, or is
 * damaged, is none: whoever reads it next has the words for it. */
static enum sotto_status read_start(const struct sotto_csv *csv, char *out, size_t *out_bytes,
                                    size_t bytes, struct sotto_error *err)
{
    struct sotto__stream *stream = NULL;
    struct sotto_error unwanted;
    *out_bytes = 0;
    if (csv->packing == SOTTO__PACKING_NONE) {
        ssize_t got = pread(csv->fd, out, bytes, 0);
        *out_bytes = got > 0 ? (size_t)got : 0;
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__stream_new(&stream, csv, &unwanted);
    if (status == SOTTO_OK) {
        status = sotto__stream_read(stream, out, out_bytes, bytes, &unwanted);
    }
    sotto__stream_free(stream);
    atomic_store_explicit(csv->bytes_read, 0, memory_order_relaxed); /* it is read again */
    return status == SOTTO_ERROR_NO_MEMORY ? sotto__csv_no_memory(csv, err) : SOTTO_OK;
}

/* A first line "sep=;" tells the delimiter, unless options say another one. */
static enum sotto_status take_sep_line(struct sotto_csv *csv,
                                       const struct sotto_csv_options *options,
                                       struct sotto_error *err)
{
    char start[SOTTO__SEP_LINE_BYTES];
    size_t bytes;
    char delimiter;
    enum sotto_status status = read_start(csv, start, &bytes, sizeof start, err);
    if (status != SOTTO_OK || !sotto__sep_line(&delimiter, start, bytes)) {
        return status;
    }
    bool is_other = options != NULL && options->delimiter != 0 && options->delimiter != delimiter;
    if (is_other || delimiter == csv->format.point) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s:1: sep=%c tells another delimiter than the options, or one that "
                               "stands in numbers: take the line out, or change the options",
                               csv->name, delimiter);
    }
    csv->has_sep_line = true;
    csv->format.delimiter = delimiter;
    return SOTTO_OK;
}

/* Delimiter, point and words for missing values. What has begun, sotto_csv_close ends. */
static enum sotto_status csv_init_options(struct sotto_csv *csv,
                                          const struct sotto_csv_options *options,
                                          struct sotto_error *err)
{
    size_t words_len;
    const char *const *words = sotto_csv_na_words(&words_len);
    csv->format.delimiter = ends_with(csv->name, ".tsv") ? '\t' : ',';
    csv->format.point = options != NULL && options->decimal_comma ? ',' : '.';
    if (csv->format.delimiter == csv->format.point) {
        csv->format.delimiter = ';';
    }
    words_len = csv->format.is_json ? 0 : words_len; /* null is what is missing */
    if (options != NULL && options->na_words != NULL) {
        words = options->na_words;
        words_len = options->na_words_len;
    }
    if (options != NULL && options->delimiter != 0) {
        csv->format.delimiter = options->delimiter;
        if (!sotto__delimiter_is_possible(csv->format.delimiter)) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "%s: '%c' can't be the delimiter; use a tab or one of "
                                   ",;|:!#$%%&*/<>?@^~",
                                   csv->name, csv->format.delimiter);
        }
    }
    if (csv->format.delimiter == csv->format.point) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: a comma can't be the delimiter where numbers have a decimal "
                               "comma; use ; or another delimiter",
                               csv->name);
    }
    csv->format.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (csv->format.c_locale == (locale_t)0 ||
        sotto__na_words_init(&csv->format.na, words, words_len, csv->format.point) != SOTTO_OK) {
        return sotto__csv_no_memory(csv, err);
    }
    return SOTTO_OK;
}

/* A word of a bool column that stands for a missing value would never be read. */
static enum sotto_status check_column_words(const struct sotto_csv *csv,
                                            const struct sotto_csv_column *column,
                                            struct sotto_error *err)
{
    const char *word =
        column->type.kind == SOTTO_KIND_BOOL && column->form != NULL ? column->form : "";
    while (*word != '\0') {
        size_t bytes = strcspn(word, "/");
        if (sotto__na_words_contain(&csv->format.na, word, bytes)) {
            return sotto_error_set(
                err, SOTTO_ERROR_INPUT,
                "%s: column \"%s\" is to have the word \"%.*s\", which stands for "
                "a missing value: state what does (--na, or `na` in node.yaml)",
                csv->name, column->name, (int)bytes, word);
        }
        word += bytes + (word[bytes] == '/');
    }
    return SOTTO_OK;
}

static bool is_form(const struct sotto_csv_column *column)
{
    enum sotto_kind kind = SOTTO_KIND_BOOL;
    return (column->type.kind == SOTTO_KIND_BOOL
                ? sotto_csv_words_are_valid(column->form)
                : sotto_datetime_form_is_valid(&kind, column->form)) &&
           kind == column->type.kind;
}

static enum sotto_status copy_columns(struct sotto_csv *csv,
                                      const struct sotto_csv_options *options,
                                      struct sotto_error *err)
{
    csv->columns = sotto_alloc_array(options->columns_len, sizeof *csv->columns);
    if (csv->columns == NULL) {
        return sotto__csv_no_memory(csv, err);
    }
    for (size_t i = 0; i < options->columns_len; i++) {
        const struct sotto_csv_column *column = &options->columns[i];
        SOTTO_REQUIRE(!column->typed ||
                      (column->type.kind != SOTTO_KIND_NULL &&
                       column->type.scale <= SOTTO_SCALE_MAX &&
                       (column->type.scale == 0 || column->type.kind == SOTTO_KIND_DECIMAL)));
        SOTTO_REQUIRE(column->form == NULL || (column->typed && is_form(column)));
        enum sotto_status status = check_column_words(csv, column, err);
        if (status != SOTTO_OK) {
            return status;
        }
        csv->columns[i] = *column;
        csv->columns[i].name = sotto_text_copy(column->name, strlen(column->name));
        csv->columns[i].form = NULL;
        csv->columns_len++; /* what is copied so far, sotto_csv_close frees */
        if (column->form != NULL) {
            csv->columns[i].form = sotto_text_copy(column->form, strlen(column->form));
        }
        if (csv->columns[i].name == NULL ||
            (csv->columns[i].form == NULL) != (column->form == NULL)) {
            return sotto__csv_no_memory(csv, err);
        }
    }
    return SOTTO_OK;
}

/* All but the descriptor, which csv holds already. What has begun, sotto_csv_close ends. */
static enum sotto_status csv_init(struct sotto_csv *csv, const char *name,
                                  const struct sotto_csv_options *options, struct sotto_error *err)
{
    csv->chunk_bytes = CHUNK_BYTES;
    csv->format.window_bytes = WINDOW_BYTES;
    csv->name = sotto_text_copy(name, strlen(name));
    csv->bytes_read = sotto_alloc_zeroed(sizeof *csv->bytes_read);
    if (csv->name == NULL || csv->bytes_read == NULL) {
        return sotto__name_no_memory(name, err);
    }
    enum sotto_status status = check_regular(&csv->size_bytes, name, csv->fd, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_json(name, options)) {
        status = csv_init_json(csv, options, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = csv_init_options(csv, options, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (options != NULL && options->columns_len > 0) {
        status = copy_columns(csv, options, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    /* What can't be read here is no packed file: whoever reads it next has the error's words. */
    char start[SOTTO__MAGIC_BYTES];
    ssize_t got = pread(csv->fd, start, sizeof start, 0);
    csv->packing = sotto__packing_detect(start, got > 0 ? (size_t)got : 0);
    status = csv->format.is_json ? SOTTO_OK : take_sep_line(csv, options, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return options != NULL ? csv_init_lines(csv, options, err) : SOTTO_OK;
}

enum sotto_status sotto_csv_open_fd(struct sotto_csv **out, int fd, const char *name,
                                    const struct sotto_csv_options *options,
                                    struct sotto_error *err)
{
    SOTTO_REQUIRE(fd >= 0 && name != NULL);
    struct sotto_csv *csv = sotto_alloc_zeroed(sizeof *csv);
    if (csv == NULL) {
        (void)close(fd);
        return sotto__name_no_memory(name, err);
    }
    csv->fd = fd;
    enum sotto_status status = csv_init(csv, name, options, err);
    if (status != SOTTO_OK) {
        sotto_csv_close(csv);
        return status;
    }
    *out = csv;
    return SOTTO_OK;
}

/* What is read twice must be kept: standard input goes to memory, never to a disk. */
static enum sotto_status read_standard_input(int *out, struct sotto_error *err)
{
    static const char name[] = "standard input";
    char block[16384];
    int fd = memfd_create("sotto-input", MFD_CLOEXEC);
    if (fd < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: no memory file (errno %d)", name, errno);
    }
    for (;;) {
        ssize_t got = read(STDIN_FILENO, block, sizeof block);
        if (got == 0) {
            *out = fd;
            return SOTTO_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        for (ssize_t done = 0; got > 0 && done < got;) {
            ssize_t put = write(fd, block + done, (size_t)(got - done));
            done += put > 0 ? put : 0;
            got = put < 0 && errno != EINTR ? -1 : got;
        }
        if (got < 0) {
            int reason = errno;
            (void)close(fd);
            return sotto_error_set(err, SOTTO_ERROR_IO, "%s: reading failed (errno %d)", name,
                                   reason);
        }
    }
}

enum sotto_status sotto_csv_open(struct sotto_csv **out, const char *path,
                                 const struct sotto_csv_options *options, struct sotto_error *err)
{
    if (strcmp(path, "-") == 0) {
        int input = -1;
        enum sotto_status status = read_standard_input(&input, err);
        if (status != SOTTO_OK) {
            return status;
        }
        return sotto_csv_open_fd(out, input, "standard input", options, err);
    }
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return open_failed(path, errno, err);
    }
    return sotto_csv_open_fd(out, fd, path, options, err);
}

const char *sotto__csv_form(const struct sotto_csv *csv, const char *name)
{
    const char *form = NULL;
    for (size_t i = 0; i < csv->columns_len; i++) {
        form = strcmp(csv->columns[i].name, name) == 0 ? csv->columns[i].form : form;
    }
    return form;
}

bool sotto_csv_is_na(const struct sotto_csv *csv, const char *text)
{
    return sotto__na_words_contain(&csv->format.na, text, strlen(text));
}

const char *sotto_csv_na_word(const struct sotto_csv *csv, const char *text)
{
    return sotto__na_words_find(&csv->format.na, text, csv->format.point);
}

const char *sotto_csv_na_date(const struct sotto_csv *csv, const char *column, enum sotto_kind kind,
                              const char *text)
{
    const struct sotto__na_words *na = &csv->format.na;
    const char *form = sotto__csv_form(csv, column);
    int64_t asked;
    int64_t found;
    bool is_asked = sotto_datetime_parse_kind(&asked, kind, NULL, text, strlen(text));
    for (size_t i = 0; is_asked && i < na->words_len; i++) {
        const char *word = na->words[i];
        if (sotto_datetime_parse_kind(&found, kind, form, word, strlen(word)) && found == asked) {
            return word;
        }
    }
    return NULL;
}

void sotto_csv_close(struct sotto_csv *csv)
{
    if (csv == NULL) {
        return;
    }
    sotto__na_words_release(&csv->format.na);
    for (size_t i = 0; i < csv->columns_len; i++) {
        sotto_free((void *)csv->columns[i].name); /* copies of ours */
        sotto_free((void *)csv->columns[i].form);
    }
    sotto_free(csv->columns);
    if (csv->format.c_locale != (locale_t)0) {
        freelocale(csv->format.c_locale);
    }
    (void)close(csv->fd);
    sotto_free(csv->name);
    sotto_free((void *)csv->bytes_read);
    sotto_free(csv);
}

void sotto_csv_heed(struct sotto_csv *csv, const struct sotto_interrupt *interrupt)
{
    csv->interrupt = interrupt;
}

uint64_t sotto_csv_bytes_read(const struct sotto_csv *csv)
{
    return atomic_load_explicit(csv->bytes_read, memory_order_relaxed);
}

uint64_t sotto_csv_bytes(const struct sotto_csv *csv)
{
    return csv->size_bytes;
}

static int64_t count_nanoseconds(const struct timespec *time)
{
    /* Wraps for times beyond the year 2262: only compared for equality. */
    return (int64_t)((uint64_t)time->tv_sec * 1000000000U + (uint64_t)time->tv_nsec);
}

enum sotto_status sotto_csv_identity(const struct sotto_csv *csv, struct sotto_file_identity *out,
                                     struct sotto_error *err)
{
    struct stat info;
    if (fstat(csv->fd, &info) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: cannot be inspected (errno %d)", csv->name,
                               errno);
    }
    *out = (struct sotto_file_identity){
        .device = (uint64_t)info.st_dev,
        .inode = (uint64_t)info.st_ino,
        .size_bytes = (uint64_t)info.st_size,
        .modified_ns = count_nanoseconds(&info.st_mtim),
        .changed_ns = count_nanoseconds(&info.st_ctim),
    };
    return SOTTO_OK;
}

bool sotto_file_identity_equal(const struct sotto_file_identity *a,
                               const struct sotto_file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* Small files are not worth waking threads for. */
size_t sotto_csv_workers(const struct sotto_csv *csv)
{
    int threads = omp_get_max_threads();
    /* Packed text is some four times as long. */
    uint64_t text_bytes =
        csv->packing == SOTTO__PACKING_NONE ? csv->size_bytes : 4 * csv->size_bytes;
    uint64_t chunks = text_bytes / csv->chunk_bytes + 1;
    size_t workers = threads > 1 && !csv->serial ? (size_t)threads : 1;
    return chunks < workers ? (size_t)chunks : workers;
}

enum sotto_status sotto__csv_pread(const struct sotto_csv *csv, void *out, size_t bytes,
                                   uint64_t offset, struct sotto_error *err)
{
    char *to = out;
    enum sotto_status status = sotto__csv_check_interrupt(csv, err);
    if (status != SOTTO_OK) {
        return status;
    }
    while (bytes > 0) {
        ssize_t got = pread(csv->fd, to, bytes, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "%s: reading failed (errno %d)", csv->name,
                                   errno);
        }
        if (got == 0) {
            return sotto__csv_changed(csv, err);
        }
        to += got;
        offset += (uint64_t)got;
        atomic_fetch_add_explicit(csv->bytes_read, (uint64_t)got, memory_order_relaxed);
        bytes -= (size_t)got;
    }
    return SOTTO_OK;
}
