/* SPDX-License-Identifier: Apache-2.0 */

/* The proxy that libcurl takes from the environment, in words: a call that fails because a proxy is
 * dead looks as if the peer were down. Leans on getenv.
 *
 * The idea: libcurl tells which proxy it used only in versions that Debian does not have yet, so
 * its rules are applied here once more. They are few: the scheme's variable, then that for all,
 * unless no_proxy names the host. This is for a message alone; nothing is called by it. */

#include "config/proxy.h"

#include "config/address.h"
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATTERN_BYTES 256

/* Whether an IPv4 address is in a net, 192.0.2.0/24. */
static bool is_in_net(const char *host, const char *net)
{
    char base[INET_ADDRSTRLEN];
    struct in_addr a;
    struct in_addr b;
    const char *slash = strchr(net, '/');
    size_t bytes = slash != NULL ? (size_t)(slash - net) : sizeof base;
    if (bytes >= sizeof base || strspn(slash + 1, "0123456789") != strlen(slash + 1)) {
        return false;
    }
    memcpy(base, net, bytes);
    base[bytes] = '\0';
    unsigned long bits = strtoul(slash + 1, NULL, 10);
    if (bits == 0 || bits > 32 || inet_pton(AF_INET, host, &a) != 1 ||
        inet_pton(AF_INET, base, &b) != 1) {
        return false;
    }
    uint32_t mask = UINT32_MAX << (32 - bits);
    return ((ntohl(a.s_addr) ^ ntohl(b.s_addr)) & mask) == 0;
}

/* Whether a pattern of no_proxy names the host: itself, a domain that it is in, a net. */
static bool matches(const char *host, const char *pattern)
{
    size_t host_bytes = strlen(host);
    pattern += *pattern == '.';
    size_t bytes = strlen(pattern);
    if (strcmp(pattern, "*") == 0 || is_in_net(host, pattern)) {
        return true;
    }
    return bytes > 0 && bytes <= host_bytes &&
           strcasecmp(host + host_bytes - bytes, pattern) == 0 &&
           (bytes == host_bytes || host[host_bytes - bytes - 1] == '.');
}

static bool is_excepted(const char *host)
{
    const char *list = getenv("no_proxy");
    list = list != NULL ? list : getenv("NO_PROXY");
    while (list != NULL && *list != '\0') {
        char pattern[PATTERN_BYTES];
        list += strspn(list, ", ");
        size_t bytes = strcspn(list, ", ");
        if (bytes < sizeof pattern) {
            memcpy(pattern, list, bytes);
            pattern[bytes] = '\0';
            if (matches(host, pattern)) {
                return true;
            }
        }
        list += bytes;
    }
    return false;
}

/* The variable that names a proxy for the scheme. HTTP_PROXY is none: a CGI server sets it. */
static const char *find_variable(bool is_tls)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool is_of_scheme = i >= 3 || (i < 2) == is_tls;
        const char *value = is_of_scheme ? getenv(names[i]) : NULL;
        if (value != NULL && value[0] != '\0') {
            return names[i];
        }
    }
    return NULL;
}

void proxy_describe(char out[PROXY_TEXT_BYTES], const char *url)
{
    struct address address;
    bool is_tls = strncasecmp(url, "https://", 8) == 0;
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    const char *variable = find_variable(is_tls);
    const char *proxy = variable != NULL ? getenv(variable) : NULL;
    out[0] = '\0';
    if (proxy == NULL || !address_parse(&address, host, strcspn(host, "/?#")) ||
        is_excepted(address.host)) {
        return;
    }
    const char *scheme_end = strstr(proxy, "://");
    size_t scheme_bytes = scheme_end != NULL ? (size_t)(scheme_end + 3 - proxy) : 0;
    const char *at = strrchr(proxy, '@');
    const char *rest = at != NULL ? at + 1 : proxy + scheme_bytes;
    (void)snprintf(out, PROXY_TEXT_BYTES, " through the proxy %s=%.*s%.200s", variable,
                   (int)(scheme_bytes < 20 ? scheme_bytes : 20), proxy, rest);
}
