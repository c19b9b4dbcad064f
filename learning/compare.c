/* SPDX-License-Identifier: Apache-2.0 */

/* Bundles for their owner's eyes: one whole, or what changed between two. Differences are the
 * fewest lines that went and came [Myers 1986, An O(ND) Difference Algorithm]. The idea: what is
 * compared may be made to be slow or to confuse, so beyond a stated number of lines and changes
 * nothing is searched, and the file is shown whole; in no case is a line left out that differs. */

#include "internal.h"

#include <sotto/alloc.h>

#include <stdio.h>
#include <string.h>

#define LINES_MAX 20000
#define CHANGES_MAX 1000
#define CONTEXT_LINES 3

struct line {
    const char *text;
    size_t bytes;
};

/* The lines of a text, from which they borrow. */
struct lines {
    struct line *lines;
    size_t len;
};

/* One file that two bundles have, and what happens to its lines: '-' of before, '+' of after, ' '
 * of both, in the order of reading. */
struct comparison {
    struct lines before;
    struct lines after;
    char *marks;
    size_t marks_len;
    int32_t *reached; /* the search's memory: for d changes, 2 CHANGES_MAX + 3 from the row d */
};

#define ROW_LEN ((size_t)(2 * CHANGES_MAX + 3))

static void comparison_release(struct comparison *comparison)
{
    sotto_free(comparison->before.lines);
    sotto_free(comparison->after.lines);
    sotto_free(comparison->marks);
    sotto_free(comparison->reached);
}

static size_t count_lines(const char *text, size_t text_bytes)
{
    size_t len = text_bytes > 0 && text[text_bytes - 1] != '\n';
    for (size_t i = 0; i < text_bytes; i++) {
        len += text[i] == '\n';
    }
    return len;
}

/* Returns: false where there is no memory. */
static bool split_lines(struct lines *out, const char *text, size_t text_bytes)
{
    out->len = count_lines(text, text_bytes);
    out->lines = sotto_alloc_array(out->len, sizeof *out->lines);
    size_t at = 0;
    for (size_t i = 0; out->lines != NULL && i < out->len; i++) {
        const char *end = memchr(text + at, '\n', text_bytes - at);
        size_t bytes = end != NULL ? (size_t)(end - text) - at : text_bytes - at;
        out->lines[i] = (struct line){text + at, bytes};
        at += bytes + 1;
    }
    return out->lines != NULL;
}

static bool lines_equal(const struct comparison *comparison, size_t i, size_t k)
{
    const struct line *before = &comparison->before.lines[i];
    const struct line *after = &comparison->after.lines[k];
    return before->bytes == after->bytes && memcmp(before->text, after->text, after->bytes) == 0;
}

/* Where in the memory the furthest line of `before` stands that d changes reach on diagonal k: as
 * many lines of before as are left when k lines more of it are read than of after. */
static int32_t *find_reached(const struct comparison *comparison, int d, int k)
{
    return &comparison->reached[(size_t)d * ROW_LEN + (size_t)(k + CHANGES_MAX + 1)];
}

/* The step onto diagonal k: whether the line that changes is one that came, not one that went. */
static bool came_down(const struct comparison *comparison, int d, int k)
{
    return k == -d || (k != d && *find_reached(comparison, d - 1, k - 1) <
                                     *find_reached(comparison, d - 1, k + 1));
}

/* How far the d-th change leads on diagonal k, and equal lines from there. */
static int32_t follow(const struct comparison *comparison, int d, int k)
{
    int32_t x = 0;
    if (d > 0) {
        x = came_down(comparison, d, k) ? *find_reached(comparison, d - 1, k + 1)
                                        : *find_reached(comparison, d - 1, k - 1) + 1;
    }
    while (x < (int32_t)comparison->before.len && x - k < (int32_t)comparison->after.len &&
           lines_equal(comparison, (size_t)x, (size_t)(x - k))) {
        x++;
    }
    return x;
}

/* The fewest changes. Returns: how many, or -1 where they are more than CHANGES_MAX. */
static int search_changes(const struct comparison *comparison)
{
    int32_t before = (int32_t)comparison->before.len;
    int32_t after = (int32_t)comparison->after.len;
    for (int d = 0; d <= CHANGES_MAX; d++) {
        for (int k = -d; k <= d; k += 2) {
            int32_t x = follow(comparison, d, k);
            *find_reached(comparison, d, k) = x;
            if (x >= before && x - k >= after) {
                return d;
            }
        }
    }
    return -1;
}

