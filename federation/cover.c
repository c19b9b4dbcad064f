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
 * 3. Sums of one column over two sets of rows tell the sum over the rows between these. Either no
 *    party has any there, or `needed` parties have enough: else the group is closed.
 * 4. A plan of which no group is opened is refused.
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
    while (end < cover->stride && cover->cells[end - cover->first_cell].family ==
                                      cover->cells[offset - cover->first_cell].family) {
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

/* Whether nobody who lives has rows in a difference, or enough have enough. */
static bool is_difference_covered(const struct sotto__cover *cover, const bool *lives, size_t part)
{
    size_t bytes = SOTTO__COVER_BYTES(cover->len);
    bool is_any = false;
    for (size_t i = 0; i < cover->parties_len; i++) {
        is_any = is_any || ((lives == NULL || lives[i]) &&
                            has_bit(cover->said + i * bytes + bytes / 2, part));
    }
    return !is_any || count_behind(cover, lives, part) >= cover->needed;
}

/* Whether a group may be opened, by itself and by what its sums tell by their differences. */
static bool is_group_covered(const struct sotto__cover *cover, const bool *lives, size_t first)
{
    bool is_covered = count_behind(cover, lives, first) >= cover->needed;
    for (size_t i = 1; is_covered && i < cover->first_cell; i++) {
        is_covered = is_difference_covered(cover, lives, first + i);
    }
    return is_covered;
}

/* Whether a group has to be closed for a part that is, and that others are made of too. */
static bool is_broken(const struct sotto__cover *cover, size_t first)
{
    bool found = false;
    for (size_t offset = cover->first_cell; !found && offset < cover->stride; offset++) {
        found = cover->opened[first + offset] == 0 &&
                !cover->cells[offset - cover->first_cell].is_alone;
    }
    return found;
}

/* Decides about a group, whose parts begin at first. Returns: whether it is opened. */
static bool decide_group(struct sotto__cover *cover, size_t first)
{
    bool is_open = is_group_covered(cover, NULL, first);
    memset(cover->opened + first, is_open, cover->first_cell);
    for (size_t part = first + cover->first_cell; is_open && part < first + cover->stride; part++) {
        cover->opened[part] = count_behind(cover, NULL, part) >= cover->needed;
    }
    for (size_t offset = cover->first_cell; is_open && offset < cover->stride;) {
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
    bool holds = is_group_covered(cover, lives, first);
    for (size_t part = first + cover->first_cell; holds && part < first + cover->stride; part++) {
        holds = cover->opened[part] == 0 || count_behind(cover, lives, part) >= cover->needed;
    }
    for (size_t offset = cover->first_cell; holds && offset < cover->stride;) {
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

static void set_said(struct sotto__cover *cover, size_t party, size_t part, uint8_t said)
{
    uint8_t *bits = cover->said + party * SOTTO__COVER_BYTES(cover->len);
    size_t bytes = SOTTO__COVER_BYTES(cover->len);
    unsigned bit = 1U << part % 8;
    bits[part / 8] |= (uint8_t)((said & SOTTO_COVER_ENOUGH) != 0 ? bit : 0);
    bits[bytes / 2 + part / 8] |= (uint8_t)((said & SOTTO_COVER_GIVEN) != 0 ? bit : 0);
}

static uint8_t get_said(const struct sotto__offer *offer, size_t part)
{
    size_t bytes = SOTTO__COVER_BYTES((size_t)offer->cover_len);
    return (uint8_t)((has_bit(offer->cover, part) ? SOTTO_COVER_ENOUGH : 0) |
                     (has_bit(offer->cover + bytes / 2, part) ? SOTTO_COVER_GIVEN : 0));
}

/* What a party says of all its differences in a group: other types than its own have others. Rows
 * in one may be rows in any, and it has enough of any if it has of all. */
static uint8_t join_differences(const struct sotto__offer *offer, size_t begin, size_t len)
{
    uint8_t some = 0;
    uint8_t all = SOTTO_COVER_ENOUGH;
    for (size_t i = begin; i < begin + len; i++) {
        uint8_t said = get_said(offer, i);
        some |= said & SOTTO_COVER_GIVEN;
        all &= said;
    }
    return len > 0 ? some | all : 0;
}

/* What a party says, which stands behind nothing where it speaks of other groups, bins or levels.
 */
static void read_offer(struct sotto__cover *cover, size_t party, const struct sotto__offer *offer)
{
    size_t groups_len = cover->len / cover->stride;
    size_t cells_len = cover->stride - cover->first_cell;
    size_t stride = offer->cover_len / groups_len;
    if (offer->cover_len % groups_len != 0 || stride < 1 + cells_len) {
        return;
    }
    size_t own_len = stride - 1 - cells_len;
    for (size_t group = 0; group < groups_len; group++) {
        size_t to = group * cover->stride;
        size_t from = group * stride;
        uint8_t joined = join_differences(offer, from + 1, own_len);
        set_said(cover, party, to, get_said(offer, from));
        for (size_t i = 1; i < cover->first_cell; i++) {
            bool is_same = own_len == cover->first_cell - 1;
            set_said(cover, party, to + i, is_same ? get_said(offer, from + i) : joined);
        }
        for (size_t i = 0; i < cells_len; i++) {
            set_said(cover, party, to + cover->first_cell + i,
                     get_said(offer, from + 1 + own_len + i));
        }
    }
}

enum sotto_status sotto__cover_init(struct sotto__cover *out, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers,
                                    const struct sotto_roster *roster, struct sotto_error *err)
{
    struct sotto__cover cover = {.len = sotto_driver_cover_len(driver),
                                 .stride = 1 + sotto_driver_cover_differences_len(driver) +
                                           sotto_driver_cover_cells_len(driver),
                                 .first_cell = 1 + sotto_driver_cover_differences_len(driver),
                                 .parties_len = roster->adverts_len,
                                 .needed = count_needed(roster)};
    if (cover.len == 0 || !allocate(&cover)) {
        sotto__cover_release(&cover);
        return sotto_error_no_memory(err);
    }
    sotto_driver_cover_cells(driver, cover.cells);
    for (size_t i = 0; i < cover.parties_len; i++) {
        read_offer(&cover, i, &offers[i]);
    }
    bool is_any = decide(&cover);
    *out = cover;
    return is_any ? SOTTO_OK
                  : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                    "rule cover: fewer than %u parties have enough rows of what is "
                                    "asked",
                                    cover.needed);
}
