# shellcheck shell=bash
# What the scripts share: where things are, one line a step with its time, and the tools setup brought.
# Sourced, after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/out
cache=${TOLLGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate}
logs=$out/logs

# Tools that setup had to bring come first.
for tool in go node; do
	if [ -d "$cache/$tool/bin" ]; then
		PATH=$cache/$tool/bin:$PATH
	fi
done
# setup brings the toolchain; go itself looks for no other. What is tested is built without C, as what ships is.
export PATH GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0

say() { printf '%s\n' "$*"; }

fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# tenths prints how long ago a time of $EPOCHREALTIME was, in seconds.
tenths() {
	local micro=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
	printf '%d.%d s' $((micro / 1000000)) $((micro / 100000 % 10))
}

# step WHAT COMMAND... runs a command quietly and prints one line: what, how long. When the command fails, its last words
# follow and the script ends; with keep_going set, the failure is added to failed instead.
keep_going=
failed=()

step() {
	local what=$1 start=$EPOCHREALTIME log code
	shift
	mkdir -p "$logs"
	log=${what//[^a-zA-Z0-9]/-}
	log=$logs/${0##*/}-${log:0:40}.log
	printf '  %-58s ' "$what"
	# In a subshell of its own and not in a condition, so that the command stops at its first failure.
	set +e
	(
		set -e
		"$@"
	) >"$log" 2>&1 </dev/null
	code=$?
	set -e
	if [ $code = 0 ]; then
		printf '%s\n' "$(tenths "$start")"
		return
	fi
	printf 'FAILED after %s\n' "$(tenths "$start")"
	tail -n 40 "$log" | sed 's/^/    | /'
	if [ -n "$keep_going" ]; then
		failed+=("$what")
	else
		fail "could not $what; all of it is in $log"
	fi
}

# newer FILE PATH... tells whether anything below the paths was changed after FILE, or FILE is not there.
newer() {
	local file=$1
	shift
	[ ! -e "$file" ] || [ -n "$(find "$@" -newer "$file" -type f -print -quit 2>/dev/null)" ]
}

# at_least HAVE WANT compares dotted versions.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

need_root() { [ "$(id -u)" = 0 ] || fail "needs root, for network namespaces and packages: run it as root or with sudo"; }

# version and commit are what a binary says it is.
version() {
	local tag
	tag=$(git -C "$root" describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null || echo v0.0.0)
	echo "${tag#v}"
}

commit() {
	local commit
	commit=$(git -C "$root" rev-parse --short=12 HEAD)
	[ -z "$(git -C "$root" status --porcelain --untracked-files=no)" ] || commit+=-changed
	echo "$commit"
}

# small has what no call waits for, libraries and rooms of our own, compiled without functions copied into one another: a megabyte less.
small=()
for package in github.com/{danielgtaylor/huma,goccy/go-yaml,google/nftables,miekg/dns,vishvananda/netlink,insomniacslk/dhcp,diskfs/go-diskfs} \
	tollgate/{board,firmware/{api,cli,evidence,stick}}; do
	small+=("-gcflags=$package/...=-l")
done

# compile TREE TARGET ARCH builds the box's program from a copy of the sources.
compile() {
	local flags
	flags="-s -w -X tollgate/firmware/cli.release=$(version) -X tollgate/firmware/cli.commit=$(commit)"
	# Go leaves room for kernels with pages of 64 KB on arm64; those of the boards have 4 or 16.
	[ "$3" != arm64 ] || flags="$flags -R 0x4000"
	env -C "$1" CGO_ENABLED=0 GOOS=linux GOARCH="$3" go build -trimpath -buildvcs=false -ldflags "$flags" "${small[@]}" -o "$2" ./firmware
}