/* Writes the marks from the last one back. */
static void trace_back(struct comparison *comparison, int changes)
{
    int32_t x = (int32_t)comparison->before.len;
    int k = x - (int32_t)comparison->after.len;
    size_t at = comparison->before.len + comparison->after.len;
    size_t end = at;
    for (int d = changes; d > 0; d--) {
        bool came = came_down(comparison, d, k);
        int32_t from = *find_reached(comparison, d - 1, came ? k + 1 : k - 1);
        int32_t changed = came ? from : from + 1; /* where equal lines begin */
        for (; x > changed; x--) {
            comparison->marks[--at] = ' ';
        }
        comparison->marks[--at] = came ? '+' : '-';
        x = from;
        k = came ? k + 1 : k - 1;
    }
    for (; x > 0; x--) {
        comparison->marks[--at] = ' ';
    }
    comparison->marks_len = end - at;
    memmove(comparison->marks, comparison->marks + at, comparison->marks_len);
}

/* All lines went, and all came. */
static void replace_all(struct comparison *comparison)
{
    memset(comparison->marks, '-', comparison->before.len);
    memset(comparison->marks + comparison->before.len, '+', comparison->after.len);
    comparison->marks_len = comparison->before.len + comparison->after.len;
}

/* Returns: false where there is no memory. */
static bool compare_lines(struct comparison *out, const struct sotto_bundle_file *before,
                          const struct sotto_bundle_file *after)
{
    *out = (struct comparison){0};
    if (!split_lines(&out->before, before->text, before->text_bytes) ||
        !split_lines(&out->after, after->text, after->text_bytes)) {
        return false;
    }
    out->marks = sotto_alloc(out->before.len + out->after.len);
    out->reached = sotto_alloc_array((CHANGES_MAX + 1) * ROW_LEN, sizeof *out->reached);
    if (out->marks == NULL || out->reached == NULL) {
        return false;
    }
    bool is_short = out->before.len <= LINES_MAX && out->after.len <= LINES_MAX;
    int changes = is_short ? search_changes(out) : -1;
    if (changes >= 0) {
        trace_back(out, changes);
    } else {
        replace_all(out);
    }
    return true;
}

/* Whether a line that is the same stands near one that is not. */
static bool is_context(const struct comparison *comparison, size_t i)
{
    size_t first = i > CONTEXT_LINES ? i - CONTEXT_LINES : 0;
    for (size_t k = first; k <= i + CONTEXT_LINES && k < comparison->marks_len; k++) {
        if (comparison->marks[k] != ' ') {
            return true;
        }
    }
    return false;
}

static size_t print_changes(struct sotto_writer *out, const struct comparison *comparison,
                            size_t columns)
{
    size_t by_number = 0;
    size_t before = 0;
    size_t after = 0;
    bool was_shown = true;
    for (size_t i = 0; i < comparison->marks_len; i++) {
        char mark = comparison->marks[i];
        bool is_old = mark == '-';
        bool is_shown = is_context(comparison, i);
        const struct line *line =
            is_old ? &comparison->before.lines[before] : &comparison->after.lines[after];
        if (is_shown) {
            by_number += sotto__reveal_line(out, mark, line->text, line->bytes,
                                            (is_old ? before : after) + 1, columns);
        } else if (was_shown) {
            sotto_write_bytes(out, "  ...\n", 6);
        }
        was_shown = is_shown;
        before += mark != '+';
        after += mark != '-';
    }
    return by_number;
}

static void write_text(struct sotto_writer *out, const char *text)
{
    sotto_write_bytes(out, text, strlen(text));
}

static void write_heading(struct sotto_writer *out, const char *name, const char *what)
{
    write_text(out, name);
    write_text(out, what);
}

static bool texts_equal(const struct sotto_bundle_file *a, const struct sotto_bundle_file *b)
{
    return a->text_bytes == b->text_bytes &&
           (a->text_bytes == 0 || memcmp(a->text, b->text, a->text_bytes) == 0);
}

/* What stands for a file that a bundle does not have. */
static const struct sotto_bundle_file nothing = {.text = ""};

