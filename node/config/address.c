/* SPDX-License-Identifier: Apache-2.0 */

/* HOST:PORT and URLs, parsed and nothing else: no name is looked up. The idea: what a person types
 * here is copied into other nodes' files, so an address that nobody could call (0.0.0.0, a port
 * alone, half a numeric address) is refused where it is typed. */

#include "config/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_"
#define LABEL_BYTES_MAX 63 /* RFC 1035 */

/* Parts of letters, digits and hyphens with points between them. A name whose last part is a number
 * would be a numeric address cut short, or a port without its host. */
static bool is_host_name(const char *text)
{
    for (const char *label = text;;) {
        size_t bytes = strspn(label, NAME_CHARACTERS);
        bool is_last = label[bytes] == '\0';
        if (bytes == 0 || bytes > LABEL_BYTES_MAX || label[0] == '-' || label[bytes - 1] == '-' ||
            (!is_last && label[bytes] != '.')) {
            return false;
        }
        if (is_last) {
            return strspn(label, DIGITS) != bytes;
        }
        label += bytes + 1;
    }
}

static bool is_host(const struct address *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (address->is_v6) {
        return inet_pton(AF_INET6, address->host, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6);
    }
    if (inet_pton(AF_INET, address->host, &v4) == 1) {
        return v4.s_addr != INADDR_ANY;
    }
    return is_host_name(address->host);
}

static bool is_port(const char *text)
{
    size_t bytes = strlen(text);
    unsigned long port = strtoul(text, NULL, 10);
    return bytes > 0 && strspn(text, DIGITS) == bytes && port >= 1 && port <= UINT16_MAX;
}

bool address_parse(struct address *out, const char *text, size_t text_bytes)
{
    struct address address = {.is_v6 = text_bytes > 0 && text[0] == '['};
    const char *host = text + address.is_v6;
    const char *end = text + text_bytes;
    const char *stop = memchr(text, address.is_v6 ? ']' : ':', text_bytes);
    if (stop == NULL && address.is_v6) {
        return false;
    }
    stop = stop != NULL ? stop : end;
    const char *rest = stop + address.is_v6;
    size_t port_bytes = rest < end ? (size_t)(end - rest) - 1 : 0;
    if ((size_t)(stop - host) >= sizeof address.host || port_bytes >= sizeof address.port ||
        memchr(text, 0, text_bytes) != NULL) {
        return false;
    }
    memcpy(address.host, host, (size_t)(stop - host));
    if (rest < end) {
        memcpy(address.port, rest + 1, port_bytes);
    }
    if (!is_host(&address) || (rest < end && (*rest != ':' || !is_port(address.port)))) {
        return false;
    }
    *out = address;
    return true;
}

bool address_is_url(const char *text)
{
    struct address address;
    size_t scheme_bytes = strncmp(text, "http://", 7) == 0    ? 7
                          : strncmp(text, "https://", 8) == 0 ? 8
                                                              : 0;
    const char *at = text + scheme_bytes;
    size_t bytes = strcspn(at, "/");
    for (const char *p = at + bytes; *p != '\0'; p++) {
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7F || strchr("?#\"\\", *p)) {
            return false;
        }
    }
    return scheme_bytes > 0 && address_parse(&address, at, bytes);
}
