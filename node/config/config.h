/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CONFIG_H
#define SOTTO_NODE_CONFIG_H

/* node.yaml. Every text and array is owned by the configuration; paths are absolute or relative to
 * the working directory (those in the file are relative to the file). NULL: left out. */

#include "config/file_options.h"
#include "config/programs.h"
#include "config/publish.h"

#include <netinet/in.h>
#include <sotto/disclosure.h>
#include <sotto/identity.h>
#include <sotto/plan.h>
#include <stdatomic.h>

struct config_listener {
    char *listen; /* "127.0.0.1:6700", "[::1]:6700"; port 0: any free one */
    char *token_file;
    char *tls_cert, *tls_key;
    char *url; /* peer: where others find it, for `sotto init --show` */
};

#define CONFIG_PIN_BYTES 32

struct config_peer {
    char *name;
    char *key_text;
    char *url;   /* where its peer side answers; NULL: it calls us */
    char *pin;   /* SHA-256 of its https server's public key, in base64 as URLs have it */
    char *ca;    /* certificates that its https is checked against; NULL: the system's */
    bool is_out; /* not in the file any more: its place stays (places.h) */
};

struct config_policy {
    char **ask; /* names of peers who may ask; NULL: all of them */
    unsigned ask_count;
    unsigned min_parties;
    unsigned colluders; /* beside the creator's own party; 0: the protocol's default */
    char **with;        /* names of peers: the parties, beside this node; NULL: any */
    unsigned with_count;
    unsigned *min_rows; /* NULL: the profile's */
    char **datasets;
    unsigned datasets_count;
    struct config_columns *columns;
    unsigned columns_count;
    struct config_publish *publish; /* NULL: nothing */
    unsigned publish_count;
    char **statistics; /* aggregate functions; NULL: all */
    unsigned statistics_count;
    char *profile;          /* "safe" or "open"; NULL: safe */
    unsigned *dominance;    /* per cent; NULL: the profile's */
    unsigned *rounds;       /* at most; NULL: CONFIG_ROUNDS_DEFAULT */
    char *budget;           /* sums per 100 rows, "strict" or both; NULL: the profile's */
    unsigned *refusals;     /* of a creator on a day; NULL: CONFIG_REFUSALS_DEFAULT */
    unsigned *approve_days; /* NULL: CONFIG_APPROVE_DAYS_DEFAULT */
    char *approve;          /* "manual" or "automatic"; NULL: automatic */
    char *exact;            /* "true" or "false"; NULL: true */
    char *verify;           /* "allow" or "require"; NULL: allow */
    char *quantiles;        /* "guarded" or "exact"; NULL: as the profile has it */
    char *extremes;         /* "deny", "guarded" or "exact"; NULL: likewise */
    char *confirm;          /* "true" or "false"; NULL: true */
    char *transcripts;      /* "drop" or "keep"; NULL: drop */
    char *explain;          /* "true" or "false"; NULL: false */
    char *cover;            /* "true" or "false"; NULL: true */
    char *results;          /* "initiator" or "participants"; NULL: initiator */
    char *code;             /* of learning tasks: "deny" or "approved"; NULL: deny */
};

struct config_file {
    char *name;
    char *data_dir;
    char *state_dir;
    char *identity;
    char *log, *log_level; /* "text" or "json"; "info" or "warning"; NULL: the first */
    struct config_listener api;
    struct config_listener *peer;
    struct config_peer *peers;
    unsigned peers_count;
    struct file_words *files; /* that are not read in the usual way */
    unsigned files_count;
    unsigned *rows_memory_mb, *sources_memory_mb;
    struct config_policy policy;
    struct config_learning learning;
};

struct config {
    struct config_file *file;
    atomic_uint holders; /* besides who loaded it: config_hold */
    size_t places_max;   /* peers that there may be until the node is restarted (places.h) */
    struct sotto_key *peer_keys;            /* of file->peers, in their order */
    uint8_t (*peer_pins)[CONFIG_PIN_BYTES]; /* likewise; 0 where there is none */
    size_t rows_memory;                     /* bytes of a file's rows between rounds */
    size_t sources_memory;                  /* of all rows of databases */
    struct sotto_rules rules;               /* of disclosure control, those in force */
    unsigned rounds;
    unsigned refusals;     /* of a creator on a day: then its plans wait for the owner */
    unsigned approve_days; /* that a plan waits for the owner, and that a decision stands */
    bool approves_by_hand, runs_code;      /* plans; code of others that the owner approved */
    bool hides_exact, requires_verify;     /* takes plans only whose parties check all sums */
    bool signs_nothing, keeps_transcripts; /* of results that it checks */
    bool explains, publishes; /* columns that are not there; results, to all who took part */
};

/* Reads and checks a file. Returns: SOTTO_ERROR_NOT_FOUND; SOTTO_ERROR_INPUT naming file, line
 * where there is one, key, what was expected. Ownership: *out is ended by config_release. Threads:
 * a loaded configuration never changes, any thread may read it. */
enum sotto_status config_load(struct config *out, const char *path,
                              struct sotto_error *err) SOTTO_NODISCARD;
/* Frees all that config_load made; config may be zeroed, and is afterwards. */
void config_release(struct config *config);

/* config_yaml.c: the file as it stands, unchecked but for its keys. Returns: SOTTO_ERROR_NOT_FOUND,
 * SOTTO_ERROR_INPUT. Ownership: *out, whose texts are malloc's, is ended by config_yaml_free. */
enum sotto_status config_yaml_load(struct config_file **out, const char *path,
                                   struct sotto_error *err) SOTTO_NODISCARD;
void config_yaml_free(struct config_file *file);
/* The line of a key ("policy.ask"), or of the part of it that is there; 0: none. */
unsigned config_line(const char *path, const char *key);

/* config_policy.c: checks policy and files, and fills in what they mean. */
enum sotto_status config_check_policy(struct config *config, const char *path,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* "host:port" with a numeric host. Returns: false if it is not. */
bool config_parse_listen(struct sockaddr_storage *out, socklen_t *out_bytes, const char *text);

/* Whether policy lets the peer of this name ask, offers this file, and lets tasks name a column of
 * it, which the star means then. */
bool config_may_ask(const struct config *config, const char *peer_name);
bool config_offers(const struct config *config, const char *file_name);
bool config_shows(const struct config *config, const char *file_name, const char *column);

/* What the owner says of a column. config: a struct config, as sotto_disclosure hands it on. */
enum sotto_column_kind config_column_kind(const void *config, const char *file_name,
                                          const char *column);

/* How a file is read, or NULL: the usual way. Where its rows are, or NULL: in that file. */
const struct file_words *config_words_of(const struct config *config, const char *file_name);
const struct source_words *config_source_of(const struct config *config, const char *file_name);

/* Whether text may name a file below data_dir: relative, no "..", no empty part, no control
 * character. (Opening it is checked again, against links: datasets.c.) */
bool config_is_safe_file_name(const char *text);

/* The index of a pinned key among the peers that are not out, or SOTTO_NONE. */
size_t config_find_peer(const struct config *config, const struct sotto_key *key);

#endif
