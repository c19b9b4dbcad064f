/* SPDX-License-Identifier: Apache-2.0 */

/* A file as a source. It leans on sotto_csv_scan for everything; a catalogue that nobody gave is
 * made when the file is first described, and kept, so that all rounds see the file in that state.
 */

#include "contribute/contribute.h"

#include <sotto/alloc.h>

struct file_source {
    struct sotto_source base;
    struct sotto_csv *file;
    const struct sotto_catalogue *catalogue;
    struct sotto_catalogue *own_catalogue; /* NULL: it is somebody else's */
};

static enum sotto_status file_describe(struct sotto_source *source,
                                       const struct sotto_catalogue **out, const char *const *names,
                                       size_t names_len, struct sotto_error *err)
{
    (void)names; /* a catalogue of a file knows values */
    (void)names_len;
    struct file_source *of = (struct file_source *)source;
    if (of->catalogue == NULL) {
        enum sotto_status status = sotto_csv_catalogue(of->file, &of->own_catalogue, err);
        if (status != SOTTO_OK) {
            return status;
        }
        of->catalogue = of->own_catalogue;
    }
    *out = of->catalogue;
    return SOTTO_OK;
}

static size_t file_workers(const struct sotto_source *source)
{
    return sotto_csv_workers(((const struct file_source *)source)->file);
}

/* The file heeds an interrupt of its own. */
static enum sotto_status file_scan(struct sotto_source *source,
                                   const struct sotto_source_scan *scan, struct sotto_error *err)
{
    const struct file_source *of = (const struct file_source *)source;
    return sotto_csv_scan(of->file, of->catalogue, scan->wanted, scan->wanted_len, scan->sink,
                          scan->context, err);
}

static void file_free(struct sotto_source *source)
{
    struct file_source *of = (struct file_source *)source;
    sotto_catalogue_free(of->own_catalogue);
    sotto_free(of);
}

/* No pin: a scan compares the file with the catalogue. */
static const struct sotto_source_ops file_ops = {
    .identity = SOTTO_ROWS_NUMBERED,
    .describe = file_describe,
    .workers = file_workers,
    .scan = file_scan,
    .free = file_free,
};

enum sotto_status sotto_source_new_file(struct sotto_source **out, struct sotto_csv *file,
                                        const struct sotto_catalogue *catalogue,
                                        struct sotto_error *err)
{
    struct file_source *source = sotto_alloc_zeroed(sizeof *source);
    if (source == NULL) {
        return sotto_error_no_memory(err);
    }
    *source =
        (struct file_source){.base = {.ops = &file_ops}, .file = file, .catalogue = catalogue};
    *out = &source->base;
    return SOTTO_OK;
}
