/* SPDX-License-Identifier: Apache-2.0 */
/* A creator's host and parties' hosts in this process, with every letter between them in the test's
 * hands. It leans on federation's two machines, and carries out what they ask for. */
#include "net.h"

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/tensors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net net;
bool net_away[NET_PARTIES_MAX];
const struct sotto_bundle *net_code;

const char net_plan_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"n\": \"count(pay)\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

const char net_rounds_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"v\": \"mean((pay - mean(pay)) ** 2)\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

const char net_unverified_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"v\": \"mean((pay - mean(pay)) ** 2)\"},"
    " \"enable_verify\": false,"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

const char net_published_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"v\": \"mean((pay - mean(pay)) ** 2)\"},"
    " \"results\": \"participants\","
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

const char net_long_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\","
    " \"v\": \"mean(abs(pay - mean(abs(pay - mean(abs(pay - mean(pay)))))))\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

const char *const net_pays[20] = {
    "pay\n100\n200\n", "pay\n10.25\nNA\n", "pay\n1e2\n", "pay\n",         "pay\n7\n",
    "pay\n1.5\n",      "pay\n-3\n",        "pay\nNA\n",  "pay\n0.125\n",  "pay\n4\n5\n",
    "pay\n1\n",        "pay\n2\n",         "pay\n3\n",   "pay\n4\n",      "pay\n5.5\n",
    "pay\n6\n",        "pay\n7.75\n",      "pay\n8\n",   "pay\n9.0625\n", "pay\n10\n",
};

static void net_log(const char *text)
{
    size_t used = strlen(net.log);
    (void)snprintf(net.log + used, sizeof net.log - used, "%s\n", text);
}

/* A letter that the test may change is nobody else's. Its memory is no allocation of the task's,
 * which a test may let fail. */
static void post(size_t to, struct sotto_buffer *bytes)
{
    SOTTO_REQUIRE(net.letters_len < 4000);
    net.shared += bytes->owners != NULL;
    if (bytes->owners != NULL) {
        struct sotto_buffer own = {.data = malloc(bytes->data_bytes),
                                   .data_bytes = bytes->data_bytes};
        assert_non_null(own.data);
        memcpy(own.data, bytes->data, bytes->data_bytes);
        sotto_buffer_release(bytes);
        *bytes = own;
    }
    net.letters[net.letters_len++] = (struct net_letter){.to = to, .bytes = *bytes};
}

static size_t net_host_of(const struct sotto_key *key)
{
    size_t i = 0;
    while (i < net.len && !sotto_key_equal(&net.peers[i].key, key)) {
        i++;
    }
    return i;
}

/* --- Hosts of parties --- */

/* What a party says that stands behind everything, of its own types' parts; none where these alone
 * make no plan. */
static enum sotto_status make_cover(uint8_t **out, size_t *out_len, const struct sotto_plan *plan,
                                    const struct sotto_schema *offer)
{
    struct sotto_schema own = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_error err;
    enum sotto_status status = sotto_schema_agree(&own, plan, offer, NULL, 1, &err);
    if (status == SOTTO_OK) {
        status = sotto_driver_new(&driver, plan, &own, &err);
    }
    if (status == SOTTO_OK) {
        *out_len = sotto_driver_cover_len(driver);
        *out = sotto_alloc_array(*out_len, sizeof **out);
        status = *out != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    }
    if (status == SOTTO_OK) {
        memset(*out, SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN, *out_len);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&own);
    return status == SOTTO_ERROR_NO_MEMORY ? status : SOTTO_OK;
}

void net_read_weights(double out[NET_WEIGHTS], const struct sotto_buffer *weights)
{
    struct sotto_tensors tensors;
    assert_ok(sotto_tensors_read(&tensors, weights->data, weights->data_bytes, NET_WEIGHTS, NULL));
    memcpy(out, tensors.tensors[0].data, NET_WEIGHTS * sizeof *out);
    sotto_tensors_release(&tensors);
}

/* As safetensors, owned by the caller. */
static struct sotto_buffer write_weights(const double values[NET_WEIGHTS])
{
    struct sotto_tensor tensor = {.name = "w",
                                  .type = SOTTO_TENSOR_F64,
                                  .rank = 1,
                                  .shape = {NET_WEIGHTS},
                                  .elements_len = NET_WEIGHTS,
                                  .data = (const uint8_t *)values,
                                  .data_bytes = NET_WEIGHTS * sizeof *values};
    struct sotto_tensors tensors = {&tensor, 1, NET_WEIGHTS};
    struct sotto_writer writer;
    struct sotto_buffer out = {0};
    sotto_writer_init(&writer, 4096);
    assert_ok(sotto_tensors_write(&writer, NULL, &tensors, NULL));
    out.data = sotto_writer_take(&writer, &out.data_bytes);
    return out;
}

