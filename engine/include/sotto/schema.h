/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SCHEMA_H
#define SOTTO_SCHEMA_H

/* The types of the columns that a plan reads: offered by each party from its own files, then agreed
 * as the join of all offers. Never values, never row counts. */

#include <sotto/bytes.h>
#include <sotto/csv.h>
#include <sotto/plan.h>

SOTTO_BEGIN_DECLS

struct sotto_schema_field {
    struct sotto_type type;
    bool digits_lost; /* see struct sotto_catalogue_column */
};

/* fields[i] belongs to the plan's column i. Ownership: fields is the schema's. */
struct sotto_schema {
    struct sotto_schema_field *fields;
    size_t fields_len;
};

SOTTO_API void sotto_schema_release(struct sotto_schema *schema);

/* What one party offers; catalogues[d] describes the plan's dataset d.
 * Returns: SOTTO_ERROR_NOT_FOUND naming dataset and column, and the nearest names there are. */
SOTTO_API enum sotto_status sotto_schema_offer(struct sotto_schema *out,
                                               const struct sotto_plan *plan,
                                               const struct sotto_catalogue *const *catalogues,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* The join of offers (at least one). names[i] names party i in errors; NULL: "party i + 1".
 * Returns: SOTTO_ERROR_TYPE naming column and both parties. */
SOTTO_API enum sotto_status sotto_schema_agree(struct sotto_schema *out,
                                               const struct sotto_plan *plan,
                                               const struct sotto_schema *offers,
                                               const char *const *names, size_t offers_len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Appends the schema as bytes; reads it back, checking that it fits the plan: SOTTO_ERROR_INPUT. */
SOTTO_API void sotto_schema_write(const struct sotto_schema *schema, struct sotto_writer *writer);
SOTTO_API enum sotto_status sotto_schema_read(struct sotto_schema *out,
                                              const struct sotto_plan *plan,
                                              struct sotto_reader *reader) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
