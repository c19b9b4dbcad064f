/* SPDX-License-Identifier: Apache-2.0 */

/* Rows as they are shown to a ledger: what their sums add up, and where each row stands. It leans
 * on measures.c for the values, and on plan/sets.c for predicates. The one idea: predicates are
 * texts that an engine can parse, old ones too; so they make a plan of their own, whose operations
 * class the rows of each block before the round's own operations are done. */

#include "contribute/contribute.h"
#include "contribute/watching.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watched_predicate {
    size_t *ops; /* the last one that holds gives the class, which is its place, from 1; SOTTO_NONE:
                    a class that was not told */
    size_t ops_len;
    size_t *values; /* operations that these compare: where one has no value it is not known whether
                       a predicate would hold */
    size_t values_len;
    size_t index;       /* instead of them; or SOTTO_NONE */
    uint16_t *class_of; /* of each number of the index */
};

struct watched_dataset {
    struct sotto__measures measures;
    struct sotto_plan *plan; /* of the predicates; NULL: there are none */
    struct sotto_driver *driver;
    struct watched_predicate *predicates;
    uint32_t *classes_len; /* of each */
    size_t predicates_len;
    size_t *column_ops; /* that are shown */
    size_t columns_len;
};

struct sotto_watch {
    const struct sotto_driver *driver;
    struct sotto__row_sets sets;
    uint8_t **told; /* of each set: [class - 1]; NULL: all are */
    size_t *told_lens;
    struct watched_dataset *datasets;
    const struct sotto_watch_sink *sink;
};

/* --- Predicates --- */

static bool is_output(const char *predicate)
{
    static const char *const outputs[] = {"hist(", "value_counts(", "crosstab("};
    bool found = false;
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        found = found || strncmp(predicate, outputs[i], strlen(outputs[i])) == 0;
    }
    return found;
}

/* Where a predicate says which of its classes were not told, after the bracket that closes it; its
 * end where they all were. */
static const char *find_without(const char *predicate)
{
    const char *close = is_output(predicate) ? strrchr(predicate, ')') : NULL;
    return close != NULL ? close + 1 : predicate + strlen(predicate);
}

bool sotto_watch_leaves_out(const char *predicate)
{
    return *find_without(predicate) != '\0';
}

/* An output of a plan: what counts cells is one, a condition's rows are summed up. */
static char *write_output(const char *predicate, size_t i)
{
    int whole = (int)(find_without(predicate) - predicate);
    size_t bytes = strlen(predicate) + 40;
    char *text = sotto_alloc(bytes);
    if (text != NULL) {
        (void)snprintf(text, bytes, is_output(predicate) ? "p%zu = %.*s" : "p%zu = sum(%.*s)", i,
                       whole, predicate);
    }
    return text;
}

/* Of a column the values are summed up. */
static char *write_column(const char *column, size_t i)
{
    size_t bytes = strlen(column) + 40;
    char *text = sotto_alloc(bytes);
    if (text != NULL) {
        (void)snprintf(text, bytes, "c%zu = sum(`%s`)", i, column);
    }
    return text;
}

