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

enum sotto_status tried_rules_say(const struct tried_rules *tried, char **in_out_json,
                                  struct sotto_error *err)
{
    size_t bytes = strlen(*in_out_json);
    size_t more_bytes = 200;
    if (!tried->is_given) {
        return SOTTO_OK;
    }
    char *said = sotto_alloc(bytes + more_bytes);
    if (said == NULL) {
        return sotto_error_no_memory(err);
    }
    SOTTO_REQUIRE(bytes > 0 && (*in_out_json)[bytes - 1] == '}');
    (void)snprintf(said, bytes + more_bytes,
                   "%.*s, \"rules\": {\"profile\": \"%s\", \"min_rows\": %llu, \"dominance\": %u}}",
                   (int)bytes - 1, *in_out_json, sotto_profile_name(tried->rules.profile),
                   (unsigned long long)tried->rules.min_rows, tried->rules.dominance);
    sotto_free(*in_out_json);
    *in_out_json = said;
    return SOTTO_OK;
}
