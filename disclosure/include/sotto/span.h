/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SPAN_H
#define SOTTO_SPAN_H

/* Which sums some rows are in. A row counts so and so often in each of several sums: that is its
 * vector. Vectors of rows, and all that these add up to modulo a prime, are a span. A combination
 * of the sums (a number times each of them, added up) has something of the rows exactly where it is
 * not 0 on all of the span: so a span tells for each combination whether any of the rows are in it,
 * and neither how many these are nor which. */

#include <sotto/bytes.h>
#include <sotto/evidence.h>

SOTTO_BEGIN_DECLS

/* --- span.c: the algebra --- */

struct sotto_span {
    uint64_t prime;
    size_t width;     /* sums */
    size_t len;       /* rows of the basis */
    uint64_t *rows;   /* [len * width]: each has 1 at its pivot, where all others have 0 */
    size_t *pivots;   /* [len]: where a row's first number stands that is not 0 */
    uint64_t *vector; /* [width], scratch */
    uint8_t *kinds;   /* likewise */
};

/* A prime above 2^60 that a seed decides. Whoever chooses the sets should not know it before. */
SOTTO_API uint64_t sotto_span_prime(uint64_t seed);

/* The span of nothing. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto_span_release, which bears
 * zeros too. */
SOTTO_API enum sotto_status sotto_span_init(struct sotto_span *out, size_t width,
                                            uint64_t prime) SOTTO_NODISCARD;
/* Frees what a span holds and leaves it empty. */
SOTTO_API void sotto_span_release(struct sotto_span *span);
/* Makes it the span of nothing again. */
SOTTO_API void sotto_span_clear(struct sotto_span *span);
/* Adds a vector, whose numbers are below the prime; where is_open (NULL: everywhere) is 0, it
 * counts as 0. Returns: whether the span has grown. */
SOTTO_API bool sotto_span_add(struct sotto_span *in_out, const uint64_t *vector,
                              const uint8_t *is_open);
/* A combination that is 0 on the span, and not on a vector, if there is one: out has 1 for each sum
 * that has a part in it. Returns: false if the vector is in the span. */
SOTTO_API bool sotto_span_find_beside(struct sotto_span *span, uint8_t *out, const uint64_t *vector,
                                      const uint8_t *is_open);
/* Appends a span: the same bytes, in whatever order its vectors were added. */
SOTTO_API void sotto_span_write(struct sotto_span *span, struct sotto_writer *writer);
/* Into a span of nothing. What no span writes fails the reader. */
SOTTO_API void sotto_span_read(struct sotto_span *in_out, struct sotto_reader *reader);

/* --- families.c: which sums of a round are held together --- */

/* More sums of one family are not compared. */
#define SOTTO_FAMILY_SUMS_MAX 512

/* Sums of one kind, within each group: counts, or sums of one column or product. */
struct sotto_family {
    size_t dataset;
    size_t *universes; /* sets: only rows that are in all of them are looked at */
    size_t universes_len;
    size_t *sets; /* over which sums are opened; SOTTO_NONE: over all these rows */
    size_t sets_len;
    bool is_one_output; /* bins or levels of one output, beside all rows that have the value */
};

struct sotto_families {
    struct sotto_family *list;
    size_t len;
    size_t capacity_len;
    uint64_t digest; /* equal where the sums are */
};

/* The families of a round in which sums could tell something together. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto_families_release, which bears zeros too. */
SOTTO_API enum sotto_status
sotto_families_init(struct sotto_families *out,
                    const struct sotto_evidence *evidence) SOTTO_NODISCARD;
/* Frees what families hold and leaves none. */
SOTTO_API void sotto_families_release(struct sotto_families *families);

/* --- What a party says of a round --- */

/* The digest of its families, and then, of each group, a blob: a span for each family, of the
 * group's rows; or nothing, of a group that is withheld. */

/* Empties the blobs of groups that are withheld by now (withheld[group]; groups_len of them, 0
 * without group_by). Returns: SOTTO_ERROR_NO_MEMORY, and SOTTO_ERROR_INPUT for other bytes. */
SOTTO_API enum sotto_status sotto_spans_withhold(struct sotto_writer *in_out,
                                                 const uint8_t *withheld,
                                                 size_t groups_len) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
