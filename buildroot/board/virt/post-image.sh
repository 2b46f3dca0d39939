#!/bin/sh
# Puts the disk together: U-Boot's script, a system in slot a, and partitions for slot b, the choice and data.
set -eu

board=$(dirname "$0")
work=$BUILD_DIR/genimage.tollgate
rm -rf "$work"
mkdir -p "$work/empty"
gzip -9nc "$BINARIES_DIR/Image" >"$work/Image.gz"
cp "$BINARIES_DIR/rootfs.cpio.zst" "$work/system.cpio.packed"
cp "$board/tollgate.its" "$board/genimage.cfg" "$work"
(cd "$work" && mkimage -f tollgate.its slot.itb)
mkimage -A arm64 -T script -C none -n Tollgate -d "$board/boot.cmd" "$work/boot.scr"
genimage --config "$work/genimage.cfg" --rootpath "$work/empty" --tmppath "$work/tmp" --inputpath "$work" --outputpath "$BINARIES_DIR"
cp "$work/slot.itb" "$BINARIES_DIR/tollgate-virt.slot"
