/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_FILES_H
#define SOTTO_TEST_FILES_H

/* CSV texts as files in memory, and columns as texts. */

#include <sotto/table.h>

/* A file in memory of these bytes, at offset 0. */
int test_file(const void *data, size_t data_bytes);

/* The text opened as "t.csv"; ends the test if that fails. */
struct sotto_csv *test_csv(const char *text);
struct sotto_csv *test_csv_bytes(const void *data, size_t data_bytes);

struct sotto_catalogue *test_catalogue(struct sotto_csv *csv);

/* Cataloguing these bytes as "t.csv" ends with a status and a text that has this part. */
void test_refuses(const void *data, size_t data_bytes, enum sotto_status expected,
                  const char *part);

/* All columns: as catalogued, or (strings) as text. */
struct sotto_table *test_table(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                               bool strings);

/* A cell as text: "NA", "true", "-12", "1.20", "0x1.8p+1" or a copy of the string. Ended by
 * sotto_free. */
char *test_cell(const struct sotto_column *column, size_t row);

/* All cells of a column, each followed by '|'. Ended by sotto_free. */
char *test_cells(const struct sotto_column *column);

/* The same of the text's only or first column, as type (NULL: as catalogued). */
char *test_read(const char *text, const struct sotto_type *type);

/* Deterministic pseudo-random numbers (splitmix64). */
uint64_t test_random(uint64_t *state);
/* Below limit, which is above 0. */
size_t test_random_below(uint64_t *state, size_t limit);

#endif
