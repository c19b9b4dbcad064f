/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a plan; what is accepted is driven to a result with arbitrary types and limbs. The
 * bytes are also an expression, and the agreed schema of a plan. */

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <sotto/driver.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void drive(const struct sotto_plan *plan, const struct sotto_schema *schema,
                  const uint8_t *data, size_t data_bytes)
{
    struct sotto_driver *driver = NULL;
    enum sotto_status status = sotto_driver_new(&driver, plan, schema, NULL);
    if (status != SOTTO_OK) {
        check(status == SOTTO_ERROR_TYPE || status == SOTTO_ERROR_LIMIT ||
              status == SOTTO_ERROR_PLAN);
        return;
    }
    while (status == SOTTO_OK && sotto_driver_round(driver) != 0) {
        size_t limbs_len = sotto_driver_limbs_len(driver);
        uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
        check(limbs != NULL);
        for (size_t i = 0; i < limbs_len && data_bytes > 0; i++) {
            limbs[i] = data[i * 7 % data_bytes] % 3; /* small enough to be possible now and then */
        }
        status = sotto_driver_advance(driver, limbs, limbs_len, NULL);
        check(status == SOTTO_OK || status == SOTTO_ERROR_PROTOCOL);
        sotto_free(limbs);
    }
    if (status == SOTTO_OK) {
        char *json = NULL;
        struct sotto_result_parties parties = {.invited = 3, .joined = 3, .survived = 3};
        check(sotto_driver_result(driver, &json, &parties, schema, 1, NULL) == SOTTO_OK);
        sotto_free(json);
    }
    sotto_driver_free(driver);
}

static void try_plan(const void *json, size_t json_bytes, const uint8_t *data, size_t data_bytes)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    enum sotto_status status = sotto_plan_parse(&plan, json, json_bytes, &err);
    if (status != SOTTO_OK) {
        check(status == SOTTO_ERROR_PLAN || status == SOTTO_ERROR_LIMIT);
        check(status == err.status && err.text[0] != '\0');
        return;
    }
    struct sotto_rules rules;
    char *words = NULL;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    status = sotto_rules_judge_plan(&rules, plan, NULL, NULL);
    check(status == SOTTO_OK || status == SOTTO_ERROR_REFUSED);
    check(sotto_rules_words(&rules, &words, plan, NULL, NULL) == SOTTO_OK);
    check((strstr(words, "REFUSES") != NULL) == (status == SOTTO_ERROR_REFUSED));
    sotto_free(words);
    struct sotto_schema schema = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, data, data_bytes);
    if (sotto_schema_read(&schema, plan, &reader) == SOTTO_OK) {
        drive(plan, &schema, data, data_bytes);
        sotto_schema_release(&schema);
    }
    schema.fields_len = sotto_plan_columns_len(plan);
    schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
    check(schema.fields != NULL);
    for (size_t i = 0; i < schema.fields_len && data_bytes > 0; i++) {
        schema.fields[i].type.kind = (enum sotto_kind)(data[i % data_bytes] % SOTTO_KINDS_LEN);
    }
    static const char *const names[] = {"a", "b", "x"};
    schema.frame = sotto_alloc_array(3, sizeof *schema.frame);
    check(schema.frame != NULL);
    for (; schema.frame_len < 3 && data_bytes > 0; schema.frame_len++) {
        struct sotto_schema_column *column = &schema.frame[schema.frame_len];
        *column = (struct sotto_schema_column){.name = sotto_text_copy(names[schema.frame_len], 1)};
        check(column->name != NULL);
        column->field.type.kind =
            (enum sotto_kind)(data[(schema.frame_len + 3) % data_bytes] % SOTTO_KIND_STRING);
    }
    drive(plan, &schema, data, data_bytes);
    sotto_schema_release(&schema);
    sotto_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    try_plan(data, data_bytes, data, data_bytes);
    char *text = sotto_text_copy((const char *)data, data_bytes);
    static const char *const alias = "t";
    const char *outputs[] = {text};
    struct sotto_plan_parts parts = {.name = "n",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = 1,
                                     .by = outputs};
    char *json = NULL;
    check(text != NULL);
    if (data_bytes < 8192 && sotto_plan_compose(&json, &parts, NULL) == SOTTO_OK) {
        try_plan(json, strlen(json), data, data_bytes);
    }
    sotto_free(json);
    json = NULL;
    parts.by_len = 1;
    if (data_bytes < 8192 && sotto_plan_compose(&json, &parts, NULL) == SOTTO_OK) {
        try_plan(json, strlen(json), data, data_bytes);
    }
    sotto_free(json);
    sotto_free(text);
    return 0;
}
