/* SPDX-License-Identifier: Apache-2.0 */

/* What the aggregator and every party compute alike: the driver for the types that a roster's
 * adverts offer, and the terms of its session. Both sides call these functions with the same
 * arguments; a second way to compute one of them would be a federation that never agrees. Whatever
 * has an order follows the roster, which is sorted by key, never the order in which somebody was
 * invited, answered or stands in a list of peers. */

#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

/* The offers of a roster and the names of who made them, in its order. Owns offers, borrows names.
 */
struct offers {
    struct sotto__offer *offers;
    struct sotto_schema *schemas; /* theirs, borrowed */
    const char **names;
    size_t len;
};

static void offers_release(struct offers *offers)
{
    for (size_t i = 0; i < offers->len; i++) {
        sotto_schema_release(&offers->offers[i].schema);
    }
    sotto_free(offers->offers);
    sotto_free(offers->schemas);
    sotto_free(offers->names);
}

static enum sotto_status offers_add(struct offers *offers, const struct sotto_plan *plan,
                                    const struct sotto_advert *advert,
                                    const struct sotto__peers *peers, struct sotto_error *err)
{
    size_t peer = sotto__peers_find(peers, &advert->sender);
    if (peer == SOTTO_NONE) {
        char key[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(&advert->sender, key);
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "the roster holds a node that is not among the peers: %s", key);
    }
    const char *name = peers->peers[peer].name;
    struct sotto__offer *offer = &offers->offers[offers->len];
    enum sotto_status status = sotto__offer_decode(offer, plan, advert);
    if (status == SOTTO_ERROR_VERSION) {
        return sotto_error_set(err, status, SOTTO__OTHER_ENGINE_TEXT, name);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the offer of %s is malformed", name);
    }
    offers->schemas[offers->len] = offer->schema;
    offers->names[offers->len++] = name;
    return SOTTO_OK;
}

