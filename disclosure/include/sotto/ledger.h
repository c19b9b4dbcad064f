/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_LEDGER_H
#define SOTTO_LEDGER_H

/* What a party has answered, ever: a chain of entries, by which it decides whether one more answer
 * would tell, together with those that are out, about fewer rows than min_rows. It keeps no rows:
 * of each sum it keeps sketches of the values (sotto/sketch.h), one for each atom, a cell of the
 * Venn diagram of all predicates that were ever asked of the file.
 *
 * Not thread-safe. */

#include <sotto/disclosure.h>
#include <sotto/sketch.h>

SOTTO_BEGIN_DECLS

#define SOTTO_LEDGER_ENTRY_BYTES_MAX 2048
#define SOTTO_LEDGER_PREDICATES_MAX 256
#define SOTTO_LEDGER_SKETCHES_MAX 16384  /* of one answer */
#define SOTTO_LEDGER_TEXT_BYTES_MAX 1024 /* of an entry's text */
#define SOTTO_LEDGER_SECRET_BYTES 32
#define SOTTO_LEDGER_DIGEST_BYTES 32
#define SOTTO_LEDGER_SUBJECT_BYTES 16
#define SOTTO_LEDGER_KEY_BYTES 32  /* of a creator, of a party */
#define SOTTO_LEDGER_TASK_BYTES 16 /* of a task's id */

/* --- Storage --- */

/* An entry as it is stored. subject: what it is looked up by. digest: of the entry and of all
 * before it. bytes: at most SOTTO_LEDGER_ENTRY_BYTES_MAX. */
struct sotto_ledger_row {
    uint64_t number; /* from 1, without gaps */
    int64_t created_ms;
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    const uint8_t *bytes;
    size_t bytes_len;
};

/* Another status than SOTTO_OK ends the visit, and is what it returns. */
typedef enum sotto_status sotto_ledger_see_row(void *context, const struct sotto_ledger_row *row,
                                               struct sotto_error *err);

struct sotto_ledger_storage {
    void *context;
    /* Appends rows, and deletes those whose number is below forget_below: all of it or nothing. It
     * is durable when this returns SOTTO_OK. */
    enum sotto_status (*append)(void *context, const struct sotto_ledger_row *rows, size_t rows_len,
                                uint64_t forget_below, struct sotto_error *err);
    /* Calls see for the rows of a subject, which need no digest then (NULL: for all), by their
     * numbers. */
    enum sotto_status (*each)(void *context, const uint8_t *subject, sotto_ledger_see_row *see,
                              void *see_context, struct sotto_error *err);
};

/* --- Opening --- */

struct sotto_ledger;

/* Reads the chain and verifies it. secret: 32 bytes that only this node knows, the same ones each
 * time; sketches and digests are keyed with what it derives from them. Returns: SOTTO_ERROR_AUTH
 * naming the first entry that is not as it was written; SOTTO_ERROR_NO_MEMORY; what storage
 * returned. Ownership: copies storage and secret; *out is ended by sotto_ledger_free. */
SOTTO_API enum sotto_status sotto_ledger_open(struct sotto_ledger **out,
                                              const struct sotto_ledger_storage *storage,
                                              const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES],
                                              struct sotto_error *err) SOTTO_NODISCARD;
/* Wipes and frees a ledger; NULL is fine. */
SOTTO_API void sotto_ledger_free(struct sotto_ledger *ledger);

/* The number and the digest of the last entry; 0 and zeros where there is none. An owner who keeps
 * them elsewhere can tell whether the end of the chain was cut off. */
SOTTO_API uint64_t sotto_ledger_head(const struct sotto_ledger *ledger,
                                     uint8_t out_digest[SOTTO_LEDGER_DIGEST_BYTES]);

/* What values are to be sketched with. Borrows from the ledger. */
SOTTO_API const struct sotto_sketch_key *sotto_ledger_sketch_key(const struct sotto_ledger *ledger);

/* --- Predicates --- */

/* Texts, each once. Zero-initialise. */
struct sotto_ledger_texts {
    char **texts;
    size_t len;
    size_t capacity_len;
};
/* Frees what texts hold and leaves them empty. */
SOTTO_API void sotto_ledger_texts_release(struct sotto_ledger_texts *texts);
/* Adds a copy of text unless it is there. Returns: SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_ledger_texts_add(struct sotto_ledger_texts *texts,
                                                   const char *text) SOTTO_NODISCARD;

/* The predicates that were asked of a file in this epoch, in their order: those of every question
 * begin with them. Adds to *in_out, which is empty. */
