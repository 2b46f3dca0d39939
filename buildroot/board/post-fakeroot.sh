#!/bin/sh
# Leaves of the target what the box needs: its program, certificates, and the folders that file systems are mounted on. The toolchain's
# libraries, the skeleton's files and the kernel's modules are of no use to one static program and a kernel with all it needs inside.
set -eu

cd "$1"
for entry in $(ls -A); do
	case $entry in
	init | sbin | etc | lib | data | dev | proc | run | sys | tmp) ;;
	*) rm -rf "./$entry" ;;
	esac
done
find sbin ! -type d ! -name tollgate ! -name init -delete
find lib ! -type d ! -name data.ext4.gz -delete
find etc ! -type d ! -path 'etc/tollgate/*' ! -path etc/ssl/certs/ca-certificates.crt -delete
find sbin lib etc -type d -empty -delete
mkdir -p data dev proc run sys tmp
