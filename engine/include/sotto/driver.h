/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DRIVER_H
#define SOTTO_DRIVER_H

/* The driver turns a plan and an agreed schema into rounds. A round is a list of slots, each an
 * integer in two's complement of some limbs; the aggregate of a round is the sum of all parties'
 * partials, slot by slot, modulo 2^(64 limbs). Given the aggregate of a round the driver goes to
 * the next one or to the result. Every party runs it too, and contributes only to the round that it
 * derives itself. */

#include <sotto/interrupt.h>
#include <sotto/schema.h>

SOTTO_BEGIN_DECLS

/* No partial may stand for more rows than this in all parties together. */
#define SOTTO_ROWS_MAX (UINT64_C(1) << 60)

struct sotto_driver;
struct sotto_writer;

/* What this engine computes, as bytes: the versions of all functions, and what exp, log and pow
 * give of 4,096 doubles each. Parties whose bytes are the same make the same of a plan, to the last
 * bit. The writer keeps what fails. */
SOTTO_API void sotto_engine_write_statement(struct sotto_writer *writer);

/* Plans the rounds. Returns: SOTTO_ERROR_TYPE naming output and column where an aggregate does not
 * take the agreed type. Ownership: borrows plan; copies schema. */
SOTTO_API enum sotto_status sotto_driver_new(struct sotto_driver **out,
                                             const struct sotto_plan *plan,
                                             const struct sotto_schema *schema,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Frees the driver, not its plan; NULL is fine. */
SOTTO_API void sotto_driver_free(struct sotto_driver *driver);

/* From now on contributions, and regressions when the driver advances, end with
 * SOTTO_ERROR_CANCELLED once the interrupt is set; contributions from files where the files heed it
 * too (sotto_csv_heed). After a cancelled advance the driver can only be freed. NULL: none.
 * Ownership: borrows it until the next call or the end. */
SOTTO_API void sotto_driver_heed(struct sotto_driver *driver,
                                 const struct sotto_interrupt *interrupt);

/* Keeps what each round opens from now on, for a source whose rows are in parts: it tells them what
 * all rounds before have opened (sotto_contribution_ask). Before the first round is over. */
SOTTO_API void sotto_driver_keep_opened(struct sotto_driver *driver);

/* How many parties must have enough rows in each part of a grid that a guarded quantile opens, or
 * none has any. Before the first round is over; everybody who takes part says the same. 0, as at
 * first: it does not matter who has them. */
SOTTO_API void sotto_driver_need_parties(struct sotto_driver *driver, uint32_t parties);

/* The current round, from 1; 0 once the result is there. A plan has at most sotto_plan_rounds of
 * them: a statistic that is known early asks no more. */
SOTTO_API uint32_t sotto_driver_round(const struct sotto_driver *driver);

/* What the current round opens: the aggregates, each once, in a line. Returns: *out, ended by
 * sotto_free; SOTTO_ERROR_STATE after the last round, SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_driver_round_words(const struct sotto_driver *driver, char **out,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* The limbs of each slot of the current round. Borrows from the driver, until it advances. */
SOTTO_API const uint16_t *sotto_driver_slots(const struct sotto_driver *driver,
                                             size_t *out_slots_len);

/* The types that were agreed on. Borrows from the driver. */
SOTTO_API const struct sotto_schema *sotto_driver_schema(const struct sotto_driver *driver);

/* The limbs of all slots of the current round together. */
SOTTO_API size_t sotto_driver_limbs_len(const struct sotto_driver *driver);

/* Takes the aggregate of the current round: sotto_driver_limbs_len limbs, least significant first
 * within each slot. Returns: SOTTO_ERROR_PROTOCOL for what no honest parties can sum up to (a
 * negative count, a count above SOTTO_ROWS_MAX), SOTTO_ERROR_STATE after the last round. */
SOTTO_API enum sotto_status sotto_driver_advance(struct sotto_driver *driver, const uint64_t *limbs,
                                                 size_t limbs_len,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* How far the plan's models have come, of those of no groups that have begun: a JSON list of
 * {"output": name, "call": "glm(...)", "iterations": whole, "deviance": number or null, "step":
 * number or null, "names": [text], "coefficients": [number]}. Coefficients are those at which the
 * next round computes, or the model has ended; the deviance is that of the coefficients before the
 * last step, and step the last step's length in standard errors. sotto_plan_start_from takes it.
 * Returns: *out, ended by sotto_free; SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_driver_reached(const struct sotto_driver *driver, char **out,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* How far the plan's models have come in a line for logs, "" where none has begun: "fit: iteration
 * 3, deviance 25.8, step of 0.02 standard errors". Returns: *out, ended by sotto_free;
 * SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_driver_reached_words(const struct sotto_driver *driver,
                                                       char **out,
                                                       struct sotto_error *err) SOTTO_NODISCARD;

/* How many groups a plan with group_by has, 0 without. A party's contribution to the round is made
 * by sotto/contribution.h. */
SOTTO_API size_t sotto_driver_groups_len(const struct sotto_driver *driver);

/* Adds one partial of the current round to another, slot by slot modulo 2^(64 limbs): what secure
 * aggregation does. In-out: sum, limbs_len == sotto_driver_limbs_len. */
SOTTO_API void sotto_driver_add(const struct sotto_driver *driver, uint64_t *in_out_sum,
                                const uint64_t *partial, size_t limbs_len);

/* Somebody who was invited and whose rows are not in the result. Borrows both texts. */
struct sotto_result_absentee {
    const char *name;
    const char *why; /* "it was away" */
};

/* Who was asked. names: of those whose rows are in the result; NULL where parties have none.
 * Borrows everything. */
struct sotto_result_parties {
    uint32_t invited;
    uint32_t joined;
    uint32_t survived;
    const char *const *names;
    size_t names_len;
    const struct sotto_result_absentee *missing;
    size_t missing_len;
};

/* The result as JSON text (PLAN.md, "Results"): outputs with value and exact text, parties, agreed
 * schema, conversions, warnings. offers are those of the joined parties: a column that some party
 * held as int64 or decimal and that was read as float64 is listed as a conversion. Warnings name
 * who is missing and the levels that nobody has. Returns: SOTTO_ERROR_STATE before the last round.
 * Ownership: *out is ended by sotto_free. */
SOTTO_API enum sotto_status sotto_driver_result(const struct sotto_driver *driver, char **out,
                                                const struct sotto_result_parties *parties,
                                                const struct sotto_schema *offers,
                                                size_t offers_len,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a text is the result (sotto_driver_result) of so many survivors, to the byte, with or
 * without exact texts. Only what it says of who was invited and who is missing is taken over. text
 * is anything that somebody sent. Returns: as sotto_driver_result; *out is false for a text that is
 * no result at all. */
SOTTO_API enum sotto_status sotto_driver_is_result(const struct sotto_driver *driver, bool *out,
                                                   const char *text, uint32_t survived,
                                                   const struct sotto_schema *offers,
                                                   size_t offers_len,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* The member "parties" of a result, an object. Failures are out's. */
SOTTO_API void sotto_result_parties_write(const struct sotto_result_parties *parties,
                                          struct sotto_writer *out);

/* What a text, of anybody's, says of the parties of a result: all that is taken over from it. */
struct sotto_result_claim;

/* Reads it, of a result that has so many survivors. Returns: SOTTO_ERROR_INPUT for what no honest
 * creator writes, SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_result_claim_free. */
SOTTO_API enum sotto_status sotto_result_claim_read(struct sotto_result_claim **out,
                                                    const char *text,
                                                    uint32_t survived) SOTTO_NODISCARD;

/* Borrows from the claim. */
SOTTO_API const struct sotto_result_parties *
sotto_result_claim_parties(const struct sotto_result_claim *claim);

/* Ends a claim. NULL is allowed. */
SOTTO_API void sotto_result_claim_free(struct sotto_result_claim *claim);

/* Takes the exact texts out of a result of sotto_driver_result: it gets shorter in place. */
SOTTO_API void sotto_result_strip_exact(char *json);

#define SOTTO_DOUBLE_TEXT_BYTES 64

/* The shortest decimal text that reads back as value (finite), in the form of Python's repr, as
 * results have it: "1200.0", "0.0001", "1e+16". */
SOTTO_API void sotto_double_text(char out[SOTTO_DOUBLE_TEXT_BYTES], double value);

SOTTO_END_DECLS

#endif