static enum sotto_status offers_read(struct offers *offers, const struct sotto_plan *plan,
                                     const struct sotto_roster *roster,
                                     const struct sotto__peers *peers, struct sotto_error *err)
{
    offers->offers = sotto_alloc_array(roster->adverts_len, sizeof *offers->offers);
    offers->schemas = sotto_alloc_array(roster->adverts_len, sizeof *offers->schemas);
    offers->names = sotto_alloc_array(roster->adverts_len, sizeof *offers->names);
    if (offers->offers == NULL || offers->schemas == NULL || offers->names == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        enum sotto_status status = offers_add(offers, plan, &roster->adverts[i], peers, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* All begin with the same weights, or their mean would be no model that anybody trained. */
static enum sotto_status agree_training(struct sotto__course *in_out, const struct sotto_plan *plan,
                                        const struct offers *offers, struct sotto_error *err)
{
    const struct sotto__offer *first = &offers->offers[0];
    for (size_t i = 1; i < offers->len; i++) {
        const struct sotto__offer *offer = &offers->offers[i];
        if (offer->model_bytes != first->model_bytes ||
            memcmp(offer->model, first->model, first->model_bytes) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                   "the code begins with other weights at %s than at %s: it must "
                                   "begin with the same everywhere, by a seed of its own",
                                   offers->names[i], offers->names[0]);
        }
    }
    return sotto__training_new(&in_out->training, &in_out->bundle, plan, first->model,
                               first->model_bytes, (uint32_t)offers->len, err);
}

enum sotto_status sotto__agree(struct sotto__course *in_out, struct sotto__cover *in_out_cover,
                               const struct sotto_plan *plan, const struct sotto_roster *roster,
                               const struct sotto_invitation_terms *terms,
                               const struct sotto__peers *peers,
                               const struct sotto_interrupt *interrupt, struct sotto_error *err)
{
    struct offers offers = {0};
    struct sotto_schema agreed = {0};
    sotto__course_reset(in_out);
    sotto__cover_release(in_out_cover);
    enum sotto_status status = offers_read(&offers, plan, roster, peers, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (sotto__course_learns(in_out)) {
        status = agree_training(in_out, plan, &offers, err);
        in_out_cover->is_all_open = status == SOTTO_OK;
        goto out;
    }
    status = sotto_schema_agree(&agreed, plan, offers.schemas, offers.names, offers.len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_driver_new(&in_out->driver, plan, &agreed, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_driver_heed(in_out->driver, interrupt);
    sotto_driver_need_parties(in_out->driver, sotto__cover_needed(roster));
    status = sotto__cover_init(in_out_cover, in_out->driver, offers.offers, roster,
                               sotto__cover_prime(terms), err);
out:
    sotto_schema_release(&agreed);
    offers_release(&offers);
    return status;
}

/* Above this many parties a sparse graph is cheaper; below, everybody holds shares for everybody.
 */
#define COMPLETE_PARTIES_MAX 100

struct sotto_graph_terms sotto__graph_terms(size_t parties_len)
{
    return (struct sotto_graph_terms){
        .model =
            parties_len <= COMPLETE_PARTIES_MAX ? SOTTO_GRAPH_COMPLETE : SOTTO_GRAPH_SEMI_MALICIOUS,
        .corrupted_permille = 50,
        .dropped_permille = 330,
    };
}

/* H("sotto agreement", types, slots, opened) of the course's current round. */
static enum sotto_status digest_agreement(uint8_t out[SOTTO_DIGEST_BYTES],
                                          const struct sotto__course *course,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES])
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto__course_write_types(course, &writer);
    sotto__course_write_slots(course, &writer);
    sotto_write_bytes(&writer, opened, SOTTO_DIGEST_BYTES);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        sotto_digest(out, "sotto agreement", writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* A plan may ask for no more bytes of transcripts in a round than these, unless it says so, and
 * never for more than these. */
#define TRANSCRIPT_BYTES_AUTO ((size_t)16 * 1024 * 1024)
#define TRANSCRIPT_BYTES_MAX ((size_t)240 * 1024 * 1024)

enum sotto_status sotto__check_showing(const struct sotto_plan *plan, struct sotto_error *err)
{
    if (sotto_plan_verify(plan) != SOTTO_PLAN_VERIFY_ALWAYS || sotto_plan_publishes(plan)) {
        return SOTTO_OK;
    }
    return sotto_error_set(
        err, SOTTO_ERROR_PLAN,
        "enable_verify: true needs \"results\": \"participants\", and the result "
        "of this plan goes to the initiator only: parties that check a sum are "
        "shown it");
}

/* Whether the parties of a round check its sum; *out_why: why not, though they are shown it. It is
 * computed from what all parties know alike [PROTOCOL.md, Verified sums]. */
static enum sotto_status decide_verification(bool *out, const char **out_why,
                                             const struct sotto_plan *plan,
                                             const struct sotto__course *course, size_t parties_len,
                                             struct sotto_error *err)
{
    size_t bytes =
        sotto_session_transcript_bytes((uint32_t)parties_len, sotto__course_bytes(course));
    enum sotto_plan_verify verify = sotto_plan_verify(plan);
    bool trains = sotto_plan_bundle(plan) != NULL && sotto_plan_rounds(plan) > 1;
    bool fits = verify == SOTTO_PLAN_VERIFY_AUTO && (trains || sotto_plan_fits(plan));
    bool must = verify == SOTTO_PLAN_VERIFY_ALWAYS || fits;
    bool shows =
        sotto_plan_publishes(plan) || sotto__course_round(course) < sotto_plan_rounds(plan);
    const char *why = NULL;
    if (verify == SOTTO_PLAN_VERIFY_NEVER) {
        why = "the plan says that parties don't check sums (enable_verify: false)";
    } else if (sotto__graph_terms(parties_len).model != SOTTO_GRAPH_COMPLETE) {
        why = "more than 100 parties take part";
    } else if (bytes > (must ? TRANSCRIPT_BYTES_MAX : TRANSCRIPT_BYTES_AUTO)) {
        why = must ? "what opens a round has more than 240 MiB"
                   : "what opens a round has more than 16 MiB";
    }
    *out = shows && why == NULL;
    *out_why = shows ? why : NULL;
    return must && why != NULL
               ? sotto_error_set(err, SOTTO_ERROR_LIMIT, "%s can't be kept: %s",
                                 fits ? "a model's rounds are checked by all parties: that"
                                      : "enable_verify: true",
                                 why)
               : SOTTO_OK;
}

static enum sotto_status fail_to_agree(struct sotto_error *err, enum sotto_status status)
{
    return sotto_error_set(err, status, "agreeing: %s", sotto_status_text(status));
}

enum sotto_status sotto__round_terms_init(struct sotto__round_terms *out,
                                          const struct sotto_plan *plan,
                                          const struct sotto__course *course,
                                          const struct sotto_invitation_terms *invitation,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES],
                                          size_t parties_len, struct sotto_error *err)
{
    /* After the first round nobody may be lost: the difference to the sum that was opened would be
     * somebody's. Of weights it would be between models that others trained on too: there owners
     * approve it with the code. */
    bool may_lose = invitation->label.round == 1 || sotto__course_is_tolerant(course);
    struct sotto_session_terms terms = {
        .invitation = *invitation,
        .min_parties = may_lose ? sotto_plan_strategy(plan)->min_clients : (uint32_t)parties_len,
        .graph = sotto__graph_terms(parties_len),
    };
    struct sotto_vector_run *runs = NULL;
    const char *unverified = NULL;
    enum sotto_status status =
        decide_verification(&terms.verifies, &unverified, plan, course, parties_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = digest_agreement(terms.agreement, course, opened);
    if (status != SOTTO_OK) {
        return fail_to_agree(err, status);
    }
    status = sotto__course_runs(course, &runs, &terms.runs_len);
    if (status != SOTTO_OK) {
        return fail_to_agree(err, status);
    }
    terms.runs = runs;
    *out = (struct sotto__round_terms){.terms = terms, .runs = runs, .unverified = unverified};
    return SOTTO_OK;
}

void sotto__round_terms_release(struct sotto__round_terms *terms)
{
    sotto_free(terms->runs);
    *terms = (struct sotto__round_terms){0};
}
