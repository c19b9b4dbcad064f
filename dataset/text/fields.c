/* SPDX-License-Identifier: Apache-2.0 */

/* A text of whole records as fields. Leans on the split kernels, which find where fields end, and
 * on libcsv for quotes.
 *
 * The idea: one window of text is split at a time, so that it is still in the nearest cache when
 * its fields are converted. A window in which each row has its fields and nothing is quoted, which
 * is nearly every one, is used where it stands. One with quotes goes through libcsv into a copy;
 * one with blank lines is copied without them. Whoever takes the fields can't tell the difference,
 * but for `verbatim`.
 *
 * What is malformed is refused without a text, since the serial reader (file/read.c) then tells
 * what is wrong where. */

#include "text/text.h"
#include "value/digits.h"

#include <csv.h>
#include <sotto/alloc.h>
#include <string.h>

void sotto__splitter_init(struct sotto__splitter *out, const struct sotto__text_format *format,
                          size_t columns_len)
{
    *out = (struct sotto__splitter){
        .format = format,
        .kernels = sotto__split_kernels(),
        .columns_len = columns_len,
    };
}

void sotto__splitter_release(struct sotto__splitter *splitter)
{
    sotto_free(splitter->ends);
    sotto_free(splitter->copy);
    sotto_free(splitter->copy_ends);
    *splitter = (struct sotto__splitter){0};
}

/* --- Rows that are copied --- */

/* Room for this many more bytes and ends, and for what must be readable around them. */
static bool copy_reserve(struct sotto__splitter *splitter, size_t bytes, size_t ends_len)
{
    void *copy = splitter->copy;
    void *ends = splitter->copy_ends;
    size_t needed = SOTTO__DIGITS_BEFORE + splitter->copy_bytes + bytes + SOTTO__SPLIT_BLOCK;
    bool reserved = sotto_array_reserve(&copy, &splitter->copy_capacity, needed, 1) == SOTTO_OK &&
                    sotto_array_reserve(&ends, &splitter->copy_ends_capacity,
                                        1 + splitter->copy_ends_len + ends_len,
                                        sizeof *splitter->copy_ends) == SOTTO_OK;
    splitter->copy = copy;
    splitter->copy_ends = ends;
    splitter->no_memory = splitter->no_memory || !reserved;
    return reserved;
}

static bool copy_begin(struct sotto__splitter *splitter)
{
    splitter->copy_bytes = 0;
    splitter->copy_ends_len = 0;
    splitter->row_fields = 0;
    splitter->failed = false;
    if (!copy_reserve(splitter, 0, 0)) {
        return false;
    }
    memset(splitter->copy, 0, SOTTO__DIGITS_BEFORE);
    splitter->copy_ends[0] = UINT32_MAX; /* so that the first field starts at 0 */
    return true;
}

#ifdef SOTTO_VERIFY_BUILD
/* Each end is behind the one before it. The end before the first one wraps to 0, as readers do. */
static void verify_fields(const struct sotto__fields *fields)
{
    for (size_t i = 0; i < fields->rows * fields->columns_len; i++) {
        uint32_t start = fields->ends[(ptrdiff_t)i - 1] + 1;
        SOTTO_VERIFY(start <= fields->ends[i]);
    }
}
#endif

/* All fields go to the sink by this way. */
static enum sotto_status hand_over(const struct sotto__fields *fields, sotto__fields_sink *sink,
                                   void *context)
{
#ifdef SOTTO_VERIFY_BUILD
    verify_fields(fields);
#endif
    return sink(context, fields);
}

static enum sotto_status copy_end(struct sotto__splitter *splitter, struct sotto__fields *fields,
                                  sotto__fields_sink *sink, void *context)
{
    memset(splitter->copy + SOTTO__DIGITS_BEFORE + splitter->copy_bytes, 0, SOTTO__SPLIT_BLOCK);
    fields->text = splitter->copy + SOTTO__DIGITS_BEFORE;
    fields->ends = splitter->copy_ends + 1;
    fields->columns_len = splitter->columns_len;
    fields->rows = splitter->copy_ends_len / splitter->columns_len;
    return fields->rows > 0 ? hand_over(fields, sink, context) : SOTTO_OK;
}

/* libcsv's callback: one field, unquoted. The line feed behind it stands for the byte that ends a
 * field in place. */
static void on_field(void *text, size_t bytes, void *context)
{
    struct sotto__splitter *splitter = context;
    if (splitter->failed || splitter->row_fields == splitter->columns_len ||
        !copy_reserve(splitter, bytes + 1, 1)) {
        splitter->failed = true;
        return;
    }
    char *copy = splitter->copy + SOTTO__DIGITS_BEFORE + splitter->copy_bytes;
    memcpy(copy, text, bytes);
    copy[bytes] = '\n';
    splitter->copy_ends[1 + splitter->copy_ends_len++] = (uint32_t)(splitter->copy_bytes + bytes);
    splitter->copy_bytes += bytes + 1;
    splitter->row_fields++;
}

