/* SPDX-License-Identifier: Apache-2.0 */

/* Who has done which step of a task. Leans on the task's log, whose tags federation/ writes
 * ("[Join] task 1 round 1 acorn joined"). The idea: what is drawn while a task runs and what is
 * drawn a year later come from the same lines, so nothing else has to be kept. */

#include "http/api_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BYTES 48

enum step { STEP_JOINED, STEP_CHOSEN, STEP_DEALT, STEP_MASKED, STEP_COUNTED, STEP_CONFIRMED };
#define STEPS_LEN (STEP_CONFIRMED + 1)

static const char *const step_words[STEPS_LEN] = {
    [STEP_JOINED] = "joined", [STEP_CHOSEN] = "chosen",   [STEP_DEALT] = "dealt",
    [STEP_MASKED] = "masked", [STEP_COUNTED] = "counted", [STEP_CONFIRMED] = "confirmed",
};

struct stepper {
    char name[STORE_NAME_BYTES];
    int64_t at_ms[STEPS_LEN]; /* 0: not yet */
    char remark[SOTTO_ERROR_TEXT_BYTES];
};

struct steps {
    struct stepper *list;
    size_t len;
    size_t capacity_len;
    uint64_t round;
    bool has_failed; /* no memory */
};

/* The party of a name, which is added if it is new. Returns: NULL if there is no memory. */
static struct stepper *find_stepper(struct steps *steps, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < steps->len; i++) {
        if (strlen(steps->list[i].name) == name_bytes &&
            memcmp(steps->list[i].name, name, name_bytes) == 0) {
            return &steps->list[i];
        }
    }
    void *list = steps->list;
    if (sotto_array_reserve(&list, &steps->capacity_len, steps->len + 1, sizeof *steps->list) !=
        SOTTO_OK) {
        steps->has_failed = true;
        return NULL;
    }
    steps->list = list;
    struct stepper *made = &steps->list[steps->len++];
    *made = (struct stepper){0};
    (void)snprintf(made->name, sizeof made->name, "%.*s", (int)name_bytes, name);
    return made;
}

static void take_step(struct steps *steps, const char *name, enum step step, int64_t now_ms)
{
    struct stepper *stepper = find_stepper(steps, name, strlen(name));
    if (stepper != NULL) {
        stepper->at_ms[step] = now_ms;
    }
}

/* A later round, or another attempt, begins with the shares again. */
static void begin_again(struct steps *steps)
{
    for (size_t i = 0; i < steps->len; i++) {
        for (enum step step = STEP_DEALT; step <= STEP_COUNTED; step++) {
            steps->list[i].at_ms[step] = 0;
        }
    }
}

/* Whether a text ends with a list "[acorn, birch]" that has the name. */
static bool has_name(const char *text, const char *name)
{
    const char *at = strchr(text, '[');
    size_t bytes = strlen(name);
    while (at != NULL && at[1] != '\0') {
        at += at[0] == ',' ? 2 : 1;
        const char *end = strncmp(at, name, bytes) == 0 ? at + bytes : NULL;
        if (end != NULL && (strcmp(end, "]") == 0 || strncmp(end, ", ", 2) == 0)) {
            return true;
        }
        at = strstr(at, ", ");
    }
    return false;
}

/* A step of all whose names are in the text's list: there may be more lines, with more of them. */
static void take_steps(struct steps *steps, const char *text, enum step step, int64_t now_ms)
{
    for (size_t i = 0; i < steps->len; i++) {
        if (has_name(text, steps->list[i].name)) {
            steps->list[i].at_ms[step] = now_ms;
        }
    }
}

/* "3 more", which is no name: none has a blank. */
static bool is_count(const char *text, const char *end)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text + digits + strlen(" more") == end &&
           strncmp(text + digits, " more", strlen(" more")) == 0;
}

/* The names up to end, with a comma between two, are of parties that have not joined. */
static void mark_absent(struct steps *steps, const char *names, const char *end, const char *remark)
{
    while (names < end) {
        const char *comma = strstr(names, ", ");
        const char *stop = comma != NULL && comma < end ? comma : end;
        struct stepper *stepper =
            is_count(names, stop) ? NULL : find_stepper(steps, names, (size_t)(stop - names));
        if (stepper != NULL) {
            (void)snprintf(stepper->remark, sizeof stepper->remark, "%s", remark);
        }
        names = stop + 2;
    }
}

/* "waits for birch, cedar; away: dogwood", or "waits, away: dogwood". */
static void read_waits(struct steps *steps, const char *text)
{
    static const char begin[] = "waits for ";
    static const char away[] = "away: ";
    const char *at = strstr(text, away);
    const char *end = text + strlen(text);
    if (strncmp(text, begin, sizeof begin - 1) == 0) {
        const char *stop = at != NULL && at >= text + 2 ? at - 2 : end;
        mark_absent(steps, text + sizeof begin - 1, stop, "has not answered");
    }
    if (at != NULL) {
        mark_absent(steps, at + sizeof away - 1, end, "is away");
    }
}

