/* SPDX-License-Identifier: Apache-2.0 */

/* One file of Arrow IPC: messages one behind the other up to an end mark, a stream; or "ARROW1",
 * messages, and a footer that has the schema and says where each message is. Leans on
 * arrow_schema.c and arrow_batch.c. The idea: a file that was cut off, also between two batches, is
 * an error and not fewer rows: what has no end mark or no footer is refused. */

#include "source/arrow_files.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "ARROW1"
#define MAGIC_BYTES 6
#define HEAD_BYTES 8 /* the magic, and zeros up to a multiple of 8 */
#define TAIL_BYTES 10
#define CONTINUATION UINT32_C(0xFFFFFFFF)
#define VERSION_5 4           /* as Schema.fbs counts them */
#define DICTIONARIES_MAX 4096 /* each is looked for among all */
#define BLOCK_BYTES 24

/* Message.fbs, union MessageHeader. */
enum header { HEADER_END = -1, HEADER_SCHEMA = 1, HEADER_DICTIONARY = 2, HEADER_BATCH = 3 };

/* A message, with its metadata. */
struct message {
    uint8_t *data;
    struct flatbuffer flat;
    enum header header;
    struct flat_table table; /* of the header */
    struct arrow_body body;
};

static enum sotto_status read_u32(uint32_t *out, const struct arrow_reader *reader, uint64_t at,
                                  struct sotto_error *err)
{
    uint8_t bytes[4];
    enum sotto_status status = arrow_read(bytes, reader->fd, at, sizeof bytes, err);
    if (status == SOTTO_OK) {
        *out = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
               (uint32_t)bytes[3] << 24;
    }
    return status;
}

/* Reads bytes of metadata, which are within the file. Ownership: *out is ended by sotto_free. */
static enum sotto_status read_metadata(uint8_t **out, const struct arrow_reader *reader,
                                       uint64_t at, size_t bytes, struct sotto_error *err)
{
    uint8_t *data = sotto_alloc(bytes + 1);
    if (data == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = arrow_read(data, reader->fd, at, bytes, err);
    if (status != SOTTO_OK) {
        sotto_free(data);
        return status;
    }
    *out = data;
    return SOTTO_OK;
}

/* How long the metadata of the next message are. *out 0: there is none any more. */
static enum sotto_status read_length(size_t *out, struct arrow_reader *reader,
                                     struct sotto_error *err)
{
    uint32_t mark;
    uint32_t bytes;
    if (reader->end - reader->at < 8) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "it has no end mark: it was cut off, or its writer was not closed");
    }
    enum sotto_status status = read_u32(&mark, reader, reader->at, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_u32(&bytes, reader, reader->at + 4, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mark != CONTINUATION) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a message of Arrow IPC as it is written since version "
                               "0.15, found other bytes at byte %llu",
                               (unsigned long long)reader->at);
    }
    if (bytes > ARROW_METADATA_BYTES_MAX || bytes > reader->end - reader->at - 8) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected metadata within the file of at most %zu MiB, found more: "
                               "it was cut off, or is damaged",
                               ARROW_METADATA_BYTES_MAX >> 20);
    }
    reader->at += 8;
    *out = bytes;
    return SOTTO_OK;
}

/* Reads what a message says of itself, and goes behind its body. */
static enum sotto_status read_envelope(struct message *message, struct arrow_reader *reader,
                                       struct sotto_error *err)
{
    struct flatbuffer *flat = &message->flat;
    struct flat_table root = flat_root(flat);
    int64_t version = flat_number(flat, root, 0, 2, 0);
    int64_t bytes = flat_number(flat, root, 3, 8, 0);
    message->header = (enum header)(flat_number(flat, root, 1, 1, 0) & 0xFF); /* unsigned */
    message->table = flat_table(flat, root, 2);
    if (flat->failed || message->table.at == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a message of Arrow IPC, found something else");
    }
    if (version != VERSION_5) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected version 5 of Arrow's metadata, found another one: write "
                               "the file with Arrow 1.0 or later");
    }
    if (bytes < 0 || (uint64_t)bytes > reader->end - reader->at) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a batch within the file, found one that goes on behind "
                               "its end: it was cut off, or is damaged");
    }
    message->body =
        (struct arrow_body){.fd = reader->fd, .at = reader->at, .bytes = (uint64_t)bytes};
    reader->at += (uint64_t)bytes;
    return SOTTO_OK;
}