SOTTO_API enum sotto_status sotto_ledger_predicates(struct sotto_ledger *ledger,
                                                    struct sotto_ledger_texts *in_out,
                                                    const char *file,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

/* What sums a file was asked for in this epoch, as far as they are of one column or of the product
 * of two: texts for sotto_ledger_product_read. Adds to *in_out, which is empty. */
SOTTO_API enum sotto_status sotto_ledger_products(struct sotto_ledger *ledger,
                                                  struct sotto_ledger_texts *in_out,
                                                  const char *file,
                                                  struct sotto_error *err) SOTTO_NODISCARD;
#define SOTTO_LEDGER_COLUMN_BYTES_MAX 512
/* Takes such a text apart. out_columns: the second one is empty where there is none. Returns: false
 * if it is no such text. */
SOTTO_API bool sotto_ledger_product_read(char out_columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1],
                                         const char *text);

/* The owner's word that what a file was asked so far is no longer held against new questions: its
 * predicates and sketches are not looked at any more, its entries stay. */
SOTTO_API enum sotto_status sotto_ledger_begin_epoch(struct sotto_ledger *ledger, const char *file,
                                                     int64_t now_ms,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* --- Answers --- */

#define SOTTO_LEDGER_BUDGET_MS ((int64_t)365 * 24 * 3600 * 1000)

/* How large the values of a measure are, without their signs. */
struct sotto_ledger_magnitude {
    double largest[2];
    double total;
};

/* Rows of one file that all predicates take alike. How many there are is nobody's concern: it is
 * sums over several of them that are told. */
struct sotto_ledger_atom {
    const uint16_t *classes; /* of each predicate: the class of these rows */
    uint64_t rows;
    bool is_asked;                       /* the answer is over these rows */
    uint32_t group;                      /* which of the answer's, where it has groups */
    const struct sotto_sketch *sketches; /* one for each measure */
    const struct sotto_ledger_magnitude *magnitudes; /* likewise; NULL: no concern */
};

/* What sums add up, a column or a product of columns, in words that are the same each time. */
struct sotto_ledger_measure {
    const char *text;
    const char *const *columns; /* that it is computed from */
    size_t columns_len;
    const char *factors[2]; /* its columns, where it is one column, or the product of two (of a
                               square the same one twice); else NULL */
    bool is_fitted;         /* it is made with a model's coefficients */
    bool is_count;          /* it is 1 in every row: how many there are is told */
    bool is_context;        /* it is not asked for: what is known of it matters to a pair */
};

#define SOTTO_LEDGER_LEVELS SOTTO_EVIDENCE_LEVELS_MAX

/* Rows of an atom in which a column has one value, and the sum alone others than 0. */
struct sotto_ledger_slice {
    uint64_t rows;
    struct sotto_ledger_magnitude magnitude; /* of the sum alone */
};

/* A product with a column of few values tells a sum over the rows of each value. Of the count it is
 * that column itself. */
struct sotto_ledger_pair {
    size_t alone;                            /* measure: what the column is multiplied with */
    size_t product;                          /* measure */
    const struct sotto_ledger_slice *slices; /* [atom * stride + level] */
    size_t stride;
    const double *values; /* of the levels */
    size_t values_len;
};

/* Conditions that an output chooses rows by: all of them, in whatever way. */
struct sotto_ledger_conditions {
    const size_t *predicates;
    size_t len;
};

/* What is asked of one file. */
struct sotto_ledger_file {
    const char *file;
    const char *key; /* the column that sketches have with the values; NULL: none. It stays the same
                        one within an epoch, else the answer is refused */
    const char *const *predicates;
    size_t predicates_len;
    const uint8_t *counts_cells; /* of predicates: 1 where the rows of each class are counted; NULL:
                                    of none */
    const struct sotto_ledger_conditions *conditions;
    size_t conditions_len;
    const struct sotto_ledger_measure *measures;
    size_t measures_len;
    const struct sotto_ledger_atom *atoms; /* that hold rows */
    size_t atoms_len;
    const struct sotto_ledger_pair *pairs; /* in which one of both is asked for */
    size_t pairs_len;
};

struct sotto_ledger_party {
    uint8_t key[SOTTO_LEDGER_KEY_BYTES];
};

struct sotto_ledger_question {
    uint8_t task[SOTTO_LEDGER_TASK_BYTES];
    uint8_t creator[SOTTO_LEDGER_KEY_BYTES];
    uint8_t plan_digest[SOTTO_LEDGER_DIGEST_BYTES];
    const struct sotto_ledger_party *parties; /* their keys, in any order */
    size_t parties_len;
    size_t parties_least; /* see below; 0: other parties are no concern */
    uint32_t round;
    const char *name; /* of the plan */
    int64_t now_ms;
    uint64_t min_rows;
    unsigned budget;     /* see below; 0: there is none */
    bool charges_rounds; /* with a budget: of models each round, not the first two alone */
    unsigned dominance;  /* per cent, see below; 0: none is asked for */
    size_t groups_len;   /* 0: the answer has no groups */
    const struct sotto_ledger_file *files;
    size_t files_len;
};

/* An answer of which it is not known yet what became of it. Zero-initialise. */
struct sotto_ledger_pending {
    uint64_t number;                             /* of the entry; 0: there is none */
    uint8_t (*sets)[SOTTO_LEDGER_SUBJECT_BYTES]; /* of parties, which its survivors must go with */
    size_t sets_len;
    size_t sets_capacity_len;
    size_t parties_least;
};
/* Frees what a pending answer holds and leaves it empty. */
SOTTO_API void sotto_ledger_pending_release(struct sotto_ledger_pending *pending);

/* Decides, and writes down what is answered then, durably: call it before anything leaves. What is
 * asked of a group fails if, of some measure, a combination of its sums and of those that were told
 * (each a number of times, added up) is over 1 to min_rows - 1 rows with a value that is not 0, or
 * over so few rows at all; an atom that is asked fails if the values of a measure in it, or in an
 * atom of an earlier answer that it is a part of, are others than they were in that answer, but
 * fewer than min_rows came and fewer went. A group with an atom that fails gets a 1 in
 * withheld (groups_len of them, never reset here), and is not answered. The same sums of the same
 * values are written down once.
 *
 * Where a measure has the values of an earlier answer, in an atom that is asked, the parties must
 * be the same, or differ by at least parties_least: the two answers' difference is a sum over so
 * many parties. Rows of this party that changed since are in the difference too, and let it pass.
 *
 * Where a product with a column of few values was told, or is asked for, that column may not be,
 * but for fewer than min_rows rows, one value in each atom that is known of the other factor: sums
 * over these sets, so many times, would tell the difference.
 *
 * With dominance, what an answer adds to atoms that are known, or, where it adds none, each known
 * atom, has values other than the two largest that come to so much of the largest; and so has what
 * a product tells less some times the sum of its other factor.
 *
 * With a budget, at most so many sums per 100 rows of a file are told of each of its columns within
 * SOTTO_LEDGER_BUDGET_MS: so many equations do not give the column away. The same sum of the same
 * values counts once, in whatever words; a product counts for all its columns. Later rounds of a
 * model look at the same unknowns with coefficients that are close to each other: the first one,
 * round 2, is charged, and each of them only where charges_rounds says so.
 *
 * Returns: SOTTO_ERROR_REFUSED, *out_rule and nothing is written down: an atom fails and there are
 * no groups, or all groups are withheld; the text, for the owner, names the answer that stands and
 * its date. SOTTO_ERROR_LIMIT: more than 256 predicates of a file, a text or an answer too long for
 * the ledger. SOTTO_ERROR_STATE: the predicates do not begin with those of the ledger. What storage
 * returned. *out: for the two calls below. */
SOTTO_API enum sotto_status sotto_ledger_answer(struct sotto_ledger *ledger,
                                                struct sotto_ledger_pending *out,
                                                enum sotto_rule *out_rule, uint8_t *withheld,
                                                const struct sotto_ledger_question *question,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* What sotto_ledger_answer would say now to whatever parties, but for its budget: nothing is
 * written down. The question has no parties, and a parties_least of 0. *out_is_of_parties: whether
 * it will matter who these are, since values of an earlier answer are told again. Returns: as
 * sotto_ledger_answer. */
SOTTO_API enum sotto_status sotto_ledger_foresee(struct sotto_ledger *ledger,
                                                 bool *out_is_of_parties, uint8_t *withheld,
                                                 const struct sotto_ledger_question *question,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* How many sums of a column were told within SOTTO_LEDGER_BUDGET_MS, and how many rows the file had
 * when the last of them was. */
SOTTO_API enum sotto_status sotto_ledger_told(struct sotto_ledger *ledger, uint64_t *out_sums,
                                              uint64_t *out_rows, const char *file,
                                              const char *column, int64_t now_ms,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Writes down, durably, that an answer's survivors are consented to: before the consent leaves.
 * Returns: SOTTO_ERROR_REFUSED where with these survivors it would not have been answered. */
SOTTO_API enum sotto_status sotto_ledger_consent(struct sotto_ledger *ledger,
                                                 const struct sotto_ledger_pending *pending,
                                                 const struct sotto_ledger_party *survivors,
                                                 size_t survivors_len, int64_t now_ms,
                                                 struct sotto_error *err) SOTTO_NODISCARD;
/* Writes down that an answer was never opened, because its session ended, provably, before anybody
 * could ask for consent: it is held against no question. Any other answer counts as opened. */
SOTTO_API enum sotto_status sotto_ledger_annul(struct sotto_ledger *ledger, uint64_t number,
                                               int64_t now_ms,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- Refusals --- */

/* Entries of one creator and rule on one day (of UTC): so many; then one each time their number has
 * doubled, with the count. */
#define SOTTO_LEDGER_REFUSALS_MAX 1000

/* Writes down that a question was refused. rule: a word, at most 32 bytes. */
SOTTO_API enum sotto_status sotto_ledger_refuse(struct sotto_ledger *ledger,
                                                const uint8_t task[SOTTO_LEDGER_TASK_BYTES],
                                                const uint8_t creator[SOTTO_LEDGER_KEY_BYTES],
                                                const char *rule, const char *name, int64_t now_ms,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* How often a creator was refused on this day, whatever the rule. */
SOTTO_API enum sotto_status sotto_ledger_refusals(struct sotto_ledger *ledger, uint64_t *out,
                                                  const uint8_t creator[SOTTO_LEDGER_KEY_BYTES],
                                                  int64_t now_ms,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- Age --- */

/* Forgets entries of 30 days before before_ms and older, but for those that tell the order of
 * predicates: what was answered since before_ms is held against new questions, what is forgotten is
 * not. */
SOTTO_API enum sotto_status sotto_ledger_prune(struct sotto_ledger *ledger, int64_t before_ms,
                                               int64_t now_ms,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Writes down, durably, that the entries before this one are a copy of that time: the owner's word
 * that what was answered since is held against nothing. */
SOTTO_API enum sotto_status sotto_ledger_restored(struct sotto_ledger *ledger, int64_t copied_ms,
                                                  int64_t now_ms,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- Reading --- */

enum sotto_ledger_kind {
    SOTTO_LEDGER_ANSWER = 1, /* a question, answered: task, creator, name, round, parties_len */
    SOTTO_LEDGER_SKETCH,     /* of an answer: answer, text (the measure), file */
    SOTTO_LEDGER_PREDICATE, /* asked of a file: text, file; count is its place, from 2^32 on text is
                               a later part of a long one */
    SOTTO_LEDGER_CONSENT,   /* to an answer's survivors: answer */
    SOTTO_LEDGER_ANNULLED,  /* an answer that was never opened: answer */
    SOTTO_LEDGER_EPOCH,     /* of a file: file */
    SOTTO_LEDGER_REFUSAL,   /* task, creator, name, text (the rule), count */
    SOTTO_LEDGER_FORGOTTEN, /* entries below a number: answer */
    SOTTO_LEDGER_TOLD,      /* a measure, over the parties of an answer: answer, file, text */
    SOTTO_LEDGER_PARTIES,   /* a set of parties, in parts: count (of all) */
    SOTTO_LEDGER_SUMS, /* sums_len of an answer: answer, file, text (a column), count (the rows of
                          the file) */
    SOTTO_LEDGER_PRODUCT, /* columns that a file was asked for the sum of: file, text */
    SOTTO_LEDGER_SET, /* a set over which a sum was told: answer, file, text (the measure), count
                         (of predicates) */
    SOTTO_LEDGER_KEY, /* which column says whom a row of a file is about: file, text */
    SOTTO_LEDGER_RESTORED, /* what was answered since a time is not here: count, that time in ms */
    SOTTO_LEDGER_KINDS_LEN,
};

/* One entry, taken apart; what its kind does not have is zero. Texts end with a NUL. */
struct sotto_ledger_entry {
    enum sotto_ledger_kind kind;
    uint64_t number;
    int64_t created_ms;
    uint64_t answer; /* the number of another entry */
    uint64_t count;
    uint32_t sums_len;
    uint32_t round;
    uint32_t parties_len;
    uint8_t task[SOTTO_LEDGER_TASK_BYTES];
    uint8_t creator[SOTTO_LEDGER_KEY_BYTES];
    char name[256];
    char file[256];
    char text[SOTTO_LEDGER_TEXT_BYTES_MAX + 1];
};

typedef enum sotto_status sotto_ledger_see(void *context, const struct sotto_ledger_entry *entry,
                                           struct sotto_error *err);
/* Calls see for all entries, the oldest first. */
SOTTO_API enum sotto_status sotto_ledger_each(struct sotto_ledger *ledger, sotto_ledger_see *see,
                                              void *context,
                                              struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
