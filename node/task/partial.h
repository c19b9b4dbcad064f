/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PARTIAL_H
#define SOTTO_NODE_PARTIAL_H

/* Partials of this node's rows, made when it joins. Threads: the compute thread's. */

#include <sotto/disclosure.h>
#include <sotto/tally.h>

struct compute;
struct joined;

/* The partial of the first round, made of this node's own types when it offered them: what is given
 * if these are what is agreed on. Zeros: there is none. */
struct prepared {
    struct sotto_schema schema;
    struct sotto_driver *driver;
    struct sotto_tally *tally; /* NULL: no ledger is asked */
    uint64_t *limbs;
    size_t limbs_len;
    uint8_t *cover; /* what the node has of each part: struct sotto_judge */
    size_t cover_len;
    struct sotto_writer spans; /* what it says of combinations of sums: struct sotto_disclosure */
    uint64_t policy_number;    /* of the policy by which rows were judged */
    bool is_of_parties;        /* the ledger will ask who survives */
};

/* Makes the partial of the first round of the node's own types, of which joined->prepared.cover is
 * then what it offers. Returns: what refuses it, by *out_rule; SOTTO_OK where the types alone make
 * no plan, and then nothing is prepared. */
enum sotto_status partial_prepare(const struct compute *compute, struct joined *joined,
                                  enum sotto_rule *out_rule, const struct sotto_schema *schema,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* The partial of the machine's round, written down in the ledger. Refuses to answer where the rules
 * of disclosure do, alone or together with what was answered before; of groups that are kept back
 * joined->withheld says which. */
enum sotto_status partial_compute(const struct compute *compute, struct joined *joined,
                                  enum sotto_rule *out_rule, uint64_t *limbs, size_t limbs_len,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* Wipes and frees what is prepared. */
void partial_release(struct joined *joined);
/* The catalogues of the task's datasets. Returns: NULL if there is no memory. Ownership: the list
 * is ended by sotto_free. */
const struct sotto_catalogue **partial_catalogues(const struct joined *joined);

#endif
