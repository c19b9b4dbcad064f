/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a result as JSON: values, the groups and parties they are of, and what was done to columns
 * on the way. It leans on the room number's JSON writer, which keeps its first failure, so that
 * nothing here looks at one before the end. The one idea: every output is blocks of values, a
 * single value, a series or a square of them, and groups are one axis more (write_block). */

#include "answer/results.h"
#include "expression/dummies.h"

#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <sotto/datetime.h>
#include <stdio.h>
#include <string.h>

/* --- Outputs --- */

static void write_exact(struct sotto_writer *writer, const struct sotto__value *value)
{
    char *text = NULL;
    enum sotto_status status;
    if (sotto__exact_text(&text, &status, value->number)) {
        sotto__json_raw(writer, ", \"exact\": ");
        sotto__json_string(writer, text);
        sotto_free(text);
    } else if (status != SOTTO_OK) { /* else the text is too long, and left out */
        writer->failed = true;
    }
}

static void write_special(struct sotto_writer *writer, enum sotto__value_kind kind)
{
    sotto__json_raw(writer, "null, \"special\": ");
    sotto__json_string(writer, kind == SOTTO__VALUE_NAN        ? "NaN"
                               : kind == SOTTO__VALUE_INFINITE ? "inf"
                                                               : "-inf");
}

/* How a value is written. */
enum form { FORM_NUMBER, FORM_COUNT, FORM_BOOL, FORM_DATE, FORM_TIME, FORM_TIME_UTC };

static enum form form_of(const struct sotto__value_expression *value)
{
    const struct sotto__node *root = &value->expression.nodes[value->expression.nodes_len - 1];
    bool is_bool = root->kind == SOTTO__NODE_AGGREGATE &&
                   (root->function == SOTTO__FUNCTION_ANY || root->function == SOTTO__FUNCTION_ALL);
    switch (value->calendar) {
    case SOTTO_KIND_DATE:
        return FORM_DATE;
    case SOTTO_KIND_DATETIME:
        return FORM_TIME;
    case SOTTO_KIND_DATETIME_UTC:
        return FORM_TIME_UTC;
    default:
        return value->is_count ? FORM_COUNT : is_bool ? FORM_BOOL : FORM_NUMBER;
    }
}

/* The kind of the dates that a form writes. */
static enum sotto_kind kind_of(enum form form)
{
    return form == FORM_DATE   ? SOTTO_KIND_DATE
           : form == FORM_TIME ? SOTTO_KIND_DATETIME
                               : SOTTO_KIND_DATETIME_UTC;
}

static void write_number(struct sotto_writer *writer, const struct sotto__value *value)
{
    double rounded = sotto__value_double(value);
    if (rounded - rounded == 0) {
        char text[SOTTO_DOUBLE_TEXT_BYTES];
        sotto_double_text(text, rounded);
        sotto__json_raw(writer, text);
    } else {
        /* Finite, but beyond the largest double. */
        write_special(writer, rounded > 0 ? SOTTO__VALUE_INFINITE : SOTTO__VALUE_NEGATIVE_INFINITE);
    }
}

/* A date as a text; as its number where no calendar has it. */
static void write_date(struct sotto_writer *writer, const struct sotto__value *value,
                       enum sotto_kind kind)
{
    char text[SOTTO_DATETIME_TEXT_BYTES];
    if (sotto__date_text(text, kind, value->number, 0)) {
        sotto__json_string(writer, text);
    } else {
        write_number(writer, value);
    }
}

/* Whether the number that a text says is inside of an interval's end. */
static bool is_inside(const char *text, const struct sotto__value *end, int sign)
{
    struct sotto__value said;
    sotto__value_init(&said);
    sotto__decimal_set(&said, text);
    int order = sotto__value_compare(&said, end);
    sotto__value_clear(&said);
    return sign > 0 ? order < 0 : order > 0;
}

