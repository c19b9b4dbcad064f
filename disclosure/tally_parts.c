/* SPDX-License-Identifier: Apache-2.0 */

/* A ledger's rows in parts (sotto/part.h). Leans on tally_bytes.c for atoms, and on tally.c, which
 * gets ready for rows by what a ledger knows.
 *
 * The one idea: whoever reads some of the rows gets ready for them by the same texts and the same
 * catalogue, and so sees the same predicates, measures and pairs as the party that has the ledger;
 * what was gathered then only adds up. What is asked holds the ledger's sketch key: it is for those
 * who read the party's rows, and for nobody else. */

#include "tally.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* Of a text that was asked before: a ledger keeps longer ones in several entries. */
#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define CATALOGUE_BYTES_MAX ((size_t)1 << 28)
#define ATOMS_BYTES_MAX ((size_t)1 << 31)

/* --- What is asked --- */

static void write_texts(struct sotto_writer *writer, const struct sotto_ledger_texts *texts,
                        size_t len)
{
    sotto_write_u32(writer, (uint32_t)len);
    for (size_t i = 0; i < len; i++) {
        sotto_write_blob(writer, texts->texts[i], strlen(texts->texts[i]));
    }
}

/* What workers need but the sketches' key. Returns: false without memory; *out is ended by
 * sotto_writer_release. */
static bool write_watched(struct sotto_writer *out, const struct tallied *tallied)
{
    const char *key_column = sotto__tally_find_key(tallied->catalogue);
    struct sotto_buffer catalogue = {0};
    sotto_writer_init(out, SIZE_MAX);
    if (sotto_catalogue_encode(tallied->catalogue, &catalogue) != SOTTO_OK) {
        return false;
    }
    write_texts(out, &tallied->predicates, tallied->known_len);
    write_texts(out, &tallied->old, tallied->old.len);
    sotto_write_blob(out, key_column, key_column != NULL ? strlen(key_column) : 0);
    sotto_write_blob(out, catalogue.data, catalogue.data_bytes);
    sotto_buffer_release(&catalogue);
    return sotto_writer_status(out) == SOTTO_OK;
}

/* The room for all is made at once: a writer that grows leaves copies of the key behind. */
enum sotto_status sotto__tally_ask_parts(void *context, struct sotto_buffer *out, size_t dataset,
                                         struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct sotto_writer watched;
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    bool has_memory = write_watched(&watched, &tally->datasets[dataset]);
    if (has_memory) {
        sotto_writer_reserve(&writer, sizeof tally->key->words + watched.data_bytes);
        for (size_t i = 0; i < sizeof tally->key->words / sizeof tally->key->words[0]; i++) {
            sotto_write_u64(&writer, tally->key->words[i]);
        }
        sotto_write_bytes(&writer, watched.data, watched.data_bytes);
    }
    sotto_writer_release(&watched);
    if (!has_memory || sotto_writer_status(&writer) != SOTTO_OK) {
        sotto_writer_release(&writer);
        return sotto_error_no_memory(err);
    }
    *out = (struct sotto_buffer){0};
    out->data = sotto_writer_take(&writer, &out->data_bytes);
    return SOTTO_OK;
}

/* --- Being asked --- */

static void read_key(struct sotto_tally *tally, struct sotto_reader *reader)
{
    for (size_t i = 0; i < sizeof tally->own_key.words / sizeof tally->own_key.words[0]; i++) {
        tally->own_key.words[i] = sotto_read_u64(reader);
    }
    if ((tally->own_key.words[1] & tally->own_key.words[3] & 1) == 0) {
        sotto_reader_fail(reader);
    }
    tally->key = &tally->own_key;
}

/* Each once. */
static enum sotto_status read_texts(struct sotto_ledger_texts *out, struct sotto_reader *reader)
{
    uint32_t len = sotto_read_u32(reader);
    for (uint32_t i = 0; i < len && !reader->failed; i++) {
        size_t bytes = 0;
        const uint8_t *data = sotto_read_blob(reader, &bytes, TEXT_BYTES_MAX);
        if (data == NULL || memchr(data, 0, bytes) != NULL) {
            sotto_reader_fail(reader);
            return SOTTO_OK;
        }
        char *text = sotto_text_copy((const char *)data, bytes);
        enum sotto_status status =
            text != NULL ? sotto_ledger_texts_add(out, text) : SOTTO_ERROR_NO_MEMORY;
        sotto_free(text);
        if (status != SOTTO_OK) {
            return status;
        }
        if (out->len != (size_t)i + 1) {
            sotto_reader_fail(reader);
        }
    }
    return SOTTO_OK;
}

