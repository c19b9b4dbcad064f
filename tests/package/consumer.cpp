/* SPDX-License-Identifier: Apache-2.0 */
/* Every public header from C++, and a call into each module. */
#include <sotto/cpu.h>
#include <sotto/csv.h>
#include <sotto/driver.h>
#include <sotto/identity.h>
#include <sotto/random.h>
#include <sotto/secret.h>
#include <sotto/session.h>
#include <sotto/simulate.h>
#include <sotto/table.h>
#include <sotto/task.h>

#include <cstdio>
#include <cstring>

int main()
{
    sotto_error err{};
    sotto_plan *plan = nullptr;
    sotto_identity *identity = nullptr;
    sotto_csv *csv = nullptr;
    const char *json = "{\"version\": 1}";
    bool ok = sotto_init() == SOTTO_OK;
    ok = ok && sotto_identity_generate(&identity, sotto_random_system()) == SOTTO_OK;
    ok = ok && sotto_csv_open(&csv, "/nonexistent", nullptr, &err) == SOTTO_ERROR_NOT_FOUND;
    ok = ok && sotto_plan_parse(&plan, json, std::strlen(json), &err) == SOTTO_ERROR_PLAN;
    ok = ok && sotto_session_threshold(4, 0) == 3;
    ok = ok && !sotto_message_route(nullptr, reinterpret_cast<const uint8_t *>("x"), 1);
    sotto_identity_free(identity);
    std::puts(ok ? "ok" : "failed");
    return ok ? 0 : 1;
}
