/* SPDX-License-Identifier: Apache-2.0 */

/* Predicates as they class rows. It leans on what plan/sets.c writes. The one idea: a predicate is
 * a text that an engine can parse, also when it is old; so predicates make a plan of their own,
 * whose operations tell a row's class.
 *
 * A predicate is a condition, whose rows are summed up; or an output that counts cells, the first
 * of which is class 1; or several such outputs, one for each key of groups, the last of which
 * changes fastest in the numbers of classes. Those that were not told stand behind it. */

#include "contribute/contribute.h"
#include "contribute/watching.h"
#include "plan/plan.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Texts --- */

static bool is_output(const char *predicate)
{
    static const char *const outputs[] = {"hist(", "value_counts(", "crosstab(",
                                          "missing_patterns("};
    bool found = false;
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        found = found || strncmp(predicate, outputs[i], strlen(outputs[i])) == 0;
    }
    return found;
}

/* Where a predicate says which of its classes were not told, behind the bracket that closes it; its
 * end where they all were. */
static const char *find_without(const char *predicate)
{
    const char *close = is_output(predicate) ? strrchr(predicate, ')') : NULL;
    const char *end = close != NULL ? close + 1 : predicate + strlen(predicate);
    bool has_other = strncmp(end, SOTTO__SET_OR_OTHER, strlen(SOTTO__SET_OR_OTHER)) == 0;
    return has_other ? end + strlen(SOTTO__SET_OR_OTHER) : end;
}

bool sotto_watch_counts_cells(const char *predicate)
{
    return is_output(predicate);
}

/* Where a part of a predicate ends: at the word that joins it to the next one, or at the end. */
static const char *find_part_end(const char *text, const char *end)
{
    char quote = '\0';
    size_t by_bytes = strlen(SOTTO__SET_BY);
    for (; text < end; text++) {
        if (quote == '\0' && strncmp(text, SOTTO__SET_BY, by_bytes) == 0) {
            return text;
        }
        if (*text == quote) {
            quote = '\0'; /* a quote that is doubled begins anew */
        } else if (quote == '\0' && (*text == '"' || *text == '`')) {
            quote = *text;
        }
    }
    return end;
}

/* Finds part i of a predicate. Returns: false from the last one on. */
static bool find_part(const char *predicate, size_t i, const char **out, size_t *out_bytes,
                      bool *out_has_other)
{
    const char *end = find_without(predicate);
    size_t other_bytes = strlen(SOTTO__SET_OR_OTHER);
    const char *last = find_part_end(predicate, end);
    for (; i > 0 && last < end; i--) {
        predicate = last + strlen(SOTTO__SET_BY);
        last = find_part_end(predicate, end);
    }
    size_t bytes = (size_t)(last - predicate);
    *out = predicate;
    *out_has_other =
        bytes > other_bytes && memcmp(last - other_bytes, SOTTO__SET_OR_OTHER, other_bytes) == 0;
    *out_bytes = *out_has_other ? bytes - other_bytes : bytes;
    return i == 0;
}

/* --- A plan of them --- */

static size_t count_parts(const char *predicate)
{
    const char *text;
    size_t bytes;
    bool has_other;
    size_t len = 0;
    while (find_part(predicate, len, &text, &bytes, &has_other)) {
        len++;
    }
    return len;
}

/* A part as an output: what counts cells is one, a condition's rows are summed up. */
static char *write_part(const char *predicate, size_t part, size_t output)
{
    const char *text;
    size_t part_bytes;
    bool has_other;
    (void)find_part(predicate, part, &text, &part_bytes, &has_other);
    size_t bytes = part_bytes + 40;
    char *out = sotto_alloc(bytes);
    if (out != NULL) {
        (void)snprintf(out, bytes, is_output(predicate) ? "p%zu = %.*s" : "p%zu = sum(%.*s)",
                       output, (int)part_bytes, text);
    }
    return out;
}

/* Of a column the values are summed up; of dates only for their mean. */
static char *write_column(const char *column, size_t output)
{
    size_t bytes = strlen(column) + 40;
    char *text = sotto_alloc(bytes);
    if (text != NULL) {
        (void)snprintf(text, bytes, "p%zu = mean(`%s`)", output, column);
    }
    return text;
}

