/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLI_RULES_H
#define SOTTO_NODE_CLI_RULES_H

/* The rules on plans and rows that an analyst tries, as owners have them (--policy). */

#include "cli/command.h"

#include <sotto/disclosure.h>

/* What --policy asks for, and what came of it. */
struct tried_rules {
    bool is_given;
    struct sotto_rules rules;
    enum sotto_rule refused; /* SOTTO_RULES_LEN: no rule did */
};

/* Reads --policy: a profile, or a node.yaml. Returns: as config_load. */
enum sotto_status tried_rules_init(struct tried_rules *out, const struct args *args,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Says why a command failed, with --json the code of a rule on standard output too. Returns: the
 * exit code. */
int tried_rules_failed(const struct tried_rules *tried, const struct args *args,
                       const struct sotto_error *err);
#endif