/* Where the first remark of a text stands: what follows it a party may have said itself, with the
 * words of any other. Returns: NULL if there is none. */
static const char *find_remark(const char *text)
{
    static const char *const remarks[] = {" declined: ", " left: ", " is away", " is back, "};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
        const char *at = strstr(text, remarks[i]);
        first = at != NULL && (first == NULL || at < first) ? at : first;
    }
    return first;
}

/* What a line of the tag Join says of one party behind its name. */
static void read_join(struct steps *steps, const char *text, int64_t now_ms)
{
    if (strncmp(text, "waits", 5) == 0) {
        read_waits(steps, text);
        return;
    }
    const char *remark = find_remark(text);
    const char *joined = strstr(text, " joined");
    bool has_joined = remark == NULL && joined != NULL && strcmp(joined, " joined") == 0;
    if (remark == NULL && !has_joined) {
        return;
    }
    const char *end = has_joined ? joined : remark;
    struct stepper *stepper = find_stepper(steps, text, (size_t)(end - text));
    if (stepper != NULL) {
        stepper->at_ms[STEP_JOINED] = has_joined ? now_ms : stepper->at_ms[STEP_JOINED];
        (void)snprintf(stepper->remark, sizeof stepper->remark, "%s", has_joined ? "" : end + 1);
    }
}

static void read_line(struct steps *steps, const char *tag, const char *text, int64_t now_ms)
{
    if (strcmp(tag, "Join") == 0) {
        read_join(steps, text, now_ms);
    } else if (strcmp(tag, "Select Candidates") == 0) {
        take_steps(steps, text, STEP_CHOSEN, now_ms);
    } else if (strcmp(tag, "Secret Sharing Parts Commitments") == 0) {
        take_steps(steps, text, STEP_DEALT, now_ms);
    } else if (strcmp(tag, "Masked Result Commitment") == 0 && strncmp(text, "from ", 5) == 0) {
        take_step(steps, text + 5, STEP_MASKED, now_ms);
    } else if (strcmp(tag, "Start Aggregation") == 0 && strncmp(text, "alive members ", 14) == 0) {
        take_steps(steps, text, STEP_COUNTED, now_ms);
    } else if (strcmp(tag, "Confirm") == 0 && strncmp(text, "by ", 3) == 0) {
        take_step(steps, text + 3, STEP_CONFIRMED, now_ms);
    } else if (strcmp(tag, "Restart") == 0) {
        begin_again(steps);
    }
}

/* Reads "word NUMBER" at the begin of text. Returns: what follows, or NULL if it is not there. */
static const char *skip_number(const char *text, uint64_t *out, const char *word)
{
    size_t bytes = strlen(word);
    char *end = NULL;
    if (text == NULL || strncmp(text, word, bytes) != 0 || text[bytes] < '0' || text[bytes] > '9') {
        return NULL;
    }
    *out = strtoull(text + bytes, &end, 10);
    return end;
}

/* Reads "[Tag] task 1 round 2 text"; other lines say nothing of a party. */
static void see_line(void *context, uint64_t id, int64_t created_ms, const char *message)
{
    struct steps *steps = context;
    char tag[TAG_BYTES];
    uint64_t number = 0;
    uint64_t round = 0;
    (void)id;
    size_t tag_bytes = message[0] == '[' ? strcspn(message + 1, "]") : TAG_BYTES;
    if (tag_bytes >= sizeof tag) {
        return;
    }
    (void)snprintf(tag, sizeof tag, "%.*s", (int)tag_bytes, message + 1);
    const char *text = skip_number(message + 1 + tag_bytes, &number, "] task ");
    text = skip_number(text, &round, " round ");
    if (text == NULL || text[0] != ' ') {
        return;
    }
    if (round != steps->round) {
        steps->round = round;
        begin_again(steps);
    }
    read_line(steps, tag, text + 1, created_ms);
}

static json_t *make_stepper_json(const struct stepper *stepper)
{
    json_t *done = json_object();
    for (size_t i = 0; i < STEPS_LEN; i++) {
        if (stepper->at_ms[i] != 0) {
            (void)json_object_set_new(done, step_words[i],
                                      json_integer((json_int_t)stepper->at_ms[i]));
        }
    }
    return json_pack("{s:s, s:o, s:s}", "name", stepper->name, "steps", done, "remark",
                     stepper->remark);
}

void http_api__answer_steps(struct http_api *api, struct http_request *request, uint64_t number)
{
    struct sotto_error err = {0};
    struct steps steps = {0};
    enum sotto_status status =
        store_each_log(api->reader, number, 0, INT64_MAX, see_line, &steps, &err);
    if (status == SOTTO_OK && steps.has_failed) {
        status = sotto_error_no_memory(&err);
    }
    if (status != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        json_t *parties = json_array();
        for (size_t i = 0; i < steps.len; i++) {
            (void)json_array_append_new(parties, make_stepper_json(&steps.list[i]));
        }
        http_answer_json(
            request, MHD_HTTP_OK,
            json_pack("{s:I, s:o}", "round", (json_int_t)steps.round, "parties", parties));
    }
    sotto_free(steps.list);
}
