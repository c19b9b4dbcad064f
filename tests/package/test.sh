#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test.sh SOURCE_DIR BUILD_DIR: installs Sotto into a folder of its own and builds programs against
# what was installed: README's C program by CMake package and by pkg-config, a C++ one statically.
set -euo pipefail
source_dir=$1
build_dir=$2
work=$build_dir/package
rm -rf "$work"
mkdir -p "$work"
cmake --install "$build_dir" --prefix "$work/prefix" >"$work/install.log"

# The first C block of the README is the program.
awk '/^```c$/ { inside = 1; next } /^```/ && inside { exit } inside' "$source_dir/README.md" >"$work/readme.c"
[ -s "$work/readme.c" ] || { echo "README.md has no C program" >&2; exit 1; }

libdir=$(dirname "$(find "$work/prefix" -name sotto.pc)")
configure() {
    cmake -S "$source_dir/tests/package" -B "$1" -DCMAKE_PREFIX_PATH="$work/prefix" \
        -DCONSUMER_SOURCE="$work/readme.c" "${@:2}" >"$1.log" 2>&1
}
configure "$work/build"
cmake --build "$work/build" >"$work/build.log"
"$work/build/consumer_cxx"
configure "$work/static" -DNEEDS_STATIC=ON
# Where nothing is there to link the static library with, the shared one is found alone.
export PKG_CONFIG_LIBDIR=$work/nothing
configure "$work/shared"
if configure "$work/missing" -DNEEDS_STATIC=ON || ! grep -q 'sotto::static needs gmp, mpfr' "$work/missing.log"; then
    cat "$work/missing.log" >&2
    exit 1
fi
unset PKG_CONFIG_LIBDIR

export PKG_CONFIG_PATH=$libdir LD_LIBRARY_PATH=${libdir%/pkgconfig}
read -ra flags < <(pkg-config --cflags --libs sotto)
cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$work/readme.c" -o "$work/consumer_pc" "${flags[@]}"

cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$source_dir/tests/package/research.c" -o "$work/research" "${flags[@]}" -lm
"$work/research" | grep '^18 survivors, first sum ' || { echo "research.c failed" >&2; exit 1; }

# The example of a transport: a sum of three processes, and a stranger who is turned away.
cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$source_dir/examples/session.c" -o "$work/session" "${flags[@]}"
mkdir "$work/keys"
cd "$work/keys"
for name in hub ann bob cem; do
    ../session key "$name" >>keys
done
{ cat keys && ../session key eve; } >eves
port=$((20000 + RANDOM % 10000))
../session sum keys hub "$port" >sum.out &
hub=$!
# Whoever comes too early comes again.
until ../session join eves eve "$port" 1 2>eve.err; ! grep -q 'nobody is at that port' eve.err; do
    kill -0 "$hub"
    sleep 0.05
done
grep -q 'the sum has ended' eve.err
for party in 'ann 100' 'bob 20' 'cem 3'; do
    read -r name value <<<"$party"
    ../session join keys "$name" "$port" "$value" &
done
wait "$hub"
grep -qx 'sum 123' sum.out
cd "$work"

printf 'wage\n100.25\n200.50\n' >"$work/a.csv"
printf 'wage\n300\nNA\n' >"$work/b.csv"
printf 'wage\n400.75\n' >"$work/c.csv"
for program in "$work/build/consumer_c" "$work/consumer_pc"; do
    output=$("$program" "$work/a.csv" "$work/b.csv" "$work/c.csv")
    grep -q '"exact": *"250.375"' <<<"$output" || { echo "$program printed: $output" >&2; exit 1; }
done
echo "ok"
