/* SPDX-License-Identifier: Apache-2.0 */
/* Files and streams of Arrow IPC that may be hostile: what is handed on is imported, which reads
 * all that lengths and offsets say there is. */
#include "arrow_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t rows;
    (void)arrow_rows_read(&rows, data, size);
    return 0;
}
