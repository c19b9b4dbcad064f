/* SPDX-License-Identifier: Apache-2.0 */

/* Rows in parts as a dataset of this node. Leans on source/command.c, which runs the owner's
 * command, and on the engine, which says what it is asked and believes nothing of its answer. The
 * idea: the node never sees a row: each round is one question, which the owner's own engine answers
 * with one part, and what all parts say together is judged as rows of a file are. */

#include "task/worked.h"

#include "loop/log.h"
#include "source/command.h"
#include "task/sourced.h"

#include <sotto/alloc.h>
#include <sotto/part.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

#define WORKERS_SECONDS_MAX 600
#define WORKERS_END_SECONDS 2
#define WORKERS_ANSWER_BYTES_MAX ((size_t)1 << 30)
#define WORKERS_LINES_MAX 20

struct worked {
    struct sotto_source source;
    const struct sotto_catalogue *catalogue; /* the dataset's */
    const struct sotto_interrupt *interrupt;
    char *file;
    char *program;
    char *folder;
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    bool has_summed; /* a round of its task: what others ask in vain does not end that */
};

/* --- The command --- */

/* What it said, line by line, into the owner's log: as others have it asked, within a budget. */
static void tell_said(const char *file, const struct sotto_buffer *said)
{
    const char *text = (const char *)said->data;
    size_t left = said->data_bytes;
    size_t lines = 0;
    for (; left > 0 && lines < WORKERS_LINES_MAX; lines++) {
        const char *end = memchr(text, '\n', left);
        size_t bytes = end != NULL ? (size_t)(end - text) : left;
        log_limited(LOG_WORKERS, "", "%s: its workers say: %.*s", file, (int)bytes, text);
        bytes += end != NULL;
        text += bytes;
        left -= bytes;
    }
    if (left > 0 || said->data_bytes == COMMAND_SAID_BYTES_MAX) {
        log_limited(LOG_WORKERS, "", "%s: its workers say more, which is not kept", file);
    }
}

/* began_ms: when the command was asked. Whoever may ask could else keep this thread, as it fails
 * again and again, or answers wrongly. */
static enum sotto_status fail(const struct worked *worked, uint64_t began_ms,
                              const struct sotto_error *why, struct sotto_error *err)
{
    sourced_rest(worked->file, clock_ms() - began_ms);
    return sotto_error_set(err, sourced_answer_class(why->status), "%s: %s: %s", worked->file,
                           worked->program, why->text);
}

static enum sotto_status ask(struct sotto_buffer *out, const struct worked *worked,
                             const char *asked, struct sotto_error *err)
{
    struct sotto_buffer said;
    const struct command_run run = {.program = worked->program,
                                    .folder = worked->folder,
                                    .asked = asked,
                                    .seconds_max = WORKERS_SECONDS_MAX,
                                    .end_seconds = WORKERS_END_SECONDS,
                                    .bytes_max = WORKERS_ANSWER_BYTES_MAX,
                                    .interrupt = worked->interrupt};
    enum sotto_status status =
        worked->has_summed ? SOTTO_OK : sourced_check_rested(worked->file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = command_run(out, &said, &run, err);
    tell_said(worked->file, &said);
    sotto_buffer_release(&said);
    return status;
}

/* --- The source --- */

static struct worked *worked_of(struct sotto_source *source)
{
    return (struct worked *)source;
}

static enum sotto_status describe(struct sotto_source *source, const struct sotto_catalogue **out,
                                  const char *const *names, size_t names_len,
                                  struct sotto_error *err)
{
    (void)names;
    (void)names_len;
    (void)err;
    *out = worked_of(source)->catalogue;
    return SOTTO_OK;
}

static size_t count_workers(const struct sotto_source *source)
{
    (void)source;
    return 1;
}

/* Only workers read the rows. */
static enum sotto_status scan(struct sotto_source *source, const struct sotto_source_scan *scan,
                              struct sotto_error *err)
{
    (void)scan;
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "%s: its rows are in parts, which only its workers read",
                           worked_of(source)->file);
}

static bool can_sum(struct sotto_source *source, struct sotto_contribution *contribution,
                    size_t dataset)
{
    (void)source;
    (void)contribution;
    (void)dataset;
    return true;
}

