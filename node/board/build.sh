#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes dist/ from src/, with Node.js and npm: board/build.sh [FOLDER]. What is in dist/ is checked
# in and built into the node, so that nobody needs Node.js to build one.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/dist}")
cd "$(dirname "$0")"

npm ci --ignore-scripts --no-audit --no-fund --silent
mkdir -p "$out"
npx --no-install esbuild src/app.js --bundle --format=esm --minify --charset=utf8 \
    --target=es2022 --legal-comments=none --log-level=warning --outfile="$out/app.js"
npx --no-install esbuild src/app.css --minify --charset=utf8 --log-level=warning \
    --outfile="$out/app.css"
cp src/index.html src/icon.svg "$out/"
{
    echo "The board of Sotto is under the licence Apache-2.0. It contains:"
    for package in preact htm; do
        printf '\n--- %s %s ---\n\n' "$package" "$(node -p "require('./node_modules/$package/package.json').version")"
        cat "node_modules/$package/LICENSE"
    done
} >"$out/licences.txt"
