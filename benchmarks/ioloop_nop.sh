#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How much of what ioloop measures is ioloop itself? Paired, alternating, on one CPU:
#  1. ring floor: ioloop --engine nop against fio's t/io_uring -N1, depth 32, batch 8, without and
#     with latency recording. T_IO_URING=/path/to/fio/t/io_uring (built from fio's source) or the
#     part is left out. Goal: at least 1.0 without, 0.85 with a histogram entry per operation.
#  2. a real file: ioloop against the installed fio, same engine, depth and flags: I/Os per second
#     and CPU time per I/O. Goal: at least its rate at less CPU time.
# Usage: ioloop_nop.sh [IOLOOP [DIR]]   PAIRS=8 SECONDS_EACH=1 BENCH_CPU=1
set -euo pipefail
ioloop=${1:-$(dirname "$0")/../build/bin/ioloop}
dir=$(mktemp -d "${2:-$(dirname "$ioloop")}/ioloop_nop.XXXXXX")
trap 'rm -rf "$dir"' EXIT
pairs=${PAIRS:-8} seconds=${SECONDS_EACH:-1} cpu=${BENCH_CPU:-$(($(nproc) - 1))}
((pairs >= 6)) || { echo "PAIRS must be at least 6"; exit 1; }
ring="--defer-taskrun --coop-taskrun --no-sqarray --registerring"

number() { # JSON-EXPRESSION: of `j`, the object on standard input
	python3 -c "import json, sys; j = json.load(sys.stdin); print($1)"
}
ours_nop() { # OPTION...: millions a second
	"$ioloop" --engine nop --iodepth 32 --iodepth-batch 8 --iodepth-batch-complete-min 8 $ring \
		--cpus-allowed "$cpu" --ramp-time 0.1 --runtime "$seconds" "$@" |
		number 'j["ios"] / j["window_ns"] * 1e3'
}
# t/io_uring prints a line a second; the first second includes its start, so the rest counts
theirs_nop() {
	{ timeout -s KILL $((seconds + 5)) taskset -c "$cpu" "$T_IO_URING" -N1 -d32 -s8 -c8 \
		-r $((seconds + 2)) "$dir/file" 2>&1 || true; } | tr -d '\r' |
		sed -n 's/^IOPS=\([0-9.]*\)\([KM]*\),.*/\1 \2/p' | tail -n +2 |
		awk '{ s += $2 == "K" ? $1 / 1000 : $1 } END { if (!NR) exit 1; print s / NR }'
}
summary() { # of ratios, one a line
	sort -n | awk '{ r[NR] = $1 } END { m = NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2
		printf "  ratio ours/theirs: median %.3f, from %.3f to %.3f, %d pairs\n", m, r[1], r[NR], NR }'
}
compare() { # TITLE OURS THEIRS; who goes first alternates
	local ratios=
	echo "$1"
	for ((i = 0; i < pairs; i++)); do
		if ((i % 2)); then b=$($3); a=$($2); else a=$($2); b=$($3); fi
		printf '  pair %d: ours %.3f theirs %.3f\n' "$i" "$a" "$b"
		ratios+=$(awk "BEGIN { print $a / $b }")$'\n'
	done
	printf %s "$ratios" | summary
}

"$ioloop" --layout 64M "$dir/file"
if [ -x "${T_IO_URING:-}" ]; then
	bare() { ours_nop --lat=0; }
	compare "nop, depth 32, batch 8, no latencies (million/s), against t/io_uring:" bare theirs_nop
	compare "nop, a histogram entry per operation (million/s), against t/io_uring:" ours_nop theirs_nop
else
	echo "nop: left out, set T_IO_URING to fio's t/io_uring"
fi

command -v fio >/dev/null || { echo "file: left out, fio is not installed"; exit 0; }
for depth in 1 16; do
	# "rate cpu_ns": CPU time is user + system of the job (ours: the worker thread)
	ours_file() {
		"$ioloop" --iodepth $depth --bs 4k --cpus-allowed "$cpu" --ramp-time 0.2 --runtime "$seconds" \
			--registerfiles --fixedbufs "$dir/file" | number 'j["ios"] / j["window_ns"] * 1e9,
	sum(t["cpu_ns"] for t in j["tasks"]) / j["ios_total"]' | tr -d '(),'
	}
	theirs_file() {
		fio --name=x --ioengine=io_uring --filename="$dir/file" --rw=randread --bs=4k --direct=1 \
			--iodepth=$depth --registerfiles=1 --fixedbufs=1 --cpus_allowed="$cpu" --time_based \
			--ramp_time=0.2 --runtime="$seconds" --norandommap --randrepeat=1 \
			--output-format=json | sed -n '/^{/,$p' | number 'j["jobs"][0]["read"]["iops"],
	(j["jobs"][0]["usr_cpu"] + j["jobs"][0]["sys_cpu"]) / 100 * 1e9 / j["jobs"][0]["read"]["iops"]' |
			tr -d '(),'
	}
	echo "file, io_uring, depth $depth, 4 KiB random reads, O_DIRECT, against $(fio --version):"
	rates= costs=
	for ((i = 0; i < pairs; i++)); do
		if ((i % 2)); then read -r rb cb <<<"$(theirs_file)"; read -r ra ca <<<"$(ours_file)"
		else read -r ra ca <<<"$(ours_file)"; read -r rb cb <<<"$(theirs_file)"; fi
		printf '  pair %d: ours %.0f IOPS %.0f ns/IO, fio %.0f IOPS %.0f ns/IO\n' $i $ra $ca $rb $cb
		rates+=$(awk "BEGIN { print $ra / $rb }")$'\n' costs+=$(awk "BEGIN { print $ca / $cb }")$'\n'
	done
	echo " IOPS:"; printf %s "$rates" | summary
	echo " CPU time per I/O:"; printf %s "$costs" | summary
done
