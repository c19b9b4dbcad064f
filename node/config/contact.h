/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CONTACT_H
#define SOTTO_NODE_CONTACT_H

/* How nodes get to know each other: one text that holds a name, a key, an address and what the
 * certificate there must be, and some digits of its hash that people read to each other.
 *
 *     sotto1,acorn,KEY,https://acorn.example:6701,PIN
 *
 * KEY and PIN are 32 bytes in base64 as URLs have it. A node that nobody calls has neither address
 * nor PIN; one without TLS has no PIN. */

#include "config/config.h"

#define CONTACT_TEXT_BYTES 700
#define CONTACT_DIGITS_BYTES 36 /* "12345 12345 12345 12345 12345 12345" */
#define PIN_TEXT_BYTES 44

struct contact {
    char name[65];
    struct sotto_key key;
    char url[401]; /* empty: it calls others */
    bool has_pin;
    uint8_t pin[CONFIG_PIN_BYTES];
};

/* Writes the line. Its texts are those that contact_read takes, or were checked by config_load. */
void contact_write(char out[CONTACT_TEXT_BYTES], const struct contact *contact);

/* Returns: SOTTO_ERROR_INPUT and what is wrong with the text. */
enum sotto_status contact_read(struct contact *out, const char *text,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* What two people compare: 99 bits of a hash of the text. */
void contact_digits(char out[CONTACT_DIGITS_BYTES], const char *text);

/* The hash of a public key as node.yaml and the line have it. */
void pin_to_text(char out[PIN_TEXT_BYTES], const uint8_t pin[CONFIG_PIN_BYTES]);

#endif
