/* SPDX-License-Identifier: Apache-2.0 */

/* Who asks: by a token, or by a login that was begun with one. Leans on config/tokens.c and
 * logins.c. What a cookie may do without its owner's knowing, in numbered steps:
 *
 * 1. A browser adds the cookie to whatever asks this node, also to what a page of somebody else
 *    makes it ask. SameSite=Strict keeps it from pages of other sites; another port of this host
 *    is the same site.
 * 2. So a request that only has the cookie counts where the browser says that it comes from the
 *    board's own pages (Sec-Fetch-Site), and one that changes anything only with a header that
 *    forms can't send and with an Origin that is this node's.
 * 3. The name of the cookie has the node's key in it, as two nodes on one host get both cookies.
 * 4. A login with a wrong token is refused after a second, while its connection holds one of the
 *    few seats that strangers of its address have (seats.h): so many can be tried in a second,
 *    and nobody else waits for them. */

#include "http/api_internal.h"
#include "loop/log.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* How long a wrong token waits for its answer. */
#define REFUSE_SECONDS 1

#define COOKIE_NAME_BYTES 32
#define ID_TEXT_BYTES (2 * LOGIN_BYTES + 1)

/* --- Tokens --- */

/* Reads the file of tokens if it is another one than before. One that can't be read has none. */
static void refresh_tokens(struct http_api *api)
{
    struct sotto_error err = {0};
    struct stat info;
    if (stat(api->tokens_path, &info) != 0) {
        api->tokens.len = 0;
        api->tokens_changed = (struct timespec){0};
        return;
    }
    if (info.st_ctim.tv_sec == api->tokens_changed.tv_sec &&
        info.st_ctim.tv_nsec == api->tokens_changed.tv_nsec) {
        return;
    }
    api->tokens_changed = info.st_ctim;
    if (tokens_load(&api->tokens, api->tokens_path, &err) != SOTTO_OK) {
        log_warning("only the first token counts: %s", err.text);
    }
}

/* The hash of the token in the header. Returns: false if there is no such header; a token that
 * can't be one has a hash all the same. */
