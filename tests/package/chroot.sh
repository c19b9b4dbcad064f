#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chroot.sh FOLDER: the Debian packages of FOLDER (packaging/build.sh) in a fresh Debian 12, which is
# made from this machine's own mirror: they install, do what debian/tests says, are upgraded while a
# node has state, and are purged without a trace. Then what the page for owners says is done. As
# root.
set -euo pipefail
packages=$(realpath "${1:?usage: chroot.sh FOLDER}")
if [ "${2:-}" != private ]; then
    # What is mounted below is seen by nobody else, and is gone with this process.
    exec unshare --mount --propagation private "$0" "$packages" private
fi
source_dir=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
root=$work/root
cleanup() {
    umount -R -l "$root" || true # what was started in there may be ending yet
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT

say() {
    echo "$SECONDS s: $*"
}

fail() {
    echo "chroot.sh: this does not hold: $*" >&2
    exit 1
}

inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# apt_get is silent unless it fails.
apt_get() {
    inside apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$work/apt.log" 2>&1 || {
        cat "$work/apt.log" >&2
        exit 1
    }
}

# What packages may leave: every file, but for what apt and dpkg write of packages themselves.
files() {
    (cd "$root" && find . -xdev -regextype egrep -regex \
        '\./(proc|dev|run|tmp|packages|source|root|var/(cache|log)|var/lib/(apt|dpkg))' -prune -o \
        -printf '%y %m %u:%g %p %l\n' | sort)
}

# checksums: of the folder of the unit's node.
checksums() {
    (cd "$root/var/lib/sotto" && find . -type f ! -name '*-shm' -exec sha256sum {} + | sort -k 2)
}

# --- A Debian with what the packages depend on, and nothing else ---------------------------------

# shellcheck disable=SC2016 # apt's words
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep ' bookworm' >"$work/sources"
mkdir "$root"
mount -t tmpfs tmpfs "$root"
mmdebstrap --quiet --mode=root --variant=apt --skip=cleanup/apt bookworm "$root" - <"$work/sources"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir "$root/packages" "$root/source"
cp "$packages"/*.deb "$root/packages"
cp -r "$source_dir/README.md" "$source_dir/packaging/debian/tests" "$source_dir/node/OWNERS.md" \
    "$source_dir/tests/package/owner.sh" "$root/source"
say "Debian"

depends=$(for deb in "$packages"/*.deb; do
    case "$deb" in *-dbgsym_*) continue ;; esac
    dpkg-deb -f "$deb" Depends | tr ',' '\n' | grep -v sotto0
done | paste -s -d,)
apt_get satisfy "$depends, python3-cffi, gcc, libc6-dev, pkg-config, sudo, curl"
files >"$work/before"
say "what they depend on"

# --- Install, run, upgrade, purge ----------------------------------------------------------------

ours=(libsotto0 libsotto-dev python3-sotto sotto)

# install FOLDER: all packages of a folder in the chroot.
install_debs() {
    local debs=("$root/$1"/*.deb)
    apt_get install "${debs[@]#"$root"}"
}

# service COMMAND: what a shell prints as the service user, in the folder of the unit's node.
service() {
    inside setpriv --reuid=sotto --regid=sotto --init-groups --no-new-privs --bounding-set=-all \
        --inh-caps=-all sh -euc "cd /var/lib/sotto
$1"
}

install_debs packages
say "installed"
inside systemd-analyze security --offline=true --threshold=15 sotto.service >"$work/exposure" ||
    fail "the unit is hardened: $(tail -n 3 "$work/exposure")"
# What a package depends on as a library is in its bill of materials.
for name in libsotto0 sotto; do
    for library in $(dpkg-deb -f "$packages/$name"_[0-9]*.deb Depends | grep -o '\blib[a-z0-9.-]*'); do
        grep -q "\"name\": \"$library\"" "$root/usr/share/doc/$name/sbom.cdx.json" ||
            fail "$library is in the bill of materials of $name"
    done
done
grep -q 'pkg:npm/preact@' "$root/usr/share/doc/sotto/sbom.cdx.json" || fail "the board is in sotto's"
for name in library python node; do
    inside sh -c "cd /source && tests/$name" || fail "debian/tests/$name"
    say "debian/tests/$name"
done

# The next version: the same files by another number.
version=$(dpkg-deb -f "$packages"/sotto_*.deb Version)
mkdir "$root/packages/next"
for name in "${ours[@]}"; do
    dpkg-deb -R "$packages/${name}_${version}"_*.deb "$work/next"
    sed -i "s/^Version: .*/Version: $version+1/; s/(= $version)/(= $version+1)/" "$work/next/DEBIAN/control"
    dpkg-deb --build -Znone "$work/next" "$root/packages/next/$name.deb" >"$work/build.log"
    rm -rf "$work/next"
done
checksums >"$work/state"
grep -q ' ./node.key$' "$work/state" || fail "the node has a key"
install_debs packages/next
# shellcheck disable=SC2016 # dpkg's word
[ "$(inside dpkg-query -W -f '${Version} ' "${ours[@]}")" = "$(printf "$version+1 %.0s" 1 2 3 4)" ] ||
    fail "all packages are upgraded"
checksums | diff "$work/state" - || fail "an upgrade leaves what a node has"
answer=$(service 'sotto node >log & until grep -qs "^api " log; do kill -0 $!; sleep 0.1; done
    sotto result 1 --csv; kill $!; wait $!')
grep -qx 'm,,,1148,1148' <<<"$answer" || fail "the node goes on after an upgrade: $answer"
say "upgraded"

apt_get remove "${ours[@]}"
[ -f "$root/var/lib/sotto/node.key" ] || fail "to remove is not to purge"
mkdir "$root/var/lib/sotto/mounted"
mount -t tmpfs tmpfs "$root/var/lib/sotto/mounted"
touch "$root/var/lib/sotto/mounted/theirs"
apt_get purge sotto
[ -f "$root/var/lib/sotto/mounted/theirs" ] || fail "a purge leaves what is mounted"
umount "$root/var/lib/sotto/mounted"
rmdir "$root/var/lib/sotto/mounted"
[ "$(ls -A "$root/var/lib/sotto")" = data ] || fail "a purge takes key, state and configuration"
[ -s "$root/var/lib/sotto/data/wages.csv" ] || fail "a purge leaves the owner's tables"
rm -r "$root/var/lib/sotto"
files | diff "$work/before" - || fail "a purge leaves nothing else"
say "purged"

# In a network of its own, whose ports are all free and from where nothing can be fetched.
echo 'APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/90no-recommends"
unshare --net sh -c 'ip link set lo up && exec "$@"' - \
    chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive /source/owner.sh /source/OWNERS.md /packages /packages/next \
    >"$work/owner.log" 2>&1 || { cat "$work/owner.log" >&2 && fail "node/OWNERS.md"; }
say "node/OWNERS.md"
