#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Without the harness: configures, builds and compares with none of liburing, hwloc, libnuma, libmnl and root
# (their pkg-config files are hidden, their headers end the build, the program is not linked to them, and where the
# test is root it reads the run as nobody).
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/pc"
for module in jansson yaml-0.1 smartcols libcrypto sqlite3 libarchive; do
	dir=$(pkg-config --variable=pcfiledir "$module")
	cp "$dir/$module.pc" "$tmp/pc"
done
cp "$(pkg-config --variable=pcfiledir libcrypto)"/{openssl,libssl}.pc "$tmp/pc" 2>/dev/null || true
mkdir -p "$tmp/poison/libmnl"
for header in liburing.h hwloc.h numa.h numaif.h libmnl/libmnl.h; do
	echo "#error $header belongs to the harness" >"$tmp/poison/$header"
done
CFLAGS="-I$tmp/poison" PKG_CONFIG_LIBDIR=$tmp/pc cmake -S "$IOMODES_SOURCE" -B "$tmp/build" -DIOMODES_HARNESS=OFF \
	-DIOMODES_WERROR=ON -DBUILD_TESTING=OFF >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
cmake --build "$tmp/build" -j2 >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
if ldd "$tmp/build/bin/iomodes" | grep -E 'uring|hwloc|numa|mnl'; then
	echo "FAILED: linked to a library of the harness"
	exit 1
fi
python3 "$IOMODES_SOURCE/tests/results/make_run.py" "$tmp/run" --blocks 6 --ios 200
run=("$tmp/build/bin/iomodes")
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	run=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all "${run[@]}")
	chmod a+rx "$tmp"
	chown -R 65534:65534 "$tmp/run"
fi
"${run[@]}" compare "$tmp/run" | diff -u "$IOMODES_SOURCE/tests/results/golden-six.txt" -
"${run[@]}" check "$tmp/run"
"${run[@]}" report "$tmp/run"
test -s "$tmp/run/report.html"
