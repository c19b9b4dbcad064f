/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLI_CHECK_H
#define SOTTO_NODE_CLI_CHECK_H

/* cmd_check.c: what the node of this folder would say to a plan, of which nobody is told. */

#include "config/policy.h"

/* Prints what each rule of policy says to a question, then what the node's rows and ledger do, and
 * whether it would take part. Returns: whether it would. */
bool check_question(const struct config *config, const struct policy_question *question);

#endif
