/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_CHAIN_H
#define SOTTO_DISCLOSURE_CHAIN_H

/* The ledger's entries as a chain, for the files that decide by them. */

#include <sotto/ledger.h>

#define SOTTO__LEDGER_NAME_BYTES_MAX 255
#define SOTTO__LEDGER_MEASURE_BYTES_MAX 512
#define SOTTO__LEDGER_SUMS_MAX 48 /* of one entry */
#define SOTTO__LEDGER_MEMBERS_MAX 200
/* A sketch that was written down is not written again for so long; then it is, lest it is forgotten
 * while the last answer that it stands for is young. */
#define SOTTO__LEDGER_REPEAT_MS ((int64_t)30 * 24 * 3600 * 1000)

/* How often somebody was refused since the last entry that says so: where entries are sparse. */
#define SOTTO__LEDGER_COUNTS_LEN 16
struct sotto__ledger_count {
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES]; /* creator, day */
    char rule[33];
    uint64_t unwritten;
};

struct sotto_ledger {
    struct sotto_ledger_storage storage;
    struct sotto_sketch_key sketch_key;
    uint8_t chain_key[32];
    uint64_t head_number;
    uint8_t head_digest[SOTTO_LEDGER_DIGEST_BYTES];
    uint64_t *annulled; /* numbers of answers, ascending */
    size_t annulled_len;
    size_t annulled_capacity_len;
    struct sotto__ledger_count counts[SOTTO__LEDGER_COUNTS_LEN];
    size_t next_count; /* which is used anew next */
};

#define SOTTO__LEDGER_LITERALS_MAX 12

/* A set of atoms in words that also hold of finer ones: the classes that its rows have. */
struct sotto__ledger_words {
    bool are_atoms; /* there are none: each of the atoms is taken to be told by itself */
    uint8_t literals_len;
    struct {
        uint16_t predicate;
        uint16_t class_;
    } literals[SOTTO__LEDGER_LITERALS_MAX];
    uint64_t atoms;  /* which these were: their digests, exclusive or */
    uint64_t values; /* how many they had */
};

/* An entry with what only decisions need. */
struct sotto__ledger_entry {
    struct sotto_ledger_entry entry;
    uint8_t plan_digest[SOTTO_LEDGER_DIGEST_BYTES]; /* of an answer */
    uint8_t parties[SOTTO_LEDGER_SUBJECT_BYTES];    /* the set of an answer, of a consent, told */
    uint16_t predicates_len;                        /* of a sketch, of how many predicates */
    uint8_t atom[SOTTO_LEDGER_SUBJECT_BYTES];       /* of a sketch: digest of its classes */
    uint64_t values;                                /* that the sketch is of */
    struct sotto_sketch sketch;
    struct sotto__ledger_words words;                                 /* of a sum that was told */
    uint8_t sums[SOTTO__LEDGER_SUMS_MAX][SOTTO_LEDGER_SUBJECT_BYTES]; /* digests */
    uint64_t members[SOTTO__LEDGER_MEMBERS_MAX]; /* of a set of parties: a part of them, hashed */
    size_t members_len;
    uint8_t chained[SOTTO_LEDGER_DIGEST_BYTES]; /* FORGOTTEN: the digest of the last one */
};

/* What entries are looked up by. */
enum sotto__ledger_subject {
    SOTTO__SUBJECT_TASK,       /* task */
    SOTTO__SUBJECT_PREDICATES, /* file, epoch */
    SOTTO__SUBJECT_MEASURE,    /* file, epoch, measure */
    SOTTO__SUBJECT_EPOCH,      /* file */
    SOTTO__SUBJECT_REFUSALS,   /* creator, day */
    SOTTO__SUBJECT_CHAIN,
    SOTTO__SUBJECT_CONSENT,  /* number of the answer */
    SOTTO__SUBJECT_PARTIES,  /* digest of the set */
    SOTTO__SUBJECT_COLUMN,   /* file, column */
    SOTTO__SUBJECT_PRODUCTS, /* file, epoch */
    SOTTO__SUBJECT_KEY,      /* file, epoch */
};
void sotto__ledger_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], enum sotto__ledger_subject kind,
                           const void *first, size_t first_bytes, uint64_t number,
                           const char *text);

/* Entries that are appended together, in one transaction. */
struct sotto__ledger_batch {
    struct sotto_ledger *ledger;
    int64_t now_ms;
    struct sotto_ledger_row *rows; /* bytes are owned */
    size_t rows_len;
    size_t capacity_len;
    enum sotto_status status; /* the first failure */
};
/* Adds an entry. Its number and time are set here. */
void sotto__ledger_add(struct sotto__ledger_batch *batch, struct sotto__ledger_entry *in_out,
                       const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES]);
/* Makes the batch durable, and ends it, whatever it returns. Returns: batch->status, what storage
 * returned. */
enum sotto_status sotto__ledger_append(struct sotto__ledger_batch *batch, uint64_t forget_below,
                                       struct sotto_error *err) SOTTO_NODISCARD;
void sotto__ledger_batch_release(struct sotto__ledger_batch *batch);

/* Reads an entry. Returns: false if its bytes are none. */
bool sotto__ledger_decode(struct sotto__ledger_entry *out, const struct sotto_ledger_row *row);

/* --- missing.c --- */
/* Writes a 1 for each atom that is small only because few rows lack the values that predicates ask
 * for. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__ledger_find_missing(uint8_t *out, const struct sotto_ledger_file *file,
                                             uint64_t min_rows) SOTTO_NODISCARD;

/* --- products.c --- */

/* Writes down which columns and products a file is asked for, if new. */
enum sotto_status sotto__ledger_add_products(struct sotto__ledger_batch *batch,
                                             const struct sotto_ledger_file *file, uint64_t epoch,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* --- ledger_keys.c --- */

/* Writes down which column is a file's key, or that none is, if that is new. */
enum sotto_status sotto__ledger_add_key(struct sotto__ledger_batch *batch,
                                        const struct sotto_ledger_file *file, uint64_t epoch,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* --- budget.c --- */

/* Adds what a question's sums of a file are, column by column, as far as they are new. Returns:
 * SOTTO_ERROR_REFUSED where a column has been told too much of; what storage returned. */
enum sotto_status sotto__ledger_charge(struct sotto__ledger_batch *batch,
                                       const struct sotto_ledger_question *question,
                                       const struct sotto_ledger_file *file,
                                       const uint8_t *withheld, uint64_t answer,
                                       struct sotto_error *err) SOTTO_NODISCARD;

/* Which epoch a file is in, from 0. */
enum sotto_status sotto__ledger_epoch(struct sotto_ledger *ledger, uint64_t *out, const char *file,
                                      struct sotto_error *err) SOTTO_NODISCARD;
bool sotto__ledger_is_annulled(const struct sotto_ledger *ledger, uint64_t answer);

#endif
