/* SPDX-License-Identifier: Apache-2.0 */

/* Rows into atoms. Leans on the engine's watch, which shows the rows, and on sketches, which add
 * up: each thread has atoms of its own, which are merged when all rows are read.
 *
 * The one idea: an atom is made when its first row comes, so that there are as many as rows make,
 * not as many as predicates could. It is known by the classes of its rows, their group, and whether
 * the question asks for them. */

#include <sotto/tally.h>

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

/* What a count adds up. */
#define COUNT_TEXT "(rows)"
/* Of rows that are not asked. */
#define NOT_ASKED UINT32_MAX
#define LEVELS_BYTES (SOTTO_LEDGER_LEVELS * sizeof(uint64_t))
/* Rows are counted in so many places: 64 MB. */
#define COUNTS_MAX ((size_t)1 << 23)
/* Combinations of classes and groups that are looked up by their number. */
#define NUMBERS_MAX 4096

/* The different values of a column or of a product, as far as there are few. */
struct levels {
    double values[SOTTO_LEDGER_LEVELS];
    size_t len;
    bool is_over;
};

/* What rows are counted by for a pair: whether alone is 0, and the level of by. Of columns that are
 * shown; SOTTO_NONE: 1. */
struct pair {
    size_t alone;
    size_t by[2];
    size_t measures[2]; /* alone's, and the product's */
};

/* Columns that are shown; of a column alone the second one is SOTTO_NONE. */
struct product {
    size_t columns[2];
};

struct atoms {
    const struct pair *pairs;
    size_t pairs_len;
    struct levels *levels; /* of each pair */
    uint64_t *counts;      /* [(atom * pairs_len + pair) * SOTTO_LEDGER_LEVELS + level] */
    size_t predicates_len;
    size_t measures_len;
    uint16_t *classes; /* [atom * predicates_len + predicate] */
    uint32_t *groups;  /* NOT_ASKED, or the group (0 where there are none) */
    uint64_t *rows;
    struct sotto_sketch *sketches;             /* [atom * measures_len + measure] */
    struct sotto_ledger_magnitude *magnitudes; /* likewise */
    size_t len;
    size_t capacity_len;
    uint32_t *slots; /* hash table: atom + 1, or 0 */
    size_t slots_len;
    uint32_t *atom_of;     /* [number of the row]: atom + 1, or 0 */
    uint16_t *row_classes; /* scratch: of one row */
    uint32_t *places;      /* scratch: of some rows */
    uint32_t *found;       /* likewise: atoms */
    double *values;        /* likewise */
    uint8_t *states;       /* likewise */
    size_t places_len;
};

struct tallied {
    struct sotto_ledger_texts predicates;
    size_t known_len;               /* of them, in the ledger; those of the plan come after */
    struct sotto_ledger_texts told; /* predicates, as far as the answer tells their classes */
    size_t *told_at;                /* of each predicate: its place among told; or SOTTO_NONE */
    struct atoms atoms;             /* of told */
    struct sotto_ledger_measure *measures; /* that rows are shown for; then, if counts, the count */
    const char **columns;                  /* of all measures, one after the other */
    size_t measures_len;
    bool counts;
    bool has_count;                  /* also where only pairs need it */
    size_t shown_len;                /* measures whose values the watch shows */
    struct sotto_ledger_texts old;   /* products that were told before */
    struct sotto_ledger_texts names; /* columns that are shown beside, for pairs */
    struct sotto_ledger_texts texts; /* of measures after shown_len, which only pairs need */
    struct product *contexts;        /* what these are of */
    struct pair *pairs;
    size_t pairs_len;
    size_t pairs_capacity_len;
    size_t contexts_capacity_len;
    struct sotto_ledger_pair *told_pairs;
    struct atoms *workers;
    size_t workers_len;
    struct sotto_ledger_atom *list;
};

struct sotto_tally {
    struct sotto_ledger *ledger;
    const struct sotto_driver *driver;
    struct sotto_watch *watch;
    struct tallied *datasets;
    struct sotto_ledger_file *files;
    size_t len;
};

/* --- Atoms --- */

static void release_atoms(struct atoms *atoms)
{
    if (atoms->sketches != NULL) {
        sotto_wipe(atoms->sketches,
                   atoms->capacity_len * atoms->measures_len * sizeof *atoms->sketches);
    }
    sotto_free(atoms->classes);
    sotto_free(atoms->groups);
    sotto_free(atoms->rows);
    sotto_free(atoms->sketches);
    if (atoms->magnitudes != NULL) {
        sotto_wipe(atoms->magnitudes,
                   atoms->capacity_len * atoms->measures_len * sizeof *atoms->magnitudes);
    }
    sotto_free(atoms->magnitudes);
    sotto_free(atoms->slots);
    sotto_free(atoms->atom_of);
    sotto_free(atoms->row_classes);
    sotto_free(atoms->places);
    sotto_free(atoms->found);
    sotto_free(atoms->values);
    sotto_free(atoms->states);
    sotto_free(atoms->levels);
    sotto_free(atoms->counts);
    *atoms = (struct atoms){0};
}

static uint64_t hash_row(const uint16_t *classes, size_t len, uint32_t group)
{
    uint64_t hash = group * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ classes[i]) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    return hash;
}

static void place_slot(struct atoms *atoms, size_t atom)
{
    const uint16_t *classes = atoms->classes + atom * atoms->predicates_len;
    uint64_t at = hash_row(classes, atoms->predicates_len, atoms->groups[atom]);
    while (atoms->slots[at & (atoms->slots_len - 1)] != 0) {
        at++;
    }
    atoms->slots[at & (atoms->slots_len - 1)] = (uint32_t)(atom + 1);
}

