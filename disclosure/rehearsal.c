/* SPDX-License-Identifier: Apache-2.0 */

/* What a party that has answered nothing before would say to a task. Leans on the judge, on the
 * tally and on a ledger in memory, in the order in which a node asks them (node/task/partial.c).
 * The one idea: what a node would refuse within one task is refused beforehand, by the same rule.
 */

#include "ledger_memory.h"

#include <sotto/alloc.h>
#include <sotto/rehearsal.h>
#include <sotto/secret.h>
#include <sotto/span.h>
#include <sotto/tally.h>
#include <string.h>

struct sotto_rehearsal {
    struct sotto_rules rules;
    uint64_t seed;
    struct sotto__ledger_memory memory;
    struct sotto_ledger *ledger; /* NULL: no rule asks it */
    uint8_t *withheld;           /* groups; NULL before the first reading */
    size_t groups_len;
    enum sotto_rule refused;
};

void sotto_rehearsal_free(struct sotto_rehearsal *rehearsal)
{
    if (rehearsal == NULL) {
        return;
    }
    sotto_ledger_free(rehearsal->ledger);
    sotto__ledger_memory_release(&rehearsal->memory);
    sotto_free(rehearsal->withheld);
    sotto_free(rehearsal);
}

static enum sotto_status open_ledger(struct sotto_rehearsal *rehearsal, struct sotto_error *err)
{
    uint8_t secret[SOTTO_LEDGER_SECRET_BYTES] = {0}; /* entries are seen by nobody */
    const struct sotto_ledger_storage storage = sotto__ledger_memory_storage(&rehearsal->memory);
    memcpy(secret, &rehearsal->seed, sizeof rehearsal->seed);
    return sotto_ledger_open(&rehearsal->ledger, &storage, secret, err);
}

enum sotto_status sotto_rehearsal_new(struct sotto_rehearsal **out, const struct sotto_rules *rules,
                                      uint64_t seed, struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = sotto_alloc_zeroed(sizeof *rehearsal);
    if (rehearsal == NULL) {
        return sotto_error_no_memory(err);
    }
    rehearsal->rules = *rules;
    rehearsal->seed = seed;
    rehearsal->refused = SOTTO_RULES_LEN;
    bool is_asked = sotto_rules_ask_ledger(rules);
    enum sotto_status status = is_asked ? open_ledger(rehearsal, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        sotto_rehearsal_free(rehearsal);
        return status;
    }
    *out = rehearsal;
    return SOTTO_OK;
}

enum sotto_rule sotto_rehearsal_refused(const struct sotto_rehearsal *rehearsal)
{
    return rehearsal->refused;
}

/* --- Reading --- */

/* The rows of a round, on their way through the rules. */
struct trying {
    struct sotto_rehearsal *rehearsal;
    const struct sotto_driver *driver;
    const struct sotto_plan *plan;
    struct sotto_source *const *sources;
    struct sotto_disclosure disclosure;
    struct sotto_tally *tally; /* NULL: no ledger is asked */
};

