/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_PARCEL_H
#define SOTTO_PARCEL_H

/* A table on its way between two processes of one machine, in parcels: what its columns are, then
 * their values by some rows at a time, then how many rows that were. The receiver believes nothing
 * of what it gets: the other process may run code of others.
 *
 * A parcel is a u32 kind, a u32 length (at most SOTTO_PARCEL_BYTES_MAX) and so many bytes. Numbers
 * are little endian, values have the machine's own byte order:
 *
 *   COLUMNS  u32 columns; each: u8 kind or 255, u8 scale, u16 bytes and the name; of 255, a hidden
 *            column, u16 bytes and what it is, and no values follow
 *   ROWS     u32 rows, 1 to SOTTO_PARCEL_ROWS_MAX; of each column with values, unless it is null:
 *            u8 0 where none is missing, or 1 and a byte for each row, 1 where it is present, else
 *            0; bool: a byte for each, 0 or 1; date: 4 bytes; int64, times and float64: 8; decimal:
 *            u8 scale, 16 bytes for each; string: u32 length for each, and all texts
 *   END      u64 rows of all parcels
 *   FAILED   u8 minus the status, u16 bytes and a text; nothing follows */

#include <sotto/bytes.h>
#include <sotto/table.h>

SOTTO_BEGIN_DECLS

#define SOTTO_PARCEL_HEADER_BYTES 8
#define SOTTO_PARCEL_BYTES_MAX ((size_t)64 << 20)
#define SOTTO_PARCEL_ROWS_MAX 65536
#define SOTTO_PARCEL_TEXT_BYTES_MAX 400

enum sotto_parcel_kind {
    SOTTO_PARCEL_COLUMNS = 1,
    SOTTO_PARCEL_ROWS,
    SOTTO_PARCEL_END,
    SOTTO_PARCEL_FAILED,
};

struct sotto_parcel_column {
    const char *name;
    const char *hidden;     /* what it is, where it is of no type of Sotto's; "" where nobody asked
                               for it; else NULL */
    struct sotto_type type; /* without meaning where it is hidden */
    bool is_numeral;        /* sent: its values are texts of decimal numbers; type is decimal */
};

/* --- Sending: parcels are appended, and a failure is the writer's --- */

/* The first parcel. */
SOTTO_API void sotto_parcel_write_columns(struct sotto_writer *writer,
                                          const struct sotto_parcel_column *columns,
                                          size_t columns_len);

/* As many rows from `first` on as fit one parcel, at most *in_out_rows (at least 1), of the columns
 * that are not hidden; values[i] is of column i, of the type that was said, or a string where
 * is_numeral. Out: how many they were. Returns: SOTTO_ERROR_LIMIT where a single row does not fit
 * or a numeral is no decimal of Sotto's, SOTTO_ERROR_INPUT where it is no number; nothing is
 * appended then. */
SOTTO_API enum sotto_status sotto_parcel_write_rows(struct sotto_writer *writer,
                                                    size_t *in_out_rows,
                                                    const struct sotto_parcel_column *columns,
                                                    const struct sotto_column *values,
                                                    size_t columns_len, size_t first,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

/* The last parcel. */
SOTTO_API void sotto_parcel_write_end(struct sotto_writer *writer, uint64_t rows);

/* The last parcel of a table that can't be had. text is cut to SOTTO_PARCEL_TEXT_BYTES_MAX. */
SOTTO_API void sotto_parcel_write_failure(struct sotto_writer *writer, enum sotto_status status,
                                          const char *text);

/* --- Receiving --- */

struct sotto_parcels;

/* bytes_max: of all values together, and of a byte for each row. Returns: SOTTO_ERROR_NO_MEMORY.
 * Ownership: ended by sotto_parcels_free. */
SOTTO_API enum sotto_status sotto_parcels_new(struct sotto_parcels **out, size_t bytes_max,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Frees them and what came; NULL is fine. */
SOTTO_API void sotto_parcels_free(struct sotto_parcels *parcels);

/* Takes the bytes that came, cut anywhere. After a failure there is nothing more to take. Returns:
 * SOTTO_ERROR_PROTOCOL (they are no parcels in their order), SOTTO_ERROR_LIMIT (more than
 * bytes_max, too many columns), SOTTO_ERROR_NO_MEMORY; what a FAILED parcel says, its text in err.
 */
SOTTO_API enum sotto_status sotto_parcels_take(struct sotto_parcels *parcels, const void *data,
                                               size_t data_bytes,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Where the next bytes belong, so that they need not be copied there: at least 1 and at most
 * *out_bytes of them, that are missing of a parcel. Returns: NULL, and 0 bytes, where nothing more
 * may come. Valid until sotto_parcels_filled or sotto_parcels_take. */
SOTTO_API void *sotto_parcels_space(struct sotto_parcels *parcels, size_t *out_bytes);

/* Takes bytes that were put where sotto_parcels_space said, at most so many. Returns: as
 * sotto_parcels_take. */
SOTTO_API enum sotto_status sotto_parcels_filled(struct sotto_parcels *parcels, size_t bytes,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Whether the last parcel was taken, so that the table is whole. */
SOTTO_API bool sotto_parcels_are_complete(const struct sotto_parcels *parcels);

/* How many columns there are, hidden ones too: 0 before the first parcel. */
SOTTO_API size_t sotto_parcels_columns_len(const struct sotto_parcels *parcels);

/* Column i, below sotto_parcels_columns_len. Borrows from the parcels. */
SOTTO_API struct sotto_parcel_column sotto_parcels_column(const struct sotto_parcels *parcels,
                                                          size_t i);

/* Reads columns as of the types that their owner states (typed ones of sotto/csv.h), once all
 * parcels came and before the table is made. A column that is of that type stays as it is, one of
 * texts or integers becomes one of bools, integers, decimals, dates or times: each value is read as
 * a field of a file is that reads so, no text is missing. A hidden column stays hidden. Returns:
 * SOTTO_ERROR_NOT_FOUND (no such column), SOTTO_ERROR_TYPE (it is of another type),
 * SOTTO_ERROR_INPUT (one of its values is), SOTTO_ERROR_NO_MEMORY; then there is no table. */
SOTTO_API enum sotto_status sotto_parcels_state(struct sotto_parcels *parcels,
                                                const struct sotto_csv_column *columns,
                                                size_t columns_len,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* The table of all columns that are not hidden, by the rules of sotto_arrow_import, once; the
 * parcels keep only what the columns are. Returns: SOTTO_ERROR_PROTOCOL where they are not complete
 * or the table was taken, else as sotto_arrow_import. Ownership: *out is ended by
 * sotto_table_free. */
SOTTO_API enum sotto_status sotto_parcels_table(struct sotto_table **out,
                                                struct sotto_parcels *parcels,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* Those rows that came since it was asked last, by the same rules, so that a receiver need not keep
 * all of them: bytes_max is then of what came in between. Decimals may have more digits after the
 * point in a later table. *out: NULL where none came. Returns: SOTTO_ERROR_PROTOCOL after a failure
 * and once the whole table was taken, else as sotto_arrow_import. Ownership: as
 * sotto_parcels_table. */
SOTTO_API enum sotto_status sotto_parcels_rows(struct sotto_table **out,
                                               struct sotto_parcels *parcels,
                                               struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
