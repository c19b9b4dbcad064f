/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_WORKED_H
#define SOTTO_NODE_WORKED_H

/* Datasets whose rows are in parts, which a command of the owner's has workers sum up. Threads: the
 * compute thread. */

#include "task/datasets.h"

/* The program that is asked for a dataset's parts; NULL: its rows are elsewhere. */
const char *worked_program(const struct config *config, const char *file);

/* Asks the command for the catalogue: all that is asked of the dataset until it is released is of
 * the same snapshot. file: its name, which policy offers. The text of an error is for the owner
 * alone, and so is what the command says beside its answer, which goes to the log. Returns:
 * SOTTO_ERROR_INPUT whatever is wrong with the command, SOTTO_ERROR_CANCELLED. Ownership: borrows
 * config and interrupt; *out is ended by dataset_release. */
enum sotto_status worked_open(struct dataset *out, const struct config *config, const char *file,
                              const struct sotto_interrupt *interrupt,
                              struct sotto_error *err) SOTTO_NODISCARD;

#endif
