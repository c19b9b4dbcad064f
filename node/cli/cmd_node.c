/* SPDX-License-Identifier: Apache-2.0 */

/* sotto node and sotto keygen: the daemon, and its key. */

#include "cli/command.h"
#include "config/keys.h"
#include "daemon.h"

#include <stdio.h>

int cmd_node(const struct args *args)
{
    const char *path = args->config != NULL ? args->config : "node.yaml";
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto node --config node.yaml, perhaps with --check");
    }
    struct sotto_error err = {0};
    struct config config;
    if (config_load(&config, path, &err) != SOTTO_OK) {
        return command_usage("%s", err.text);
    }
    enum sotto_status status =
        args->only_checks ? daemon_check(&config, &err) : daemon_run(&config, path, &err);
    if (args->only_checks && status == SOTTO_OK) {
        (void)printf("%s is right: %s, with %u peers and %u datasets\n", path, config.file->name,
                     config.file->peers_count, config.file->policy.datasets_count);
    }
    config_release(&config);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

int cmd_keygen(const struct args *args)
{
    struct sotto_error err = {0};
    char text[SOTTO_KEY_TEXT_BYTES];
    struct sotto_key key = {0};
    const char *show = args->show;
    size_t positional_len = args->positional_len;
    if (args->is_shown && show == NULL && positional_len == 1) {
        show = args->positional[0];
        positional_len = 0;
    }
    if ((args->out == NULL) == (show == NULL) || positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto keygen --out node.key, or --show node.key");
    }
    if (args->out != NULL) {
        if (identity_file_create(args->out, &key, &err) != SOTTO_OK) {
            return command_failed(&err);
        }
    } else {
        struct sotto_identity *identity = NULL;
        if (identity_file_load(show, &identity, &err) != SOTTO_OK) {
            return command_failed(&err);
        }
        key = sotto_identity_key(identity);
        sotto_identity_free(identity);
    }
    sotto_key_to_text(&key, text);
    (void)printf("%s\n", text);
    return EXIT_DONE;
}
