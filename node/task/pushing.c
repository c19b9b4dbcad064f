/* SPDX-License-Identifier: Apache-2.0 */

/* A database as a dataset of this node whose sums it makes itself (source/pushed.h). Leans on
 * sourced.c for sources that were waited for in vain, and for which columns are asked for. The
 * idea: the rules decide whether rows have to be seen here; where they need not, no row comes. */

#include "task/pushing.h"

#include "loop/log.h"
#include "source/location.h"
#include "source/pushed.h"
#include "task/sourced.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <string.h>

/* What a source needs as long as it lives. */
struct pushing {
    struct source_location location;
    const char **names;
    char *file;
    uint64_t began_ms;
};

bool pushing_is_allowed(const struct config *config, const char *file)
{
    struct sotto_disclosure disclosure;
    const struct file_words *words = config_words_of(config, file);
    sotto_disclosure_init(&disclosure, &config->rules, 1);
    return !sotto_rules_ask_ledger(&config->rules) && disclosure.judge.asks_classes_only &&
           words->key == NULL && words->complete_count == 0 && words->types_count == 0;
}

static void free_pushing(void *context)
{
    struct pushing *pushing = context;
    if (pushing != NULL) {
        source_location_release(&pushing->location);
        sotto_free(pushing->names);
        sotto_free(pushing->file);
        sotto_free(pushing);
    }
}

static void tell(void *context, const char *sql, const char *why)
{
    const struct pushing *pushing = context;
    if (sql != NULL) {
        log_limited(LOG_WORKERS, "", "%s: its database sums up a round", pushing->file);
    } else {
        log_limited(LOG_WORKERS, "", "%s: a round reads its rows: %s", pushing->file, why);
    }
}

static enum sotto_status fail(void *context, struct sotto_error *in_out)
{
    const struct pushing *pushing = context;
    source_location_hide(&pushing->location, in_out);
    sourced_rest(pushing->file, clock_ms() - pushing->began_ms);
    in_out->status = sourced_answer_class(in_out->status);
    return in_out->status;
}

static enum sotto_status make_pushing(struct pushing **out, const struct config *config,
                                      const char *file, struct sotto_error *err)
{
    struct pushing *pushing = sotto_alloc_zeroed(sizeof *pushing);
    if (pushing == NULL) {
        return sotto_error_no_memory(err);
    }
    pushing->began_ms = clock_ms();
    pushing->file = sotto_text_copy(file, strlen(file));
    enum sotto_status status =
        pushing->file != NULL
            ? source_location_open(&pushing->location, config_source_of(config, file), err)
            : sotto_error_no_memory(err);
    if (status == SOTTO_OK) {
        status =
            sourced_choose_columns(&pushing->location.request, &pushing->names, config, file, err);
    }
    if (status != SOTTO_OK) {
        free_pushing(pushing);
        return status;
    }
    *out = pushing;
    return SOTTO_OK;
}

enum sotto_status pushing_open(struct dataset *out, const struct config *config, const char *file,
                               const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct pushing *pushing = NULL;
    enum sotto_status status = sourced_check_rested(file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_pushing(&pushing, config, file, err);
    if (status != SOTTO_OK || pushing == NULL) {
        return status;
    }
    const struct source_limits limits = {.bytes_max = config->sources_memory,
                                         .silence_s = SOURCED_SILENCE_SECONDS,
                                         .seconds_max = SOURCED_SECONDS_MAX,
                                         .interrupt = interrupt};
    const struct pushed_host host = {.tell = tell,
                                     .tell_context = pushing,
                                     .fail = fail,
                                     .free = free_pushing,
                                     .context = pushing};
    status =
        pushed_new(&out->source, &pushing->location.request, &limits, pushing->file, &host, err);
    if (status != SOTTO_OK) {
        source_location_hide(&pushing->location, err);
        free_pushing(pushing);
        return status;
    }
    out->catalogue = pushed_take_catalogue(out->source);
    out->is_pushed = true;
    return SOTTO_OK;
}
