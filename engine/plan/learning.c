/* SPDX-License-Identifier: Apache-2.0 */

/* A plan of a learning task: whose code it runs, and how often. What the code asks for (datasets,
 * sizes) stands in its bundle, so that its digest covers it. */

#include "plan/learning.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/plan.h>
#include <string.h>

#define DIGEST_TEXT_BYTES 64

enum sotto_status sotto__parse_learning(struct sotto_plan *plan, const json_t *root,
                                        struct sotto_error *err)
{
    const char *bundle = json_string_value(json_object_get(root, "bundle"));
    const json_t *rounds = json_object_get(root, "rounds");
    if (bundle == NULL || strlen(bundle) != DIGEST_TEXT_BYTES ||
        strspn(bundle, "0123456789abcdef") != DIGEST_TEXT_BYTES) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "bundle: expected the digest of a bundle, 64 hexadecimal digits");
    }
    json_int_t number = json_integer_value(rounds);
    if (!json_is_integer(rounds) || number < 1 || number > SOTTO_PLAN_LEARNING_ROUNDS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "rounds: expected a whole number from 1 to %d",
                               SOTTO_PLAN_LEARNING_ROUNDS_MAX);
    }
    plan->rounds = (uint32_t)number;
    plan->bundle = sotto_text_copy(bundle, DIGEST_TEXT_BYTES);
    return plan->bundle != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

const char *sotto_plan_bundle(const struct sotto_plan *plan)
{
    return plan->bundle;
}