static void offer_model(struct net_host *host)
{
    static const double values[NET_WEIGHTS];
    struct sotto_buffer weights = write_weights(values);
    assert_ok(sotto_task_party_offer_model(host->task, weights.data, weights.data_bytes, NULL));
    sotto_buffer_release(&weights);
}

static void train(struct net_host *host)
{
    double values[NET_WEIGHTS];
    size_t clipped;
    uint64_t rows = (uint64_t)(host - net.hosts) + 1;
    net_read_weights(values, sotto_task_party_model(host->task));
    for (size_t i = 0; i < NET_WEIGHTS; i++) {
        values[i] += (double)rows;
    }
    struct sotto_buffer weights = write_weights(values);
    assert_ok(sotto_task_party_update(host->task, &clipped, &weights, rows, NULL));
    sotto_buffer_release(&weights);
}

static void net_host_offer(struct net_host *host)
{
    if (net_code != NULL) {
        offer_model(host);
        return;
    }
    struct sotto_schema schema = {0};
    uint8_t *cover = NULL;
    size_t cover_len = 0;
    const struct sotto_plan *plan = sotto_task_party_plan(host->task);
    const struct sotto_catalogue *catalogue = host->catalogue;
    enum sotto_status status = sotto_schema_offer(&schema, plan, &catalogue, NULL);
    if (status == SOTTO_OK) {
        status = make_cover(&cover, &cover_len, plan, &schema);
    }
    if (status == SOTTO_OK && host->says != NULL) {
        sotto_task_party_offer(host->task, &schema,
                               &(struct sotto_task_cover){.parts = host->says,
                                                          .parts_len = host->says_len,
                                                          .is_of_parties = host->is_of_parties});
    } else if (status == SOTTO_OK) {
        sotto_task_party_offer(host->task, &schema,
                               &(struct sotto_task_cover){.parts = cover,
                                                          .parts_len = cover_len,
                                                          .is_of_parties = host->is_of_parties});
    } else {
        sotto_task_party_decline(host->task, status, NULL);
    }
    sotto_free(cover);
    sotto_schema_release(&schema);
}

void net_host_partial(struct net_host *host)
{
    if (net_code != NULL) {
        train(host);
        return;
    }
    const struct sotto_driver *driver = sotto_task_party_driver(host->task);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    enum sotto_status status =
        limbs == NULL ? SOTTO_ERROR_NO_MEMORY
                      : test_partial(driver, limbs, limbs_len, host->csv, host->catalogue, NULL);
    if (status == SOTTO_OK) {
        sotto_task_party_partial(host->task, limbs, limbs_len);
    } else {
        sotto_task_party_decline(host->task, status, NULL);
    }
    sotto_free(limbs);
}

static void net_host_send(struct net_host *host, struct sotto_buffer *bytes)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, bytes->data, bytes->data_bytes));
    if (host->dies_before != 0 && message.type >= host->dies_before &&
        message.label.round >= host->dies_in) {
        host->off = true;
    }
    if (host->off) {
        sotto_buffer_release(bytes);
        return;
    }
    post(SOTTO_NONE, bytes);
}

static void keep(struct net_host *host, struct sotto_buffer *bytes)
{
    SOTTO_REQUIRE(host->kept_len < NET_ROUNDS_MAX);
    host->kept[host->kept_len++] = *bytes;
    *bytes = (struct sotto_buffer){0};
}

static void pledge(struct net_host *host, struct sotto_buffer *bytes)
{
    sotto_buffer_release(&host->pledge);
    host->pledge = *bytes;
    *bytes = (struct sotto_buffer){0};
}

/* Whether the process is gone before it does this. */
static bool dies_at(struct net_host *host, enum sotto_action_kind kind)
{
    const struct sotto_driver *driver = sotto_task_party_driver(host->task);
    uint32_t round =
        driver != NULL ? sotto_driver_round(driver) : sotto_task_party_round(host->task);
    /* KEEP comes when the driver has gone on. */
    uint32_t of = kind == SOTTO_ACTION_KEEP ? round - 1 : round;
    bool dies = host->dies_at == kind && kind != SOTTO_ACTION_SEND && of >= host->dies_in;
    host->off = host->off || dies;
    return host->off && kind != SOTTO_ACTION_SEND && kind != SOTTO_ACTION_DONE;
}