/* Copies what there is into arrays of twice the size. Sketches hold what values hash to: the old
 * ones are wiped. */
static bool grow_atoms(struct atoms *atoms)
{
    struct atoms grown = *atoms;
    size_t len = atoms->capacity_len > 0 ? 2 * atoms->capacity_len : 16;
    size_t sketches_bytes = atoms->len * atoms->measures_len * sizeof *atoms->sketches;
    grown.capacity_len = len;
    grown.slots_len = 4 * len;
    grown.classes = sotto_alloc_array(len * atoms->predicates_len, sizeof *grown.classes);
    grown.groups = sotto_alloc_array(len, sizeof *grown.groups);
    grown.rows = sotto_alloc_array(len, sizeof *grown.rows);
    grown.sketches = sotto_alloc_array(len * atoms->measures_len, sizeof *grown.sketches);
    grown.magnitudes = sotto_alloc_array(len * atoms->measures_len, sizeof *grown.magnitudes);
    grown.slots = sotto_alloc_array(grown.slots_len, sizeof *grown.slots);
    grown.counts = sotto_alloc_array(len * atoms->pairs_len, LEVELS_BYTES);
    if (grown.counts == NULL || grown.magnitudes == NULL || grown.classes == NULL ||
        grown.groups == NULL || grown.rows == NULL || grown.sketches == NULL ||
        grown.slots == NULL) {
        sotto_free(grown.classes);
        sotto_free(grown.groups);
        sotto_free(grown.rows);
        sotto_free(grown.sketches);
        sotto_free(grown.slots);
        sotto_free(grown.magnitudes);
        sotto_free(grown.counts);
        return false;
    }
    if (atoms->len > 0) {
        memcpy(grown.classes, atoms->classes,
               atoms->len * atoms->predicates_len * sizeof *grown.classes);
        memcpy(grown.groups, atoms->groups, atoms->len * sizeof *grown.groups);
        memcpy(grown.rows, atoms->rows, atoms->len * sizeof *grown.rows);
        memcpy(grown.sketches, atoms->sketches, sketches_bytes);
        memcpy(grown.magnitudes, atoms->magnitudes,
               atoms->len * atoms->measures_len * sizeof *grown.magnitudes);
        memcpy(grown.counts, atoms->counts, atoms->len * atoms->pairs_len * LEVELS_BYTES);
    }
    atoms->atom_of = NULL; /* these go on */
    atoms->row_classes = NULL;
    atoms->places = atoms->found = NULL;
    atoms->values = NULL;
    atoms->states = NULL;
    atoms->levels = NULL;
    release_atoms(atoms);
    *atoms = grown;
    for (size_t i = 0; i < atoms->len; i++) {
        place_slot(atoms, i);
    }
    return true;
}

static enum sotto_status find_atom(struct atoms *atoms, size_t *out, const uint16_t *classes,
                                   uint32_t group, struct sotto_error *err)
{
    uint64_t at = hash_row(classes, atoms->predicates_len, group);
    for (; atoms->slots_len > 0; at++) {
        uint32_t slot = atoms->slots[at & (atoms->slots_len - 1)];
        if (slot == 0) {
            break;
        }
        if (atoms->groups[slot - 1] == group &&
            memcmp(atoms->classes + (slot - 1) * atoms->predicates_len, classes,
                   atoms->predicates_len * sizeof *classes) == 0) {
            *out = slot - 1;
            return SOTTO_OK;
        }
    }
    if (atoms->len * atoms->measures_len >= SOTTO_LEDGER_SKETCHES_MAX ||
        (atoms->len + 1) * atoms->pairs_len > COUNTS_MAX / SOTTO_LEDGER_LEVELS) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "with what was asked before the rows fall into more kinds than the "
                               "ledger takes, %d for all sums together: ask for fewer sums or "
                               "groups, or the owner begins an epoch",
                               SOTTO_LEDGER_SKETCHES_MAX);
    }
    if (atoms->len == atoms->capacity_len && !grow_atoms(atoms)) {
        return sotto_error_no_memory(err);
    }
    memcpy(atoms->classes + atoms->len * atoms->predicates_len, classes,
           atoms->predicates_len * sizeof *classes);
    atoms->groups[atoms->len] = group;
    place_slot(atoms, atoms->len);
    *out = atoms->len++;
    return SOTTO_OK;
}

/* --- Rows --- */

static bool reserve_places(struct atoms *atoms, size_t len)
{
    if (atoms->places_len < len) {
        sotto_free(atoms->places);
        sotto_free(atoms->found);
        sotto_free(atoms->values);
        sotto_free(atoms->states);
        atoms->places = sotto_alloc_array(len, sizeof *atoms->places);
        atoms->found = sotto_alloc_array(len, sizeof *atoms->found);
        atoms->values = sotto_alloc_array(len, sizeof *atoms->values);
        atoms->states = sotto_alloc_array(len, sizeof *atoms->states);
        bool has_all = atoms->places != NULL && atoms->found != NULL && atoms->values != NULL &&
                       atoms->states != NULL;
        atoms->places_len = has_all ? len : 0;
    }
    if (atoms->row_classes == NULL) {
        atoms->row_classes =
            sotto_alloc_array(atoms->predicates_len + 1, sizeof *atoms->row_classes);
    }
    if (atoms->atom_of == NULL) {
        atoms->atom_of = sotto_alloc_array(NUMBERS_MAX, sizeof *atoms->atom_of);
    }
    return atoms->places_len >= len && atoms->row_classes != NULL && atoms->atom_of != NULL;
}

/* Writes a number for each row's classes and group. Returns: how many numbers there are; 0 if these
 * are too many. */
