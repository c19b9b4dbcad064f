/* SPDX-License-Identifier: Apache-2.0 */

/* The rule "cover", of sums together. Leans on what parties say in their offers (sotto/span.h). The
 * one idea: whoever has several sums has every combination of them, a number times each, added up;
 * so each combination has rows of enough parties, or of none.
 *
 * 1. Each party says of which combinations its rows are in: of all that are not 0 on its span.
 * 2. A combination in which fewer parties than are needed have rows is 0 on the spans of all
 *    others. So parties are left out, fewer than are needed, in all ways that matter: where the
 *    others span less than all do together, there is such a combination, and it is found.
 * 3. Which ways matter: those that leave out one of the parties that made the span whole. If these
 *    are few, as they are where most parties have rows everywhere, few ways are tried.
 *
 * Nothing is guessed: without a combination found there is none, but for a chance of about 2^-50
 * that the prime makes one look so. */

#include "cover.h"

#include <sotto/alloc.h>
#include <string.h>

/* Operations of one decision, seconds; what would take more is not opened: a plan of many groups,
 * or what somebody says of them, keeps nobody busy. */
#define WORK_MAX (UINT64_C(1) << 32)

/* --- Offers --- */

void sotto__combinations_release(struct sotto__combinations *spans)
{
    for (size_t i = 0; spans->said != NULL && i < spans->parties_len; i++) {
        sotto_buffer_release(&spans->said[i]);
    }
    sotto_free(spans->said);
    sotto_free(spans->places);
    sotto_free(spans->is_unjudged);
    sotto_families_release(&spans->families);
    *spans = (struct sotto__combinations){0};
}

/* The place of the spans of a group that is withheld. */
#define PLACE_EMPTY (SOTTO_NONE - 1)

static size_t *find_place(const struct sotto__combinations *spans, size_t party, size_t group,
                          size_t family)
{
    return &spans->places[(party * spans->groups_len + group) * spans->families.len + family];
}

/* Finds where each span begins: all of them can be read, or none of the party's is. */
static enum sotto_status find_places(struct sotto__combinations *spans, size_t party)
{
    struct sotto_reader reader;
    const struct sotto_buffer *said = &spans->said[party];
    enum sotto_status status = SOTTO_OK;
    sotto_reader_init(&reader, said->data, said->data_bytes);
    bool is_same = sotto_read_u64(&reader) == spans->families.digest;
    for (size_t group = 0; is_same && group < spans->groups_len; group++) {
        size_t before = sotto_reader_left(&reader);
        size_t bytes = sotto_read_u32(&reader);
        for (size_t i = 0; status == SOTTO_OK && i < spans->families.len; i++) {
            if (bytes == 0) {
                *find_place(spans, party, group, i) = PLACE_EMPTY;
                continue;
            }
            struct sotto_span span;
            *find_place(spans, party, group, i) = said->data_bytes - sotto_reader_left(&reader);
            status = sotto_span_init(&span, spans->families.list[i].sets_len, spans->prime);
            if (status == SOTTO_OK) {
                sotto_span_read(&span, &reader);
                sotto_span_release(&span);
            }
        }
        is_same = before - sotto_reader_left(&reader) == 4 + bytes;
    }
    if (!is_same || !sotto_reader_finished(&reader)) {
        memset(find_place(spans, party, 0, 0), 0xFF,
               spans->groups_len * spans->families.len * sizeof *spans->places); /* SOTTO_NONE */
    }
    return status;
}

