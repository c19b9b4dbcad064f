/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BUNDLE_H
#define SOTTO_BUNDLE_H

/* A bundle: the source files of a learning task and its manifest, as one byte string that has one
 * encoding only (learning/README.md), named by its SHA-256. An owner approves the name, so that
 * what was read is, byte for byte, what runs. Nothing here runs anything. */

#include <sotto/bytes.h>

SOTTO_BEGIN_DECLS

#define SOTTO_BUNDLE_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define SOTTO_BUNDLE_FILES_MAX 256
#define SOTTO_BUNDLE_NAME_BYTES_MAX 128
#define SOTTO_BUNDLE_DATASETS_MAX 16
#define SOTTO_BUNDLE_DIGEST_BYTES 32

/* A name of at most SOTTO_BUNDLE_NAME_BYTES_MAX bytes, ended by a NUL. */
struct sotto_bundle_name {
    char text[SOTTO_BUNDLE_NAME_BYTES_MAX + 1];
};

/* Whose weights a later round is of. */
enum sotto_bundle_strategy {
    SOTTO_STRATEGY_FEDAVG,         /* of all whose weights are in the first */
    SOTTO_STRATEGY_FAULT_TOLERANT, /* of who is left of those in the round before */
    SOTTO_STRATEGY_DRAWN,          /* of max_clients of these, drawn for the round */
};

/* What a bundle asks for, and keeps to. manifest.c has the bounds of each number. */
struct sotto_bundle_manifest {
    struct sotto_bundle_name entry; /* "models.lenet:LeNet": a file of the bundle, a class in it */
    struct sotto_bundle_name datasets[SOTTO_BUNDLE_DATASETS_MAX];
    size_t datasets_len;
    enum sotto_bundle_strategy strategy;
    bool is_weighted;         /* the mean is weighted by rows */
    bool merges_iterations;   /* merge_every counts batches, else passes over the rows */
    int64_t merge_every;      /* how far a party trains in a round */
    int64_t rounds;           /* at most */
    int64_t validate_every;   /* rounds; 0: never */
    int64_t momentum_percent; /* of the step before, added to each step of the mean; 0: none */
    int64_t stop_after;       /* measurements without a lower loss, then it ends; 0: never */
    int64_t parameters_max;   /* elements of all tensors together */
    int64_t range_bits;       /* every |weight| <= 2^range_bits, or is clipped, and counted */
    int64_t scale_bits;       /* weights in steps of 2^-scale_bits */
    int64_t rows_max;         /* of one party */
    int64_t memory_mib;       /* of one runner */
    int64_t round_seconds;    /* of one runner, in one round */
};

struct sotto_bundle_file {
    struct sotto_bundle_name name; /* "models/lenet.py" */
    const char *text;              /* UTF-8 without NUL and CR; no NUL behind it */
    size_t text_bytes;
};

/* A bundle that was opened. Owns its bytes, from which the texts of its files borrow. */
struct sotto_bundle {
    struct sotto_buffer bytes;
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    struct sotto_bundle_manifest manifest;
    struct sotto_bundle_file *files; /* ascending by name */
    size_t files_len;
};

/* Opens a bundle. Returns: SOTTO_ERROR_INPUT for bytes that are not the one encoding of a bundle,
 * or whose names, texts or numbers are not allowed; SOTTO_ERROR_LIMIT for more than a cap. Out:
 * *out is empty on failure. Ownership: copies bytes; *out is ended by sotto_bundle_release. */
SOTTO_API enum sotto_status sotto_bundle_open(struct sotto_bundle *out, const void *bytes,
                                              size_t bytes_len,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Encodes a bundle of files_len files (any order) and opens it. Returns: as sotto_bundle_open. */
SOTTO_API enum sotto_status sotto_bundle_make(struct sotto_bundle *out,
                                              const struct sotto_bundle_manifest *manifest,
                                              const struct sotto_bundle_file *files,
                                              size_t files_len,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Frees what a bundle holds and leaves it empty. */
SOTTO_API void sotto_bundle_release(struct sotto_bundle *bundle);

/* Finds a file by its name. Returns: NULL if there is none. Borrows from the bundle. */
SOTTO_API const struct sotto_bundle_file *sotto_bundle_find(const struct sotto_bundle *bundle,
                                                            const char *name);

/* Appends a source text as a person can read it who mistrusts it: lines numbered from 1 and broken
 * after `columns` (20 to 1000) characters, nothing left out; whatever is not a plain character of
 * ASCII, Latin, Chinese, Japanese or Korean stands there by its number, as <U+0430>; so does the
 * first character of a source's own "<U+". Returns: how many characters do. Failures are out's. */
SOTTO_API size_t sotto_bundle_reveal(struct sotto_writer *out, const char *text, size_t text_bytes,
                                     size_t columns);

/* Sixteen words of five letters in fours, ended by a NUL. */
#define SOTTO_BUNDLE_WORDS_BYTES 96

/* The whole digest in words that can be said on the telephone in any language: proquints
 * [Wilkerson 2009], 16 bits a word. */
SOTTO_API void sotto_bundle_words(char out[SOTTO_BUNDLE_WORDS_BYTES],
                                  const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES]);

/* Appends all of a bundle for its owner to read: manifest and files, each line as
 * sotto_bundle_reveal shows it. Returns: how many characters stand there by their numbers. Failures
 * are out's. */
SOTTO_API size_t sotto_bundle_show(struct sotto_writer *out, const struct sotto_bundle *bundle,
                                   size_t columns);

/* Appends what changed from one bundle to another: of manifest and each file that it is the same,
 * or the lines that went ('-', numbered as they were) and came ('+', as they are) with three lines
 * around them. A file of more than 20,000 lines, or that differs in more than 1,000, is shown
 * whole, as it was and as it is. Returns: as sotto_bundle_show; SOTTO_NONE, and nothing may be made
 * of out, where there is no memory. */
SOTTO_API size_t sotto_bundle_compare(struct sotto_writer *out, const struct sotto_bundle *before,
                                      const struct sotto_bundle *after, size_t columns);

SOTTO_END_DECLS

#endif