/* An end of an interval of dates, which may be beyond all of them. */
static void write_date_end(struct sotto_writer *writer, const struct sotto__value *end, int sign,
                           enum sotto_kind kind)
{
    char text[SOTTO_DATETIME_TEXT_BYTES];
    if (!sotto__date_text(text, kind, end->number, sign)) {
        bool is_late = mpq_sgn(end->number) > 0;
        int64_t days = is_late ? SOTTO_DATE_MAX : SOTTO_DATE_MIN;
        int64_t time = is_late ? SOTTO_DATETIME_MAX : SOTTO_DATETIME_MIN;
        sotto_datetime_text(text, kind, kind == SOTTO_KIND_DATE ? days : time);
    }
    sotto__json_string(writer, text);
}

/* An end of an interval: the text of the double nearest to it, or of the next one where that would
 * say a number inside. */
static void write_end(struct sotto_writer *writer, const char *name, const struct sotto__value *end,
                      int sign, enum form form)
{
    double number = sotto__value_double(end);
    char text[SOTTO_DOUBLE_TEXT_BYTES];
    sotto__json_raw(writer, name);
    if (form >= FORM_DATE && number - number == 0) {
        write_date_end(writer, end, sign, kind_of(form));
        return;
    }
    if (number - number == 0) {
        sotto_double_text(text, number);
        if (is_inside(text, end, sign)) {
            number = sotto__value_double_beyond(end, sign);
            sotto_double_text(text, number);
        }
    }
    if (number - number == 0) {
        sotto__json_raw(writer, text);
    } else {
        sotto__json_string(writer, number > 0 ? "inf" : "-inf");
    }
}

static void write_interval(struct sotto_writer *writer, const struct sotto__value *value,
                           enum form form)
{
    struct sotto__value low;
    struct sotto__value high;
    sotto__value_init(&low);
    sotto__value_init(&high);
    sotto__value_ends(&low, &high, value);
    sotto__json_raw(writer, "null, \"special\": \"interval\"");
    write_end(writer, ", \"low\": ", &low, -1, form);
    write_end(writer, ", \"high\": ", &high, 1, form);
    sotto__value_clear(&low);
    sotto__value_clear(&high);
}

static void write_parties_withholding(struct sotto_writer *writer, uint64_t withheld)
{
    if (withheld > 0) {
        sotto__json_raw(writer, ", \"withheld\": ");
        sotto__json_integer(writer, withheld);
    }
}

/* is_rounded: what it was made from is not what stands in the files, so that no text is exact. */
static void write_value(struct sotto_writer *writer, const struct sotto__value *value,
                        uint64_t nan_made, uint64_t withheld, enum form form, bool is_rounded)
{
    bool is_exact = !is_rounded && form != FORM_BOOL && value->kind == SOTTO__VALUE_FINITE &&
                    !value->is_interval;
    sotto__json_raw(writer, "{\"value\": ");
    if (value->is_interval) {
        write_interval(writer, value, form);
    } else if (value->kind != SOTTO__VALUE_FINITE) {
        write_special(writer, value->kind);
    } else if (form == FORM_BOOL) {
        sotto__json_raw(writer, mpq_sgn(value->number) != 0 ? "true" : "false");
    } else if (form == FORM_COUNT) {
        sotto__json_integer(writer, mpz_get_ui(mpq_numref(value->number)));
    } else {
        if (form >= FORM_DATE) {
            write_date(writer, value, kind_of(form));
        } else {
            write_number(writer, value);
        }
        is_exact = is_exact && !value->is_root && !value->is_rounded;
    }
    if (is_exact) {
        write_exact(writer, value);
    }
    if (nan_made > 0) {
        sotto__json_raw(writer, ", \"nan_made\": ");
        sotto__json_integer(writer, nan_made);
    }
    write_parties_withholding(writer, withheld);
    sotto__json_raw(writer, "}");
}

/* A value of nobody's rows, as all parties kept theirs back. cell: how many did so of a bin or a
 * level; 0: of its group, which says so itself. */
static void write_withheld_value(struct sotto_writer *writer, uint64_t cell)
{
    sotto__json_raw(writer, "{\"value\": null, \"special\": \"withheld\"");
    write_parties_withholding(writer, cell);
    sotto__json_raw(writer, "}");
}

/* --- Series and frames --- */

