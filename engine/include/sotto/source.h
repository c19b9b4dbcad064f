/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SOURCE_H
#define SOTTO_SOURCE_H

/* Where the rows of one dataset come from: a file, a table in memory, or whatever else answers the
 * questions of struct sotto_source_ops. Nothing that contributes asks which one it is. */

#include <sotto/schema.h>
#include <sotto/table.h>

SOTTO_BEGIN_DECLS

struct sotto_driver;
struct sotto_contribution;
struct sotto_source;

/* In a catalogue that a source describes: rows, or a column's missing values, that nobody has
 * counted yet. */
#define SOTTO_ROWS_UNKNOWN UINT64_MAX

/* What a source of kept rows takes where nobody says otherwise. */
#define SOTTO_KEPT_BYTES_DEFAULT ((size_t)1 << 30)

/* How a row is known again. */
enum sotto_row_identity {
    SOTTO_ROWS_NUMBERED, /* by its number, while the source stays as it is */
    SOTTO_ROWS_KEYED,    /* by a key that the owner named */
    SOTTO_ROWS_CONTENT,  /* by its values only */
};

/* What a scan is asked. Blocks are as those of sotto_csv_scan, but for first_row, which means
 * something only where rows are numbered. */
struct sotto_source_scan {
    const struct sotto_csv_wanted *wanted; /* by the catalogue that describes the source */
    size_t wanted_len;
    sotto_csv_sink *sink;
    void *context;
    const struct sotto_interrupt *interrupt; /* SOTTO_ERROR_CANCELLED once it is set; or NULL */
};

/* What a source answers. */
struct sotto_source_ops {
    enum sotto_row_identity identity;

    /* Its columns, their types, its rows; spans and file identity are a file's own. Of the named
     * columns, as far as there are such, also what only values tell (inexact, digits_lost). Borrows
     * from the source, the same each time. */
    enum sotto_status (*describe)(struct sotto_source *source, const struct sotto_catalogue **out,
                                  const char *const *names, size_t names_len,
                                  struct sotto_error *err);

    /* Asked before each reading: all of them, those of later rounds too, see the rows that the
     * first one saw, or end with SOTTO_ERROR_CHANGED. NULL: they do anyway. */
    enum sotto_status (*pin)(struct sotto_source *source, struct sotto_error *err);

    /* Asked before each scan: gets the rows, if they are not there. NULL: they are. */
    enum sotto_status (*prepare)(struct sotto_source *source, struct sotto_error *err);

    /* How many workers a scan uses, at least 1. */
    size_t (*workers)(const struct sotto_source *source);

    /* Hands out the wanted columns of all rows, each row once, in any order. A wanted type is that
     * of the column or one that it agrees to. */
    enum sotto_status (*scan)(struct sotto_source *source, const struct sotto_source_scan *scan,
                              struct sotto_error *err);

    /* Whether the source sums up the contribution's round of a dataset itself: the bits, and what
     * its judge looks at of the evidence, that a scan would give. NULL: it never does. */
    bool (*can_sum)(struct sotto_source *source, struct sotto_contribution *contribution,
                    size_t dataset);

    /* Adds what it summed up, for a round of which it said that it can. NULL where can_sum is. */
    enum sotto_status (*sum)(struct sotto_source *source, struct sotto_contribution *contribution,
                             size_t dataset, struct sotto_error *err);
    /* Whether it shows the rows to a contribution's watch, too. If not, one with a watch scans. */
    bool sums_watched;

    void (*free)(struct sotto_source *source);
};

/* The first member of each source's own struct. */
struct sotto_source {
    const struct sotto_source_ops *ops;
};

/* Rows of a table: len of them from `first` on, a multiple of 8. */
struct sotto_table_rows {
    const struct sotto_table *table;
    size_t first;
    size_t len;
};

/* Rows that come as tables, whose columns are those of a source's catalogue, in its order. */
struct sotto_tables {
    /* The rows that this worker, below workers_len, takes next, until it asks again; 0 of them:
     * there are no more. Asked by all workers at once. */
    enum sotto_status (*next)(void *context, size_t worker, struct sotto_table_rows *out,
                              struct sotto_error *err);
    void *context;
    size_t workers_len; /* threads that read */
};