/* The column is marked as one that may be read though it is hidden. */
static void mark_key(const struct sotto_catalogue *catalogue, struct sotto_reader *reader,
                     const uint8_t *key, size_t key_bytes)
{
    size_t at = 0;
    while (at < catalogue->columns_len &&
           (strlen(catalogue->columns[at].name) != key_bytes ||
            memcmp(catalogue->columns[at].name, key, key_bytes) != 0)) {
        at++;
    }
    if (at == catalogue->columns_len) {
        sotto_reader_fail(reader);
        return;
    }
    catalogue->columns[at].is_key = true;
}

static enum sotto_status read_catalogue(struct sotto_tally *tally, struct sotto_reader *reader)
{
    size_t key_bytes = 0;
    size_t bytes = 0;
    const uint8_t *key = sotto_read_blob(reader, &key_bytes, SOTTO_CSV_NAME_BYTES_MAX);
    const uint8_t *data = sotto_read_blob(reader, &bytes, CATALOGUE_BYTES_MAX);
    if (!sotto_reader_finished(reader)) {
        sotto_reader_fail(reader);
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_catalogue_decode(&tally->catalogue, data, bytes);
    if (status != SOTTO_OK) {
        sotto_reader_fail(reader);
        return status == SOTTO_ERROR_NO_MEMORY ? status : SOTTO_OK;
    }
    if (key_bytes > 0) {
        mark_key(tally->catalogue, reader, key, key_bytes);
    }
    return SOTTO_OK;
}

static enum sotto_status read_asked(struct sotto_tally *tally, const void *asked,
                                    size_t asked_bytes, struct sotto_error *err)
{
    struct sotto_reader reader;
    struct tallied *tallied = &tally->datasets[0];
    sotto_reader_init(&reader, asked, asked_bytes);
    read_key(tally, &reader);
    if (read_texts(&tallied->predicates, &reader) != SOTTO_OK ||
        read_texts(&tallied->old, &reader) != SOTTO_OK ||
        read_catalogue(tally, &reader) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    return !reader.failed ? SOTTO_OK
                          : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                            "expected what a ledger asks of rows, found other "
                                            "bytes: node and workers are of the same version");
}

/* Gets ready for the keys of rows, too, if these have any. */
static enum sotto_status begin_reading(void *context, size_t dataset, size_t workers_len,
                                       struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct tallied *tallied = &tally->datasets[dataset];
    enum sotto_status status = sotto__tally_begin_reading(context, dataset, workers_len, err);
    if (status != SOTTO_OK || sotto__tally_find_key(tallied->catalogue) == NULL) {
        return status;
    }
    for (size_t i = 0; i < workers_len; i++) {
        tallied->workers[i].keys = sotto_alloc_zeroed(sizeof *tallied->workers[i].keys);
        if (tallied->workers[i].keys == NULL) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

/* Rows of more kinds than a ledger takes are a verdict on the question, which their party tells as
 * others, and no failure of who reads them: the part says so, and the sums are read to their end.
 */
static enum sotto_status take_rows(void *context, size_t worker,
                                   const struct sotto_watch_rows *rows, struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct atoms *atoms = &tally->datasets[rows->dataset].workers[worker];
    if (atoms->are_too_many) {
        return SOTTO_OK;
    }
    if (atoms->keys != NULL && rows->keys != NULL) {
        sotto__tally_take_keys(atoms->keys, rows->keys, rows->len);
    }
    enum sotto_status status = sotto__tally_take_rows(context, worker, rows, err);
    atoms->are_too_many = status == SOTTO_ERROR_LIMIT;
    return atoms->are_too_many ? SOTTO_OK : status;
}

static void end_part(struct sotto_part_shown *shown)
{
    sotto_tally_free(shown->context);
    *shown = (struct sotto_part_shown){0};
}

static enum sotto_status begin_part(struct sotto_part_shown *out, const struct sotto_driver *driver,
                                    const struct sotto_plan *plan, const void *asked,
                                    size_t asked_bytes, struct sotto_error *err)
{
    struct sotto_tally *tally = NULL;
    enum sotto_status status = sotto__tally_make(&tally, driver, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    SOTTO_REQUIRE(tally->len == 1);
    status = read_asked(tally, asked, asked_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status =
        sotto__tally_prepare(tally, 0, sotto_plan_dataset_file(plan, 0), tally->catalogue, err);
out:
    if (status != SOTTO_OK) {
        sotto_tally_free(tally);
        return status;
    }
    *out = (struct sotto_part_shown){
        .context = tally,
        .watch = tally->watch,
        .sink = {.context = tally, .begin = begin_reading, .take = take_rows}};
    return SOTTO_OK;
}

/* --- What was gathered, as bytes --- */

/* What the bytes begin with. */
enum { GATHERED_NOTHING, GATHERED_ATOMS, GATHERED_TOO_MANY };

struct gathered {
    unsigned kind;
    struct atoms atoms;
};

static void release_gathered(struct gathered *gathered)
{
    sotto__tally_release_atoms(&gathered->atoms);
    gathered->kind = GATHERED_NOTHING;
}

static enum sotto_status write_gathered(struct sotto_buffer *out, unsigned kind,
                                        const struct atoms *atoms, struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, ATOMS_BYTES_MAX);
    sotto_write_u8(&writer, (uint8_t)kind);
    if ((kind == GATHERED_ATOMS && sotto__tally_write_atoms(atoms, &writer) != SOTTO_OK) ||
        sotto_writer_status(&writer) != SOTTO_OK) {
        if (writer.data != NULL) {
            sotto_wipe(writer.data, writer.data_bytes);
        }
        sotto_writer_release(&writer);
        return sotto_error_no_memory(err);
    }
    *out = (struct sotto_buffer){0};
    out->data = sotto_writer_take(&writer, &out->data_bytes);
    return SOTTO_OK;
}

static enum sotto_status write_part(struct sotto_part_shown *shown, struct sotto_buffer *out,
                                    struct sotto_error *err)
{
    const struct sotto_tally *tally = shown->context;
    struct tallied *tallied = &tally->datasets[0];
    bool are_too_many = false;
    for (size_t i = 0; i < tallied->workers_len; i++) {
        are_too_many = are_too_many || tallied->workers[i].are_too_many;
    }
    enum sotto_status status =
        are_too_many ? SOTTO_ERROR_LIMIT : sotto__tally_merge_workers(tallied, err);
    if (status == SOTTO_ERROR_LIMIT) {
        return write_gathered(out, GATHERED_TOO_MANY, NULL, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return write_gathered(out, tallied->workers_len > 0 ? GATHERED_ATOMS : GATHERED_NOTHING,
                          tallied->workers, err);
}

static enum sotto_status fail_bytes(const char *name, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: expected what a ledger asks of rows, found something else: all "
                           "parts are made by the same version of sotto",
                           name);
}

/* Begins with how much of everything atoms are of, if there are any. */
static enum sotto_status read_lens(struct gathered *out, struct sotto_reader *reader,
                                   const char *name, struct sotto_error *err)
{
    out->kind = sotto_read_u8(reader);
    bool are_atoms = out->kind == GATHERED_ATOMS;
    if (are_atoms && sotto__tally_read_lens(&out->atoms, reader) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    bool is_fine = are_atoms ? !reader->failed
                             : out->kind <= GATHERED_TOO_MANY && sotto_reader_finished(reader);
    return is_fine ? SOTTO_OK : fail_bytes(name, err);
}

static enum sotto_status read_atoms(struct atoms *in_out, struct sotto_reader *reader,
                                    const char *name, struct sotto_error *err)
{
    enum sotto_status status = sotto__tally_read_atoms(in_out, reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_reader_finished(reader) ? SOTTO_OK : fail_bytes(name, err);
}

static bool has_same_lens(const struct atoms *a, const struct atoms *b)
{
    return a->predicates_len == b->predicates_len && a->measures_len == b->measures_len &&
           a->pairs_len == b->pairs_len;
}

/* Whether two parts were asked the same. */
static bool go_together(const struct gathered *a, const struct gathered *b)
{
    bool are_atoms = a->kind == GATHERED_ATOMS && b->kind == GATHERED_ATOMS;
    return (a->kind == GATHERED_NOTHING) == (b->kind == GATHERED_NOTHING) &&
           (!are_atoms || has_same_lens(&a->atoms, &b->atoms));
}

static enum sotto_status add_gathered(struct gathered *in_out, const struct gathered *other,
                                      struct sotto_error *err)
{
    bool are_atoms = in_out->kind == GATHERED_ATOMS && other->kind == GATHERED_ATOMS;
    enum sotto_status status =
        are_atoms ? sotto__tally_merge_atoms(&in_out->atoms, &other->atoms, err) : SOTTO_OK;
    if (status == SOTTO_ERROR_LIMIT || other->kind == GATHERED_TOO_MANY) {
        release_gathered(in_out);
        in_out->kind = GATHERED_TOO_MANY;
        return SOTTO_OK;
    }
    return status;
}

/* Adds what another part gathered. */
static enum sotto_status merge_part(struct gathered *in_out, const struct sotto_part_bytes *part,
                                    struct sotto_error *err)
{
    struct gathered other = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, part->data, part->data_bytes);
    enum sotto_status status = read_lens(&other, &reader, part->name, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!go_together(in_out, &other)) {
        status = fail_bytes(part->name, err);
        goto out;
    }
    status = other.kind == GATHERED_ATOMS ? read_atoms(&other.atoms, &reader, part->name, err)
                                          : SOTTO_OK;
    if (status == SOTTO_OK) {
        status = add_gathered(in_out, &other, err);
    }
out:
    release_gathered(&other);
    return status;
}

static enum sotto_status merge_parts(struct sotto_buffer *out, const struct sotto_part_bytes *parts,
                                     size_t parts_len, struct sotto_error *err)
{
    struct gathered merged = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, parts[0].data, parts[0].data_bytes);
    enum sotto_status status = read_lens(&merged, &reader, parts[0].name, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (merged.kind == GATHERED_ATOMS) {
        status = read_atoms(&merged.atoms, &reader, parts[0].name, err);
    }
    for (size_t i = 1; i < parts_len && status == SOTTO_OK; i++) {
        status = merge_part(&merged, &parts[i], err);
    }
    if (status == SOTTO_OK) {
        status = write_gathered(out, merged.kind, &merged.atoms, err);
    }
out:
    release_gathered(&merged);
    return status;
}

const struct sotto_part_watch *sotto_tally_parts(void)
{
    static const struct sotto_part_watch watch = {
        .begin = begin_part, .write = write_part, .end = end_part, .merge = merge_parts};
    return &watch;
}

/* --- Being given all of it --- */

/* Whether no atom is of a class or a group that the question does not have. */
static bool has_its_classes(const struct atoms *atoms, const struct sotto_tally *tally,
                            size_t dataset)
{
    size_t groups_len = sotto_driver_groups_len(tally->driver);
    bool has = true;
    for (size_t i = 0; has && i < atoms->len; i++) {
        has = atoms->groups[i] == SOTTO__TALLY_NOT_ASKED ||
              atoms->groups[i] < (groups_len > 0 ? groups_len : 1);
    }
    for (size_t i = 0; i < atoms->predicates_len; i++) {
        uint32_t classes_len = sotto_watch_classes(tally->watch, dataset, i);
        for (size_t j = 0; has && j < atoms->len; j++) {
            uint16_t class_ = atoms->classes[j * atoms->predicates_len + i];
            has = class_ <= classes_len || class_ == SOTTO_WATCH_CLASSES_MAX;
        }
    }
    return has;
}

/* Whether the sample of keys is of all rows, where these have a key. Two rows that share one are
 * fewer keys. */
static bool has_its_keys(const struct atoms *atoms, const struct sotto_catalogue *catalogue)
{
    const struct seen_keys *keys = atoms->keys;
    bool has_key = sotto__tally_find_key(catalogue) != NULL;
    uint64_t len =
        catalogue->rows < SOTTO__TALLY_KEYS_MAX ? catalogue->rows : SOTTO__TALLY_KEYS_MAX;
    return has_key == (keys != NULL) && (keys == NULL || keys->has_twins || keys->len == len);
}

enum sotto_status sotto__tally_take_parts(void *context, size_t dataset, const void *data,
                                          size_t data_bytes, struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct tallied *tallied = &tally->datasets[dataset];
    struct sotto_reader reader;
    struct gathered all = {0};
    const char *name = "all parts";
    sotto_reader_init(&reader, data, data_bytes);
    enum sotto_status status = read_lens(&all, &reader, name, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if ((all.kind != GATHERED_NOTHING) != sotto_watch_reads(tally->watch, dataset)) {
        status = fail_bytes(name, err);
        goto out;
    }
    if (all.kind == GATHERED_NOTHING) {
        goto out;
    }
    if (all.kind == GATHERED_TOO_MANY) {
        status = sotto__tally_fail_too_many(err);
        goto out;
    }
    status = sotto__tally_begin_reading(context, dataset, 1, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!has_same_lens(&all.atoms, &tallied->workers[0])) {
        status = fail_bytes(name, err);
        goto out;
    }
    status = read_atoms(&all.atoms, &reader, name, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!has_its_classes(&all.atoms, tally, dataset) ||
        !has_its_keys(&all.atoms, tallied->catalogue) ||
        sotto__tally_count_rows(&all.atoms) != tallied->catalogue->rows) {
        status = fail_bytes(name, err);
        goto out;
    }
    if (all.atoms.keys != NULL && all.atoms.keys->has_twins) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "key \"%s\": expected another value in each row, found one in two "
                                 "rows: name a column without repeated values, or none",
                                 sotto__tally_find_key(tallied->catalogue));
        goto out;
    }
    status = sotto__tally_merge_atoms(&tallied->workers[0], &all.atoms, err);
out:
    release_gathered(&all);
    return status;
}
