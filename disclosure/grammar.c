/* SPDX-License-Identifier: Apache-2.0 */

/* The rule "grammar": what a plan may say at all, and a plan in words for its owner. It leans on
 * the clauses that the engine reads off a plan's trees. The one idea: a table says which forms are
 * admitted, so that syntax can only refuse; what is admitted is judged again, by the rows behind
 * it (judge.c). */

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

#define DEGREE_ADMITTED 2
/* Of a plan in words. A plan has 256 KiB, and what can't be seen takes eight bytes to show. */
#define WORDS_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* What an owner is told of each form; NULL: it is not admitted. */
static const char *const admitted[SOTTO_FORMS_LEN] = {
    [SOTTO_FORM_COLUMNS] = "sums of columns, of squares, or of products of two",
    [SOTTO_FORM_POLYNOMIAL] = "sums of a polynomial, each of its monomials as if opened alone",
    [SOTTO_FORM_CONDITION] = "rows by a condition",
    [SOTTO_FORM_CHOICE] = "sums over the rows of a condition",
    [SOTTO_FORM_CELLS] = "rows by bins or levels",
    [SOTTO_FORM_GRID] = "rows by cells in which no party has few",
    [SOTTO_FORM_FIT] = "a model of columns: in each round sums over all rows",
    [SOTTO_FORM_ORDER] = "values that rows have, found by counts down to single rows",
};

/* Why an order statistic is refused, in words; NULL where it is admitted. */
static const char *find_order_fault(const struct sotto_rules *rules,
                                    const struct sotto_plan_clause *clause)
{
    bool is_exact = clause->form == SOTTO_FORM_ORDER;
    if (clause->is_extreme && rules->extremes == SOTTO_EXTREMES_DENIED) {
        return "the least or the greatest value, which is somebody's: policy.extremes denies it";
    }
    if (clause->is_extreme && is_exact && rules->extremes != SOTTO_EXTREMES_EXACT) {
        return "the least or the greatest value, which is somebody's: policy.extremes has it "
               "guarded, without exact=1";
    }
    return is_exact && !clause->is_extreme && !rules->tells_values
               ? "counts down to single values: without exact=1 it is guarded"
               : NULL;
}

/* Why a clause is refused, in words; NULL where it is admitted. */
static const char *find_fault(const struct sotto_rules *rules,
                              const struct sotto_plan_clause *clause)
{
    if (clause->round > 1) {
        return "a later round computes with numbers that were opened before";
    }
    if (admitted[clause->form] == NULL) {
        return clause->why != NULL ? clause->why : "nobody has said what it opens";
    }
    if (clause->degree > DEGREE_ADMITTED) {
        return "it opens sums of a degree above 2";
    }
    if (clause->is_computed && clause->has_doubles) {
        return "arithmetic with doubles, whose rounding can single out rows";
    }
    if (clause->form == SOTTO_FORM_FIT && !clause->is_checked) {
        return "a model of sums that nobody checks (enable_verify: false): who creates the task "
               "could choose the coefficients";
    }
    return clause->form == SOTTO_FORM_GRID || clause->form == SOTTO_FORM_ORDER
               ? find_order_fault(rules, clause)
               : NULL;
}

/* --- The verdict --- */

static const char *name_kind(const struct sotto_plan_clause *clause)
{
    return clause->kind == SOTTO_CLAUSE_WHERE ? "where"
           : clause->kind == SOTTO_CLAUSE_KEY ? "by"
                                              : "output";
}

static enum sotto_status judge_clause(void *context, const struct sotto_plan_clause *clause,
                                      struct sotto_error *err)
{
    const char *fault = find_fault(context, clause);
    return fault == NULL
               ? SOTTO_OK
               : sotto_error_set(
                     err, SOTTO_ERROR_REFUSED,
                     "profile safe does not admit %s%s%.90s, column %zu of %.160s: %s; with "
                     "approve: manual its owner decides, profile: open lets it pass",
                     name_kind(clause), clause->output != NULL ? " " : "",
                     clause->output != NULL ? clause->output : "", clause->start + 1, clause->text,
                     fault);
}

/* Two names of one file are two tables to all rules on rows: where one of these is on, no profile
 * admits them. */
static bool judges_datasets(const struct sotto_rules *rules)
{
    return rules->is_on[SOTTO_RULE_GRAMMAR] || rules->is_on[SOTTO_RULE_ROWS];
}

static enum sotto_status judge_datasets(const struct sotto_plan *plan, struct sotto_error *err)
{
    for (size_t i = 0; i < sotto_plan_datasets_len(plan); i++) {
        const char *file = sotto_plan_dataset_file(plan, i);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(file, sotto_plan_dataset_file(plan, j)) == 0) {
                return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                       "it is not admitted that %s and %s are both %s: a file has "
                                       "one name where rows are judged",
                                       sotto_plan_dataset_alias(plan, j),
                                       sotto_plan_dataset_alias(plan, i), file);
            }
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto_rules_judge_plan(const struct sotto_rules *rules,
                                         const struct sotto_plan *plan,
                                         const struct sotto_schema *schema, struct sotto_error *err)
{
    enum sotto_status status = judges_datasets(rules) ? judge_datasets(plan, err) : SOTTO_OK;
    if (status != SOTTO_OK || !rules->is_on[SOTTO_RULE_GRAMMAR]) {
        return status;
    }
    struct sotto_rules asked = *rules;
    return sotto_plan_clauses(plan, judge_clause, &asked, schema, err);
}

/* --- Words --- */

