/* SPDX-License-Identifier: Apache-2.0 */

/* AES-256-CTR keystreams from the fastest library at hand. Leans on OpenSSL's libcrypto, which is
 * everywhere, and on intel-ipsec-mb, which is looked for when the program runs.
 *
 * The idea: the bytes are the same whoever makes them, so the choice is a matter of speed alone,
 * and parties of one session may choose differently.
 *
 * 1. PRG(key) is AES-256-CTR (PROTOCOL.md, MASKED). A counter block is 12 zero bytes and the number
 *    of the block, 32 bits, big endian; byte `offset` of the stream is in block offset / 16. Any
 *    part of a stream can be made without what stands before it, which is how chunks go to threads.
 *
 * 2. The nonce is zero because a key makes one stream in its life: K takes in the session and the
 *    keys of both parties, and a session masks one vector.
 *
 * 3. The counter never wraps. A vector has at most 240 MiB, which are below 2^24 blocks (asserted
 *    in mask.c, and required in write_counter). Wrapping would be wrong twice: the stream would
 *    begin again from 0, and the difference of two masked elements would be the difference of two
 *    inputs; and libraries don't agree on it, since OpenSSL counts in 128 bits and ipsec-mb in 32,
 *    so that masks would not cancel.
 *
 * 4. ipsec-mb pays from 4 MiB of keystream on; below, its manager costs more to start than it
 *    saves. It is loaded once for the process, and only if it is no older than its header.
 *
 * 5. CT: where the CPU has AES instructions, which both libraries then use; elsewhere it is as good
 *    as OpenSSL's software. Key schedules are wiped: by EVP_CIPHER_CTX_free, and by ipsec_stop. */

#include "vector/vector.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

#ifdef SOTTO_HAVE_IPSEC_MB
#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#endif

/* Below this many bytes of keystream in all, starting a manager of ipsec-mb costs more than it
 * saves. */
#define LONG_WORK_BYTES ((size_t)4 * 1024 * 1024)

/* What is encrypted: the keystream is what comes out. */
static const uint8_t zeros[SOTTO__KEYSTREAM_BYTES_MAX + 16];

/* The counter block of a byte offset (steps 1 and 3). */
static void write_counter(uint8_t out[16], uint64_t offset)
{
    uint64_t block = offset / 16;
    SOTTO_REQUIRE(offset % 16 == 0 && block <= UINT32_MAX);
    memset(out, 0, 16);
    for (size_t i = 0; i < 4; i++) {
        out[15 - i] = (uint8_t)(block >> (8 * i));
    }
}

/* --- OpenSSL --- */

/* A new key and counter for the cipher that openssl_start chose: OpenSSL allocates nothing here,
 * but may say that it failed. */
static enum sotto_status openssl_make(void *state, uint8_t *out, size_t bytes,
                                      const uint8_t key[SOTTO__MASK_KEY_BYTES], uint64_t offset)
{
    uint8_t block[16];
    int made = 0;
    write_counter(block, offset);
    if (EVP_EncryptInit_ex(state, NULL, NULL, key, block) != 1 ||
        EVP_EncryptUpdate(state, out, &made, zeros, (int)bytes) != 1 || (size_t)made != bytes) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

static void *openssl_start(void)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_256_ctr(), NULL, NULL, NULL) != 1) {
        EVP_CIPHER_CTX_free(cipher);
        cipher = NULL;
    }
    return cipher;
}

static void openssl_stop(void *state)
{
    EVP_CIPHER_CTX_free(state);
}

static const struct sotto__keystream_library openssl = {"openssl", openssl_start, openssl_make,
                                                        openssl_stop};

/* --- intel-ipsec-mb, if it is there --- */

#ifdef SOTTO_HAVE_IPSEC_MB

static IMB_MGR *(*ipsec_alloc)(uint64_t flags);
static void (*ipsec_init)(IMB_MGR *manager, IMB_ARCH *arch);
static void (*ipsec_free)(IMB_MGR *manager);

/* Both key schedules, of which counter mode needs the one for encryption, as the library aligns
 * them. */
struct ipsec_state {
    _Alignas(64) uint32_t schedule[60];
    _Alignas(64) uint32_t decryption[60];
    IMB_MGR *manager;
};

static void ipsec_stop(void *state)
{
    struct ipsec_state *ipsec = state;
    if (ipsec->manager != NULL) {
        ipsec_free(ipsec->manager);
    }
    sotto_wipe(ipsec, sizeof *ipsec);
    sotto_free(ipsec);
}

static void *ipsec_start(void)
{
    struct ipsec_state *ipsec = sotto_alloc_aligned(sizeof *ipsec);
    if (ipsec == NULL) {
        return NULL;
    }
    ipsec->manager = ipsec_alloc(0);
    if (ipsec->manager == NULL) {
        ipsec_stop(ipsec);
        return NULL;
    }
    ipsec_init(ipsec->manager, NULL);
    return ipsec;
}

static enum sotto_status ipsec_make(void *state, uint8_t *out, size_t bytes,
                                    const uint8_t key[SOTTO__MASK_KEY_BYTES], uint64_t offset)
{
    struct ipsec_state *ipsec = state;
    uint8_t block[16];
    write_counter(block, offset);
    IMB_AES_KEYEXP_256(ipsec->manager, key, ipsec->schedule, ipsec->decryption);
    IMB_JOB *job = IMB_GET_NEXT_JOB(ipsec->manager);
    job->cipher_mode = IMB_CIPHER_CNTR;
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->chain_order = IMB_ORDER_CIPHER_HASH;
    job->hash_alg = IMB_AUTH_NULL;
    job->src = zeros;
    job->dst = out;
    job->cipher_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = bytes;
    job->iv = block;
    job->iv_len_in_bytes = sizeof block;
    job->enc_keys = ipsec->schedule;
    job->dec_keys = ipsec->schedule;
    job->key_len_in_bytes = SOTTO__MASK_KEY_BYTES;
    job = IMB_SUBMIT_JOB(ipsec->manager);
    return job != NULL && job->status == IMB_STATUS_COMPLETED ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static const struct sotto__keystream_library ipsec = {"ipsec-mb", ipsec_start, ipsec_make,
                                                      ipsec_stop};

/* Finds a function. POSIX lets dlsym's result stand for a function; ISO C does not say how. */
static bool ipsec_symbol(void *library, const char *name, void *out_function)
{
    void *symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* Returns: false if the library is not there, or is older than its header. It is never unloaded. */
static bool ipsec_load(void)
{
    unsigned (*version)(void);
    void *library = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
    /* The manager's layout belongs to the version that this was compiled against, and grows at its
     * end within a major one. */
    return library != NULL && ipsec_symbol(library, "imb_get_version", &version) &&
           version() >= IMB_VERSION_NUM && ipsec_symbol(library, "alloc_mb_mgr", &ipsec_alloc) &&
           ipsec_symbol(library, "init_mb_mgr_auto", &ipsec_init) &&
           ipsec_symbol(library, "free_mb_mgr", &ipsec_free);
}
#endif

/* --- Choosing --- */

static const struct sotto__keystream_library *long_library = &openssl;
static pthread_once_t long_library_once = PTHREAD_ONCE_INIT;

static void choose_long_library(void)
{
#ifdef SOTTO_HAVE_IPSEC_MB
    if (ipsec_load()) {
        long_library = &ipsec;
    }
#endif
}

const struct sotto__keystream_library *sotto__keystream_library(size_t total_bytes)
{
    if (total_bytes < LONG_WORK_BYTES) {
        return &openssl;
    }
    (void)pthread_once(&long_library_once, choose_long_library);
    return long_library;
}
