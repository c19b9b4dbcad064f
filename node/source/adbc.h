/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_ADBC_H
#define SOTTO_NODE_SOURCE_ADBC_H

/* The binary interface of ADBC drivers, version 1.1.0, as far as reading needs it, and the Arrow C
 * Stream Interface. Both are stated by Apache Arrow (arrow-adbc's adbc.h, Apache-2.0); functions
 * that are not called stand here as pointers of no type, so that the others have their places. */

#include <sotto/arrow.h>

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

#define ADBC_VERSION_1_1_0 1001000
#define ADBC_STATUS_OK 0
#define ADBC_STATUS_NOT_FOUND 3
#define ADBC_STATUS_IO 10
#define ADBC_STATUS_TIMEOUT 12

struct AdbcError {
    char *message;
    int32_t vendor_code;
    char sqlstate[5];
    void (*release)(struct AdbcError *error);
    void *private_data;
    struct AdbcDriver *private_driver;
};

struct AdbcDatabase {
    void *private_data;
    struct AdbcDriver *private_driver;
};

struct AdbcConnection {
    void *private_data;
    struct AdbcDriver *private_driver;
};

struct AdbcStatement {
    void *private_data;
    struct AdbcDriver *private_driver;
};

typedef void adbc_unused(void);

struct AdbcDriver {
    void *private_data;
    void *private_manager;
    uint8_t (*release)(struct AdbcDriver *, struct AdbcError *);

    uint8_t (*DatabaseInit)(struct AdbcDatabase *, struct AdbcError *);
    uint8_t (*DatabaseNew)(struct AdbcDatabase *, struct AdbcError *);
    uint8_t (*DatabaseSetOption)(struct AdbcDatabase *, const char *, const char *,
                                 struct AdbcError *);
    uint8_t (*DatabaseRelease)(struct AdbcDatabase *, struct AdbcError *);

    adbc_unused *ConnectionCommit;
    adbc_unused *ConnectionGetInfo;
    adbc_unused *ConnectionGetObjects;
    adbc_unused *ConnectionGetTableSchema;
    adbc_unused *ConnectionGetTableTypes;
    uint8_t (*ConnectionInit)(struct AdbcConnection *, struct AdbcDatabase *, struct AdbcError *);
    uint8_t (*ConnectionNew)(struct AdbcConnection *, struct AdbcError *);
    uint8_t (*ConnectionSetOption)(struct AdbcConnection *, const char *, const char *,
                                   struct AdbcError *);
    adbc_unused *ConnectionReadPartition;
    uint8_t (*ConnectionRelease)(struct AdbcConnection *, struct AdbcError *);
    adbc_unused *ConnectionRollback;

    adbc_unused *StatementBind;
    adbc_unused *StatementBindStream;
    uint8_t (*StatementExecuteQuery)(struct AdbcStatement *, struct ArrowArrayStream *, int64_t *,
                                     struct AdbcError *);
    adbc_unused *StatementExecutePartitions;
    adbc_unused *StatementGetParameterSchema;
    uint8_t (*StatementNew)(struct AdbcConnection *, struct AdbcStatement *, struct AdbcError *);
    adbc_unused *StatementPrepare;
    uint8_t (*StatementRelease)(struct AdbcStatement *, struct AdbcError *);
    uint8_t (*StatementSetOption)(struct AdbcStatement *, const char *, const char *,
                                  struct AdbcError *);
    uint8_t (*StatementSetSqlQuery)(struct AdbcStatement *, const char *, struct AdbcError *);
    adbc_unused *StatementSetSubstraitPlan;

    adbc_unused *since_1_1_0[64]; /* of which 1.1.0 has 29 */
};

/* What a driver exports: fills the struct of the version that is asked for. */
typedef uint8_t adbc_init(int version, void *driver, struct AdbcError *error);

#endif
