/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_H
#define SOTTO_NODE_SOURCE_H

/* Room source: rows that live in a database. A driver is other people's code: it is loaded by
 * `sotto source-worker`, a process of its own (worker.c), which has no environment, no file of the
 * node open, changes none, and sends what it reads in parcels (sotto/parcel.h) over a pipe. rows.c
 * has it started, here or in a unit of its own (loop/spawn.h), and takes them. */

#include <sotto/interrupt.h>
#include <sotto/parcel.h>

#define SOURCE_REQUEST_BYTES_MAX ((size_t)1 << 20)
#define SOURCE_TEXT_BYTES_MAX ((size_t)64 * 1024)
#define SOURCE_OPTIONS_MAX 32
#define SOURCE_REQUEST_FD 0
#define SOURCE_PARCELS_FD 3
#define SOURCE_COMMANDS_FD 4 /* of a session */

#define SOURCE_BATCH_ROWS "65536"

struct source_option {
    const char *key;
    const char *value;
};

/* What a worker is asked. */
struct source_request {
    const char *driver;  /* a path; "": none, as the rows are in Arrow files */
    const char *entry;   /* the function that the driver exports */
    const char *first;   /* SQL that is run before, or NULL */
    const char *from;    /* what stands behind FROM; of Arrow files their pattern */
    const char *integer; /* the SQL type that columns of integers are cast to, or NULL */
    const char *batch;   /* the statement's option for how many rows come at once, or NULL */
    bool is_session;     /* it is asked more than once (struct source_session) */
    struct source_option options[SOURCE_OPTIONS_MAX]; /* of the database */
    size_t options_len;
    bool is_all; /* all columns but the named ones are wanted, else these */
    const char *const *names;
    size_t names_len;
    /* Not for the worker: as what the values that come are read (sotto_parcels_state). */
    const struct sotto_csv_column *types;
    size_t types_len;
    const struct source_dialect *dialect; /* of what a session is asked */
    const char *files;                    /* a pattern, where rows are in files; or NULL */
};

/* --- sql.c: texts in SQL --- */

/* Appends a name of up to three parts, as "public.wages" or "\"odd name\".wages", each part quoted.
 * Returns: SOTTO_ERROR_INPUT where it is no such name. */
enum sotto_status sql_write_name(struct sotto_writer *writer, const char *name,
                                 struct sotto_error *err) SOTTO_NODISCARD;
/* Appends a text between quotes of this kind, ' or ", which are doubled within. */
void sql_write_quoted(struct sotto_writer *writer, const char *text, char quote);

/* --- request.c --- */

/* Appends a request; a failure is the writer's. */
void source_request_write(struct sotto_writer *writer, const struct source_request *request);

/* A request that was read, with the storage of its texts. */
struct source_asked {
    struct source_request request;
    char **texts;
    size_t texts_len;
    const char **names;
};
/* Returns: SOTTO_ERROR_INPUT for bytes that are no request. Ownership: *out is ended by
 * source_asked_release. */
enum sotto_status source_request_read(struct source_asked *out, const void *data, size_t bytes,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void source_asked_release(struct source_asked *asked);

/* --- worker.c, in the worker --- */

/* Does what the request says on SOURCE_REQUEST_FD, and writes parcels to SOURCE_PARCELS_FD.
 * Returns: whether the last parcel was written. */
bool source_work(void);

/* --- rows.c, in the unit for sources --- */

/* The keeper of one worker. Returns: false where nobody asked for one. */
bool source_keep(void);

/* --- rows.c, in who wants rows --- */

struct source_limits {
    const char *program;                     /* the executable sotto; NULL: this one */
    size_t bytes_max;                        /* of all values */
    unsigned silence_s;                      /* without a byte, after which the worker is ended */
    unsigned seconds_max;                    /* for all of it; 0: as long as it takes */
    const struct sotto_interrupt *interrupt; /* or NULL */
};

/* The rows of a request, and what its columns are. */
struct source_rows {
    struct sotto_table *table;     /* of the wanted columns */
    struct sotto_parcels *parcels; /* all columns (sotto_parcels_column) */
};

/* Has a worker read them. name: the source, in errors. Returns: what the worker says of the
 * database; SOTTO_ERROR_CHANGED (the files did, meanwhile), SOTTO_ERROR_STATE (the worker died),
 * SOTTO_ERROR_TIMEOUT, SOTTO_ERROR_CANCELLED, SOTTO_ERROR_PROTOCOL; as sotto_parcels_state. A
 * wanted column that is not there or of no type of Sotto's is left out. All texts are for the owner
 * of the source alone. Ownership: *out is ended by source_rows_release. */
enum sotto_status source_rows_read(struct source_rows *out, const struct source_request *request,
                                   const struct source_limits *limits, const char *name,
                                   struct sotto_error *err) SOTTO_NODISCARD;
void source_rows_release(struct source_rows *rows);

/* Returns: SOTTO_ERROR_NOT_FOUND or SOTTO_ERROR_TYPE naming the first of these columns that was not
 * read. */
enum sotto_status source_rows_check(const struct source_rows *rows, const char *const *names,
                                    size_t names_len, struct sotto_error *err) SOTTO_NODISCARD;

/* A worker that stays: all that it is asked is of one snapshot. */
struct source_session;

/* Starts it, and has it say which columns there are. Returns: as source_rows_read. Ownership:
 * borrows request, limits and name; *out is ended by source_session_close. */
enum sotto_status source_session_open(struct source_session **out,
                                      const struct source_request *request,
                                      const struct source_limits *limits, const char *name,
                                      struct sotto_error *err) SOTTO_NODISCARD;
/* NULL is fine. */
void source_session_close(struct source_session *session);
/* What its columns are. Borrows from the session. */
const struct sotto_parcels *source_session_columns(const struct source_session *session);
/* The result of SQL. Returns: as source_rows_read; after a failure the session can only be closed.
 * Ownership: *out is ended by source_rows_release. */
enum sotto_status source_session_ask(struct source_rows *out, struct source_session *session,
                                     const char *sql, struct sotto_error *err) SOTTO_NODISCARD;
/* Asks for the rows that the request wants, all of which are to be taken before it is asked again.
 * Returns: as source_session_ask. */
enum sotto_status source_session_begin(struct source_session *session,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* Those that come next, as a table of the wanted columns; *out: NULL after the last ones. The
 * limits are those of one answer, but for bytes_max: of what comes at once. Returns: as
 * source_session_ask. Ownership: *out is ended by sotto_table_free. */
enum sotto_status source_session_next(struct sotto_table **out, struct source_session *session,
                                      struct sotto_error *err) SOTTO_NODISCARD;

#endif
