/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BENCH_TABLES_H
#define SOTTO_BENCH_TABLES_H

/* Tables of random values in memory, plans over them, and their exact sums on all threads. */

#include "engine/contribute/contribute.h"

#define BENCH_BLOCK_LEN ((size_t)1 << 16)
#define BENCH_COLUMNS_MAX 20
#define BENCH_OUTPUTS_MAX 210
#define BENCH_GROUPS 1000
#define BENCH_OUTPUT_BYTES 4096 /* of hist with its edges */

enum bench_content {
    BENCH_NORMAL,
    BENCH_LOGNORMAL,
    BENCH_INTEGERS,
    BENCH_DECIMALS,
    BENCH_GROUP_OF_4,
    BENCH_GROUP_OF_1000
};

struct bench_table {
    enum bench_content contents[BENCH_COLUMNS_MAX];
    size_t columns_len;
    void *columns[BENCH_COLUMNS_MAX]; /* 8 bytes a value */
    size_t rows;
};

/* Columns are named a, b, c, ... */
struct bench_question {
    char outputs[BENCH_OUTPUTS_MAX][BENCH_OUTPUT_BYTES];
    size_t outputs_len;
    size_t groups;
};

struct sotto_type bench_type(enum bench_content content);
/* Fills the table's columns, by their contents. Ended by bench_table_release. */
void bench_table_fill(struct bench_table *table, size_t rows);
void bench_table_release(struct bench_table *table);
char bench_column_name(size_t column);
/* Ownership: the driver and *out_plan are the caller's. */
struct sotto_driver *bench_driver(const struct bench_question *question,
                                  const struct bench_table *table, struct sotto_plan **out_plan);
/* The partial of the first rows in the driver's round. limbs: as many as the round has. */
void bench_sums(uint64_t *limbs, const struct sotto_driver *driver, const struct bench_table *table,
                size_t rows);

/* The values or answers of a case, as they lie in memory: a file for other libraries. */
void bench_write_file(const char *folder, const char *name, const void *data, size_t bytes);

#endif
