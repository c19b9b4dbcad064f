/* SPDX-License-Identifier: Apache-2.0 */

/* Passwords in what drivers say. The idea: errors of a driver are shown to their owner whole, but
 * logs are read by more people than a file of mode 600; who knows the URI knows what to look for.
 */

#include "source/location.h"

#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARS "***"
#define PASSWORD_BYTES_MAX 1024

static void hide_text(const char *text, struct sotto_error *in_out)
{
    size_t bytes = strlen(text);
    char *found = bytes > 0 ? strstr(in_out->text, text) : NULL;
    while (found != NULL) {
        char rest[SOTTO_ERROR_TEXT_BYTES];
        size_t room = sizeof in_out->text - (size_t)(found - in_out->text);
        (void)snprintf(rest, sizeof rest, "%s", found + bytes);
        (void)snprintf(found, room, STARS "%s", rest);
        found = strlen(found) > strlen(STARS) ? strstr(found + strlen(STARS), text) : NULL;
    }
}

/* Hides a password as it is written, and with its %40 read as @. */
static void hide_password(const char *text, size_t bytes, struct sotto_error *in_out)
{
    char plain[PASSWORD_BYTES_MAX];
    if (bytes >= sizeof plain) {
        return;
    }
    memcpy(plain, text, bytes);
    plain[bytes] = '\0';
    hide_text(plain, in_out);
    size_t len = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '%' && i + 2 < bytes) {
            const char digits[] = {text[i + 1], text[i + 2], '\0'};
            plain[len++] = (char)strtoul(digits, NULL, 16);
            i += 2;
        } else {
            plain[len++] = text[i];
        }
    }
    plain[len] = '\0';
    hide_text(plain, in_out);
    sotto_wipe(plain, sizeof plain);
}

void source_location_hide(const struct source_location *location, struct sotto_error *in_out)
{
    static const char parameter[] = "password=";
    const char *uri = location->secret;
    const char *host = uri != NULL ? strstr(uri, "//") : NULL;
    if (host == NULL || in_out == NULL) {
        return;
    }
    hide_text(uri, in_out);
    const char *at = strchr(host, '@');
    const char *colon = strchr(host, ':');
    if (at != NULL && colon != NULL && colon < at) {
        hide_password(colon + 1, (size_t)(at - colon) - 1, in_out);
    }
    while ((uri = strstr(uri, parameter)) != NULL) {
        uri += sizeof parameter - 1;
        hide_password(uri, strcspn(uri, "&"), in_out);
    }
}
