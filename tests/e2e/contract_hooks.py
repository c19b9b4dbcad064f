# SPDX-License-Identifier: Apache-2.0
"""For schemathesis (test_contract.py). A request line that needs more than the 32 KiB of a connection, with 56 bytes
beside each parameter, ends the connection without an answer, whatever it asks: none is made."""
import urllib.parse

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    pairs = urllib.parse.urlencode(query or {}, doseq=True)
    return len(pairs) + 56 * (pairs.count("&") + 1) < 24 * 1024
