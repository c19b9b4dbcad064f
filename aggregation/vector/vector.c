/* SPDX-License-Identifier: Apache-2.0 */

/* Vectors: elements packed one after the other, little endian, each modulo 2^(8 element_bytes).
 * Leans on the kernels of vector_kernels.h, of which the CPU's are chosen.
 *
 * The idea: the wire format is the format in memory, so a vector of hundreds of megabytes is
 * masked, sent and summed where it lies. */

#include "vector/vector.h"

#include <sotto/cpu.h>

enum sotto_status sotto_vector_bytes(size_t *out, const struct sotto_vector_run *runs,
                                     size_t runs_len)
{
    size_t bytes = 0;
    for (size_t k = 0; k < runs_len; k++) {
        size_t width = runs[k].element_bytes;
        /* 32 and 40 bits, or whole words of 64. */
        bool known = width == 4 || width == 5 ||
                     (width > 0 && width % 8 == 0 && width <= SOTTO_ELEMENT_BYTES_MAX);
        size_t run_bytes;
        if (!known || runs[k].elements_len == 0 ||
            __builtin_mul_overflow(width, runs[k].elements_len, &run_bytes) ||
            __builtin_add_overflow(bytes, run_bytes, &bytes) || bytes > SOTTO_VECTOR_BYTES_MAX) {
            return SOTTO_ERROR_LIMIT;
        }
    }
    *out = bytes;
    return runs_len > 0 ? SOTTO_OK : SOTTO_ERROR_LIMIT;
}

const struct sotto__vector_ops *sotto__vector_ops(void)
{
    switch (sotto_cpu_level()) {
#if defined(__x86_64__)
    case SOTTO_CPU_AVX512:
        return &sotto__vector_ops_avx512;
    case SOTTO_CPU_AVX2:
        return &sotto__vector_ops_avx2;
#endif
    default:
        return &sotto__vector_ops_generic;
    }
}

void sotto__elements_add(uint8_t *vector, const uint8_t *addend, size_t element_bytes,
                         size_t elements_len, enum sotto__sign sign)
{
    const struct sotto__vector_ops *ops = sotto__vector_ops();
    switch (element_bytes) {
    case 4:
        ops->of_32[sign](vector, addend, elements_len);
        return;
    case 5:
        ops->of_40[sign](vector, addend, elements_len);
        return;
    case 8:
        ops->of_64[sign](vector, addend, elements_len);
        return;
    default:
        for (size_t i = 0; i < elements_len; i++) {
            ops->of_words[sign](vector + i * element_bytes, addend + i * element_bytes,
                                element_bytes / 8);
        }
    }
}

void sotto_vector_add(uint8_t *vector, const uint8_t *addend, const struct sotto_vector_run *runs,
                      size_t runs_len)
{
    for (size_t k = 0; k < runs_len; k++) {
        /* Blocks of 256 KiB or so: vectors of any length on all threads, short ones on this one. */
        size_t width = runs[k].element_bytes;
        size_t block_len = (size_t)256 * 1024 / width + 1;
        size_t blocks = (runs[k].elements_len + block_len - 1) / block_len;
#pragma omp parallel for schedule(static) if (blocks > 8)
        for (size_t b = 0; b < blocks; b++) {
            size_t first = b * block_len;
            size_t left = runs[k].elements_len - first;
            sotto__elements_add(vector + first * width, addend + first * width, width,
                                left < block_len ? left : block_len, SOTTO__MASK_ADD);
        }
        vector += width * runs[k].elements_len;
        addend += width * runs[k].elements_len;
    }
}
