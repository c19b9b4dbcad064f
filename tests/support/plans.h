/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_PLANS_H
#define SOTTO_TEST_PLANS_H

/* Plans over CSV texts, without a network: every text is a party's file of the one dataset "t". */

#include "engine/driver.h"
#include <sotto/contribution.h>

/* The plan of these outputs ("m=mean(x)"), ended with NULL, over dataset t. */
struct sotto_plan *test_plan(const char *const *outputs);
struct sotto_plan *test_plan_of(const char *output);

/* A party's contribution from a file of the one dataset, or from a table, nothing counted. */
enum sotto_status test_partial(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                               struct sotto_csv *file, const struct sotto_catalogue *catalogue,
                               struct sotto_error *err);
enum sotto_status test_partial_table(const struct sotto_driver *driver, uint64_t *out,
                                     size_t limbs_len, const struct sotto_table *table,
                                     struct sotto_error *err);

/* All that a contribution's evidence says, as text: the same for the same rows, however they were
 * read. It is asked for test_evidence_judge, and not judged yet. Ended by sotto_free. */
extern const struct sotto_judge test_evidence_judge;
char *test_evidence(const struct sotto_driver *driver,
                    const struct sotto_contribution *contribution);

/* What the parties' rows give: the schema is agreed, partials are summed slot by slot. Returns: as
 * the functions that fail; on success *out is the result as JSON, ended by sotto_free, and
 * *out_limbs (if not NULL) the bytes of the last round's aggregate. */
enum sotto_status test_run(char **out, struct sotto_buffer *out_limbs,
                           const struct sotto_plan *plan, const char *const *texts,
                           size_t texts_len, struct sotto_error *err);

/* The same, of a plan as JSON. Returns: as sotto_plan_parse, too. */
enum sotto_status test_run_json(char **out, const char *json, const char *const *texts,
                                size_t texts_len, struct sotto_error *err);

/* The same, with these methods for the calls of the plan. */
enum sotto_status test_run_methods(char **out, struct sotto_buffer *out_limbs,
                                   const struct sotto_plan *plan, const char *const *texts,
                                   size_t texts_len, const sotto__method_table methods,
                                   struct sotto_error *err);

/* The result of one output over the parties' texts must contain part; _gives1: over one party's. */
void test_gives(const char *output, const char *const *texts, size_t texts_len, const char *part);
void test_gives1(const char *output, const char *text, const char *part);
/* The same over three parties, whose texts begin with a header, and over one with all their rows.
 */
void test_gives_split(const char *output, const char *const texts[3], const char *header,
                      const char *part);
/* A plan with this call for its only output is refused, with part in the error. */
void test_refuses_call(const char *call, const char *part);

#endif
