/* SPDX-License-Identifier: Apache-2.0 */
/* Another node's listing: what was taken is taken again as it is. */
#include "node/task/listing.h"

#include <sotto/status.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = listing_read((const char *)data, size);
    if (text != NULL) {
        char *again = listing_read(text, strlen(text));
        SOTTO_REQUIRE(again != NULL && strcmp(text, again) == 0);
        free(again);
    }
    free(text);
    return 0;
}
