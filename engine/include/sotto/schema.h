/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SCHEMA_H
#define SOTTO_SCHEMA_H

/* The types of the columns that a plan reads: offered by each party from its own files, then agreed
 * as the join of all offers. Never values, never row counts. */

#include <sotto/bytes.h>
#include <sotto/csv.h>
#include <sotto/plan.h>
#include <sotto/table.h>

SOTTO_BEGIN_DECLS

struct sotto_schema_field {
    struct sotto_type type;
    /* See struct sotto_catalogue_column; agreed on: of any party. */
    bool digits_lost;
    bool inexact;
    bool exponent_inexact;
};

/* A column that a plan does not name, but means by "*". Ownership: name is the schema's. */
struct sotto_schema_column {
    size_t dataset;
    char *name;
    struct sotto_schema_field field;
};

/* The rules by which a party judges its rows (sotto/disclosure.h), for results to say. Zeros: it
 * has none. */
struct sotto_schema_rules {
    char profile[16]; /* lower case letters */
    uint64_t min_rows;
    uint32_t dominance;
};

/* fields[i] belongs to the plan's column i. frame, by dataset: what "*" stands for; offered are all
 * columns of a dataset, in the order of its file, agreed on are the numeric ones, in the order that
 * they have in all offers, or, where offers differ, in that of their names as bytes. Ownership:
 * fields and frame are the schema's. */
struct sotto_schema {
    struct sotto_schema_field *fields;
    size_t fields_len;
    struct sotto_schema_column *frame;
    size_t frame_len;
    struct sotto_schema_rules rules; /* of an offer; what is agreed on has none */
};

/* Frees what a schema holds and leaves it empty. */
SOTTO_API void sotto_schema_release(struct sotto_schema *schema);

/* Copies a schema. Returns: SOTTO_ERROR_NO_MEMORY, and *out unchanged. Ownership: *out is ended by
 * sotto_schema_release. */
SOTTO_API enum sotto_status sotto_schema_copy(struct sotto_schema *out,
                                              const struct sotto_schema *schema) SOTTO_NODISCARD;

/* What one party offers; catalogues[d] describes the plan's dataset d (sotto_source_offer asks
 * sources for theirs).
 * Returns: SOTTO_ERROR_NOT_FOUND naming dataset and column, and the nearest names there are. */
SOTTO_API enum sotto_status sotto_schema_offer(struct sotto_schema *out,
                                               const struct sotto_plan *plan,
                                               const struct sotto_catalogue *const *catalogues,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Whether each value that the plan compares a column with, or names as a level, may be one of the
 * files: a file's NA words are read as missing, and a question about one would be answered as if
 * nobody had it. files[d] is the plan's dataset d (NULL: it is no file, and has no such words),
 * offer is what sotto_schema_offer made of them. Each party asks this of its own files, whose NA
 * words its owner chose. Returns: SOTTO_ERROR_PLAN naming value, column and file. */
SOTTO_API enum sotto_status sotto_schema_check_words(const struct sotto_plan *plan,
                                                     const struct sotto_schema *offer,
                                                     struct sotto_csv *const *files,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Takes a line for the owner of the files, and for nobody else: it may have the text of a value. */
typedef void sotto_tell_owner(void *context, const char *text);

/* Tells, where types did not fit, which values made text of columns that the plan names and that
 * are numbers or booleans otherwise (sotto_csv_find_misfits, which reads slowly). files[d] and
 * catalogues[d] are the plan's dataset d; the file is NULL where it is none. Returns: as
 * sotto_csv_find_misfits. */
SOTTO_API enum sotto_status
sotto_schema_tell_misfits(const struct sotto_plan *plan, struct sotto_csv *const *files,
                          const struct sotto_catalogue *const *catalogues, sotto_tell_owner *tell,
                          void *context, struct sotto_error *err) SOTTO_NODISCARD;

/* Tells, of each key of groups without a level for all others, the first value of this party that
 * is no level of the plan, and its line. agreed: the types by which rows are grouped; files[d] and
 * catalogues[d] as above. Reads the file again, slowly up to that line. Returns: as sotto_csv_scan
 * and sotto_csv_visit. */
SOTTO_API enum sotto_status
sotto_schema_tell_strays(const struct sotto_plan *plan, const struct sotto_schema *agreed,
                         struct sotto_csv *const *files,
                         const struct sotto_catalogue *const *catalogues, sotto_tell_owner *tell,
                         void *context, struct sotto_error *err) SOTTO_NODISCARD;

/* The join of offers (at least one). names[i] names party i in errors; NULL: "party i + 1".
 * Returns: SOTTO_ERROR_TYPE naming column and both parties, also where "*" stands for a numeric
 * column that a party does not have. */
SOTTO_API enum sotto_status sotto_schema_agree(struct sotto_schema *out,
                                               const struct sotto_plan *plan,
                                               const struct sotto_schema *offers,
                                               const char *const *names, size_t offers_len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Whether two schemas of one plan are the same. */
SOTTO_API bool sotto_schema_equal(const struct sotto_schema *a, const struct sotto_schema *b);

/* Appends the schema as bytes; a failure is the writer's. */
SOTTO_API void sotto_schema_write(const struct sotto_schema *schema, struct sotto_writer *writer);

/* Reads a schema that sotto_schema_write wrote, and checks that it fits the plan. Returns:
 * SOTTO_ERROR_INPUT if it does not or the bytes are none, SOTTO_ERROR_NO_MEMORY. Ownership: *out is
 * ended by sotto_schema_release. */
SOTTO_API enum sotto_status sotto_schema_read(struct sotto_schema *out,
                                              const struct sotto_plan *plan,
                                              struct sotto_reader *reader) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