/* Values of one kind in each group: a single one, a series or a square frame. */
struct value_block {
    const struct sotto__results *results;
    const struct sotto__output_values *output_values;
    uint64_t survived; /* parties */
    size_t first;      /* index among a group's values */
    size_t axes[2];    /* of the expansion */
    size_t axes_len;
    enum form form;  /* of a method's values, which have no expressions of their own */
    bool is_rounded; /* all of them come from rounded numbers: see write_value */
};

/* Whether an expression is the count of a column, which is the same whatever its numbers were
 * rounded to. */
static bool is_bare_count(const struct sotto__expression *expression)
{
    const struct sotto__node *root = &expression->nodes[expression->nodes_len - 1];
    return root->kind == SOTTO__NODE_AGGREGATE && root->function == SOTTO__FUNCTION_COUNT &&
           expression->nodes[root->left].kind == SOTTO__NODE_COLUMN;
}

/* Whether an expression reads a column whose numbers were rounded. */
static bool reads_rounded(const struct sotto__expansion *expansion,
                          const struct sotto__expression *expression)
{
    bool found = false;
    if (expression->nodes_len == 0 || is_bare_count(expression)) {
        return false;
    }
    for (size_t i = 0; !found && i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        found = node->kind == SOTTO__NODE_COLUMN && expansion->columns[node->column].is_rounded;
    }
    return found;
}

/* Whether all values of an output come from rounded numbers: a condition or key of all outputs
 * reads such a column, or the call of a method does. */
static bool is_all_rounded(const struct sotto__results *results,
                           const struct sotto__output_values *output_values)
{
    const struct sotto__expansion *expansion = results->expansion;
    bool found = reads_rounded(expansion, &expansion->where);
    for (size_t i = 0; !found && i < results->plan->keys_len; i++) {
        found = expansion->columns[results->program->keys[i]].is_rounded;
    }
    if (!found && output_values->method != NULL) {
        found = reads_rounded(expansion, &expansion->expressions[output_values->first].expression);
    }
    return found;
}

static void write_one(struct sotto_writer *writer, const struct value_block *block, size_t group,
                      size_t at)
{
    const struct sotto__expansion *expansion = block->results->expansion;
    size_t index = group * expansion->values_len + block->first + at;
    uint64_t cell = block->results->cells_withheld[index];
    uint64_t most = cell > block->results->withheld[group] ? cell : block->results->withheld[group];
    if (most > 0 && most >= block->survived) {
        write_withheld_value(writer, cell);
        return;
    }
    const struct sotto__value_expression *value =
        block->output_values->method == NULL
            ? &expansion->expressions[block->output_values->first + at]
            : NULL;
    enum form form = value != NULL ? form_of(value) : block->form;
    /* A method's counts are whole, whatever was rounded. */
    bool is_rounded = value != NULL
                          ? block->is_rounded || reads_rounded(expansion, &value->expression)
                          : block->is_rounded && form != FORM_COUNT;
    write_value(writer, &block->results->values[index], block->results->nan_made[index], cell, form,
                is_rounded);
}

static void write_group(struct sotto_writer *writer, const struct value_block *block, size_t group)
{
    const struct sotto__axis *axes = block->results->expansion->axes;
    size_t rows = block->axes_len > 1 ? axes[block->axes[0]].len : 1;
    size_t columns = block->axes_len > 0 ? axes[block->axes[block->axes_len - 1]].len : 1;
    sotto__json_raw(writer, block->axes_len > 1 ? "[" : "");
    for (size_t i = 0; i < rows; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_raw(writer, block->axes_len > 0 ? "[" : "");
        for (size_t j = 0; j < columns; j++) {
            sotto__json_raw(writer, j > 0 ? ", " : "");
            write_one(writer, block, group, i * columns + j);
        }
        sotto__json_raw(writer, block->axes_len > 0 ? "]" : "");
    }
    sotto__json_raw(writer, block->axes_len > 1 ? "]" : "");
}