static uint32_t number_rows(uint32_t *out, const struct sotto_watch_rows *rows)
{
    uint64_t numbers_len = rows->groups != NULL ? (uint64_t)rows->groups_len + 1 : 2;
    for (size_t i = 0; i < rows->len; i++) {
        bool is_skipped = rows->skipped != NULL && rows->skipped[i] != 0;
        uint32_t group = rows->groups != NULL ? rows->groups[i] : 0;
        out[i] = is_skipped ? (uint32_t)numbers_len - 1 : group;
    }
    for (size_t j = 0; j < rows->predicates_len; j++) {
        const uint16_t *classes = rows->classes[j];
        uint32_t last = rows->classes_len[j]; /* stands for the last class of all */
        numbers_len *= (uint64_t)last + 1;
        if (numbers_len > NUMBERS_MAX) {
            return 0;
        }
        for (size_t i = 0; i < rows->len; i++) {
            out[i] = out[i] * (last + 1) + (classes[i] < last ? classes[i] : last);
        }
    }
    return (uint32_t)numbers_len;
}

static enum sotto_status find_row(struct atoms *atoms, size_t *out,
                                  const struct sotto_watch_rows *rows, size_t i,
                                  struct sotto_error *err)
{
    bool is_skipped = rows->skipped != NULL && rows->skipped[i] != 0;
    uint32_t group = is_skipped ? NOT_ASKED : rows->groups != NULL ? rows->groups[i] : 0;
    for (size_t j = 0; j < rows->predicates_len; j++) {
        atoms->row_classes[j] = rows->classes[j][i];
    }
    return find_atom(atoms, out, atoms->row_classes, group, err);
}

/* Finds each row's atom by its number where there are few of these, or else in the hash table. */
static enum sotto_status place_rows(struct atoms *atoms, const struct sotto_watch_rows *rows,
                                    struct sotto_error *err)
{
    uint32_t numbers_len = number_rows(atoms->places, rows);
    for (size_t i = 0; i < rows->len; i++) {
        uint32_t number = numbers_len > 0 ? atoms->places[i] : 0;
        size_t atom = numbers_len > 0 ? atoms->atom_of[number] : 0;
        if (atom == 0) {
            enum sotto_status status = find_row(atoms, &atom, rows, i, err);
            if (status != SOTTO_OK) {
                return status;
            }
            atom++;
            atoms->atom_of[number] = numbers_len > 0 ? (uint32_t)atom : 0;
        }
        atoms->rows[atom - 1]++;
        atoms->found[i] = (uint32_t)(atom - 1);
        atoms->places[i] = (uint32_t)((atom - 1) * atoms->measures_len);
    }
    return SOTTO_OK;
}

/* --- Magnitudes --- */

static void take_magnitude(struct sotto_ledger_magnitude *in_out, double magnitude)
{
    if (magnitude > in_out->largest[1]) {
        bool is_largest = magnitude > in_out->largest[0];
        in_out->largest[1] = is_largest ? in_out->largest[0] : magnitude;
        in_out->largest[0] = is_largest ? magnitude : in_out->largest[0];
    }
}

static void take_magnitudes(struct sotto_ledger_magnitude *in_out, const double *values,
                            const uint8_t *state, const uint32_t *places, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        double magnitude = state[i] == 0 ? fabs(values[i]) : 0;
        in_out[places[i]].total += magnitude;
        take_magnitude(&in_out[places[i]], magnitude);
    }
}

/* --- Columns of few values --- */

/* Finds the level of a value, or makes it. Returns: SOTTO_LEDGER_LEVELS if there are too many. */
static size_t find_level(struct levels *levels, double value)
{
    size_t level = 0;
    while (level < levels->len && levels->values[level] != value) {
        level++;
    }
    if (level == SOTTO_LEDGER_LEVELS) {
        levels->is_over = true;
    } else if (level == levels->len) {
        levels->values[levels->len++] = value;
    }
    return level;
}

/* The values of a product, whose second column may be SOTTO_NONE; a first one that is, is 1. What
 * is no number (0 times infinity) is 0, as in measures. */
static void find_values(struct atoms *atoms, const struct sotto_watch_rows *rows,
                        const size_t columns[2])
{
    for (size_t i = 0; i < rows->len; i++) {
        atoms->values[i] = 1;
        atoms->states[i] = 0;
    }
    for (size_t j = 0; j < 2 && columns[j] != SOTTO_NONE; j++) {
        const double *values = rows->columns[columns[j]];
        const uint8_t *states = rows->column_states[columns[j]];
        for (size_t i = 0; i < rows->len; i++) {
            double value = atoms->values[i] * values[i];
            atoms->values[i] = value == value ? value : 0;
            atoms->states[i] |= states[i];
        }
    }
}

/* Rows without a value of both, or with 0 as the one that is alone, count nowhere. */
static void count_levels(struct atoms *atoms, const struct sotto_watch_rows *rows, size_t at)
{
    const struct pair *pair = &atoms->pairs[at];
    struct levels *levels = &atoms->levels[at];
    const double *alone = pair->alone != SOTTO_NONE ? rows->columns[pair->alone] : NULL;
    const uint8_t *state = pair->alone != SOTTO_NONE ? rows->column_states[pair->alone] : NULL;
    find_values(atoms, rows, pair->by);
    for (size_t i = 0; !levels->is_over && i < rows->len; i++) {
        bool is_zero = alone != NULL && (state[i] != 0 || alone[i] == 0);
        if (is_zero || atoms->states[i] != 0) {
            continue;
        }
        size_t level = find_level(levels, atoms->values[i]);
        if (level < SOTTO_LEDGER_LEVELS) {
            size_t place = atoms->found[i] * atoms->pairs_len + at;
            atoms->counts[place * SOTTO_LEDGER_LEVELS + level]++;
        }
    }
}

