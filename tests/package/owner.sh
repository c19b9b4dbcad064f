#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# owner.sh PAGE PACKAGES NEXT: does what a page for owners (node/OWNERS.md) says, block by block, with
# the packages of the folder PACKAGES, and upgrades to those of NEXT. Acorn and birch are played here.
# As root, on a machine of its own where ports 6700 to 6703 are free and, there being no systemd, a
# few lines stand for it.
set -euo pipefail
page=$(realpath "$1")
packages=$(realpath "$2")
next=$(realpath "$3")
work=$(mktemp -d)
said=$work/said
mkdir "$said"
chmod 755 "$work"
nodes=()
followed=()
cleanup() {
    kill "${nodes[@]}" 2>/dev/null || true
    [ ! -f /run/sotto.pid ] || kill "$(cat /run/sotto.pid)" || true
    rm -rf "$work" /usr/local/bin/systemctl /run/sotto.pid
    wait
}
trap cleanup EXIT

cat >/usr/local/bin/systemctl <<'SYSTEMD'
#!/bin/bash
# What systemd does with the node's unit.
set -euo pipefail
[ "${*: -1}" = sotto ]
[ ! -f /run/sotto.pid ] || { kill "$(cat /run/sotto.pid)" && tail --pid="$(cat /run/sotto.pid)" -f /dev/null; }
cd /var/lib/sotto
read -ra start < <(sed -n 's/^ExecStart=//p' /lib/systemd/system/sotto.service)
umask 077
setpriv --reuid=sotto --regid=sotto --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    "${start[@]}" >/run/sotto.out 2>&1 </dev/null &
echo $! >/run/sotto.pid
until grep -q '^api ' /run/sotto.out; do
    kill -0 $!
    sleep 0.1
done
SYSTEMD
chmod +x /usr/local/bin/systemctl

# block NAME: the lines of a block of the page.
block() {
    awk -v "begin=\`\`\`sh $1" '$0 == begin { inside = 1; next } /^```/ { inside = 0 } inside' "$page"
}

# follow NAME FOLDER: runs each line of a block there; what it prints is in $said/NAME, too.
follow() {
    local line tries
    followed+=("$1")
    while read -r line; do
        line=${line//ACORN/${lines[acorn]:-}}
        line=${line//BIRCH/${lines[birch]:-}}
        line=${line//TOKEN/${token:-}}
        echo "\$ $line"
        tries=1
        [[ $line != *"sotto status"* && $line != *readyz* ]] || tries=50 # until others are connected
        until (cd "$2" && bash -euo pipefail -c "$line" 2>&1) >"$work/line"; do
            [ $((--tries)) -gt 0 ] || { cat "$work/line" && exit 1; }
            sleep 0.2
        done
        tee -a "$said/$1" <"$work/line"
    done < <(block "$1")
}

expect() {
    grep -q -- "$2" "$said/$1" || { echo "owner.sh: $1: expected $2" >&2 && exit 1; }
}

# rows FIRST: a table.
rows() {
    echo wage
    seq "$1" 3 $(($1 + 300))
}

declare -A lines
cp "$packages"/sotto_*.deb "$work"
rows 1200 >"$work/wages.csv"
follow install "$work"
follow init "$work"
expect init '^101 rows'
lines[cedar]=$(grep '^sotto1,cedar,' "$said/init")

mkdir "$work/acorn" "$work/birch"
cd "$work/acorn"
lines[acorn]=$(sotto init acorn --listen 127.0.0.1:6703 --api 6701 --data wages.csv 2>"$work/log")
cd "$work/birch"
lines[birch]=$(sotto init birch --api 6702 --data wages.csv 2>"$work/log")
for name in acorn birch; do
    cd "$work/$name"
    rows 1000 >data/wages.csv
    for other in acorn birch cedar; do
        [ "$name" = "$other" ] || sotto peer add "${lines[$other]}" >"$work/log"
    done
    sotto node >"$work/$name.out" 2>&1 &
    nodes+=($!)
done
follow peers "$work"
follow start "$work"
expect start '^ready *yes'
follow acorn "$work/acorn"
expect acorn '^mean(wage) *1216.6666'
expect acorn '^count(wage) *303$'
follow record "$work"
expect record acorn
follow reload "$work"

follow backup "$work"
cmp /var/lib/sotto/node.key /var/backups/sotto/first/node.key

cp "$next"/sotto.deb "$work/sotto_next.deb"
rm "$work"/sotto_*_*.deb
cp /var/lib/sotto/node.key "$work/key"
follow upgrade "$work"
dpkg-query -W sotto
cmp "$work/key" /var/lib/sotto/node.key
systemctl restart sotto # which the package has systemd do where there is one
follow record "$work"

token=$(block watch | head -n 1 | bash)
followed+=(watch)
while read -r line; do
    bash -euo pipefail -c "${line//TOKEN/$token}" >>"$said/watch"
done < <(block watch | tail -n +2)
expect watch '^sotto_peers_connected'
[ "$(sed -n 's/^```sh //p' "$page" | sort)" = "$(printf '%s\n' "${followed[@]}" | sort -u)" ]
