/* SPDX-License-Identifier: Apache-2.0 */

/* The line that makes two nodes known to each other, written and read; leans on libsodium. The
 * idea: whatever is in it ends up in somebody's node.yaml, so it may hold nothing that is special
 * in YAML, and its hash in digits shows whether anybody changed it on its way. */

#include "config/contact.h"

#include "config/address.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define DIGIT_GROUPS 6
#define FIELDS_LEN 5
#define SPECIAL "\"'#{}&*!|>%@`\\"

void pin_to_text(char out[PIN_TEXT_BYTES], const uint8_t pin[CONFIG_PIN_BYTES])
{
    (void)sodium_bin2base64(out, PIN_TEXT_BYTES, pin, CONFIG_PIN_BYTES, BASE64);
}

void contact_write(char out[CONTACT_TEXT_BYTES], const struct contact *contact)
{
    char key[PIN_TEXT_BYTES];
    char pin[PIN_TEXT_BYTES] = "";
    (void)sodium_bin2base64(key, sizeof key, contact->key.bytes, sizeof contact->key.bytes, BASE64);
    if (contact->has_pin) {
        pin_to_text(pin, contact->pin);
    }
    (void)snprintf(out, CONTACT_TEXT_BYTES, "sotto1,%s,%s,%s,%s", contact->name, key, contact->url,
                   pin);
}

static bool decode_bytes(uint8_t out[32], const char *text, size_t text_bytes)
{
    size_t bytes = 0;
    const char *end = NULL;
    return sodium_base642bin(out, 32, text, text_bytes, NULL, &bytes, &end, BASE64) == 0 &&
           bytes == 32 && end == text + text_bytes;
}

static enum sotto_status refuse_contact(struct sotto_error *err, const char *what)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "this is not the line of a node: %s. Expected what `sotto init --show` "
                           "prints there, as it is: sotto1,NAME,KEY,...",
                           what);
}

/* Copies a field. Returns: false, and *out is empty, if it does not fit or holds a blank, a control
 * character or one of special. */
static bool copy_field(char *out, size_t out_bytes, const char *field, size_t bytes,
                       const char *special)
{
    bool good = bytes < out_bytes;
    for (size_t i = 0; good && i < bytes; i++) {
        unsigned char c = (unsigned char)field[i];
        good = c > 0x20 && c != 0x7F && strchr(special, c) == NULL;
        out[i] = (char)c;
    }
    out[good ? bytes : 0] = '\0';
    return good;
}

enum sotto_status contact_read(struct contact *out, const char *text, struct sotto_error *err)
{
    const char *fields[FIELDS_LEN];
    size_t bytes[FIELDS_LEN];
    struct contact contact = {.has_pin = false};
    const char *at = text;
    for (size_t i = 0; i < FIELDS_LEN; i++) {
        fields[i] = at;
        bytes[i] = strcspn(at, ",");
        at += bytes[i];
        if ((*at == ',') != (i + 1 < FIELDS_LEN)) {
            return refuse_contact(err, "it has not five parts with commas between them");
        }
        at += i + 1 < FIELDS_LEN;
    }
    if (bytes[0] != 6 || strncmp(fields[0], "sotto1", 6) != 0) {
        return refuse_contact(err, "it does not begin with sotto1");
    }
    if (bytes[1] == 0 ||
        !copy_field(contact.name, sizeof contact.name, fields[1], bytes[1], SPECIAL "[]")) {
        return refuse_contact(err, "its name");
    }
    if (!decode_bytes(contact.key.bytes, fields[2], bytes[2])) {
        return refuse_contact(err, "its key");
    }
    bool is_https = strncmp(fields[3], "https://", 8) == 0;
    if (!copy_field(contact.url, sizeof contact.url, fields[3], bytes[3], SPECIAL) ||
        (bytes[3] > 0 && !address_is_url(contact.url))) {
        return refuse_contact(err, "its address");
    }
    contact.has_pin = bytes[4] > 0;
    if (contact.has_pin && (!is_https || !decode_bytes(contact.pin, fields[4], bytes[4]))) {
        return refuse_contact(err, "the hash of its certificate");
    }
    *out = contact;
    return SOTTO_OK;
}

void contact_digits(char out[CONTACT_DIGITS_BYTES], const char *text)
{
    static const char label[] = "sotto contact";
    uint8_t hash[8 * DIGIT_GROUPS];
    size_t used = 0;
    (void)crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text),
                             (const unsigned char *)label, sizeof label);
    for (size_t i = 0; i < DIGIT_GROUPS; i++) {
        uint64_t word = 0;
        for (size_t j = 0; j < 8; j++) {
            word = word << 8 | hash[8 * i + j];
        }
        used += (size_t)snprintf(out + used, CONTACT_DIGITS_BYTES - used, "%s%05u",
                                 i > 0 ? " " : "", (unsigned)(word % 100000));
    }
}
