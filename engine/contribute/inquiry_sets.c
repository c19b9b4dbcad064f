/* SPDX-License-Identifier: Apache-2.0 */

/* The sets over which a round opens sums. It leans on the round's program. The one idea: a set is
 * named by its literals, in order, so that two ways to write it are one; what can't be taken apart
 * is a literal of its own. */

#include "contribute/cover.h"
#include "contribute/inquiring.h"

#include <sotto/alloc.h>
#include <string.h>

#define BITS_MAX 4096

static bool is_comparison(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_EQUAL || kind == SOTTO__OP_UNEQUAL || kind == SOTTO__OP_LESS ||
           kind == SOTTO__OP_LESS_EQUAL || sotto__is_text_condition(kind);
}

bool sotto__op_is_logic(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_AND || kind == SOTTO__OP_OR || kind == SOTTO__OP_NOT;
}

bool sotto__op_is_condition(const struct sotto__op *op)
{
    return is_comparison(op->kind) || sotto__op_is_logic(op->kind) || op->kind == SOTTO__OP_IS_NA;
}

/* --- Lists --- */

void sotto__inquiry_fail(struct sotto__inquiry *inquiry, enum sotto_status status)
{
    inquiry->status = inquiry->status == SOTTO_OK ? status : inquiry->status;
}

bool sotto__inquiry_reserve(struct sotto__inquiry *inquiry, void **array, size_t *capacity_len,
                            size_t len, size_t element_bytes)
{
    if (inquiry->status == SOTTO_OK &&
        sotto_array_reserve(array, capacity_len, len + 1, element_bytes) != SOTTO_OK) {
        sotto__inquiry_fail(inquiry, SOTTO_ERROR_NO_MEMORY);
    }
    return inquiry->status == SOTTO_OK;
}

static size_t add_bit(struct sotto__inquiry *inquiry, size_t op, enum sotto__bit_kind kind)
{
    for (size_t i = 0; i < inquiry->bits_len; i++) {
        if (inquiry->bits[i].op == op && inquiry->bits[i].kind == kind) {
            return i;
        }
    }
    void *bits = inquiry->bits;
    if (inquiry->bits_len == BITS_MAX) {
        sotto__inquiry_fail(inquiry, SOTTO_ERROR_LIMIT);
    }
    if (!sotto__inquiry_reserve(inquiry, &bits, &inquiry->bits_capacity_len, inquiry->bits_len,
                                sizeof *inquiry->bits)) {
        return 0;
    }
    inquiry->bits = bits;
    inquiry->bits[inquiry->bits_len] = (struct sotto__bit){.op = op, .kind = kind};
    return inquiry->bits_len++;
}

void sotto__literals_add(struct sotto__inquiry *inquiry, struct sotto__literals *literals,
                         size_t op, enum sotto__bit_kind kind)
{
    size_t bit = add_bit(inquiry, op, kind);
    size_t at = 0;
    if (inquiry->status != SOTTO_OK) {
        return;
    }
    while (at < literals->len && literals->bits[at] < bit) {
        at++;
    }
    if (at < literals->len && literals->bits[at] == bit) {
        return;
    }
    if (literals->len == SOTTO__LITERALS_MAX) {
        sotto__inquiry_fail(inquiry, SOTTO_ERROR_LIMIT);
        return;
    }
    memmove(literals->bits + at + 1, literals->bits + at,
            (literals->len - at) * sizeof *literals->bits);
    literals->bits[at] = bit;
    literals->len++;
}

/* --- Which rows have a value --- */

