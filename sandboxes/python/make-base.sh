#!/bin/sh
# Makes the sandbox's base image with debootstrap, for machines that reach a Debian mirror but no
# container registry. The result carries the tag that the Dockerfile asks for, so one Dockerfile
# serves both. Does nothing when the image is there. Needs root, debootstrap and flock.
#
# usage: make-base.sh <image tag> [suite]
set -eu

tag="${1:?usage: make-base.sh <image tag> [suite]}"
suite="${2:-bookworm}"
work="${TMPDIR:-/tmp}/gantry-base-$(id -u)"

mkdir -p "$work"
exec 9>"$work/lock"
flock 9
if docker image inspect "$tag" >/dev/null 2>&1; then
  exit 0
fi

# A run that was killed leaves a half-made tree behind; under the lock it is ours to remove.
rm -rf "$work/root" "$work/base.tar"
trap 'rm -rf "$work/root" "$work/base.tar"' EXIT

debootstrap --variant=minbase "$suite" "$work/root" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  exit 1
}

mirror="$(awk '$1 == "deb" { print $2; exit }' "$work/root/etc/apt/sources.list")"
{
  echo "deb $mirror $suite-updates main"
  echo "deb $mirror-security $suite-security main"
} >>"$work/root/etc/apt/sources.list"

chroot "$work/root" apt-get clean
rm -rf "$work/root"/var/lib/apt/lists/* "$work/root"/var/cache/apt/*.bin \
  "$work/root"/usr/share/doc/* "$work/root"/usr/share/locale/* "$work/root"/usr/share/man/* \
  "$work/root"/var/log/*

# Through a file: of a pipe, only the import's status would be seen, and half a tree could pass for a whole.
tar --numeric-owner -C "$work/root" -cf "$work/base.tar" .
docker import --change 'CMD ["bash"]' --message "debootstrap minbase $suite" "$work/base.tar" "$tag" >/dev/null