/* Reads the next message. Ownership: out->data is ended by sotto_free, also on failure. */
static enum sotto_status read_message(struct message *out, struct arrow_reader *reader,
                                      struct sotto_error *err)
{
    size_t bytes = 0;
    *out = (struct message){.header = HEADER_END};
    enum sotto_status status = read_length(&bytes, reader, err);
    if (status != SOTTO_OK || bytes == 0) {
        return status;
    }
    status = read_metadata(&out->data, reader, reader->at, bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    reader->at += bytes;
    flat_init(&out->flat, out->data, bytes);
    return read_envelope(out, reader, err);
}

/* --- Files --- */

/* Finds where the messages of a file end, which is where its footer begins. */
static enum sotto_status find_footer(uint32_t *out_bytes, struct arrow_reader *reader,
                                     struct sotto_error *err)
{
    uint8_t tail[MAGIC_BYTES];
    if (reader->end < HEAD_BYTES + TAIL_BYTES) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "it ends before it should");
    }
    enum sotto_status status =
        arrow_read(tail, reader->fd, reader->end - MAGIC_BYTES, sizeof tail, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_u32(out_bytes, reader, reader->end - TAIL_BYTES, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (memcmp(tail, MAGIC, MAGIC_BYTES) != 0 || *out_bytes > ARROW_METADATA_BYTES_MAX ||
        *out_bytes > reader->end - HEAD_BYTES - TAIL_BYTES) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a footer at its end, found none: it was cut off, or its "
                               "writer was not closed");
    }
    reader->end -= TAIL_BYTES + *out_bytes;
    return SOTTO_OK;
}

/* Reads the footer, and the schema in it. */
static enum sotto_status open_footer(struct arrow_reader *reader, struct sotto_error *err)
{
    uint32_t bytes = 0;
    enum sotto_status status = find_footer(&bytes, reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_metadata(&reader->footer, reader, reader->end, bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    flat_init(&reader->flat, reader->footer, bytes);
    struct flat_table root = flat_root(&reader->flat);
    struct flat_table schema = flat_table(&reader->flat, root, 1);
    reader->blocks[0] = flat_vector(&reader->flat, root, 2, BLOCK_BYTES);
    reader->blocks[1] = flat_vector(&reader->flat, root, 3, BLOCK_BYTES);
    if (reader->flat.failed || schema.at == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a footer of Arrow IPC, found something else");
    }
    return arrow_fields_read(&reader->fields, &reader->flat, schema, err);
}

/* Goes to the next message that the footer lists, dictionaries first; of either each stands behind
 * the one before, so that none is read twice. Returns: SOTTO_ERROR_INPUT where it does not. */
static enum sotto_status find_block(struct arrow_reader *reader, size_t kind,
                                    struct sotto_error *err)
{
    int64_t at = flat_long(&reader->flat, reader->blocks[kind], BLOCK_BYTES * reader->next[kind]++);
    if (at < HEAD_BYTES || (uint64_t)at < reader->behind[kind] || (uint64_t)at > reader->end) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a footer that lists each batch once, in order, found "
                               "another: it is damaged");
    }
    reader->at = (uint64_t)at;
    return SOTTO_OK;
}

/* --- Streams --- */

static enum sotto_status open_stream(struct arrow_reader *reader, struct sotto_error *err)
{
    struct message message;
    enum sotto_status status = read_message(&message, reader, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (message.header != HEADER_SCHEMA || message.body.bytes != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a schema before all else, found something else");
        goto out;
    }
    status = arrow_fields_read(&reader->fields, &message.flat, message.table, err);
out:
    sotto_free(message.data);
    return status;
}

/* What follows an end mark could be rows that nobody would read. */
static enum sotto_status end_stream(struct arrow_reader *reader, struct sotto_error *err)
{
    reader->is_over = true;
    return reader->at == reader->end
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "something stands behind its end mark: put streams into files of "
                                 "their own");
}

/* --- Both --- */

enum sotto_status arrow_reader_open(struct arrow_reader *out, int fd, struct sotto_error *err)
{
    struct stat info;
    uint8_t head[HEAD_BYTES];
    *out = (struct arrow_reader){.fd = fd};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < HEAD_BYTES) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a file of Arrow IPC, found none, or one that is too "
                               "short");
    }
    out->end = (uint64_t)info.st_size;
    enum sotto_status status = arrow_read(head, fd, 0, sizeof head, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (memcmp(head, "FEA1", 4) == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected version 2 of Feather, which is Arrow IPC, found version "
                               "1: write it anew");
    }
    return memcmp(head, MAGIC, MAGIC_BYTES) == 0 ? open_footer(out, err) : open_stream(out, err);
}

/* Reads the next message. Where there is none any more out->header says so. Ownership: out->data is
 * ended by sotto_free, also on failure. */
