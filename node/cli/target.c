/* SPDX-License-Identifier: Apache-2.0 */

/* Which node a command talks to. Leans on config.c for what a node.yaml says. The idea: what is
 * nearest says so first: an option, then the environment, then the folder; and a token that was
 * found in a node's folder goes to that node only, as the environment's goes to none that a folder
 * names: whoever made the folder would have it. For that reason a folder says no token of another
 * folder either. */

#include "cli/target.h"
#include "config/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODE_DEFAULT "http://127.0.0.1:6700"

static enum sotto_status copy_text(char *out, size_t out_bytes, const char *text,
                                   const char *source, struct sotto_error *err)
{
    int bytes = snprintf(out, out_bytes, "%s", text);
    return bytes >= 0 && (size_t)bytes < out_bytes
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "%s is too long", source);
}

/* Where a node on this machine is called that listens there. */
static enum sotto_status write_base(struct target *out, const struct config_listener *api,
                                    const char *path, struct sotto_error *err)
{
    static const char *const any[][2] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    const char *host = "";
    const char *rest = api->listen;
    for (size_t i = 0; i < 2; i++) {
        size_t bytes = strlen(any[i][0]);
        if (strncmp(rest, any[i][0], bytes) == 0) {
            host = any[i][1];
            rest += bytes;
            break;
        }
    }
    if (strtoul(strrchr(api->listen, ':') + 1, NULL, 10) == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: api.listen has any free port: say --node with the address that "
                               "the node printed",
                               path);
    }
    (void)snprintf(out->base, sizeof out->base, "http%s://%s%s", api->tls_cert != NULL ? "s" : "",
                   host, rest);
    return SOTTO_OK;
}

/* Refuses a token outside this folder, which nobody but the node.yaml found here speaks of. */
static enum sotto_status check_within(const char *token_file, struct sotto_error *err)
{
    char folder[PATH_MAX];
    char file[PATH_MAX];
    if (realpath(token_file, file) == NULL || realpath(".", folder) == NULL) {
        return SOTTO_OK; /* there is none: loading says so */
    }
    size_t bytes = strlen(folder) - (folder[1] == '\0'); /* of /: what stands before its slash */
    return strncmp(file, folder, bytes) == 0 && file[bytes] == '/'
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 CONFIG_DEFAULT " is of this folder, its api.token_file %s is not: "
                                                "say --config " CONFIG_DEFAULT " if you trust it",
                                 token_file);
}

/* Takes all that the command line and the environment have not said from a node's own file. */
static enum sotto_status take_listener(struct target *out, const struct config_listener *api,
                                       const char *path, bool takes_base, bool takes_token,
                                       bool is_found, struct sotto_error *err)
{
    if (takes_base) {
        enum sotto_status status = write_base(out, api, path, err);
        if (status != SOTTO_OK) {
            return status;
        }
        out->base_source = path;
    }
    if (takes_token && is_found) {
        enum sotto_status status = check_within(api->token_file, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (takes_token) {
        enum sotto_status status = token_file_load(api->token_file, out->token, false, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return out->ca[0] != '\0' || api->tls_cert == NULL
               ? SOTTO_OK
               : copy_text(out->ca, sizeof out->ca, api->tls_cert, "api.tls_cert", err);
}

/* is_found: nobody named it. */
static enum sotto_status take_config(struct target *out, const char *path, bool takes_base,
                                     bool takes_token, bool is_found, struct sotto_error *err)
{
    struct config config;
    struct sotto_error why = {0};
    enum sotto_status status = config_load(&config, path, &why);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status,
                               "%s; a node that runs goes on with what it read: to ask it say "
                               "--node with its address, and --token-file",
                               why.text);
    }
    status = take_listener(out, &config.file->api, path, takes_base, takes_token, is_found, err);
    config_release(&config);
    return status;
}

/* Returns: NULL for what is not set, or is nothing. */
static const char *get_variable(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static enum sotto_status find_base(struct target *out, const struct args *args,
                                   struct sotto_error *err)
{
    const char *variable = args->config == NULL ? get_variable("SOTTO_NODE") : NULL;
    const char *text = args->node != NULL ? args->node : variable;
    out->base_source = args->node != NULL ? "--node" : "SOTTO_NODE";
    return text == NULL ? SOTTO_OK
                        : copy_text(out->base, sizeof out->base, text, out->base_source, err);
}

const char *target_config(const struct args *args)
{
    const char *path = args->config != NULL ? args->config : CONFIG_DEFAULT;
    bool has_address =
        args->node != NULL || (args->config == NULL && get_variable("SOTTO_NODE") != NULL);
    return !has_address && access(path, R_OK) == 0 ? path : NULL;
}

static bool asks_environment(const struct args *args)
{
    return args->token_file == NULL && args->config == NULL;
}

static bool has_token_of_environment(const struct args *args)
{
    return asks_environment(args) &&
           (get_variable("SOTTO_TOKEN") != NULL || get_variable("SOTTO_TOKEN_FILE") != NULL);
}

static enum sotto_status find_token(struct target *out, const struct args *args,
                                    struct sotto_error *err)
{
    const char *token = asks_environment(args) ? get_variable("SOTTO_TOKEN") : NULL;
    const char *path = asks_environment(args) ? get_variable("SOTTO_TOKEN_FILE") : args->token_file;
    if (token != NULL) {
        return copy_text(out->token, sizeof out->token, token, "SOTTO_TOKEN", err);
    }
    return path == NULL ? SOTTO_OK : token_file_load(path, out->token, false, err);
}

static enum sotto_status find_ca(struct target *out, const struct args *args,
                                 struct sotto_error *err)
{
    const char *ca = args->ca != NULL ? args->ca : get_variable("SOTTO_CA");
    return ca == NULL ? SOTTO_OK : copy_text(out->ca, sizeof out->ca, ca, "--ca", err);
}

enum sotto_status target_find(struct target *out, const struct args *args, struct sotto_error *err)
{
    *out = (struct target){.base = ""};
    enum sotto_status status = find_ca(out, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_base(out, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_token(out, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool has_base = args->node != NULL || out->base[0] != '\0';
    bool has_token = out->token[0] != '\0';
    if (args->config != NULL && (!has_base || !has_token)) {
        return take_config(out, args->config, !has_base, !has_token, false, err);
    }
    if (!has_base && !has_token_of_environment(args) && access(CONFIG_DEFAULT, R_OK) == 0) {
        return take_config(out, CONFIG_DEFAULT, true, !has_token, true, err);
    }
    return has_base ? SOTTO_OK
                    : copy_text(out->base, sizeof out->base, NODE_DEFAULT, NODE_DEFAULT, err);
}
