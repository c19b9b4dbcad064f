/* SPDX-License-Identifier: Apache-2.0 */

/* What the parties of a session open together (the rule "cover"): a part of the sum, a group or one
 * of its bins and levels, is opened where enough parties have much of it. It leans on what each of
 * them says in its signed offer. The one idea: a sum over parties of which all but few have nothing
 * is a sum over those few, so parties are counted by what they have.
 *
 * 1. A part is opened if `needed` parties have enough of it and give it: the colluders and two
 *    others, and no fewer than the owners' minima. Whoever has less may then give it too.
 * 2. The bins and levels of one value, a family, share out its rows: what is closed of them is
 *    known as the rest. So either nothing of a family is closed, or what is has `needed` parties
 *    with enough of it; where it has not, one more is closed: the one that fewest stand behind.
 * 3. A plan of which no group is opened is refused.
 *
 * All parties and the aggregator decide alike from the roster, and parties once more for those that
 * lived to give their input: what is opened has to be covered by these. */

#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

void sotto__cover_release(struct sotto__cover *cover)
{
    sotto_free(cover->said);
    sotto_free(cover->opened);
    sotto_free(cover->cells);
    *cover = (struct sotto__cover){0};
}

/* --- What parties say --- */

static bool has_bit(const uint8_t *bitmap, size_t i)
{
    return ((bitmap[i / 8] >> i % 8) & 1) != 0;
}

static bool has_enough(const struct sotto__cover *cover, size_t party, size_t part)
{
    return has_bit(cover->said + party * SOTTO__COVER_BYTES(cover->len), part);
}

static bool stands_behind(const struct sotto__cover *cover, size_t party, size_t part)
{
    size_t bytes = SOTTO__COVER_BYTES(cover->len);
    return has_enough(cover, party, part) && has_bit(cover->said + party * bytes + bytes / 2, part);
}

/* How many of the parties that live (NULL: all) stand behind a part. */
static size_t count_behind(const struct sotto__cover *cover, const bool *lives, size_t part)
{
    size_t found = 0;
    for (size_t i = 0; i < cover->parties_len; i++) {
        found += (lives == NULL || lives[i]) && stands_behind(cover, i, part);
    }
    return found;
}

/* --- Families --- */

/* The parts of one family, which stand together: from begin up to end. */
struct siblings {
    size_t begin;
    size_t end;
};

/* The family (struct sotto_cover_cell) whose first part is the offset-th of a group. */
static struct siblings find_family(const struct sotto__cover *cover, size_t first, size_t offset)
{
    size_t end = offset + 1;
    while (end < cover->stride && cover->cells[end - 1].family == cover->cells[offset - 1].family) {
        end++;
    }
    return (struct siblings){.begin = first + offset, .end = first + end};
}

/* Whether of what is closed of a family enough parties that live have enough, or nothing is. */
static bool is_rest_covered(const struct sotto__cover *cover, const struct siblings *siblings,
                            const bool *lives)
{
    size_t found = 0;
    size_t len = siblings->end - siblings->begin;
    if (memchr(cover->opened + siblings->begin, 0, len) == NULL) {
        return true;
    }
    for (size_t i = 0; i < cover->parties_len; i++) {
        bool has = false;
        for (size_t part = siblings->begin; part < siblings->end; part++) {
            has = has || (cover->opened[part] == 0 && has_enough(cover, i, part));
        }
        found += has && (lives == NULL || lives[i]);
    }
    return found >= cover->needed;
}

/* Closes the open part of a family that fewest stand behind, the first of several. */
static void close_least(struct sotto__cover *cover, const struct siblings *siblings)
{
    size_t least = SOTTO_NONE;
    size_t least_behind = 0;
    for (size_t part = siblings->begin; part < siblings->end; part++) {
        if (cover->opened[part] == 0) {
            continue;
        }
        size_t behind = count_behind(cover, NULL, part);
        if (least == SOTTO_NONE || behind < least_behind) {
            least = part;
            least_behind = behind;
        }
    }
    if (least != SOTTO_NONE) {
        cover->opened[least] = 0;
    }
}

/* --- The decision --- */

