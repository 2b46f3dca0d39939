#!/bin/sh
# Puts the card with two slots together. What is in a slot is also what an update brings: tollgate-BOARD.slot.
set -eu

board=$(dirname "$0")
name=$(sed -n 's/^BR2_PACKAGE_TOLLGATE_BOARD="\(.*\)"$/\1/p' "$BR2_CONFIG")
work=$BUILD_DIR/genimage.tollgate
rm -rf "$work"
mkdir -p "$work/empty"
gzip -9nc "$BINARIES_DIR/Image" >"$work/kernel8.img"
cp "$BINARIES_DIR/rootfs.cpio.zst" "$work/system.cpio.zst"
cp "$board/autoboot.txt" "$work"
files=
for file in "$BINARIES_DIR"/rpi-firmware/* "$BINARIES_DIR"/*.dtb; do
	if [ -f "$file" ]; then
		cp "$file" "$work"
		files="$files\"${file##*/}\", "
	fi
done
files="$files\"kernel8.img\", \"system.cpio.zst\""
[ -z "${SOURCE_DATE_EPOCH:-}" ] || touch -d "@$SOURCE_DATE_EPOCH" "$work"/*
sed "s|#BOOT_FILES#|$files|" "$board/genimage-slots.cfg" >"$work/genimage.cfg"
genimage --config "$work/genimage.cfg" --rootpath "$work/empty" --tmppath "$work/tmp" --inputpath "$work" --outputpath "$BINARIES_DIR"
mv "$BINARIES_DIR/tollgate.slot" "$BINARIES_DIR/tollgate-$name.slot"
