/* SPDX-License-Identifier: Apache-2.0 */

/* Sentences for people about a result as a whole: who is missing, and which levels nobody has. They
 * are written as result.c writes, and say nothing that the numbers beside them don't. */

#include "answer/results.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define NAMED_LEN_MAX 5 /* levels that a warning names; the others are counted */

/* Collects the levels that a sentence is about. */
struct named_levels {
    struct sotto_writer text;
    size_t len;
};

static void name_level(struct named_levels *named, const struct sotto__level *level)
{
    if (named->len < NAMED_LEN_MAX) {
        sotto__json_raw(&named->text, named->len > 0 ? ", " : "");
        if (level->kind == SOTTO__LEVEL_TEXT) {
            sotto__json_string(&named->text, level->text);
        } else {
            sotto__json_raw(&named->text, level->text);
        }
    }
    named->len++;
}

/* Writes one more warning, if there are levels: what it is about, the levels, the rest. Releases
 * named. */
static void write_warning(struct sotto_writer *writer, bool *first, struct named_levels *named,
                          const char *const about[3], const char *rest)
{
    struct sotto_writer line;
    char more[48] = "";
    char *levels = NULL;
    if (sotto__json_finish(&named->text, &levels) != SOTTO_OK) {
        writer->failed = true;
        return;
    }
    if (named->len > NAMED_LEN_MAX) {
        (void)snprintf(more, sizeof more, " and %zu more", named->len - NAMED_LEN_MAX);
    }
    if (named->len > 0) {
        sotto_writer_init(&line, SOTTO__RESULT_BYTES_MAX);
        for (size_t i = 0; i < 3; i++) {
            sotto__json_raw(&line, about[i]);
        }
        sotto__json_raw(&line, levels);
        sotto__json_raw(&line, more);
        sotto__json_raw(&line, rest);
        sotto__json_raw(writer, *first ? "" : ", ");
        sotto__json_text(writer, &line);
        *first = false;
    }
    sotto_free(levels);
}

/* Whether nothing was counted in any group with this level of the key. */
static bool is_level_uncounted(const struct sotto__results *results, size_t key, size_t level)
{
    const struct sotto__program *program = results->program;
    size_t rest = program->groups_len;
    bool is_uncounted = true;
    for (size_t i = 0; i <= key; i++) {
        rest /= sotto__levels_len(program->levels[i]);
    }
    for (size_t group = 0; is_uncounted && group < program->groups_len; group++) {
        bool is_of_level = group / rest % sotto__levels_len(program->levels[key]) == level;
        is_uncounted = !is_of_level || (results->has_counts && results->is_zero[group]);
    }
    return is_uncounted;
}

/* Warns of a key's levels in whose groups nothing was counted: no row has them, or in none of these
 * rows a counted column is present. Where no count was opened nothing is known of rows: sums of
 * rows can be 0. Bins are not told of: they are often empty, while levels are what somebody is
 * expected to have. */
static void warn_of_groups(struct sotto_writer *writer, bool *first,
                           const struct sotto__results *results, size_t at)
{
    const struct sotto__group_key *key = &results->plan->keys[at];
    struct named_levels named = {.len = 0};
    sotto_writer_init(&named.text, SOTTO__RESULT_BYTES_MAX);
    for (size_t level = 0; !key->are_edges && level < key->levels_len; level++) {
        if (is_level_uncounted(results, at, level)) {
            name_level(&named, &key->levels[level]);
        }
    }
    const char *const about[3] = {"group_by ",
                                  results->expansion->columns[results->program->keys[at]].name,
                                  ": nothing was counted in the groups "};
    write_warning(writer, first, &named, about,
                  named.len == 1 ? ": is the level misspelt?" : ": are the levels misspelt?");
}