/* Whether a group has to be closed for a part that is, and that others are made of too. */
static bool is_broken(const struct sotto__cover *cover, size_t first)
{
    bool found = false;
    for (size_t offset = 1; !found && offset < cover->stride; offset++) {
        found = cover->opened[first + offset] == 0 && !cover->cells[offset - 1].is_alone;
    }
    return found;
}

/* Decides about a group, whose parts begin at first. Returns: whether it is opened. */
static bool decide_group(struct sotto__cover *cover, size_t first)
{
    bool is_open = count_behind(cover, NULL, first) >= cover->needed;
    for (size_t part = first; is_open && part < first + cover->stride; part++) {
        cover->opened[part] = count_behind(cover, NULL, part) >= cover->needed;
    }
    for (size_t offset = 1; is_open && offset < cover->stride;) {
        struct siblings siblings = find_family(cover, first, offset);
        if (!is_rest_covered(cover, &siblings, NULL)) {
            close_least(cover, &siblings);
        }
        offset = siblings.end - first;
    }
    if (is_open && is_broken(cover, first)) {
        memset(cover->opened + first, 0, cover->stride);
    }
    return cover->opened[first] != 0;
}

static bool decide(struct sotto__cover *cover)
{
    bool is_any = false;
    for (size_t first = 0; first < cover->len; first += cover->stride) {
        bool is_open = decide_group(cover, first);
        is_any = is_any || is_open;
    }
    cover->is_all_open = memchr(cover->opened, 0, cover->len) == NULL;
    return is_any;
}

static bool holds_group(const struct sotto__cover *cover, const bool *lives, size_t first)
{
    bool holds = true;
    for (size_t part = first; holds && part < first + cover->stride; part++) {
        holds = cover->opened[part] == 0 || count_behind(cover, lives, part) >= cover->needed;
    }
    for (size_t offset = 1; holds && offset < cover->stride;) {
        struct siblings siblings = find_family(cover, first, offset);
        holds = is_rest_covered(cover, &siblings, lives);
        offset = siblings.end - first;
    }
    return holds;
}

bool sotto__cover_holds(const struct sotto__cover *cover, const bool *lives)
{
    bool holds = true;
    for (size_t first = 0; holds && first < cover->len; first += cover->stride) {
        holds = cover->opened[first] == 0 || holds_group(cover, lives, first);
    }
    return holds;
}

/* --- From a roster --- */

static uint32_t count_needed(const struct sotto_roster *roster)
{
    uint32_t colluders = sotto_session_colluders(roster->adverts_len, roster->demands.colluders);
    uint32_t least = roster->demands.min_parties;
    return colluders + 3 > least ? colluders + 3 : least;
}

static bool allocate(struct sotto__cover *cover)
{
    cover->said = sotto_alloc_array(cover->parties_len, SOTTO__COVER_BYTES(cover->len));
    cover->opened = sotto_alloc_array(cover->len, sizeof *cover->opened);
    cover->cells = sotto_alloc_array(cover->stride, sizeof *cover->cells);
    return cover->said != NULL && cover->opened != NULL && cover->cells != NULL;
}

enum sotto_status sotto__cover_init(struct sotto__cover *out, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers,
                                    const struct sotto_roster *roster, struct sotto_error *err)
{
    struct sotto__cover cover = {.len = sotto_driver_cover_len(driver),
                                 .stride = 1 + sotto_driver_cover_cells_len(driver),
                                 .parties_len = roster->adverts_len,
                                 .needed = count_needed(roster)};
    if (!allocate(&cover)) {
        sotto__cover_release(&cover);
        return sotto_error_no_memory(err);
    }
    sotto_driver_cover_cells(driver, cover.cells);
    for (size_t i = 0; i < cover.parties_len; i++) {
        size_t bytes = SOTTO__COVER_BYTES(cover.len);
        if (offers[i].cover_len ==
            cover.len) { /* else it speaks of other parts: of none of these */
            memcpy(cover.said + i * bytes, offers[i].cover, bytes);
        }
    }
    bool is_any = decide(&cover);
    *out = cover;
    return is_any ? SOTTO_OK
                  : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                    "rule cover: fewer than %u parties have enough rows of what is "
                                    "asked",
                                    cover.needed);
}
