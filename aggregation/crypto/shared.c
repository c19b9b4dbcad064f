/* SPDX-License-Identifier: Apache-2.0 */

/* What the secrets of two parties of one process make of each other's points: aB = bA. Leans on
 * group.c and hash.c.
 *
 * The idea: a host that runs all parties of a session holds both secrets of each pair. So the one
 * that multiplies first leaves the product here, and the other one finds it.
 *
 * 1. An entry's name is H("sotto shared point", lower point || higher point). The product follows
 *    from these two points alone, so that it is right whoever of the two left it.
 * 2. What is found is taken and wiped: two ask for each, once.
 * 3. An entry has one place, and a later one of that place replaces it: what is not found is
 *    multiplied, so that nothing is wrong for not being found.
 * 4. Nobody waits: who finds a place in use multiplies.
 *
 * CT: points are public, and so is which place they have; products are only copied. The table is
 * guarded memory, and gone with its host. */

#include "crypto/crypto.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/session.h>
#include <stdatomic.h>
#include <string.h>

#define LABEL "sotto shared point"
/* Of n parties, one after the other, n^2 / 4 products wait at most: n^2 places lose few of them.
 * 4.3 MB, which 256 parties fill; more of them multiply more often. */
#define PLACES_MAX 65536

struct shared_product {
    atomic_bool is_used;
    bool is_full;
    uint8_t name[SOTTO__HASH_BYTES];
    uint8_t product[SOTTO__POINT_BYTES];
};

struct sotto_shared_points {
    struct shared_product *places; /* guarded */
    size_t places_len;             /* a power of two */
};

enum sotto_status sotto_shared_points_new(struct sotto_shared_points **out, size_t parties_len)
{
    SOTTO_REQUIRE(parties_len > 0);
    size_t places_len = 1;
    while (places_len < PLACES_MAX && places_len / parties_len < parties_len) {
        places_len *= 2;
    }
    struct sotto_shared_points *points = sotto_alloc(sizeof *points);
    if (points == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    points->places_len = places_len;
    points->places = sotto_secret_alloc(places_len * sizeof *points->places);
    if (points->places == NULL) {
        sotto_free(points);
        return SOTTO_ERROR_NO_MEMORY;
    }
    *out = points;
    return SOTTO_OK;
}

void sotto_shared_points_free(struct sotto_shared_points *points)
{
    if (points != NULL) {
        sotto_secret_free(points->places);
        sotto_free(points);
    }
}

static void name_entry(uint8_t out[SOTTO__HASH_BYTES], const uint8_t own[SOTTO__POINT_BYTES],
                       const uint8_t other[SOTTO__POINT_BYTES])
{
    bool is_lower = memcmp(own, other, SOTTO__POINT_BYTES) < 0;
    struct sotto__hash hash;
    sotto__hash_init(&hash, LABEL);
    sotto__hash_bytes(&hash, is_lower ? own : other, SOTTO__POINT_BYTES);
    sotto__hash_bytes(&hash, is_lower ? other : own, SOTTO__POINT_BYTES);
    sotto__hash_final(&hash, out);
}

/* The place of an entry, which is this thread's until it is given back. Returns: NULL if another
 * thread has it. */
static struct shared_product *take_place(struct sotto_shared_points *points,
                                         const uint8_t name[SOTTO__HASH_BYTES])
{
    size_t at = (size_t)name[0] | (size_t)name[1] << 8;
    struct shared_product *place = &points->places[at % points->places_len];
    return atomic_exchange_explicit(&place->is_used, true, memory_order_acquire) ? NULL : place;
}

static void give_place(struct shared_product *place)
{
    atomic_store_explicit(&place->is_used, false, memory_order_release);
}

/* Writes an entry's product and wipes it. Returns: false, and nothing is written, if it is not
 * there. */
static bool take_product(struct sotto_shared_points *points, uint8_t out[SOTTO__POINT_BYTES],
                         const uint8_t name[SOTTO__HASH_BYTES])
{
    struct shared_product *place = take_place(points, name);
    if (place == NULL) {
        return false;
    }
    bool is_found = place->is_full && memcmp(place->name, name, SOTTO__HASH_BYTES) == 0;
    if (is_found) {
        memcpy(out, place->product, SOTTO__POINT_BYTES);
        sotto_wipe(place->product, SOTTO__POINT_BYTES);
        place->is_full = false;
    }
    give_place(place);
    return is_found;
}

static void leave_product(struct sotto_shared_points *points,
                          const uint8_t product[SOTTO__POINT_BYTES],
                          const uint8_t name[SOTTO__HASH_BYTES])
{
    struct shared_product *place = take_place(points, name);
    if (place != NULL) {
        memcpy(place->name, name, SOTTO__HASH_BYTES);
        memcpy(place->product, product, SOTTO__POINT_BYTES);
        place->is_full = true;
        give_place(place);
    }
}

/* CT: in scalar, as sotto__point_multiply. */
bool sotto__point_share(struct sotto_shared_points *points, uint8_t out[SOTTO__POINT_BYTES],
                        const uint8_t scalar[SOTTO__SCALAR_BYTES],
                        const uint8_t own[SOTTO__POINT_BYTES],
                        const uint8_t other[SOTTO__POINT_BYTES])
{
    uint8_t name[SOTTO__HASH_BYTES];
    if (points == NULL) {
        return sotto__point_multiply(out, scalar, other);
    }
    name_entry(name, own, other);
    if (take_product(points, out, name)) {
        return true;
    }
    if (!sotto__point_multiply(out, scalar, other)) {
        return false;
    }
    leave_product(points, out, name);
    return true;
}
