/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_NOTIFY_H
#define SOTTO_NODE_NOTIFY_H

/* Tells systemd how the daemon is (sd_notify(3)), where it was started by it (NOTIFY_SOCKET). */

#include "loop/loop.h"

/* Says "READY=1" and from then on "WATCHDOG=1" twice as often as WATCHDOG_USEC asks for it, as long
 * as the loop turns. Elsewhere nothing happens. timer: the caller's, ended by
 * loop_timer_remove. */
void notify_ready(struct loop *loop, struct loop_timer *timer);
/* "STOPPING=1". */
void notify_stopping(void);

#endif
