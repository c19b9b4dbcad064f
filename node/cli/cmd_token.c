/* SPDX-License-Identifier: Apache-2.0 */

/* sotto token: the tokens of a node's API, made, listed and revoked where its node.yaml is. Leans
 * on config/tokens.c. The idea: no node has to run, and one that runs reads the file with the next
 * request. */

#include "cli/command.h"
#include "config/config.h"
#include "config/tokens.h"
#include "loop/log.h"

#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

#define DAYS_DEFAULT 90
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define USAGE                                                                                      \
    "expected: sotto token new NAME --role ask|read|approve|watch|admin [--days 90], sotto token " \
    "list, "                                                                                       \
    "or sotto token revoke NAME"

static enum sotto_status make_token(const struct args *args, const char *path,
                                    struct sotto_error *err)
{
    char text[TOKEN_TEXT_BYTES];
    enum token_role role;
    int64_t now_ms = clock_unix_ms();
    int64_t days = args->days != 0 ? (int64_t)args->days : DAYS_DEFAULT;
    if (args->role == NULL || !token_role_parse(&role, args->role)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "--role %.32s: expected ask, read, approve, watch or admin",
                               args->role != NULL ? args->role : "is missing");
    }
    enum sotto_status status =
        tokens_add(text, path, args->positional[1], role, now_ms, now_ms + days * DAY_MS, err);
    if (status == SOTTO_OK) {
        (void)printf("%s\n", text);
        sotto_wipe(text, sizeof text);
    }
    return status;
}

static enum sotto_status list_tokens(const char *path, struct sotto_error *err)
{
    struct tokens tokens;
    enum sotto_status status = tokens_load(&tokens, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)printf("%-32s  %-8s  %s\n", "name", "role", "until");
    for (size_t i = 0; i < tokens.len; i++) {
        char until[LOG_TIME_BYTES];
        const struct api_token *token = &tokens.list[i];
        log_time(until, token->expires_ms);
        (void)printf("%-32s  %-8s  %s%s\n", token->name, token_role_name(token->role), until,
                     token->expires_ms <= clock_unix_ms() ? " (over)" : "");
    }
    return SOTTO_OK;
}

int cmd_token(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config;
    char path[TOKENS_PATH_BYTES];
    const char *what = args->positional_len > 0 ? args->positional[0] : "";
    bool is_new = strcmp(what, "new") == 0;
    bool is_list = strcmp(what, "list") == 0;
    bool has_name = is_new || strcmp(what, "revoke") == 0;
    if (args->outputs_len > 0 || (!is_list && !has_name) ||
        args->positional_len != (size_t)(1 + has_name) ||
        (!is_new && (args->role != NULL || args->days != 0))) {
        return command_usage(USAGE);
    }
    if (config_load(&config, args->config != NULL ? args->config : "node.yaml", &err) != SOTTO_OK) {
        return command_usage("%s", err.text);
    }
    tokens_path(path, config.file->api.token_file);
    enum sotto_status status = is_new    ? make_token(args, path, &err)
                               : is_list ? list_tokens(path, &err)
                                         : tokens_remove(path, args->positional[1], &err);
    config_release(&config);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}
