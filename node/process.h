/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PROCESS_H
#define SOTTO_NODE_PROCESS_H

/* What a node asks of the kernel for its process. */

/* As many open files as it may have, no core dump, and memory that no other process reads. */
void process_prepare(void);
/* Keeps all memory out of swap files, where the owner's limits allow it; else the log says so. */
void process_lock_memory(void);

#endif
