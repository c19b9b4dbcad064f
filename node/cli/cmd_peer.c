/* SPDX-License-Identifier: Apache-2.0 */

/* sotto peer: the peers in node.yaml. Leans on config/ (contact). The idea: node.yaml is a text
 * that people write too, so nothing of it is rewritten but the lines of one peer; what comes out is
 * read as a node reads it, and must have the peers that were meant, before it takes the old one's
 * place.
 */

#include "cli/command.h"
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

#define CONFIG_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* --- The text of a peer --- */

static void write_entry(struct sotto_writer *writer, const struct contact *contact,
                        const char *indent)
{
    char key[SOTTO_KEY_TEXT_BYTES];
    char pin[PIN_TEXT_BYTES];
    char line[1200];
    sotto_key_to_text(&contact->key, key);
    int bytes = snprintf(line, sizeof line, "%s- name: %s\n%s  key: %s\n", indent, contact->name,
                         indent, key);
    sotto_write_bytes(writer, line, (size_t)bytes);
    if (contact->url[0] != '\0') {
        bytes = snprintf(line, sizeof line, "%s  url: \"%s\"\n", indent, contact->url);
        sotto_write_bytes(writer, line, (size_t)bytes);
    }
    if (contact->has_pin) {
        pin_to_text(pin, contact->pin);
        bytes = snprintf(line, sizeof line, "%s  pin: \"%s\"\n", indent, pin);
        sotto_write_bytes(writer, line, (size_t)bytes);
    }
}

/* Finds the line "peers:" at the left edge. Returns: NULL if there is none. */
static const char *find_peers(const char *text)
{
    const char *at = strncmp(text, "peers:", 6) == 0 ? text : strstr(text, "\npeers:");
    return at != NULL && *at == '\n' ? at + 1 : at;
}

/* Finds how far the entries below a line are indented: as the first one is. */
static void find_indent(char out[32], const char *after)
{
    const char *line = after;
    (void)snprintf(out, 32, "  ");
    while (*line != '\0') {
        size_t blanks = strspn(line, " ");
        if (blanks < 32 && line[blanks] == '-') {
            (void)snprintf(out, 32, "%.*s", (int)blanks, line);
        }
        if (line[blanks] != '#' && line[blanks] != '\n') {
            return;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* Writes the configuration with another peer at the head of its list. */
static enum sotto_status insert_peer(struct sotto_writer *writer, const char *text,
                                     const struct contact *contact, struct sotto_error *err)
{
    char indent[32];
    const char *peers = find_peers(text);
    if (peers == NULL) {
        sotto_write_bytes(writer, text, strlen(text));
        sotto_write_bytes(writer, "\npeers:\n", 8);
        write_entry(writer, contact, "  ");
        return SOTTO_OK;
    }
    const char *value = peers + 6 + strspn(peers + 6, " ");
    bool is_empty = strncmp(value, "[]", 2) == 0;
    if (!is_empty && *value != '\n' && *value != '#' && *value != '\0') {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "peers is written in one line: add the peer by hand, or write one "
                               "line for each");
    }
    const char *rest = is_empty ? value + 2 : peers + 6;
    const char *next = rest + strcspn(rest, "\n");
    next += *next == '\n';
    find_indent(indent, next);
    sotto_write_bytes(writer, text, (size_t)(peers - text));
    sotto_write_bytes(writer, "peers:", 6);
    sotto_write_bytes(writer, rest, (size_t)(next - rest));
    write_entry(writer, contact, indent);
    sotto_write_bytes(writer, next, strlen(next));
    return SOTTO_OK;
}

/* --- Taking a peer out --- */

/* Whether a line, after its "- " and blanks, says that the peer has this name. */
static bool is_name_line(const char *line, const char *name)
{
    line += strspn(line, " -");
    if (strncmp(line, "name:", 5) != 0) {
        return false;
    }
    const char *value = line + 5 + strspn(line + 5, " ");
    char quote = *value == '"' || *value == '\'' ? *value : '\0';
    size_t bytes = strlen(name);
    value += quote != '\0';
    return strncmp(value, name, bytes) == 0 &&
           (quote != '\0' ? value[bytes] == quote : strchr(" #\r\n", value[bytes]) != NULL);
}

static const char *find_next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

/* The lines of one peer below the line "peers:": from its "-" to the last one that is indented
 * deeper. Returns: NULL if there is none of this name, where lines are people's. */
static const char *find_entry(const char **out_end, const char *after, const char *name)
{
    char indent[32];
    find_indent(indent, after);
    size_t depth = strlen(indent);
    const char *entry = NULL;
    bool is_it = false;
    *out_end = NULL;
    for (const char *line = after; *line != '\0'; line = find_next_line(line)) {
        size_t blanks = strspn(line, " ");
        bool is_empty = strchr("#\r\n", line[blanks]) != NULL;
        bool begins = !is_empty && blanks == depth && line[blanks] == '-';
        if (!is_empty && !begins && blanks <= depth) {
            break; /* the list is over */
        }
        if (begins && is_it) {
            break;
        }
        entry = begins ? line : entry;
        is_it = is_it || (entry != NULL && !is_empty && is_name_line(line, name));
        *out_end = is_empty ? *out_end : find_next_line(line);
    }
    return is_it ? entry : NULL;
}

/* Writes the configuration without a peer. is_last: there is no other; a list that is empty has to
 * say so. */
static enum sotto_status cut_peer(struct sotto_writer *writer, const char *text, const char *name,
                                  bool is_last, struct sotto_error *err)
{
    const char *peers = find_peers(text);
    const char *end = NULL;
    const char *entry = peers != NULL ? find_entry(&end, find_next_line(peers), name) : NULL;
    if (entry == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "peers has no lines of a peer %s that can be told: take it out by "
                               "hand",
                               name);
    }
    const char *head = peers + strlen("peers:");
    sotto_write_bytes(writer, text, (size_t)(head - text));
    sotto_write_bytes(writer, " []", is_last ? 3 : 0);
    sotto_write_bytes(writer, head, (size_t)(entry - head));
    sotto_write_bytes(writer, end, strlen(end));
    return SOTTO_OK;
}

/* --- Writing --- */

static enum sotto_status fail_file(struct sotto_error *err, const char *path)
{
    return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
}

static enum sotto_status write_file(const char *path, mode_t mode,
                                    const struct sotto_writer *writer, struct sotto_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return fail_file(err, path);
    }
    bool written = write(fd, writer->data, writer->data_bytes) == (ssize_t)writer->data_bytes &&
                   fsync(fd) == 0;
    enum sotto_status status = written ? SOTTO_OK : fail_file(err, path);
    (void)close(fd);
    return status;
}

