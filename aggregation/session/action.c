/* SPDX-License-Identifier: Apache-2.0 */

/* The queue of what a session wants done: messages to be sent, a record to be written. Leans on
 * sotto/alloc.h.
 *
 * The idea: a session does no input or output itself, so it is the same in a daemon, in a
 * simulation and in a test; whoever drives it pops actions and does them in order. */

#include <sotto/action.h>

#include <sotto/alloc.h>

void sotto_action_release(struct sotto_action *action)
{
    sotto_buffer_release(&action->bytes);
}

enum sotto_status sotto_action_push(struct sotto_action_queue *queue,
                                    const struct sotto_action *action)
{
    /* An empty queue begins again at its start; one that is not grows. */
    if (queue->head > 0 && queue->head == queue->len) {
        queue->head = queue->len = 0;
    }
    void *actions = queue->actions;
    enum sotto_status status =
        sotto_array_reserve(&actions, &queue->capacity, queue->len + 1, sizeof *queue->actions);
    if (status != SOTTO_OK) {
        struct sotto_buffer bytes = action->bytes;
        sotto_buffer_release(&bytes);
        return status;
    }
    queue->actions = actions;
    queue->actions[queue->len++] = *action;
    return SOTTO_OK;
}

enum sotto_status sotto_action_push_send(struct sotto_action_queue *queue,
                                         const struct sotto_key *peer, struct sotto_buffer *bytes)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_SEND, .peer = *peer, .bytes = *bytes};
    *bytes = (struct sotto_buffer){0};
    return sotto_action_push(queue, &action);
}

bool sotto_action_pop(struct sotto_action_queue *queue, struct sotto_action *out)
{
    if (queue->head == queue->len) {
        return false;
    }
    *out = queue->actions[queue->head++];
    return true;
}

void sotto_action_queue_release(struct sotto_action_queue *queue)
{
    struct sotto_action action;
    while (sotto_action_pop(queue, &action)) {
        sotto_action_release(&action);
    }
    sotto_free(queue->actions);
    *queue = (struct sotto_action_queue){0};
}
