/* SPDX-License-Identifier: Apache-2.0 */

/* sotto init: a new node, and the line that others get to know it by. Leans on config/ (contact,
 * certificate, keys). The idea: node.yaml is a text that people write too, so it is made with
 * comments. */

#include "cli/command.h"
#include "config/address.h"
#include "config/certificate.h"
#include "config/contact.h"
#include "config/keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define API_PORT_DEFAULT "6700"
#define PEER_PORT_DEFAULT "6701"

/* --- The line of a node --- */

static enum sotto_status read_own_contact(struct contact *out, const char *config_path,
                                          struct sotto_error *err)
{
    struct config config = {0};
    struct sotto_identity *identity = NULL;
    struct contact contact = {.has_pin = false};
    enum sotto_status status = config_load(&config, config_path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct config_listener *peer = config.file->peer;
    status = identity_file_load(config.file->identity, &identity, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    contact.key = sotto_identity_key(identity);
    (void)snprintf(contact.name, sizeof contact.name, "%s", config.file->name);
    if (peer != NULL && peer->url != NULL) {
        (void)snprintf(contact.url, sizeof contact.url, "%s", peer->url);
        contact.has_pin = peer->tls_cert != NULL && strncmp(peer->url, "https://", 8) == 0;
    }
    if (peer != NULL && contact.has_pin) {
        status = certificate_pin(contact.pin, peer->tls_cert, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    *out = contact;
out:
    sotto_identity_free(identity);
    config_release(&config);
    return status;
}

static void print_contact(const struct contact *contact)
{
    char text[CONTACT_TEXT_BYTES];
    char digits[CONTACT_DIGITS_BYTES];
    contact_write(text, contact);
    contact_digits(digits, text);
    (void)printf("%s\n", text);
    (void)fprintf(stderr,
                  "Give this line to the others, who say `sotto peer add` with it, and read them\n"
                  "these digits aloud: %s\n",
                  digits);
}

/* --- sotto init --- */

/* Sets the error that errno says of a file. */
static enum sotto_status set_file_error(struct sotto_error *err, const char *path)
{
    return sotto_error_set(
        err, errno == EEXIST ? SOTTO_ERROR_STATE : SOTTO_ERROR_IO, "%s: %s", path,
        errno == EEXIST ? "is there already and is not overwritten" : strerror(errno));
}

/* A node that is to be made. */
struct new_node {
    const char *name;
    const struct args *args;
    bool is_called; /* by others, there: */
    struct address peer;
    bool is_shared; /* its API, with other machines */
    struct address api;
};

/* Where only this machine calls it, no other one can. Returns: that address as a number; NULL where
 * others can. */
static const char *find_loopback(const struct address *address)
{
    struct in6_addr v6;
    struct in_addr v4;
    if (address->is_v6) {
        return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6) ? "::1"
                                                                                         : NULL;
    }
    if (strcasecmp(address->host, "localhost") == 0) {
        return "127.0.0.1";
    }
    bool is_own = inet_pton(AF_INET, address->host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
    return is_own ? address->host : NULL;
}

/* What is listened on where others find a node at an address: there, or on all interfaces. */
static void write_listen(FILE *out, const struct address *address)
{
    const char *own = find_loopback(address);
    const char *any = address->is_v6 ? "::" : "0.0.0.0";
    (void)fprintf(out, "  listen: \"%s%s%s:%s\"\n", address->is_v6 ? "[" : "",
                  own != NULL ? own : any, address->is_v6 ? "]" : "", address->port);
}

static void print_url(FILE *out, const struct address *address)
{
    (void)fprintf(out, "https://%s%s%s:%s", address->is_v6 ? "[" : "", address->host,
                  address->is_v6 ? "]" : "", address->port);
}

static void write_peer_section(FILE *out, const struct new_node *node)
{
    if (!node->is_called) {
        (void)fputs("# Nobody calls this node: it calls the others, and needs no open port. To be "
                    "called, and\n"
                    "# to create tasks: sotto init NAME --listen HOST:PORT in another folder.\n",
                    out);
        return;
    }
    (void)fputs("peer:                        # the side that other nodes call; tasks can be "
                "created here\n",
                out);
    write_listen(out, &node->peer);
    (void)fputs("  url: \"", out);
    print_url(out, &node->peer);
    (void)fputs("\"  # where they find it\n"
                "  tls_cert: cert.pem         # its own; the others know its key by a hash\n"
                "  tls_key: cert.key\n",
                out);
}

static void write_api_section(FILE *out, const struct new_node *node)
{
    (void)fputs("api:                         # for your own people, with the token in the file "
                "`token`\n",
                out);
    write_listen(out, &node->api);
    if (node->is_shared) {
        (void)fputs("  tls_cert: api.pem          # they check it against a copy: sotto --ca\n"
                    "  tls_key: api.key\n",
                    out);
    }
}

static void write_datasets(FILE *out, const struct args *args)
{
    (void)fputs("  datasets: [", out);
    for (size_t i = 0; i < args->data_len; i++) {
        (void)fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", args->data[i]);
    }
    (void)fputs("]  # the files below data_dir that tasks may read\n", out);
}

static enum sotto_status write_config(const struct new_node *node, struct sotto_error *err)
{
    int fd = open(CONFIG_DEFAULT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        enum sotto_status status = set_file_error(err, CONFIG_DEFAULT);
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    (void)fprintf(
        out,
        "# A Sotto node. node/CONFIG.md explains every key; `sotto check plan.json` says what the\n"
        "# policy below says to a plan.\n"
        "name: %s\n"
        "data_dir: data               # what stands in it leaves it only as aggregates\n"
        "state_dir: state             # tasks, results, the log\n"
        "identity: node.key           # this node's secret: keep it, and keep it to yourself\n",
        node->name);
    write_api_section(out, node);
    write_peer_section(out, node);
    (void)fputs("peers: []                    # sotto peer add LINE\n"
                "policy:\n",
                out);
    write_datasets(out, node->args);
    (void)fputs(
        "  # ask: [birch]             # who may ask; left out: every peer\n"
        "  # columns: [{dataset: wages.csv, hide: [name]}]\n"
        "  # publish: [{dataset: wages.csv, types: true}]   # told by `sotto datasets`\n"
        "  # statistics: [count, sum, mean]   # left out: all\n"
        "  profile: safe              # open: whatever a plan says, to peers that you trust\n"
        "  min_parties: 3             # no task with fewer\n"
        "  min_rows: 10               # of your own, in every set of rows that is told\n"
        "  approve: automatic         # manual: each task waits for `sotto approve`\n",
        out);
    bool written = fflush(out) == 0 && fsync(fileno(out)) == 0;
    written = fclose(out) == 0 && written;
    return written ? SOTTO_OK : set_file_error(err, CONFIG_DEFAULT);
}

static bool is_in_data(const char *name)
{
    char path[4200];
    return snprintf(path, sizeof path, "data/%s", name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* Files may come after the node, so that a name alone says whether it is one. */
static enum sotto_status check_data(const char *name, struct sotto_error *err)
{
    if (!config_is_safe_file_name(name) || strpbrk(name, "\"\\") != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "--data %s: expected the name of a file below the folder data",
                               name);
    }
    if (strchr(name, ',') != NULL && !is_in_data(name)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "--data %s: there is no such file in the folder data; of several "
                               "files each has a --data of its own",
                               name);
    }
    return SOTTO_OK;
}

/* PORT is on this machine; HOST:PORT is where others find it. */
static bool parse_api(struct new_node *in_out, const char *text)
{
    char own[32];
    in_out->is_shared = text[strspn(text, "0123456789")] != '\0';
    if (in_out->is_shared) {
        return address_parse(&in_out->api, text, strlen(text)) && in_out->api.port[0] != '\0';
    }
    (void)snprintf(own, sizeof own, "127.0.0.1:%.10s", text);
    return address_parse(&in_out->api, own, strlen(own));
}

static enum sotto_status find_addresses(struct new_node *in_out, struct sotto_error *err)
{
    const char *api = in_out->args->api != NULL ? in_out->args->api : API_PORT_DEFAULT;
    const char *listen = in_out->args->listen;
    if (!parse_api(in_out, api)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "--api %s: expected a port of this machine, or " ADDRESS_EXPECTED,
                               api);
    }
    in_out->is_called = listen != NULL;
    if (listen != NULL && !address_parse(&in_out->peer, listen, strlen(listen))) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "--listen %s: expected " ADDRESS_EXPECTED,
                               listen);
    }
    if (in_out->peer.port[0] == '\0') {
        (void)snprintf(in_out->peer.port, sizeof in_out->peer.port, PEER_PORT_DEFAULT);
    }
    if (in_out->is_called &&
        strtoul(in_out->api.port, NULL, 10) == strtoul(in_out->peer.port, NULL, 10)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the API and the side that other nodes call would listen on port %s "
                               "both: expected two ports, of --api and of --listen",
                               in_out->peer.port);
    }
    return SOTTO_OK;
}

/* Nothing is made where something is there already: half a node could not be made again. */
static enum sotto_status check_free(const struct new_node *node, struct sotto_error *err)
{
    const char *const files[] = {CONFIG_DEFAULT,
                                 "node.key",
                                 node->is_called ? "cert.pem" : NULL,
                                 node->is_called ? "cert.key" : NULL,
                                 node->is_shared ? "api.pem" : NULL,
                                 node->is_shared ? "api.key" : NULL};
    struct stat info;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL && lstat(files[i], &info) == 0) {
            errno = EEXIST;
            return set_file_error(err, files[i]);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status make_certificates(const struct new_node *node, struct sotto_error *err)
{
    if (node->is_called) {
        enum sotto_status status = certificate_create("cert.pem", "cert.key", node->peer.host, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return node->is_shared ? certificate_create("api.pem", "api.key", node->api.host, err)
                           : SOTTO_OK;
}

static enum sotto_status make_node(struct new_node *node, struct sotto_error *err)
{
    struct sotto_key key;
    enum sotto_status status = find_addresses(node, err);
    for (size_t i = 0; status == SOTTO_OK && i < node->args->data_len; i++) {
        status = check_data(node->args->data[i], err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_free(node, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mkdir("data", 0700) != 0 && errno != EEXIST) {
        return set_file_error(err, "data");
    }
    status = identity_file_create("node.key", &key, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_certificates(node, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return write_config(node, err);
}

/* Says what was made, and where the node's own people find it. */
static void tell_made(const struct new_node *node)
{
    (void)fprintf(stderr, "Made node.yaml, node.key%s%s and the folder data for %s.\n",
                  node->is_called ? ", cert.pem, cert.key" : "",
                  node->is_shared ? ", api.pem, api.key" : "", node->name);
    (void)fputs("When `sotto node` runs here, its board is at ", stderr);
    if (node->is_shared) {
        print_url(stderr, &node->api);
    } else {
        (void)fprintf(stderr, "http://%s:%s", node->api.host, node->api.port);
    }
    (void)fputs(": log in with what the\nfile token has.\n", stderr);
    if (node->is_shared) {
        (void)fputs("Give a copy of api.pem to those who call it from other machines, for "
                    "sotto --ca and their\nbrowsers: it is signed by nobody else.\n",
                    stderr);
    }
}

int cmd_init(const struct args *args)
{
    struct sotto_error err = {0};
    struct contact contact;
    const char *config = args->config != NULL ? args->config : CONFIG_DEFAULT;
    bool makes = args->positional_len == 1 && !args->is_shown && args->config == NULL;
    bool shows = args->positional_len == 0 && args->is_shown && args->show == NULL &&
                 args->listen == NULL && args->api == NULL && args->data_len == 0;
    if (args->outputs_len > 0 || (!makes && !shows)) {
        return command_usage("expected: sotto init NAME, or sotto init --show; see sotto init "
                             "--help");
    }
    const char *name = makes ? args->positional[0] : "";
    if (makes &&
        (strlen(name) > 64 || name[0] == '\0' ||
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
             strlen(name))) {
        return command_usage("%s: expected a name of at most 64 letters, digits, points, hyphens "
                             "and underscores",
                             name);
    }
    struct new_node node = {.name = name, .args = args};
    if (makes && make_node(&node, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (read_own_contact(&contact, config, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (makes) {
        tell_made(&node);
    }
    print_contact(&contact);
    return EXIT_DONE;
}
