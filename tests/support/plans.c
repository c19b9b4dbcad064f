/* SPDX-License-Identifier: Apache-2.0 */
#include "plans.h"

#include "files.h"
#include "test.h"
#include <sotto/alloc.h>

struct sotto_plan *test_plan(const char *const *outputs)
{
    static const char *const alias = "t";
    static const char *const file = "t.csv";
    struct sotto_plan_parts parts = {.name = "test",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &file,
                                     .datasets_len = 1,
                                     .outputs = outputs};
    while (outputs[parts.outputs_len] != NULL) {
        parts.outputs_len++;
    }
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_plan_compose(&json, &parts, &err));
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    sotto_free(json);
    return plan;
}

struct sotto_plan *test_plan_of(const char *output)
{
    const char *outputs[] = {output, NULL};
    return test_plan(outputs);
}

static enum sotto_status contribute(const struct sotto_driver *driver, uint64_t *out,
                                    size_t limbs_len, struct sotto_source *source,
                                    struct sotto_error *err)
{
    enum sotto_status status =
        sotto_driver_contribute(driver, out, limbs_len, NULL, &source, 0, err);
    sotto_source_free(source);
    return status;
}

enum sotto_status test_partial(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                               struct sotto_csv *file, const struct sotto_catalogue *catalogue,
                               struct sotto_error *err)
{
    struct sotto_source *source = NULL;
    enum sotto_status status = sotto_source_new_file(&source, file, catalogue, err);
    return status == SOTTO_OK ? contribute(driver, out, limbs_len, source, err) : status;
}

enum sotto_status test_partial_table(const struct sotto_driver *driver, uint64_t *out,
                                     size_t limbs_len, const struct sotto_table *table,
                                     struct sotto_error *err)
{
    struct sotto_source *source = NULL;
    enum sotto_status status = sotto_source_new_table(&source, table, err);
    return status == SOTTO_OK ? contribute(driver, out, limbs_len, source, err) : status;
}

static enum sotto_status add_partials(uint64_t *sum, const struct sotto_driver *driver,
                                      struct sotto_csv *const *files,
                                      struct sotto_catalogue *const *catalogues, size_t len,
                                      struct sotto_error *err)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    enum sotto_status status = limbs != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = test_partial(driver, limbs, limbs_len, files[i], catalogues[i], err);
        sotto_driver_add(driver, sum, limbs, limbs_len);
    }
    sotto_free(limbs);
    return status;
}

/* With groups: an aggregate that can't be, in its last group, is refused and leaves nothing behind,
 * which the rounds after it show. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status refuse_impossible(struct sotto_driver *driver, uint64_t *sum,
                                           size_t limbs_len)
{
    if (sotto_driver_groups_len(driver) == 0) {
        return SOTTO_OK;
    }
    uint64_t withheld = sum[limbs_len - 1];
    sum[limbs_len - 1] = UINT64_MAX;
    enum sotto_status status = sotto_driver_advance(driver, sum, limbs_len, NULL);
    sum[limbs_len - 1] = withheld;
    if (status == SOTTO_ERROR_NO_MEMORY) {
        return status;
    }
    assert_int_equal(status, SOTTO_ERROR_PROTOCOL);
    return SOTTO_OK;
}

/* One round; its aggregate in *out_limbs. */
static enum sotto_status run_round(struct sotto_buffer *out_limbs, struct sotto_driver *driver,
                                   struct sotto_csv *const *files,
                                   struct sotto_catalogue *const *catalogues, size_t len,
                                   struct sotto_error *err)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *sum = sotto_alloc_array(limbs_len, sizeof *sum);
    enum sotto_status status = sum != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    if (status == SOTTO_OK) {
        status = add_partials(sum, driver, files, catalogues, len, err);
    }
    if (status == SOTTO_OK) {
        status = refuse_impossible(driver, sum, limbs_len);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_advance(driver, sum, limbs_len, err);
    }
    if (status == SOTTO_OK) {
        sotto_buffer_release(out_limbs);
        *out_limbs =
            (struct sotto_buffer){.data = (uint8_t *)sum, .data_bytes = limbs_len * sizeof *sum};
        return status;
    }
    sotto_free(sum);
    return status;
}

static enum sotto_status run_driver(char **out, struct sotto_buffer *out_limbs,
                                    struct sotto_driver *driver, struct sotto_csv *const *files,
                                    struct sotto_catalogue *const *catalogues,
                                    const struct sotto_schema *offers, size_t len,
                                    struct sotto_error *err)
{
    struct sotto_buffer limbs = {0};
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_driver_round(driver) != 0) {
        status = run_round(&limbs, driver, files, catalogues, len, err);
    }
    if (status == SOTTO_OK) {
        struct sotto_result_parties parties = {
            .invited = (uint32_t)len, .joined = (uint32_t)len, .survived = (uint32_t)len};
        status = sotto_driver_result(driver, out, &parties, offers, len, err);
    }
    if (status == SOTTO_OK && out_limbs != NULL) {
        *out_limbs = limbs;
        limbs = (struct sotto_buffer){0};
    }
    sotto_buffer_release(&limbs);
    return status;
}

#define PARTIES_MAX 64

enum sotto_status test_run(char **out, struct sotto_buffer *out_limbs,
                           const struct sotto_plan *plan, const char *const *texts,
                           size_t texts_len, struct sotto_error *err)
{
    return test_run_methods(out, out_limbs, plan, texts, texts_len, sotto__methods, err);
}

enum sotto_status test_run_methods(char **out, struct sotto_buffer *out_limbs,
                                   const struct sotto_plan *plan, const char *const *texts,
                                   size_t texts_len, const sotto__method_table methods,
                                   struct sotto_error *err)
{
    struct sotto_csv *files[PARTIES_MAX] = {NULL};
    struct sotto_catalogue *catalogues[PARTIES_MAX] = {NULL};
    struct sotto_schema offers[PARTIES_MAX] = {{0}};
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    enum sotto_status status = SOTTO_OK;
    assert_true(texts_len <= PARTIES_MAX);
    for (size_t i = 0; status == SOTTO_OK && i < texts_len; i++) {
        int fd = test_file(texts[i], strlen(texts[i]));
        status = sotto_csv_open_fd(&files[i], fd, "t.csv", NULL, err);
        if (status == SOTTO_OK) {
            status = sotto_csv_catalogue(files[i], &catalogues[i], err);
        }
        if (status == SOTTO_OK) {
            const struct sotto_catalogue *catalogue = catalogues[i];
            status = sotto_schema_offer(&offers[i], plan, &catalogue, err);
        }
    }
    if (status == SOTTO_OK) {
        status = sotto_schema_agree(&schema, plan, offers, NULL, texts_len, err);
    }
    if (status == SOTTO_OK) {
        status = sotto__driver_new(&driver, plan, &schema, methods, err);
    }
    if (status == SOTTO_OK) {
        status = run_driver(out, out_limbs, driver, files, catalogues, offers, texts_len, err);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    for (size_t i = 0; i < texts_len; i++) {
        sotto_schema_release(&offers[i]);
        sotto_catalogue_free(catalogues[i]);
        sotto_csv_close(files[i]);
    }
    return status;
}

void test_gives(const char *output, const char *const *texts, size_t texts_len, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    if (test_run(&json, NULL, plan, texts, texts_len, &err) != SOTTO_OK) {
        print_error("%s: %s\n", output, err.text);
        fail();
    }
    assert_contains(json, part);
    sotto_free(json);
    sotto_plan_free(plan);
}

void test_gives1(const char *output, const char *text, const char *part)
{
    test_gives(output, &text, 1, part);
}