/* For a source whose rows are in tables, or come as such: its scan. A column's type is the wanted
 * one or one that agrees to it, in each table its own. Returns: as tables->next and scan->sink;
 * SOTTO_ERROR_CANCELLED, SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_source_scan_tables(const struct sotto_tables *tables,
                                                     const struct sotto_source_scan *scan,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* A file, with what is known about it (NULL: it is catalogued when it is first described). Its
 * catalogue pins it: a scan of a file in another state ends with SOTTO_ERROR_CHANGED. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ownership: borrows both; *out is ended by sotto_source_free. */
SOTTO_API enum sotto_status sotto_source_new_file(struct sotto_source **out, struct sotto_csv *file,
                                                  const struct sotto_catalogue *catalogue,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* A table in memory. Returns: SOTTO_ERROR_NO_MEMORY. Ownership: borrows the table; *out is ended by
 * sotto_source_free. */
SOTTO_API enum sotto_status sotto_source_new_table(struct sotto_source **out,
                                                   const struct sotto_table *table,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* As sotto_source_new_table, described by a catalogue (sotto_table_catalogue), in which columns may
 * be hidden or a key. Ownership: borrows both. */
SOTTO_API enum sotto_status sotto_source_new_catalogued(struct sotto_source **out,
                                                        const struct sotto_table *table,
                                                        struct sotto_catalogue *catalogue,
                                                        struct sotto_error *err) SOTTO_NODISCARD;

/* What a table's columns are, with what only their values tell; its file identity is 0. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_catalogue_free. */
SOTTO_API enum sotto_status sotto_table_catalogue(struct sotto_catalogue **out,
                                                  const struct sotto_table *table,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Those rows of a source that have all of the named columns: an owner's choice, which no plan can
 * undo. inner: of numbered rows, and it sums up nothing itself. Returns: SOTTO_ERROR_NOT_FOUND for
 * a column that is not there or hidden, SOTTO_ERROR_NO_MEMORY, as inner's describe. Ownership:
 * takes inner, but not on failure; *out is ended by sotto_source_free. */
SOTTO_API enum sotto_status sotto_source_new_complete(struct sotto_source **out,
                                                      struct sotto_source *inner,
                                                      const char *const *names, size_t names_len,
                                                      struct sotto_error *err) SOTTO_NODISCARD;

/* A source whose rows come from memory from their second scan on: those of the columns that a scan
 * wanted, as long as they take at most bytes_max bytes, else they are read again. A scan that wants
 * others reads and keeps anew. inner: it sums up nothing itself. They are wiped in the end.
 * Returns: SOTTO_ERROR_NO_MEMORY. Ownership: takes inner, but not on failure; *out is ended by
 * sotto_source_free. */
SOTTO_API enum sotto_status sotto_source_new_kept(struct sotto_source **out,
                                                  struct sotto_source *inner, size_t bytes_max,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* What one party offers for a plan; sources[d] is the plan's dataset d. Returns: as
 * sotto_schema_offer, and as sotto_csv_catalogue for a file that nobody has catalogued. Ownership:
 * *out is ended by sotto_schema_release. */
SOTTO_API enum sotto_status sotto_source_offer(struct sotto_schema *out,
                                               const struct sotto_plan *plan,
                                               struct sotto_source *const *sources,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a column is a key as sotto_watch_prepare takes it: whole numbers or texts, of which each
 * row has one, and no two the same. source: of numbered rows; file: what it reads, or NULL; name:
 * of the dataset, in errors. Reads the column once, and the file again, slowly, only to name the
 * lines of two rows that share one. Returns: SOTTO_ERROR_INPUT saying what was expected, for the
 * owner alone; as the source's describe and scan. */
SOTTO_API enum sotto_status sotto_source_check_key(struct sotto_source *source,
                                                   const struct sotto_csv *file, size_t column,
                                                   const char *name,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a column can be a key, as far as a catalogue tells: whole numbers or texts, none missing.
 * Where rows are in parts nobody has all keys. Returns: as sotto_source_check_key. */
SOTTO_API enum sotto_status sotto_catalogue_check_key(const struct sotto_catalogue *catalogue,
                                                      size_t column, const char *name,
                                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Ends a source, not the file or table that it borrows; NULL is fine. */
SOTTO_API void sotto_source_free(struct sotto_source *source);

SOTTO_END_DECLS

#endif
