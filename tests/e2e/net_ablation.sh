#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each network mode without what makes it: once with no settings but those of `interrupt` (NAME-unset), once
# with a workload that waits as `interrupt` does (NAME-unasked), its expectations unchanged. None may
# count as in force: a proof that an interrupt-driven loop passes proves nothing.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/e2e/net_common.sh
. "$here/net_common.sh"

# Rows that a veth cannot have (coalesced-N, adaptive, threaded-busy-poll) are the lab's. `suspend-0` is by its own
# account only accepted; `full-busy` and the others that poll by themselves need no deferral to poll on a veth.
unset="defer-10 defer-20 defer-50 defer-200 suspend-10 suspend-20 suspend-50 suspend-200 threaded"
unasked="busy-poll epoll-busy-poll full-busy suspend-20 suspend-200 spin io_uring io_uring-napi"

# ablate SUFFIX KEY VALUE NAME...: rows of the shipped file with KEY replaced; a value may span lines there
ablate() {
	local suffix=$1 key=$2 value=$3
	shift 3
	awk -v suffix="$suffix" -v key="$key" -v value="$value" -v names=" $* " '
		/^ *#/ || /^$/ { next }
		{ line = line $0 }
		line ~ /,$/ { next }
		line ~ /^[a-z]/ {
			name = line
			sub(/:.*/, "", name)
			wanted = index(names, " " name " ")
			if (wanted) print name "-" suffix ":"
			line = ""
			next
		}
		wanted && line !~ /^  (iperf3|any_command):/ {
			if (index(line, "  " key ":") == 1) line = "  " key ": " value
			print line
		}
		{ line = "" }
	' "$IOMODES_SOURCE/configs/modes/net.yaml"
}
# shellcheck disable=SC2086 # lists of words
{
	ablate unset set "{net.defer-hard-irqs: 0, net.gro-flush-timeout: 0}" $unset
	ablate unasked netloop '{wait: "{sleep}"}' $unasked
} >"$work/config/modes/ablated.yaml"
rows=
for name in $unset; do rows+=", $name-unset"; done
for name in $unasked; do rows+=", $name-unasked"; done
[[ $(grep -c '^[a-z].*:$' "$work/config/modes/ablated.yaml") == 17 ]] ||
	fail "rows: $(grep '^[a-z]' "$work/config/modes/ablated.yaml")"

measure ablated "[{target: net, modes: [interrupt$rows], pattern: pingpong},
  {target: net, modes: [interrupt$rows], pattern: rr, depth: 32}]" --max-net-cells 0
seen=0
for cell in $(jq -r .cell "$work/ablated.jsonl" | sort -u); do
	in_force=$(count ablated "$cell" in_force)
	if [[ $cell == interrupt/* ]]; then
		((in_force >= 2)) || fail "$cell: $(reasons ablated "$cell")"
		continue
	fi
	((in_force == 0)) || fail "$cell counts as in force: $(reasons ablated "$cell")"
	(($(count ablated "$cell" not_in_force) >= 1)) || fail "$cell: $(reasons ablated "$cell")"
	seen=$((seen + 1))
done
((seen >= 30)) || fail "$seen rows were measured: $(cat "$work/err")"
echo "ok: $seen rows"
