/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PROXY_H
#define SOTTO_NODE_PROXY_H

/* Which proxy of the environment a call goes through. */

#include <stddef.h>

#define PROXY_TEXT_BYTES 320

/* For messages: " through the proxy http_proxy=http://127.0.0.1:9", or "" where libcurl calls url
 * itself (unless it is told to use no proxy, as for this machine). Names and passwords of the
 * proxy's URL are left out. */
void proxy_describe(char out[PROXY_TEXT_BYTES], const char *url);

#endif