static enum sotto_status parse_predicates(struct watched_dataset *watched,
                                          const char *const *predicates, size_t predicates_len,
                                          const char *const *columns, size_t columns_len,
                                          struct sotto_error *err)
{
    const char *const name = "d";
    char *json = NULL;
    enum sotto_status status = SOTTO_OK;
    size_t len = predicates_len + columns_len;
    char **outputs = sotto_alloc_array(len, sizeof *outputs);
    for (size_t i = 0; outputs != NULL && i < len; i++) {
        outputs[i] = i < predicates_len ? write_output(predicates[i], i)
                                        : write_column(columns[i - predicates_len], i);
        status = outputs[i] != NULL ? status : SOTTO_ERROR_NO_MEMORY;
    }
    if (outputs == NULL || status != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    struct sotto_plan_parts parts = {.name = "predicates",
                                     .dataset_aliases = &name,
                                     .dataset_files = &name,
                                     .datasets_len = 1,
                                     .outputs = (const char *const *)outputs,
                                     .outputs_len = len};
    status = sotto_plan_compose(&json, &parts, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_plan_parse(&watched->plan, json, strlen(json), err);
out:
    for (size_t i = 0; outputs != NULL && i < len; i++) {
        sotto_free(outputs[i]);
    }
    sotto_free(outputs);
    sotto_free(json);
    return status;
}

/* The type in which the round reads a column; of others, that of the file. */
static enum sotto_status find_type(struct sotto_type *out, const struct sotto_watch *watch,
                                   size_t dataset, const char *name,
                                   const struct sotto_catalogue *catalogue, struct sotto_error *err)
{
    const struct sotto__expansion *expansion = &watch->driver->expansion;
    for (size_t i = 0; i < expansion->columns_len; i++) {
        if (expansion->columns[i].dataset == dataset &&
            strcmp(expansion->columns[i].name, name) == 0 &&
            sotto__program_reads(watch->driver->program, i)) {
            *out = expansion->columns[i].type;
            return SOTTO_OK;
        }
    }
    size_t found = sotto_catalogue_find(catalogue, name);
    if (found == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "the file has no column \"%.200s\" any more, which it was asked "
                               "about before: its owner may begin an epoch",
                               name);
    }
    *out = catalogue->columns[found].type;
    return SOTTO_OK;
}

static enum sotto_status make_driver(struct watched_dataset *watched,
                                     const struct sotto_watch *watch, size_t dataset,
                                     const struct sotto_catalogue *catalogue,
                                     struct sotto_error *err)
{
    struct sotto_schema schema = {.fields_len = sotto_plan_columns_len(watched->plan)};
    schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
    if (schema.fields == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < schema.fields_len; i++) {
        status = find_type(&schema.fields[i].type, watch, dataset,
                           sotto_plan_column(watched->plan, i).name, catalogue, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_driver_new(&watched->driver, watched->plan, &schema, err);
out:
    sotto_schema_release(&schema);
    return status;
}

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
static enum sotto_status map_numbers(struct watched_predicate *out,
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
static bool find_values(struct watched_predicate *out, const struct sotto__program *program)
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

static enum sotto_status set_predicate(struct watched_predicate *out,
                                       const struct sotto__program *program, const size_t *terms,
                                       size_t terms_len, struct sotto_error *err)
{
    size_t index = terms_len > 0 ? program->terms[terms[0]].index : SOTTO_NONE;
    bool is_indexed = index != SOTTO_NONE;
    out->index = SOTTO_NONE;
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

/* Rows of a class that was not told are in none. */
static enum sotto_status leave_out(struct watched_predicate *predicate,
                                   const struct sotto__program *program, const char *text,
                                   size_t terms_len, struct sotto_error *err)
{
    const char *without = find_without(text);
    size_t word_bytes = strlen(SOTTO_WATCH_WITHOUT);
    size_t numbers_len =
        predicate->index != SOTTO_NONE ? program->indices[predicate->index].len + 4 : 0;
    bool is_read = *without == '\0' || strncmp(without, SOTTO_WATCH_WITHOUT, word_bytes) == 0;
    char *end = (char *)without + (*without != '\0' && is_read ? word_bytes : 0);
    while (is_read && *end != '\0') {
        size_t out = strtoul(end, &end, 10);
        is_read = out > 0 && out <= terms_len;
        if (is_read && predicate->index == SOTTO_NONE) {
            predicate->ops[out - 1] = SOTTO_NONE;
        }
        for (size_t i = 0; is_read && i < numbers_len; i++) {
            uint16_t class = predicate->class_of[i];
            predicate->class_of[i] = class == out ? 0 : class;
        }
    }
    return is_read ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_AUTH,
                                     "the ledger has a predicate that can't be read: %.200s", text);
}

/* Operations are idle, and have no memory, where an index counts for all terms: some predicates ask
 * for them beside it. Operands stand before their operations. */
static enum sotto_status wake_ops(struct watched_dataset *watched, struct sotto_error *err)
{
    struct sotto__program *program = watched->driver->program;
    for (size_t i = 0; i < watched->predicates_len; i++) {
        const struct watched_predicate *predicate = &watched->predicates[i];
        for (size_t j = 0; j < predicate->ops_len; j++) {
            if (predicate->ops[j] != SOTTO_NONE) {
                program->ops[predicate->ops[j]].is_idle = false;
            }
        }
    }
    for (size_t i = program->ops_len; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        const size_t operands[3] = {op->a, op->b, op->c};
        for (size_t j = 0; !op->is_idle && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                program->ops[operands[j]].is_idle = false;
            }
        }
    }
    return sotto__registers_measure(program, err);
}

static enum sotto_status find_predicates(struct watched_dataset *watched, const char *const *texts,
                                         size_t len, struct sotto_error *err)
{
    struct sotto__program *program = watched->driver->program;
    size_t moments = 0;
    enum sotto_status status = SOTTO_OK;
    size_t *terms = sotto_alloc_array(program->moments_len + program->asked_len + 1, sizeof *terms);
    watched->predicates = sotto_alloc_array(len, sizeof *watched->predicates);
    watched->classes_len = sotto_alloc_array(len, sizeof *watched->classes_len);
    if (terms == NULL || watched->predicates == NULL || watched->classes_len == NULL) {
        sotto_free(terms);
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        size_t terms_len = find_terms(terms, watched->driver, i, &moments);
        status = set_predicate(&watched->predicates[i], program, terms, terms_len, err);
        if (status == SOTTO_OK) {
            status = leave_out(&watched->predicates[i], program, texts[i], terms_len, err);
        }
        watched->classes_len[i] = (uint32_t)terms_len + 1;
        watched->predicates_len = i + 1;
    }
    for (size_t i = 0; status == SOTTO_OK && i < watched->columns_len; i++) {
        size_t terms_len = find_terms(terms, watched->driver, len + i, &moments);
        SOTTO_REQUIRE(terms_len > 0);
        watched->column_ops[i] = program->terms[terms[0]].factors[0];
    }
    sotto_free(terms);
    if (status != SOTTO_OK) {
        return status;
    }
    return wake_ops(watched, err);
}

static void release_predicates(struct watched_dataset *watched)
{
    for (size_t i = 0; i < watched->predicates_len; i++) {
        sotto_free(watched->predicates[i].ops);
        sotto_free(watched->predicates[i].values);
        sotto_free(watched->predicates[i].class_of);
    }
    sotto_free(watched->predicates);
    sotto_free(watched->classes_len);
    sotto_free(watched->column_ops);
    sotto_driver_free(watched->driver);
    sotto_plan_free(watched->plan);
    watched->predicates = NULL;
    watched->classes_len = NULL;
    watched->predicates_len = 0;
    watched->column_ops = NULL;
    watched->columns_len = 0;
    watched->driver = NULL;
    watched->plan = NULL;
}

enum sotto_status sotto_watch_prepare(struct sotto_watch *watch, size_t dataset,
                                      const char *const *predicates, size_t predicates_len,
                                      const char *const *columns, size_t columns_len,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    struct watched_dataset *watched = &watch->datasets[dataset];
    SOTTO_REQUIRE(dataset < watch->driver->plan->datasets_len);
    release_predicates(watched);
    sotto__measures_simplify(&watched->measures, watch->driver, catalogue);
    if (predicates_len + columns_len == 0) {
        return SOTTO_OK;
    }
    watched->column_ops = sotto_alloc_array(columns_len, sizeof *watched->column_ops);
    if (watched->column_ops == NULL) {
        return sotto_error_no_memory(err);
    }
    watched->columns_len = columns_len;
    enum sotto_status status =
        parse_predicates(watched, predicates, predicates_len, columns, columns_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_driver(watched, watch, dataset, catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return find_predicates(watched, predicates, predicates_len, err);
}

/* --- A watch --- */

static bool find_measures(struct sotto_watch *watch)
{
    size_t len = watch->driver->plan->datasets_len;
    struct sotto__measures **lists = sotto_alloc_array(len, sizeof *lists);
    if (lists == NULL) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        lists[i] = &watch->datasets[i].measures;
    }
    bool has_memory = sotto__measures_find(lists, watch->driver);
    sotto_free(lists);
    return has_memory;
}

enum sotto_status sotto_watch_new(struct sotto_watch **out, const struct sotto_driver *driver,
                                  struct sotto_error *err)
{
    struct sotto_watch *watch = sotto_alloc_zeroed(sizeof *watch);
    if (watch == NULL) {
        return sotto_error_no_memory(err);
    }
    watch->driver = driver;
    watch->datasets = sotto_alloc_array(driver->plan->datasets_len, sizeof *watch->datasets);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (watch->datasets == NULL || !find_measures(watch)) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = sotto__row_sets_find(&watch->sets, driver->plan, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    watch->told = sotto_alloc_array(watch->sets.len + 1, sizeof *watch->told);
    watch->told_lens = sotto_alloc_array(watch->sets.len + 1, sizeof *watch->told_lens);
    if (watch->told == NULL || watch->told_lens == NULL) {
        status = sotto_error_no_memory(err);
    }
out:
    if (status != SOTTO_OK) {
        sotto_watch_free(watch);
        return status;
    }
    *out = watch;
    return SOTTO_OK;
}

void sotto_watch_free(struct sotto_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; watch->datasets != NULL && i < watch->driver->plan->datasets_len; i++) {
        struct watched_dataset *watched = &watch->datasets[i];
        release_predicates(watched);
        sotto__measures_release(&watched->measures);
    }
    for (size_t i = 0; watch->told != NULL && i < watch->sets.len; i++) {
        sotto_free(watch->told[i]);
    }
    sotto_free(watch->told);
    sotto_free(watch->told_lens);
    sotto_free(watch->datasets);
    sotto__row_sets_release(&watch->sets);
    sotto_free(watch);
}

static size_t find_set(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    for (size_t j = 0; j < watch->sets.len; j++) {
        if (watch->sets.list[j].dataset == dataset && i-- == 0) {
            return j;
        }
    }
    return SOTTO_NONE;
}

const char *sotto_watch_predicate(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    size_t set = find_set(watch, dataset, i);
    return set != SOTTO_NONE ? watch->sets.list[set].text : NULL;
}

const uint8_t *sotto_watch_told(const struct sotto_watch *watch, size_t *out_len, size_t dataset,
                                size_t i)
{
    size_t set = find_set(watch, dataset, i);
    SOTTO_REQUIRE(set != SOTTO_NONE);
    *out_len = watch->told_lens[set];
    return watch->told[set];
}

bool sotto_watch_has_all(const struct sotto_watch *watch)
{
    return watch->sets.are_told;
}

const char *sotto_watch_measure(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    const struct watched_dataset *watched = &watch->datasets[dataset];
    return i < watched->measures.len ? watched->measures.list[i].text : NULL;
}

bool sotto_watch_counts(const struct sotto_watch *watch, size_t dataset)
{
    return watch->datasets[dataset].measures.counts_rows &&
           find_set(watch, dataset, 0) != SOTTO_NONE;
}

const char *sotto_watch_measure_column(const struct sotto_watch *watch, size_t dataset, size_t i,
                                       size_t j)
{
    const struct sotto__measures *measures = &watch->datasets[dataset].measures;
    SOTTO_REQUIRE(i < measures->len);
    return j < measures->list[i].columns_len ? measures->list[i].columns[j] : NULL;
}

/* --- What was told --- */

enum sotto_status sotto__watch_keep_told(struct sotto_watch *watch,
                                         const struct sotto_withheld *withheld,
                                         const size_t *cell_terms, struct sotto_error *err)
{
    for (size_t i = 0; i < watch->sets.len; i++) {
        const struct sotto__row_set *set = &watch->sets.list[i];
        if (set->key == SOTTO_NONE && set->output == SOTTO_NONE) {
            continue;
        }
        sotto_free(watch->told[i]);
        watch->told[i] =
            sotto__find_told(&watch->told_lens[i], watch->driver, set, withheld, cell_terms);
        if (watch->told[i] == NULL) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

/* --- Watching --- */

const struct sotto__column *sotto__watch_column(const struct sotto_watch *watch, size_t dataset,
                                                size_t i)
{
    const struct sotto_driver *driver = watch->datasets[dataset].driver;
    return driver != NULL && i < driver->expansion.columns_len ? &driver->expansion.columns[i]
                                                               : NULL;
}

enum sotto_status sotto__watch_begin(struct sotto_watch *watch, size_t dataset, size_t workers_len,
                                     struct sotto_error *err)
{
    return watch->sink->begin(watch->sink->context, dataset, workers_len, err);
}

static void class_by_number(uint16_t *out, const struct watched_predicate *predicate,
                            const struct sotto__rows *rows, size_t len)
{
    const uint32_t *numbers = rows->numbers + predicate->index * SOTTO__ROWS_LEN;
    for (size_t i = 0; i < len; i++) {
        out[i] = predicate->class_of[numbers[i]];
    }
}

static void class_by_ops(uint16_t *out, const struct watched_predicate *predicate,
                         const struct sotto__rows *rows, size_t len)
{
    memset(out, 0, len * sizeof *out);
    for (size_t j = 0; j < predicate->ops_len; j++) {
        if (predicate->ops[j] == SOTTO_NONE) {
            continue;
        }
        const struct sotto__register *reg = &rows->registers[predicate->ops[j]];
        const int64_t *values = reg->values;
        for (size_t i = 0; i < len; i++) {
            bool holds = reg->state[i] == 0 && values[i] != 0;
            out[i] = holds ? (uint16_t)(j + 1) : out[i];
        }
    }
    /* Where it is not known whether a condition holds: neither a row of it nor of its opposite. */
    const uint8_t *state = predicate->ops_len == 1 && predicate->ops[0] != SOTTO_NONE
                               ? rows->registers[predicate->ops[0]].state
                               : NULL;
    for (size_t i = 0; state != NULL && i < len; i++) {
        out[i] = state[i] != 0 ? SOTTO_WATCH_CLASSES_MAX : out[i];
    }
    for (size_t j = 0; j < predicate->values_len; j++) {
        const uint8_t *missing = rows->registers[predicate->values[j]].state;
        for (size_t i = 0; i < len; i++) {
            out[i] = missing[i] != 0 && out[i] == 0 ? SOTTO_WATCH_CLASSES_MAX : out[i];
        }
    }
}

static void class_rows(void *context, const struct sotto__rows *rows, size_t dataset, size_t len)
{
    struct sotto__watcher *watcher = context;
    const struct watched_dataset *watched = &watcher->watch->datasets[watcher->dataset];
    (void)dataset; /* the only one */
    for (size_t i = 0; i < watched->predicates_len; i++) {
        const struct watched_predicate *predicate = &watched->predicates[i];
        uint16_t *out = watcher->classes + i * watcher->capacity_len + watcher->classed_len;
        if (predicate->index != SOTTO_NONE) {
            class_by_number(out, predicate, rows, len);
        } else {
            class_by_ops(out, predicate, rows, len);
        }
    }
    for (size_t i = 0; i < watched->columns_len; i++) {
        size_t at = i * watcher->capacity_len + watcher->classed_len;
        sotto__measure_value(watcher->columns + at, rows, watched->column_ops[i], len);
        memcpy(watcher->column_states + at, rows->registers[watched->column_ops[i]].state, len);
    }
    watcher->classed_len += len;
}

enum sotto_status sotto__watcher_init(struct sotto__watcher *out, const struct sotto_watch *watch,
                                      size_t dataset, size_t worker)
{
    const struct watched_dataset *watched = &watch->datasets[dataset];
    size_t values_len = (watched->measures.len + 1) * SOTTO__ROWS_LEN;
    *out = (struct sotto__watcher){.watch = watch, .dataset = dataset, .worker = worker};
    out->values = sotto_alloc_array(values_len, sizeof *out->values);
    out->scratch = sotto_alloc_array(SOTTO__ROWS_LEN, sizeof *out->scratch);
    out->states = sotto_alloc_array(values_len, sizeof *out->states);
    out->value_lists = sotto_alloc_array(watched->measures.len + 1, sizeof *out->value_lists);
    out->state_lists = sotto_alloc_array(watched->measures.len + 1, sizeof *out->state_lists);
    out->pieces = sotto_alloc_array(watched->predicates_len + 1, sizeof *out->pieces);
    out->column_lists = sotto_alloc_array(watched->columns_len + 1, sizeof *out->column_lists);
    out->column_state_lists =
        sotto_alloc_array(watched->columns_len + 1, sizeof *out->column_state_lists);
    if (out->values == NULL || out->scratch == NULL || out->states == NULL ||
        out->value_lists == NULL || out->state_lists == NULL || out->pieces == NULL ||
        out->column_lists == NULL || out->column_state_lists == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (watched->driver == NULL) {
        return SOTTO_OK;
    }
    out->blocks = sotto_alloc_array(watched->driver->expansion.columns_len, sizeof *out->blocks);
    if (out->blocks == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    struct sotto__rows_sink sink = {.take = class_rows, .context = out};
    enum sotto_status status = sotto__rows_init(&out->rows, watched->driver->program, sink);
    if (status == SOTTO_OK) {
        out->has_classes = true;
    }
    return status;
}

static void free_columns(struct sotto__watcher *watcher)
{
    if (watcher->columns != NULL) {
        const struct watched_dataset *watched = &watcher->watch->datasets[watcher->dataset];
        sotto_wipe(watcher->columns,
                   watched->columns_len * watcher->capacity_len * sizeof *watcher->columns);
    }
    sotto_free(watcher->columns);
    sotto_free(watcher->column_states);
    watcher->columns = NULL;
    watcher->column_states = NULL;
}

void sotto__watcher_release(struct sotto__watcher *watcher)
{
    if (watcher->has_classes) {
        sotto__rows_release(&watcher->rows);
    }
    sotto_free(watcher->blocks);
    sotto_free(watcher->classes);
    sotto_free(watcher->pieces);
    free_columns(watcher);
    sotto_free(watcher->column_lists);
    sotto_free(watcher->column_state_lists);
    sotto_free(watcher->values);
    sotto_free(watcher->scratch);
    sotto_free(watcher->states);
    sotto_free(watcher->value_lists);
    sotto_free(watcher->state_lists);
    *watcher = (struct sotto__watcher){0};
}

enum sotto_status sotto__watcher_take_block(struct sotto__watcher *watcher, size_t len,
                                            struct sotto_error *err)
{
    const struct watched_dataset *watched = &watcher->watch->datasets[watcher->dataset];
    watcher->classed_len = 0;
    watcher->shown_len = 0;
    if (!watcher->has_classes) {
        return SOTTO_OK;
    }
    if (len > watcher->capacity_len) {
        sotto_free(watcher->classes);
        free_columns(watcher);
        watcher->classes =
            sotto_alloc_array(watched->predicates_len * len, sizeof *watcher->classes);
        watcher->columns = sotto_alloc_array(watched->columns_len * len, sizeof *watcher->columns);
        watcher->column_states = sotto_alloc_array(watched->columns_len * len, 1);
        watcher->capacity_len = len;
    }
    if (watcher->classes == NULL || watcher->columns == NULL || watcher->column_states == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto__rows_take(&watcher->rows, 0, watcher->blocks, len);
    return SOTTO_OK;
}

/* --- Showing --- */

void sotto__watcher_take_rows(struct sotto__watcher *watcher, const struct sotto__rows *rows,
                              size_t dataset, size_t len)
{
    const struct watched_dataset *watched = &watcher->watch->datasets[dataset];
    const struct sotto__program *program = rows->program;
    const struct sotto_watch_sink *sink = watcher->watch->sink;
    if (watcher->status != SOTTO_OK) {
        return;
    }
    for (size_t i = 0; i < watched->predicates_len; i++) {
        watcher->pieces[i] = watcher->classes + i * watcher->capacity_len + watcher->shown_len;
    }
    for (size_t i = 0; i < watched->measures.len; i++) {
        double *values = watcher->values + i * SOTTO__ROWS_LEN;
        uint8_t *states = watcher->states + i * SOTTO__ROWS_LEN;
        sotto__measure_rows(values, states, watcher->scratch, &watched->measures.list[i], rows,
                            len);
        for (size_t j = 0; program->is_complete && j < len; j++) {
            states[j] |= (rows->skipped[j] & SOTTO__ROW_INCOMPLETE) != 0;
        }
        watcher->value_lists[i] = values;
        watcher->state_lists[i] = states;
    }
    for (size_t i = 0; i < watched->columns_len; i++) {
        size_t at = i * watcher->capacity_len + watcher->shown_len;
        uint8_t *states = watcher->column_states + at;
        for (size_t j = 0; program->is_complete && j < len; j++) {
            states[j] |= (rows->skipped[j] & SOTTO__ROW_INCOMPLETE) != 0;
        }
        watcher->column_lists[i] = watcher->columns + at;
        watcher->column_state_lists[i] = states;
    }
    bool selects = sotto__program_selects(program);
    struct sotto_watch_rows shown = {.dataset = dataset,
                                     .len = len,
                                     .classes = watcher->pieces,
                                     .predicates_len = watched->predicates_len,
                                     .classes_len = watched->classes_len,
                                     .values = watcher->value_lists,
                                     .states = watcher->state_lists,
                                     .measures_len = watched->measures.len,
                                     .columns = watcher->column_lists,
                                     .column_states = watcher->column_state_lists,
                                     .columns_len = watched->columns_len,
                                     .skipped = selects ? rows->skipped : NULL,
                                     .groups = program->keys_len > 0 ? rows->groups : NULL,
                                     .groups_len = (uint32_t)program->groups_len};
    watcher->shown_len += len;
    watcher->status = sink->take(sink->context, watcher->worker, &shown, &watcher->err);
}

void sotto__watch_set_sink(struct sotto_watch *watch, const struct sotto_watch_sink *sink)
{
    watch->sink = sink;
}