/* Which peers there are to be: those that there were, but for removed, and added with them. */
struct change {
    const struct config *before; /* file NULL: one that is read only with the peer that is added */
    const char *removed;         /* a name; NULL: none */
    const struct contact *added; /* NULL: none */
};

static const struct config_peer *find_peer(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->file->peers_count; i++) {
        if (strcmp(config->file->peers[i].name, name) == 0) {
            return &config->file->peers[i];
        }
    }
    return NULL;
}

/* Whether config has the peers that are meant, and no others. */
static bool is_meant(const struct config *config, const struct change *change)
{
    const struct config_file *before = change->before->file;
    if (before == NULL) {
        return config_find_peer(config, &change->added->key) != SOTTO_NONE;
    }
    unsigned len = before->peers_count + (change->added != NULL) - (change->removed != NULL);
    bool good =
        config->file->peers_count == len &&
        (change->added == NULL || config_find_peer(config, &change->added->key) != SOTTO_NONE);
    for (unsigned i = 0; good && i < before->peers_count; i++) {
        const struct config_peer *was = &before->peers[i];
        const struct config_peer *is = find_peer(config, was->name);
        bool stays = change->removed == NULL || strcmp(was->name, change->removed) != 0;
        good = !stays || (is != NULL && strcmp(is->key_text, was->key_text) == 0);
    }
    return good;
}

/* Reads what was written as a node would. */
static enum sotto_status check_config(const char *path, const struct change *change,
                                      struct sotto_error *err)
{
    struct config config = {0};
    enum sotto_status status = config_load(&config, path, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "nothing is changed");
    }
    if (!is_meant(&config, change)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "the list of peers is not written as `sotto peer add` writes it: "
                                 "nothing is changed, do it by hand");
    }
    config_release(&config);
    return status;
}