static enum sotto_status next_message(struct message *out, struct arrow_reader *reader,
                                      struct sotto_error *err)
{
    *out = (struct message){.header = HEADER_END};
    if (reader->footer == NULL) {
        enum sotto_status status = read_message(out, reader, err);
        return status == SOTTO_OK && out->header == HEADER_END ? end_stream(reader, err) : status;
    }
    size_t kind = reader->next[0] < reader->blocks[0].len ? 0 : 1;
    if (reader->next[kind] >= reader->blocks[kind].len) {
        reader->is_over = true;
        return SOTTO_OK;
    }
    enum sotto_status status = find_block(reader, kind, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_message(out, reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    reader->behind[kind] = reader->at;
    return out->header == (kind == 0 ? HEADER_DICTIONARY : HEADER_BATCH)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected what its footer lists, found something else: it is "
                                 "damaged");
}

void arrow_reader_release(struct arrow_reader *reader)
{
    for (size_t i = 0; i < reader->dictionaries_len; i++) {
        arrow_column_release(&reader->dictionaries[i].values);
    }
    sotto_free(reader->dictionaries);
    sotto_free(reader->footer);
    arrow_fields_release(&reader->fields);
    *reader = (struct arrow_reader){.fd = -1};
}

/* --- Dictionaries --- */

static struct arrow_dictionary *find_dictionary(const struct arrow_reader *reader, int64_t number)
{
    for (size_t i = 0; i < reader->dictionaries_len; i++) {
        if (reader->dictionaries[i].number == number) {
            return &reader->dictionaries[i];
        }
    }
    return NULL;
}

/* A dictionary that has none yet. Returns: NULL without memory, or where there are too many. */
static struct arrow_dictionary *add_dictionary(struct arrow_reader *reader, int64_t number)
{
    void *array = reader->dictionaries;
    if (reader->dictionaries_len >= DICTIONARIES_MAX ||
        sotto_array_reserve(&array, &reader->dictionaries_capacity, reader->dictionaries_len + 1,
                            sizeof *reader->dictionaries) != SOTTO_OK) {
        return NULL;
    }
    reader->dictionaries = array;
    struct arrow_dictionary *out = &reader->dictionaries[reader->dictionaries_len++];
    *out = (struct arrow_dictionary){.number = number};
    return out;
}

/* The field among those that are read whose texts a dictionary has. */
static const struct arrow_field *find_user(const struct arrow_reader *reader, int64_t number,
                                           const size_t *columns, size_t columns_len)
{
    for (size_t i = 0; i < columns_len; i++) {
        const struct arrow_field *field = &reader->fields.fields[columns[i]];
        if (field->index[0] != '\0' && field->dictionary == number) {
            return field;
        }
    }
    return NULL;
}

/* Takes a dictionary in place of the one that had its number; one that nobody reads is let be. */
static enum sotto_status take_dictionary(struct arrow_reader *reader, struct message *message,
                                         const size_t *columns, size_t columns_len,
                                         struct sotto_error *err)
{
    struct arrow_batch batch;
    struct arrow_place place = {0};
    struct flatbuffer *flat = &message->flat;
    int64_t number = flat_number(flat, message->table, 0, 8, 0);
    const struct arrow_field *user = find_user(reader, number, columns, columns_len);
    if (user == NULL) {
        return SOTTO_OK;
    }
    if (flat_number(flat, message->table, 2, 1, 0) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "column \"%s\": expected whole dictionaries, found one that goes on "
                               "with another (a delta): write it without them",
                               user->name);
    }
    enum sotto_status status =
        arrow_batch_init(&batch, flat, flat_table(flat, message->table, 1), &message->body, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct arrow_dictionary *dictionary = find_dictionary(reader, number);
    if (dictionary != NULL && reader->footer != NULL) { /* nobody knows which rows it is of */
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "column \"%s\": expected one dictionary in a file, found another: "
                               "write it as a stream",
                               user->name);
    }
    dictionary = dictionary != NULL ? dictionary : add_dictionary(reader, number);
    if (dictionary == NULL) {
        return sotto_error_no_memory(err);
    }
    struct arrow_field values = *user;
    values.nodes = 1;
    values.buffers = values.layout == ARROW_VIEW ? 2 : 3;
    values.views = values.layout == ARROW_VIEW;
    arrow_column_release(&dictionary->values);
    status = arrow_batch_read(&dictionary->values, &batch, &place, &values, false, err);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "column \"%s\"", user->name);
}

/* --- Batches --- */

/* What an array has that is handed on. */
struct handed {
    const void *buffers[1];
    struct arrow_column *columns;
    struct ArrowArray **children;
    size_t len;
};

