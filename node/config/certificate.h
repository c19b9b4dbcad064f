/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CERTIFICATE_H
#define SOTTO_NODE_CERTIFICATE_H

/* A node's own certificate, which others know by the hash of its public key. */

#include "config/config.h"

/* Makes a key (mode 0600) and a certificate for host, a name or an address. Never overwrites.
 * Returns: SOTTO_ERROR_STATE if a file exists, SOTTO_ERROR_IO. */
enum sotto_status certificate_create(const char *cert_path, const char *key_path, const char *host,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* SHA-256 of the public key of the first certificate in a file. */
enum sotto_status certificate_pin(uint8_t out[CONFIG_PIN_BYTES], const char *cert_path,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Whether the first certificate in a file is of the key in the other one, and how long it holds:
 * *out_days, below 0 where it is over. Returns: SOTTO_ERROR_IO, SOTTO_ERROR_INPUT. */
enum sotto_status certificate_check(int *out_days, const char *cert_path, const char *key_path,
                                    struct sotto_error *err) SOTTO_NODISCARD;

#endif
