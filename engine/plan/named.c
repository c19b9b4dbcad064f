/* SPDX-License-Identifier: Apache-2.0 */

/* Which aggregates there are, and which of them a plan names. It leans on the functions' cards. The
 * one idea: what a plan tells of itself is read off its trees, never off its text, so that no
 * spelling hides anything. */

#include "plan/plan.h"

#include <string.h>

const char *sotto_statistic_name(size_t index)
{
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        if (card->of == SOTTO__FUNCTION_OF_ALL_ROWS && index-- == 0) {
            return card->name;
        }
    }
    return NULL;
}

const char *sotto_plan_other_statistic(const struct sotto_plan *plan, const char *const *allowed,
                                       size_t allowed_len)
{
    for (size_t i = 0; i < plan->outputs_len; i++) {
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            const struct sotto__node *node = &expression->nodes[j];
            const char *name = sotto__function_card(node->function)->name;
            bool is_allowed = node->kind != SOTTO__NODE_AGGREGATE;
            for (size_t k = 0; !is_allowed && k < allowed_len; k++) {
                is_allowed = strcmp(name, allowed[k]) == 0;
            }
            if (!is_allowed) {
                return name;
            }
        }
    }
    return NULL;
}