static void free_handed(struct handed *handed)
{
    for (size_t i = 0; handed->columns != NULL && i < handed->len; i++) {
        arrow_column_release(&handed->columns[i]);
    }
    sotto_free(handed->columns);
    sotto_free(handed->children);
    sotto_free(handed);
}

static void release_handed(struct ArrowArray *array)
{
    free_handed(array->private_data);
    array->release = NULL;
}

static struct handed *make_handed(size_t len)
{
    struct handed *handed = sotto_alloc_zeroed(sizeof *handed);
    if (handed == NULL) {
        return NULL;
    }
    handed->columns = sotto_alloc_zeroed((len + 1) * sizeof *handed->columns);
    handed->children = sotto_alloc_zeroed((len + 1) * sizeof(struct ArrowArray *));
    if (handed->columns == NULL || handed->children == NULL) {
        free_handed(handed);
        return NULL;
    }
    handed->len = len;
    for (size_t i = 0; i < len; i++) {
        handed->children[i] = &handed->columns[i].array;
    }
    return handed;
}

static enum sotto_status read_column(struct arrow_column *out, const struct arrow_batch *batch,
                                     const struct arrow_reader *reader,
                                     const struct arrow_place *place,
                                     const struct arrow_field *field, struct sotto_error *err)
{
    bool is_index = field->index[0] != '\0';
    enum sotto_status status = arrow_batch_read(out, batch, place, field, is_index, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "column \"%s\"", field->name);
    }
    if (!is_index) {
        return SOTTO_OK;
    }
    struct arrow_dictionary *dictionary = find_dictionary(reader, field->dictionary);
    if (dictionary == NULL || dictionary->values.array.release == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "column \"%s\": expected its dictionary before its rows, found none",
                               field->name);
    }
    dictionary->values.array.buffers = dictionary->values.buffers; /* the list may have grown */
    out->array.dictionary = &dictionary->values.array;
    return SOTTO_OK;
}

/* Reads the columns of a batch that are wanted, when it is known where each begins. */
static enum sotto_status read_columns(struct handed *handed, struct arrow_batch *batch,
                                      const struct arrow_reader *reader, const size_t *columns,
                                      struct sotto_error *err)
{
    const struct arrow_fields *fields = &reader->fields;
    struct arrow_place end = {0};
    struct arrow_place *places = sotto_alloc_array(fields->len + 1, sizeof *places);
    enum sotto_status status = places != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    for (size_t i = 0; status == SOTTO_OK && i < fields->len; i++) {
        places[i] = end;
        status = arrow_batch_skip(batch, &end, &fields->fields[i], err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < handed->len; i++) {
        status = read_column(&handed->columns[i], batch, reader, &places[columns[i]],
                             &fields->fields[columns[i]], err);
    }
    sotto_free(places);
    return status;
}

static enum sotto_status hand_batch(struct ArrowArray *out, const struct arrow_reader *reader,
                                    struct message *message, const size_t *columns,
                                    size_t columns_len, struct sotto_error *err)
{
    struct arrow_batch batch;
    enum sotto_status status =
        arrow_batch_init(&batch, &message->flat, message->table, &message->body, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct handed *handed = make_handed(columns_len);
    if (handed == NULL) {
        return sotto_error_no_memory(err);
    }
    status = read_columns(handed, &batch, reader, columns, err);
    if (status != SOTTO_OK) {
        free_handed(handed);
        return status;
    }
    *out = (struct ArrowArray){.length = batch.rows,
                               .n_buffers = 1,
                               .buffers = handed->buffers,
                               .n_children = (int64_t)columns_len,
                               .children = handed->children,
                               .release = release_handed,
                               .private_data = handed};
    return SOTTO_OK;
}

/* Does what a message says. */
static enum sotto_status take_message(struct ArrowArray *out, struct arrow_reader *reader,
                                      struct message *message, const size_t *columns,
                                      size_t columns_len, struct sotto_error *err)
{
    switch (message->header) {
    case HEADER_END:
        return SOTTO_OK;
    case HEADER_DICTIONARY:
        return take_dictionary(reader, message, columns, columns_len, err);
    case HEADER_BATCH:
        return hand_batch(out, reader, message, columns, columns_len, err);
    default:
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected batches of rows, found another message");
    }
}

enum sotto_status arrow_reader_next(struct ArrowArray *out, struct arrow_reader *reader,
                                    const size_t *columns, size_t columns_len,
                                    struct sotto_error *err)
{
    *out = (struct ArrowArray){0};
    while (!reader->is_over && out->release == NULL) {
        struct message message;
        enum sotto_status status = next_message(&message, reader, err);
        if (status == SOTTO_OK) {
            status = take_message(out, reader, &message, columns, columns_len, err);
        }
        sotto_free(message.data);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
