/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-CTR keystreams from the fastest library at hand: intel-ipsec-mb where it is installed and
 * the work is long enough to pay for starting it, OpenSSL's libcrypto everywhere. The bytes are the
 * same. */
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

static const uint8_t zeros[SOTTO__KEYSTREAM_BYTES_MAX + 16];

/* The counter block of a byte offset: a zero nonce and a big-endian 32-bit block number. */
static void counter_block(uint8_t out[16], uint64_t offset)
{
    uint64_t block = offset / 16;
    SOTTO_REQUIRE(offset % 16 == 0 && block <= UINT32_MAX);
    memset(out, 0, 16);
    for (size_t i = 0; i < 4; i++) {
        out[15 - i] = (uint8_t)(block >> (8 * i));
    }
}

/* --- OpenSSL --- */

static enum sotto_status openssl_make(void *state, uint8_t *out, size_t bytes,
                                      const uint8_t key[32], uint64_t offset)
{
    uint8_t block[16];
    int made = 0;
    counter_block(block, offset);
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

static enum sotto_status ipsec_make(void *state, uint8_t *out, size_t bytes, const uint8_t key[32],
                                    uint64_t offset)
{
    struct ipsec_state *ipsec = state;
    uint8_t block[16];
    counter_block(block, offset);
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
    job->key_len_in_bytes = 32;
    job = IMB_SUBMIT_JOB(ipsec->manager);
    return job != NULL && job->status == IMB_STATUS_COMPLETED ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static const struct sotto__keystream_library ipsec = {"ipsec-mb", ipsec_start, ipsec_make,
                                                      ipsec_stop};

/* POSIX lets dlsym's result stand for a function; ISO C does not say how. */
static bool ipsec_symbol(void *library, const char *name, void *out_function)
{
    void *symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

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
