/* SPDX-License-Identifier: Apache-2.0 */

/* bench_csv_make FILE ROWS: the table of ./dev bench csv, the same bytes each time: an id, a
 * string, two small integers, an amount with two decimals, a score with nine, one of four levels.
 * On standard output the exact sums, as JSON, to check answers against. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int main(int argc, char **argv)
{
    static const char *const levels[] = {"junior", "senior", "lead", "head"};
    uint64_t random = 1;
    uint64_t age_sum = 0;
    __extension__ typedef unsigned __int128 wide;
    wide cents_sums[4] = {0}; /* of powers 1 to 4: 10^24 x 2^40 rows fit */
    uint64_t nanos_sum = 0;
    if (argc != 3) {
        (void)fputs("usage: bench_csv_make FILE ROWS\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "wb");
    uint64_t rows = strtoull(argv[2], NULL, 10);
    if (file == NULL) {
        perror(argv[1]);
        return 1;
    }
    (void)fputs("id,name,age,dept,amount,score,level\n", file);
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t a = next(&random);
        uint64_t b = next(&random);
        uint64_t age = 18 + a % 60;
        uint64_t cents = b % 1000000; /* below 10,000.00 */
        uint64_t nanos = (b >> 32) % 1000000000;
        (void)fprintf(file,
                      "%" PRIu64 ",user%06" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ".%02" PRIu64
                      ",0.%09" PRIu64 ",%s\n",
                      1000000 + row, (a >> 8) % 1000000, age, 1 + (a >> 40) % 99, cents / 100,
                      cents % 100, nanos, levels[(a >> 56) % 4]);
        age_sum += age;
        wide power = 1;
        for (size_t i = 0; i < 4; i++) {
            power *= cents;
            cents_sums[i] += power;
        }
        nanos_sum += nanos;
    }
    if (fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    (void)printf("{\"rows\": %" PRIu64 ", \"age\": %" PRIu64 ", \"nanos\": %" PRIu64
                 ", \"cents\": [",
                 rows, age_sum, nanos_sum);
    for (size_t i = 0; i < 4; i++) { /* in two halves of decimal digits */
        const wide half = (wide)UINT64_C(10000000000000000000);
        (void)printf("%s\"%" PRIu64 "%019" PRIu64 "\"", i > 0 ? ", " : "",
                     (uint64_t)(cents_sums[i] / half), (uint64_t)(cents_sums[i] % half));
    }
    (void)printf("]}\n");
    return 0;
}
