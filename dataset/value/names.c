/* SPDX-License-Identifier: Apache-2.0 */

/* Names that occur twice. Leans on qsort alone.
 *
 * The idea: sorting by name, then by position, puts equal names side by side; of all pairs the one
 * whose later position is the smallest is told, which is what a person reading from the left meets
 * first. */

#include "value/value.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* A name, and where it stands among the names. */
struct named {
    const char *name;
    size_t position;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->position > y->position) - (x->position < y->position);
}

bool sotto__names_duplicate(size_t *out_first, size_t *out_second, enum sotto_status *out_status,
                            char *const *names, size_t names_len)
{
    struct named *sorted = sotto_alloc_array(names_len, sizeof *sorted);
    *out_status = sorted != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    if (sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < names_len; i++) {
        sorted[i] = (struct named){.name = names[i], .position = i};
    }
    qsort(sorted, names_len, sizeof *sorted, compare_named);
    /* Positions ascend among equal names, so neighbours are the closest pair of their name. */
    bool found = false;
    for (size_t i = 1; i < names_len; i++) {
        bool equal = strcmp(sorted[i - 1].name, sorted[i].name) == 0;
        if (equal && (!found || sorted[i].position < *out_second)) {
            *out_first = sorted[i - 1].position;
            *out_second = sorted[i].position;
            found = true;
        }
    }
    sotto_free(sorted);
    return found;
}