/* {"labels": [["a", "b"]], "values": */
static void write_labels(struct sotto_writer *writer, const struct value_block *block)
{
    sotto__json_raw(writer, "{");
    for (size_t i = 0; i < block->axes_len; i++) {
        const struct sotto__axis *axis = &block->results->expansion->axes[block->axes[i]];
        sotto__json_raw(writer, i == 0 ? "\"labels\": [[" : ", [");
        for (size_t j = 0; j < axis->len; j++) {
            sotto__json_raw(writer, j > 0 ? ", " : "");
            sotto__json_string(writer, axis->labels[j]);
        }
        sotto__json_raw(writer, i + 1 == block->axes_len ? "]], " : "]");
    }
    sotto__json_raw(writer, "\"values\": ");
}

static void write_block(struct sotto_writer *writer, const struct value_block *block)
{
    const struct sotto__results *results = block->results;
    bool is_grouped = results->plan->keys_len > 0;
    if (!is_grouped && block->axes_len == 0) {
        write_one(writer, block, 0, 0);
        return;
    }
    write_labels(writer, block);
    sotto__json_raw(writer, is_grouped ? "[" : "");
    for (size_t group = 0; group < results->program->groups_len; group++) {
        sotto__json_raw(writer, group > 0 ? ", " : "");
        write_group(writer, block, group);
    }
    sotto__json_raw(writer, is_grouped ? "]}" : "}");
}

static void write_field(struct sotto_writer *writer, const struct value_block *block,
                        const char *name, bool is_first)
{
    sotto__json_raw(writer, is_first ? "" : ", ");
    sotto__json_string(writer, name);
    sotto__json_raw(writer, ": ");
    write_block(writer, block);
}

/* Why groups have no values, if some have none. */
static void write_outcomes(struct sotto_writer *writer, const struct sotto__results *results,
                           size_t output)
{
    size_t groups_len = results->program->groups_len;
    bool is_grouped = results->plan->keys_len > 0;
    bool any = false;
    for (size_t group = 0; group < groups_len; group++) {
        any = any || results->outcomes[group * results->plan->outputs_len + output] != NULL;
    }
    if (!any) {
        return;
    }
    sotto__json_raw(writer, is_grouped ? ", \"status\": [" : ", \"status\": ");
    for (size_t group = 0; group < groups_len; group++) {
        const char *outcome = results->outcomes[group * results->plan->outputs_len + output];
        sotto__json_raw(writer, group > 0 ? ", " : "");
        sotto__json_string(writer, outcome != NULL ? outcome : "ok");
    }
    sotto__json_raw(writer, is_grouped ? "]" : "");
}

static void write_option(struct sotto_writer *writer, const struct sotto__option *option,
                         double value)
{
    sotto__json_string(writer, option->name);
    sotto__json_raw(writer, ": ");
    if (option->words != NULL) {
        sotto__json_string(writer, option->words[(size_t)value]);
    } else if (option->of == SOTTO__OPTION_OF_ONE) {
        sotto__json_integer(writer, (uint64_t)value);
    } else {
        char text[SOTTO_DOUBLE_TEXT_BYTES];
        sotto_double_text(text, value);
        sotto__json_raw(writer, text);
    }
}

/* What a method was told behind its arguments, or would have been, but for lists and expressions:
 * its values are read by it. */
static void write_options(struct sotto_writer *writer, const struct sotto__node *method)
{
    const struct sotto__option *option = sotto__function_card(method->function)->options;
    const char *before = ", \"options\": {";
    const char *after = "";
    for (; option != NULL && option->name != NULL; option++) {
        if (option->of == SOTTO__OPTION_OF_ONE || option->of == SOTTO__OPTION_OF_NUMBER) {
            sotto__json_raw(writer, before);
            write_option(writer, option, sotto__option_value(&method->options, option->kind));
            before = ", ";
            after = "}";
        }
    }
    sotto__json_raw(writer, after);
}