static void on_row(int terminator, void *context)
{
    struct sotto__splitter *splitter = context;
    (void)terminator;
    splitter->failed = splitter->failed || splitter->row_fields != splitter->columns_len;
    splitter->row_fields = 0;
}

/* Feeds libcsv all lines but comments. Returns: false for what it refuses, and for a comment with a
 * quote in it: that is none, but was counted as one where the file was cut. The first such line is
 * met from its start, as a stray quote would be (file/spans.c, step 5), and the reader that goes
 * line by line has the file then. */
static bool feed_lines(struct sotto__splitter *splitter, struct csv_parser *parser,
                       const char *text, size_t bytes)
{
    int idle = parser->pstate; /* between records */
    const char *end = text + bytes;
    while (text < end) {
        const char *stop = text;
        while (stop < end && *stop != '\n' && *stop != '\r') {
            stop++;
        }
        stop += stop < end;
        size_t len = (size_t)(stop - text);
        bool is_comment = *text == splitter->format->comment && parser->pstate == idle;
        if (is_comment ? memchr(text, '"', len) != NULL
                       : csv_parse(parser, text, len, on_field, on_row, splitter) != len) {
            return false;
        }
        text = stop;
    }
    return true;
}

/* Records with quotes in them. A row must have its fields, or libcsv's refusal and the count in
 * on_row say that the text is malformed. */
static enum sotto_status split_quoted(struct sotto__splitter *splitter, const char *text,
                                      size_t bytes, bool comments, sotto__fields_sink *sink,
                                      void *context)
{
    struct csv_parser parser;
    if (!copy_begin(splitter)) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto__libcsv_memory_refused = false;
    (void)csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser, (unsigned char)splitter->format->delimiter);
    csv_set_realloc_func(&parser, sotto__libcsv_realloc);
    csv_set_free_func(&parser, sotto_free);
    /* Its buffer in one piece: it copies all of it at each growth. */
    csv_set_blk_size(&parser, bytes);
    bool done = (comments ? feed_lines(splitter, &parser, text, bytes)
                          : csv_parse(&parser, text, bytes, on_field, on_row, splitter) == bytes) &&
                csv_fini(&parser, on_field, on_row, splitter) == 0;
    csv_free(&parser);
    if (splitter->no_memory || sotto__libcsv_memory_refused) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (!done || splitter->failed) {
        return SOTTO_ERROR_INPUT;
    }
    struct sotto__fields fields = {.verbatim = true};
    return copy_end(splitter, &fields, sink, context);
}

/* Whether nothing is left of a line once it is trimmed. */
static bool is_blank(const char *text, size_t bytes)
{
    struct sotto__fields plain = {0};
    (void)sotto__field_trim(&plain, text, &bytes);
    return bytes == 0;
}

/* Whether some line begins as comments do. */
static bool has_comments(const char *text, size_t bytes, char comment)
{
    const char *end = text + bytes;
    for (const char *p = text; p < end; p++) {
        p = memchr(p, comment, (size_t)(end - p));
        if (p == NULL) {
            return false;
        }
        if (p == text || p[-1] == '\n' || p[-1] == '\r') {
            return true;
        }
    }
    return false;
}

/* Rows among which there are blank lines, comments, or rows of another number of fields. */
static enum sotto_status split_uneven(struct sotto__splitter *splitter, const char *text,
                                      size_t ends_len, bool crlf, sotto__fields_sink *sink,
                                      void *context)
{
    const uint32_t *ends = splitter->ends + 1;
    if (!copy_begin(splitter) || !copy_reserve(splitter, ends[ends_len - 1] + 1, ends_len)) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    uint32_t start = 0;
    size_t row = 0; /* the first end of the current row */
    for (size_t i = 0; i < ends_len; i++) {
        if (text[ends[i]] == splitter->format->delimiter) {
            continue;
        }
        size_t bytes = ends[i] - start;
        bool is_comment =
            splitter->format->comment != '\0' && text[start] == splitter->format->comment;
        if (!is_comment && (row != i || !is_blank(text + start, bytes))) {
            if (i - row + 1 != splitter->columns_len) {
                return SOTTO_ERROR_INPUT;
            }
            memcpy(splitter->copy + SOTTO__DIGITS_BEFORE + splitter->copy_bytes, text + start,
                   bytes + 1);
            for (; row <= i; row++) {
                splitter->copy_ends[1 + splitter->copy_ends_len++] =
                    ends[row] - start + (uint32_t)splitter->copy_bytes;
            }
            splitter->copy_bytes += bytes + 1;
        }
        start = ends[i] + 1;
        row = i + 1;
    }
    struct sotto__fields fields = {.crlf = crlf};
    return copy_end(splitter, &fields, sink, context);
}

