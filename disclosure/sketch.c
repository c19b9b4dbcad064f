/* SPDX-License-Identifier: Apache-2.0 */

/* Linear sketches of multisets. Leans on nothing but arithmetic modulo 2^64.
 *
 * The one idea: a keyed hash throws each element into one of 128 cells, and a cell is one number,
 * the sum of 2^24 hash + 1 over its elements. The difference of two cells says by its low 24 bits
 * how many more elements one of them has (they are exact while that is below 2^23), and by the
 * others whether, with as many elements, they are others. So each cell bounds from below how many
 * elements were added and how many removed, and the bounds of all cells add up:
 *
 *   more by k:  at least k were added;
 *   fewer by k: at least k were removed;
 *   as many, but other sums: at least one was added and one removed.
 *
 * A bound is never above the truth, so a difference of fewer elements than are wanted is never
 * missed. It is below it only where a cell holds added elements and removed ones, and three of them
 * at least: few cells hide few. Power sums of the hashes modulo 2^61 - 1 would be exact in 160
 * bytes, but take 38 ns a row for 10 elements, and these cells 1.2. */

#include <sotto/sketch.h>

#include <string.h>

#define COUNT_BITS 24
#define COUNT_MODULUS ((uint64_t)1 << COUNT_BITS)
_Static_assert(COUNT_MODULUS == 2 * SOTTO_SKETCH_MANY, "a count has a sign");
/* Cells that are looked at together where some may tell enough. */
#define PIECE_LEN 16

void sotto_sketch_key_init(struct sotto_sketch_key *out,
                           const uint8_t secret[SOTTO_SKETCH_SECRET_BYTES])
{
    for (size_t i = 0; i < 4; i++) {
        out->words[i] = sotto_load_u64(secret + 8 * i);
    }
    out->words[1] |= 1; /* multiplying by an odd number loses nothing */
    out->words[3] |= 1;
}

/* A permutation of all 64-bit numbers, so that no two elements have one hash. */
static uint64_t hash_element(const struct sotto_sketch_key *key, uint64_t element)
{
    uint64_t hash = (element ^ key->words[0]) * key->words[1];
    hash ^= hash >> 32;
    hash = (hash ^ key->words[2]) * key->words[3];
    return hash ^ (hash >> 29);
}

static uint64_t read_element(double value)
{
    uint64_t element;
    memcpy(&element, &value, sizeof element);
    return element;
}

static void add_element(struct sotto_sketch *in_out, const struct sotto_sketch_key *key,
                        uint64_t element, uint64_t times)
{
    uint64_t hash = hash_element(key, element);
    in_out->cells[hash / (UINT64_MAX / SOTTO_SKETCH_CELLS + 1)] +=
        ((hash << COUNT_BITS) + 1) * times;
}

void sotto_sketch_repeat(struct sotto_sketch *in_out, const struct sotto_sketch_key *key,
                         double value, uint64_t times)
{
    add_element(in_out, key, read_element(value), times);
}

void sotto_sketch_add(struct sotto_sketch *sketches, const struct sotto_sketch_key *key,
                      const double *values, const uint8_t *state, const uint32_t *places,
                      size_t len)
{
    sotto_sketch_add_keyed(sketches, key, NULL, values, state, places, len);
}

/* 0 and -0 are no elements: all but the sign is taken of their bits. */
static bool is_element(uint64_t element)
{
    return element << 1 != 0;
}

/* Inlined where it is known which of these are NULL, so that it is not asked for each element. */
static inline void add_elements(struct sotto_sketch *sketches, const struct sotto_sketch_key *key,
                                const uint64_t *keys, const double *values, const uint8_t *state,
                                const uint32_t *places, size_t len)
{
    const struct sotto_sketch_key own = *key; /* no cell is taken for a part of it */
    for (size_t i = 0; i < len; i++) {
        uint64_t element = read_element(values[i]);
        if ((state != NULL && state[i] != 0) || !is_element(element)) {
            continue;
        }
        if (keys != NULL && keys[i] != 0) {
            element = hash_element(&own, element) + keys[i] * UINT64_C(0x9E3779B97F4A7C15);
        }
        add_element(&sketches[places != NULL ? places[i] : 0], &own, element, 1);
    }
}

