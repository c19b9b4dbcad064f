/* SPDX-License-Identifier: Apache-2.0 */

/* A node's self-signed certificate and the hash that pins it, on OpenSSL. The idea: peers know the
 * public key by its hash, so names, signers and dates in the certificate prove nothing and only
 * have to satisfy libraries. */

#include "config/certificate.h"

#include "config/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The certificate is pinned, so its last day has no meaning; ten years spare people a surprise. */
#define VALID_SECONDS (10L * 365 * 24 * 3600)

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* Of the host, and of what a machine calls itself: commands in a node's folder call it there. */
static bool fill_certificate(X509 *cert, EVP_PKEY *key, const char *host)
{
    char name[ADDRESS_HOST_BYTES + 64];
    uint64_t serial = 0;
    struct in6_addr address;
    bool is_address =
        inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address);
    X509_NAME *subject = X509_get_subject_name(cert);
    (void)snprintf(name, sizeof name, "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
                   is_address ? "IP" : "DNS", host);
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1 &&
           X509_set_version(cert, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"sotto",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, NID_subject_alt_name, name) &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Opens a new file for writing. Returns: NULL, and err is set, if it is there already. */
static FILE *create_file(const char *path, mode_t mode, struct sotto_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        enum sotto_status status = errno == EEXIST ? SOTTO_ERROR_STATE : SOTTO_ERROR_IO;
        (void)sotto_error_set(err, status, "%s: %s", path,
                              errno == EEXIST ? "is there already and is not overwritten"
                                              : strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return file;
}

enum sotto_status certificate_create(const char *cert_path, const char *key_path, const char *host,
                                     struct sotto_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *key_file = NULL;
    FILE *cert_file = NULL;
    enum sotto_status status = SOTTO_OK;
    if (key == NULL || cert == NULL || !fill_certificate(cert, key, host)) {
        status =
            sotto_error_set(err, SOTTO_ERROR_INPUT,
                            "no certificate for \"%s\": expected a host's name or address", host);
        goto out;
    }
    key_file = create_file(key_path, 0600, err);
    cert_file = key_file != NULL ? create_file(cert_path, 0644, err) : NULL;
    if (cert_file == NULL) {
        status = err != NULL ? err->status : SOTTO_ERROR_IO;
        goto out;
    }
    if (PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_X509(cert_file, cert) != 1 || fflush(key_file) != 0 || fflush(cert_file) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: can't be written", key_path);
    }
out:
    if (key_file != NULL && fclose(key_file) != 0 && status == SOTTO_OK) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", key_path, strerror(errno));
    }
    if (cert_file != NULL && fclose(cert_file) != 0 && status == SOTTO_OK) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", cert_path, strerror(errno));
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return status;
}

enum sotto_status certificate_pin(uint8_t out[CONFIG_PIN_BYTES], const char *cert_path,
                                  struct sotto_error *err)
{
    FILE *file = fopen(cert_path, "re");
    if (file == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", cert_path, strerror(errno));
    }
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    unsigned char *der = NULL;
    int der_bytes = cert != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
    enum sotto_status status = SOTTO_OK;
    if (der_bytes > 0) {
        (void)SHA256(der, (size_t)der_bytes, out);
    } else {
        status =
            sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: expected a certificate (PEM)", cert_path);
    }
    OPENSSL_free(der);
    X509_free(cert);
    return status;
}

static FILE *open_pem(const char *path, struct sotto_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    return file;
}

static enum sotto_status check_pair(int *out_days, X509 *cert, EVP_PKEY *key, const char *cert_path,
                                    const char *key_path, struct sotto_error *err)
{
    int days = 0;
    int seconds = 0;
    if (cert == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: expected a certificate (PEM)",
                               cert_path);
    }
    if (key == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: expected a private key (PEM)",
                               key_path);
    }
    if (X509_check_private_key(cert, key) != 1) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s is not the certificate of %s", cert_path,
                               key_path);
    }
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: its last day can't be read", cert_path);
    }
    *out_days = days < 0 || seconds < 0 ? (days < 0 ? days : -1) : days;
    return SOTTO_OK;
}

enum sotto_status certificate_check(int *out_days, const char *cert_path, const char *key_path,
                                    struct sotto_error *err)
{
    FILE *cert_file = open_pem(cert_path, err);
    FILE *key_file = cert_file != NULL ? open_pem(key_path, err) : NULL;
    enum sotto_status status = SOTTO_ERROR_IO;
    if (cert_file != NULL && key_file != NULL) {
        X509 *cert = PEM_read_X509(cert_file, NULL, NULL, NULL);
        char password[] = ""; /* so that nobody is asked for one at a terminal */
        EVP_PKEY *key = PEM_read_PrivateKey(key_file, NULL, NULL, password);
        status = check_pair(out_days, cert, key, cert_path, key_path, err);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    if (cert_file != NULL) {
        (void)fclose(cert_file);
    }
    if (key_file != NULL) {
        (void)fclose(key_file);
    }
    return status;
}