/* Recursion: as deep as the expression. */
void sotto__literals_find_present(struct sotto__inquiry *inquiry, struct sotto__literals *out,
                                  size_t op)
{
    const struct sotto__op *ops = inquiry->program->ops;
    const struct sotto__op *at = &ops[op];
    bool is_choice =
        at->kind == SOTTO__OP_IF && ops[at->b].is_null && ops[at->b].kind == SOTTO__OP_CONSTANT;
    if (sotto__op_is_condition(at) && !sotto__op_is_logic(at->kind)) {
        return; /* never missing */
    }
    if (at->kind == SOTTO__OP_CONSTANT && !at->is_null) {
        return;
    }
    if (is_choice) {
        sotto__literals_find_present(inquiry, out, at->a);
        sotto__literals_add(inquiry, out, at->c, SOTTO__BIT_TRUE);
    } else if (at->kind == SOTTO__OP_MASK ||
               (sotto__op_is_logic(at->kind) && at->kind != SOTTO__OP_NOT)) {
        struct sotto__literals both = {.len = 0};
        sotto__literals_find_present(inquiry, &both, at->a);
        sotto__literals_find_present(inquiry, &both, at->b);
        if (at->kind != SOTTO__OP_MASK && both.len > 0) {
            sotto__literals_add(inquiry, out, op, SOTTO__BIT_PRESENT); /* one operand can decide */
        }
        for (size_t i = 0; at->kind == SOTTO__OP_MASK && i < both.len; i++) {
            sotto__literals_add(inquiry, out, inquiry->bits[both.bits[i]].op,
                                inquiry->bits[both.bits[i]].kind);
        }
    } else if (at->kind == SOTTO__OP_COLUMN || at->kind == SOTTO__OP_CONSTANT ||
               at->kind == SOTTO__OP_FILL || at->kind == SOTTO__OP_IF || at->makes_nan ||
               at->a == SOTTO_NONE) {
        sotto__literals_add(inquiry, out, op, SOTTO__BIT_PRESENT);
    } else {
        sotto__literals_find_present(inquiry, out, at->a);
        if (at->b != SOTTO_NONE) {
            sotto__literals_find_present(inquiry, out, at->b);
        }
    }
}

/* What must hold besides, for a boolean to be true. */
static void find_true(struct sotto__inquiry *inquiry, struct sotto__literals *out, size_t op)
{
    const struct sotto__op *at = &inquiry->program->ops[op];
    if (at->kind == SOTTO__OP_MASK) {
        find_true(inquiry, out, at->a);
        sotto__literals_find_present(inquiry, out, at->b);
    } else {
        sotto__literals_add(inquiry, out, op, SOTTO__BIT_TRUE);
    }
}

/* Leaves only what the asker chose: conditions. */
static void keep_conditions(const struct sotto__inquiry *inquiry, struct sotto__literals *literals)
{
    size_t kept = 0;
    for (size_t i = 0; i < literals->len; i++) {
        if (inquiry->bits[literals->bits[i]].kind == SOTTO__BIT_TRUE) {
            literals->bits[kept++] = literals->bits[i];
        }
    }
    literals->len = kept;
}

/* --- Sets --- */

static bool is_same_set(const struct sotto__inquiry *inquiry, size_t set,
                        const struct sotto_evidence_set *as, const struct sotto__membership *member,
                        const struct sotto__literals *literals)
{
    const struct sotto__membership *own = &inquiry->members[set];
    return inquiry->sets[set].kind == as->kind && inquiry->sets[set].dataset == as->dataset &&
           own->index == member->index && own->first == member->first &&
           own->last == member->last && own->bits_len == literals->len &&
           (literals->len == 0 || memcmp(inquiry->literals + own->bits_first, literals->bits,
                                         literals->len * sizeof *literals->bits) == 0);
}

static void keep_literals(struct sotto__inquiry *inquiry, const struct sotto__literals *literals)
{
    void *kept = inquiry->literals;
    for (size_t i = 0; i < literals->len; i++) {
        if (!sotto__inquiry_reserve(inquiry, &kept, &inquiry->literals_capacity_len,
                                    inquiry->literals_len, sizeof *inquiry->literals)) {
            return;
        }
        inquiry->literals = kept;
        inquiry->literals[inquiry->literals_len++] = literals->bits[i];
    }
}

size_t sotto__inquiry_add_set(struct sotto__inquiry *inquiry, struct sotto_evidence_set set,
                              struct sotto__membership member,
                              const struct sotto__literals *literals)
{
    for (size_t i = 0; i < inquiry->sets_len; i++) {
        if (is_same_set(inquiry, i, &set, &member, literals)) {
            return i;
        }
    }
    void *sets = inquiry->sets;
    void *members = inquiry->members;
    member.bits_first = inquiry->literals_len;
    member.bits_len = literals->len;
    keep_literals(inquiry, literals);
    bool has_room = sotto__inquiry_reserve(inquiry, &sets, &inquiry->sets_capacity_len,
                                           inquiry->sets_len, sizeof *inquiry->sets);
    inquiry->sets = sets;
    has_room = has_room && sotto__inquiry_reserve(inquiry, &members, &inquiry->members_capacity_len,
                                                  inquiry->sets_len, sizeof *inquiry->members);
    inquiry->members = members;
    if (!has_room) {
        return SOTTO_NONE;
    }
    inquiry->sets[inquiry->sets_len] = set;
    inquiry->members[inquiry->sets_len] = member;
    return inquiry->sets_len++;
}