/* Where all parts were answered as they were asked, *out_is_answered says so. */
static enum sotto_status sum_up(const struct worked *worked, bool *out_is_answered,
                                struct sotto_contribution *contribution, struct sotto_error *err)
{
    const struct sotto_asked asked = {.rows = worked->catalogue->rows,
                                      .snapshot = worked->snapshot};
    struct sotto_buffer answer = {0};
    char *text = NULL;
    enum sotto_status status = sotto_contribution_ask(contribution, &text, &asked, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = ask(&answer, worked, text, err);
    sotto_wipe(text, strlen(text)); /* what a ledger asks with is secret */
    sotto_free(text);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_part_bytes party = {answer.data, answer.data_bytes, "its answer"};
    status = sotto_contribution_give(contribution, &asked, &party, err);
    *out_is_answered =
        status == SOTTO_OK || status == SOTTO_ERROR_LIMIT || status == SOTTO_ERROR_REFUSED;
    sotto_wipe(answer.data, answer.data_bytes);
    sotto_buffer_release(&answer);
    return status;
}

/* What the rows are the cause of is refused, in the words of a file's. */
static enum sotto_status sum(struct sotto_source *source, struct sotto_contribution *contribution,
                             size_t dataset, struct sotto_error *err)
{
    struct worked *worked = worked_of(source);
    struct sotto_error why = {0};
    uint64_t began_ms = clock_ms();
    (void)dataset; /* the only one */
    bool is_answered = false;
    enum sotto_status status = sum_up(worked, &is_answered, contribution, &why);
    worked->has_summed = is_answered;
    if (is_answered && status != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", why.text);
    }
    return status == SOTTO_OK ? status : fail(worked, began_ms, &why, err);
}

static void free_worked(struct sotto_source *source)
{
    struct worked *worked = worked_of(source);
    sotto_free(worked->file);
    sotto_free(worked->program);
    sotto_free(worked->folder);
    sotto_free(worked);
}

static const struct sotto_source_ops ops = {.identity = SOTTO_ROWS_CONTENT,
                                            .describe = describe,
                                            .workers = count_workers,
                                            .scan = scan,
                                            .can_sum = can_sum,
                                            .sum = sum,
                                            .sums_watched = true,
                                            .free = free_worked};

/* --- Opening --- */

const char *worked_program(const struct config *config, const char *file)
{
    const struct file_words *words = config_words_of(config, file);
    return words != NULL ? words->workers : NULL;
}

static enum sotto_status make_worked(struct worked **out, const struct config *config,
                                     const char *file, const struct sotto_interrupt *interrupt,
                                     struct sotto_error *err)
{
    const char *program = worked_program(config, file);
    const char *folder = config->file->data_dir != NULL ? config->file->data_dir : "/";
    struct worked *worked = sotto_alloc_zeroed(sizeof *worked);
    if (worked == NULL) {
        return sotto_error_no_memory(err);
    }
    worked->source.ops = &ops;
    worked->interrupt = interrupt;
    worked->file = sotto_text_copy(file, strlen(file));
    worked->program = sotto_text_copy(program, strlen(program));
    worked->folder = sotto_text_copy(folder, strlen(folder));
    if (worked->file == NULL || worked->program == NULL || worked->folder == NULL) {
        free_worked(&worked->source);
        return sotto_error_no_memory(err);
    }
    *out = worked;
    return SOTTO_OK;
}

static enum sotto_status read_catalogue(struct sotto_catalogue **out, struct worked *worked,
                                        struct sotto_error *err)
{
    struct sotto_buffer answer = {0};
    enum sotto_status status = ask(&answer, worked, SOTTO_ASK_CATALOGUE, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_part_bytes party = {answer.data, answer.data_bytes, "its answer"};
    status = sotto_part_catalogue(out, worked->snapshot, &party, err);
    sotto_buffer_release(&answer);
    if (status == SOTTO_OK && worked->snapshot[0] == '\0') {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected parts that name the state of their rows (--snapshot): "
                                 "all rounds of a task are of one");
    }
    return status;
}

enum sotto_status worked_open(struct dataset *out, const struct config *config, const char *file,
                              const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct sotto_error why = {0};
    struct dataset dataset = {0};
    struct worked *worked = NULL;
    uint64_t began_ms = clock_ms();
    enum sotto_status status = make_worked(&worked, config, file, interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    dataset.source = &worked->source;
    status = read_catalogue(&dataset.catalogue, worked, &why);
    if (status != SOTTO_OK) {
        status = fail(worked, began_ms, &why, err);
        dataset_release(&dataset);
        return status;
    }
    worked->catalogue = dataset.catalogue;
    *out = dataset;
    return SOTTO_OK;
}
