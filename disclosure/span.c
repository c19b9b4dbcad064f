/* SPDX-License-Identifier: Apache-2.0 */

/* Vectors modulo a prime, and what they span. It leans on mixture.c for numbers. The one idea: a
 * basis is kept reduced, so that a vector is taken apart in one pass, and a span has one basis
 * only. */

#include "mixture.h"

#include <sotto/alloc.h>
#include <sotto/span.h>
#include <string.h>

uint64_t sotto_span_prime(uint64_t seed)
{
    return sotto__mixture_prime(seed);
}

void sotto_span_release(struct sotto_span *span)
{
    sotto_free(span->rows);
    sotto_free(span->pivots);
    sotto_free(span->vector);
    sotto_free(span->kinds);
    *span = (struct sotto_span){0};
}

enum sotto_status sotto_span_init(struct sotto_span *out, size_t width, uint64_t prime)
{
    struct sotto_span span = {.prime = prime, .width = width};
    span.rows = sotto_alloc_array(width * width, sizeof *span.rows);
    span.pivots = sotto_alloc_array(width, sizeof *span.pivots);
    span.vector = sotto_alloc_array(width, sizeof *span.vector);
    span.kinds = sotto_alloc_array(width, sizeof *span.kinds);
    *out = span;
    if (span.rows == NULL || span.pivots == NULL || span.vector == NULL || span.kinds == NULL) {
        sotto_span_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

void sotto_span_clear(struct sotto_span *span)
{
    span->len = 0;
}

/* --- Adding --- */

/* Takes off what a vector has of the basis, into span->vector. Returns: where its first number
 * stands that is left, or SOTTO_NONE. */
static size_t take_apart(struct sotto_span *span, const uint64_t *vector, const uint8_t *is_open)
{
    for (size_t i = 0; i < span->width; i++) {
        span->vector[i] = is_open == NULL || is_open[i] != 0 ? vector[i] : 0;
    }
    for (size_t i = 0; i < span->len; i++) {
        sotto__mixture_subtract(span->vector, span->rows + i * span->width,
                                span->vector[span->pivots[i]], span->pivots[i], span->width,
                                span->prime);
    }
    for (size_t i = 0; i < span->width; i++) {
        if (span->vector[i] != 0) {
            return i;
        }
    }
    return SOTTO_NONE;
}

bool sotto_span_add(struct sotto_span *in_out, const uint64_t *vector, const uint8_t *is_open)
{
    size_t pivot = take_apart(in_out, vector, is_open);
    if (pivot == SOTTO_NONE) {
        return false;
    }
    uint64_t factor = sotto__mixture_invert(in_out->vector[pivot], in_out->prime);
    uint64_t *row = in_out->rows + in_out->len * in_out->width;
    for (size_t i = 0; i < in_out->width; i++) {
        row[i] = sotto__mixture_multiply(in_out->vector[i], factor, in_out->prime);
    }
    for (size_t i = 0; i < in_out->len; i++) {
        uint64_t *other = in_out->rows + i * in_out->width;
        sotto__mixture_subtract(other, row, other[pivot], pivot, in_out->width, in_out->prime);
    }
    in_out->pivots[in_out->len++] = pivot;
    return true;
}

bool sotto_span_find_beside(struct sotto_span *span, uint8_t *out, const uint64_t *vector,
                            const uint8_t *is_open)
{
    size_t at = take_apart(span, vector, is_open);
    if (at == SOTTO_NONE) {
        return false;
    }
    /* This sum, less at each pivot what the basis has of it: 0 on each row of the basis. */
    memset(out, 0, span->width);
    out[at] = 1;
    for (size_t i = 0; i < span->len; i++) {
        out[span->pivots[i]] = span->rows[i * span->width + at] != 0;
    }
    return true;
}

/* --- Bytes --- */

/* Most numbers are 0, 1 or -1: a byte each. */
enum { NUMBER_ZERO, NUMBER_ONE, NUMBER_LESS_ONE, NUMBER_OTHER };

static void write_number(struct sotto_writer *writer, uint64_t number, uint64_t prime)
{
    uint8_t kind = number == 0           ? NUMBER_ZERO
                   : number == 1         ? NUMBER_ONE
                   : number == prime - 1 ? NUMBER_LESS_ONE
                                         : NUMBER_OTHER;
    sotto_write_u8(writer, kind);
    if (kind == NUMBER_OTHER) {
        sotto_write_u64(writer, number);
    }
}

static uint64_t read_number(struct sotto_reader *reader, uint64_t prime)
{
    uint64_t number = sotto_read_u8(reader);
    bool is_whole = number == NUMBER_OTHER;
    if (number == NUMBER_LESS_ONE) {
        return prime - 1;
    }
    if (is_whole) {
        number = sotto_read_u64(reader);
    }
    if ((is_whole && (number <= 1 || number >= prime - 1)) ||
        (!is_whole && number > NUMBER_OTHER)) {
        sotto_reader_fail(reader);
    }
    return number;
}

/* Of a column: it has numbers in some rows, it is a row's pivot, or it is 0 in all rows. */
enum { COLUMN_MIXED, COLUMN_PIVOT, COLUMN_ZERO };

/* Finds what each column is, and in span->vector of which row a pivot is. */
static void find_kinds(struct sotto_span *span, uint8_t *out)
{
    memset(out, COLUMN_ZERO, span->width);
    for (size_t i = 0; i < span->len; i++) {
        for (size_t j = span->pivots[i]; j < span->width; j++) {
            out[j] = span->rows[i * span->width + j] != 0 ? COLUMN_MIXED : out[j];
        }
    }
    for (size_t i = 0; i < span->len; i++) {
        out[span->pivots[i]] = COLUMN_PIVOT;
        span->vector[span->pivots[i]] = i;
    }
}

void sotto_span_write(struct sotto_span *span, struct sotto_writer *writer)
{
    uint8_t *kinds = span->kinds;
    find_kinds(span, kinds);
    sotto_write_bytes(writer, kinds, span->width);
    for (size_t i = 0; i < span->width; i++) {
        const uint64_t *row =
            kinds[i] == COLUMN_PIVOT ? span->rows + (size_t)span->vector[i] * span->width : NULL;
        for (size_t j = i + 1; row != NULL && j < span->width; j++) {
            if (kinds[j] == COLUMN_MIXED) {
                write_number(writer, row[j], span->prime);
            }
        }
    }
}

void sotto_span_read(struct sotto_span *in_out, struct sotto_reader *reader)
{
    const uint8_t *kinds = sotto_read_bytes(reader, in_out->width);
    in_out->len = 0;
    for (size_t i = 0; kinds != NULL && i < in_out->width; i++) {
        uint64_t *row = in_out->rows + in_out->len * in_out->width;
        if (kinds[i] > COLUMN_ZERO) {
            sotto_reader_fail(reader);
        }
        if (kinds[i] != COLUMN_PIVOT) {
            continue;
        }
        memset(row, 0, in_out->width * sizeof *row);
        row[i] = 1;
        for (size_t j = i + 1; j < in_out->width; j++) {
            row[j] = kinds[j] == COLUMN_MIXED ? read_number(reader, in_out->prime) : 0;
        }
        in_out->pivots[in_out->len++] = i;
    }
}

enum sotto_status sotto_spans_withhold(struct sotto_writer *in_out, const uint8_t *withheld,
                                       size_t groups_len)
{
    struct sotto_reader reader;
    struct sotto_writer kept;
    sotto_reader_init(&reader, in_out->data, in_out->data_bytes);
    sotto_writer_init(&kept, in_out->limit_bytes);
    sotto_write_u64(&kept, sotto_read_u64(&reader));
    for (size_t group = 0; group < groups_len; group++) {
        size_t bytes = 0;
        const uint8_t *blob = sotto_read_blob(&reader, &bytes, in_out->data_bytes);
        sotto_write_blob(&kept, blob, withheld[group] == 0 ? bytes : 0);
    }
    enum sotto_status status = sotto_writer_status(&kept);
    if (groups_len == 0 || !sotto_reader_finished(&reader)) {
        sotto_writer_release(&kept);
        return groups_len == 0 ? SOTTO_OK : SOTTO_ERROR_INPUT;
    }
    if (status != SOTTO_OK) {
        sotto_writer_release(&kept);
        return status;
    }
    sotto_writer_release(in_out);
    *in_out = kept;
    return SOTTO_OK;
}
