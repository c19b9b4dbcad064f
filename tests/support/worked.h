/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_WORKED_H
#define SOTTO_TEST_WORKED_H

/* The rows of a CSV text in parts, as a party's workers have them. */

#include <sotto/source.h>
#include <sotto/tally.h>

/* A source that has its rows summed up in parts, cut anew in each round, some of them empty, and
 * merged in a random tree. The catalogue is that of all parts. Ownership: borrows text and random;
 * both are ended as others are. */
struct sotto_source *test_worked_open(struct sotto_catalogue **out_catalogue, const char *text,
                                      uint64_t *random);

/* Changes what all parts together gave to a round, before anybody reads it; NULL: nobody does. */
extern void (*test_worked_change)(struct sotto_buffer *in_out, uint64_t *random);

/* What was asked last, ended by the caller, and an answer to it, which is given without asking
 * anybody; NULL: nobody wants to know, and parts are asked. */
extern char **test_worked_asked;
extern const struct sotto_buffer *test_worked_answer;

/* Fails the test where what a ledger is asked of one file is not what it is asked of the other:
 * predicates and measures in their order, atoms and levels in any. */
void test_compare_files(const struct sotto_ledger_file *a, const struct sotto_ledger_file *b);

#endif