static enum sotto_status parse_outputs(struct sotto__predicates *out, char *const *outputs,
                                       size_t len, struct sotto_error *err)
{
    const char *const name = "d";
    char *json = NULL;
    struct sotto_plan_parts parts = {.name = "predicates",
                                     .dataset_aliases = &name,
                                     .dataset_files = &name,
                                     .datasets_len = 1,
                                     .outputs = (const char *const *)outputs,
                                     .outputs_len = len};
    enum sotto_status status = sotto_plan_compose(&json, &parts, err);
    if (status == SOTTO_OK) {
        status = sotto_plan_parse(&out->plan, json, strlen(json), err);
    }
    sotto_free(json);
    return status;
}

static enum sotto_status parse_predicates(struct sotto__predicates *out,
                                          const struct sotto__watched *watched,
                                          struct sotto_error *err)
{
    size_t len = 0;
    size_t outputs_len = watched->columns_len;
    bool has_memory = true;
    for (size_t i = 0; i < watched->predicates_len; i++) {
        outputs_len += count_parts(watched->predicates[i]);
    }
    char **outputs = sotto_alloc_array(outputs_len, sizeof *outputs);
    for (size_t i = 0; outputs != NULL && has_memory && i < watched->predicates_len; i++) {
        size_t parts_len = count_parts(watched->predicates[i]);
        for (size_t j = 0; has_memory && j < parts_len; j++, len++) {
            outputs[len] = write_part(watched->predicates[i], j, len);
            has_memory = outputs[len] != NULL;
        }
    }
    for (size_t i = 0; outputs != NULL && has_memory && i < watched->columns_len; i++, len++) {
        outputs[len] = write_column(watched->columns[i], len);
        has_memory = outputs[len] != NULL;
    }
    enum sotto_status status = outputs != NULL && has_memory
                                   ? parse_outputs(out, outputs, outputs_len, err)
                                   : sotto_error_no_memory(err);
    for (size_t i = 0; outputs != NULL && i < outputs_len; i++) {
        sotto_free(outputs[i]);
    }
    sotto_free(outputs);
    return status;
}

/* The type in which the round reads a column; of others, that of the file. */
static enum sotto_status find_type(struct sotto_type *out, const struct sotto__watched *watched,
                                   const char *name, struct sotto_error *err)
{
    const struct sotto__expansion *expansion = &watched->driver->expansion;
    for (size_t i = 0; i < expansion->columns_len; i++) {
        if (expansion->columns[i].dataset == watched->dataset &&
            strcmp(expansion->columns[i].name, name) == 0 &&
            sotto__program_reads(watched->driver->program, i)) {
            *out = expansion->columns[i].type;
            return SOTTO_OK;
        }
    }
    size_t found = sotto_catalogue_find(watched->catalogue, name);
    if (found == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "the file has no column \"%.200s\" any more, which it was asked "
                               "about before: its owner may begin an epoch",
                               name);
    }
    *out = watched->catalogue->columns[found].type;
    return SOTTO_OK;
}

