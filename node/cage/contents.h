/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CONTENTS_H
#define SOTTO_NODE_CONTENTS_H

/* What an owner's dataset may have in it before a cage shows it to a runner. */

#include <sotto/status.h>

/* Looks through a file or a folder. Returns: SOTTO_ERROR_INPUT where something in it is neither a
 * file nor a folder nor a link (a FIFO, a socket or a device is a way out, or waits for ever), or
 * where folders are more than 32 deep; SOTTO_ERROR_IO. No file is opened. */
enum sotto_status contents_check(const char *path, struct sotto_error *err) SOTTO_NODISCARD;

#endif
