/* SPDX-License-Identifier: Apache-2.0 */

/* A part: a head, and what its rows contribute to the head's round. Leans on head.c and
 * facts_bytes.c. The one idea: what a part holds says by itself how wide its slots are and how much
 * of everything there is, so that parts of the same head merge without the plan; whoever has the
 * plan compares both with its own. */

#include "parts/parts.h"

#include <sotto/alloc.h>
#include <string.h>

#define VERSION 2
#define BYTES_MAX ((size_t)1 << 32)
#define OFFERS_MAX 4096
#define OFFER_BYTES_MAX ((size_t)1 << 24)

static const char magic[] = {'s', 'o', 't', 't', 'o', 'p', 'a', 'r', 't'};

void sotto__part_release(struct sotto__part *part)
{
    for (size_t i = 0; i < part->offers_len; i++) {
        sotto_buffer_release(&part->offers[i]);
    }
    sotto_free(part->offers);
    sotto__part_release_missing(part);
    sotto_free(part->slots);
    if (part->limbs != NULL) {
        sotto_wipe(part->limbs, part->limbs_len * sizeof *part->limbs);
    }
    sotto_free(part->limbs);
    sotto__evidence_release(&part->evidence);
    sotto_free(part->shown);
    sotto__part_wipe_buffer(&part->all_shown);
    sotto__part_head_release(&part->head);
    *part = (struct sotto__part){0};
}

void sotto__part_wipe_buffer(struct sotto_buffer *buffer)
{
    if (buffer->data != NULL) {
        sotto_wipe(buffer->data, buffer->data_bytes);
    }
    sotto_buffer_release(buffer);
}

/* --- Offers --- */

static int compare_bytes(const struct sotto_buffer *a, const void *data, size_t data_bytes)
{
    size_t least = a->data_bytes < data_bytes ? a->data_bytes : data_bytes;
    int order = least > 0 ? memcmp(a->data, data, least) : 0;
    return order != 0 ? order : (a->data_bytes > data_bytes) - (a->data_bytes < data_bytes);
}

