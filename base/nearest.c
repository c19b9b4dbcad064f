/* SPDX-License-Identifier: Apache-2.0 */

/* "did you mean": the name nearest to a word by edit distance. It is for errors only, so it
 * is short rather than fast; words beyond 64 bytes are near to nothing. */

#include <sotto/status.h>

#include <string.h>

#define WORD_BYTES_MAX 64

static unsigned char lower_letter(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static size_t choose_least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance in which two neighbours that changed places count once, as typing does it;
 * letters' case ignored. Requires lengths up to WORD_BYTES_MAX. */
static size_t measure_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t rows[3][WORD_BYTES_MAX + 1]; /* of i - 2, i - 1 and i, modulo 3 */
    for (size_t j = 0; j <= b_bytes; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned char x = lower_letter(a[i - 1]);
            unsigned char y = lower_letter(b[j - 1]);
            row[j] = choose_least(above[j - 1] + (x != y), above[j] + 1, row[j - 1] + 1);
            if (i > 1 && j > 1 && x == lower_letter(b[j - 2]) && y == lower_letter(a[i - 2])) {
                row[j] = choose_least(row[j], rows[(i - 2) % 3][j - 2] + 1, row[j]);
            }
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

const char *sotto_text_nearest(const char *word, const char *const *names, size_t names_len)
{
    size_t word_bytes = strlen(word);
    size_t best = word_bytes / 3 + 2; /* must be nearer than this */
    const char *nearest = NULL;
    for (size_t i = 0; word_bytes <= WORD_BYTES_MAX && i < names_len; i++) {
        size_t name_bytes = strlen(names[i]);
        if (name_bytes > WORD_BYTES_MAX) {
            continue;
        }
        size_t far = measure_distance(word, word_bytes, names[i], name_bytes);
        /* A distance as long as a word means that the two have nothing in common. */
        if (far < best && far < word_bytes && far < name_bytes) {
            best = far;
            nearest = names[i];
        }
    }
    return nearest;
}