void net_host_pump(struct net_host *host)
{
    struct sotto_action action;
    while (sotto_task_party_next(host->task, &action)) {
        if (dies_at(host, action.kind)) {
            sotto_action_release(&action);
            continue;
        }
        switch (action.kind) {
        case SOTTO_ACTION_SEND:
            net_host_send(host, &action.bytes);
            continue;
        case SOTTO_ACTION_OFFER:
            net_host_offer(host);
            break;
        case SOTTO_ACTION_PARTIAL:
            if (!host->slow) {
                net_host_partial(host);
            }
            break;
        case SOTTO_ACTION_PLEDGE:
        case SOTTO_ACTION_RECORD:
            pledge(host, &action.bytes);
            sotto_task_party_recorded(host->task);
            break;
        case SOTTO_ACTION_KEEP:
            keep(host, &action.bytes);
            break;
        case SOTTO_ACTION_DONE:
            host->done = true;
            host->ended = action.status;
            memcpy(host->end_text, action.text, sizeof host->end_text);
            break;
        default:
            break;
        }
        sotto_action_release(&action);
    }
}

static struct sotto_task_party_config describe_host(const struct net_host *host)
{
    return (struct sotto_task_party_config){
        .identity = host->identity,
        .random = net.random,
        .peers = net.peers,
        .peers_len = host->peers_len > 0 ? host->peers_len : net.len,
        .demands = host->demands,
        .answered = host->answered,
        .now_ms = net.now_ms,
    };
}

enum sotto_status net_host_take(struct net_host *host, const struct sotto_buffer *bytes)
{
    enum sotto_status status;
    if (host->off) {
        return SOTTO_OK;
    }
    if (host->task != NULL) {
        status =
            sotto_task_party_receive(host->task, bytes->data, bytes->data_bytes, net.now_ms, NULL);
    } else {
        struct sotto_task_party_config config = describe_host(host);
        status = sotto_task_party_new(&host->task, &config, bytes->data, bytes->data_bytes, NULL);
    }
    if (host->task != NULL) {
        net_host_pump(host);
    }
    return status;
}

void net_host_restart(struct net_host *host)
{
    sotto_task_party_free(host->task);
    host->task = NULL;
    host->off = false;
    host->dies_before = 0;
    host->dies_at = SOTTO_ACTION_SEND;
}

enum sotto_status net_host_return(struct net_host *host)
{
    net_host_restart(host);
    struct sotto_task_party_config config = describe_host(host);
    struct sotto_task_party_past past = {.kept = host->kept,
                                         .kept_len = host->kept_len,
                                         .pledge = host->pledge.data,
                                         .pledge_bytes = host->pledge.data_bytes};
    enum sotto_status status = sotto_task_party_resume(&host->task, &config, &past, NULL);
    if (status == SOTTO_OK) {
        net_host_pump(host);
    }
    sotto_task_aggregator_returned(net.aggregator, &net.peers[host - net.hosts].key, net.now_ms);
    net_pump();
    return status;
}

/* --- The net --- */

void net_pump(void)
{
    struct sotto_action action;
    while (net.aggregator != NULL && sotto_task_aggregator_next(net.aggregator, &action)) {
        if (action.kind == SOTTO_ACTION_SEND) {
            size_t to = net_host_of(&action.peer);
            assert_true(to < net.len);
            post(to, &action.bytes);
            continue;
        }
        if (action.kind == SOTTO_ACTION_TIMER) {
            net.deadline_ms = action.deadline_ms;
        } else if (action.kind == SOTTO_ACTION_LOG) {
            net_log(action.text);
        } else if (action.kind == SOTTO_ACTION_RESULT) {
            assert_false(net.has_result);
            net.has_result = true;
            assert_non_null(sotto_task_aggregator_result(net.aggregator));
        } else if (action.kind == SOTTO_ACTION_DONE) {
            assert_false(net.done);
            net.done = true;
            net.ended = action.status;
            memcpy(net.end_text, action.text, sizeof net.end_text);
        }
        sotto_action_release(&action);
    }
}

void net_deliver(void)
{
    while (net.letters_head < net.letters_len) {
        if (net.shuffles != 0) {
            size_t other = net.letters_head +
                           test_random_below(&net.shuffles, net.letters_len - net.letters_head);
            struct net_letter held = net.letters[other];
            net.letters[other] = net.letters[net.letters_head];
            net.letters[net.letters_head] = held;
        }
        struct net_letter letter = net.letters[net.letters_head++];
        if (net.forge != NULL) {
            net.forge(&letter);
        }
        for (int copy = 0; copy < (net.twice ? 2 : 1); copy++) {
            if (letter.to == SOTTO_NONE) {
                (void)!sotto_task_aggregator_receive(net.aggregator, letter.bytes.data,
                                                     letter.bytes.data_bytes, net.now_ms, NULL);
                net_pump();
            } else {
                (void)!net_host_take(&net.hosts[letter.to], &letter.bytes);
            }
        }
        sotto_buffer_release(&letter.bytes);
    }
}

