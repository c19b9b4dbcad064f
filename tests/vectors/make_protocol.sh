#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes tests/vectors/protocol.txt anew, after a change of the protocol, or of what the engine says
# that it computes (it is in every advert). Needs a build: ./dev build
set -euo pipefail
cd "$(dirname "$0")/../.."
SOTTO_VECTORS_OUT=tests/vectors/protocol.txt build/dev/tests/test_vectors
