#!/bin/sh
# Puts the card together: what the Raspberry Pi's firmware starts, and a partition for data.
set -eu

board=$(dirname "$0")
work=$BUILD_DIR/genimage.tollgate
rm -rf "$work"
mkdir -p "$work/empty"
files=
cd "$BINARIES_DIR"
for file in rpi-firmware/* *.dtb Image rootfs.cpio.zst; do
	[ ! -f "$file" ] || files="$files\"$file\", "
done
sed "s|#BOOT_FILES#|${files%, }|" "$board/genimage.cfg" >"$work/genimage.cfg"
genimage --config "$work/genimage.cfg" --rootpath "$work/empty" --tmppath "$work/tmp" --inputpath "$BINARIES_DIR" --outputpath "$BINARIES_DIR"
