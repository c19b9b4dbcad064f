/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variable that scales all property tests and fuzz replays. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

size_t test_cases(size_t usual)
{
    const char *text = getenv("SOTTO_CASES");
    if (text == NULL || text[0] == '\0') {
        return usual;
    }
    char *end;
    double times = strtod(text, &end);
    if (*end != '\0' || !(times > 0 && times <= 1e6)) {
        (void)fprintf(stderr, "SOTTO_CASES=%s: expected a number above 0, at most 1e6\n", text);
        exit(1);
    }
    double cases = (double)usual * times;
    return cases < 1 ? 1 : (size_t)cases;
}