/* The level of what a model of levels explains that the others are held against. */
static void write_reference(struct sotto_writer *writer, const struct sotto__results *results,
                            size_t output, const struct sotto__node *method)
{
    char level[SOTTO__LITERAL_BYTES_MAX + 1];
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    const struct sotto__expression *expression = &results->plan->outputs[output].expression;
    if (sotto__function_card(method->function)->takes != SOTTO__TAKES_OUTCOME) {
        return;
    }
    (void)sotto__list_items(lists, expression, method->right);
    const struct sotto__node *dummy = &expression->nodes[expression->nodes[lists[0]].right];
    sotto__dummy_write_level(level, sizeof level, expression, dummy, true);
    sotto__json_raw(writer, ", \"reference\": ");
    sotto__json_string(writer, level);
}

static void write_fields(struct sotto_writer *writer, struct value_block block, size_t output)
{
    const struct sotto__output_values *output_values = block.output_values;
    sotto__json_raw(writer, "{\"fields\": {");
    for (size_t i = 0; i < output_values->fields_len; i++) {
        const struct sotto__method_field *field = &output_values->fields[i];
        block.axes_len = sotto__method_field_axes(block.axes, field, &output_values->shape);
        block.form = field->is_count ? FORM_COUNT : FORM_NUMBER;
        write_field(writer, &block, field->name, i == 0);
        block.first +=
            sotto__method_field_len(field, block.results->expansion, &output_values->shape);
    }
    sotto__json_raw(writer, "}");
    write_options(writer, output_values->method);
    write_reference(writer, block.results, output, output_values->method);
    write_outcomes(writer, block.results, output);
    sotto__json_raw(writer, "}");
}

static void write_output(struct sotto_writer *writer, const struct sotto__results *results,
                         uint64_t survived, size_t output)
{
    const struct sotto__output_values *output_values = &results->expansion->outputs[output];
    struct value_block block = {
        .results = results,
        .output_values = output_values,
        .survived = survived,
        .first = output_values->values,
        .axes = {output_values->shape.axes[0], output_values->shape.axes[1]},
        .axes_len = output_values->shape.axes_len,
        .is_rounded = is_all_rounded(results, output_values)};
    if (output_values->method != NULL) {
        write_fields(writer, block, output);
    } else {
        write_block(writer, &block);
    }
}

static void write_outputs(struct sotto_writer *writer, const struct sotto__results *results,
                          uint64_t survived)
{
    sotto__json_raw(writer, "{\"outputs\": {");
    for (size_t i = 0; i < results->plan->outputs_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_string(writer, results->plan->outputs[i].name);
        sotto__json_raw(writer, ": ");
        write_output(writer, results, survived, i);
    }
    sotto__json_raw(writer, "}");
}

/* --- Groups --- */

/* The label of a group in a key: a level as the plan has it, (other) or (na). */
static void write_label(struct sotto_writer *writer, const struct sotto__group_key *key,
                        size_t level)
{
    size_t last = key->levels_len - 1;
    size_t levels_len = key->levels_len - key->are_edges;
    if (level >= levels_len) {
        bool is_other = key->other && level == levels_len;
        sotto__json_string(writer, is_other ? SOTTO__OTHER_LABEL : SOTTO__NA_LABEL);
    } else if (key->are_edges) { /* numbers need no quoting */
        sotto__json_raw(writer, "\"[");
        sotto__json_raw(writer, key->levels[level].text);
        sotto__json_raw(writer, ", ");
        sotto__json_raw(writer, key->levels[level + 1].text);
        sotto__json_raw(writer, level + 1 == last ? "]\"" : ")\"");
    } else if (key->levels[level].kind == SOTTO__LEVEL_TEXT) {
        sotto__json_string(writer, key->levels[level].text);
    } else {
        sotto__json_raw(writer, key->levels[level].text);
    }
}

/* Writes how many parties kept each group back, if any did. */
static void write_withheld(struct sotto_writer *writer, const struct sotto__results *results)
{
    bool any = false;
    for (size_t group = 0; group < results->program->groups_len; group++) {
        any = any || results->withheld[group] > 0;
    }
    for (size_t group = 0; any && group < results->program->groups_len; group++) {
        sotto__json_raw(writer, group > 0 ? ", " : ", \"withheld\": [");
        sotto__json_integer(writer, results->withheld[group]);
    }
    sotto__json_raw(writer, any ? "]" : "");
}