static enum sotto_status make_driver(struct sotto__predicates *out,
                                     const struct sotto__watched *watched, struct sotto_error *err)
{
    struct sotto_schema schema = {.fields_len = sotto_plan_columns_len(out->plan)};
    schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
    if (schema.fields == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < schema.fields_len; i++) {
        status =
            find_type(&schema.fields[i].type, watched, sotto_plan_column(out->plan, i).name, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_new(&out->driver, out->plan, &schema, err);
    }
    if (status == SOTTO_ERROR_TYPE) {
        (void)sotto_error_prefix(err,
                                 "a column has another type than when the file was asked about "
                                 "it before: its owner may say --type, or begin an epoch");
    }
    sotto_schema_release(&schema);
    return status;
}

/* --- Parts --- */

/* The terms of an output, each once, in their order; of a table, its cells. Returns: how many. */
static size_t find_terms(size_t *out, const struct sotto_driver *driver, size_t output,
                         size_t *in_out_moments)
{
    const struct sotto__output_values *values = &driver->expansion.outputs[output];
    size_t len = 0;
    for (size_t i = 0; i < values->expressions_len; i++) {
        const struct sotto__expression *expression =
            &driver->expansion.expressions[values->first + i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            if (expression->nodes[j].kind != SOTTO__NODE_AGGREGATE) {
                continue;
            }
            const struct sotto__moments *moments = &driver->program->moments[(*in_out_moments)++];
            size_t term = moments->terms[SOTTO__MOMENT_X];
            size_t cell;
            if (moments->call == SOTTO_NONE && (len == 0 || out[len - 1] != term)) {
                out[len++] = term;
            }
            while (moments->call != SOTTO_NONE &&
                   (cell = sotto__find_asked_term(driver->program, moments->call, len)) !=
                       SOTTO_NONE) {
                out[len++] = cell;
            }
        }
    }
    return len;
}

/* Terms of one index: the class of a row by its number there. */
static enum sotto_status map_numbers(struct sotto__predicate_part *out,
                                     const struct sotto__program *program, const size_t *terms,
                                     size_t terms_len, struct sotto_error *err)
{
    size_t len = program->indices[program->terms[terms[0]].index].len;
    size_t numbers_len = len + 4;
    out->index = program->terms[terms[0]].index;
    out->class_of = sotto_alloc_array(numbers_len, sizeof *out->class_of);
    if (out->class_of == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < terms_len; i++) {
        const struct sotto__term *term = &program->terms[terms[i]];
        for (size_t j = term->first; j < term->last; j++) {
            out->class_of[j] = (uint16_t)(i + 1);
        }
    }
    out->class_of[len + 1] = SOTTO_WATCH_CLASSES_MAX;
    out->class_of[len + 2] = SOTTO_WATCH_CLASSES_MAX;
    return SOTTO_OK;
}

/* Finds what the operations of a predicate compare. Operands stand before their operations. */
static bool find_values(struct sotto__predicate_part *out, const struct sotto__program *program)
{
    bool *is_below = sotto_alloc_zeroed(program->ops_len + 1);
    out->values = sotto_alloc_array(program->ops_len + 1, sizeof *out->values);
    if (is_below == NULL || out->values == NULL) {
        sotto_free(is_below);
        return false;
    }
    for (size_t i = 0; i < out->ops_len; i++) {
        is_below[out->ops[i]] = true;
    }
    for (size_t i = program->ops_len; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        const size_t operands[3] = {op->a, op->b, op->c};
        bool is_looked_into = is_below[i] && op->kind != SOTTO__OP_IS_NA;
        bool is_value = is_looked_into && op->dataset != SOTTO_NONE &&
                        (op->type != SOTTO__ROW_BOOL || op->kind == SOTTO__OP_COLUMN);
        if (is_value) {
            out->values[out->values_len++] = i;
        }
        for (size_t j = 0; is_looked_into && !is_value && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                is_below[operands[j]] = true;
            }
        }
    }
    sotto_free(is_below);
    return true;
}

static enum sotto_status set_part(struct sotto__predicate_part *out,
                                  const struct sotto__program *program, const size_t *terms,
                                  size_t terms_len, struct sotto_error *err)
{
    size_t index = terms_len > 0 ? program->terms[terms[0]].index : SOTTO_NONE;
    bool is_indexed = index != SOTTO_NONE;
    out->index = SOTTO_NONE;
    out->classes_len = terms_len;
    for (size_t i = 0; i < terms_len; i++) {
        SOTTO_REQUIRE(program->terms[terms[i]].factors_len == 1);
        is_indexed = is_indexed && program->terms[terms[i]].index == index;
    }
    if (terms_len > SOTTO_WATCH_CLASSES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "a predicate has more than %d classes",
                               SOTTO_WATCH_CLASSES_MAX);
    }
    if (is_indexed) {
        return map_numbers(out, program, terms, terms_len, err);
    }
    out->ops = sotto_alloc_array(terms_len + 1, sizeof *out->ops);
    if (out->ops == NULL) {
        return sotto_error_no_memory(err);
    }
    out->ops_len = terms_len;
    for (size_t i = 0; i < terms_len; i++) {
        out->ops[i] = program->terms[terms[i]].factors[0];
    }
    return find_values(out, program) ? SOTTO_OK : sotto_error_no_memory(err);
}

/* --- Predicates --- */

static size_t count_classes(const struct sotto__predicate *predicate)
{
    size_t len = 1;
    for (size_t i = 0; i < predicate->parts_len && len <= SOTTO_WATCH_CLASSES_MAX; i++) {
        len *= predicate->parts[i].classes_len + predicate->parts[i].has_other;
    }
    return len;
}