void net_run(void)
{
    net_deliver();
    while (!net.done) {
        net.expiries++;
        assert_true(net.expiries < 20);
        net.now_ms = net.deadline_ms;
        sotto_task_aggregator_tick(net.aggregator, net.now_ms);
        net_pump();
        net_deliver();
    }
}

enum sotto_status net_begin_plan(const char *const *texts, size_t len, const char *format,
                                 uint32_t min_clients, uint32_t max_clients)
{
    struct sotto_error err = {0};
    memset(&net, 0, sizeof net);
    sotto_signatures_remember(); /* as a node does: what is forged must be refused all the same */
    net.random = sotto_random_seeded(&net.stream, len, min_clients);
    for (size_t i = 0; i < len; i++) {
        struct net_host *host = &net.hosts[i];
        enum sotto_status status = sotto_identity_generate(&host->identity, net.random);
        if (status != SOTTO_OK) {
            return status;
        }
        net.len++;
        host->csv = test_csv(texts[i % 20]);
        host->catalogue = test_catalogue(host->csv);
        (void)snprintf(host->name, sizeof host->name, "n%zu", i);
        net.peers[i] = (struct sotto_peer){sotto_identity_key(host->identity), host->name};
    }
    (void)snprintf(net.plan, sizeof net.plan, format, min_clients, max_clients);
    struct sotto_task_aggregator_config config = {
        .identity = net.hosts[0].identity,
        .id = {{1, 2, 3}},
        .number = 42,
        .plan_json = net.plan,
        .plan_json_bytes = strlen(net.plan),
        .bundle = net_code != NULL ? net_code->bytes.data : NULL,
        .bundle_bytes = net_code != NULL ? net_code->bytes.data_bytes : 0,
        .invited = net.peers,
        .invited_len = len,
        .invited_away = net_away,
    };
    enum sotto_status status = sotto_task_aggregator_new(&net.aggregator, &config, &err);
    net_pump();
    return status;
}

enum sotto_status net_begin_texts(const char *const *texts, size_t len, uint32_t min_clients,
                                  uint32_t max_clients)
{
    return net_begin_plan(texts, len, net_plan_format, min_clients, max_clients);
}

void net_end(void)
{
    for (size_t i = 0; i < net.len; i++) {
        struct net_host *host = &net.hosts[i];
        sotto_task_party_free(host->task);
        sotto_buffer_release(&host->pledge);
        for (size_t k = 0; k < host->kept_len; k++) {
            sotto_buffer_release(&host->kept[k]);
        }
        sotto_catalogue_free(host->catalogue);
        sotto_csv_close(host->csv);
    }
    sotto_task_aggregator_free(net.aggregator);
    for (size_t i = 0; i < net.len; i++) {
        sotto_identity_free(net.hosts[i].identity);
    }
    for (; net.letters_head < net.letters_len; net.letters_head++) {
        sotto_buffer_release(&net.letters[net.letters_head].bytes);
    }
    sotto_signatures_forget();
}

void net_begin(size_t len, uint32_t min_clients, uint32_t max_clients)
{
    assert_ok(net_begin_texts(net_pays, len, min_clients, max_clients));
}

void net_begin_rounds(size_t len, uint32_t min_clients)
{
    assert_ok(net_begin_plan(net_pays, len, net_rounds_format, min_clients, (uint32_t)len));
}

/* --- What came of it --- */

void net_assert_result_has(const char *part)
{
    assert_int_equal(net.ended, SOTTO_OK);
    const char *result = sotto_task_aggregator_result(net.aggregator);
    assert_non_null(result);
    assert_contains(result, part);
}

void net_assert_result(const char *mean, const char *parties)
{
    net_assert_result_has(mean);
    net_assert_result_has(parties);
}

void net_assert_ended(enum sotto_status status, const char *text)
{
    assert_int_equal(net.ended, status);
    assert_contains(net.end_text, text);
    assert_true(net.has_result || sotto_task_aggregator_result(net.aggregator) == NULL);
    assert_contains(net.log, text); /* the reason is in the log */
}

size_t net_count_in_log(const char *text)
{
    size_t count = 0;
    for (const char *at = net.log; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}
