/* SPDX-License-Identifier: Apache-2.0 */

/* A whole session in one process: n parties, some of whom leave, and an aggregator, with the time
 * and the bytes that each step takes. Leans on the public functions of the module alone, so it does
 * what any host does.
 *
 * The idea: letters are delivered step by step, all parties one after the other and then the
 * aggregator, so that what is measured of one is not another's. Costs of a party are means over
 * those that answered. */

#include <sotto/trial.h>

#include <sotto/alloc.h>
#include <string.h>
#include <time.h>

/* Seconds on the clock, and of CPU time of all threads. */
struct lap {
    double s;
    double cpu_s;
};

struct trial_party {
    struct sotto_identity *identity;
    struct sotto_session_party *session;
    enum sotto_trial_step leaves;
    bool gone;
    struct lap spent; /* in the step that is under way */
    double total_s;
};

struct trial_letter {
    uint32_t to; /* UINT32_MAX: the aggregator */
    struct sotto_buffer bytes;
};

struct trial_run {
    const struct sotto_trial *trial;
    struct trial_party *parties;
    struct sotto_identity *aggregator_identity;
    struct sotto_session_aggregator *aggregator;
    struct sotto_session_terms terms;
    struct sotto_random_stream stream;
    struct sotto_random random;
    uint8_t *input;
    size_t vector_bytes;
    struct trial_letter *letters;
    size_t letters_len;
    size_t letters_capacity;
    enum sotto_trial_step step;
    struct lap aggregator_spent; /* in the step that is under way */
    struct sotto_trial_report report;
};

