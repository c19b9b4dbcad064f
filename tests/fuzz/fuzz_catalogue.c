/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a stored catalogue: what is accepted encodes to the same bytes. */

#include <sotto/bytes.h>
#include <sotto/csv.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_buffer again = {0};
    if (sotto_catalogue_decode(&catalogue, data, data_bytes) != SOTTO_OK) {
        return 0;
    }
    if (sotto_catalogue_encode(catalogue, &again) != SOTTO_OK || again.data_bytes != data_bytes ||
        memcmp(again.data, data, data_bytes) != 0) {
        abort();
    }
    sotto_buffer_release(&again);
    sotto_catalogue_free(catalogue);
    return 0;
}
