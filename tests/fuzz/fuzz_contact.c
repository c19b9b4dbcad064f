/* SPDX-License-Identifier: Apache-2.0 */
/* The line of a node: what is taken is written again as it was, up to how base64 is spelt. */
#include "node/config/contact.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct contact contact;
    struct contact again;
    struct sotto_error err;
    char line[CONTACT_TEXT_BYTES];
    char digits[CONTACT_DIGITS_BYTES];
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    char *text = sotto_text_copy((const char *)data, size);
    SOTTO_REQUIRE(text != NULL);
    contact_digits(digits, text);
    SOTTO_REQUIRE(strlen(digits) == CONTACT_DIGITS_BYTES - 1);
    if (contact_read(&contact, text, &err) == SOTTO_OK) {
        contact_write(line, &contact);
        SOTTO_REQUIRE(contact_read(&again, line, &err) == SOTTO_OK);
        SOTTO_REQUIRE(memcmp(&again.key, &contact.key, sizeof again.key) == 0 &&
                      strcmp(again.name, contact.name) == 0 && strcmp(again.url, contact.url) == 0);
        SOTTO_REQUIRE(strpbrk(contact.name, " \"'\n:#[]{}") == NULL || strchr(contact.name, ':'));
    }
    sotto_free(text);
    return 0;
}
