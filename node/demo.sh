#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Three companies, three nodes, one average wage: node/demo.sh PATH_OF_SOTTO
set -euo pipefail

sotto=$(realpath "${1:?usage: node/demo.sh PATH_OF_SOTTO}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sotto-demo-XXXXXX")
exec 3>&1

cleanup() {
    trap '' INT TERM
    local pid
    for pid in $(jobs -p); do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# payroll ROWS SEED: log-normal pay in cents, one in fifty missing. The generator is written out
# (minimal standard: 16807 x mod 2^31 - 1), so that every awk makes the same file.
payroll() {
    awk -v rows="$1" -v seed="$2" '
        function uniform() {
            seed = (seed * 16807) % 2147483647
            return seed / 2147483647
        }
        BEGIN {
            print "employee,wage"
            for (i = 1; i <= rows; i++) {
                z = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform())
                cents = int(100 * exp(8.5 + 0.35 * z))
                if (uniform() < 0.02) {
                    printf "%d,%s\n", i, i % 2 ? "" : "NA"
                } else {
                    printf "%d,%d.%02d\n", i, cents / 100, cents % 100
                }
            }
        }'
}

# start NAME: runs a node, and sets api and peer to where it listens.
start() {
    mkfifo "$dir/$1/announce"
    "$sotto" node --config "$dir/$1/node.yaml" >"$dir/$1/announce" 2>"$dir/$1/log" &
    if ! read -r _ api _ peer <"$dir/$1/announce"; then
        echo "The node of $1 does not start:" >&2
        cat "$dir/$1/log" >&2
        exit 1
    fi
}

# configure NAME [URL]: a node.yaml. The creator has a peer side, the others call it at URL.
configure() {
    {
        echo "name: $1"
        echo "data_dir: data"
        echo "state_dir: state"
        echo "identity: node.key"
        printf 'api:\n  listen: "127.0.0.1:0"\n'
        [ $# -gt 1 ] || printf 'peer:\n  listen: "127.0.0.1:0"\n'
        echo "peers:"
        for other in "${names[@]}"; do
            [ "$other" != "$1" ] || continue
            printf '  - name: %s\n    key: %s\n' "$other" "${keys[$other]}"
            [ $# -le 1 ] || [ "$other" != "${names[0]}" ] || printf '    url: %s\n' "$2"
        done
        # The others get the result too, and check it.
        printf 'policy:\n  datasets: [wages.csv]\n  results: participants\n'
    } >"$dir/$1/node.yaml"
}

names=(acorn birch cedar)
rows=(1200 640 85)
declare -A keys
for i in 0 1 2; do
    mkdir -p "$dir/${names[i]}/data"
    payroll "${rows[i]}" $((20 + i)) >"$dir/${names[i]}/data/wages.csv"
    keys[${names[i]}]=$("$sotto" keygen --out "$dir/${names[i]}/node.key")
done
echo "Three companies: ${names[0]} with ${rows[0]} employees, ${names[1]} with ${rows[1]}, ${names[2]} with ${rows[2]}."

configure "${names[0]}"
start "${names[0]}"
creator_api=$api
for name in "${names[@]:1}"; do
    configure "$name" "$peer"
done
creator_peer=$peer
for name in "${names[@]:1}"; do
    start "$name"
done
echo "Three nodes; ${names[0]}'s at $creator_peer, the others call it. The task and its log:"
echo

federated=$("$sotto" run --node "$creator_api" --token-file "$dir/${names[0]}/token" \
    --data wages=wages.csv --name wage_avg -- 'mean_wage=mean(wage)' 'employees=count(wage)' 2>&3)

# What nobody could do in earnest: all rows in one file.
cat "$dir/${names[0]}/data/wages.csv" >"$dir/wages.csv"
for name in "${names[@]:1}"; do
    tail -n +2 "$dir/$name/data/wages.csv" >>"$dir/wages.csv"
done
pooled=$("$sotto" local --data "$dir/wages.csv" -- 'mean_wage=mean(wage)' 'employees=count(wage)')

echo
echo "Of the three together, no file having left its company:"
echo "$federated"
echo "Of the pooled file:"
echo "$pooled"
if [ "$federated" = "$pooled" ]; then
    echo "identical: yes"
else
    echo "identical: no"
    exit 1
fi

# A receipt says to anybody who knows the three keys who computed the result; here birch checks it.
receipt=$dir/receipt.sotto
"$sotto" receipt 1 --node "$creator_api" --token-file "$dir/${names[0]}/token" \
    --out "$receipt" >"$dir/name"
echo
echo "The receipt, $(wc -c <"$receipt") bytes without anybody's rows, checked by ${names[1]}:"
"$sotto" verify "$receipt" --peers "$dir/${names[1]}/node.yaml"

# The lowest bit of the byte in the middle becomes another.
middle=$(($(wc -c <"$receipt") / 2))
byte=$(od -An -tu1 -j "$middle" -N 1 "$receipt")
cp "$receipt" "$dir/changed.sotto"
# shellcheck disable=SC2059 # the format is one octal escape
printf "\\$(printf %03o $((byte ^ 1)))" |
    dd of="$dir/changed.sotto" bs=1 seek="$middle" conv=notrunc status=none
echo
echo "With one bit of it changed:"
if "$sotto" verify "$dir/changed.sotto" --peers "$dir/${names[1]}/node.yaml" 2>&1; then
    echo "found: no"
    exit 1
fi
echo "found: yes"