static bool read_bearer(uint8_t out[TOKEN_HASH_BYTES], const struct http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *header =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Authorization");
    if (header == NULL || strncasecmp(header, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    token_hash(out, header + sizeof scheme - 1);
    return true;
}

static bool find_token(struct http_api *api, struct asker *out,
                       const uint8_t hash[TOKEN_HASH_BYTES])
{
    uint8_t first[TOKEN_HASH_BYTES];
    token_hash(first, api->token);
    if (sotto_equal_ct(hash, first, sizeof first)) {
        *out = (struct asker){.owner = 0, .role = ROLE_ADMIN, .name = "the first one"};
        return true;
    }
    refresh_tokens(api);
    size_t index = tokens_find(&api->tokens, hash, clock_unix_ms());
    if (index != SOTTO_NONE) {
        const struct api_token *token = &api->tokens.list[index];
        *out = (struct asker){.owner = 1 + index, .role = token->role, .name = token->name};
    }
    return index != SOTTO_NONE;
}

/* --- Cookies --- */

static void name_cookie(char out[COOKIE_NAME_BYTES], const struct http_api *api)
{
    const uint8_t *key = api->shared->key.bytes;
    (void)snprintf(out, COOKIE_NAME_BYTES, "sotto_%02x%02x%02x%02x", key[0], key[1], key[2],
                   key[3]);
}

/* The id in the request's cookie. Returns: false if there is none that can be one. */
static bool read_cookie(uint8_t out[LOGIN_BYTES], const struct http_api *api,
                        const struct http_request *request)
{
    char name[COOKIE_NAME_BYTES];
    size_t bytes = 0;
    name_cookie(name, api);
    const char *text = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
    return text != NULL && strlen(text) == ID_TEXT_BYTES - 1 &&
           sodium_hex2bin(out, LOGIN_BYTES, text, ID_TEXT_BYTES - 1, NULL, &bytes, NULL) == 0 &&
           bytes == LOGIN_BYTES;
}

/* id: NULL, to take the cookie back. */
static void set_cookie(struct http_request *request, const struct http_api *api, const uint8_t *id)
{
    char name[COOKIE_NAME_BYTES];
    char text[ID_TEXT_BYTES] = "";
    bool is_tls = api->shared->config->file->api.tls_cert != NULL;
    name_cookie(name, api);
    if (id != NULL) {
        (void)sodium_bin2hex(text, sizeof text, id, LOGIN_BYTES);
    }
    (void)snprintf(request->cookie, sizeof request->cookie,
                   "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", name, text,
                   id != NULL ? LOGIN_SECONDS : 0, is_tls ? "; Secure" : "");
    sotto_wipe(text, sizeof text);
}

/* Whether an Origin is where the request went to. */
static bool is_own_origin(const struct http_api *api, const struct http_request *request,
                          const char *origin)
{
    const char *host = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Host");
    const char *scheme = api->shared->config->file->api.tls_cert != NULL ? "https://" : "http://";
    size_t bytes = strlen(scheme);
    return host != NULL && strncmp(origin, scheme, bytes) == 0 &&
           strcasecmp(origin + bytes, host) == 0;
}

/* Whether the board's own pages sent it (step 2). */
static bool is_of_board(const struct http_api *api, const struct http_request *request)
{
    struct MHD_Connection *connection = request->connection;
    const char *site = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-Fetch-Site");
    const char *mark = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Sotto-Board");
    const char *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
    if (site != NULL && strcmp(site, "same-origin") != 0) {
        return false;
    }
    return strcmp(request->method, "GET") == 0 ||
           (mark != NULL && origin != NULL && is_own_origin(api, request, origin));
}

bool http_api__find_asker(struct http_api *api, struct asker *out,
                          const struct http_request *request)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t id[LOGIN_BYTES];
    if (read_bearer(hash, request)) {
        return find_token(api, out, hash);
    }
    if (!read_cookie(id, api, request) || !is_of_board(api, request)) {
        return false;
    }
    const uint8_t *of = logins_find(&api->logins, id, clock_ms());
    if (of == NULL || !find_token(api, out, of)) {
        return false;
    }
    out->is_logged_in = true;
    return true;
}

void http_api__answer_unknown(struct http_request *request)
{
    http_answer_detail(request, MHD_HTTP_UNAUTHORIZED, SOTTO_ERROR_AUTH,
                       "the token is missing, wrong or over: send \"Authorization: Bearer TOKEN\" "
                       "with what is in the node's token_file, or what `sotto token new` printed");
}

/* --- Routes --- */

static json_t *make_me_json(const struct http_api *api, const struct asker *asker)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", asker->name, "role",
                     token_role_name(asker->role), "node", api->shared->config->file->name,
                     "version", SOTTO_VERSION);
}

void http_api__post_login(struct http_api *api, struct http_request *request)
{
    struct asker asker;
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t id[LOGIN_BYTES];
    if (!read_bearer(hash, request) || !find_token(api, &asker, hash)) {
        struct wait wait = {.kind = WAIT_TO_REFUSE};
        (void)http_api__wait_for(request, &wait, REFUSE_SECONDS);
        return;
    }
    enum sotto_status status = logins_begin(&api->logins, id, hash, clock_ms());
    if (status != SOTTO_OK) {
        http_answer_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, status, "%s",
                           sotto_status_text(status));
        return;
    }
    set_cookie(request, api, id);
    sotto_wipe(id, sizeof id);
    log_line("the token %s logged in to the board", asker.name);
    http_answer_json(request, MHD_HTTP_OK, make_me_json(api, &asker));
}

void http_api__post_logout(struct http_api *api, struct http_request *request)
{
    uint8_t id[LOGIN_BYTES];
    if (read_cookie(id, api, request)) {
        logins_end(&api->logins, id);
    }
    set_cookie(request, api, NULL);
    http_answer_json(request, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"));
}

void http_api__get_me(struct http_api *api, struct http_request *request)
{
    struct asker asker;
    if (http_api__find_asker(api, &asker, request)) {
        http_answer_json(request, MHD_HTTP_OK, make_me_json(api, &asker));
    } else { /* its token was revoked since the request began */
        http_api__answer_unknown(request);
    }
}