static void take_columns(struct atoms *atoms, const struct tallied *tallied,
                         const struct sotto_watch_rows *rows, const struct sotto_sketch_key *key)
{
    for (size_t i = 0; i < tallied->texts.len; i++) {
        find_values(atoms, rows, tallied->contexts[i].columns);
        sotto_sketch_add(atoms->sketches + tallied->shown_len + i, key, atoms->values,
                         atoms->states, atoms->places, rows->len);
    }
    for (size_t i = 0; i < atoms->pairs_len; i++) {
        if (!atoms->levels[i].is_over) {
            count_levels(atoms, rows, i);
        }
    }
}

static enum sotto_status take_rows(void *context, size_t worker,
                                   const struct sotto_watch_rows *rows, struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct atoms *atoms = &tally->datasets[rows->dataset].workers[worker];
    if (!reserve_places(atoms, rows->len)) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = place_rows(atoms, rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < rows->measures_len; i++) {
        sotto_sketch_add(atoms->sketches + i, sotto_ledger_sketch_key(tally->ledger),
                         rows->values[i], rows->states[i], atoms->places, rows->len);
        if (atoms->predicates_len > 0) { /* else all rows are one atom, which a judge looks at */
            take_magnitudes(atoms->magnitudes + i, rows->values[i], rows->states[i], atoms->places,
                            rows->len);
        }
    }
    take_columns(atoms, &tally->datasets[rows->dataset], rows,
                 sotto_ledger_sketch_key(tally->ledger));
    return SOTTO_OK;
}

static bool prepare_pairs(struct atoms *out, const struct tallied *tallied)
{
    out->pairs = tallied->pairs;
    out->pairs_len = tallied->pairs_len;
    out->levels = sotto_alloc_array(out->pairs_len, sizeof *out->levels);
    return out->levels != NULL;
}

