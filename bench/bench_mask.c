/* SPDX-License-Identifier: Apache-2.0 */
/* How fast masks are made and added, and vectors summed: one core, beside OpenSSL's AES-256-CTR in
 * the same run. Answers are checked against a plain keystream and a plain sum. */
#include "support.h"

#include "aggregation/message/message.h"
#include "aggregation/vector/vector.h"
#include <omp.h>
#include <openssl/evp.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

static size_t runs_wanted = 7;

/* OpenSSL alone: blocks of 16 KiB, one core. */
static double openssl_gbps(void)
{
    static uint8_t zeros[16384];
    static uint8_t out[16384];
    static const uint8_t key[32] = {1};
    static const uint8_t iv[16];
    struct bench_values values = {0};
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    for (size_t run = 0; run < runs_wanted; run++) {
        int made;
        size_t blocks = 16384;
        double start = bench_now_s();
        (void)EVP_EncryptInit_ex(cipher, EVP_aes_256_ctr(), NULL, key, iv);
        for (size_t i = 0; i < blocks; i++) {
            (void)EVP_EncryptUpdate(cipher, out, &made, zeros, sizeof zeros);
        }
        bench_add(&values, (double)(blocks * sizeof zeros) / (bench_now_s() - start) * 1e-9);
    }
    EVP_CIPHER_CTX_free(cipher);
    return bench_quantile(&values, 0.5);
}

static void fill_keys(struct sotto__mask_key *keys, size_t keys_len)
{
    for (size_t k = 0; k < keys_len; k++) {
        memset(keys[k].key, (int)k + 1, 32);
        keys[k].sign = k % 2 == 0 ? SOTTO__MASK_ADD : SOTTO__MASK_SUBTRACT;
    }
}

/* Masks by all keys and back again: the vector must be what it was. */
static bool masks_cancel(uint8_t *vector, const struct sotto_vector_run *run, size_t bytes,
                         struct sotto__mask_key *keys, size_t keys_len)
{
    memset(vector, 7, bytes);
    if (sotto__mask_apply(vector, run, 1, keys, keys_len) != SOTTO_OK) {
        return false;
    }
    bool changed = false;
    for (size_t i = 0; i < bytes; i++) {
        changed |= vector[i] != 7;
    }
    for (size_t k = 0; k < keys_len; k++) {
        keys[k].sign = keys[k].sign == SOTTO__MASK_ADD ? SOTTO__MASK_SUBTRACT : SOTTO__MASK_ADD;
    }
    if (sotto__mask_apply(vector, run, 1, keys, keys_len) != SOTTO_OK) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (vector[i] != 7) {
            return false;
        }
    }
    return changed;
}

static uint32_t element_bytes(unsigned bits)
{
    return bits <= 32 ? 4 : bits <= 40 ? 5 : 8;
}

static void bench_expand(unsigned bits, double openssl, bool quick)
{
    enum { KEYS = 128 };
    static struct sotto__mask_key keys[KEYS];
    struct sotto_vector_run run = {element_bytes(bits), quick ? 1 << 16 : 1 << 20};
    size_t bytes = run.element_bytes * run.elements_len;
    uint8_t *vector = sotto_alloc_aligned(bytes);
    struct bench_values values = {0};
    fill_keys(keys, KEYS);
    bool ok = vector != NULL && masks_cancel(vector, &run, bytes, keys, KEYS);
    for (size_t i = 0; ok && i < runs_wanted; i++) {
        double start = bench_now_s();
        ok = sotto__mask_apply(vector, &run, 1, keys, KEYS) == SOTTO_OK;
        bench_add(&values, bench_now_s() - start);
    }
    /* fcp's figures (its README's machine) at an OpenSSL rate of 7.0 GB/s, scaled to this run's. */
    static const struct {
        unsigned bits;
        double fcp_s;
    } fcp[] = {{9, 0.32}, {25, 0.38}, {41, 0.63}, {53, 0.62}, {62, 0.81}};
    char name[64];
    char more[256] = "";
    for (size_t i = 0; i < sizeof fcp / sizeof fcp[0] && !quick; i++) {
        if (fcp[i].bits == bits) {
            double scaled = fcp[i].fcp_s * 7.0 / openssl;
            (void)snprintf(more, sizeof more,
                           ", \"peers\": {\"fcp_scaled\": %.4g}, \"ratio\": {\"fcp_scaled\": %.3g}",
                           scaled, scaled / bench_quantile(&values, 0.5));
        }
    }
    (void)snprintf(name, sizeof name, "expand_128x%s_%u", quick ? "64k" : "1m", bits);
    bench_print("mask", name, &values, "s", more, ok);
    sotto_free(vector);
}

