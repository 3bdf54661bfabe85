#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The direction of dependencies is enforced by the compiler: a file of a low layer that includes a
# header of a higher one does not compile, and nobody goes round it by a relative include.
set -euo pipefail
build=$(realpath "$1")
source=$(realpath "${IOMODES_SOURCE:?}")
cd / # a quoted include is searched in the current directory, too
fail() { echo "layers: $*" >&2; exit 1; }

# layer, a header it may use, headers it must not reach
check() {
	local layer=$1 own=$2 flags
	shift 2
	flags=$(python3 - "$build" "$layer" <<'PY'
import json, re, sys
for entry in json.load(open(sys.argv[1] + "/compile_commands.json")):
    if re.search("/%s/[^/]*\\.c$" % sys.argv[2], entry["file"]):
        print(" ".join(re.findall(r"-(?:I|isystem) ?\S+|-D\S+|-std=\S+", entry["command"])))
        break
PY
	)
	[ -n "$flags" ] || fail "no compile command of layer $layer"
	# shellcheck disable=SC2086
	echo "#include \"$own\"" | cc $flags -fsyntax-only -x c - || fail "$layer cannot use $own"
	for header in "$@"; do
		# shellcheck disable=SC2086
		if echo "#include \"$header\"" | cc $flags -fsyntax-only -x c - 2>/dev/null; then
			fail "$layer can include $header"
		fi
	done
	echo "layer $layer sees $own, not $*"
}

check harness/base base/diag.h sys/sys.h record/record.h knob/knob.h
( check harness/record sys/sys.h ) >/dev/null 2>&1 && fail "this test cannot fail"
check harness/record record/hist.h sys/sys.h analysis/check.h
check harness/sys sys/sys.h machine/machine.h knob/knob.h
check harness/machine machine/machine.h knob/knob.h evidence/evidence.h
check harness/knob knob/knob.h machine/machine.h mode/mode.h
check harness/evidence evidence/evidence.h knob/knob.h machine/machine.h
check harness/peer peer/peer.h knob/knob.h machine/machine.h evidence/evidence.h
check harness/mode mode/mode.h trial/trial.h analysis/check.h
check harness/experiment experiment/experiment.h trial/trial.h analysis/check.h
check analysis analysis/check.h sys/sys.h trial/trial.h
check workloads/ioloop gate/gate.h knob/knob.h trial/trial.h
if grep -rnE '#include "\.\./' "$source"/harness "$source"/analysis "$source"/workloads --include='*.[ch]'; then
	fail "relative includes go round the layers"
fi
