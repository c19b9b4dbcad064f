/* SPDX-License-Identifier: Apache-2.0 */

/* sotto init: a new node, and the line that others get to know it by. Leans on config/ (contact,
 * certificate, keys). The idea: node.yaml is a text that people write too, so it is made with
 * comments. */

#include "cli/command.h"
#include "config/address.h"
#include "config/certificate.h"
#include "config/contact.h"
#include "config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define API_PORT_DEFAULT 6700U
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

/* Where only this machine calls it, no other one can. */
static bool is_loopback(const struct address *address)
{
    return strncmp(address->host, "127.", 4) == 0 &&
           strspn(address->host, "0123456789.") == strlen(address->host);
}

/* address: NULL for a node that nobody calls. */
static void write_peer_section(FILE *out, const struct address *address)
{
    if (address == NULL) {
        (void)fputs("# Nobody calls this node: it calls the others, and needs no open port. To be "
                    "called, and\n"
                    "# to create tasks: sotto init NAME --listen HOST:PORT in another folder.\n",
                    out);
        return;
    }
    (void)fprintf(
        out,
        "peer:                        # the side that other nodes call; tasks can be created here\n"
        "  listen: \"%s:%s\"\n"
        "  url: \"https://%s%s%s:%s\"  # where they find it\n"
        "  tls_cert: cert.pem         # its own; the others know its key by a hash\n"
        "  tls_key: cert.key\n",
        is_loopback(address) ? address->host : "0.0.0.0", address->port, address->is_v6 ? "[" : "",
        address->host, address->is_v6 ? "]" : "", address->port);
}

static void write_datasets(FILE *out, const struct args *args)
{
    (void)fputs("  datasets: [", out);
    for (size_t i = 0; i < args->data_len; i++) {
        (void)fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", args->data[i]);
    }
    (void)fputs("]  # the files below data_dir that tasks may read\n", out);
}

static unsigned choose_api_port(const struct args *args)
{
    return args->api_port > 0 ? args->api_port : API_PORT_DEFAULT;
}

static enum sotto_status write_config(const struct args *args, const char *name,
                                      const struct address *address, struct sotto_error *err)
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
        "identity: node.key           # this node's secret: keep it, and keep it to yourself\n"
        "api:\n"
        "  listen: \"127.0.0.1:%u\"   # for your own people, with the token in the file "
        "`token`\n",
        name, choose_api_port(args));
    write_peer_section(out, address);
    (void)fputs("peers: []                    # sotto peer add LINE\n"
                "policy:\n",
                out);
    write_datasets(out, args);
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

static enum sotto_status make_node(const struct args *args, const char *name,
                                   struct sotto_error *err)
{
    struct address address = {.is_v6 = false};
    struct sotto_key key;
    if (args->listen != NULL && !address_parse(&address, args->listen, strlen(args->listen))) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "--listen %s: expected " ADDRESS_EXPECTED,
                               args->listen);
    }
    if (address.port[0] == '\0') {
        (void)snprintf(address.port, sizeof address.port, PEER_PORT_DEFAULT);
    }
    for (size_t i = 0; i < args->data_len; i++) {
        enum sotto_status status = check_data(args->data[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (access(CONFIG_DEFAULT, F_OK) == 0) {
        errno = EEXIST;
        return set_file_error(err, CONFIG_DEFAULT);
    }
    if (mkdir("data", 0700) != 0 && errno != EEXIST) {
        return set_file_error(err, "data");
    }
    enum sotto_status status = identity_file_create("node.key", &key, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (args->listen != NULL) {
        status = certificate_create("cert.pem", "cert.key", address.host, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return write_config(args, name, args->listen != NULL ? &address : NULL, err);
}

int cmd_init(const struct args *args)
{
    struct sotto_error err = {0};
    struct contact contact;
    const char *config = args->config != NULL ? args->config : CONFIG_DEFAULT;
    bool makes = args->positional_len == 1 && !args->is_shown && args->config == NULL;
    bool shows = args->positional_len == 0 && args->is_shown && args->show == NULL &&
                 args->listen == NULL && args->api_port == 0 && args->data_len == 0;
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
    if (makes && make_node(args, name, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (read_own_contact(&contact, config, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (makes) {
        (void)fprintf(stderr, "Made node.yaml, node.key%s and the folder data for %s.\n",
                      args->listen != NULL ? ", cert.pem, cert.key" : "", name);
        (void)fprintf(
            stderr,
            "When `sotto node` runs here, its board is at http://127.0.0.1:%u: log in with "
            "what the\nfile token has.\n",
            choose_api_port(args));
    }
    print_contact(&contact);
    return EXIT_DONE;
}
