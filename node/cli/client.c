/* SPDX-License-Identifier: Apache-2.0 */

/* Calls of a node's API, on libcurl: one at a time, the token with each. The idea: the token goes
 * only to a node on this machine or over https, and what a node says of an error is told as it is.
 */

#include "cli/client.h"

#include "config/address.h"
#include "config/proxy.h"
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RESPONSE_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define HTTP_OK 200
#define HTTP_UNAUTHORIZED 401

void client_release(struct client *client)
{
    curl_easy_cleanup(client->easy);
    curl_slist_free_all(client->headers);
    sotto_writer_release(&client->response);
    curl_global_cleanup();
}

static size_t on_response(char *data, size_t size, size_t len, void *context)
{
    struct client *client = context;
    sotto_write_bytes(&client->response, data, size * len);
    return sotto_writer_status(&client->response) == SOTTO_OK ? size * len : 0;
}

static int on_progress(void *context, curl_off_t down_bytes, curl_off_t down_now,
                       curl_off_t up_bytes, curl_off_t up_now)
{
    const struct client *client = context;
    (void)down_bytes;
    (void)down_now;
    (void)up_bytes;
    (void)up_now;
    return client->tick == NULL || client->tick(client->tick_context) ? 0 : 1;
}

/* Whether a URL's host is this machine. */
static bool is_loopback(const char *url)
{
    static const char *const names[] = {"localhost", "[::1]"};
    const char *host = strncasecmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t bytes = strcspn(host, "/?#");
    if (memchr(host, '@', bytes) != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t name_bytes = strlen(names[i]);
        if (strncasecmp(host, names[i], name_bytes) == 0 &&
            (name_bytes == bytes || host[name_bytes] == ':')) {
            return true;
        }
    }
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.:") == bytes;
}

static enum sotto_status set_token(struct client *client, struct sotto_error *err)
{
    char header[sizeof client->target.token + 32];
    const char *base = client->target.base;
    if (client->target.token[0] == '\0') {
        return SOTTO_OK;
    }
    if (strncasecmp(base, "https://", 8) != 0 && !is_loopback(base)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "%s is neither https nor this machine: the token would travel in "
                               "the clear",
                               base);
    }
    (void)snprintf(header, sizeof header, "Authorization: Bearer %s", client->target.token);
    client->headers = curl_slist_append(client->headers, header);
    sotto_wipe(header, sizeof header);
    return SOTTO_OK;
}

/* Refuses a base that is neither a URL nor what stands behind its http://. */
static enum sotto_status check_base(const char *base, const char *source, struct sotto_error *err)
{
    char url[512];
    const char *scheme = strstr(base, "://") != NULL ? "" : "http://";
    int bytes = snprintf(url, sizeof url, "%s%s", scheme, base);
    if (bytes < 0 || (size_t)bytes >= sizeof url || !address_is_url(url)) {
        return sotto_error_set(
            err, SOTTO_ERROR_INPUT,
            "%s %.400s: expected a node's address, such as http://127.0.0.1:6700", source, base);
    }
    return SOTTO_OK;
}

