#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# units.sh FOLDER DRIVER: the Debian packages of FOLDER in a Debian 12 that boots, in a container of
# systemd's: its units as units.py has them. DRIVER: SQLite's (libadbc_driver_sqlite.so). As root.
set -euo pipefail
packages=$(realpath "${1:?usage: units.sh FOLDER DRIVER}")
driver=$(realpath "${2:?usage: units.sh FOLDER DRIVER}")
if [ "${3:-}" != private ]; then
    exec unshare --mount --propagation private "$0" "$packages" "$driver" private
fi
source_dir=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
root=$work/root
cleanup() {
    umount -R -l "$root" || true # what was started in there may be ending yet
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# shellcheck disable=SC2016 # apt's words
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep ' bookworm' >"$work/sources"
mkdir "$root"
mount -t tmpfs tmpfs "$root"
mmdebstrap --quiet --mode=root --variant=apt --skip=cleanup/apt \
    --include=systemd-sysv,libnss-systemd,bubblewrap,python3-torch bookworm "$root" - <"$work/sources"
mkdir "$root/packages" "$root/source"
cp "$packages"/sotto_*.deb "$packages"/libsotto0_*.deb "$root/packages"
cp "$source_dir"/tests/package/units.py "$source_dir"/tests/support/bundles.py "$root/source"
cp "$driver" "$root/opt/driver.so"
chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -qq -y --no-install-recommends install /packages/*.deb' >"$work/apt.log" 2>&1 || {
    cat "$work/apt.log" >&2
    exit 1
}
for name in runner source; do # offline, as the booted one has no bus
    chroot "$root" systemd-analyze security --offline=true --threshold=20 "sotto-$name@.service" \
        >"$work/exposure" || { tail -n 3 "$work/exposure" >&2 && exit 1; }
done

# It says what it found, and the machine ends with it. Nobody there has a network to wait for.
cat >"$root/etc/systemd/system/try.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'python3 -B /source/units.py /opt/driver.so >/said 2>&1 && echo good >/good; journalctl >/journal; systemctl --no-block exit'
TimeoutStartSec=900

[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"
ln -s /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service"
rm -f "$root/etc/machine-id"
# What the container forbids by itself the units could not show: Landlock, and limits in /proc/sys.
SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes timeout 1200 systemd-nspawn --quiet --keep-unit --register=no \
    --private-network --directory="$root" --capability=all \
    --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
    --boot >"$work/boot.log" 2>&1 </dev/null || true
cat "$root/said" || cat "$work/boot.log"
[ -f "$root/good" ] || { grep -i sotto "$root/journal" >&2 && exit 1; }