/* Writes beside the file, reads that as a node would, then puts it in the file's place. */
static enum sotto_status replace_config(const char *path, const struct sotto_writer *writer,
                                        const struct change *change, struct sotto_error *err)
{
    char beside[4200];
    struct stat info;
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", path);
    }
    mode_t mode = stat(path, &info) == 0 ? info.st_mode & 0777 : 0644;
    enum sotto_status status = write_file(beside, mode, writer, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_config(beside, change, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (rename(beside, path) != 0) {
        status = fail_file(err, path);
    }
out:
    if (status != SOTTO_OK) {
        (void)unlink(beside);
    }
    return status;
}

/* text becomes what is in out, terminated by a NUL. */
static enum sotto_status take_text(char **text, struct sotto_writer *out, struct sotto_error *err)
{
    sotto_write_u8(out, '\0');
    if (sotto_writer_status(out) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    size_t bytes;
    sotto_free(*text);
    *text = (char *)sotto_writer_take(out, &bytes);
    sotto_writer_init(out, CONFIG_BYTES_MAX);
    return SOTTO_OK;
}

static enum sotto_status write_change(struct sotto_writer *writer, char **text,
                                      const struct change *change, struct sotto_error *err)
{
    if (change->removed != NULL) {
        bool is_last = change->before->file->peers_count == 1;
        enum sotto_status status = cut_peer(writer, *text, change->removed, is_last, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = take_text(text, writer, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (change->added != NULL) {
        return insert_peer(writer, *text, change->added, err);
    }
    sotto_write_bytes(writer, *text, strlen(*text));
    return SOTTO_OK;
}

static enum sotto_status change_peers(const char *path, const char *removed,
                                      const struct contact *added, struct sotto_error *err)
{
    struct sotto_writer writer;
    struct config before = {0};
    struct change change = {.before = &before, .removed = removed, .added = added};
    char *text = NULL;
    size_t bytes;
    sotto_writer_init(&writer, CONFIG_BYTES_MAX);
    enum sotto_status status = config_load(&before, path, err);
    if (status != SOTTO_OK && removed != NULL) {
        goto out;
    }
    if (removed != NULL && find_peer(&before, removed) == NULL) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s has no peer %s", path, removed);
        goto out;
    }
    status = file_read(path, &text, &bytes, CONFIG_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = write_change(&writer, &text, &change, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = replace_config(path, &writer, &change, err);
out:
    sotto_writer_release(&writer);
    sotto_free(text);
    config_release(&before);
    return status;
}

/* --- The commands --- */

#define RELOAD_TEXT "A node that runs takes it with `sotto reload`, and its next start does.\n"

static int add_peer(const char *path, const char *line, bool replaces)
{
    struct sotto_error err = {0};
    struct contact contact;
    char digits[CONTACT_DIGITS_BYTES];
    if (contact_read(&contact, line, &err) != SOTTO_OK ||
        change_peers(path, replaces ? contact.name : NULL, &contact, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    contact_digits(digits, line);
    (void)printf(
        "%s is a peer now%s. Let %s read its digits to you:\n"
        "%s\n"
        "If they differ, sotto peer remove %s: somebody else wrote that line.\n" RELOAD_TEXT,
        contact.name, replaces ? ", by this line" : "", contact.name, digits, contact.name);
    return EXIT_DONE;
}

static int remove_peer(const char *path, const char *name)
{
    struct sotto_error err = {0};
    if (change_peers(path, name, NULL, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    (void)printf("%s is no peer any more, as far as %s says. " RELOAD_TEXT, name, path);
    return EXIT_DONE;
}

static int list_peers(const char *path)
{
    struct sotto_error err = {0};
    struct config config = {0};
    if (config_load(&config, path, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    for (unsigned i = 0; i < config.file->peers_count; i++) {
        const struct config_peer *peer = &config.file->peers[i];
        (void)printf("%-24s  %s  %s\n", peer->name, peer->key_text,
                     peer->url != NULL ? peer->url : "calls this node");
    }
    config_release(&config);
    return EXIT_DONE;
}

int cmd_peer(const struct args *args)
{
    const char *path = args->config != NULL ? args->config : CONFIG_DEFAULT;
    const char *what = args->positional_len > 0 ? args->positional[0] : "";
    const char *of = args->positional_len == 2 ? args->positional[1] : NULL;
    bool is_list = strcmp(what, "list") == 0 && args->positional_len == 1;
    if (args->outputs_len == 0 && is_list) {
        return list_peers(path);
    }
    if (args->outputs_len == 0 && of != NULL && strcmp(what, "remove") == 0) {
        return remove_peer(path, of);
    }
    bool replaces = strcmp(what, "replace") == 0;
    if (args->outputs_len == 0 && of != NULL && (replaces || strcmp(what, "add") == 0)) {
        return add_peer(path, of, replaces);
    }
    return command_usage("expected: sotto peer list, add LINE, replace LINE or remove NAME; see "
                         "sotto peer --help");
}