/* A column's name; month(name) where groups are by a part of its dates. */
static void write_key(struct sotto_writer *writer, const struct sotto__results *results, size_t key)
{
    const struct sotto__expression *of = &results->plan->keys[key].column;
    const char *name = results->expansion->columns[results->program->keys[key]].name;
    struct sotto_writer text;
    if (of->nodes_len == 1) {
        sotto__json_string(writer, name);
        return;
    }
    sotto_writer_init(&text, SOTTO_PLAN_BYTES_MAX);
    sotto__json_raw(&text, sotto__function_card(of->nodes[1].function)->name);
    sotto__json_raw(&text, "(");
    sotto__json_raw(&text, name);
    sotto__json_raw(&text, ")");
    sotto__json_text(writer, &text);
}

static void write_groups(struct sotto_writer *writer, const struct sotto__results *results)
{
    const struct sotto_plan *plan = results->plan;
    if (plan->keys_len == 0) {
        return;
    }
    sotto__json_raw(writer, ", \"groups\": {\"keys\": [");
    for (size_t i = 0; i < plan->keys_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        write_key(writer, results, i);
    }
    sotto__json_raw(writer, "], \"labels\": [");
    for (size_t group = 0; group < results->program->groups_len; group++) {
        size_t rest = results->program->groups_len;
        sotto__json_raw(writer, group > 0 ? ", [" : "[");
        for (size_t i = 0; i < plan->keys_len; i++) {
            size_t levels_len = sotto__levels_len(results->program->levels[i]);
            rest /= levels_len;
            sotto__json_raw(writer, i > 0 ? ", " : "");
            write_label(writer, &plan->keys[i], group / rest % levels_len);
        }
        sotto__json_raw(writer, "]");
    }
    sotto__json_raw(writer, "]");
    write_withheld(writer, results);
    sotto__json_raw(writer, "}");
}

/* --- What they were made from --- */

void sotto_result_parties_write(const struct sotto_result_parties *parties,
                                struct sotto_writer *writer)
{
    sotto__json_raw(writer, "{\"invited\": ");
    sotto__json_integer(writer, parties->invited);
    sotto__json_raw(writer, ", \"joined\": ");
    sotto__json_integer(writer, parties->joined);
    sotto__json_raw(writer, ", \"survived\": ");
    sotto__json_integer(writer, parties->survived);
    for (size_t i = 0; i < parties->names_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : ", \"names\": [");
        sotto__json_string(writer, parties->names[i]);
    }
    sotto__json_raw(writer, parties->names_len > 0 ? "]" : "");
    for (size_t i = 0; i < parties->missing_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : ", \"missing\": [");
        sotto__json_raw(writer, "{\"name\": ");
        sotto__json_string(writer, parties->missing[i].name);
        sotto__json_raw(writer, ", \"why\": ");
        sotto__json_string(writer, parties->missing[i].why);
        sotto__json_raw(writer, "}");
    }
    sotto__json_raw(writer, parties->missing_len > 0 ? "]" : "");
    sotto__json_raw(writer, "}");
}

static void write_type(struct sotto_writer *writer, struct sotto_type type)
{
    sotto__json_raw(writer, "{\"type\": ");
    sotto__json_string(writer, sotto_kind_name(type.kind));
    if (type.kind == SOTTO_KIND_DECIMAL) {
        sotto__json_raw(writer, ", \"scale\": ");
        sotto__json_integer(writer, type.scale);
    }
    sotto__json_raw(writer, "}");
}

static void write_columns(struct sotto_writer *writer, const struct sotto__expansion *expansion,
                          size_t dataset)
{
    size_t written = 0;
    for (size_t i = 0; i < expansion->columns_len; i++) {
        const struct sotto__column *column = &expansion->columns[i];
        if (column->dataset == dataset) {
            sotto__json_raw(writer, written++ > 0 ? ", " : "");
            sotto__json_string(writer, column->name);
            sotto__json_raw(writer, ": ");
            write_type(writer, column->type);
        }
    }
}

