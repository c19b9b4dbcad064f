/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_H
#define SOTTO_DISCLOSURE_H

/* What answers may tell: the rules by which a party judges a plan and its own rows before anything
 * leaves. disclosure/README.md says what each rule wants and why. */

#include <sotto/evidence.h>
#include <sotto/schema.h>

SOTTO_BEGIN_DECLS

/* The rules, in the order in which they are asked. */
enum sotto_rule {
    SOTTO_RULE_GRAMMAR,   /* what a plan may say at all */
    SOTTO_RULE_ROWS,      /* R1: sets of rows that the asker made */
    SOTTO_RULE_PRESENCE,  /* R2: sets of rows that missing values made */
    SOTTO_RULE_HIDDEN,    /* R3: columns that are conditions in disguise */
    SOTTO_RULE_COVER,     /* R4: parties by what they have */
    SOTTO_RULE_DOMINANCE, /* R5: sums that one row dominates */
    SOTTO_RULE_BUDGET,    /* R6: how much of a column was told */
    SOTTO_RULE_LEDGER,    /* what was answered before */
    SOTTO_RULES_LEN,
};

/* The stable code of a rule ("rows"), as --json and logs have it. Returns: static storage. */
SOTTO_API const char *sotto_rule_code(enum sotto_rule rule);

enum sotto_profile {
    SOTTO_PROFILE_SAFE, /* all rules */
    SOTTO_PROFILE_OPEN, /* cover alone */
};

/* The name of a profile ("safe"). Returns: static storage; NULL from the last one on. */
SOTTO_API const char *sotto_profile_name(size_t profile);

/* At most so many rows can be asked of a set: values are told apart up to as many. */
#define SOTTO_MIN_ROWS_MAX 65536

/* What may be told of the least and the greatest value of a column. */
enum sotto_extremes {
    SOTTO_EXTREMES_DENIED,
    SOTTO_EXTREMES_GUARDED, /* where they are, as guarded quantiles are */
    SOTTO_EXTREMES_EXACT,
};

/* The rules in force, with their numbers. */
struct sotto_rules {
    enum sotto_profile profile;
    bool is_on[SOTTO_RULES_LEN];
    uint64_t min_rows; /* of a set of rows */
    bool tells_values; /* exact quantiles may be told, each of which is somebody's value */
    enum sotto_extremes extremes;
    unsigned dominance;  /* per cent of the largest contribution that all others but the second one
                            must come to */
    unsigned budget;     /* sums of a column that are told per 100 rows of its file within a year */
    bool charges_rounds; /* of models all rounds count, not the first two alone */
};

/* The rules of a profile with their usual numbers. */
SOTTO_API void sotto_rules_init(struct sotto_rules *out, enum sotto_profile profile);

/* Sets how many rows a set must have, in whatever profile; 0: the rules on sets of rows are off. */
SOTTO_API void sotto_rules_set_min_rows(struct sotto_rules *rules, uint64_t min_rows);

/* Sets the number of the rule on dominance, in whatever profile; 0: it is off. */
SOTTO_API void sotto_rules_set_dominance(struct sotto_rules *rules, unsigned percent);

/* Whether answers are held against earlier ones: whoever can't show its rows to a ledger then can't
 * answer. */
SOTTO_API bool sotto_rules_ask_ledger(const struct sotto_rules *rules);

/* The rules as an offer says them, for results. */
SOTTO_API struct sotto_schema_rules sotto_rules_offered(const struct sotto_rules *rules);

/* --- grammar.c --- */

/* Whether a plan says only what the profile admits; schema may be NULL: nobody knows then which
 * columns are float64, arithmetic with which is refused. Returns: SOTTO_ERROR_REFUSED naming the
 * first clause that is not admitted, and why. */
SOTTO_API enum sotto_status sotto_rules_judge_plan(const struct sotto_rules *rules,
                                                   const struct sotto_plan *plan,
                                                   const struct sotto_schema *schema,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* A plan for its owner: what the grammar says first, then every expression whole, with what it is
 * found to be. Nothing is cut, and what can't be seen is shown. Returns: SOTTO_ERROR_NO_MEMORY.
 * Ownership: *out is ended by sotto_free. */
SOTTO_API enum sotto_status sotto_rules_words(const struct sotto_rules *rules, char **out,
                                              const struct sotto_plan *plan,
                                              const struct sotto_schema *schema,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Appends a text that somebody else wrote, whole: characters that can't be seen or that change the
 * order of others by their codes ("<U+202E>"), many blanks by their number. */
SOTTO_API void sotto_text_show(struct sotto_writer *writer, const char *text);

/* --- judge.c --- */

/* What an owner says of a column. */
enum sotto_column_kind {
    SOTTO_COLUMN_UNDECLARED, /* its values say whether it is an identifier */
    SOTTO_COLUMN_IDENTIFIER, /* it is one, whatever its values */
    SOTTO_COLUMN_MULTIPLIED, /* it may be multiplied, whatever it looks like */
};

/* The rules in force in one task of one party, and what they said last. */
struct sotto_disclosure {
    const struct sotto_rules *rules;
    /* What the owner says of a file's column; NULL: nothing. */
    enum sotto_column_kind (*kind_of)(const void *context, const char *file, const char *column);
    const void *kind_context;
    struct sotto_judge judge;
    uint64_t prime;
    /* Where to, unless NULL, the judge writes what the rows are of all combinations of sums
     * (sotto/span.h), modulo a prime that all parties of the task know. */
    struct sotto_writer *spans;
    uint64_t spans_prime;
    enum sotto_rule rule; /* that refused the round; SOTTO_RULES_LEN: none did */
    uint64_t in_no_group; /* rows whose key is missing, or is no level of the plan */
    size_t groups_withheld;
    size_t cells_withheld;
};

/* Gets ready to judge a party's rows. seed: of a prime modulo which sets are compared; whoever
 * makes plans should not know it. Ownership: borrows rules; *out stays where it is. */
SOTTO_API void sotto_disclosure_init(struct sotto_disclosure *out, const struct sotto_rules *rules,
                                     uint64_t seed);

/* The judge for the party's contributions (sotto/contribution.h), or NULL if no rule looks at rows.
 * It refuses with SOTTO_ERROR_REFUSED and a text that begins with the rule. */
SOTTO_API const struct sotto_judge *
sotto_disclosure_judge(const struct sotto_disclosure *disclosure);

SOTTO_END_DECLS

#endif
