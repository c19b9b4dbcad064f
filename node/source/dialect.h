/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_DIALECT_H
#define SOTTO_NODE_SOURCE_DIALECT_H

/* What is different between databases in the SQL that counts and sums up rows. A file for each:
 * dialect_duckdb.c, dialect_postgresql.c, dialect_sqlite.c. What a dialect does not state is not
 * asked of its database. */

#include "source/source.h"

struct source_dialect {
    const char *begin; /* a transaction that sees one snapshot */
    /* SQL that counts tables whose rows stand in the database itself, so that the transaction keeps
     * them: of a view or of rows elsewhere nobody knows. Behind it stand a name in quotes, of one
     * part, or as SQL has names, and ). */
    const char *kept;
    bool keeps_names_quoted;
    const char *integer; /* types: 64 bits */
    const char *real;    /* doubles */
    const char *text;
    /* Sums of integers of 64 bits are exact whatever they are. If not they are of 64 bits. */
    bool has_long_sums;
    /* Decimals are integers of their units inside: of up to 18 digits, in products too, they are
     * added up as they are, and sums have all of their decimals. */
    bool adds_decimals;
    /* Doubles of many rows are read faster than they are split and added up. */
    bool reads_doubles;
    /* Products of doubles may be too small for a double without being an error. */
    bool has_underflow;
    /* Each value says its type, and the columns of a relation have none. */
    bool types_values;
    /* How many values columns have and between which ends is at hand: asking costs no pass. */
    bool keeps_ends;
    /* Decimals have as many digits as each value has. */
    bool scales_values;

    /* Append an expression for a column's value, NULL where it is missing: an exact one's in units
     * of 10^-scale, as an integer, an error if it is none (own_scale: the column's own, digits: as
     * many as a value has at most); a double; a text. A failure is the writer's. */
    void (*write_exact)(struct sotto_writer *writer, const char *name, enum sotto_kind kind,
                        unsigned own_scale, unsigned scale, unsigned digits);
    void (*write_double)(struct sotto_writer *writer, const char *name);
    void (*write_text)(struct sotto_writer *writer, const char *name);
    /* A double, cut to an integer. */
    void (*write_cut)(struct sotto_writer *writer, const char *value);
    /* A condition: whether a text (of write_text) has just these bytes. */
    void (*write_is_text)(struct sotto_writer *writer, const char *value, const char *text);
    /* A condition on a column: whether what the other functions say of it is proved, of all rows if
     * of one, unless each value says its type. */
    void (*write_is_proved)(struct sotto_writer *writer, const char *name, enum sotto_kind kind);
    /* Likewise of texts, value by value; NULL: nothing more has to be proved. */
    void (*write_is_plain)(struct sotto_writer *writer, const char *name);
};

extern const struct source_dialect dialect_duckdb;
extern const struct source_dialect dialect_postgresql;
extern const struct source_dialect dialect_sqlite;

/* --- sql.c --- */

/* SQL without anything of others in it; a number. */
void sql_write(struct sotto_writer *writer, const char *sql);
void sql_write_integer(struct sotto_writer *writer, int64_t number);
/* 10^power, in digits. */
void sql_write_power_of_ten(struct sotto_writer *writer, unsigned power);
/* The bytes of a text as hexadecimal digits, each after a mark. */
void sql_write_hex(struct sotto_writer *writer, const char *text, const char *mark);
/* value times 2^power, of doubles: exact unless the result has bits below 2^-1074. */
void sql_write_scaled(struct sotto_writer *writer, const char *value, int power);
/* A finite double, by its digits, exactly. real: the type of doubles. */
void sql_write_real(struct sotto_writer *writer, double number, const char *real);

#endif
