/* SPDX-License-Identifier: Apache-2.0 */

/* What a machine wants done, in order. It leans on the action queue. The one idea: a failed push is
 * kept, so that a machine sends without looking and asks once for each call that it serves. */

#include "internal.h"

#include <stdio.h>
#include <string.h>

void sotto__outbox_push(struct sotto__outbox *outbox, const struct sotto_action *action)
{
    if (outbox->ended || outbox->status != SOTTO_OK) {
        struct sotto_action dropped = *action;
        sotto_action_release(&dropped);
        return;
    }
    outbox->status = sotto_action_push(&outbox->queue, action);
}

void sotto__outbox_send(struct sotto__outbox *outbox, const struct sotto_key *peer,
                        struct sotto_buffer *bytes)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_SEND, .peer = *peer, .bytes = *bytes};
    *bytes = (struct sotto_buffer){0};
    sotto__outbox_push(outbox, &action);
}

void sotto__outbox_timer(struct sotto__outbox *outbox, uint64_t deadline_ms)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_TIMER, .deadline_ms = deadline_ms};
    sotto__outbox_push(outbox, &action);
}

void sotto__outbox_log(struct sotto__outbox *outbox, const char *format, ...)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_LOG};
    va_list args;
    va_start(args, format);
    int written = vsnprintf(action.text, sizeof action.text, format, args);
    va_end(args);
    if (written >= (int)sizeof action.text) {
        memcpy(action.text + sizeof action.text - 4, "...", 4);
    }
    sotto_text_sanitize(action.text);
    sotto__outbox_push(outbox, &action);
}

void sotto__outbox_end(struct sotto__outbox *outbox, enum sotto_status status, const char *text)
{
    if (!outbox->ended) {
        (void)sotto_error_set(&outbox->end, status, "%s", text);
        outbox->ended = true;
    }
}

bool sotto__outbox_next(struct sotto__outbox *outbox, struct sotto_action *out)
{
    if (sotto_action_pop(&outbox->queue, out)) {
        return true;
    }
    if (!outbox->ended || outbox->done_taken) {
        return false;
    }
    outbox->done_taken = true;
    *out = (struct sotto_action){.kind = SOTTO_ACTION_DONE, .status = outbox->end.status};
    memcpy(out->text, outbox->end.text, sizeof out->text);
    return true;
}

void sotto__outbox_release(struct sotto__outbox *outbox)
{
    sotto_action_queue_release(&outbox->queue);
}