static void set_options(struct client *client)
{
    (void)curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, on_response);
    (void)curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
    (void)curl_easy_setopt(client->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(client->easy, CURLOPT_XFERINFODATA, client);
    (void)curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(client->easy, CURLOPT_CONNECTTIMEOUT, 10L);
    (void)curl_easy_setopt(client->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(client->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (is_loopback(client->target.base)) {
        (void)curl_easy_setopt(client->easy, CURLOPT_PROXY, "");
    }
    if (client->target.ca[0] != '\0') {
        (void)curl_easy_setopt(client->easy, CURLOPT_CAINFO, client->target.ca);
    }
}

enum sotto_status client_init(struct client *client, const struct args *args,
                              struct sotto_error *err)
{
    *client = (struct client){.easy = NULL};
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    sotto_writer_init(&client->response, RESPONSE_BYTES_MAX);
    client->easy = curl_easy_init();
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (client->easy == NULL || client->headers == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "libcurl does not start");
    }
    enum sotto_status status = target_find(&client->target, args, err);
    if (status == SOTTO_OK) {
        status = set_token(client, err);
    }
    sotto_wipe(client->target.token, sizeof client->target.token);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_base(client->target.base, client->target.base_source, err);
    if (status != SOTTO_OK) {
        return status;
    }
    set_options(client);
    return SOTTO_OK;
}

/* Sets the error that the node answered. */
static enum sotto_status set_node_error(const struct client *client, long http_status,
                                        struct sotto_error *err)
{
    json_t *object =
        json_loadb((const char *)client->response.data, client->response.data_bytes, 0, NULL);
    const char *detail = json_string_value(json_object_get(object, "detail"));
    if (http_status == HTTP_UNAUTHORIZED) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED,
                              "%s wants another token, or has none yet: it is in the file `token` "
                              "of the node's folder. Run sotto there, or say --config NODE.YAML, "
                              "--token-file FILE or SOTTO_TOKEN",
                              client->target.base);
    } else if (detail != NULL) {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", detail);
    } else {
        (void)sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s answers with HTTP status %ld",
                              client->target.base, http_status);
    }
    json_decref(object);
    return SOTTO_ERROR_REFUSED;
}

enum sotto_status client_call(struct client *client, const char *path, const char *body,
                              struct sotto_error *err)
{
    char url[1024];
    long http_status = 0;
    size_t base_bytes = strlen(client->target.base);
    if (base_bytes > 0 && client->target.base[base_bytes - 1] == '/') {
        base_bytes--;
    }
    (void)snprintf(url, sizeof url, "%.*s%s", (int)base_bytes, client->target.base, path);
    sotto_writer_release(&client->response);
    sotto_writer_init(&client->response, RESPONSE_BYTES_MAX);
    (void)curl_easy_setopt(client->easy, CURLOPT_URL, url);
    if (body != NULL) {
        (void)curl_easy_setopt(client->easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    } else {
        (void)curl_easy_setopt(client->easy, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(client->easy, CURLOPT_NOPROGRESS, client->tick == NULL ? 1L : 0L);
    CURLcode code = curl_easy_perform(client->easy);
    if (code != CURLE_OK) {
        char proxy[PROXY_TEXT_BYTES] = "";
        if (!is_loopback(client->target.base)) {
            proxy_describe(proxy, client->target.base);
        }
        if (code == CURLE_SSL_CACERT_BADFILE) {
            return sotto_error_set(err, SOTTO_ERROR_IO,
                                   "%s: expected certificates (PEM) in this file, which --ca, "
                                   "SOTTO_CA or api.tls_cert names",
                                   client->target.ca);
        }
        return sotto_error_set(err, SOTTO_ERROR_IO, "the node at %s can't be reached%s: %s%s",
                               client->target.base, proxy, curl_easy_strerror(code),
                               code == CURLE_PEER_FAILED_VERIFICATION
                                   ? ": say --ca FILE (SOTTO_CA) with the certificate of its API "
                                     "or of who signed that"
                                   : "");
    }
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &http_status);
    return http_status == HTTP_OK ? SOTTO_OK : set_node_error(client, http_status, err);
}

const char *client_reveal(char out[CLIENT_TEXT_BYTES], const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);
    out[0] = '\0';
    if (json_is_string(text)) {
        sotto_text_reveal(out, CLIENT_TEXT_BYTES, json_string_value(text),
                          json_string_length(text));
    }
    return out;
}

enum sotto_status client_json(struct client *client, json_t **out, const char *path,
                              const char *body, struct sotto_error *err)
{
    enum sotto_status status = client_call(client, path, body, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = json_loadb((const char *)client->response.data, client->response.data_bytes, 0, NULL);
    return *out != NULL
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "%s does not answer like a sotto node",
                                 client->target.base);
}
