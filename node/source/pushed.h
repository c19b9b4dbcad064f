/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_PUSHED_H
#define SOTTO_NODE_SOURCE_PUSHED_H

/* Rows of a database that the database itself counts and sums up, where that gives the same bits:
 * opened.c asks what its columns are, summing.c asks a round and reads its answer, streamed.c has
 * the rows of one that can't be summed up there, pushed.c is the source (sotto/source.h). */

#include "source/dialect.h"

#include <sotto/classes.h>
#include <sotto/source.h>

/* --- opened.c, opened_facts.c --- */

/* A column of which all is known that decides how it is summed up. */
struct opened_column {
    const char *name;
    struct sotto_type type; /* its own */
    bool is_numeral;        /* each value has digits of its own */
    bool is_proved;
    bool is_wanted;   /* to be looked at */
    bool is_looked;   /* or what is said below of doubles, and texts are proved, is not known yet */
    uint64_t filled;  /* values that are not NULL, NaN too */
    uint64_t present; /* of doubles without NaN */
    int64_t least;    /* exact ones: in units */
    int64_t most;
    bool has_infinities;
    double largest;  /* finite magnitude of doubles */
    double smallest; /* likewise, but 0; 0: there is none */
};

struct source_facts {
    uint64_t rows;
    struct opened_column *columns;
    size_t len;
};

/* Asks the database. Returns: SOTTO_ERROR_REFUSED where something is not known to be the same in
 * SQL, and why; as source_session_ask. Ownership: borrows the session; *out is ended by
 * opened_release, also on failure. */
enum sotto_status opened_ask(struct source_facts *out, struct source_session *session,
                             const struct source_request *request,
                             struct sotto_error *err) SOTTO_NODISCARD;
/* Asks what only a pass over its values tells, of columns that are wanted and were not looked at.
 */
enum sotto_status opened_look(struct source_facts *in_out, struct source_session *session,
                              const struct source_request *request,
                              struct sotto_error *err) SOTTO_NODISCARD;
void opened_release(struct source_facts *opened);

/* A number of a result of one row; a failure makes *in_out SOTTO_ERROR_PROTOCOL. A missing one is
 * 0. */
int64_t result_integer(const struct sotto_table *table, size_t column, size_t row,
                       enum sotto_status *in_out);
double result_double(const struct sotto_table *table, size_t column, size_t row,
                     enum sotto_status *in_out);

/* --- summing.c, summing_sql.c, summing_take.c --- */

struct summing;

/* What is asked of a database for the classes of a round; marks in opened which columns have to be
 * looked at before summing_choose. Returns: SOTTO_ERROR_REFUSED, and why rows have to be seen here.
 * Ownership: borrows all; *out is ended by summing_free. */
enum sotto_status summing_new(struct summing **out, struct sotto_classes *classes,
                              struct source_facts *opened, const struct source_request *request,
                              struct sotto_error *err) SOTTO_NODISCARD;
/* Decides by what the columns are like. Returns: as summing_new. */
enum sotto_status summing_choose(struct summing *summing, struct sotto_error *err) SOTTO_NODISCARD;
void summing_free(struct summing *summing);
const char *summing_sql(const struct summing *summing);
/* Adds the answer. Returns: SOTTO_ERROR_PROTOCOL for what is none, SOTTO_ERROR_CHANGED where it is
 * of other rows than those that were opened. */
enum sotto_status summing_take(struct summing *summing, const struct sotto_table *table,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- streamed.c --- */

/* A source of the rows that a session's request wants, none of which is kept. Ownership: borrows
 * both; *out is ended by sotto_source_free. */
enum sotto_status streamed_new(struct sotto_source **out, struct source_session *session,
                               const struct sotto_catalogue *catalogue,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- pushed.c --- */

/* Who has the source. Each function may be NULL. */
struct pushed_host {
    /* Told of each round, before it is asked: the SQL, or NULL and why rows are read. */
    void (*tell)(void *context, const char *sql, const char *why);
    void *tell_context;
    /* Makes of a failure, whose text is for the owner, what is passed on. Returns: its status. */
    enum sotto_status (*fail)(void *context, struct sotto_error *in_out);
    /* Ends the context, with the source. */
    void (*free)(void *context);
    void *context;
    /* Rows may be read in more than one round: what fits the limits' bytes_max of them is kept. */
    bool reads_again;
};

/* A source of the request's rows, which a worker has as long as it lives. Returns:
 * SOTTO_ERROR_REFUSED, and why, where all rounds have to read rows; as source_rows_read. Ownership:
 * borrows the request, name and the limits' texts, takes host's context, but not on failure; *out
 * is ended by sotto_source_free. */
enum sotto_status pushed_new(struct sotto_source **out, const struct source_request *request,
                             const struct source_limits *limits, const char *name,
                             const struct pushed_host *host,
                             struct sotto_error *err) SOTTO_NODISCARD;
/* Tells somebody else of each round from now on; context has to live as long as the source. */
void pushed_set_tell(struct sotto_source *source,
                     void (*tell)(void *context, const char *sql, const char *why), void *context);
/* What the source is described by: the caller's from now on, who may hide columns in it and ends it
 * after the source by sotto_catalogue_free. */
struct sotto_catalogue *pushed_take_catalogue(struct sotto_source *source);

#endif