/* Rows of a class that was not told are in none. */
static enum sotto_status leave_out(struct sotto__predicate *predicate, const char *text,
                                   struct sotto_error *err)
{
    const char *without = find_without(text);
    size_t word_bytes = strlen(SOTTO_WATCH_WITHOUT);
    size_t len = count_classes(predicate);
    if (len > SOTTO_WATCH_CLASSES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "a predicate has more than %d classes",
                               SOTTO_WATCH_CLASSES_MAX);
    }
    if (*without == '\0') {
        return SOTTO_OK;
    }
    predicate->is_left_out = sotto_alloc_zeroed(len + 1);
    if (predicate->is_left_out == NULL) {
        return sotto_error_no_memory(err);
    }
    bool is_read = strncmp(without, SOTTO_WATCH_WITHOUT, word_bytes) == 0;
    char *end = (char *)without + (is_read ? word_bytes : 0);
    while (is_read && *end != '\0') {
        size_t out = strtoul(end, &end, 10);
        is_read = out > 0 && out <= len;
        predicate->is_left_out[is_read ? out : 0] = 1;
    }
    return is_read ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_AUTH,
                                     "the ledger has a predicate that can't be read: %.200s", text);
}

/* The outputs of the plan, one after the other. */
struct outputs {
    const struct sotto_driver *driver;
    size_t next;
    size_t moments;
    size_t *terms; /* scratch */
};

static enum sotto_status set_predicate(struct sotto__predicate *out, struct outputs *outputs,
                                       const char *text, struct sotto_error *err)
{
    size_t parts_len = count_parts(text);
    out->parts = sotto_alloc_array(parts_len, sizeof *out->parts);
    if (out->parts == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < parts_len; i++) {
        const char *part;
        size_t bytes;
        size_t terms_len =
            find_terms(outputs->terms, outputs->driver, outputs->next++, &outputs->moments);
        out->parts_len++;
        enum sotto_status status =
            set_part(&out->parts[i], outputs->driver->program, outputs->terms, terms_len, err);
        if (status != SOTTO_OK) {
            return status;
        }
        (void)find_part(text, i, &part, &bytes, &out->parts[i].has_other);
    }
    return leave_out(out, text, err);
}

static enum sotto_status find_predicates(struct sotto__predicates *out,
                                         const struct sotto__watched *watched,
                                         struct sotto_error *err)
{
    const struct sotto__program *program = out->driver->program;
    struct outputs outputs = {.driver = out->driver};
    enum sotto_status status = SOTTO_OK;
    out->list = sotto_alloc_array(watched->predicates_len, sizeof *out->list);
    out->classes_len = sotto_alloc_array(watched->predicates_len, sizeof *out->classes_len);
    out->column_ops = sotto_alloc_array(watched->columns_len, sizeof *out->column_ops);
    outputs.terms =
        sotto_alloc_array(program->moments_len + program->asked_len + 1, sizeof *outputs.terms);
    if (outputs.terms == NULL || out->list == NULL || out->classes_len == NULL ||
        out->column_ops == NULL) {
        sotto_free(outputs.terms);
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < watched->predicates_len; i++) {
        out->len = i + 1;
        status = set_predicate(&out->list[i], &outputs, watched->predicates[i], err);
        out->classes_len[i] = (uint32_t)count_classes(&out->list[i]) + 1;
    }
    for (size_t i = 0; status == SOTTO_OK && i < watched->columns_len; i++) {
        size_t terms_len = find_terms(outputs.terms, out->driver, outputs.next++, &outputs.moments);
        SOTTO_REQUIRE(terms_len > 0);
        out->column_ops[out->columns_len++] = program->terms[outputs.terms[0]].factors[0];
    }
    sotto_free(outputs.terms);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__predicates_share(out, watched, err);
}

enum sotto_status sotto__predicates_init(struct sotto__predicates *out,
                                         const struct sotto__watched *watched,
                                         struct sotto_error *err)
{
    *out = (struct sotto__predicates){0};
    if (watched->predicates_len + watched->columns_len == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = parse_predicates(out, watched, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_driver(out, watched, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return find_predicates(out, watched, err);
}

void sotto__predicates_release(struct sotto__predicates *predicates)
{
    for (size_t i = 0; i < predicates->len; i++) {
        struct sotto__predicate *predicate = &predicates->list[i];
        for (size_t j = 0; j < predicate->parts_len; j++) {
            sotto_free(predicate->parts[j].ops);
            sotto_free(predicate->parts[j].values);
            sotto_free(predicate->parts[j].class_of);
        }
        sotto_free(predicate->parts);
        sotto_free(predicate->is_left_out);
    }
    sotto_free(predicates->list);
    sotto_free(predicates->classes_len);
    sotto_free(predicates->column_ops);
    sotto_free(predicates->twins);
    sotto_driver_free(predicates->driver);
    sotto_plan_free(predicates->plan);
    *predicates = (struct sotto__predicates){0};
}
