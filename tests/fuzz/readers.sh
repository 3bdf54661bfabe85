#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readers.sh BUILD fuzz|planted: the readers of what others wrote (fio's and iperf3's output, fio job
# files, YAML, archives of bundles) under libFuzzer with ASan and UBSan, from the recordings in tests/fixtures.
#   fuzz     fio's and iperf3's readers for a million executions or 120 s together, job files and YAML
#            beside them; then the line coverage that the whole corpus reaches: at least 80 % of every
#            reader, or this fails
#   planted  a build with a known bug (extract.c, IOMODES_PLANTED_BUG): this fails unless it is found
set -euo pipefail
build=$(realpath "$1") what=$2
source=$(realpath "${IOMODES_SOURCE:?}")
clang=$(command -v clang-14 || command -v clang) || { echo "skip: no clang"; exit 77; }
tool() { command -v "$1-14" || command -v "$1"; }
fail() { echo "fuzz: $*" >&2; exit 1; }
work=$build/fuzz-$what
rm -rf "$work"
mkdir -p "$work"
cd "$work"

# How long at most, and the files whose coverage counts.
declare -A seconds=([fio]=70 [iperf3]=50 [job]=30 [yaml]=10 [bundle]=8)
declare -A readers=(
	[fio]="adapter/fio.c adapter/fio_report.c adapter/extract.c record/hist.c"
	[iperf3]="adapter/iperf3.c adapter/extract.c"
	[job]="adapter/fio_job.c adapter/fio_job_check.c adapter/fio_job_rate.c adapter/fio_job_text.c adapter/fio_option.c"
	[yaml]="base/yaml.c"
	[bundle]="analysis/bundle/unpack.c analysis/bundle/bounds.c"
)
sanitizers=address,undefined,float-cast-overflow
flags=(-std=gnu17 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -I"$source/tests/fuzz"
	-I"$build/include/base" -I"$build/include/record" -I"$build/include/adapter"
	-I"$build/include/analysis")
libraries=(-ljansson -lyaml -larchive -lcrypto -lm)
sources=("$source"/workloads/adapter/*.c "$source"/harness/record/hist.c "$source"/harness/record/metric.c
	"$source"/harness/base/{diag,digest,jsonio,num,suggest,yaml}.c
	"$source"/analysis/bundle/{bag,bounds,pack,tree,unpack}.c)

# objects DIR FLAGS...: all sources and targets, two at a time
objects() {
	local dir=$1
	shift
	mkdir -p "$dir"
	printf '%s\n' "${sources[@]}" "$source"/tests/fuzz/fuzz_*.c |
		xargs -P 2 -I{} sh -c 'f=$1; shift; exec "$@" -c "$f" -o "$0/$(basename "$f" .c).o"' \
			"$dir" {} "$clang" "${flags[@]}" "$@"
}
link() { # DIR TARGET FLAGS...
	local dir=$1 target=$2 all
	shift 2
	all=("$dir"/*.o)
	"$clang" "$@" -o "$dir/$target" "$dir/fuzz_$target.o" $(printf '%s\n' "${all[@]}" | grep -v '/fuzz_') \
		"${libraries[@]}"
}
seeds() { # TARGET: where its recordings are
	mkdir -p "seed-$1"
	case $1 in
	fio) find "$source/tests/fixtures/fio" -name '*.out' -size -50k -exec cp -t "seed-$1" {} + ;
		# names with quotes: no recording has a backslash
		cp "$source"/tests/fixtures/fio/*.err "$source"/tests/fuzz/corpus/fio/* "seed-$1" ;;
	bundle) python3 "$source/tests/fuzz/bundle_seeds.py" "seed-$1" ;;
	iperf3) cp "$source"/tests/fixtures/iperf3/*.out "seed-$1" ;;
	job) cp "$source"/tests/fuzz/corpus/job/*.fio "seed-$1" ;;
	yaml) find "$source/configs" "$source/tests/fuzz/corpus/yaml" -name '*.yaml' |
		while read -r file; do # one name may stand in several folders
			cp "$file" "seed-$1/$(basename "$(dirname "$file")")-${file##*/}"
		done ;;
	esac
}
fuzz() { # TARGET SECONDS: corpus grows in corpus-TARGET
	mkdir -p "corpus-$1"
	seeds "$1"
	local dict=()
	[[ ! -e $source/tests/fuzz/$1.dict ]] || dict=(-dict="$source/tests/fuzz/$1.dict")
	"./asan/$1" -runs=1000000 -max_total_time="$2" -max_len=51200 -timeout=10 -seed=1 -print_final_stats=1 \
		"${dict[@]}" "corpus-$1" "seed-$1" >"$1.log" 2>&1
}

case $what in
fuzz)
	objects asan -fsanitize="$sanitizers",fuzzer-no-link -fno-sanitize-recover=all &
	objects cover -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping
	wait $!
	for target in "${!seconds[@]}"; do
		link asan "$target" -fsanitize="$sanitizers",fuzzer
		link cover "$target" -fsanitize=fuzzer -fprofile-instr-generate
	done
	# two at a time
	(fuzz fio ${seconds[fio]} && fuzz yaml ${seconds[yaml]} && fuzz bundle ${seconds[bundle]}) &
	first=$!
	second=0
	{ fuzz job ${seconds[job]} && fuzz iperf3 ${seconds[iperf3]}; } || second=$?
	wait $first || second=$?
	for target in "${!seconds[@]}"; do
		[[ -e $target.log ]] || continue
		if grep -qE 'ERROR: (AddressSanitizer|libFuzzer|LeakSanitizer)|runtime error|broken: ' "$target.log"; then
			tail -n 40 "$target.log" >&2
		fi
		echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$target.log") executions," \
			"$(find "corpus-$target" -type f | wc -l) inputs kept"
	done
	[[ $second == 0 ]] || fail "a target ended with status $second"
	status=0
	for target in "${!seconds[@]}"; do
		LLVM_PROFILE_FILE=$target.profraw "./cover/$target" -runs=0 "corpus-$target" "seed-$target" >/dev/null 2>&1
		"$(tool llvm-profdata)" merge -o "$target.profdata" "$target.profraw"
		for reader in ${readers[$target]}; do
			file=$(realpath "$build/include/${reader%%/*}/$reader")
			"$(tool llvm-cov)" export -summary-only -instr-profile="$target.profdata" "cover/$target" "$file" \
				>cover.json
			percent=$(python3 -c 'import json
print("%.1f" % json.load(open("cover.json"))["data"][0]["totals"]["lines"]["percent"])')
			echo "$target: $reader: $percent % of its lines"
			python3 -c "import sys; sys.exit(not $percent >= 80)" || { status=1; echo "fuzz: less than 80 %" >&2; }
		done
	done
	exit $status
	;;
planted)
	objects asan -fsanitize="$sanitizers",fuzzer-no-link -fno-sanitize-recover=all -DIOMODES_PLANTED_BUG
	link asan fio -fsanitize="$sanitizers",fuzzer
	status=0
	fuzz fio 240 || status=$? # it ends where the bug is found, after some 10,000 executions
	grep -q 'ERROR: AddressSanitizer: heap-buffer-overflow' fio.log ||
		{ tail -n 5 fio.log >&2; fail "the planted bug was not found (status $status)"; }
	grep -q 'in find_close' fio.log || fail "another bug than the planted one was found"
	echo "found: $(grep -m 1 'ERROR: AddressSanitizer' fio.log)"
	;;
esac
