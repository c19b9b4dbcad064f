/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCED_H
#define SOTTO_NODE_SOURCED_H

/* Datasets whose rows live in a database. Threads: the compute thread. */

#include "source/source.h"
#include "task/datasets.h"

/* Rows that were read once, for one task or for all that came while they were young. */
struct sourced {
    struct sourced *next;    /* of those that are young */
    struct source_rows rows; /* never changed */
    size_t held_bytes;       /* by them */
    size_t holders;          /* datasets, and being young */
    uint64_t old_ms;         /* when they are young no more, of clock_ms */
    char *file;
};

/* Reads the columns that policy shows, the key and no others, of all rows, into memory, or
 * shares those of a reading that took long and is young: whatever reads the dataset until it is
 * released sees these rows. file: its name, which policy offers;
 * has_digest: its catalogue's file identity is a digest of the rows, whatever their order. The text
 * of an error is for the owner alone. Returns: SOTTO_ERROR_INPUT whatever is wrong with the source,
 * SOTTO_ERROR_LIMIT where rows of others take the memory, SOTTO_ERROR_CANCELLED. Ownership: *out is
 * ended by dataset_release. */
enum sotto_status sourced_read(struct dataset *out, const struct config *config, const char *file,
                               bool has_digest, const struct sotto_interrupt *interrupt,
                               struct sotto_error *err) SOTTO_NODISCARD;

#define SOURCED_SILENCE_SECONDS 60
#define SOURCED_SECONDS_MAX 600

/* Has a request ask for the columns that policy shows, and the key. Ownership: *out_names is ended
 * by sotto_free, after the request. */
enum sotto_status sourced_choose_columns(struct source_request *request, const char ***out_names,
                                         const struct config *config, const char *file,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* Lets sources be asked again that were waited for in vain, and shares no rows that were read
 * before: node.yaml is another one, or the thread ends. */
void sourced_wake(void);

/* When sourced_tick has something to do, of clock_ms. */
uint64_t sourced_deadline(void);
/* Frees rows that are young no more and that no task has. */
void sourced_tick(void);

/* Leaves a source alone for a while that failed after so long, whether it said so itself or was
 * given up: whoever may ask could else keep this thread, as it fails again and again. */
void sourced_rest(const char *file, uint64_t took_ms);
/* Returns: SOTTO_ERROR_TIMEOUT while it is left alone. */
enum sotto_status sourced_check_rested(const char *file, struct sotto_error *err) SOTTO_NODISCARD;

/* What others learn of a failure of a source that is asked anew in each round: that the data can't
 * be read, or are others now, or may not be asked so. */
enum sotto_status sourced_answer_class(enum sotto_status status) SOTTO_NODISCARD;

/* Ends what sourced_read read, and gives its memory to others; a zeroed dataset is fine. */
void sourced_release(struct dataset *dataset);

#endif