/* A file of two bundles; one of both may be `nothing`. */
static size_t compare_files(struct sotto_writer *out, const struct sotto_bundle_file *before,
                            const struct sotto_bundle_file *after, size_t columns)
{
    struct comparison comparison;
    if (before != &nothing && after != &nothing && texts_equal(before, after)) {
        write_heading(out, after->name.text, ": the same\n");
        return 0;
    }
    write_heading(out, (after != &nothing ? after : before)->name.text,
                  before == &nothing  ? ": new\n"
                  : after == &nothing ? ": gone\n"
                                      : ": changed\n");
    bool good = compare_lines(&comparison, before, after);
    size_t by_number = good ? print_changes(out, &comparison, columns) : SOTTO_NONE;
    comparison_release(&comparison);
    return by_number;
}

/* A manifest as a file of lines, of which text borrows from writer. */
static struct sotto_bundle_file make_manifest_file(struct sotto_writer *writer,
                                                   const struct sotto_bundle *bundle)
{
    struct sotto_bundle_file file = {.name = {"manifest"}};
    sotto_writer_init(writer, SIZE_MAX);
    sotto__manifest_print(writer, &bundle->manifest);
    file.text = (const char *)writer->data;
    file.text_bytes = writer->data_bytes;
    return file;
}

static size_t compare_manifests(struct sotto_writer *out, const struct sotto_bundle *before,
                                const struct sotto_bundle *after, size_t columns)
{
    struct sotto_writer writers[2];
    struct sotto_bundle_file old = make_manifest_file(&writers[0], before);
    struct sotto_bundle_file new = make_manifest_file(&writers[1], after);
    bool good = sotto_writer_status(&writers[0]) == SOTTO_OK &&
                sotto_writer_status(&writers[1]) == SOTTO_OK;
    size_t by_number = good ? compare_files(out, &old, &new, columns) : SOTTO_NONE;
    sotto_writer_release(&writers[0]);
    sotto_writer_release(&writers[1]);
    return by_number;
}

size_t sotto_bundle_compare(struct sotto_writer *out, const struct sotto_bundle *before,
                            const struct sotto_bundle *after, size_t columns)
{
    size_t by_number = compare_manifests(out, before, after, columns);
    size_t i = 0;
    size_t k = 0;
    while (by_number != SOTTO_NONE && (i < before->files_len || k < after->files_len)) {
        const struct sotto_bundle_file *old = i < before->files_len ? &before->files[i] : &nothing;
        const struct sotto_bundle_file *new = k < after->files_len ? &after->files[k] : &nothing;
        int order = old == &nothing   ? 1
                    : new == &nothing ? -1
                                      : strcmp(old->name.text, new->name.text);
        size_t more =
            compare_files(out, order <= 0 ? old : &nothing, order >= 0 ? new : &nothing, columns);
        by_number = more == SOTTO_NONE ? SOTTO_NONE : by_number + more;
        i += order <= 0;
        k += order >= 0;
    }
    return by_number;
}

size_t sotto_bundle_show(struct sotto_writer *out, const struct sotto_bundle *bundle,
                         size_t columns)
{
    struct sotto_writer writer;
    struct sotto_bundle_file manifest = make_manifest_file(&writer, bundle);
    out->failed = out->failed || sotto_writer_status(&writer) != SOTTO_OK;
    write_text(out, "manifest\n");
    size_t by_number = sotto_bundle_reveal(out, manifest.text, manifest.text_bytes, columns);
    sotto_writer_release(&writer);
    for (size_t i = 0; i < bundle->files_len; i++) {
        const struct sotto_bundle_file *file = &bundle->files[i];
        char size[64];
        (void)snprintf(size, sizeof size, ": %zu lines, %zu bytes\n",
                       count_lines(file->text, file->text_bytes), file->text_bytes);
        write_heading(out, file->name.text, size);
        by_number += sotto_bundle_reveal(out, file->text, file->text_bytes, columns);
    }
    return by_number;
}

void sotto_bundle_words(char out[SOTTO_BUNDLE_WORDS_BYTES],
                        const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES])
{
    static const char consonants[] = "bdfghjklmnprstvz";
    static const char vowels[] = "aiou";
    size_t at = 0;
    for (size_t i = 0; i < SOTTO_BUNDLE_DIGEST_BYTES; i += 2) {
        unsigned bits = (unsigned)digest[i] << 8 | digest[i + 1];
        out[at++] = consonants[bits >> 12];
        out[at++] = vowels[bits >> 10 & 3];
        out[at++] = consonants[bits >> 6 & 15];
        out[at++] = vowels[bits >> 4 & 3];
        out[at++] = consonants[bits & 15];
        out[at++] = '-';
        if (i % 8 == 6) {
            out[at - 1] = ' ';
        }
    }
    out[at - 1] = '\0';
}
