/* SPDX-License-Identifier: Apache-2.0 */

/* Definitions in the places of their names. It leans on token.c, which knows what is a name in a
 * text. The one idea: a definition takes the place of its name in the text, before anything is
 * parsed. So whoever judges an expression sees what is computed, and a name hides nothing. */

#include "expression/defined.h"
#include "expression/token.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <string.h>

struct substitution {
    struct parser parser; /* of the text as it is written */
    const struct sotto__definition *definitions;
    size_t definitions_len;
    struct sotto_writer text; /* with definitions in their places */
    size_t copied;            /* bytes of the written text that are in there, or replaced */
    struct sotto__defined *defined;
};

static bool is_text(const struct token *token)
{
    return token->kind == SOTTO__TOKEN_NAME || token->kind == SOTTO__TOKEN_QUOTED;
}

/* dataset: a token of no kind where there is none. */
static const struct sotto__definition *find_definition(struct substitution *substitution,
                                                       const struct token *dataset,
                                                       const struct token *name)
{
    const struct sotto__definition *found = NULL;
    bool is_bare = dataset->kind == SOTTO__TOKEN_END;
    char *alias = is_bare ? NULL : sotto__token_text(&substitution->parser, dataset);
    char *wanted = sotto__token_text(&substitution->parser, name);
    for (size_t i = 0; wanted != NULL && i < substitution->definitions_len; i++) {
        const struct sotto__definition *definition = &substitution->definitions[i];
        bool is_there = is_bare ? definition->is_bare
                                : alias != NULL && strcmp(definition->dataset, alias) == 0;
        found = is_there && strcmp(definition->name, wanted) == 0 ? definition : found;
    }
    sotto_free(wanted);
    sotto_free(alias);
    return found;
}

static void copy_up_to(struct substitution *substitution, size_t written)
{
    sotto_write_bytes(&substitution->text, substitution->parser.text + substitution->copied,
                      written - substitution->copied);
    substitution->copied = written;
}

static void replace(struct substitution *substitution, const struct sotto__definition *definition,
                    size_t start, size_t end)
{
    struct sotto__defined *defined = substitution->defined;
    if (defined->parts_len == SOTTO__EXPRESSION_NODES_MAX) {
        sotto__parser_fail(&substitution->parser, SOTTO_ERROR_LIMIT,
                           "expected at most %d defined names in an expression, found more",
                           SOTTO__EXPRESSION_NODES_MAX);
        return;
    }
    copy_up_to(substitution, start);
    struct sotto__defined_part part = {
        .name = sotto_text_copy(definition->name, strlen(definition->name)),
        .start = substitution->text.data_bytes,
        .bytes = strlen(definition->text),
        .written_start = start,
        .written_bytes = end - start};
    if (part.name == NULL) {
        sotto__parser_no_memory(&substitution->parser);
        return;
    }
    defined->parts[defined->parts_len++] = part;
    sotto_write_bytes(&substitution->text, definition->text, part.bytes);
    substitution->copied = end;
}

/* At a name, maybe that of a dataset with a column behind it: fills it in, unless it calls a
 * function or names an option. */
static void fill_name(struct substitution *substitution)
{
    struct parser *parser = &substitution->parser;
    struct token dataset = {.kind = SOTTO__TOKEN_END};
    struct token name = parser->token;
    size_t start = name.start;
    sotto__token_next(parser);
    if (sotto__token_accept(parser, ".")) {
        dataset = name;
        name = parser->token;
        if (!is_text(&name)) {
            return;
        }
        sotto__token_next(parser);
    }
    if (sotto__token_is(parser, "(") || sotto__token_is(parser, "=")) {
        return;
    }
    const struct sotto__definition *definition = find_definition(substitution, &dataset, &name);
    if (definition != NULL) {
        replace(substitution, definition, start, name.start + name.bytes);
    }
}

static void fill(struct substitution *substitution)
{
    struct parser *parser = &substitution->parser;
    while (parser->token.kind != SOTTO__TOKEN_END) {
        if (is_text(&parser->token)) {
            fill_name(substitution);
        } else {
            sotto__token_next(parser);
        }
    }
    if (substitution->defined->parts_len > 0) {
        copy_up_to(substitution, strlen(parser->text));
        sotto_write_u8(&substitution->text, '\0');
    }
}