struct sotto_evidence_set sotto__inquiry_make_set(const struct sotto__inquiry *inquiry,
                                                  enum sotto_evidence_set_kind kind, size_t op)
{
    const struct sotto__op *at = &inquiry->program->ops[op];
    struct sotto_evidence_set set = {.dataset = at->dataset,
                                     .universe = SOTTO_NONE,
                                     .cell = SOTTO_NONE,
                                     .output = SOTTO_NONE,
                                     .text = at->source,
                                     .start = at->start};
    set.kind = kind;
    return set;
}

size_t sotto__inquiry_add_presence(struct sotto__inquiry *inquiry, size_t op)
{
    struct sotto__literals literals = {.len = 0};
    sotto__literals_find_present(inquiry, &literals, op);
    return sotto__inquiry_add_set(inquiry, sotto__inquiry_make_set(inquiry, SOTTO_SET_PRESENCE, op),
                                  sotto__no_index, &literals);
}

void sotto__inquiry_add_condition(struct sotto__inquiry *inquiry, size_t op,
                                  struct sotto__literals *literals)
{
    keep_conditions(inquiry, literals);
    if (literals->len > 0) {
        (void)sotto__inquiry_add_set(inquiry,
                                     sotto__inquiry_make_set(inquiry, SOTTO_SET_CONDITION, op),
                                     sotto__no_index, literals);
    }
}

void sotto__inquiry_add_conditions_of(struct sotto__inquiry *inquiry, size_t op)
{
    struct sotto__literals literals = {.len = 0};
    sotto__literals_find_present(inquiry, &literals, op);
    sotto__inquiry_add_condition(inquiry, op, &literals);
}

/* Adds when the values that a condition is about are present. Recursion: as deep as the expression.
 */
static void find_compared(struct sotto__inquiry *inquiry, struct sotto__literals *out, size_t op)
{
    const struct sotto__op *ops = inquiry->program->ops;
    const struct sotto__op *at = &ops[op];
    if (at->kind == SOTTO__OP_AND) {
        find_compared(inquiry, out, at->a);
        find_compared(inquiry, out, at->b);
    } else if (at->kind == SOTTO__OP_MASK) {
        find_compared(inquiry, out, at->a);
    } else if (is_comparison(at->kind)) {
        sotto__literals_find_present(inquiry, out,
                                     ops[at->a].dataset != SOTTO_NONE ? at->a : at->b);
    } else {
        sotto__literals_find_present(inquiry, out, op);
    }
}

/* The rows that have the values, one or, in a table, two, that a cell is about. */
static size_t add_universe(struct sotto__inquiry *inquiry, const struct sotto__term *term)
{
    struct sotto__literals literals = {.len = 0};
    size_t op =
        term->index != SOTTO_NONE ? inquiry->program->indices[term->index].op : term->factors[0];
    find_compared(inquiry, &literals, op);
    return sotto__inquiry_add_set(inquiry, sotto__inquiry_make_set(inquiry, SOTTO_SET_PRESENCE, op),
                                  sotto__no_index, &literals);
}

static size_t add_cell(struct sotto__inquiry *inquiry, size_t term)
{
    void *cells = inquiry->cell_terms;
    if (!sotto__inquiry_reserve(inquiry, &cells, &inquiry->cells_capacity_len, inquiry->cells_len,
                                sizeof *inquiry->cell_terms)) {
        return SOTTO_NONE;
    }
    inquiry->cell_terms = cells;
    inquiry->cell_terms[inquiry->cells_len] = term;
    return inquiry->cells_len++;
}

void sotto__inquiry_add_truths(struct sotto__inquiry *inquiry, size_t number)
{
    const struct sotto__program *program = inquiry->program;
    const struct sotto__term *term = &program->terms[number];
    struct sotto_evidence_set set = sotto__inquiry_make_set(
        inquiry, term->is_cell ? SOTTO_SET_CELL : SOTTO_SET_CONDITION, term->factors[0]);
    struct sotto__membership member = sotto__no_index;
    struct sotto__literals literals = {.len = 0};
    if (term->index != SOTTO_NONE) {
        member = (struct sotto__membership){
            .index = term->index, .first = term->first, .last = term->last};
    } else {
        find_true(inquiry, &literals, term->factors[0]);
        keep_conditions(inquiry, &literals);
    }
    if (term->is_cell) {
        set.universe = add_universe(inquiry, term);
        set.cell = add_cell(inquiry, number);
        set.output = sotto__parts_find_output(inquiry->driver, number);
    }
    (void)sotto__inquiry_add_set(inquiry, set, member, &literals);
}
