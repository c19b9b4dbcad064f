/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_DRIVER_H
#define SOTTO_NODE_SOURCE_DRIVER_H

/* A driver and one connection through it, in the worker. */

#include "source/adbc.h"
#include "source/source.h"

struct source_driver {
    void *library;
    struct AdbcDriver adbc;
    struct AdbcDatabase database;
    struct AdbcConnection connection;
    struct AdbcStatement statement; /* the last one */
    const char *batch;              /* borrowed of the request */
};

/* Loads the request's driver and connects. Nothing is ended but with the process: a driver that
 * hangs in its end would hang the worker. Returns: SOTTO_ERROR_NOT_FOUND (no such driver),
 * SOTTO_ERROR_INPUT (it is none, or refuses an option), SOTTO_ERROR_IO (no connection). */
enum sotto_status driver_connect(struct source_driver *out, const struct source_request *request,
                                 struct sotto_error *err) SOTTO_NODISCARD;
/* Runs SQL, when the result of the last one is released. out may be NULL: without a result.
 * Returns: SOTTO_ERROR_NOT_FOUND or SOTTO_ERROR_INPUT (what the database says), SOTTO_ERROR_IO. */
enum sotto_status driver_query(struct ArrowArrayStream *out, struct source_driver *driver,
                               const char *sql, struct sotto_error *err) SOTTO_NODISCARD;

#endif
