/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SESSION_H
#define SOTTO_SESSION_H

/* One secure sum: the party's and the aggregator's side of one session of aggregation/PROTOCOL.md,
 * as sans-I/O machines. They take messages that sotto_message_open accepted and queue actions
 * (SEND, PLEDGE, RECORD). They know no time: the host tells the aggregator when a step's time is
 * over.
 *
 * A vector is a list of slots, slot k an integer modulo 2^(64 slots[k]) of slots[k] limbs of 64
 * bits, least significant first.
 *
 * Not thread-safe: one machine, one thread at a time. */

#include <sotto/action.h>
#include <sotto/graph.h>

SOTTO_BEGIN_DECLS

#define SOTTO_ADVERT_PAYLOAD_MAX ((size_t)1024 * 1024)
#define SOTTO_DIGEST_BYTES 32

/* H(label, data) of PROTOCOL.md. */
SOTTO_API void sotto_digest(uint8_t out[SOTTO_DIGEST_BYTES], const char *label, const void *data,
                            size_t data_bytes);

/* --- Vectors --- */

#define SOTTO_ELEMENT_BYTES_MAX 8192
#define SOTTO_VECTOR_BYTES_MAX ((size_t)240 * 1024 * 1024)

struct sotto_vector_run {
    uint32_t element_bytes; /* 4, 5, or a multiple of 8 up to SOTTO_ELEMENT_BYTES_MAX */
    size_t elements_len;    /* at least 1 */
};

/* The bytes of a vector of this shape. Returns: SOTTO_ERROR_LIMIT for a width that is not one of
 * the above, an empty run, no run, or more than SOTTO_VECTOR_BYTES_MAX. */
SOTTO_API enum sotto_status sotto_vector_bytes(size_t *out, const struct sotto_vector_run *runs,
                                               size_t runs_len) SOTTO_NODISCARD;

/* vector += addend, element by element. Threads: uses OpenMP's for long vectors. */
SOTTO_API void sotto_vector_add(uint8_t *vector, const uint8_t *addend,
                                const struct sotto_vector_run *runs, size_t runs_len);

/* --- Adverts and rosters --- */

/* What an advert is bound to. */
struct sotto_invitation_terms {
    struct sotto_session_label label;
    struct sotto_key aggregator;
    uint8_t plan_digest[SOTTO_DIGEST_BYTES];
};

/* What an owner demands of the sessions that its party takes part in, beside what the plan says. It
 * stands in the signed advert, and everybody keeps to the largest of all (PROTOCOL.md,
 * "Parameters"): t others can open a party's input without asking it, so a minimum that only one
 * party knows protects nobody. */
struct sotto_session_demands {
    uint32_t min_parties; /* survivors, at least */
    uint32_t colluders; /* k: parties beside the aggregator's own that may collude with it; at most
                           SOTTO_SESSION_COLLUDERS_MAX; where it is below the default of
                           sotto_session_colluders, that counts */
    bool needs_consent; /* where it lives, nothing is opened without its own consent */
    bool keeps_transcripts; /* what opens its input may be kept in a receipt, if all say so; of an
                               advert, not of a roster */
    bool no_receipts; /* it signs no result, and nobody who is honest makes a receipt with it */
};

/* A point of ristretto255, as it is sent. */
#define SOTTO_POINT_BYTES 32

/* One party's advert, taken apart; payload and bytes borrow. */
struct sotto_advert {
    struct sotto_key sender;
    uint8_t channel_point[SOTTO_POINT_BYTES];
    uint8_t mask_point[SOTTO_POINT_BYTES];
    struct sotto_session_demands demands;
    const uint8_t *payload;
    size_t payload_bytes;
    const uint8_t *bytes; /* the whole signed message */
    size_t bytes_len;
};

/* Opens an advert and checks it against the terms. Returns: as sotto_message_open;
 * SOTTO_ERROR_PROTOCOL also for other terms and for points that are not valid or the identity. */