static enum sotto_status find_catalogues(const struct sotto_catalogue **out,
                                         const struct trying *trying, struct sotto_error *err)
{
    for (size_t i = 0; i < sotto_plan_datasets_len(trying->plan); i++) {
        struct sotto_source *source = trying->sources[i];
        enum sotto_status status = source->ops->describe(source, &out[i], NULL, 0, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status make_tally(struct trying *trying, struct sotto_error *err)
{
    const struct sotto_catalogue **catalogues =
        sotto_alloc_array(sotto_plan_datasets_len(trying->plan), sizeof(void *));
    if (catalogues == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = find_catalogues(catalogues, trying, err);
    if (status == SOTTO_OK) {
        status = sotto_tally_new(&trying->tally, trying->rehearsal->ledger, trying->driver,
                                 trying->plan, catalogues, err);
    }
    sotto_free(catalogues);
    return status;
}

static enum sotto_status make_room(struct sotto_rehearsal *rehearsal,
                                   const struct sotto_driver *driver, struct sotto_error *err)
{
    if (rehearsal->withheld == NULL) {
        rehearsal->groups_len = sotto_driver_groups_len(driver);
        rehearsal->withheld = sotto_alloc_zeroed(rehearsal->groups_len + 1);
    }
    return rehearsal->withheld != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Reads the rows: judged, and tallied for the ledger. */
static enum sotto_status read_rows(struct trying *trying, uint64_t *limbs, size_t limbs_len,
                                   struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = trying->rehearsal;
    const struct sotto_judge *judge = sotto_disclosure_judge(&trying->disclosure);
    enum sotto_status status = make_room(rehearsal, trying->driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (rehearsal->ledger == NULL) {
        return sotto_driver_contribute(trying->driver, limbs, limbs_len, rehearsal->withheld,
                                       trying->sources, judge, err);
    }
    status = make_tally(trying, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_tally_contribute(trying->tally, limbs, limbs_len, rehearsal->withheld,
                                  trying->sources, judge, err);
}

/* Begins with the grammar, and reads the rows. The rule that refused is the rehearsal's afterwards.
 */
static enum sotto_status try_rows(struct trying *trying, uint64_t *limbs, size_t limbs_len,
                                  struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = trying->rehearsal;
    rehearsal->refused = SOTTO_RULE_GRAMMAR;
    enum sotto_status status = sotto_rules_judge_plan(&rehearsal->rules, trying->plan,
                                                      sotto_driver_schema(trying->driver), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_rows(trying, limbs, limbs_len, err);
    bool is_rule = trying->disclosure.rule != SOTTO_RULES_LEN;
    rehearsal->refused = is_rule ? trying->disclosure.rule : SOTTO_RULE_ROWS;
    return status;
}

/* --- The ledger --- */

static struct sotto_ledger_question make_question(const struct trying *trying)
{
    const struct sotto_rules *rules = &trying->rehearsal->rules;
    struct sotto_ledger_question question = {
        .round = sotto_driver_round(trying->driver),
        .name = sotto_plan_name(trying->plan),
        .min_rows = rules->min_rows,
        .budget = rules->is_on[SOTTO_RULE_BUDGET] ? rules->budget : 0,
        .charges_rounds = rules->charges_rounds,
        .dominance = rules->is_on[SOTTO_RULE_DOMINANCE] ? rules->dominance : 0,
        .groups_len = trying->rehearsal->groups_len,
    };
    question.files = sotto_tally_files(trying->tally, &question.files_len);
    return question;
}

static enum sotto_status foresee(const struct trying *trying, struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = trying->rehearsal;
    if (trying->tally == NULL) {
        return SOTTO_OK;
    }
    struct sotto_ledger_question question = make_question(trying);
    rehearsal->refused = SOTTO_RULE_LEDGER;
    bool is_of_parties; /* no concern: there are no others */
    return sotto_ledger_foresee(rehearsal->ledger, &is_of_parties, rehearsal->withheld, &question,
                                err);
}

static enum sotto_status answer(const struct trying *trying, struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = trying->rehearsal;
    struct sotto_ledger_pending pending = {0};
    if (trying->tally == NULL) {
        return SOTTO_OK;
    }
    struct sotto_ledger_question question = make_question(trying);
    rehearsal->refused = SOTTO_RULE_LEDGER;
    enum sotto_status status = sotto_ledger_answer(rehearsal->ledger, &pending, &rehearsal->refused,
                                                   rehearsal->withheld, &question, err);
    sotto_ledger_pending_release(&pending);
    return status;
}

/* --- For hosts --- */

static struct trying begin(struct sotto_rehearsal *rehearsal, const struct sotto_driver *driver,
                           const struct sotto_plan *plan, struct sotto_source *const *sources)
{
    return (struct trying){
        .rehearsal = rehearsal, .driver = driver, .plan = plan, .sources = sources};
}

/* What rows or earlier rounds are the cause of is a refusal, whatever it is, as it is of a node. */
static enum sotto_status end(struct trying *trying, enum sotto_status status,
                             struct sotto_error *err)
{
    struct sotto_rehearsal *rehearsal = trying->rehearsal;
    struct sotto_error why = err != NULL ? *err : (struct sotto_error){0};
    sotto_tally_free(trying->tally);
    if (status == SOTTO_ERROR_LIMIT) {
        status = sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", why.text);
    }
    rehearsal->refused = status == SOTTO_ERROR_REFUSED ? rehearsal->refused : SOTTO_RULES_LEN;
    return status;
}

enum sotto_status sotto_rehearsal_offer(struct sotto_rehearsal *rehearsal, uint8_t *cover,
                                        struct sotto_writer *spans, uint64_t spans_prime,
                                        const struct sotto_driver *driver,
                                        const struct sotto_plan *plan,
                                        struct sotto_source *const *sources,
                                        struct sotto_error *err)
{
    struct trying trying = begin(rehearsal, driver, plan, sources);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    if (limbs == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto_disclosure_init(&trying.disclosure, &rehearsal->rules, rehearsal->seed);
    trying.disclosure.judge.cover = cover;
    trying.disclosure.spans = spans;
    trying.disclosure.spans_prime = spans_prime;
    if (sotto_disclosure_judge(&trying.disclosure) == NULL) { /* no rule asks for anything */
        memset(cover, SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN, sotto_driver_cover_len(driver));
    }
    enum sotto_status status = try_rows(&trying, limbs, limbs_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = foresee(&trying, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_driver_cover_withhold(driver, cover, rehearsal->withheld);
    if (spans->data_bytes > 0 &&
        sotto_spans_withhold(spans, rehearsal->withheld, rehearsal->groups_len) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
    }
out:
    sotto_wipe(limbs, limbs_len * sizeof *limbs);
    sotto_free(limbs);
    return end(&trying, status, err);
}

enum sotto_status sotto_rehearsal_contribute(struct sotto_rehearsal *rehearsal, uint64_t *out,
                                             size_t limbs_len, const struct sotto_driver *driver,
                                             const struct sotto_plan *plan,
                                             struct sotto_source *const *sources,
                                             struct sotto_error *err)
{
    struct trying trying = begin(rehearsal, driver, plan, sources);
    sotto_disclosure_init(&trying.disclosure, &rehearsal->rules, rehearsal->seed);
    enum sotto_status status = try_rows(&trying, out, limbs_len, err);
    if (status != SOTTO_OK) {
        return end(&trying, status, err);
    }
    status = answer(&trying, err);
    if (status != SOTTO_OK) {
        sotto_wipe(out, limbs_len * sizeof *out);
        return end(&trying, status, err);
    }
    sotto_driver_withhold(driver, out, rehearsal->withheld);
    return end(&trying, SOTTO_OK, err);
}
