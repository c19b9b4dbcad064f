/* SPDX-License-Identifier: Apache-2.0 */

/* The columns of classes, and where the numbers of their rows change. It leans on the agreed types,
 * which say what values a column can have. The one idea: one cut too many only tells rows apart
 * that the round treats alike, one that is missing would treat rows alike that are not. */

#include "contribute/classes.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Cuts --- */

/* Makes room for one more cut. */
static enum sotto_status reserve_cut(const struct sotto_classes *classes, size_t column,
                                     struct sotto_error *err)
{
    return classes->cuts[column].len < (size_t)2 * SOTTO_CLASSES_CUTS_MAX
               ? SOTTO_OK
               : sotto__classes_refuse(classes, SOTTO_NONE,
                                       "there are too many limits on one column", err);
}

/* A cut beyond all values separates none. */
enum sotto_status sotto__cut_add(struct sotto_classes *classes, size_t column, sotto__int128 cut,
                                 struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    if (cut <= cuts->exact_min || cut > cuts->exact_max) {
        return SOTTO_OK;
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->exact[cuts->len++] = cut;
    }
    return status;
}

enum sotto_status sotto__cut_add_double(struct sotto_classes *classes, size_t column, double cut,
                                        struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    if (cut != cut || (isinf(cut) && cut < 0)) {
        return SOTTO_OK;
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->doubles[cuts->len++] = cut + 0.0; /* -0 is 0 */
    }
    return status;
}

/* Cuts a number off from those below and above. */
enum sotto_status sotto__cut_double(struct sotto_classes *classes, size_t column, double number,
                                    struct sotto_error *err)
{
    enum sotto_status status = sotto__cut_add_double(classes, column, number, err);
    return status != SOTTO_OK || (isinf(number) && number > 0)
               ? status
               : sotto__cut_add_double(classes, column, nextafter(number + 0.0, INFINITY), err);
}

enum sotto_status sotto__cut_add_mpz(struct sotto_classes *classes, size_t column,
                                     const mpz_t number, struct sotto_error *err)
{
    uint64_t limbs[2] = {0, 0};
    if (mpz_sizeinbase(number, 2) > 126) {
        return SOTTO_OK;
    }
    (void)mpz_export(limbs, NULL, -1, sizeof limbs[0], 0, 0, number);
    sotto__int128 magnitude = (sotto__int128)((sotto__uint128)limbs[1] << 64 | limbs[0]);
    return sotto__cut_add(classes, column, mpz_sgn(number) < 0 ? -magnitude : magnitude, err);
}

enum sotto_status sotto__cut_add_text(struct sotto_classes *classes, size_t column,
                                      const char *text, struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    for (size_t i = 0; i < cuts->len; i++) {
        if (strcmp(cuts->texts[i], text) == 0) {
            return SOTTO_OK;
        }
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->texts[cuts->len++] = text;
    }
    return status;
}

/* Where the values of an exact column are 0, or not. */
enum sotto_status sotto__cut_around(struct sotto_classes *classes, size_t column, int64_t number,
                                    struct sotto_error *err)
{
    enum sotto_status status = sotto__cut_add(classes, column, number, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__cut_add(classes, column, (sotto__int128)number + 1, err);
}

static int compare_exact(const void *a, const void *b)
{
    sotto__int128 x = *(const sotto__int128 *)a;
    sotto__int128 y = *(const sotto__int128 *)b;
    return (x > y) - (x < y);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Puts the cuts in their order, each once. */
void sotto__cuts_sort(struct sotto__cuts *cuts)
{
    size_t len = 0;
    if (cuts->exact != NULL) {
        qsort(cuts->exact, cuts->len, sizeof *cuts->exact, compare_exact);
    } else if (cuts->doubles != NULL) {
        qsort(cuts->doubles, cuts->len, sizeof *cuts->doubles, compare_doubles);
    }
    for (size_t i = 0; cuts->exact != NULL && i < cuts->len; i++) {
        if (len == 0 || cuts->exact[len - 1] != cuts->exact[i]) {
            cuts->exact[len++] = cuts->exact[i];
        }
    }
    for (size_t i = 0; cuts->doubles != NULL && i < cuts->len; i++) {
        if (len == 0 || cuts->doubles[len - 1] < cuts->doubles[i]) {
            cuts->doubles[len++] = cuts->doubles[i];
        }
    }
    cuts->len = cuts->texts == NULL ? len : cuts->len;
    for (size_t i = 0; cuts->exact != NULL && i < cuts->len; i++) {
        cuts->words[i] =
            (struct sotto_int128){.low = (uint64_t)(sotto__uint128)cuts->exact[i],
                                  .high = (int64_t)((sotto__uint128)cuts->exact[i] >> 64)};
    }
}

/* --- Columns --- */

static enum sotto_status init_cuts(struct sotto__cuts *out, enum sotto_kind kind, unsigned bits)
{
    const size_t len = (size_t)2 * SOTTO_CLASSES_CUTS_MAX + 1;
    bool is_there = true;
    bool is_bool = kind == SOTTO_KIND_BOOL;
    sotto__int128 beyond = (sotto__int128)1 << bits;
    out->exact_min = kind == SOTTO_KIND_INT64 ? INT64_MIN : is_bool ? 0 : -beyond;
    out->exact_max = kind == SOTTO_KIND_INT64 ? INT64_MAX : is_bool ? 1 : beyond;
    if (sotto__kind_is_exact(kind)) {
        out->exact = sotto_alloc_aligned(len * sizeof *out->exact);
        out->words = sotto_alloc_array(len, sizeof *out->words);
        is_there = out->exact != NULL && out->words != NULL;
    } else if (kind == SOTTO_KIND_FLOAT64) {
        out->doubles = sotto_alloc_array(len, sizeof *out->doubles);
        is_there = out->doubles != NULL;
    } else if (kind == SOTTO_KIND_STRING) {
        out->texts = sotto_alloc_array(len, sizeof *out->texts);
        is_there = out->texts != NULL;
    }
    return is_there ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* The number of a column of the expansion, which may be new. bits: of its values. */
enum sotto_status sotto__cuts_find(size_t *out, struct sotto_classes *classes, size_t column,
                                   unsigned bits, struct sotto_error *err)
{
    const struct sotto__column *of = &classes->driver->expansion.columns[column];
    for (*out = 0; *out < classes->columns_len; (*out)++) {
        if (classes->cuts[*out].column == column) {
            return SOTTO_OK;
        }
    }
    if (sotto_kind_is_date(of->type.kind)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "column %.100s is of dates or times",
                               of->name);
    }
    if (classes->columns_len == SOTTO_CLASSES_COLUMNS_MAX || bits > 125) {
        return sotto__classes_refuse(classes, SOTTO_NONE,
                                     "there are too many columns, or too many digits", err);
    }
    struct sotto__cuts *cuts = &classes->cuts[classes->columns_len++];
    cuts->column = column;
    return init_cuts(cuts, of->type.kind, bits) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}