SOTTO_API enum sotto_status sotto_advert_open(struct sotto_advert *out, const uint8_t *bytes,
                                              size_t bytes_len,
                                              const struct sotto_invitation_terms *terms,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* The parties of a session, ascending by key, and the graph proposed for them. Owns one copy of the
 * roster message. */
struct sotto_roster {
    struct sotto_buffer message;
    struct sotto_advert *adverts;
    uint32_t adverts_len;
    struct sotto_graph graph;
    struct sotto_session_demands demands; /* the largest of all adverts */
};

/* Frees what a roster holds and leaves it empty. */
SOTTO_API void sotto_roster_release(struct sotto_roster *roster);

/* Makes and signs the ROSTER of these adverts (any order; copied), which the caller has opened. Its
 * graph is the one that sotto_graph_choose gives for what the adverts demand. Returns:
 * SOTTO_ERROR_PROTOCOL for two adverts of one key, SOTTO_ERROR_PARTIES outside 3 ..
 * SOTTO_SESSION_PARTIES_MAX. */
SOTTO_API enum sotto_status
sotto_roster_make(struct sotto_roster *out, const struct sotto_buffer *adverts, size_t adverts_len,
                  const struct sotto_invitation_terms *terms, const struct sotto_graph_terms *graph,
                  const struct sotto_identity *identity, struct sotto_error *err) SOTTO_NODISCARD;

/* Opens a ROSTER (copied). It checks the aggregator's signature and the form of the adverts; the
 * adverts' own signatures are checked by the party's session where it has to do with their senders
 * (PROTOCOL.md, "Lazy checks"), the graph when it starts, who the senders are by the caller. */
SOTTO_API enum sotto_status sotto_roster_open(struct sotto_roster *out, const uint8_t *bytes,
                                              size_t bytes_len,
                                              const struct sotto_invitation_terms *terms,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* The index of a key, or UINT32_MAX. */
SOTTO_API uint32_t sotto_roster_find(const struct sotto_roster *roster,
                                     const struct sotto_key *key);

/* What all must agree on beside the adverts. Borrows runs. */
struct sotto_session_terms {
    struct sotto_invitation_terms invitation;
    uint8_t agreement[SOTTO_DIGEST_BYTES];
    uint32_t min_parties; /* the plan's */
    struct sotto_graph_terms graph;
    const struct sotto_vector_run *runs;
    size_t runs_len;
    bool verifies; /* the parties are shown a transcript, and check the sum; on a complete graph */
};

/* At most so many bytes has the transcript of a session. */
SOTTO_API size_t sotto_session_transcript_bytes(uint32_t parties_len, size_t vector_bytes);

/* What a party found wrong with what it was shown (PROTOCOL.md, "DISPUTE"). */
enum sotto_dispute_kind {
    SOTTO_DISPUTE_FORM = 1,
    SOTTO_DISPUTE_CONSENTS = 2,
    SOTTO_DISPUTE_MASKED = 3,
    SOTTO_DISPUTE_SECRET = 4,
    SOTTO_DISPUTE_SUM = 5,
    SOTTO_DISPUTE_RESULT = 6,
};

struct sotto_dispute {
    enum sotto_dispute_kind kind;
};

/* What a sum was opened of: nothing else can be opened in its session. */
struct sotto_session_opening {
    uint8_t session[SOTTO_SESSION_BYTES];
    uint8_t survivors[SOTTO_DIGEST_BYTES]; /* what consents sign */
};

/* What a machine has done so far. */
struct sotto_session_counters {
    uint64_t group_operations; /* scalar multiplications */
    uint64_t signatures;       /* made and checked */
    uint64_t keystream_bytes;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* --- The party --- */

struct sotto_session_party;

enum sotto_party_phase {
    SOTTO_PARTY_ADVERTISED, /* waits for the roster */
    SOTTO_PARTY_DEALT,      /* waits for shares */
    SOTTO_PARTY_SHARED,     /* has its shares, waits for its input */
    SOTTO_PARTY_MASKING,    /* waits for its host, before its masked input leaves */
    SOTTO_PARTY_MASKED,     /* waits for the living */
    SOTTO_PARTY_COMPLAINED, /* has proven that a dealer cheated, waits for another attempt */
    SOTTO_PARTY_RELEASED,   /* has given the session up, for another attempt */
    SOTTO_PARTY_RECORDING,  /* waits for its host, before its consent leaves */
    SOTTO_PARTY_CONSENTED,  /* waits for the signatures */
    SOTTO_PARTY_REVEALED,   /* has done its part */
    SOTTO_PARTY_OPENED,     /* was shown what was opened */
    SOTTO_PARTY_LEFT,       /* found a peer cheating, and said so */
};

/* Draws fresh keys. identity is borrowed until free; demands and payload are copied into the
 * advert. Queues the ADVERT to the aggregator. */
SOTTO_API enum sotto_status
sotto_session_party_new(struct sotto_session_party **out, const struct sotto_identity *identity,
                        struct sotto_random random, const struct sotto_invitation_terms *terms,
                        const struct sotto_session_demands *demands, const uint8_t *payload,
                        size_t payload_bytes) SOTTO_NODISCARD;
/* Wipes and frees. */
SOTTO_API void sotto_session_party_free(struct sotto_session_party *party);

/* Of a host that runs all parties of a session in one process, as a simulation does: what two of
 * them agree on is computed once for both. Not for a node: the table holds secrets of all. Has
 * 4.3 MB at most, wiped when it is freed. Threads: any number may use one. */
struct sotto_shared_points;
/* Ownership: the caller's, ended by sotto_shared_points_free. */
SOTTO_API enum sotto_status sotto_shared_points_new(struct sotto_shared_points **out,
                                                    size_t parties_len) SOTTO_NODISCARD;
/* Wipes and frees; NULL is fine. */
SOTTO_API void sotto_shared_points_free(struct sotto_shared_points *points);
/* points is borrowed until the party is freed; NULL, as it begins: the party computes its own. */
SOTTO_API void sotto_session_party_share(struct sotto_session_party *party,
                                         struct sotto_shared_points *points);

/* Takes the roster (moved; the party's also on failure) whose senders the caller has checked, and
 * deals. Returns: SOTTO_ERROR_PARTIES if the roster is too small for what the plan and all adverts
 * demand, SOTTO_ERROR_PROTOCOL if the party's own advert is not in it unchanged; on failure only
 * leave and free may follow. Call it once. CT: in all secrets. */
SOTTO_API enum sotto_status sotto_session_party_start(struct sotto_session_party *party,
                                                      struct sotto_roster *roster,
                                                      const struct sotto_session_terms *terms,
                                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Gives the vector (copied), vector_bytes of the terms' runs. Before or after the shares come. */
SOTTO_API enum sotto_status sotto_session_party_input(struct sotto_session_party *party,
                                                      const uint8_t *vector,
                                                      size_t vector_bytes) SOTTO_NODISCARD;

/* Takes SHARES, LIVING, UNMASK or WITHDRAW from the aggregator. Returns: why nothing changed. A
 * dealer that cheated gives SOTTO_ERROR_PROTOCOL, phase COMPLAINED, and a COMPLAINT; on a sparse
 * graph phase LEFT, and a LEAVE that names it. */
SOTTO_API enum sotto_status sotto_session_party_receive(struct sotto_session_party *party,
                                                        const struct sotto_message *message,
                                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Ends the party's part: wipes its secrets and queues LEAVE. */
SOTTO_API enum sotto_status
sotto_session_party_leave(struct sotto_session_party *party,
                          const struct sotto_leave *leave) SOTTO_NODISCARD;

/* The PLEDGE is durable: masks the input and sends it. The RECORD is: sends CONSENT. Returns: where
 * masking fails, phase is LEFT: this input can't be masked a second time. */
SOTTO_API enum sotto_status
sotto_session_party_recorded(struct sotto_session_party *party) SOTTO_NODISCARD;

/* Whether the masked input has left: others may open it without this party. */
SOTTO_API bool sotto_session_party_has_masked(const struct sotto_session_party *party);

/* Whether the party may join another attempt: it has not masked in this session, or releases (what
 * a REOPEN carries, PROTOCOL.md) are of so many members that nobody can open the session any more.
 * Returns: SOTTO_ERROR_PROTOCOL if not. Variable time: all of it is public. */
SOTTO_API enum sotto_status
sotto_session_party_may_restart(const struct sotto_session_party *party, const uint8_t *releases,
                                size_t releases_bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* All that a party knows of a session once its process is gone: the bytes of its last PLEDGE or
 * RECORD. */
struct sotto_session_pledge {
    struct sotto_session_label label;
    uint8_t session[SOTTO_SESSION_BYTES];
    uint32_t colluders; /* the largest demand of its roster */
    bool is_complete;   /* its graph */
    bool may_have_consented;
};

/* Returns: false where bytes are none of a PLEDGE or RECORD. */
SOTTO_API bool sotto_session_pledge_read(struct sotto_session_pledge *out, const void *bytes,
                                         size_t bytes_len);

/* As sotto_session_party_may_restart, of a session in which the party may have masked. keys: of its
 * roster, ascending. */
SOTTO_API enum sotto_status sotto_session_pledge_may_restart(
    const struct sotto_session_pledge *pledge, const struct sotto_key *keys, uint32_t parties_len,
    const uint8_t *releases, size_t releases_bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* What the party waits for, or how it ended. */
SOTTO_API enum sotto_party_phase sotto_session_party_phase(const struct sotto_session_party *party);
/* The roster that the party dealt for, empty before. Borrows from the party. */
SOTTO_API const struct sotto_roster *
sotto_session_party_roster(const struct sotto_session_party *party);

/* Whether roster member `index` is in the survivor set that this party answers for. From RECORDING
 * on; index is below the roster's adverts_len. */
SOTTO_API bool sotto_session_party_lives(const struct sotto_session_party *party, uint32_t index);

/* What this party consented to. From RECORDING on. */
SOTTO_API void sotto_session_party_opening(const struct sotto_session_party *party,
                                           struct sotto_session_opening *out);

/* Takes the transcript of a session that verifies, and puts the sum that it opens into sum
 * (vector_bytes, aligned to SOTTO_ALIGNMENT). What is left of the party's secrets is wiped first: a
 * party that has not revealed never will. From CONSENTED on. Returns: SOTTO_ERROR_NO_MEMORY;
 * SOTTO_ERROR_PROTOCOL, and *out_dispute, for a transcript that is not right; sum is undefined
 * then. */
SOTTO_API enum sotto_status
sotto_session_party_verify(struct sotto_session_party *party, uint8_t *sum, size_t vector_bytes,
                           struct sotto_dispute *out_dispute, const uint8_t *transcript,
                           size_t transcript_bytes, struct sotto_error *err) SOTTO_NODISCARD;

/* What the party has done since it was made. */
SOTTO_API struct sotto_session_counters
sotto_session_party_counters(const struct sotto_session_party *party);

/* Takes the party's next action. Returns: false, and *out unchanged, if there is none. Ownership:
 * *out is ended by sotto_action_release. */
SOTTO_API bool sotto_session_party_next(struct sotto_session_party *party,
                                        struct sotto_action *out);

/* --- The aggregator --- */

struct sotto_session_aggregator;

enum sotto_aggregator_phase {
    SOTTO_AGGREGATOR_DEALING,
    SOTTO_AGGREGATOR_MASKING,
    SOTTO_AGGREGATOR_CONSENTING,
    SOTTO_AGGREGATOR_REVEALING,
    SOTTO_AGGREGATOR_WITHDRAWING, /* asks the members to give the session up */
    SOTTO_AGGREGATOR_SUMMED,
    SOTTO_AGGREGATOR_FAILED,
    SOTTO_AGGREGATOR_WITHDRAWN, /* so many have that nobody can open it any more */
};

/* Takes the roster (moved, also on failure) and queues it to all parties. identity is borrowed. */
SOTTO_API enum sotto_status sotto_session_aggregator_new(struct sotto_session_aggregator **out,
                                                         const struct sotto_identity *identity,
                                                         struct sotto_roster *roster,
                                                         const struct sotto_session_terms *terms,
                                                         struct sotto_error *err) SOTTO_NODISCARD;

/* Says once, before any message, whose inputs a sum needs beside what terms say: so many of those
 * members that are marked by 1. Without them the session fails before anything is opened. Returns:
 * SOTTO_ERROR_NO_MEMORY. In: wanted, a byte for each member. */
SOTTO_API enum sotto_status
sotto_session_aggregator_want(struct sotto_session_aggregator *aggregator, const uint8_t *wanted,
                              uint32_t needed) SOTTO_NODISCARD;

/* Frees the aggregator, its roster and what is queued; NULL is fine. */
SOTTO_API void sotto_session_aggregator_free(struct sotto_session_aggregator *aggregator);

/* Takes DEAL, MASKED, COMPLAINT, CONSENT, REVEAL or RELEASE. Returns: why nothing changed;
 * SOTTO_ERROR_PROTOCOL for a REVEAL that does not open its commitments names the holder. */
SOTTO_API enum sotto_status
sotto_session_aggregator_receive(struct sotto_session_aggregator *aggregator,
                                 const struct sotto_message *message,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Takes messages one after the other, each as above: the same statuses, the same state, for any
 * number of threads. out_statuses has messages_len entries. Returns: the first status that is not
 * SOTTO_OK, whose error err has; SOTTO_ERROR_NO_MEMORY also before anything was taken (all
 * statuses are then unchanged). Threads: checks them on OpenMP's. */
SOTTO_API enum sotto_status
sotto_session_aggregator_receive_all(struct sotto_session_aggregator *aggregator,
                                     enum sotto_status *out_statuses,
                                     const struct sotto_message *messages, size_t messages_len,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Roster member `index` is gone, or said so: nothing more is awaited from it. */
SOTTO_API enum sotto_status
sotto_session_aggregator_drop(struct sotto_session_aggregator *aggregator,
                              uint32_t index) SOTTO_NODISCARD;

/* The time of the current step is over: goes on with those who answered, or fails. */
SOTTO_API enum sotto_status
sotto_session_aggregator_expire(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;

/* The step that is under way, or how the session ended. */
SOTTO_API enum sotto_aggregator_phase
sotto_session_aggregator_phase(const struct sotto_session_aggregator *aggregator);

/* Takes the aggregator's next action. Returns: false, and *out unchanged, if there is none.
 * Ownership: *out is ended by sotto_action_release. */
SOTTO_API bool sotto_session_aggregator_next(struct sotto_session_aggregator *aggregator,
                                             struct sotto_action *out);

/* Whether roster member `index` (below the roster's adverts_len) has dealt its shares. */
SOTTO_API bool sotto_session_aggregator_dealt(const struct sotto_session_aggregator *aggregator,
                                              uint32_t index);

/* Whether roster member `index` has sent its masked vector, so that it is in the sum if there is
 * one. */
SOTTO_API bool sotto_session_aggregator_lives(const struct sotto_session_aggregator *aggregator,
                                              uint32_t index);

/* Whether roster member `index` is still there and has answered the step that is (or was last)
 * under way; of a session that is given up: whether it gave it up, and masked its input, unless a
 * dealer is why. */
SOTTO_API bool sotto_session_aggregator_answered(const struct sotto_session_aggregator *aggregator,
                                                 uint32_t index);

/* The parties of the session. Borrows from the aggregator. */
SOTTO_API const struct sotto_roster *
sotto_session_aggregator_roster(const struct sotto_session_aggregator *aggregator);

/* FAILED or WITHDRAWN because a dealer cheated, as one of its holders has proven: its index in the
 * roster. Else UINT32_MAX. */
SOTTO_API uint32_t
sotto_session_aggregator_guilty(const struct sotto_session_aggregator *aggregator);

/* FAILED or WITHDRAWN: why; *final tells that consent to a survivor set was asked for, so that
 * nobody may try again with fewer. */
SOTTO_API enum sotto_status
sotto_session_aggregator_failure(const struct sotto_session_aggregator *aggregator, bool *final,
                                 struct sotto_error *err);

/* FAILED while masked inputs were awaited: asks all members that are there to give the session up,
 * so that they may join another attempt. Ends WITHDRAWN, or FAILED for good where too few are left,
 * as on a sparse graph. */
SOTTO_API enum sotto_status
sotto_session_aggregator_withdraw(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;

/* WITHDRAWN: the releases, for REOPEN. Ownership: *out is ended by sotto_buffer_release. */
SOTTO_API enum sotto_status
sotto_session_aggregator_releases(const struct sotto_session_aggregator *aggregator,
                                  struct sotto_buffer *out) SOTTO_NODISCARD;

/* SUMMED: the sum over the living. Borrows. */
SOTTO_API const uint8_t *
sotto_session_aggregator_sum(const struct sotto_session_aggregator *aggregator,
                             size_t *out_vector_bytes);

/* SUMMED, of a session that verifies: its transcript. Borrows. */
SOTTO_API const struct sotto_buffer *
sotto_session_aggregator_transcript(const struct sotto_session_aggregator *aggregator);

/* SUMMED: what was opened. */
SOTTO_API void sotto_session_aggregator_opening(const struct sotto_session_aggregator *aggregator,
                                                struct sotto_session_opening *out);

/* Checks the session's own transcript as a party does. Returns: as sotto_session_party_verify. */
SOTTO_API enum sotto_status
sotto_session_aggregator_recheck(const struct sotto_session_aggregator *aggregator,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* What the aggregator has done since it was made. */
SOTTO_API struct sotto_session_counters
sotto_session_aggregator_counters(const struct sotto_session_aggregator *aggregator);

SOTTO_END_DECLS

#endif
