/* SPDX-License-Identifier: Apache-2.0 */

/* Which sums of a round are held together, because combinations of them may tell about other rows
 * than each does alone. It leans on the engine's evidence, and only on what that says of the plan,
 * so that all parties of the same types find the same families.
 *
 * 1. Counts: conditions over all rows; bins and levels of one value with them, among the rows that
 *    have it; and all of them, among the rows that have all values. Bins or levels of one output
 *    alone too, unless these are more than can be compared: what no level names is what they
 *    leave of all rows.
 * 2. Sums of one column or product over two sets of rows or more, among the rows in which it is not
 *    0. */

#include <sotto/alloc.h>
#include <sotto/span.h>

#include <sodium.h>
#include <string.h>

struct making {
    struct sotto_families *families;
    const struct sotto_evidence_set *sets;
    size_t sets_len;
    const struct sotto_evidence_sum *sums;
    size_t sums_len;
};

static void release_family(struct sotto_family *family)
{
    sotto_free(family->universes);
    sotto_free(family->sets);
}

void sotto_families_release(struct sotto_families *families)
{
    for (size_t i = 0; i < families->len; i++) {
        release_family(&families->list[i]);
    }
    sotto_free(families->list);
    *families = (struct sotto_families){0};
}

/* --- Lists of sets --- */

/* A family with room for all sets and sums of the round, and one more. */
static enum sotto_status init_family(struct sotto_family *out, const struct making *making,
                                     size_t dataset)
{
    size_t len_max = making->sets_len + making->sums_len + 2;
    *out = (struct sotto_family){.dataset = dataset};
    out->universes = sotto_alloc_array(len_max, sizeof *out->universes);
    out->sets = sotto_alloc_array(len_max, sizeof *out->sets);
    if (out->universes == NULL || out->sets == NULL) {
        release_family(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

/* Adds a set to a list that hasn't it. */
static void add_once(size_t *list, size_t *len, size_t set)
{
    for (size_t i = 0; i < *len; i++) {
        if (list[i] == set) {
            return;
        }
    }
    list[(*len)++] = set;
}

/* Takes the family, which is in the list then, or freed. */
static enum sotto_status keep_family(const struct making *making, struct sotto_family *family,
                                     bool is_wanted)
{
    struct sotto_families *families = making->families;
    void *list = families->list;
    enum sotto_status status = SOTTO_OK;
    if (is_wanted) {
        status = sotto_array_reserve(&list, &families->capacity_len, families->len + 1,
                                     sizeof *families->list);
        families->list = list;
    }
    if (!is_wanted || status != SOTTO_OK) {
        release_family(family);
        return status;
    }
    families->list[families->len++] = *family;
    return SOTTO_OK;
}

/* --- Counts --- */

/* Adds conditions of the family's dataset, and the cells of a universe (SOTTO_NONE: of all), beside
 * all rows. Returns: whether they may cut each other: there are conditions, or cells of two
 * outputs.
 */
static bool add_counts(struct sotto_family *family, const struct making *making, bool has_cells,
                       size_t universe)
{
    size_t output = SOTTO_NONE;
    bool is_mixed = false;
    family->sets[family->sets_len++] = SOTTO_NONE;
    for (size_t i = 0; i < making->sets_len; i++) {
        const struct sotto_evidence_set *set = &making->sets[i];
        bool is_condition = set->kind == SOTTO_SET_CONDITION;
        bool is_cell = set->kind == SOTTO_SET_CELL && has_cells &&
                       (universe == SOTTO_NONE || set->universe == universe);
        if (set->dataset != family->dataset || (!is_condition && !is_cell)) {
            continue;
        }
        is_mixed = is_mixed || is_condition || (output != SOTTO_NONE && output != set->output);
        output = is_cell ? set->output : output;
        family->sets[family->sets_len++] = i;
    }
    return is_mixed;
}

static enum sotto_status add_conditions(const struct making *making, size_t dataset)
{
    struct sotto_family family;
    enum sotto_status status = init_family(&family, making, dataset);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_wanted = add_counts(&family, making, false, SOTTO_NONE);
    return keep_family(making, &family, is_wanted);
}

static enum sotto_status add_universe(const struct making *making, size_t dataset, size_t universe)
{
    struct sotto_family family;
    enum sotto_status status = init_family(&family, making, dataset);
    if (status != SOTTO_OK) {
        return status;
    }
    family.universes[family.universes_len++] = universe;
    family.is_one_output = !add_counts(&family, making, true, universe);
    bool is_wanted = !family.is_one_output || family.sets_len <= SOTTO_FAMILY_SUMS_MAX;
    return keep_family(making, &family, is_wanted);
}

static enum sotto_status add_dataset(const struct making *making, size_t dataset)
{
    struct sotto_family all;
    enum sotto_status status = add_conditions(making, dataset);
    if (status != SOTTO_OK) {
        return status;
    }
    status = init_family(&all, making, dataset);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < making->sets_len; i++) {
        const struct sotto_evidence_set *set = &making->sets[i];
        if (set->dataset == dataset && set->universe != SOTTO_NONE) {
            add_once(all.universes, &all.universes_len, set->universe);
        }
    }
    for (size_t i = 0; status == SOTTO_OK && i < all.universes_len; i++) {
        status = add_universe(making, dataset, all.universes[i]);
    }
    if (status != SOTTO_OK) {
        release_family(&all);
        return status;
    }
    bool is_wanted = add_counts(&all, making, true, SOTTO_NONE) && all.universes_len > 1;
    return keep_family(making, &all, is_wanted);
}

/* --- Sums of values --- */

static bool is_same_product(const struct sotto_evidence_sum *a, const struct sotto_evidence_sum *b)
{
    return !a->is_difference && !b->is_difference && a->factors[0] == b->factors[0] &&
           a->factors[1] == b->factors[1];
}

/* The sums of one product: first is the first of them. */
static enum sotto_status add_product(const struct making *making, size_t first,
                                     const struct sotto_evidence_column *columns)
{
    struct sotto_family family;
    const struct sotto_evidence_sum *sum = &making->sums[first];
    enum sotto_status status = init_family(&family, making, making->sets[sum->set].dataset);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = first; i < making->sums_len; i++) {
        if (is_same_product(sum, &making->sums[i])) {
            add_once(family.sets, &family.sets_len, making->sums[i].set);
        }
    }
    for (size_t i = 0; i < 2 && sum->factors[i] != SOTTO_NONE; i++) {
        if (columns[sum->factors[i]].support != SOTTO_NONE) {
            add_once(family.universes, &family.universes_len, columns[sum->factors[i]].support);
        }
    }
    return keep_family(making, &family, family.sets_len > 1);
}

static enum sotto_status add_products(const struct making *making,
                                      const struct sotto_evidence_column *columns)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < making->sums_len; i++) {
        bool is_first = !making->sums[i].is_difference;
        for (size_t j = 0; is_first && j < i; j++) {
            is_first = !is_same_product(&making->sums[j], &making->sums[i]);
        }
        status = is_first ? add_product(making, i, columns) : SOTTO_OK;
    }
    return status;
}