static enum sotto_status begin_reading(void *context, size_t dataset, size_t workers_len,
                                       struct sotto_error *err)
{
    struct tallied *tallied = &((struct sotto_tally *)context)->datasets[dataset];
    SOTTO_REQUIRE(tallied->workers == NULL);
    tallied->workers = sotto_alloc_array(workers_len, sizeof *tallied->workers);
    if (tallied->workers == NULL) {
        return sotto_error_no_memory(err);
    }
    tallied->workers_len = workers_len;
    for (size_t i = 0; i < workers_len; i++) {
        tallied->workers[i].predicates_len = tallied->predicates.len;
        tallied->workers[i].measures_len = tallied->measures_len;
        if (!prepare_pairs(&tallied->workers[i], tallied)) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

/* --- All workers --- */

static void add_levels(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i,
                       size_t pair)
{
    const struct levels *levels = &other->levels[pair];
    const uint64_t *from = other->counts + (i * other->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    uint64_t *to = in_out->counts + (atom * in_out->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    in_out->levels[pair].is_over = in_out->levels[pair].is_over || levels->is_over;
    for (size_t j = 0; !in_out->levels[pair].is_over && j < levels->len; j++) {
        size_t level = find_level(&in_out->levels[pair], levels->values[j]);
        if (level < SOTTO_LEDGER_LEVELS) {
            to[level] += from[j];
        }
    }
}

/* Adds the rows of another atom to one. */
static void add_atom(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i)
{
    in_out->rows[atom] += other->rows[i];
    for (size_t j = 0; j < other->measures_len; j++) {
        sotto_sketch_merge(&in_out->sketches[atom * in_out->measures_len + j],
                           &other->sketches[i * other->measures_len + j]);
        struct sotto_ledger_magnitude *magnitude =
            &in_out->magnitudes[atom * in_out->measures_len + j];
        const struct sotto_ledger_magnitude *from = &other->magnitudes[i * other->measures_len + j];
        magnitude->total += from->total;
        take_magnitude(magnitude, from->largest[0]);
        take_magnitude(magnitude, from->largest[1]);
    }
    for (size_t j = 0; j < other->pairs_len; j++) {
        add_levels(in_out, atom, other, i, j);
    }
}

static enum sotto_status merge_atoms(struct atoms *in_out, const struct atoms *other,
                                     struct sotto_error *err)
{
    for (size_t i = 0; i < other->len; i++) {
        size_t atom = 0;
        enum sotto_status status = find_atom(
            in_out, &atom, other->classes + i * other->predicates_len, other->groups[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        add_atom(in_out, atom, other, i);
    }
    return SOTTO_OK;
}

/* --- What is told --- */

/* Which classes of a predicate the answer tells; NULL: all. Of an old one all were. */
static const uint8_t *find_told(const struct sotto_tally *tally, size_t *out_len, size_t dataset,
                                size_t predicate)
{
    const struct tallied *tallied = &tally->datasets[dataset];
    const char *text;
    *out_len = 0;
    for (size_t i = 0; predicate >= tallied->known_len &&
                       (text = sotto_watch_predicate(tally->watch, dataset, i)) != NULL;
         i++) {
        if (strcmp(text, tallied->predicates.texts[predicate]) == 0) {
            return sotto_watch_told(tally->watch, out_len, dataset, i);
        }
    }
    return NULL;
}

static size_t count_told(const uint8_t *told, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += told[i] != 0;
    }
    return count;
}

/* The text of a predicate without the classes that are not told. */
static char *write_told(const char *predicate, const uint8_t *told, size_t len)
{
    struct sotto_writer writer;
    size_t bytes;
    size_t bytes_max = strlen(predicate) + sizeof SOTTO_WATCH_WITHOUT + 8 * len;
    sotto_writer_init(&writer, bytes_max);
    sotto_write_bytes(&writer, predicate, strlen(predicate));
    if (count_told(told, len) < len) {
        sotto_write_bytes(&writer, SOTTO_WATCH_WITHOUT, strlen(SOTTO_WATCH_WITHOUT));
    }
    for (size_t i = 0; i < len; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, " %zu", i + 1);
        sotto_write_bytes(&writer, number, told[i] == 0 ? strlen(number) : 0);
    }
    sotto_write_u8(&writer, 0);
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        sotto_writer_release(&writer);
        return NULL;
    }
    return (char *)sotto_writer_take(&writer, &bytes);
}

/* Adds a predicate as it is told, unless nothing of it is, or it is there. */
static enum sotto_status add_told(struct tallied *tallied, size_t predicate, const uint8_t *told,
                                  size_t len)
{
    const char *whole = tallied->predicates.texts[predicate];
    size_t before = tallied->told.len;
    tallied->told_at[predicate] = SOTTO_NONE;
    if (told != NULL && count_told(told, len) == 0) {
        return SOTTO_OK;
    }
    char *text = write_told(whole, told, told != NULL ? len : 0);
    if (text == NULL || sotto_ledger_texts_add(&tallied->told, text) != SOTTO_OK) {
        sotto_free(text);
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto_free(text);
    tallied->told_at[predicate] = tallied->told.len > before ? before : SOTTO_NONE;
    return SOTTO_OK;
}

static enum sotto_status list_told(struct sotto_tally *tally, size_t dataset)
{
    struct tallied *tallied = &tally->datasets[dataset];
    tallied->told_at = sotto_alloc_array(tallied->predicates.len + 1, sizeof *tallied->told_at);
    if (tallied->told_at == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tallied->predicates.len; i++) {
        size_t len;
        const uint8_t *told = find_told(tally, &len, dataset, i);
        if (add_told(tallied, i, told, len) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

/* Changes the classes of an atom to those that are told: a class that is not is none. */
static void rename_classes(uint16_t *out, const uint16_t *classes, const struct sotto_tally *tally,
                           size_t dataset)
{
    const struct tallied *tallied = &tally->datasets[dataset];
    for (size_t i = 0; i < tallied->predicates.len; i++) {
        size_t len;
        const uint8_t *told = find_told(tally, &len, dataset, i);
        bool is_untold =
            told != NULL && classes[i] > 0 && classes[i] <= len && told[classes[i] - 1] == 0;
        if (tallied->told_at[i] != SOTTO_NONE) {
            out[tallied->told_at[i]] = is_untold ? 0 : classes[i];
        }
    }
}

/* Puts atoms together that the answer does not tell apart. Of a group that is withheld nothing is
 * asked. */
static enum sotto_status merge_untold(struct sotto_tally *tally, size_t dataset,
                                      const struct atoms *atoms, const uint8_t *withheld,
                                      struct sotto_error *err)
{
    struct atoms *told = &tally->datasets[dataset].atoms;
    bool has_groups = sotto_driver_groups_len(tally->driver) > 0;
    told->predicates_len = tally->datasets[dataset].told.len;
    told->measures_len = atoms->measures_len;
    uint16_t *classes = sotto_alloc_array(told->predicates_len + 1, sizeof *classes);
    bool has_memory = prepare_pairs(told, &tally->datasets[dataset]) && classes != NULL;
    enum sotto_status status = has_memory ? SOTTO_OK : sotto_error_no_memory(err);
    for (size_t i = 0; status == SOTTO_OK && i < atoms->len; i++) {
        uint32_t group = atoms->groups[i];
        size_t atom = 0;
        bool is_withheld = has_groups && group != NOT_ASKED && withheld[group] != 0;
        rename_classes(classes, atoms->classes + i * atoms->predicates_len, tally, dataset);
        status = find_atom(told, &atom, classes, is_withheld ? NOT_ASKED : group, err);
        if (status == SOTTO_OK) {
            add_atom(told, atom, atoms, i);
        }
    }
    sotto_free(classes);
    return status;
}

/* The last measure of atoms is how many rows they have. */
static void sketch_counts(struct atoms *in_out, const struct sotto_sketch_key *key)
{
    for (size_t i = 0; i < in_out->len; i++) {
        sotto_sketch_repeat(&in_out->sketches[(i + 1) * in_out->measures_len - 1], key, 1,
                            in_out->rows[i]);
    }
}

/* Pairs of columns that turned out to have few values. */
static bool list_pairs(struct tallied *tallied, struct sotto_ledger_file *out)
{
    const struct atoms *atoms = &tallied->atoms;
    tallied->told_pairs = sotto_alloc_array(tallied->pairs_len, sizeof *tallied->told_pairs);
    if (tallied->told_pairs == NULL) {
        return false;
    }
    out->pairs = tallied->told_pairs;
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        const struct levels *levels = &atoms->levels[i];
        struct sotto_ledger_pair pair = {.alone = tallied->pairs[i].measures[0],
                                         .product = tallied->pairs[i].measures[1],
                                         .counts = atoms->counts + i * SOTTO_LEDGER_LEVELS,
                                         .stride = tallied->pairs_len * SOTTO_LEDGER_LEVELS};
        while (pair.zero < SOTTO_LEDGER_LEVELS &&
               (pair.zero >= levels->len || levels->values[pair.zero] != 0)) {
            pair.zero++;
        }
        if (!levels->is_over && atoms->len > 0) {
            tallied->told_pairs[out->pairs_len++] = pair;
        }
    }
    return true;
}

static enum sotto_status list_atoms(struct sotto_tally *tally, size_t dataset,
                                    const uint8_t *withheld, struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    struct sotto_ledger_file *file = &tally->files[dataset];
    if (tallied->workers_len == 0) {
        return SOTTO_OK; /* nothing of it was read */
    }
    struct atoms *atoms = &tallied->workers[0];
    for (size_t i = 1; i < tallied->workers_len; i++) {
        enum sotto_status merged = merge_atoms(atoms, &tallied->workers[i], err);
        if (merged != SOTTO_OK) {
            return merged;
        }
    }
    if (list_told(tally, dataset) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = merge_untold(tally, dataset, atoms, withheld, err);
    if (status != SOTTO_OK) {
        return status;
    }
    atoms = &tallied->atoms;
    if (tallied->has_count) {
        sketch_counts(atoms, sotto_ledger_sketch_key(tally->ledger));
    }
    file->predicates = (const char *const *)tallied->told.texts;
    file->predicates_len = tallied->told.len;
    tallied->list = sotto_alloc_array(atoms->len, sizeof *tallied->list);
    if (tallied->list == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < atoms->len; i++) {
        tallied->list[i] = (struct sotto_ledger_atom){
            .classes = atoms->classes + i * atoms->predicates_len,
            .rows = atoms->rows[i],
            .is_asked = atoms->groups[i] != NOT_ASKED,
            .group = atoms->groups[i] != NOT_ASKED ? atoms->groups[i] : 0,
            .sketches = atoms->sketches + i * atoms->measures_len,
            .magnitudes =
                tallied->predicates.len > 0 ? atoms->magnitudes + i * atoms->measures_len : NULL};
    }
    file->atoms = tallied->list;
    file->atoms_len = atoms->len;
    return list_pairs(tallied, file) ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_tally_contribute(struct sotto_tally *tally, uint64_t *out, size_t limbs_len,
                                         uint8_t *withheld, struct sotto_source *const *sources,
                                         const struct sotto_judge *judge, struct sotto_error *err)
{
    const struct sotto_watch_sink sink = {
        .context = tally, .begin = begin_reading, .take = take_rows};
    enum sotto_status status = sotto_driver_contribute_watched(
        tally->driver, out, limbs_len, withheld, sources, judge, tally->watch, &sink, err);
    for (size_t i = 0; status == SOTTO_OK && i < tally->len; i++) {
        status = list_atoms(tally, i, withheld, err);
    }
    if (status != SOTTO_OK) {
        sotto_wipe(out, limbs_len * sizeof *out);
    }
    return status;
}

const struct sotto_ledger_file *sotto_tally_files(const struct sotto_tally *tally, size_t *out_len)
{
    *out_len = tally->len;
    return tally->files;
}

/* --- Making one --- */

static size_t count_columns(const struct sotto_watch *watch, size_t dataset, size_t measure)
{
    size_t len = 0;
    while (sotto_watch_measure_column(watch, dataset, measure, len) != NULL) {
        len++;
    }
    return len;
}

/* Reads a column in backticks. Returns: what comes after it, NULL if it does not stand there. */
static const char *skip_column(const char *text, const char *column)
{
    size_t bytes = strlen(column);
    bool is_there = text != NULL && text[0] == '`' && strncmp(text + 1, column, bytes) == 0 &&
                    text[bytes + 1] == '`';
    return is_there ? text + bytes + 2 : NULL;
}

/* Whether a measure's words are those of a column, or (b not NULL) of a product in this order. */
static bool is_product(const char *text, const char *a, const char *b)
{
    const char *end = skip_column(text, a);
    if (end != NULL && b != NULL) {
        end = strncmp(end, " * ", 3) == 0 ? skip_column(end + 3, b) : NULL;
    }
    return end != NULL && *end == '\0';
}

/* The columns of a measure that is one column, or a product of two. */
static void find_factors(const char *out[2], const struct sotto_watch *watch, size_t dataset,
                         size_t measure)
{
    const char *text = sotto_watch_measure(watch, dataset, measure);
    const char *a = sotto_watch_measure_column(watch, dataset, measure, 0);
    size_t len = count_columns(watch, dataset, measure);
    const char *b = len > 1 ? sotto_watch_measure_column(watch, dataset, measure, 1) : a;
    out[0] = out[1] = NULL;
    if (len == 1 && is_product(text, a, NULL)) {
        out[0] = a;
    } else if (len > 0 && len <= 2 && (is_product(text, a, b) || is_product(text, b, a))) {
        out[0] = a;
        out[1] = b;
    }
}

static enum sotto_status list_measures(struct tallied *tallied, const struct sotto_watch *watch,
                                       size_t dataset, struct sotto_error *err)
{
    size_t columns_len = 0;
    size_t contexts_max = 3 * (tallied->names.len + 1) * (tallied->names.len + 1);
    for (; sotto_watch_measure(watch, dataset, tallied->shown_len) != NULL; tallied->shown_len++) {
        columns_len += count_columns(watch, dataset, tallied->shown_len);
    }
    tallied->measures_len = tallied->shown_len;
    tallied->measures =
        sotto_alloc_array(tallied->shown_len + contexts_max, sizeof *tallied->measures);
    tallied->columns = sotto_alloc_array(columns_len, sizeof *tallied->columns);
    if (tallied->measures == NULL || tallied->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    const char **columns = tallied->columns;
    for (size_t i = 0; i < tallied->shown_len; i++) {
        size_t len = count_columns(watch, dataset, i);
        tallied->measures[i] = (struct sotto_ledger_measure){
            .text = sotto_watch_measure(watch, dataset, i), .columns = columns, .columns_len = len};
        find_factors(tallied->measures[i].factors, watch, dataset, i);
        for (size_t j = 0; j < len; j++) {
            *columns++ = sotto_watch_measure_column(watch, dataset, i, j);
        }
    }
    return SOTTO_OK;
}

/* --- Pairs --- */

static bool has_single(const struct sotto_watch *watch, size_t dataset, const char *column)
{
    bool found = false;
    const char *text;
    for (size_t i = 0; !found && (text = sotto_watch_measure(watch, dataset, i)) != NULL; i++) {
        found = is_product(text, column, NULL);
    }
    return found;
}

/* Whether a product that was told before matters: one of its columns is summed up now, or rows are
 * counted. */
static bool is_of_now(const struct sotto_watch *watch, size_t dataset, const char *a, const char *b)
{
    return sotto_watch_counts(watch, dataset) || has_single(watch, dataset, a) ||
           has_single(watch, dataset, b);
}

static enum sotto_status add_names(struct tallied *tallied, const char *a, const char *b)
{
    enum sotto_status status = sotto_ledger_texts_add(&tallied->names, a);
    return status == SOTTO_OK && b != NULL && *b != '\0'
               ? sotto_ledger_texts_add(&tallied->names, b)
               : status;
}

/* Columns that pairs may be of. Without any predicate there are no sets of rows. */
static enum sotto_status list_names(struct sotto_tally *tally, size_t dataset, const char *file,
                                    struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    const char *factors[2];
    char columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1];
    if (tallied->predicates.len == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_ledger_products(tally->ledger, &tallied->old, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; sotto_watch_measure(tally->watch, dataset, i) != NULL; i++) {
        find_factors(factors, tally->watch, dataset, i);
        if (factors[0] != NULL && add_names(tallied, factors[0], factors[1]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    for (size_t i = 0; i < tallied->old.len; i++) {
        if (!sotto_ledger_product_read(columns, tallied->old.texts[i])) {
            return sotto_error_set(err, SOTTO_ERROR_AUTH,
                                   "the ledger has a sum that can't be read");
        }
        if (is_of_now(tally->watch, dataset, columns[0], columns[1]) &&
            add_names(tallied, columns[0], columns[1]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static size_t find_name(const struct tallied *tallied, const char *name)
{
    size_t found = name != NULL ? 0 : tallied->names.len;
    while (found < tallied->names.len && strcmp(tallied->names.texts[found], name) != 0) {
        found++;
    }
    return found < tallied->names.len ? found : SOTTO_NONE;
}

/* In the words of a measure: its factors are sorted as they stand there. */
static char *write_product(const char *a, const char *b)
{
    size_t bytes = strlen(a) + (b != NULL ? strlen(b) : 0) + 8;
    char *texts[2] = {sotto_alloc(bytes), sotto_alloc(2 * bytes)};
    char *other = sotto_alloc(bytes);
    if (texts[0] != NULL && texts[1] != NULL && other != NULL) {
        (void)snprintf(texts[0], bytes, "`%s`", a);
        (void)snprintf(other, bytes, "`%s`", b != NULL ? b : "");
        bool is_first = b == NULL || strcmp(texts[0], other) <= 0;
        (void)snprintf(texts[1], 2 * bytes, "%s%s%s", is_first ? texts[0] : other,
                       b != NULL ? " * " : "",
                       b == NULL  ? ""
                       : is_first ? other
                                  : texts[0]);
    } else {
        sotto_free(texts[1]);
        texts[1] = NULL;
    }
    sotto_free(texts[0]);
    sotto_free(other);
    return texts[1];
}

/* Finds the measure of some columns, or adds it as a context. Returns: false if there is no memory.
 */
static bool find_measure(struct tallied *tallied, size_t *out, const size_t columns[2])
{
    void *contexts = tallied->contexts;
    const char *a = tallied->names.texts[columns[0]];
    const char *b = columns[1] != SOTTO_NONE ? tallied->names.texts[columns[1]] : NULL;
    char *text = write_product(a, b);
    size_t found = 0;
    while (text != NULL && found < tallied->measures_len &&
           strcmp(tallied->measures[found].text, text) != 0) {
        found++;
    }
    *out = found;
    if (text == NULL || found < tallied->measures_len) {
        sotto_free(text);
        return text != NULL;
    }
    size_t at = tallied->texts.len;
    enum sotto_status status = sotto_array_reserve(&contexts, &tallied->contexts_capacity_len,
                                                   at + 1, sizeof *tallied->contexts);
    if (status == SOTTO_OK) {
        tallied->contexts = contexts;
        tallied->contexts[at] = (struct product){{columns[0], columns[1]}};
        status = sotto_ledger_texts_add(&tallied->texts, text);
    }
    sotto_free(text);
    if (status != SOTTO_OK) {
        return false;
    }
    tallied->measures[tallied->measures_len++] =
        (struct sotto_ledger_measure){.text = tallied->texts.texts[at], .is_context = true};
    return true;
}

/* alone: SOTTO_NONE for the count, whose measure comes last. */
static bool add_pair(struct tallied *tallied, size_t alone, const size_t by[2],
                     const size_t columns[2])
{
    void *pairs = tallied->pairs;
    struct pair pair = {.alone = alone, .by = {by[0], by[1]}, .measures = {SOTTO_NONE}};
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        const struct pair *other = &tallied->pairs[i];
        if (other->alone == alone && memcmp(other->by, by, sizeof other->by) == 0) {
            return true;
        }
    }
    if (!find_measure(tallied, &pair.measures[1], columns) ||
        (alone != SOTTO_NONE &&
         !find_measure(tallied, &pair.measures[0], (const size_t[2]){alone, SOTTO_NONE})) ||
        sotto_array_reserve(&pairs, &tallied->pairs_capacity_len, tallied->pairs_len + 1,
                            sizeof *tallied->pairs) != SOTTO_OK) {
        return false;
    }
    tallied->pairs = pairs;
    tallied->pairs[tallied->pairs_len++] = pair;
    tallied->has_count = tallied->has_count || alone == SOTTO_NONE;
    return true;
}

/* What a product of columns (the second may be NULL, or the first again) is a pair with. */
static bool add_pairs(struct tallied *tallied, const char *a, const char *b)
{
    size_t columns[2] = {find_name(tallied, a), find_name(tallied, b)};
    if (columns[0] == SOTTO_NONE || !add_pair(tallied, SOTTO_NONE, columns, columns)) {
        return columns[0] == SOTTO_NONE;
    }
    for (size_t i = 0; i < 2 && columns[1] != SOTTO_NONE && columns[0] != columns[1]; i++) {
        const size_t by[2] = {columns[1 - i], SOTTO_NONE};
        if (!add_pair(tallied, columns[i], by, columns)) {
            return false;
        }
    }
    return true;
}

/* Contexts, pairs and the count come after the measures that are shown. */
static enum sotto_status make_pairs(struct tallied *tallied, const struct sotto_watch *watch,
                                    size_t dataset, struct sotto_error *err)
{
    char columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1];
    bool has_memory = true;
    tallied->counts = tallied->has_count = sotto_watch_counts(watch, dataset);
    for (size_t i = 0; has_memory && tallied->names.len > 0 && i < tallied->shown_len; i++) {
        const char *const *factors = tallied->measures[i].factors;
        has_memory = factors[0] == NULL || add_pairs(tallied, factors[0], factors[1]);
    }
    for (size_t i = 0; has_memory && i < tallied->old.len; i++) {
        bool is_read = sotto_ledger_product_read(columns, tallied->old.texts[i]);
        has_memory = !is_read || !is_of_now(watch, dataset, columns[0], columns[1]) ||
                     add_pairs(tallied, columns[0], columns[1][0] != '\0' ? columns[1] : NULL);
    }
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        bool is_of_count = tallied->pairs[i].alone == SOTTO_NONE;
        tallied->pairs[i].measures[0] =
            is_of_count ? tallied->measures_len : tallied->pairs[i].measures[0];
    }
    if (tallied->has_count) {
        tallied->measures[tallied->measures_len++] = (struct sotto_ledger_measure){
            .text = COUNT_TEXT, .is_count = true, .is_context = !tallied->counts};
    }
    return has_memory ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Those that the ledger knows first, in its order. */
static enum sotto_status list_predicates(struct sotto_tally *tally, size_t dataset,
                                         const char *file, struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    const char *predicate;
    enum sotto_status status =
        sotto_ledger_predicates(tally->ledger, &tallied->predicates, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    tallied->known_len = tallied->predicates.len;
    for (size_t i = 0; (predicate = sotto_watch_predicate(tally->watch, dataset, i)) != NULL; i++) {
        if (sotto_ledger_texts_add(&tallied->predicates, predicate) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status prepare_dataset(struct sotto_tally *tally, size_t dataset,
                                         const char *file, const struct sotto_catalogue *catalogue,
                                         struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    enum sotto_status status = list_predicates(tally, dataset, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_names(tally, dataset, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        sotto_watch_prepare(tally->watch, dataset, (const char *const *)tallied->predicates.texts,
                            tallied->predicates.len, (const char *const *)tallied->names.texts,
                            tallied->names.len, catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_measures(tallied, tally->watch, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_pairs(tallied, tally->watch, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    tally->files[dataset] =
        (struct sotto_ledger_file){.file = file,
                                   .predicates = (const char *const *)tallied->predicates.texts,
                                   .predicates_len = tallied->predicates.len,
                                   .measures = tallied->measures,
                                   .measures_len = tallied->measures_len};
    return SOTTO_OK;
}

enum sotto_status sotto_tally_new(struct sotto_tally **out, struct sotto_ledger *ledger,
                                  const struct sotto_driver *driver, const struct sotto_plan *plan,
                                  const struct sotto_catalogue *const *catalogues,
                                  struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(plan);
    struct sotto_tally *tally = sotto_alloc_zeroed(sizeof *tally);
    if (tally == NULL) {
        return sotto_error_no_memory(err);
    }
    tally->ledger = ledger;
    tally->driver = driver;
    tally->datasets = sotto_alloc_array(len, sizeof *tally->datasets);
    tally->files = sotto_alloc_array(len, sizeof *tally->files);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (tally->datasets == NULL || tally->files == NULL) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    tally->len = len;
    status = sotto_watch_new(&tally->watch, driver, err);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = prepare_dataset(tally, i, sotto_plan_dataset_file(plan, i), catalogues[i], err);
    }
out:
    if (status != SOTTO_OK) {
        sotto_tally_free(tally);
        return status;
    }
    *out = tally;
    return SOTTO_OK;
}

void sotto_tally_free(struct sotto_tally *tally)
{
    if (tally == NULL) {
        return;
    }
    for (size_t i = 0; tally->datasets != NULL && i < tally->len; i++) {
        struct tallied *tallied = &tally->datasets[i];
        for (size_t j = 0; j < tallied->workers_len; j++) {
            release_atoms(&tallied->workers[j]);
        }
        sotto_free(tallied->workers);
        sotto_free(tallied->measures);
        sotto_free(tallied->columns);
        sotto_free(tallied->contexts);
        sotto_free(tallied->pairs);
        sotto_free(tallied->told_pairs);
        sotto_ledger_texts_release(&tallied->old);
        sotto_ledger_texts_release(&tallied->names);
        sotto_ledger_texts_release(&tallied->texts);
        sotto_free(tallied->list);
        release_atoms(&tallied->atoms);
        sotto_free(tallied->told_at);
        sotto_ledger_texts_release(&tallied->told);
        sotto_ledger_texts_release(&tallied->predicates);
    }
    sotto_watch_free(tally->watch);
    sotto_free(tally->datasets);
    sotto_free(tally->files);
    sotto_free(tally);
}
