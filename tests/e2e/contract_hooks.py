# SPDX-License-Identifier: Apache-2.0
"""For schemathesis (test_contract.py). A request line of more than the 32 KiB that a connection has ends it without
an answer, whatever it asks, so that none is made."""
import urllib.parse

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    return not query or len(urllib.parse.urlencode(query, doseq=True)) < 16384
