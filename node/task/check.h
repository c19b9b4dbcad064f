/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CHECK_H
#define SOTTO_NODE_CHECK_H

/* Plans in words, and what each rule of policy says to one, for people before they decide. Nothing
 * is written down, and nothing leaves. Threads: the compute thread. */

struct compute;
struct job;

/* JOB_CHECK: a plan that may become a task here. */
void check_plan(struct compute *compute, const struct job *job);
/* JOB_WORDS: the plan of a task that was created here, and of the last one of its name before. */
void check_words(struct compute *compute, const struct job *job);
/* JOB_RULES: what another node asked. */
void check_asked(struct compute *compute, const struct job *job);

#endif
