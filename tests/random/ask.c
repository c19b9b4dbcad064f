/* SPDX-License-Identifier: Apache-2.0 */

/* Answers plans for engine.py, one after the other, as `sotto local` and `sotto simulate` would. A
 * request on standard input is a line of numbers, "SEED PLAN_BYTES FILES_LEN FILE_BYTES...", and
 * then the bytes of the plan and of each file: one file is asked by itself, several are parties.
 * The reply is "ok BYTES" or "no BYTES", a line feed and a result or an error's text. */

#include "plans.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <sotto/survey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTIES_MAX 50

struct request {
    uint64_t seed;
    char *plan;
    size_t plan_bytes;
    struct sotto_csv *files[PARTIES_MAX];
    size_t files_len;
};

/* --- One request --- */

static char *read_bytes(size_t bytes)
{
    char *data = malloc(bytes + 1);
    SOTTO_REQUIRE(data != NULL && fread(data, 1, bytes, stdin) == bytes);
    data[bytes] = '\0';
    return data;
}

static size_t read_number(void)
{
    unsigned long long value = 0;
    SOTTO_REQUIRE(scanf("%llu", &value) == 1);
    return (size_t)value;
}

static struct sotto_csv *open_text(const char *text, size_t bytes)
{
    struct sotto_csv *file = NULL;
    int fd = memfd_create("random", MFD_CLOEXEC);
    SOTTO_REQUIRE(fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes);
    SOTTO_REQUIRE(sotto_csv_open_fd(&file, fd, "random.csv", NULL, NULL) == SOTTO_OK);
    return file;
}

/* Returns: false at the end of the input. */
static bool request_read(struct request *out)
{
    unsigned long long seed;
    size_t bytes[PARTIES_MAX];
    if (scanf("%llu", &seed) != 1) {
        return false;
    }
    *out = (struct request){.seed = seed};
    out->plan_bytes = read_number();
    out->files_len = read_number();
    SOTTO_REQUIRE(out->files_len >= 1 && out->files_len <= PARTIES_MAX);
    for (size_t i = 0; i < out->files_len; i++) {
        bytes[i] = read_number();
    }
    SOTTO_REQUIRE(getchar() == '\n');
    out->plan = read_bytes(out->plan_bytes);
    for (size_t i = 0; i < out->files_len; i++) {
        char *text = read_bytes(bytes[i]);
        out->files[i] = open_text(text, bytes[i]);
        free(text);
    }
    return true;
}

static void request_release(struct request *request)
{
    for (size_t i = 0; i < request->files_len; i++) {
        sotto_csv_close(request->files[i]);
    }
    free(request->plan);
}

/* --- What is asked of one file --- */

struct local {
    struct sotto_plan *plan;
    struct sotto_survey *survey;
    struct sotto_schema offer;
    struct sotto_schema agreed;
    struct sotto_driver *driver;
};

static void local_release(struct local *local)
{
    sotto_driver_free(local->driver);
    sotto_schema_release(&local->agreed);
    sotto_schema_release(&local->offer);
    sotto_survey_free(local->survey);
    sotto_plan_free(local->plan);
}

static enum sotto_status local_begin(struct local *local, const struct request *request,
                                     struct sotto_error *err)
{
    enum sotto_status status =
        sotto_plan_parse(&local->plan, request->plan, request->plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_survey_new(&local->survey, local->plan, request->files[0], err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_catalogue *catalogue = sotto_survey_catalogue(local->survey);
    status = sotto_schema_offer(&local->offer, local->plan, &catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_schema_agree(&local->agreed, local->plan, &local->offer, NULL, 1, err);
    return status == SOTTO_OK ? sotto_driver_new(&local->driver, local->plan, &local->agreed, err)
                              : status;
}

static enum sotto_status run_round(struct local *local, const struct request *request,
                                   struct sotto_error *err)
{
    const struct sotto_catalogue *catalogue = sotto_survey_catalogue(local->survey);
    size_t limbs_len = sotto_driver_limbs_len(local->driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    enum sotto_status status = SOTTO_OK;
    SOTTO_REQUIRE(limbs != NULL);
    if (!sotto_survey_partial(local->survey, local->driver, limbs, limbs_len)) {
        status = test_partial(local->driver, limbs, limbs_len, request->files[0], catalogue, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_advance(local->driver, limbs, limbs_len, err);
    }
    sotto_free(limbs);
    return status;
}

static enum sotto_status answer_local(char **out, const struct request *request,
                                      struct sotto_error *err)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    struct local local = {.plan = NULL};
    enum sotto_status status = local_begin(&local, request, err);
    while (status == SOTTO_OK && sotto_driver_round(local.driver) != 0) {
        status = run_round(&local, request, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_result(local.driver, out, &parties, &local.offer, 1, err);
    }
    local_release(&local);
    return status;
}

/* --- What is asked of parties --- */

static enum sotto_status answer_simulate(char **out, const struct request *request,
                                         struct sotto_error *err)
{
    struct sotto_simulation simulation = {
        .plan_json = request->plan,
        .plan_json_bytes = request->plan_bytes,
        .files = request->files,
        .datasets_len = 1,
        .parties_len = request->files_len,
        .seed = request->seed,
    };
    return sotto_simulate(out, &simulation, err);
}

int main(void)
{
    struct request request;
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    while (request_read(&request)) {
        struct sotto_error err = {0};
        char *result = NULL;
        bool good = (request.files_len == 1 ? answer_local(&result, &request, &err)
                                            : answer_simulate(&result, &request, &err)) == SOTTO_OK;
        const char *text = good ? result : err.text;
        (void)printf("%s %zu\n%s", good ? "ok" : "no", strlen(text), text);
        (void)fflush(stdout);
        sotto_free(result);
        request_release(&request);
    }
    return 0;
}
