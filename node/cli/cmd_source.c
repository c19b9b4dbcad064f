/* SPDX-License-Identifier: Apache-2.0 */

/* sotto source-worker: the process that drivers of databases run in. All of it is in the room
 * source. */

#include "cli/command.h"
#include "source/source.h"

int cmd_source_worker(const struct args *args)
{
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto source-worker");
    }
    return source_work() ? EXIT_DONE : EXIT_FAILED;
}