static bool is_read(const struct sotto__expansion *expansion, size_t dataset)
{
    bool found = false;
    for (size_t i = 0; !found && i < expansion->columns_len; i++) {
        found = expansion->columns[i].dataset == dataset;
    }
    return found;
}

static void write_schema(struct sotto_writer *writer, const struct sotto__results *results)
{
    const struct sotto_plan *plan = results->plan;
    size_t written = 0;
    sotto__json_raw(writer, ", \"schema\": {");
    for (size_t i = 0; i < plan->datasets_len; i++) {
        if (is_read(results->expansion, i)) {
            sotto__json_raw(writer, written++ > 0 ? ", " : "");
            sotto__json_string(writer, plan->datasets[i].alias);
            sotto__json_raw(writer, ": {");
            write_columns(writer, results->expansion, i);
            sotto__json_raw(writer, "}");
        }
    }
    sotto__json_raw(writer, "}");
}

/* --- Conversions --- */

/* Writes one more text of the list of conversions. */
static void write_conversion(struct sotto_writer *writer, bool *first,
                             const struct sotto__results *results, size_t column, const char *what)
{
    const struct sotto__column *of = &results->expansion->columns[column];
    struct sotto_writer text;
    sotto_writer_init(&text, SOTTO__RESULT_BYTES_MAX);
    sotto__json_raw(&text, results->plan->datasets[of->dataset].alias);
    sotto__json_raw(&text, ".");
    sotto__json_raw(&text, of->name);
    sotto__json_raw(&text, ": ");
    sotto__json_raw(&text, what);
    sotto__json_raw(writer, *first ? "" : ", ");
    sotto__json_text(writer, &text);
    *first = false;
}

/* What a party offered for a column. */
static const struct sotto_schema_field *
find_offered(const struct sotto__results *results, const struct sotto_schema *offer, size_t column)
{
    static const struct sotto_schema_field nothing;
    const struct sotto__column *of = &results->expansion->columns[column];
    if (column < offer->fields_len) {
        return &offer->fields[column];
    }
    for (size_t i = 0; i < offer->frame_len; i++) {
        if (offer->frame[i].dataset == of->dataset && strcmp(offer->frame[i].name, of->name) == 0) {
            return &offer->frame[i].field;
        }
    }
    return &nothing;
}

static void write_column_conversions(struct sotto_writer *writer, bool *first,
                                     const struct sotto__results *results, size_t column,
                                     const struct sotto_schema *offers, size_t offers_len)
{
    size_t exact = 0;
    size_t rounded = 0;
    size_t lost = 0;
    for (size_t party = 0; party < offers_len; party++) {
        const struct sotto_schema_field *field = find_offered(results, &offers[party], column);
        exact += field->type.kind == SOTTO_KIND_INT64 || field->type.kind == SOTTO_KIND_DECIMAL;
        lost += field->digits_lost;
        rounded += field->type.kind == SOTTO_KIND_FLOAT64 && field->inexact && !field->digits_lost;
    }
    char what[200];
    if (results->expansion->columns[column].type.kind == SOTTO_KIND_FLOAT64 && exact > 0) {
        (void)snprintf(what, sizeof what,
                       "int64 or decimal at %zu of %zu parties, read as float64: each value "
                       "became the double nearest to it",
                       exact, offers_len);
        write_conversion(writer, first, results, column, what);
    }
    if (rounded > 0) {
        (void)snprintf(what, sizeof what,
                       "float64 at %zu of %zu parties, for an exponent or an infinity among its "
                       "numbers: its decimals became the doubles nearest to them",
                       rounded, offers_len);
        write_conversion(writer, first, results, column, what);
    }
    if (lost > 0) {
        (void)snprintf(what, sizeof what,
                       "float64 at %zu of %zu parties, with numbers of more digits than a double "
                       "holds: digits are lost",
                       lost, offers_len);
        write_conversion(writer, first, results, column, what);
    }
}

static void write_conversions(struct sotto_writer *writer, const struct sotto__results *results,
                              const struct sotto_schema *offers, size_t offers_len)
{
    bool first = true;
    sotto__json_raw(writer, ", \"conversions\": [");
    for (size_t i = 0; i < results->expansion->columns_len; i++) {
        write_column_conversions(writer, &first, results, i, offers, offers_len);
    }
    sotto__json_raw(writer, "]");
}

