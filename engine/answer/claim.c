/* SPDX-License-Identifier: Apache-2.0 */

/* A result that somebody else wrote, held against this engine's own. Leans on jansson to read it
 * and on result.c, which writes results.
 *
 * The idea: a result is not compared value by value, which would miss what nobody thought of. Of
 * the claim only those parts are taken over that nobody else can know (who was invited, and who is
 * missing and why); with them this engine writes the result again, and the bytes are the same or
 * not. */

#include "answer/results.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

/* What a claim says of parties. Texts borrow from the JSON. */
struct sotto_result_claim {
    json_t *root;
    const char **names;
    struct sotto_result_absentee *missing;
    struct sotto_result_parties parties;
};

void sotto_result_claim_free(struct sotto_result_claim *claim)
{
    if (claim != NULL) {
        sotto_free(claim->names);
        sotto_free(claim->missing);
        json_decref(claim->root);
        sotto_free(claim);
    }
}

const struct sotto_result_parties *
sotto_result_claim_parties(const struct sotto_result_claim *claim)
{
    return &claim->parties;
}

/* Returns: false unless the member is a whole number that counts parties. */
static bool read_count(uint32_t *out, const json_t *parties, const char *key)
{
    const json_t *value = json_object_get(parties, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)json_integer_value(value);
    return true;
}

/* Where there are no names or nobody is missing, the members are not there. */
static enum sotto_status read_lists(struct sotto_result_claim *claim, const json_t *parties)
{
    const json_t *names = json_object_get(parties, "names");
    const json_t *missing = json_object_get(parties, "missing");
    claim->parties.names_len = json_array_size(names);
    claim->parties.missing_len = json_array_size(missing);
    claim->names = sotto_alloc_array(claim->parties.names_len + 1, sizeof *claim->names);
    claim->missing = sotto_alloc_array(claim->parties.missing_len + 1, sizeof *claim->missing);
    if (claim->names == NULL || claim->missing == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < claim->parties.names_len; i++) {
        claim->names[i] = json_string_value(json_array_get(names, i));
        if (claim->names[i] == NULL) {
            return SOTTO_ERROR_INPUT;
        }
    }
    for (size_t i = 0; i < claim->parties.missing_len; i++) {
        const json_t *absentee = json_array_get(missing, i);
        claim->missing[i] = (struct sotto_result_absentee){
            .name = json_string_value(json_object_get(absentee, "name")),
            .why = json_string_value(json_object_get(absentee, "why")),
        };
        if (claim->missing[i].name == NULL || claim->missing[i].why == NULL) {
            return SOTTO_ERROR_INPUT;
        }
    }
    claim->parties.names = claim->names;
    claim->parties.missing = claim->missing;
    return SOTTO_OK;
}

/* Returns: SOTTO_ERROR_INPUT for what no honest creator writes of so many survivors. */
static enum sotto_status read_claim(struct sotto_result_claim *claim, uint32_t survived)
{
    const json_t *parties = json_object_get(claim->root, "parties");
    struct sotto_result_parties *counts = &claim->parties;
    if (!read_count(&counts->invited, parties, "invited") ||
        !read_count(&counts->joined, parties, "joined") ||
        !read_count(&counts->survived, parties, "survived") || counts->survived != survived ||
        counts->joined < survived || counts->invited < counts->joined) {
        return SOTTO_ERROR_INPUT;
    }
    enum sotto_status status = read_lists(claim, parties);
    if (status == SOTTO_OK &&
        (counts->names_len != survived || counts->missing_len != counts->invited - survived)) {
        return SOTTO_ERROR_INPUT;
    }
    return status;
}

enum sotto_status sotto_result_claim_read(struct sotto_result_claim **out, const char *text,
                                          uint32_t survived)
{
    struct sotto_result_claim *claim = sotto_alloc_zeroed(sizeof *claim);
    if (claim == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    claim->root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum sotto_status status = read_claim(claim, survived);
    if (status != SOTTO_OK) {
        sotto_result_claim_free(claim);
        return status;
    }
    *out = claim;
    return SOTTO_OK;
}

/* Whether the claim is this engine's own result, with or without exact texts. */
static enum sotto_status compare_results(const struct sotto__results *results, bool *out,
                                         const struct sotto_result_claim *claim, const char *text,
                                         const struct sotto_schema *offers, size_t offers_len,
                                         struct sotto_error *err)
{
    char *own = NULL;
    enum sotto_status status =
        sotto__results_write(results, &own, &claim->parties, offers, offers_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = strcmp(own, text) == 0;
    if (!*out) {
        sotto_result_strip_exact(own);
        *out = strcmp(own, text) == 0;
    }
    sotto_free(own);
    return SOTTO_OK;
}

enum sotto_status sotto__results_is(const struct sotto__results *results, bool *out,
                                    const char *text, uint32_t survived,
                                    const struct sotto_schema *offers, size_t offers_len,
                                    struct sotto_error *err)
{
    struct sotto_result_claim *claim = NULL;
    *out = false;
    enum sotto_status status = sotto_result_claim_read(&claim, text, survived);
    if (status == SOTTO_OK) {
        status = compare_results(results, out, claim, text, offers, offers_len, err);
    } else if (status == SOTTO_ERROR_INPUT) {
        status = SOTTO_OK; /* it is another one */
    } else {
        (void)sotto_error_no_memory(err);
    }
    sotto_result_claim_free(claim);
    return status;
}