enum sotto_status sotto__part_add_offer(struct sotto__part *in_out, const void *data,
                                        size_t data_bytes, struct sotto_error *err)
{
    size_t at = 0;
    int order = -1;
    while (at < in_out->offers_len && order < 0) {
        order = compare_bytes(&in_out->offers[at], data, data_bytes);
        at += order < 0;
    }
    if (at < in_out->offers_len && order == 0) {
        return SOTTO_OK;
    }
    if (in_out->offers_len == OFFERS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %d different types of columns, found more",
                               OFFERS_MAX);
    }
    void *offers = in_out->offers;
    if (sotto_array_reserve(&offers, &in_out->offers_capacity_len, in_out->offers_len + 1,
                            sizeof *in_out->offers) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    in_out->offers = offers;
    struct sotto_buffer copy;
    if (sotto_buffer_copy(&copy, data, data_bytes) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    memmove(in_out->offers + at + 1, in_out->offers + at,
            (in_out->offers_len - at) * sizeof *in_out->offers);
    in_out->offers[at] = copy;
    in_out->offers_len++;
    return SOTTO_OK;
}

static void write_offers(struct sotto_writer *writer, const struct sotto__part *part)
{
    sotto_write_u32(writer, (uint32_t)part->offers_len);
    for (size_t i = 0; i < part->offers_len; i++) {
        sotto_write_blob(writer, part->offers[i].data, part->offers[i].data_bytes);
    }
}

/* They come in order, each once. */
static enum sotto_status read_offers(struct sotto__part *out, struct sotto_reader *reader,
                                     struct sotto_error *err)
{
    uint32_t len = sotto_read_u32(reader);
    if (len == 0 || len > OFFERS_MAX) {
        sotto_reader_fail(reader);
    }
    for (uint32_t i = 0; i < len && !reader->failed; i++) {
        size_t bytes = 0;
        const uint8_t *data = sotto_read_blob(reader, &bytes, OFFER_BYTES_MAX);
        if (data == NULL || (i > 0 && compare_bytes(&out->offers[i - 1], data, bytes) >= 0)) {
            sotto_reader_fail(reader);
            return SOTTO_OK;
        }
        enum sotto_status status = sotto__part_add_offer(out, data, bytes, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Slots --- */

enum sotto_status sotto__part_find_slots(struct sotto__part *out, const struct sotto_driver *driver)
{
    size_t widths_len = 0;
    const uint16_t *widths = sotto_driver_slots(driver, &widths_len);
    out->slots = sotto_alloc_array(widths_len, sizeof *out->slots);
    if (out->slots == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < widths_len; i++) {
        if (i == 0 || widths[i] != widths[i - 1]) {
            out->slots[out->slots_len++].limbs = widths[i];
        }
        out->slots[out->slots_len - 1].len++;
    }
    return SOTTO_OK;
}

static void write_slots(struct sotto_writer *writer, const struct sotto__part *part)
{
    sotto_write_u32(writer, (uint32_t)part->slots_len);
    for (size_t i = 0; i < part->slots_len; i++) {
        sotto_write_u32(writer, part->slots[i].len);
        sotto_write_u16(writer, part->slots[i].limbs);
    }
    for (size_t i = 0; i < part->limbs_len; i++) {
        sotto_write_u64(writer, part->limbs[i]);
    }
}

static enum sotto_status read_slots(struct sotto__part *out, struct sotto_reader *reader)
{
    uint32_t len = sotto_read_u32(reader);
    size_t limbs_len = 0;
    if (len > sotto_reader_left(reader) / (sizeof(uint32_t) + sizeof(uint16_t))) {
        sotto_reader_fail(reader);
        return SOTTO_OK;
    }
    out->slots = sotto_alloc_array(len, sizeof *out->slots);
    if (out->slots == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->slots_len < len && !reader->failed; out->slots_len++) {
        struct sotto__part_slots *run = &out->slots[out->slots_len];
        run->len = sotto_read_u32(reader);
        run->limbs = sotto_read_u16(reader);
        limbs_len += (size_t)run->len * run->limbs;
        bool is_twin = out->slots_len > 0 && run[-1].limbs == run->limbs;
        if (run->len == 0 || run->limbs == 0 || is_twin || limbs_len > SOTTO__ROUND_LIMBS_MAX ||
            limbs_len > sotto_reader_left(reader) / sizeof(uint64_t)) {
            sotto_reader_fail(reader);
        }
    }
    if (reader->failed) {
        return SOTTO_OK;
    }
    out->limbs = sotto_alloc_array(limbs_len, sizeof *out->limbs);
    if (out->limbs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->limbs_len < limbs_len; out->limbs_len++) {
        out->limbs[out->limbs_len] = sotto_read_u64(reader);
    }
    return SOTTO_OK;
}

bool sotto__part_has_slots(const struct sotto__part *a, const struct sotto__part *b)
{
    bool same = a->slots_len == b->slots_len;
    for (size_t i = 0; same && i < a->slots_len; i++) {
        same = a->slots[i].len == b->slots[i].len && a->slots[i].limbs == b->slots[i].limbs;
    }
    return same;
}

static void add_slots(struct sotto__part *in_out, const struct sotto__part *other)
{
    size_t at = 0;
    for (size_t i = 0; i < in_out->slots_len; i++) {
        for (uint32_t j = 0; j < in_out->slots[i].len; j++, at += in_out->slots[i].limbs) {
            sotto__limbs_add(in_out->limbs + at, other->limbs + at, in_out->slots[i].limbs);
        }
    }
}

/* --- What a watch was shown --- */

static enum sotto_status add_shown(struct sotto__part *in_out, const struct sotto_part_bytes *bytes)
{
    void *shown = in_out->shown;
    enum sotto_status status = sotto_array_reserve(&shown, &in_out->shown_capacity_len,
                                                   in_out->shown_len + 1, sizeof *in_out->shown);
    if (status == SOTTO_OK) {
        in_out->shown = shown;
        in_out->shown[in_out->shown_len++] = *bytes;
    }
    return status;
}

static enum sotto_status read_shown(struct sotto__part *out, struct sotto_reader *reader,
                                    const char *name)
{
    struct sotto_part_bytes bytes = {.name = name};
    unsigned is_there = sotto_read_u8(reader);
    if (is_there > 1) {
        sotto_reader_fail(reader);
    }
    if (is_there != 1) {
        return SOTTO_OK;
    }
    bytes.data = sotto_read_blob(reader, &bytes.data_bytes, SIZE_MAX);
    return reader->failed ? SOTTO_OK : add_shown(out, &bytes);
}

static void write_shown(struct sotto_writer *writer, const struct sotto__part *part)
{
    sotto_write_u8(writer, part->all_shown.data != NULL);
    if (part->all_shown.data != NULL) {
        sotto_write_blob(writer, part->all_shown.data, part->all_shown.data_bytes);
    }
}

enum sotto_status sotto__part_merge_shown(struct sotto__part *in_out,
                                          const struct sotto_part_watch *watch,
                                          struct sotto_error *err)
{
    if (in_out->shown_len == 0) {
        return SOTTO_OK;
    }
    if (watch == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: its rows were shown to a ledger, and who merges it knows none",
                               in_out->shown[0].name);
    }
    return watch->merge(&in_out->all_shown, in_out->shown, in_out->shown_len, err);
}

/* --- All of it --- */

/* Whether evidence is there, or is known to be more than can be judged. */
static bool can_be_said(const struct sotto_evidence *evidence)
{
    return evidence->status == SOTTO_OK || evidence->status == SOTTO_ERROR_LIMIT;
}

enum sotto_status sotto__part_take(struct sotto__part *in_out,
                                   struct sotto_contribution *contribution, struct sotto_error *err)
{
    if (!can_be_said(&contribution->evidence)) {
        return sotto__evidence_fail(contribution->evidence.status, err);
    }
    if (sotto__part_find_slots(in_out, contribution->driver) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    in_out->limbs = contribution->limbs;
    in_out->limbs_len = contribution->limbs_len;
    in_out->evidence = contribution->evidence;
    contribution->limbs = NULL;
    contribution->evidence = (struct sotto_evidence){0};
    in_out->evidence.inquiry = NULL; /* which ends with the contribution */
    return SOTTO_OK;
}

enum sotto_status sotto__part_write(struct sotto__part *part, struct sotto_buffer *out,
                                    struct sotto_error *err)
{
    struct sotto_writer writer;
    uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
    enum sotto_status status = SOTTO_OK;
    sotto_writer_init(&writer, BYTES_MAX);
    sotto_write_bytes(&writer, magic, sizeof magic);
    sotto_write_u16(&writer, VERSION);
    sotto__part_head_write(&part->head, &writer);
    if (part->head.number == 0) {
        write_offers(&writer, part);
        if (sotto__part_is_catalogue(&part->head)) {
            sotto__part_write_missing(&writer, part);
        }
    } else {
        sotto__evidence_settle(&part->evidence);
        if (!can_be_said(&part->evidence)) {
            status = sotto__evidence_fail(part->evidence.status, err);
            goto out;
        }
        write_slots(&writer, part);
        status = sotto__facts_write(&part->evidence, &writer);
        write_shown(&writer, part);
    }
    if (status == SOTTO_OK && sotto_writer_status(&writer) == SOTTO_OK) {
        sotto_short_digest(digest, writer.data, writer.data_bytes);
        sotto_write_bytes(&writer, digest, sizeof digest);
    }
    if (status != SOTTO_OK || sotto_writer_status(&writer) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    *out = (struct sotto_buffer){0};
    out->data = sotto_writer_take(&writer, &out->data_bytes);
out:
    if (writer.data != NULL) {
        sotto_wipe(writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* Whether evidence is of the rows that the head counts, as far as is known without the plan. */
static bool has_rows(const struct sotto__part *part)
{
    const struct sotto_evidence *evidence = &part->evidence;
    bool has = evidence->lens.datasets == part->head.datasets_len;
    for (size_t i = 0; evidence->status == SOTTO_OK && has && i < evidence->lens.datasets; i++) {
        uint64_t rows = evidence->outside[2 * i] + evidence->outside[2 * i + 1];
        for (size_t j = 0; j < evidence->atoms[i].len; j++) {
            rows += evidence->atoms[i].rows[j]; /* in all no more than 2^60, by the reader */
        }
        has = rows <= part->head.rows[i];
    }
    return has;
}

static enum sotto_status read_contribution(struct sotto__part *out, struct sotto_reader *reader,
                                           const char *name)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < out->head.datasets_len; i++) {
        rows += out->head.rows[i];
    }
    enum sotto_status status = read_slots(out, reader);
    if (status != SOTTO_OK || reader->failed) {
        return status;
    }
    /* Each group has a limb, of those that are there. */
    const struct sotto__facts_limits limits = {out->head.min_rows, rows,
                                               out->limbs_len > 0 ? out->limbs_len : 1};
    status = sotto__facts_read(&out->evidence, reader, &limits);
    if (status == SOTTO_OK && !reader->failed && !has_rows(out)) {
        sotto_reader_fail(reader);
    }
    return status == SOTTO_OK && !reader->failed ? read_shown(out, reader, name) : status;
}

static enum sotto_status read_types(struct sotto__part *out, struct sotto_reader *reader,
                                    struct sotto_error *err)
{
    enum sotto_status status = read_offers(out, reader, err);
    return status == SOTTO_OK && !reader->failed && sotto__part_is_catalogue(&out->head)
               ? sotto__part_read_missing(out, reader)
               : status;
}

static enum sotto_status fail_bytes(const struct sotto_part_bytes *bytes, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: expected a part, found bytes that are none, or a part that was cut "
                           "short or changed: make it again",
                           bytes->name);
}

static enum sotto_status check_version(struct sotto_reader *reader,
                                       const struct sotto_part_bytes *bytes,
                                       struct sotto_error *err)
{
    const uint8_t *found = sotto_read_bytes(reader, sizeof magic);
    unsigned version = sotto_read_u16(reader);
    if (reader->failed || memcmp(found, magic, sizeof magic) != 0) {
        return fail_bytes(bytes, err);
    }
    return version == VERSION
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a part of version %d, found version %u: all parts "
                                 "are made and merged by the same version of sotto",
                                 bytes->name, VERSION, version);
}

enum sotto_status sotto__part_read(struct sotto__part *out, const struct sotto_part_bytes *bytes,
                                   struct sotto_error *err)
{
    struct sotto_reader reader;
    uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
    sotto_reader_init(&reader, bytes->data, bytes->data_bytes);
    enum sotto_status status = check_version(&reader, bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t body_bytes = bytes->data_bytes - sizeof digest;
    if (sotto_reader_left(&reader) < sizeof digest) {
        return fail_bytes(bytes, err);
    }
    sotto_short_digest(digest, bytes->data, body_bytes);
    if (memcmp(digest, (const uint8_t *)bytes->data + body_bytes, sizeof digest) != 0) {
        return fail_bytes(bytes, err);
    }
    reader.data_bytes = body_bytes;
    status = sotto__part_head_read(&out->head, &reader);
    if (status == SOTTO_OK && !reader.failed) {
        status = out->head.number == 0 ? read_types(out, &reader, err)
                                       : read_contribution(out, &reader, bytes->name);
    }
    if (status == SOTTO_ERROR_NO_MEMORY) {
        return sotto_error_no_memory(err);
    }
    return status == SOTTO_OK && sotto_reader_finished(&reader) ? SOTTO_OK : fail_bytes(bytes, err);
}

/* --- Together --- */

static enum sotto_status merge_part(struct sotto__part *in_out, const struct sotto__part *other,
                                    const char *name, struct sotto_error *err)
{
    enum sotto_status status = sotto__part_head_check(&in_out->head, &other->head, name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__part_head_merge(&in_out->head, &other->head, name, err);
    for (size_t i = 0; i < other->offers_len && status == SOTTO_OK; i++) {
        const struct sotto_buffer *offer = &other->offers[i];
        status = sotto__part_add_offer(in_out, offer->data, offer->data_bytes, err);
    }
    for (size_t i = 0; i < other->missing_len && status == SOTTO_OK; i++) {
        const struct sotto__part_missing *missing = &other->missing[i];
        if (sotto__part_add_missing(in_out, missing->name, strlen(missing->name), missing->rows) !=
            SOTTO_OK) {
            status = sotto_error_no_memory(err);
        }
    }
    if (status != SOTTO_OK || in_out->head.number == 0) {
        return status;
    }
    if (!sotto__part_has_slots(in_out, other) ||
        memcmp(&in_out->evidence.lens, &other->evidence.lens, sizeof other->evidence.lens) != 0 ||
        (in_out->shown_len > 0) != (other->shown_len > 0)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected as many sums as the others have, found others: all "
                               "parts are made by the same version of sotto",
                               name);
    }
    add_slots(in_out, other);
    sotto__evidence_merge(&in_out->evidence, &other->evidence);
    for (size_t i = 0; i < other->shown_len; i++) {
        if (add_shown(in_out, &other->shown[i]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return can_be_said(&in_out->evidence) ? SOTTO_OK
                                          : sotto__evidence_fail(in_out->evidence.status, err);
}

enum sotto_status sotto_part_merge(struct sotto_buffer *out, const struct sotto_part_bytes *parts,
                                   size_t parts_len, const struct sotto_part_watch *watch,
                                   struct sotto_error *err)
{
    SOTTO_REQUIRE(parts_len > 0);
    struct sotto__part merged = {0};
    struct sotto__part other = {0};
    enum sotto_status status = sotto__part_read(&merged, &parts[0], err);
    for (size_t i = 1; i < parts_len && status == SOTTO_OK; i++) {
        status = sotto__part_read(&other, &parts[i], err);
        if (status != SOTTO_OK) {
            goto out;
        }
        status = merge_part(&merged, &other, parts[i].name, err);
        sotto__part_release(&other);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__part_merge_shown(&merged, watch, err);
    if (status == SOTTO_OK) {
        status = sotto__part_write(&merged, out, err);
    }
out:
    sotto__part_release(&other);
    sotto__part_release(&merged);
    return status;
}
