/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_FILE_FILE_H
#define SOTTO_DATASET_FILE_FILE_H

/* Room file: a file in one reading or several, its catalogue, its columns. */

#include "text/text.h"
#include <stdatomic.h>

/* No span is longer: then the file is read serially. Above SOTTO_CSV_FIELD_BYTES_MAX. */
#define SOTTO__SPAN_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* --- magic.c: files that are known by their first bytes --- */

enum sotto__packing { SOTTO__PACKING_NONE, SOTTO__PACKING_GZIP, SOTTO__PACKING_ZSTD };

/* How many bytes decide. */
#define SOTTO__MAGIC_BYTES 16

/* How a file is packed that begins so; any number of bytes will do. */
enum sotto__packing sotto__packing_detect(const void *start, size_t bytes);

/* What begins so, where it can't be text, and what to do about it; packed files included. Returns:
 * false where it may be text. */
bool sotto__magic_find(const char **out_what, const char **out_advice, const void *start,
                       size_t bytes);

/* --- stream.c: compressed files --- */

struct sotto__stream;

/* The text of a packed file from its beginning. Ownership: borrows csv; ended by _free. */
enum sotto_status sotto__stream_new(struct sotto__stream **out, const struct sotto_csv *csv,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__stream_free(struct sotto__stream *stream);

/* The next bytes of the text, less than bytes only at its end. Out: *out_bytes tells how many;
 * unchanged on failure. Returns: SOTTO_ERROR_INPUT for damaged data. Threads: one at a time. */
enum sotto_status sotto__stream_read(struct sotto__stream *stream, void *out, size_t *out_bytes,
                                     size_t bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* Passes over bytes bytes. Returns: SOTTO_ERROR_CHANGED if there are less. */
enum sotto_status sotto__stream_skip(struct sotto__stream *stream, uint64_t bytes,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* --- around.c: what stands before and behind a table --- */

/* Whether a text begins with a line "sep=;", which tells Excel the delimiter. A byte order mark may
 * stand before it. */
bool sotto__sep_line(char *out_delimiter, const void *start, size_t bytes);
/* How many bytes decide. */
#define SOTTO__SEP_LINE_BYTES 16

struct sotto_csv;

/* Where the last csv->footer lines of a file of size_bytes begin, blank lines not counted. Returns:
 * as sotto__csv_pread. */
enum sotto_status sotto__footer_find(uint64_t *out, const struct sotto_csv *csv,
                                     uint64_t size_bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* --- csv.c: the open file --- */

/* Whether a character can part fields: what can stand in numbers, names or quotes can't. */
bool sotto__delimiter_is_possible(char c);

struct sotto_csv {
    int fd;
    char *name;
    struct sotto__text_format format;
    struct sotto_csv_column *columns; /* of the options; the names are copies */
    size_t columns_len;
    enum sotto__packing packing;
    uint32_t skip; /* lines before the header */
    uint32_t footer;
    bool has_sep_line;            /* its first line tells the delimiter: "sep=;" */
    uint64_t size_bytes;          /* when it was opened: chooses the number of workers, no more */
    _Atomic uint64_t *bytes_read; /* behind a pointer: readers have the file as const */
    /* How a file is cut up. Tests set them; results don't depend on them. */
    size_t chunk_bytes; /* what a worker takes at a time */
    bool serial;        /* read through libcsv line by line, as after an error */
    const struct sotto_interrupt *interrupt;
};

/* Before each piece of the file that is read. */
static inline enum sotto_status sotto__csv_check_interrupt(const struct sotto_csv *csv,
                                                           struct sotto_error *err)
{
    if (sotto_interrupt_is_set(csv->interrupt)) {
        return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "%s: reading was interrupted",
                               csv->name);
    }
    return SOTTO_OK;
}

/* How dates of the column of that name are written, as the options say; NULL: YYYY-MM-DD. */
const char *sotto__csv_form(const struct sotto_csv *csv, const char *name);

/* Fills out with the file's bytes at offset. Returns: SOTTO_ERROR_CHANGED where the file ends
 * before. */
enum sotto_status sotto__csv_pread(const struct sotto_csv *csv, void *out, size_t bytes,
                                   uint64_t offset, struct sotto_error *err) SOTTO_NODISCARD;

/* Says that the file changed. Inline, as those below, so that the analyser sees what comes back. */
static inline enum sotto_status sotto__csv_changed(const struct sotto_csv *csv,
                                                   struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_CHANGED,
                           "%s: changed while it was read; try again when nobody writes it",
                           csv->name);
}

/* Says that there is no memory: for a file that may not be open yet. */
static inline enum sotto_status sotto__name_no_memory(const char *name, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", name);
}

static inline enum sotto_status sotto__csv_no_memory(const struct sotto_csv *csv,
                                                     struct sotto_error *err)
{
    return sotto__name_no_memory(csv->name, err);
}

#endif
