/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

struct named {
    const char *name;
    size_t position;
};

static int named_compare(const void *a, const void *b)
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
    qsort(sorted, names_len, sizeof *sorted, named_compare);
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