/* --- All of them --- */

static void digest_set(crypto_generichash_state *state, const struct making *making, size_t set)
{
    struct sotto_evidence_set none = {.text = ""};
    const struct sotto_evidence_set *of = set != SOTTO_NONE ? &making->sets[set] : &none;
    const uint64_t numbers[3] = {set, of->kind, of->start};
    (void)crypto_generichash_update(state, (const uint8_t *)numbers, sizeof numbers);
    (void)crypto_generichash_update(state, (const uint8_t *)of->text, strlen(of->text) + 1);
}

static uint64_t make_digest(const struct making *making)
{
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES_MIN];
    (void)crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (size_t i = 0; i < making->families->len; i++) {
        const struct sotto_family *family = &making->families->list[i];
        const uint64_t numbers[3] = {family->dataset, family->universes_len, family->sets_len};
        (void)crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof numbers);
        for (size_t j = 0; j < family->universes_len; j++) {
            digest_set(&state, making, family->universes[j]);
        }
        for (size_t j = 0; j < family->sets_len; j++) {
            digest_set(&state, making, family->sets[j]);
        }
    }
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    return sotto_load_u64(digest);
}

enum sotto_status sotto_families_init(struct sotto_families *out,
                                      const struct sotto_evidence *evidence)
{
    size_t columns_len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(evidence, &columns_len);
    struct sotto_families families = {0};
    struct making making = {.families = &families};
    enum sotto_status status = SOTTO_OK;
    making.sets = sotto_evidence_sets(evidence, &making.sets_len);
    making.sums = sotto_evidence_sums(evidence, &making.sums_len);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_evidence_datasets_len(evidence); i++) {
        status = add_dataset(&making, i);
    }
    if (status == SOTTO_OK) {
        status = add_products(&making, columns);
    }
    if (status != SOTTO_OK) {
        sotto_families_release(&families);
        return status;
    }
    families.digest = make_digest(&making);
    *out = families;
    return SOTTO_OK;
}