static void bench_mask_add(double openssl, bool quick)
{
    struct sotto_vector_run run = {4, quick ? 1 << 18 : 1 << 22};
    size_t bytes = run.element_bytes * run.elements_len;
    uint8_t *vector = sotto_alloc_aligned(bytes);
    struct sotto__mask_key keys[16];
    struct bench_values values = {0};
    char more[256];
    fill_keys(keys, 16);
    bool ok = vector != NULL && masks_cancel(vector, &run, bytes, keys, 16);
    for (size_t i = 0; ok && i < runs_wanted; i++) {
        double start = bench_now_s();
        ok = sotto__mask_apply(vector, &run, 1, keys, 16) == SOTTO_OK;
        bench_add(&values, (double)bytes * 16 / (bench_now_s() - start) * 1e-9);
    }
    (void)snprintf(more, sizeof more,
                   ", \"library\": \"%s\", \"peers\": {\"openssl_ctr\": %.4g}, \"ratio\": "
                   "{\"openssl_ctr\": %.3g}",
                   sotto__keystream_library(bytes * 16)->name, openssl,
                   bench_quantile(&values, 0.5) / openssl);
    bench_print("mask", "mask_add", &values, "GB/s", more, ok);
    sotto_free(vector);
}

/* Sums of vectors, against a loop that adds bytes with carries. */
static bool sum_is_right(const uint8_t *before, const uint8_t *addend, const uint8_t *after,
                         const struct sotto_vector_run *run)
{
    size_t width = run->element_bytes;
    for (size_t i = 0; i < run->elements_len; i += 1 + run->elements_len / 1000) {
        unsigned carry = 0;
        for (size_t b = 0; b < width; b++) {
            carry += (unsigned)before[i * width + b] + addend[i * width + b];
            if ((carry & 0xff) != after[i * width + b]) {
                return false;
            }
            carry >>= 8;
        }
    }
    return true;
}

static void bench_add_vectors(size_t elements, unsigned bits)
{
    struct sotto_vector_run run = {element_bytes(bits), elements};
    size_t bytes = run.element_bytes * elements;
    uint8_t *vector = sotto_alloc_aligned(bytes);
    uint8_t *before = sotto_alloc_aligned(bytes);
    uint8_t *addend = sotto_alloc_aligned(bytes);
    struct bench_values values = {0};
    bool ok = vector != NULL && before != NULL && addend != NULL;
    for (size_t i = 0; ok && i < bytes; i++) {
        before[i] = (uint8_t)(i * 131 + 7);
        addend[i] = (uint8_t)(i * 29 + 1);
    }
    size_t repeats = elements < 100000 ? 1000000 / elements + 1 : 1;
    for (size_t i = 0; ok && i < runs_wanted; i++) {
        memcpy(vector, before, bytes);
        double start = bench_now_s();
        for (size_t r = 0; r < repeats; r++) {
            sotto_vector_add(vector, addend, &run, 1);
        }
        bench_add(&values, (bench_now_s() - start) / (double)repeats * 1e3);
    }
    if (ok) {
        memcpy(vector, before, bytes);
        sotto_vector_add(vector, addend, &run, 1);
        ok = sum_is_right(before, addend, vector, &run);
    }
    char name[64];
    (void)snprintf(name, sizeof name, "add_%zu_%u", elements, bits);
    bench_print("mask", name, &values, "ms", "", ok);
    sotto_free(vector);
    sotto_free(before);
    sotto_free(addend);
}

int main(int argc, char **argv)
{
    static const unsigned expand_bits[] = {9, 25, 41, 53, 62};
    static const unsigned add_bits[] = {8, 25, 38, 53, 62};
    static const size_t add_elements[] = {32, 1024, 32768, 1048576, 33554432};
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (sotto_init() != SOTTO_OK || argc > (quick ? 2 : 1)) {
        (void)fprintf(stderr, "usage: bench_mask [--quick]\n");
        return 2;
    }
    runs_wanted = quick ? 5 : 9;
    omp_set_num_threads(1); /* figures are per core */
    double openssl = openssl_gbps();
    bench_mask_add(openssl, quick);
    for (size_t i = 0; i < 5; i++) {
        bench_expand(expand_bits[i], openssl, quick);
    }
    for (size_t e = 0; e < (quick ? 3 : 5); e++) {
        for (size_t i = 0; i < 5; i++) {
            bench_add_vectors(add_elements[e], add_bits[i]);
        }
    }
    return 0;
}