static struct sotto__defined *new_defined(const char *written)
{
    struct sotto__defined *defined = sotto_alloc_zeroed(sizeof *defined);
    if (defined == NULL) {
        return NULL;
    }
    defined->written = sotto_text_copy(written, strlen(written));
    if (defined->written == NULL) {
        sotto__defined_free(defined);
        return NULL;
    }
    return defined;
}

void sotto__defined_free(struct sotto__defined *defined)
{
    if (defined == NULL) {
        return;
    }
    for (size_t i = 0; i < defined->parts_len; i++) {
        sotto_free(defined->parts[i].name);
    }
    sotto_free(defined->written);
    sotto_free(defined);
}

static size_t count_filled(const struct sotto__defined *defined)
{
    size_t bytes = strlen(defined->written);
    for (size_t i = 0; i < defined->parts_len; i++) {
        bytes += defined->parts[i].bytes;
        bytes -= defined->parts[i].written_bytes;
    }
    return bytes;
}

/* Parses what was filled, which keeps defined. */
static enum sotto_status parse_filled(struct sotto__expression *out,
                                      struct substitution *substitution, struct sotto_error *err)
{
    if (count_filled(substitution->defined) > SOTTO__EXPRESSION_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected an expression of at most %d bytes with its definitions, "
                               "found more",
                               SOTTO__EXPRESSION_BYTES_MAX);
    }
    if (substitution->text.failed) {
        return sotto_error_no_memory(err);
    }
    const char *text = (const char *)substitution->text.data;
    enum sotto_status status = sotto__expression_parse(out, text, err);
    if (status != SOTTO_OK) {
        struct sotto__expression failed = {.text = (char *)substitution->text.data,
                                           .defined = substitution->defined};
        sotto__defined_error(&failed, err);
        return status;
    }
    out->defined = substitution->defined;
    substitution->defined = NULL;
    return SOTTO_OK;
}

enum sotto_status sotto__expression_parse_defined(struct sotto__expression *out, const char *text,
                                                  const struct sotto__definition *definitions,
                                                  size_t definitions_len, struct sotto_error *err)
{
    if (definitions_len == 0) {
        return sotto__expression_parse(out, text, err);
    }
    struct sotto__expression scratch = {0};
    struct substitution substitution = {.definitions = definitions,
                                        .definitions_len = definitions_len};
    substitution.defined = new_defined(text);
    if (substitution.defined == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto_writer_init(&substitution.text, SOTTO__EXPRESSION_BYTES_MAX + 1);
    sotto__parser_start(&substitution.parser, &scratch, text, err);
    if (substitution.parser.status == SOTTO_OK) {
        fill(&substitution);
    }
    enum sotto_status status = substitution.parser.status;
    if (status != SOTTO_OK) {
        goto out;
    }
    status = substitution.defined->parts_len > 0 ? parse_filled(out, &substitution, err)
                                                 : sotto__expression_parse(out, text, err);
out:
    sotto__defined_free(substitution.defined);
    sotto_writer_release(&substitution.text);
    sotto__expression_release(&scratch);
    return status;
}

void sotto__defined_error(const struct sotto__expression *expression, struct sotto_error *err)
{
    if (expression->defined != NULL) {
        (void)sotto_error_prefix(err, "with its definitions \"%.200s\"", expression->text);
    }
}

const char *sotto__defined_name(const struct sotto__expression *expression, size_t start,
                                size_t bytes)
{
    const struct sotto__defined *defined = expression->defined;
    for (size_t i = 0; defined != NULL && i < defined->parts_len; i++) {
        const struct sotto__defined_part *part = &defined->parts[i];
        if (part->start == start && part->bytes == bytes) {
            return part->name;
        }
    }
    return NULL;
}

/* Where a place of the text was in the written one; a place in a part: where its name ended. */
static size_t find_written(const struct sotto__defined *defined, size_t at)
{
    size_t written = at;
    for (size_t i = 0; i < defined->parts_len && defined->parts[i].start < at; i++) {
        const struct sotto__defined_part *part = &defined->parts[i];
        size_t end = part->start + part->bytes;
        written = part->written_start + part->written_bytes + (at > end ? at - end : 0);
    }
    return written;
}

size_t sotto__defined_written(const char **out, const struct sotto__expression *expression,
                              size_t start, size_t bytes)
{
    const struct sotto__defined *defined = expression->defined;
    if (defined == NULL) {
        *out = expression->text + start;
        return bytes;
    }
    size_t begin = find_written(defined, start);
    *out = defined->written + begin;
    return find_written(defined, start + bytes) - begin;
}