/* keys: hashes of whom a value is of, 0 where nobody says it. Sums of values' bits and of keys may
 * be alike; those of hashes are not. */
void sotto_sketch_add_keyed(struct sotto_sketch *sketches, const struct sotto_sketch_key *key,
                            const uint64_t *keys, const double *values, const uint8_t *state,
                            const uint32_t *places, size_t len)
{
    if (keys == NULL && state != NULL && places != NULL) {
        add_elements(sketches, key, NULL, values, state, places, len);
    } else if (keys == NULL && state == NULL && places == NULL) {
        add_elements(sketches, key, NULL, values, NULL, NULL, len);
    } else {
        add_elements(sketches, key, keys, values, state, places, len);
    }
}

void sotto_sketch_merge(struct sotto_sketch *in_out, const struct sotto_sketch *other)
{
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        in_out->cells[i] += other->cells[i];
    }
}

void sotto_sketch_subtract(struct sotto_sketch *in_out, const struct sotto_sketch *other)
{
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        in_out->cells[i] -= other->cells[i];
    }
}

/* How many more elements a cell's difference counts: its low bits, as a number with a sign. In 32
 * bits, as all of what is counted here, so that compilers count several cells at a time. */
static int32_t count_more(uint64_t difference)
{
    const int32_t half = (int32_t)(COUNT_MODULUS / 2);
    return ((int32_t)((uint32_t)difference & (uint32_t)(COUNT_MODULUS - 1)) ^ half) - half;
}

int64_t sotto_sketch_more(const struct sotto_sketch *sketch)
{
    int32_t more = 0; /* of 128 cells it is at most 2^30 */
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        more += count_more(sketch->cells[i]);
    }
    return more;
}

/* What some cells count. */
struct changes {
    uint32_t more;     /* added, less those removed; modulo 2^32 */
    uint32_t absolute; /* of each cell how many more or fewer */
    uint32_t unseen;   /* cells of as many, but other elements */
};

static void count_changes(struct changes *in_out, const struct sotto_sketch *one,
                          const struct sotto_sketch *other, size_t first, size_t len)
{
    uint32_t all = 0;
    uint32_t absolute = 0;
    uint32_t unseen = 0;
    for (size_t i = first; i < first + len; i++) {
        uint64_t difference = other->cells[i] - one->cells[i];
        uint32_t halves = (uint32_t)difference | (uint32_t)(difference >> 32);
        int32_t more = count_more(difference);
        all += (uint32_t)more;
        absolute += (uint32_t)(more < 0 ? -more : more);
        unseen += (uint32_t)(more == 0) & (uint32_t)(halves != 0);
    }
    in_out->more += all;
    in_out->absolute += absolute;
    in_out->unseen += unseen;
}

/* The sum of the cells' counts is known modulo 2^24 only: where a cell changed by 2^23 elements or
 * more, the bounds are of another number; but then the truth is above all that can be told. */
static uint64_t find_distance(const struct changes *changes)
{
    uint32_t added = (changes->absolute + changes->more) / 2 + changes->unseen;
    uint32_t removed = (changes->absolute - changes->more) / 2 + changes->unseen;
    uint32_t distance = added > removed ? added : removed;
    return distance < SOTTO_SKETCH_MANY ? distance : SOTTO_SKETCH_MANY;
}

uint64_t sotto_sketch_distance(const struct sotto_sketch *one, const struct sotto_sketch *other)
{
    struct changes changes = {0};
    count_changes(&changes, one, other, 0, SOTTO_SKETCH_CELLS);
    return find_distance(&changes);
}

bool sotto_sketch_is_near(const struct sotto_sketch *one, const struct sotto_sketch *other,
                          uint64_t limit)
{
    struct changes changes = {0};
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS && find_distance(&changes) < limit; i += PIECE_LEN) {
        count_changes(&changes, one, other, i, PIECE_LEN);
    }
    uint64_t distance = find_distance(&changes);
    return distance > 0 && distance < limit;
}
