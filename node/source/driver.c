/* SPDX-License-Identifier: Apache-2.0 */

/* A driver, by the interface that all ADBC drivers have (adbc.h). What it says in its errors goes
 * to the owner of the source, whole. */

#include "source/driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* What a driver's status is in ours. */
static enum sotto_status find_status(uint8_t code)
{
    switch (code) {
    case ADBC_STATUS_NOT_FOUND:
        return SOTTO_ERROR_NOT_FOUND;
    case ADBC_STATUS_IO:
    case ADBC_STATUS_TIMEOUT:
        return SOTTO_ERROR_IO;
    default:
        return SOTTO_ERROR_INPUT;
    }
}

/* Passes on what a call said, and ends its error. */
static enum sotto_status check(uint8_t code, struct AdbcError *error, const char *what,
                               struct sotto_error *err)
{
    if (code == ADBC_STATUS_OK) {
        return SOTTO_OK;
    }
    const char *text = error->message != NULL ? error->message : "the driver does not say why";
    enum sotto_status status = sotto_error_set(err, find_status(code), "%s: %s", what, text);
    if (error->release != NULL) {
        error->release(error);
    }
    *error = (struct AdbcError){0};
    return status;
}

static enum sotto_status load(struct source_driver *driver, const struct source_request *request,
                              struct sotto_error *err)
{
    struct AdbcError error = {0};
    /* DuckDB's library has so many symbols that binding them all takes longer than a small
     * question. One that is missing ends the process, which is an error of the source. */
    driver->library = dlopen(request->driver, RTLD_LAZY | RTLD_LOCAL);
    if (driver->library == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "the driver can't be loaded: %s",
                               dlerror());
    }
    void *symbol = dlsym(driver->library, request->entry);
    if (symbol == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "'%s' is no ADBC driver, or another one: expected the function %s",
                               request->driver, request->entry);
    }
    adbc_init *init;
    memcpy(&init, &symbol, sizeof init); /* ISO C has no cast from void * to a function */
    enum sotto_status status =
        check(init(ADBC_VERSION_1_1_0, &driver->adbc, &error), &error, "the driver", err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct AdbcDriver *adbc = &driver->adbc;
    bool is_whole = adbc->DatabaseNew != NULL && adbc->DatabaseSetOption != NULL &&
                    adbc->DatabaseInit != NULL && adbc->ConnectionNew != NULL &&
                    adbc->ConnectionInit != NULL && adbc->StatementNew != NULL &&
                    adbc->StatementSetSqlQuery != NULL && adbc->StatementExecuteQuery != NULL;
    return is_whole
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "'%s' lacks functions that an ADBC driver has", request->driver);
}

static enum sotto_status open_database(struct source_driver *driver,
                                       const struct source_request *request,
                                       struct sotto_error *err)
{
    struct AdbcError error = {0};
    enum sotto_status status =
        check(driver->adbc.DatabaseNew(&driver->database, &error), &error, "the database", err);
    for (size_t i = 0; status == SOTTO_OK && i < request->options_len; i++) {
        const struct source_option *option = &request->options[i];
        status = check(
            driver->adbc.DatabaseSetOption(&driver->database, option->key, option->value, &error),
            &error, option->key, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return check(driver->adbc.DatabaseInit(&driver->database, &error), &error, "the database", err);
}

enum sotto_status driver_connect(struct source_driver *out, const struct source_request *request,
                                 struct sotto_error *err)
{
    struct AdbcError error = {0};
    *out = (struct source_driver){.batch = request->batch};
    enum sotto_status status = load(out, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = open_database(out, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        check(out->adbc.ConnectionNew(&out->connection, &error), &error, "the connection", err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check(out->adbc.ConnectionInit(&out->connection, &out->database, &error), &error,
                 "the connection", err);
}

enum sotto_status driver_query(struct ArrowArrayStream *out, struct source_driver *driver,
                               const char *sql, struct sotto_error *err)
{
    struct AdbcError error = {0};
    const struct AdbcDriver *adbc = &driver->adbc;
    int64_t rows;
    if (driver->statement.private_data != NULL && adbc->StatementRelease != NULL) {
        (void)adbc->StatementRelease(&driver->statement, NULL);
    }
    driver->statement = (struct AdbcStatement){0};
    enum sotto_status status =
        check(adbc->StatementNew(&driver->connection, &driver->statement, &error), &error,
              "the database", err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (driver->batch[0] != '\0' && adbc->StatementSetOption != NULL) {
        status = check(
            adbc->StatementSetOption(&driver->statement, driver->batch, SOURCE_BATCH_ROWS, &error),
            &error, driver->batch, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = check(adbc->StatementSetSqlQuery(&driver->statement, sql, &error), &error,
                   "the database", err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check(adbc->StatementExecuteQuery(&driver->statement, out, &rows, &error), &error,
                 "the database", err);
}
