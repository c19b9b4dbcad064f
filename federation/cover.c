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
 * 3. Whoever has several sums has every combination of them. Where one has rows of some parties,
 *    but of fewer than `needed`, a bin or level that is in it is closed, the one that fewest stand
 *    behind; if there is none, the group (cover_combinations.c).
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
    sotto__combinations_release(&cover->spans);
    *cover = (struct sotto__cover){0};
}

/* --- What parties say --- */

static bool has_bit(const uint8_t *bitmap, size_t i)
{
    return ((bitmap[i / 8] >> i % 8) & 1) != 0;
}

bool sotto__cover_has_enough(const struct sotto__cover *cover, size_t party, size_t part)
{
    return has_bit(cover->said + party * SOTTO__COVER_BYTES(cover->len), part);
}

bool sotto__cover_gives(const struct sotto__cover *cover, size_t party, size_t part)
{
    size_t bytes = SOTTO__COVER_BYTES(cover->len);
    return has_bit(cover->said + party * bytes + bytes / 2, part);
}

static bool stands_behind(const struct sotto__cover *cover, size_t party, size_t part)
{
    return sotto__cover_has_enough(cover, party, part) && sotto__cover_gives(cover, party, part);
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

/* Whether of what is closed of a family enough parties that live have enough, or nothing is closed,
 * or nothing opened. */
static bool is_rest_covered(const struct sotto__cover *cover, const struct siblings *siblings,
                            const bool *lives)
{
    size_t found = 0;
    size_t len = siblings->end - siblings->begin;
    const uint8_t *opened = cover->opened + siblings->begin;
    if (memchr(opened, 0, len) == NULL || memchr(opened, 1, len) == NULL) {
        return true;
    }
    for (size_t i = 0; i < cover->parties_len; i++) {
        bool has = false;
        for (size_t part = siblings->begin; part < siblings->end; part++) {
            has = has || (cover->opened[part] == 0 && sotto__cover_has_enough(cover, i, part));
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

/* Closes one more of each family whose rest is not covered. */
static void cover_rests(struct sotto__cover *cover, size_t first)
{
    for (size_t offset = 1; offset < cover->stride;) {
        struct siblings siblings = find_family(cover, first, offset);
        if (!is_rest_covered(cover, &siblings, NULL)) {
            close_least(cover, &siblings);
        }
        offset = siblings.end - first;
    }
}

/* --- Combinations --- */

/* The first bin or level that counts a set, if all that do can be withheld alone. */
static size_t find_part(const struct sotto__cover *cover, size_t first, size_t set)
{
    size_t found = SOTTO_NONE;
    bool is_alone = true;
    for (size_t i = cover->stride - 1; i-- > 0;) {
        bool is_its = cover->cells[i].set == set;
        found = is_its ? first + 1 + i : found;
        is_alone = is_alone && (!is_its || cover->cells[i].is_alone);
    }
    return is_alone ? found : SOTTO_NONE;
}

static void close_set(struct sotto__cover *cover, size_t first, size_t set)
{
    for (size_t i = 0; i + 1 < cover->stride; i++) {
        if (cover->cells[i].set == set) {
            cover->opened[first + 1 + i] = 0;
        }
    }
}

/* Closes the set of a combination that fewest stand behind, if one of them can be withheld alone;
 * else the group. */
static void close_in_combination(struct sotto__cover *cover, size_t first, const uint8_t *sets)
{
    size_t least = SOTTO_NONE;
    size_t least_behind = 0;
    for (size_t set = 0; set < cover->spans.sets_len; set++) {
        size_t part = sets[set] != 0 ? find_part(cover, first, set) : SOTTO_NONE;
        if (part == SOTTO_NONE || cover->opened[part] == 0) {
            continue;
        }
        size_t behind = count_behind(cover, NULL, part);
        if (least == SOTTO_NONE || behind < least_behind) {
            least = set;
            least_behind = behind;
        }
    }
    if (least != SOTTO_NONE) {
        close_set(cover, first, least);
        cover_rests(cover, first);
    } else {
        memset(cover->opened + first, 0, cover->stride);
    }
}

/* Whether a group has to be closed for a part that is, and that others are made of too. */
static bool is_broken(const struct sotto__cover *cover, size_t first)
{
    bool found = false;
    for (size_t offset = 1; !found && offset < cover->stride; offset++) {
        found = cover->opened[first + offset] == 0 && !cover->cells[offset - 1].is_alone;
    }
    return found;
}

static enum sotto_status close_combinations(struct sotto__cover *cover, uint8_t *scratch,
                                            uint64_t *in_out_work, size_t group)
{
    size_t first = group * cover->stride;
    bool is_found = cover->spans.families.len > 0;
    while (is_found && cover->opened[first] != 0 && !is_broken(cover, first)) {
        enum sotto_status status =
            sotto__combinations_find(cover, &is_found, scratch, in_out_work, group, NULL);
        if (status != SOTTO_OK) {
            return status;
        }
        if (is_found) {
            close_in_combination(cover, first, scratch);
        }
    }
    return SOTTO_OK;
}

/* --- The decision --- */

/* Decides about a group by itself, whose parts begin at first. */
static void decide_group(struct sotto__cover *cover, size_t first)
{
    bool is_open = count_behind(cover, NULL, first) >= cover->needed;
    cover->opened[first] = is_open;
    for (size_t part = first + 1; is_open && part < first + cover->stride; part++) {
        cover->opened[part] = count_behind(cover, NULL, part) >= cover->needed;
    }
    if (is_open) {
        cover_rests(cover, first);
    }
}

/* *out_any: whether a group is opened. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status decide(struct sotto__cover *cover, bool *out_any)
{
    enum sotto_status status = SOTTO_OK;
    uint8_t *scratch = sotto_alloc_array(cover->spans.sets_len + 1, sizeof *scratch);
    if (scratch == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    uint64_t work = 0;
    *out_any = false;
    for (size_t group = 0; status == SOTTO_OK && group * cover->stride < cover->len; group++) {
        size_t first = group * cover->stride;
        decide_group(cover, first);
        status = close_combinations(cover, scratch, &work, group);
        if (is_broken(cover, first)) {
            memset(cover->opened + first, 0, cover->stride);
        }
        *out_any = *out_any || cover->opened[first] != 0;
    }
    cover->is_all_open = memchr(cover->opened, 0, cover->len) == NULL;
    sotto_free(scratch);
    return status;
}

/* Whether no combination in an open group tells of too few of the living. */
static bool holds_combinations(const struct sotto__cover *cover, const bool *lives,
                               uint64_t *in_out_work, size_t group)
{
    bool is_found = true;
    if (cover->spans.families.len == 0) {
        return true;
    }
    uint8_t *scratch = sotto_alloc_array(cover->spans.sets_len + 1, sizeof *scratch);
    bool is_known =
        scratch != NULL &&
        sotto__combinations_find(cover, &is_found, scratch, in_out_work, group, lives) == SOTTO_OK;
    sotto_free(scratch);
    return is_known && !is_found;
}

static bool holds_group(const struct sotto__cover *cover, const bool *lives, uint64_t *in_out_work,
                        size_t group)
{
    size_t first = group * cover->stride;
    bool holds = count_behind(cover, lives, first) >= cover->needed;
    for (size_t part = first + 1; holds && part < first + cover->stride; part++) {
        holds = cover->opened[part] == 0 || count_behind(cover, lives, part) >= cover->needed;
    }
    for (size_t offset = 1; holds && offset < cover->stride;) {
        struct siblings siblings = find_family(cover, first, offset);
        holds = is_rest_covered(cover, &siblings, lives);
        offset = siblings.end - first;
    }
    return holds && holds_combinations(cover, lives, in_out_work, group);
}

bool sotto__cover_holds(const struct sotto__cover *cover, const bool *lives)
{
    bool holds = true;
    uint64_t work = 0;
    for (size_t group = 0; holds && group * cover->stride < cover->len; group++) {
        holds =
            cover->opened[group * cover->stride] == 0 || holds_group(cover, lives, &work, group);
    }
    return holds;
}

/* --- From a roster --- */

uint32_t sotto__cover_needed(const struct sotto_roster *roster)
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

/* What a party says, which stands behind nothing where it speaks of other groups, bins or levels.
 */
static void read_offer(struct sotto__cover *cover, size_t party, const struct sotto__offer *offer)
{
    if (offer->cover_len == cover->len) {
        memcpy(cover->said + party * SOTTO__COVER_BYTES(cover->len), offer->cover,
               SOTTO__COVER_BYTES(cover->len));
    }
}

/* Sums that are too many to be judged are not compared: who judges them takes no part. */
static enum sotto_status read_question(struct sotto__cover *cover,
                                       const struct sotto_driver *driver,
                                       const struct sotto__offer *offers, uint64_t prime,
                                       struct sotto_error *err)
{
    struct sotto_evidence *evidence = NULL;
    enum sotto_status status = sotto_driver_evidence(&evidence, driver, err);
    if (status == SOTTO_ERROR_LIMIT) {
        sotto_driver_cover_cells(driver, cover->cells, NULL);
        return SOTTO_OK;
    }
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_driver_cover_cells(driver, cover->cells, evidence);
    status =
        sotto__combinations_init(&cover->spans, evidence, offers, cover->parties_len, prime, err);
    sotto_evidence_free(evidence);
    return status;
}

static enum sotto_status decide_all(struct sotto__cover *cover, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers, uint64_t prime,
                                    struct sotto_error *err)
{
    bool is_any;
    if (!allocate(cover)) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < cover->parties_len; i++) {
        read_offer(cover, i, &offers[i]);
    }
    enum sotto_status status = read_question(cover, driver, offers, prime, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (decide(cover, &is_any) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    if (!is_any) {
        return sotto_error_set(
            err, SOTTO_ERROR_REFUSED,
            "rule cover: fewer than %u parties have enough rows of anything that is asked: ask for "
            "larger groups, fewer bins or a wider condition, of which each has its min_rows",
            cover->needed);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__cover_init(struct sotto__cover *out, const struct sotto_driver *driver,
                                    const struct sotto__offer *offers,
                                    const struct sotto_roster *roster, uint64_t prime,
                                    struct sotto_error *err)
{
    struct sotto__cover cover = {.len = sotto_driver_cover_len(driver),
                                 .stride = 1 + sotto_driver_cover_cells_len(driver),
                                 .parties_len = roster->adverts_len,
                                 .needed = sotto__cover_needed(roster)};
    enum sotto_status status = decide_all(&cover, driver, offers, prime, err);
    if (status == SOTTO_ERROR_NO_MEMORY) {
        sotto__cover_release(&cover);
    }
    *out = cover;
    return status;
}

uint64_t sotto__cover_prime(const struct sotto_invitation_terms *terms)
{
    uint8_t bytes[sizeof terms->label.task.bytes + SOTTO_DIGEST_BYTES];
    uint8_t digest[SOTTO_DIGEST_BYTES];
    memcpy(bytes, terms->label.task.bytes, sizeof terms->label.task.bytes);
    memcpy(bytes + sizeof terms->label.task.bytes, terms->plan_digest, SOTTO_DIGEST_BYTES);
    sotto_digest(digest, "sotto cover", bytes, sizeof bytes);
    return sotto_span_prime(sotto_load_u64(digest));
}
