/* SPDX-License-Identifier: Apache-2.0 */

/* A request to a worker as bytes, which stand in a file without a name: arguments could be read by
 * everybody on the machine, and a URI may have a password in it. */

#include "source/source.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_blob(writer, text, strlen(text));
}

void source_request_write(struct sotto_writer *writer, const struct source_request *request)
{
    write_text(writer, request->driver);
    write_text(writer, request->entry);
    write_text(writer, request->first != NULL ? request->first : "");
    write_text(writer, request->from);
    write_text(writer, request->integer != NULL ? request->integer : "");
    write_text(writer, request->batch != NULL ? request->batch : "");
    sotto_write_u8(writer, request->is_session);
    sotto_write_u32(writer, (uint32_t)request->options_len);
    for (size_t i = 0; i < request->options_len; i++) {
        write_text(writer, request->options[i].key);
        write_text(writer, request->options[i].value);
    }
    sotto_write_u8(writer, request->is_all);
    sotto_write_u32(writer, (uint32_t)request->names_len);
    for (size_t i = 0; i < request->names_len; i++) {
        write_text(writer, request->names[i]);
    }
}

/* Keeps a text in asked, which has room for it. */
static const char *read_text(struct source_asked *asked, struct sotto_reader *reader)
{
    size_t bytes;
    const uint8_t *data = sotto_read_blob(reader, &bytes, SOURCE_TEXT_BYTES_MAX);
    if (data == NULL || memchr(data, 0, bytes) != NULL) {
        sotto_reader_fail(reader);
        return "";
    }
    char *text = sotto_text_copy((const char *)data, bytes);
    if (text == NULL) {
        sotto_reader_fail(reader);
        return "";
    }
    asked->texts[asked->texts_len++] = text;
    return text;
}

static void read_fixed(struct source_asked *asked, struct sotto_reader *reader)
{
    struct source_request *request = &asked->request;
    request->driver = read_text(asked, reader);
    request->entry = read_text(asked, reader);
    request->first = read_text(asked, reader);
    request->from = read_text(asked, reader);
    request->integer = read_text(asked, reader);
    request->batch = read_text(asked, reader);
    request->is_session = sotto_read_u8(reader) != 0;
    size_t len = sotto_read_u32(reader);
    if (len > SOURCE_OPTIONS_MAX) {
        sotto_reader_fail(reader);
        return;
    }
    for (; request->options_len < len; request->options_len++) {
        struct source_option *option = &request->options[request->options_len];
        option->key = read_text(asked, reader);
        option->value = read_text(asked, reader);
    }
}

enum sotto_status source_request_read(struct source_asked *out, const void *data, size_t bytes,
                                      struct sotto_error *err)
{
    struct source_asked asked = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, data, bytes);
    asked.texts = sotto_alloc_array(bytes / 4 + 1, sizeof *asked.texts); /* a length has 4 bytes */
    asked.names = sotto_alloc_array(bytes / 4 + 1, sizeof *asked.names);
    if (asked.texts == NULL || asked.names == NULL) {
        source_asked_release(&asked);
        return sotto_error_no_memory(err);
    }
    read_fixed(&asked, &reader);
    asked.request.is_all = sotto_read_u8(&reader) != 0;
    size_t len = sotto_read_u32(&reader);
    while (!reader.failed && asked.request.names_len < len) {
        asked.names[asked.request.names_len++] = read_text(&asked, &reader);
    }
    asked.request.names = asked.names;
    if (!sotto_reader_finished(&reader)) {
        source_asked_release(&asked);
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected a request of the program sotto, found other bytes");
    }
    *out = asked;
    return SOTTO_OK;
}

void source_asked_release(struct source_asked *asked)
{
    for (size_t i = 0; i < asked->texts_len; i++) {
        sotto_wipe(asked->texts[i], strlen(asked->texts[i]));
        sotto_free(asked->texts[i]);
    }
    sotto_free(asked->texts);
    sotto_free(asked->names);
    *asked = (struct source_asked){0};
}