/* --- Rules --- */

static int compare_rules(const struct sotto_schema_rules *a, const struct sotto_schema_rules *b)
{
    int order = strcmp(a->profile, b->profile);
    if (order != 0) {
        return order;
    }
    if (a->min_rows != b->min_rows) {
        return a->min_rows < b->min_rows ? -1 : 1;
    }
    return (a->dominance > b->dominance) - (a->dominance < b->dominance);
}

/* The least rules of an offer beyond those that were written last (NULL: none were), and how many
 * offers have them. */
static const struct sotto_schema_rules *find_next_rules(const struct sotto_schema_rules *last,
                                                        size_t *out_len,
                                                        const struct sotto_schema *offers,
                                                        size_t offers_len)
{
    const struct sotto_schema_rules *found = NULL;
    *out_len = 0;
    for (size_t i = 0; i < offers_len; i++) {
        const struct sotto_schema_rules *rules = &offers[i].rules;
        if (last != NULL && compare_rules(rules, last) <= 0) {
            continue;
        }
        int order = found != NULL ? compare_rules(rules, found) : -1;
        *out_len = order < 0 ? 1 : *out_len + (order == 0);
        found = order < 0 ? rules : found;
    }
    return found;
}

/* Writes by which rules parties judged their rows, unless none had any. */
static void write_rules(struct sotto_writer *writer, const struct sotto_schema *offers,
                        size_t offers_len)
{
    size_t len;
    bool is_first = true;
    const struct sotto_schema_rules *rules = find_next_rules(NULL, &len, offers, offers_len);
    if (rules == NULL || (len == offers_len && *rules->profile == '\0')) {
        return;
    }
    sotto__json_raw(writer, ", \"rules\": [");
    for (; rules != NULL; rules = find_next_rules(rules, &len, offers, offers_len)) {
        sotto__json_raw(writer, is_first ? "{\"profile\": " : ", {\"profile\": ");
        sotto__json_string(writer, *rules->profile != '\0' ? rules->profile : "none");
        sotto__json_raw(writer, ", \"min_rows\": ");
        sotto__json_integer(writer, rules->min_rows);
        sotto__json_raw(writer, ", \"dominance\": ");
        sotto__json_integer(writer, rules->dominance);
        sotto__json_raw(writer, ", \"parties\": ");
        sotto__json_integer(writer, len);
        sotto__json_raw(writer, "}");
        is_first = false;
    }
    sotto__json_raw(writer, "]");
}

/* --- The whole --- */

enum sotto_status sotto__results_write(const struct sotto__results *results, char **out,
                                       const struct sotto_result_parties *parties,
                                       const struct sotto_schema *offers, size_t offers_len,
                                       struct sotto_error *err)
{
    struct sotto_writer writer;
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    sotto_writer_init(&writer, SOTTO__RESULT_BYTES_MAX);
    write_outputs(&writer, results, parties->survived);
    write_groups(&writer, results);
    sotto__json_raw(&writer, ", \"parties\": ");
    sotto_result_parties_write(parties, &writer);
    write_rules(&writer, offers, offers_len);
    write_schema(&writer, results);
    write_conversions(&writer, results, offers, offers_len);
    sotto__warnings_write(&writer, results, parties);
    sotto__json_raw(&writer, "}");
    enum sotto_status status = sotto__json_finish(&writer, out);
    sotto_arithmetic_leave(&arithmetic);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Quotes inside strings are escaped, so the key never stands inside one. */
void sotto_result_strip_exact(char *json)
{
    static const char key[] = ", \"exact\": \"";
    char *to = json;
    const char *from = json;
    for (const char *found; (found = strstr(from, key)) != NULL;) {
        memmove(to, from, (size_t)(found - from));
        to += found - from;
        from = found + sizeof key - 1;
        from += strcspn(from, "\"");
        from += *from == '"';
    }
    memmove(to, from, strlen(from) + 1);
}
