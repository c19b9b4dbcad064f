/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_TARGET_H
#define SOTTO_NODE_TARGET_H

/* Which node a command talks to, and with which token. */

#include "cli/command.h"
#include "config/keys.h"

#define TARGET_TEXT_BYTES 1024

struct target {
    char base[TARGET_TEXT_BYTES]; /* of its API: a URL, or what stands behind its http:// */
    const char *base_source;      /* what said so, for errors */
    char token[512];              /* "": none; the caller wipes it */
    char ca[TARGET_TEXT_BYTES];   /* certificates that its https is checked against; "": the
                                     system's */
};

/* Options say it, or the environment, or the node.yaml of this folder: then its own token goes with
 * it, and it is not asked where the environment has a token. Returns: as config_load,
 * token_file_load; SOTTO_ERROR_INPUT for a text that is too long or a node.yaml whose port is any
 * free one; SOTTO_ERROR_REFUSED where its token is not in its folder. */
enum sotto_status target_find(struct target *out, const struct args *args,
                              struct sotto_error *err) SOTTO_NODISCARD;

/* The node.yaml of the node that target_find finds. Returns: NULL where its address was said, or no
 * such file can be read. Borrows from args. */
const char *target_config(const struct args *args);

#endif
