/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_DATASETS_H
#define SOTTO_NODE_DATASETS_H

/* The owner's datasets, only those that policy offers, each with its catalogue: files, opened below
 * data_dir and nowhere else, rows of databases, and rows in parts. Threads: the compute thread. */

#include "config/config.h"
#include "store/store.h"
#include <sotto/source.h>

struct dataset {
    struct sotto_csv *csv;   /* NULL: rows of a database, or in parts */
    struct sourced *sourced; /* of a database */
    struct sotto_catalogue *catalogue;
    struct sotto_source *source; /* of all rows */
    bool is_pushed;              /* it is of source/pushed.h */
};

/* Opens a file that policy offers and gets its catalogue, from the store if the file is the one
 * that was catalogued (store may be NULL: it is made). Returns: SOTTO_ERROR_NOT_FOUND (policy does
 * not offer it, or there is none), SOTTO_ERROR_REFUSED (a name or link that leads out of data_dir),
 * else as sotto_csv_open_fd and sotto_csv_catalogue, or as sourced_read and worked_open.
 * is_read_again: several rounds read it, so its rows are kept between them. Ownership: the file
 * heeds interrupt, which it borrows. */
enum sotto_status dataset_open(struct dataset *out, const struct config *config,
                               struct store *store, const char *file, bool is_read_again,
                               const struct sotto_interrupt *interrupt,
                               struct sotto_error *err) SOTTO_NODISCARD;
/* As dataset_open, for its catalogue only: that of rows in a database may be minutes old, as
 * whoever asks what is published would else have all of them read. */
enum sotto_status dataset_describe(struct dataset *out, const struct config *config,
                                   struct store *store, const char *file,
                                   const struct sotto_interrupt *interrupt,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Closes the file; a zeroed dataset is fine. */
void dataset_release(struct dataset *dataset);

/* Opens file below folder. Returns: a descriptor, or -1 and err: not below folder, not there. */
int dataset_open_beneath(const char *folder, const char *file, struct sotto_error *err);

#endif