static enum sotto_status read_offers(struct sotto__combinations *spans,
                                     const struct sotto__offer *offers)
{
    size_t places_len = spans->groups_len * spans->families.len;
    spans->said = sotto_alloc_array(spans->parties_len, sizeof *spans->said);
    spans->places = sotto_alloc_array(spans->parties_len * places_len, sizeof *spans->places);
    spans->is_unjudged = sotto_alloc_array(spans->parties_len, sizeof *spans->is_unjudged);
    if (spans->said == NULL || spans->places == NULL || spans->is_unjudged == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < spans->parties_len; i++) {
        spans->is_unjudged[i] = offers[i].spans_bytes == 0 && offers[i].cover_len > 0;
        enum sotto_status status =
            sotto_buffer_copy(&spans->said[i], offers[i].spans, offers[i].spans_bytes);
        if (status == SOTTO_OK) {
            status = find_places(spans, i);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_widths(const struct sotto_families *families,
                                      struct sotto_error *err)
{
    for (size_t i = 0; i < families->len; i++) {
        if (families->list[i].sets_len > SOTTO_FAMILY_SUMS_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                   "rule cover: the plan counts %zu sets of rows that cut each "
                                   "other, and at most %d can be compared: ask for fewer at once",
                                   families->list[i].sets_len, SOTTO_FAMILY_SUMS_MAX);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__combinations_init(struct sotto__combinations *out,
                                           const struct sotto_evidence *evidence,
                                           const struct sotto__offer *offers, size_t offers_len,
                                           uint64_t prime, struct sotto_error *err)
{
    struct sotto__combinations spans = {.prime = prime, .parties_len = offers_len};
    spans.groups_len = sotto_evidence_groups_len(evidence);
    (void)sotto_evidence_sets(evidence, &spans.sets_len);
    enum sotto_status status = sotto_families_init(&spans.families, evidence);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = check_widths(&spans.families, err);
    if (status == SOTTO_OK && spans.families.len > 0) {
        status = read_offers(&spans, offers);
    }
    if (status != SOTTO_OK) {
        sotto__combinations_release(&spans);
        return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err) : status;
    }
    *out = spans;
    return SOTTO_OK;
}

/* --- One family in one group --- */

/* What parties have of a family, as far as it is open. */
struct portions {
    struct sotto_span *spans; /* of the parties that live and say something, the largest first */
    size_t spans_len;
    struct sotto_span all;     /* of all of them */
    size_t needed;             /* of these */
    struct sotto_span *others; /* [needed]: of those that are not left out, so many being so */
    bool *is_left_out;         /* [span] */
    uint8_t *is_open;          /* [sum] */
    uint8_t *found;            /* [sum] */
    uint64_t work;
};

static void portions_release(struct portions *portions)
{
    for (size_t i = 0; i < portions->spans_len; i++) {
        sotto_span_release(&portions->spans[i]);
    }
    for (size_t i = 0; portions->others != NULL && i < portions->needed; i++) {
        sotto_span_release(&portions->others[i]);
    }
    sotto_span_release(&portions->all);
    sotto_free(portions->spans);
    sotto_free(portions->others);
    sotto_free(portions->is_left_out);
    sotto_free(portions->is_open);
    sotto_free(portions->found);
}

/* The largest first, those of one size as they were: all parties have to find the same. */
static void sort_spans(struct sotto_span *spans, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        struct sotto_span span = spans[i];
        size_t at = i;
        for (; at > 0 && spans[at - 1].len < span.len; at--) {
            spans[at] = spans[at - 1];
        }
        spans[at] = span;
    }
}

/* Adds a span to another. Returns: whether this has grown. */
static bool add_span(struct portions *portions, struct sotto_span *in_out,
                     const struct sotto_span *span)
{
    bool grows = false;
    for (size_t i = 0; i < span->len && in_out->len < portions->all.len; i++) {
        portions->work += in_out->width * (in_out->len + 1);
        grows = sotto_span_add(in_out, span->rows + i * span->width, NULL) || grows;
    }
    return grows;
}

/* Names a combination that is 0 on a span, and not on that of all. */
static void name_combination(struct portions *portions, struct sotto_span *span)
{
    bool is_named = false;
    for (size_t i = 0; !is_named && i < portions->all.len; i++) {
        const uint64_t *row = portions->all.rows + i * portions->all.width;
        is_named = sotto_span_find_beside(span, portions->found, row, NULL);
    }
}

/* Whether fewer than the needed parties, those that are left out and depth of them so far, have a
 * combination for themselves. Recursion: as deep as parties are needed. */
static bool search(struct portions *portions, size_t depth, bool *grew)
{
    struct sotto_span *others = &portions->others[depth];
    bool is_found = false;
    sotto_span_clear(others);
    for (size_t i = 0; i < portions->spans_len; i++) {
        grew[i] = !portions->is_left_out[i] && add_span(portions, others, &portions->spans[i]);
    }
    if (others->len < portions->all.len) {
        name_combination(portions, others);
        return true;
    }
    if (portions->work > WORK_MAX) {
        memset(portions->found, 1, others->width);
        return true;
    }
    for (size_t i = 0; depth + 1 < portions->needed && !is_found && i < portions->spans_len; i++) {
        if (grew[i]) {
            portions->is_left_out[i] = true;
            is_found = search(portions, depth + 1, grew + portions->spans_len);
            portions->is_left_out[i] = false;
        }
    }
    return is_found;
}

/* Whether so many parties have rows in all combinations that anybody has: then nothing has to be
 * looked for. */
static bool is_plain(const struct portions *portions)
{
    size_t whole = 0;
    for (size_t i = 0; i < portions->spans_len; i++) {
        whole += portions->spans[i].len == portions->all.len;
    }
    return whole >= portions->needed;
}

static enum sotto_status portions_search(struct portions *portions, bool *out_found)
{
    sort_spans(portions->spans, portions->spans_len);
    *out_found = false;
    if (is_plain(portions)) {
        return SOTTO_OK;
    }
    bool *grew = sotto_alloc_array(portions->needed * portions->spans_len + 1, sizeof *grew);
    portions->others = sotto_alloc_array(portions->needed, sizeof *portions->others);
    portions->is_left_out =
        sotto_alloc_array(portions->spans_len + 1, sizeof *portions->is_left_out);
    enum sotto_status status =
        grew != NULL && portions->others != NULL && portions->is_left_out != NULL
            ? SOTTO_OK
            : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < portions->needed; i++) {
        status = sotto_span_init(&portions->others[i], portions->all.width, portions->all.prime);
    }
    if (status == SOTTO_OK) {
        *out_found = search(portions, 0, grew);
    }
    sotto_free(grew);
    return status;
}

/* Takes the span of a party, without what is closed. */
static enum sotto_status take_span(struct portions *portions,
                                   const struct sotto__combinations *spans, size_t place,
                                   size_t party)
{
    struct sotto_reader reader;
    struct sotto_span whole;
    struct sotto_span *out = &portions->spans[portions->spans_len];
    size_t width = portions->all.width;
    enum sotto_status status = sotto_span_init(&whole, width, spans->prime);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_span_init(out, width, spans->prime);
    if (status != SOTTO_OK) {
        sotto_span_release(&whole);
        return status;
    }
    portions->spans_len++;
    const struct sotto_buffer *offered = &spans->said[party];
    sotto_reader_init(&reader, offered->data + place, offered->data_bytes - place);
    sotto_span_read(&whole, &reader);
    portions->work += (uint64_t)whole.len * width * (portions->all.len + whole.len + 1);
    for (size_t i = 0; i < whole.len; i++) {
        (void)sotto_span_add(out, whole.rows + i * width, portions->is_open);
        (void)sotto_span_add(&portions->all, whole.rows + i * width, portions->is_open);
    }
    sotto_span_release(&whole);
    return SOTTO_OK;
}

static enum sotto_status portions_init(struct portions *out, const struct sotto__cover *cover,
                                       const struct sotto_family *family, const uint8_t *closed)
{
    const struct sotto__combinations *spans = &cover->spans;
    size_t width = family->sets_len;
    *out = (struct portions){.needed = cover->needed};
    out->spans = sotto_alloc_array(spans->parties_len, sizeof *out->spans);
    out->is_open = sotto_alloc_array(width, sizeof *out->is_open);
    out->found = sotto_alloc_array(width, sizeof *out->found);
    if (out->spans == NULL || out->is_open == NULL || out->found == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < width; i++) {
        out->is_open[i] = family->sets[i] == SOTTO_NONE || closed[family->sets[i]] == 0;
    }
    return sotto_span_init(&out->all, width, spans->prime);
}

/* Fills a portions with what living parties say of a family in a group. Returns:
 * SOTTO_ERROR_INPUT where one says what can't be read. */
static enum sotto_status portions_fill(struct portions *portions, const struct sotto__cover *cover,
                                       size_t group, size_t family, const bool *lives)
{
    const struct sotto__combinations *spans = &cover->spans;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < spans->parties_len; i++) {
        size_t place = *find_place(spans, i, group, family);
        if (lives != NULL && !lives[i]) {
            continue;
        }
        if (spans->is_unjudged[i]) {
            portions->needed -= portions->needed > 0;
        } else if (place == SOTTO_NONE) {
            status = SOTTO_ERROR_INPUT;
        } else if (place != PLACE_EMPTY && sotto__cover_gives(cover, i, group * cover->stride)) {
            status = take_span(portions, spans, place, i);
        }
    }
    return status;
}

/* closed: of each set, whether it is not opened in the group. */
static enum sotto_status find_in_family(const struct sotto__cover *cover, bool *out_found,
                                        uint8_t *out_sets, uint64_t *in_out_work,
                                        const uint8_t *closed, size_t group, size_t family,
                                        const bool *lives)
{
    struct portions portions;
    const struct sotto_family *of = &cover->spans.families.list[family];
    *out_found = *in_out_work > WORK_MAX;
    if (*out_found) {
        return SOTTO_OK;
    }
    enum sotto_status status = portions_init(&portions, cover, of, closed);
    if (status != SOTTO_OK) {
        goto out;
    }
    portions.work = *in_out_work;
    status = portions_fill(&portions, cover, group, family, lives);
    if (status == SOTTO_ERROR_INPUT) {
        *out_found = true;
        status = SOTTO_OK;
        goto out;
    }
    if (status != SOTTO_OK || portions.needed == 0) {
        goto out;
    }
    status = portions_search(&portions, out_found);
    for (size_t i = 0; *out_found && i < of->sets_len; i++) {
        if (portions.found[i] != 0 && of->sets[i] != SOTTO_NONE) {
            out_sets[of->sets[i]] = 1;
        }
    }
out:
    *in_out_work = portions.work;
    portions_release(&portions);
    return status;
}

enum sotto_status sotto__combinations_find(const struct sotto__cover *cover, bool *out_found,
                                           uint8_t *out_sets, uint64_t *in_out_work, size_t group,
                                           const bool *lives)
{
    const struct sotto__combinations *spans = &cover->spans;
    const uint8_t *cells = cover->opened + group * cover->stride + 1;
    uint8_t *closed = sotto_alloc_zeroed(spans->sets_len + 1);
    enum sotto_status status = closed != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    *out_found = false;
    for (size_t i = 0; status == SOTTO_OK && i + 1 < cover->stride; i++) {
        if (cover->cells[i].set != SOTTO_NONE && cells[i] == 0) {
            closed[cover->cells[i].set] = 1;
        }
    }
    memset(out_sets, 0, spans->sets_len);
    for (size_t i = 0; status == SOTTO_OK && !*out_found && i < spans->families.len; i++) {
        status = find_in_family(cover, out_found, out_sets, in_out_work, closed, group, i, lives);
    }
    sotto_free(closed);
    return status;
}
