/* SPDX-License-Identifier: Apache-2.0 */

/* The rules on plans and rows that an analyst tries on data of their own, as owners have them:
 * --policy. Leans on config/config.h for a node.yaml. The one idea: what an owner's node would
 * refuse is refused beforehand, by the same code under the same name. */

#include "cli/rules.h"
#include "config/config.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sotto_status tried_rules_init(struct tried_rules *out, const struct args *args,
                                   struct sotto_error *err)
{
    struct config config;
    *out = (struct tried_rules){.is_given = args->policy != NULL, .refused = SOTTO_RULES_LEN};
    if (args->policy == NULL) {
        return SOTTO_OK;
    }
    for (size_t i = 0; sotto_profile_name(i) != NULL; i++) {
        if (strcmp(sotto_profile_name(i), args->policy) == 0) {
            sotto_rules_init(&out->rules, (enum sotto_profile)i);
            return SOTTO_OK;
        }
    }
    enum sotto_status status = config_load(&config, args->policy, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "--policy: expected safe, open or a node.yaml");
    }
    out->rules = config.rules;
    config_release(&config);
    return SOTTO_OK;
}

int tried_rules_failed(const struct tried_rules *tried, const struct args *args,
                       const struct sotto_error *err)
{
    if (args->json && tried->refused != SOTTO_RULES_LEN) {
        json_t *refused = json_pack("{s:{s:s, s:s}}", "refused", "rule",
                                    sotto_rule_code(tried->refused), "text", err->text);
        char *text = refused != NULL ? json_dumps(refused, JSON_COMPACT) : NULL;
        (void)puts(text != NULL ? text : "{}");
        free(text);
        json_decref(refused);
    }
    return command_failed(err);
}