/* Code points that are not seen, or that change how others are: from, to. */
static const uint32_t unseen[][2] = {
    {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},       {0x34F, 0x34F},     {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180E},   {0x2000, 0x200F},   {0x2028, 0x202F},
    {0x205F, 0x206F}, {0x3000, 0x3000}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_seen(uint32_t point)
{
    bool seen = true;
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++) {
        seen = seen && (point < unseen[i][0] || point > unseen[i][1]);
    }
    return seen;
}

/* Reads a code point of valid UTF-8. Returns: its bytes. */
static size_t read_point(uint32_t *out, const unsigned char *p)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    *out = len == 1 ? *p : *p & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        *out = (*out << 6) | (p[i] & 0x3FU);
    }
    return len;
}

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

/* More blanks than these could push what follows out of sight. */
#define BLANKS_SHOWN 4

/* Writes all of a text that others may have written, so that what can't be seen is seen: blanks in
 * a row by their number, other characters without a shape by their code. */
void sotto_text_show(struct sotto_writer *writer, const char *text)
{
    size_t left = strlen(text);
    char code[40];
    while (left > 0) {
        size_t blanks = strspn(text, " ");
        uint32_t point;
        size_t bytes = blanks > BLANKS_SHOWN ? blanks : 1;
        if (blanks > BLANKS_SHOWN) {
            (void)snprintf(code, sizeof code, " [%zu blanks] ", blanks);
            write_text(writer, code);
        } else if (sotto_utf8_valid_prefix(text, left < 4 ? left : 4) == 0) {
            (void)snprintf(code, sizeof code, "<byte %02X>", (unsigned)(unsigned char)*text);
            write_text(writer, code);
        } else {
            bytes = read_point(&point, (const unsigned char *)text);
            if (is_seen(point)) {
                sotto_write_bytes(writer, text, bytes);
            } else {
                (void)snprintf(code, sizeof code, "<U+%04X>", (unsigned)point);
                write_text(writer, code);
            }
        }
        text += bytes;
        left -= bytes;
    }
}

struct plan_words {
    struct sotto_writer *writer;
    const struct sotto_rules *rules;
    const char *text; /* of the clause before: each expression is written once, whole */
    size_t refused_len;
    size_t len;
};

static enum sotto_status count_clause(void *context, const struct sotto_plan_clause *clause,
                                      struct sotto_error *err)
{
    struct plan_words *words = context;
    (void)err;
    words->len++;
    words->refused_len += find_fault(words->rules, clause) != NULL;
    return SOTTO_OK;
}

static enum sotto_status write_clause(void *context, const struct sotto_plan_clause *clause,
                                      struct sotto_error *err)
{
    struct plan_words *words = context;
    char line[80];
    const char *fault = find_fault(words->rules, clause);
    (void)err;
    if (clause->text != words->text) {
        write_text(words->writer, name_kind(clause));
        if (clause->output != NULL) {
            write_text(words->writer, " \"");
            sotto_text_show(words->writer, clause->output);
            write_text(words->writer, "\":");
        }
        write_text(words->writer, " ");
        sotto_text_show(words->writer, clause->text);
        write_text(words->writer, "\n");
    }
    words->text = clause->text;
    (void)snprintf(line, sizeof line, "    %s, column %zu: ",
                   fault == NULL                             ? "admitted"
                   : words->rules->is_on[SOTTO_RULE_GRAMMAR] ? "REFUSED by grammar"
                                                             : "can single out rows",
                   clause->start + 1);
    write_text(words->writer, line);
    write_text(words->writer, fault != NULL ? fault : admitted[clause->form]);
    write_text(words->writer, "\n");
    return SOTTO_OK;
}

static void write_verdict(struct plan_words *words, bool has_twins)
{
    char line[160];
    const char *plural = words->len == 1 ? "" : "s";
    if (has_twins) {
        write_text(words->writer, judges_datasets(words->rules)
                                      ? "grammar REFUSES a file under two names\n"
                                      : "grammar, which profile open does not ask, would refuse a "
                                        "file under two names\n");
    }
    if (words->refused_len == 0) {
        (void)snprintf(line, sizeof line, "grammar admits all of it, %zu clause%s\n", words->len,
                       plural);
    } else {
        (void)snprintf(line, sizeof line, "%s %zu of its %zu clause%s, which can single out rows\n",
                       words->rules->is_on[SOTTO_RULE_GRAMMAR]
                           ? "grammar REFUSES"
                           : "grammar, which profile open does not ask, would refuse",
                       words->refused_len, words->len, plural);
    }
    write_text(words->writer, line);
}

/* Writes the verdict and all clauses. */
static enum sotto_status write_plan(struct plan_words *words, const struct sotto_plan *plan,
                                    const struct sotto_schema *schema, struct sotto_error *err)
{
    enum sotto_status status = sotto_plan_clauses(plan, count_clause, words, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    write_verdict(words, judge_datasets(plan, NULL) != SOTTO_OK);
    status = sotto_plan_clauses(plan, write_clause, words, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_write_u8(words->writer, 0);
    return sotto_writer_status(words->writer) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_rules_words(const struct sotto_rules *rules, char **out,
                                    const struct sotto_plan *plan,
                                    const struct sotto_schema *schema, struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, WORDS_BYTES_MAX);
    struct plan_words words = {.writer = &writer, .rules = rules};
    enum sotto_status status = write_plan(&words, plan, schema, err);
    if (status == SOTTO_OK) {
        size_t bytes;
        *out = (char *)sotto_writer_take(&writer, &bytes);
    }
    sotto_writer_release(&writer);
    return status;
}
