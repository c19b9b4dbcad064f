/* SPDX-License-Identifier: Apache-2.0 */

/* The table of rules: their codes, which profile asks them, and their usual numbers. It leans on
 * nothing. The one idea: what is known of a rule before it is asked stands in its row here, so that
 * logs, documents and analysts' tools call it by one code. */

#include <sotto/disclosure.h>
#include <stdio.h>

#define MIN_ROWS 10
#define DOMINANCE 10
#define BUDGET 33

struct rule_card {
    const char *code;
    bool is_always_on; /* in every profile */
};

static const struct rule_card cards[SOTTO_RULES_LEN] = {
    [SOTTO_RULE_GRAMMAR] = {"grammar", false},   [SOTTO_RULE_ROWS] = {"rows", false},
    [SOTTO_RULE_PRESENCE] = {"presence", false}, [SOTTO_RULE_HIDDEN] = {"hidden", false},
    [SOTTO_RULE_COVER] = {"cover", true},        [SOTTO_RULE_DOMINANCE] = {"dominance", false},
    [SOTTO_RULE_BUDGET] = {"budget", false},     [SOTTO_RULE_LEDGER] = {"ledger", false},
};

static const char *const profiles[] = {
    [SOTTO_PROFILE_SAFE] = "safe",
    [SOTTO_PROFILE_OPEN] = "open",
};

const char *sotto_rule_code(enum sotto_rule rule)
{
    return cards[rule].code;
}

const char *sotto_profile_name(size_t profile)
{
    return profile < sizeof profiles / sizeof profiles[0] ? profiles[profile] : NULL;
}

void sotto_rules_set_min_rows(struct sotto_rules *rules, uint64_t min_rows)
{
    rules->min_rows = min_rows;
    rules->is_on[SOTTO_RULE_ROWS] = min_rows > 0;
    rules->is_on[SOTTO_RULE_PRESENCE] = min_rows > 0;
    rules->is_on[SOTTO_RULE_HIDDEN] = min_rows > 0;
}

void sotto_rules_set_dominance(struct sotto_rules *rules, unsigned percent)
{
    rules->dominance = percent;
    rules->is_on[SOTTO_RULE_DOMINANCE] = percent > 0;
}

void sotto_rules_init(struct sotto_rules *out, enum sotto_profile profile)
{
    bool is_safe = profile == SOTTO_PROFILE_SAFE;
    *out = (struct sotto_rules){.profile = profile,
                                .budget = BUDGET,
                                .tells_values = !is_safe,
                                .extremes = is_safe ? SOTTO_EXTREMES_DENIED : SOTTO_EXTREMES_EXACT};
    for (size_t i = 0; i < SOTTO_RULES_LEN; i++) {
        out->is_on[i] = is_safe || cards[i].is_always_on;
    }
    sotto_rules_set_min_rows(out, is_safe ? MIN_ROWS : 0);
    sotto_rules_set_dominance(out, is_safe ? DOMINANCE : 0);
}

bool sotto_rules_ask_ledger(const struct sotto_rules *rules)
{
    return rules->is_on[SOTTO_RULE_LEDGER] && rules->min_rows > 0;
}

struct sotto_schema_rules sotto_rules_offered(const struct sotto_rules *rules)
{
    struct sotto_schema_rules offered = {.min_rows = rules->min_rows,
                                         .dominance = rules->dominance};
    (void)snprintf(offered.profile, sizeof offered.profile, "%s", profiles[rules->profile]);
    return offered;
}
