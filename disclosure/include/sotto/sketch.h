/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SKETCH_H
#define SOTTO_SKETCH_H

/* Sketches of multisets of numbers: 1 KiB each, whatever they are of, from which one can tell
 * whether two multisets are the same, and at least how many elements came and went between them.
 * They add up and subtract, so that parts may be sketched anywhere and merged in any tree. */

#include <sotto/bytes.h>

SOTTO_BEGIN_DECLS

#define SOTTO_SKETCH_CELLS 128
#define SOTTO_SKETCH_BYTES ((size_t)SOTTO_SKETCH_CELLS * 8)
#define SOTTO_SKETCH_SECRET_BYTES 32

/* What the elements are hashed with. Sketches of different keys can't be compared. */
struct sotto_sketch_key {
    uint64_t words[4];
};

/* Zeros are the sketch of nothing. */
struct sotto_sketch {
    uint64_t cells[SOTTO_SKETCH_CELLS];
};

/* Makes a key of 32 uniformly random bytes that nobody else knows: who knows them can tell from a
 * sketch of few elements what these are. */
SOTTO_API void sotto_sketch_key_init(struct sotto_sketch_key *out,
                                     const uint8_t secret[SOTTO_SKETCH_SECRET_BYTES]);

/* Adds values[i] to sketches[places[i]], for all i whose state is 0 and whose value is not: zeros
 * leave every sum as it is. places: NULL if there is one sketch only. state: NULL if all are
 * present. Numbers are the same if they are the same double; none is a NaN. */
SOTTO_API void sotto_sketch_add(struct sotto_sketch *sketches, const struct sotto_sketch_key *key,
                                const double *values, const uint8_t *state, const uint32_t *places,
                                size_t len);

/* Adds values as sotto_sketch_add does, each with a hash of whom it is of, keys[i]: the same value
 * of somebody else is another element. keys: NULL, and keys[i]: 0, if nobody says it. */
SOTTO_API void sotto_sketch_add_keyed(struct sotto_sketch *sketches,
                                      const struct sotto_sketch_key *key, const uint64_t *keys,
                                      const double *values, const uint8_t *state,
                                      const uint32_t *places, size_t len);

/* Adds a value, not 0, so many times. */
SOTTO_API void sotto_sketch_repeat(struct sotto_sketch *in_out, const struct sotto_sketch_key *key,
                                   double value, uint64_t times);

/* Adds the elements of another sketch. */
SOTTO_API void sotto_sketch_merge(struct sotto_sketch *in_out, const struct sotto_sketch *other);
/* Takes the elements of another sketch away. */
SOTTO_API void sotto_sketch_subtract(struct sotto_sketch *in_out, const struct sotto_sketch *other);

/* How many more elements were added to a sketch than were taken away: exact while each cell has had
 * fewer than 2^23 of them. */
SOTTO_API int64_t sotto_sketch_more(const struct sotto_sketch *sketch);

/* Of two sketches that differ in more elements than can be told. */
#define SOTTO_SKETCH_MANY ((uint64_t)1 << 23)

/* How many elements were added on the way from one multiset to the other, or removed, whichever is
 * more. Returns: a number that is never above the true one; 0 if the multisets are the same, and
 * else with a chance below 2^-40; SOTTO_SKETCH_MANY where it is that or more. Of 11 values that
 * were replaced it finds 10 in 999 cases of 1,000. */
SOTTO_API uint64_t sotto_sketch_distance(const struct sotto_sketch *one,
                                         const struct sotto_sketch *other);

/* Whether the distance is from 1 to below a limit, which is at most SOTTO_SKETCH_MANY. Where it is
 * not, as of most sketches, some of the cells tell. */
SOTTO_API bool sotto_sketch_is_near(const struct sotto_sketch *one,
                                    const struct sotto_sketch *other, uint64_t limit);

SOTTO_END_DECLS

#endif