static double read_clock(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct lap lap_start(void)
{
    return (struct lap){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

static void lap_add(struct lap *sum, struct lap start)
{
    struct lap now = lap_start();
    sum->s += now.s - start.s;
    sum->cpu_s += now.cpu_s - start.cpu_s;
}

/* --- Letters --- */

static enum sotto_status trial_post(struct trial_run *run, uint32_t to, struct sotto_buffer *bytes)
{
    void *letters = run->letters;
    enum sotto_status status = sotto_array_reserve(&letters, &run->letters_capacity,
                                                   run->letters_len + 1, sizeof *run->letters);
    if (status != SOTTO_OK) {
        sotto_buffer_release(bytes);
        return status;
    }
    run->letters = letters;
    run->letters[run->letters_len++] = (struct trial_letter){to, *bytes};
    return SOTTO_OK;
}

/* Posts what a party wants sent; what it wants recorded counts as recorded. */
static enum sotto_status collect_from_party(struct trial_run *run, struct trial_party *party)
{
    struct sotto_action action;
    while (sotto_session_party_next(party->session, &action)) {
        enum sotto_status status;
        if (action.kind == SOTTO_ACTION_SEND) {
            status = trial_post(run, UINT32_MAX, &action.bytes);
        } else {
            sotto_action_release(&action);
            status = sotto_session_party_recorded(party->session);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static uint32_t find_party(const struct trial_run *run, const struct sotto_key *key)
{
    for (uint32_t i = 0; i < run->trial->parties_len; i++) {
        struct sotto_key own = sotto_identity_key(run->parties[i].identity);
        if (sotto_key_equal(&own, key)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static enum sotto_status collect_from_aggregator(struct trial_run *run)
{
    struct sotto_action action;
    while (sotto_session_aggregator_next(run->aggregator, &action)) {
        enum sotto_status status = trial_post(run, find_party(run, &action.peer), &action.bytes);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Before the first step: identities, adverts, the roster --- */

static enum sotto_status add_party(struct trial_run *run, uint32_t i)
{
    struct trial_party *party = &run->parties[i];
    const struct sotto_trial *trial = run->trial;
    party->leaves = trial->leaves != NULL ? trial->leaves(trial->context, i) : SOTTO_TRIAL_STAYS;
    enum sotto_status status = sotto_identity_generate(&party->identity, run->random);
    if (status != SOTTO_OK) {
        return status;
    }
    static const struct sotto_session_demands demands; /* the terms say all */
    status = sotto_session_party_new(&party->session, party->identity, run->random,
                                     &run->terms.invitation, &demands, NULL, 0);
    if (status != SOTTO_OK) {
        return status;
    }
    return collect_from_party(run, party);
}

/* The aggregator checks the adverts, on all threads. */
static enum sotto_status open_adverts(const struct trial_run *run)
{
    enum sotto_status result = SOTTO_OK;
#pragma omp parallel for schedule(dynamic, 4) if (run->letters_len > 16)
    for (size_t k = 0; k < run->letters_len; k++) {
        struct sotto_advert advert;
        enum sotto_status status =
            sotto_advert_open(&advert, run->letters[k].bytes.data, run->letters[k].bytes.data_bytes,
                              &run->terms.invitation, NULL);
        if (status != SOTTO_OK) {
#pragma omp atomic write
            result = status;
        }
    }
    return result;
}

/* The adverts become a roster; their letters are done with. */
static enum sotto_status make_roster(struct trial_run *run, struct sotto_roster *out,
                                     struct sotto_error *err)
{
    uint32_t n = run->trial->parties_len;
    struct sotto_buffer *adverts = sotto_alloc_array(n, sizeof *adverts);
    if (adverts == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    for (uint32_t i = 0; i < n; i++) {
        adverts[i] = run->letters[i].bytes;
    }
    enum sotto_status status = open_adverts(run);
    if (status != SOTTO_OK) {
        status = sotto_error_set(err, status, "adverts: %s", sotto_status_text(status));
        goto out;
    }
    status = sotto_roster_make(out, adverts, n, &run->terms.invitation, &run->terms.graph,
                               run->aggregator_identity, err);
out:
    for (uint32_t i = 0; i < n; i++) {
        sotto_buffer_release(&adverts[i]);
    }
    run->letters_len = 0;
    sotto_free(adverts);
    return status;
}

static enum sotto_status open_session(struct trial_run *run, struct sotto_error *err)
{
    struct sotto_roster roster;
    struct lap start = lap_start();
    enum sotto_status status = make_roster(run, &roster, err);
    if (status != SOTTO_OK) {
        return status;
    }
    run->report.graph = roster.graph;
    if (run->trial->verifies && !sotto_graph_is_complete(&roster.graph, roster.adverts_len)) {
        sotto_roster_release(&roster);
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "sums are verified on a complete graph only");
    }
    status = sotto_session_aggregator_new(&run->aggregator, run->aggregator_identity, &roster,
                                          &run->terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    lap_add(&run->aggregator_spent, start);
    return collect_from_aggregator(run);
}

/* Everybody's keys and adverts. */
static enum sotto_status add_everybody(struct trial_run *run)
{
    const struct sotto_trial *trial = run->trial;
    run->parties = sotto_alloc_array(trial->parties_len, sizeof *run->parties);
    run->input = sotto_alloc(run->vector_bytes);
    if (run->parties == NULL || run->input == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    enum sotto_status status = sotto_identity_generate(&run->aggregator_identity, run->random);
    if (status != SOTTO_OK) {
        return status;
    }
    run->terms.invitation.aggregator = sotto_identity_key(run->aggregator_identity);
    for (uint32_t i = 0; i < trial->parties_len; i++) {
        status = add_party(run, i);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status trial_prepare(struct trial_run *run, struct sotto_error *err)
{
    const struct sotto_trial *trial = run->trial;
    if (trial->parties_len < 3 || trial->parties_len > SOTTO_SESSION_PARTIES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "%u parties: a session takes 3 to %d",
                               trial->parties_len, SOTTO_SESSION_PARTIES_MAX);
    }
    enum sotto_status status = sotto_vector_bytes(&run->vector_bytes, trial->runs, trial->runs_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the vector to sum is empty, odd or too long");
    }
    run->random = trial->seed == 0 ? sotto_random_system()
                                   : sotto_random_seeded(&run->stream, trial->seed, 0);
    run->terms.graph = trial->graph;
    run->terms.min_parties = trial->min_parties;
    run->terms.runs = trial->runs;
    run->terms.runs_len = trial->runs_len;
    run->terms.verifies = trial->verifies;
    run->terms.invitation.label.round = 1;
    run->terms.invitation.label.attempt = 1;
    status = add_everybody(run);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "starting: %s", sotto_status_text(status));
    }
    return open_session(run, err);
}

/* --- Steps --- */

/* A party starts on its roster, and gives its input at once: it is needed when the shares come. */
static enum sotto_status start_party(struct trial_run *run, struct trial_party *party,
                                     const struct sotto_buffer *bytes, struct sotto_error *err)
{
    struct sotto_roster roster;
    enum sotto_status status =
        sotto_roster_open(&roster, bytes->data, bytes->data_bytes, &run->terms.invitation, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_session_party_start(party->session, &roster, &run->terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_session_party_input(party->session, run->input, run->vector_bytes);
}

/* A party takes a letter, and posts its answer. */
static enum sotto_status give_party(struct trial_run *run, struct trial_party *party,
                                    const struct sotto_buffer *bytes, struct sotto_error *err)
{
    struct sotto_message message;
    enum sotto_status status;
    if (run->step == SOTTO_TRIAL_DEALING) {
        status = start_party(run, party, bytes, err);
        if (status != SOTTO_OK) {
            return status;
        }
        return collect_from_party(run, party);
    }
    status = sotto_message_open(&message, bytes->data, bytes->data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_session_party_receive(party->session, &message, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return collect_from_party(run, party);
}

/* Delivers a letter, if who it is for is still there. */
static enum sotto_status deliver_letter(struct trial_run *run, const struct trial_letter *letter,
                                        struct sotto_error *err)
{
    struct trial_party *party = &run->parties[letter->to];
    party->gone = party->gone || party->leaves <= run->step;
    if (party->gone) {
        return SOTTO_OK;
    }
    if (run->step == SOTTO_TRIAL_DEALING) { /* making up an input is no cost of the party's */
        run->trial->input(run->trial->context, letter->to, run->input, run->vector_bytes);
    }
    struct lap start = lap_start();
    enum sotto_status status = give_party(run, party, &letter->bytes, err);
    lap_add(&party->spent, start);
    return status;
}

static void tell(const struct trial_run *run, uint32_t done)
{
    if (run->trial->tell != NULL) {
        run->trial->tell(run->trial->context, run->step, done);
    }
}

/* Parties take what the aggregator sent, and answer. Their letters go behind those that they got.
 */
static enum sotto_status parties_step(struct trial_run *run, struct sotto_error *err)
{
    size_t letters_len = run->letters_len;
    enum sotto_status status = SOTTO_OK;
    tell(run, 0);
    for (size_t k = 0; k < letters_len; k++) {
        struct trial_letter letter = run->letters[k]; /* the array may be moved */
        run->report.steps[run->step].party_down_bytes += (double)letter.bytes.data_bytes;
        if (status == SOTTO_OK) { /* all are released, whatever failed */
            status = deliver_letter(run, &letter, err);
        }
        sotto_buffer_release(&letter.bytes);
        tell(run, (uint32_t)(k + 1));
    }
    run->letters_len -= letters_len;
    memmove(run->letters, run->letters + letters_len, run->letters_len * sizeof *run->letters);
    return status;
}

/* Checks all signatures, on all threads. Returns: the first that is wrong. */
static enum sotto_status open_letters(const struct trial_run *run, struct sotto_message *messages)
{
    enum sotto_status result = SOTTO_OK;
#pragma omp parallel for schedule(dynamic, 4) if (run->letters_len > 16)
    for (size_t k = 0; k < run->letters_len; k++) {
        const struct sotto_buffer *bytes = &run->letters[k].bytes;
        enum sotto_status status =
            sotto_message_open(&messages[k], bytes->data, bytes->data_bytes, NULL);
        if (status != SOTTO_OK) {
#pragma omp atomic write
            result = status;
        }
    }
    return result;
}

/* The aggregator takes the answers that are opened. */
static enum sotto_status take_letters(struct trial_run *run, const struct sotto_message *messages,
                                      struct sotto_error *err)
{
    enum sotto_status *statuses = sotto_alloc_array(run->letters_len, sizeof *statuses);
    if (statuses == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for messages");
    }
    enum sotto_status status = sotto_session_aggregator_receive_all(
        run->aggregator, statuses, messages, run->letters_len, err);
    /* Answers beyond the threshold come too late: no failure. */
    for (size_t k = 0; status == SOTTO_ERROR_STATE && k < run->letters_len; k++) {
        if (statuses[k] != SOTTO_OK && statuses[k] != SOTTO_ERROR_STATE) {
            status = sotto_error_set(err, statuses[k], "taking an answer: %s",
                                     sotto_status_text(statuses[k]));
        }
    }
    status = status == SOTTO_ERROR_STATE ? SOTTO_OK : status;
    sotto_free(statuses);
    return status;
}

/* Opens the letters, and takes what they say. */
static enum sotto_status receive_letters(struct trial_run *run, struct sotto_error *err)
{
    struct sotto_message *messages = sotto_alloc_array(run->letters_len, sizeof *messages);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (messages != NULL) {
        status = open_letters(run, messages);
    }
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "opening messages: %s", sotto_status_text(status));
        goto out;
    }
    status = take_letters(run, messages, err);
out:
    sotto_free(messages);
    return status;
}

/* The aggregator takes the answers; the step's time is over when they are all there. */
static enum sotto_status aggregator_step(struct trial_run *run, struct sotto_error *err)
{
    enum sotto_aggregator_phase phase = sotto_session_aggregator_phase(run->aggregator);
    enum sotto_status status = receive_letters(run, err);
    for (size_t k = 0; k < run->letters_len; k++) {
        run->report.steps[run->step].party_up_bytes += (double)run->letters[k].bytes.data_bytes;
        sotto_buffer_release(&run->letters[k].bytes);
    }
    run->letters_len = 0;
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_session_aggregator_phase(run->aggregator) == phase) {
        status = sotto_session_aggregator_expire(run->aggregator);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return collect_from_aggregator(run);
}

static struct sotto_session_counters sum_of_parties(const struct trial_run *run)
{
    struct sotto_session_counters sum = {0};
    for (uint32_t i = 0; i < run->trial->parties_len; i++) {
        struct sotto_session_counters one = sotto_session_party_counters(run->parties[i].session);
        sum.group_operations += one.group_operations;
        sum.keystream_bytes += one.keystream_bytes;
    }
    return sum;
}

/* Sums become means over those that answered; the clocks start anew. */
static void close_step(struct trial_run *run, const struct sotto_session_counters *parties_before,
                       const struct sotto_session_counters *aggregator_before)
{
    struct sotto_trial_cost *cost = &run->report.steps[run->step];
    struct sotto_session_counters parties = sum_of_parties(run);
    struct sotto_session_counters aggregator = sotto_session_aggregator_counters(run->aggregator);
    uint32_t answered = 0;
    for (uint32_t i = 0; i < run->trial->parties_len; i++) {
        struct trial_party *party = &run->parties[i];
        answered += !party->gone;
        double seconds = party->spent.s;
        cost->party_s += seconds;
        cost->party_cpu_s += party->spent.cpu_s;
        cost->party_max_s = seconds > cost->party_max_s ? seconds : cost->party_max_s;
        party->total_s += seconds;
        party->spent = (struct lap){0};
    }
    double parties_len = answered > 0 ? answered : 1;
    cost->party_s /= parties_len;
    cost->party_cpu_s /= parties_len;
    cost->party_up_bytes /= parties_len;
    cost->party_down_bytes /= parties_len;
    cost->party_group_operations =
        (double)(parties.group_operations - parties_before->group_operations) / parties_len;
    cost->party_keystream_bytes =
        (double)(parties.keystream_bytes - parties_before->keystream_bytes) / parties_len;
    cost->aggregator_group_operations =
        aggregator.group_operations - aggregator_before->group_operations;
    cost->aggregator_keystream_bytes =
        aggregator.keystream_bytes - aggregator_before->keystream_bytes;
    cost->aggregator_s = run->aggregator_spent.s;
    cost->aggregator_cpu_s = run->aggregator_spent.cpu_s;
    run->aggregator_spent = (struct lap){0};
}

static void total_steps(struct trial_run *run)
{
    struct sotto_trial_cost *total = &run->report.total;
    for (size_t k = 0; k < SOTTO_TRIAL_STEPS_LEN; k++) {
        const struct sotto_trial_cost *step = &run->report.steps[k];
        total->party_s += step->party_s;
        total->party_cpu_s += step->party_cpu_s;
        total->aggregator_s += step->aggregator_s;
        total->aggregator_cpu_s += step->aggregator_cpu_s;
        total->party_up_bytes += step->party_up_bytes;
        total->party_down_bytes += step->party_down_bytes;
        total->party_group_operations += step->party_group_operations;
        total->party_keystream_bytes += step->party_keystream_bytes;
        total->aggregator_group_operations += step->aggregator_group_operations;
        total->aggregator_keystream_bytes += step->aggregator_keystream_bytes;
    }
    for (uint32_t i = 0; i < run->trial->parties_len; i++) {
        double seconds = run->parties[i].total_s;
        total->party_max_s = seconds > total->party_max_s ? seconds : total->party_max_s;
    }
}

/* One step: the parties, then the aggregator. */
static enum sotto_status take_step(struct trial_run *run, struct sotto_error *err)
{
    bool final;
    enum sotto_status status = parties_step(run, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct lap start = lap_start();
    status = aggregator_step(run, err);
    lap_add(&run->aggregator_spent, start);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_session_aggregator_phase(run->aggregator) == SOTTO_AGGREGATOR_FAILED) {
        return sotto_session_aggregator_failure(run->aggregator, &final, err);
    }
    return SOTTO_OK;
}

static enum sotto_status take_steps(struct trial_run *run, struct sotto_error *err)
{
    for (int k = 0; k < SOTTO_TRIAL_STEPS_LEN; k++) {
        struct sotto_session_counters parties = sum_of_parties(run);
        struct sotto_session_counters aggregator =
            sotto_session_aggregator_counters(run->aggregator);
        run->step = (enum sotto_trial_step)k;
        enum sotto_status status = take_step(run, err);
        if (status != SOTTO_OK) {
            return status;
        }
        close_step(run, &parties, &aggregator);
    }
    return SOTTO_OK;
}

/* --- After the last step --- */

/* A party checks the transcript, and finds the sum in it that the aggregator has. */
static enum sotto_status verify_party(struct trial_run *run, struct trial_party *party,
                                      const struct sotto_buffer *transcript, uint8_t *sum,
                                      struct sotto_error *err)
{
    struct sotto_dispute dispute;
    struct lap start = lap_start();
    enum sotto_status status =
        sotto_session_party_verify(party->session, sum, run->vector_bytes, &dispute,
                                   transcript->data, transcript->data_bytes, err);
    lap_add(&party->spent, start);
    if (status != SOTTO_OK) {
        return status;
    }
    return memcmp(sum, run->report.sum, run->vector_bytes) == 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a verified sum is another one");
}

/* All survivors check, one after the other; the costs are means over them. */
static enum sotto_status verify_parties(struct trial_run *run, struct sotto_error *err)
{
    struct sotto_trial_cost *cost = &run->report.verifying;
    const struct sotto_buffer *transcript = sotto_session_aggregator_transcript(run->aggregator);
    uint8_t *sum = sotto_alloc_aligned(run->vector_bytes);
    enum sotto_status status = sum != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    uint32_t verified = 0;
    for (uint32_t i = 0; status == SOTTO_OK && i < run->trial->parties_len; i++) {
        struct trial_party *party = &run->parties[i];
        if (!party->gone) {
            status = verify_party(run, party, transcript, sum, err);
            cost->party_s += party->spent.s;
            cost->party_cpu_s += party->spent.cpu_s;
            cost->party_max_s =
                party->spent.s > cost->party_max_s ? party->spent.s : cost->party_max_s;
            verified++;
        }
    }
    sotto_free(sum);
    cost->party_s /= verified > 0 ? verified : 1;
    cost->party_cpu_s /= verified > 0 ? verified : 1;
    cost->party_down_bytes = (double)transcript->data_bytes;
    return status;
}

static enum sotto_status trial_conclude(struct trial_run *run, struct sotto_error *err)
{
    struct sotto_buffer copy;
    size_t sum_bytes;
    const uint8_t *sum = sotto_session_aggregator_sum(run->aggregator, &sum_bytes);
    if (sotto_buffer_copy(&copy, sum, sum_bytes) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for the sum");
    }
    run->report.sum = copy.data;
    run->report.sum_bytes = copy.data_bytes;
    for (uint32_t i = 0; i < run->trial->parties_len; i++) {
        run->report.survivors += sotto_session_aggregator_lives(run->aggregator, i);
    }
    total_steps(run);
    return run->trial->verifies ? verify_parties(run, err) : SOTTO_OK;
}

enum sotto_status sotto_trial_run(struct sotto_trial_report *out, const struct sotto_trial *trial,
                                  struct sotto_error *err)
{
    struct trial_run run = {.trial = trial};
    enum sotto_status status = trial_prepare(&run, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = take_steps(&run, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = trial_conclude(&run, err);
    if (status != SOTTO_OK) {
        sotto_free(run.report.sum);
        goto out;
    }
    *out = run.report;
out:
    for (uint32_t i = 0; run.parties != NULL && i < trial->parties_len; i++) {
        sotto_session_party_free(run.parties[i].session);
        sotto_identity_free(run.parties[i].identity);
    }
    for (size_t k = 0; k < run.letters_len; k++) {
        sotto_buffer_release(&run.letters[k].bytes);
    }
    sotto_session_aggregator_free(run.aggregator);
    sotto_identity_free(run.aggregator_identity);
    sotto_free(run.letters);
    sotto_free(run.parties);
    sotto_free(run.input);
    return status;
}

void sotto_trial_report_release(struct sotto_trial_report *report)
{
    sotto_free(report->sum);
    *report = (struct sotto_trial_report){0};
}
