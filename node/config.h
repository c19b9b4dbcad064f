/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CONFIG_H
#define SOTTO_NODE_CONFIG_H

/* node.yaml. Every text and array is owned by the configuration; paths are absolute or relative to
 * the working directory (those in the file are relative to the file). NULL: left out. */

#include <netinet/in.h>
#include <sotto/identity.h>
#include <sotto/plan.h>

struct config_listener {
    char *listen; /* "127.0.0.1:6700", "[::1]:6700"; port 0: any free one */
    char *token_file;
    char *tls_cert;
    char *tls_key;
};

struct config_peer {
    char *name;
    char *key_text;
    char *url; /* where its peer side answers; NULL: it calls us */
    char *ca;  /* certificates that its https is checked against; NULL: the system's */
};

struct config_policy {
    char **ask; /* names of peers who may ask; NULL: all of them */
    unsigned ask_count;
    unsigned min_parties;
    unsigned *min_rows;
    char **datasets;
    unsigned datasets_count;
    char *expressions; /* "bare", "polynomial" or "any"; NULL: polynomial */
};

struct config_file {
    char *name;
    char *data_dir;
    char *state_dir;
    char *identity;
    struct config_listener api;
    struct config_listener *peer;
    struct config_peer *peers;
    unsigned peers_count;
    struct config_policy policy;
};

struct config {
    struct config_file *file;
    struct sotto_key *peer_keys; /* of file->peers, in their order */
    uint64_t min_rows;
    enum sotto_plan_class expressions; /* the worst class of plan that is taken */
};

#define CONFIG_MIN_ROWS_DEFAULT 10

/* Reads and checks a file. Returns: SOTTO_ERROR_INPUT naming file, line where there is one, key,
 * what was expected. */
enum sotto_status config_load(struct config *out, const char *path,
                              struct sotto_error *err) SOTTO_NODISCARD;
void config_release(struct config *config);

/* "host:port" with a numeric host. Returns: false if it is not. */
bool config_parse_listen(struct sockaddr_storage *out, socklen_t *out_bytes, const char *text);
bool config_is_loopback(const struct sockaddr_storage *address);

/* Whether policy lets the peer of this name ask, and offers this file. */
bool config_may_ask(const struct config *config, const char *peer_name);
bool config_offers(const struct config *config, const char *file_name);

/* Whether text may name a file below data_dir: relative, no "..", no empty part, no control
 * character. (Opening it is checked again, against links: datasets.c.) */
bool config_is_safe_file_name(const char *text);

#endif
