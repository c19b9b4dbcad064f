/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SURVEY_H
#define SOTTO_SURVEY_H

/* A file that nobody has catalogued: its catalogue and a contribution to the first round of a plan
 * in one reading, most often. */

#include <sotto/driver.h>

SOTTO_BEGIN_DECLS

struct sotto_survey;

/* Catalogues the file, the only dataset of the plan, and sums up meanwhile what the plan asks for,
 * as the types that are known so far. Columns that the plan does not name may stay unread
 * (sotto_csv_survey). Returns: as sotto_csv_catalogue. Ownership: borrows plan;
 * ended by sotto_survey_free. */
SOTTO_API enum sotto_status sotto_survey_new(struct sotto_survey **out,
                                             const struct sotto_plan *plan, struct sotto_csv *file,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Frees the survey and its catalogue; NULL is fine. */
SOTTO_API void sotto_survey_free(struct sotto_survey *survey);

/* Borrows from the survey. */
SOTTO_API const struct sotto_catalogue *sotto_survey_catalogue(const struct sotto_survey *survey);

/* The contribution, once: to the driver's first round, whose types are those of the catalogue.
 * Integers that became decimals and decimals that grew in scale are brought to the final types.
 * Returns: false where that can't be (a column became float64 or string on the way, a plan of "*",
 * a file with an error, too little memory): then sotto_driver_contribute reads the file. */
SOTTO_API bool sotto_survey_partial(struct sotto_survey *survey, const struct sotto_driver *driver,
                                    uint64_t *out, size_t limbs_len);

SOTTO_END_DECLS

#endif