static bool is_counted_by_nobody(const struct sotto__results *results, size_t value)
{
    bool is_zero = true;
    for (size_t group = 0; is_zero && group < results->program->groups_len; group++) {
        const struct sotto__value *count =
            &results->values[group * results->expansion->values_len + value];
        is_zero = results->withheld[group] == 0 && mpq_sgn(count->number) == 0 &&
                  results->cells_withheld[group * results->expansion->values_len + value] == 0;
    }
    return is_zero;
}

/* Warns of the levels of an output that counts them: their counts are its first values. */
static void warn_of_levels(struct sotto_writer *writer, bool *first,
                           const struct sotto__results *results, size_t output)
{
    const struct sotto__plan_output *of = &results->plan->outputs[output];
    const struct sotto__node *root = &of->expression.nodes[of->expression.nodes_len - 1];
    struct named_levels named = {.len = 0};
    if (root->kind != SOTTO__NODE_AGGREGATE ||
        sotto__function_card(root->function)->takes != SOTTO__TAKES_LEVELS) {
        return;
    }
    sotto_writer_init(&named.text, SOTTO__RESULT_BYTES_MAX);
    for (size_t i = 0; i < root->levels_len; i++) {
        if (is_counted_by_nobody(results, results->expansion->outputs[output].values + i)) {
            name_level(&named, &of->expression.levels[root->levels + i]);
        }
    }
    const char *const about[3] = {"", of->name, ": no row that takes part has "};
    write_warning(writer, first, &named, about, "");
}

/* Warns of bins and levels that lack the rows of parties that withheld them. */
static void warn_of_cells(struct sotto_writer *writer, bool *first,
                          const struct sotto__results *results, size_t output)
{
    const struct sotto__expansion *expansion = results->expansion;
    const struct sotto__output_values *of = &expansion->outputs[output];
    struct sotto_writer text;
    size_t len = 0;
    for (size_t group = 0; group < results->program->groups_len; group++) {
        for (size_t i = 0; i < of->values_len; i++) {
            len += results->cells_withheld[group * expansion->values_len + of->values + i] > 0;
        }
    }
    if (len == 0) {
        return;
    }
    sotto_writer_init(&text, SOTTO__RESULT_BYTES_MAX);
    sotto__json_raw(&text, results->plan->outputs[output].name);
    sotto__json_raw(&text, ": ");
    sotto__json_integer(&text, len);
    sotto__json_raw(&text, len == 1 ? " of its counts lacks" : " of its counts lack");
    sotto__json_raw(&text, " the rows of parties that have too few of them, or of those in none, "
                           "and withheld them: let bins reach to the ends, or ask fewer");
    sotto__json_raw(writer, *first ? "" : ", ");
    sotto__json_text(writer, &text);
    *first = false;
}

/* "cedar was invited, and its rows are not in the result: it was away" */
static void write_missing(struct sotto_writer *writer, bool *first,
                          const struct sotto_result_absentee *missing)
{
    struct sotto_writer text;
    sotto_writer_init(&text, SOTTO__RESULT_BYTES_MAX);
    sotto__json_raw(&text, missing->name);
    sotto__json_raw(&text, " was invited, and its rows are not in the result: ");
    sotto__json_raw(&text, missing->why);
    sotto__json_raw(writer, *first ? "" : ", ");
    sotto__json_text(writer, &text);
    *first = false;
}

void sotto__warnings_write(struct sotto_writer *writer, const struct sotto__results *results,
                           const struct sotto_result_parties *parties)
{
    bool first = true;
    sotto__json_raw(writer, ", \"warnings\": [");
    for (size_t i = 0; i < parties->missing_len; i++) {
        write_missing(writer, &first, &parties->missing[i]);
    }
    for (size_t i = 0; i < results->plan->keys_len; i++) {
        warn_of_groups(writer, &first, results, i);
    }
    for (size_t i = 0; i < results->plan->outputs_len; i++) {
        warn_of_levels(writer, &first, results, i);
        warn_of_cells(writer, &first, results, i);
    }
    sotto__json_raw(writer, "]");
}
