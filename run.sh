#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run.sh            install what is missing, build, run the default experiment, show the comparison
# ./run.sh test       the same for every test
# ./run.sh lab ...    boot the QEMU guest (tests/lab/lab)
# ./run.sh WORD ...   build, then: iomodes WORD ...
set -euo pipefail
cd "$(dirname "$0")"

build_packages="gcc libc6-dev cmake ninja-build pkg-config git libhwloc-dev libyaml-dev
	libjansson-dev libsmartcols-dev libssl-dev libarchive-dev libmnl-dev libsqlite3-dev gnuplot-nox"
test_packages="libcmocka-dev clang-14 libclang-rt-14-dev llvm-14 fio iperf3 jq util-linux e2fsprogs procps python3 iproute2 ethtool
	chromium fonts-dejavu-core scdoc dpkg-dev file xz-utils"
lab_packages="qemu-system-x86 busybox-static cpio xz-utils kmod python3 util-linux procps e2fsprogs fio iproute2 jq ethtool"

# Installs what of the given packages is missing, after saying so.
need() {
	local missing=()
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		command -v cmake >/dev/null && return 0
		echo "run.sh installs packages on Debian and Ubuntu only. Install what corresponds to:" >&2
		printf '  %s\n' "$@" >&2
		exit 1
	fi
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	echo "run.sh installs with apt-get: ${missing[*]}"
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		echo "run.sh: that needs root; as root: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	local sudo=()
	[ "$(id -u)" -eq 0 ] || sudo=(sudo)
	"${sudo[@]}" apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build() {
	# shellcheck disable=SC2086
	need $build_packages "$@"
	mkdir -p build
	cmake --preset release >build/build.log 2>&1 || { cat build/build.log >&2; exit 1; }
	cmake --build build >>build/build.log 2>&1 || { tail -n 40 build/build.log >&2; exit 1; }
}

case "${1-}" in
"")
	build
	echo "Builds into build/; the experiment is configs/experiments/default.yaml."
	exec build/bin/iomodes run --compare
	;;
test)
	# shellcheck disable=SC2086
	build $test_packages $lab_packages
	shift
	# Tests that measure or that change the machine say RUN_SERIAL: nothing runs beside them.
	rm -f build/lab-times
	status=0
	ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@" || status=$?
	[ ! -e build/lab-times ] || tests/lab/timed.sh build/lab-times
	exit $status
	;;
lab)
	# shellcheck disable=SC2086
	build $lab_packages
	shift
	exec tests/lab/lab "$@"
	;;
*)
	build
	exec build/bin/iomodes "$@"
	;;
esac