/* --- Rows in place --- */

/* Whether each columns_len-th end is one of a row. As many of the ends are, so it is these, and no
 * line is blank unless there is one column. */
static bool is_even(const struct sotto__splitter *splitter, const char *text, size_t ends_len,
                    size_t rows)
{
    size_t columns_len = splitter->columns_len;
    const uint32_t *end = splitter->ends + columns_len;
    bool even = ends_len == rows * columns_len;
    if (columns_len == 1) {
        for (size_t row = 0; even && row < rows; row++) {
            uint32_t start = splitter->ends[row] + 1; /* wraps to 0 for the first */
            even = !is_blank(text + start, end[row] - start);
        }
        return even;
    }
    for (size_t row = 0; even && row < rows; row++) {
        even = text[end[row * columns_len]] != splitter->format->delimiter;
    }
    return even;
}

/* ASCII goes by in steps of eight bytes. Runs of bytes above 0x7F are whole sequences in a valid
 * text, so each is checked alone. */
static bool is_utf8(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        uint64_t word;
        if (i + sizeof word <= bytes) {
            memcpy(&word, text + i, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof word;
                continue;
            }
        }
        size_t run = 0;
        while (i + run < bytes && (unsigned char)text[i + run] >= 0x80) {
            run++;
        }
        if (sotto_utf8_valid_prefix(text + i, run) != run) {
            return false;
        }
        i += run + (i + run < bytes);
    }
    return true;
}

static enum sotto_status ends_reserve(struct sotto__splitter *splitter, size_t window)
{
    size_t needed = 1 + window + SOTTO__SPLIT_SLACK;
    if (needed > splitter->ends_len) {
        sotto_free(splitter->ends);
        splitter->ends_len = 0;
        splitter->ends = sotto_alloc(needed * sizeof *splitter->ends);
        if (splitter->ends == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        splitter->ends_len = needed;
        splitter->ends[0] = UINT32_MAX;
    }
    return SOTTO_OK;
}

/* The rows that end in a window of the text; *out_bytes tells how many bytes they have, 0 if none
 * ends there. */
static enum sotto_status split_window(struct sotto__splitter *splitter, size_t *out_bytes,
                                      const char *text, size_t window, sotto__fields_sink *sink,
                                      void *context)
{
    struct sotto__split split;
    char delimiter = splitter->format->delimiter;
    enum sotto_status status = ends_reserve(splitter, window);
    if (status != SOTTO_OK) {
        return status;
    }
    const uint32_t *ends = splitter->ends + 1;
    size_t len = splitter->kernels->split(splitter->ends + 1, &split, text, window, delimiter);
    while (len > 0 && text[ends[len - 1]] == delimiter) {
        len--;
    }
    size_t bytes = len > 0 ? (size_t)ends[len - 1] + 1 : 0;
    *out_bytes = bytes;
    if (len == 0) {
        return SOTTO_OK;
    }
    if (split.nul || (split.high && !is_utf8(text, bytes))) {
        return SOTTO_ERROR_INPUT;
    }
    bool comments =
        splitter->format->comment != '\0' && has_comments(text, bytes, splitter->format->comment);
    if (split.quotes > 0) {
        return split_quoted(splitter, text, bytes, comments, sink, context);
    }
    if (comments || !is_even(splitter, text, len, split.row_ends)) {
        return split_uneven(splitter, text, len, split.crlf, sink, context);
    }
    struct sotto__fields fields = {
        .text = text,
        .ends = ends,
        .columns_len = splitter->columns_len,
        .rows = split.row_ends,
        .crlf = split.crlf,
    };
    return hand_over(&fields, sink, context);
}

enum sotto_status sotto__split_rows(struct sotto__splitter *splitter, const char *text,
                                    size_t bytes, sotto__fields_sink *sink, void *context)
{
    size_t window = splitter->format->window_bytes;
    for (size_t at = 0; at < bytes;) {
        size_t used = 0;
        size_t left = bytes - at;
        size_t now = window < left ? window : left;
        if (now > SOTTO_CSV_FIELD_BYTES_MAX) {
            return SOTTO_ERROR_INPUT; /* some field may be too long: the serial reader counts */
        }
        enum sotto_status status = split_window(splitter, &used, text + at, now, sink, context);
        if (status != SOTTO_OK) {
            return status;
        }
        if (used == 0 && now == left) {
            return SOTTO_ERROR_INPUT; /* a quote is left open */
        }
        /* A record that is longer than the window gets one of twice the size. */
        window = used == 0 ? window * 2 : splitter->format->window_bytes;
        at += used;
    }
    return SOTTO_OK;
}
