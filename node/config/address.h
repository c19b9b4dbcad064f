/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_ADDRESS_H
#define SOTTO_NODE_ADDRESS_H

/* Where others are called: a host and a port, as texts. What listens is config_parse_listen's. */

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_HOST_BYTES 256
#define ADDRESS_PORT_BYTES 6

/* What an error says was expected. */
#define ADDRESS_EXPECTED                                                                           \
    "a host's name or numeric address that others can call, and a port, such as "                  \
    "acorn.example:6701 or [2001:db8::1]:6701"
#define ADDRESS_URL_EXPECTED "http:// or https://, and " ADDRESS_EXPECTED

struct address {
    char host[ADDRESS_HOST_BYTES]; /* of IPv6 without brackets */
    char port[ADDRESS_PORT_BYTES]; /* "" where there is none */
    bool is_v6;
};

/* Parses HOST or HOST:PORT. A host is a name whose last part is not a number, or an address that is
 * not "any"; IPv6 stands in brackets. A port is 1 to 65535. Returns: whether text is that. */
bool address_parse(struct address *out, const char *text, size_t text_bytes);

/* Whether text is http:// or https://, such an address, and perhaps a path. */
bool address_is_url(const char *text);

#endif
