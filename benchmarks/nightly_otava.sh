#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nightly's judges against Apache Otava's on the same 3,000 synthetic series (tests/unit/nightly_fixture.h):
#   benchmarks/nightly_otava.sh OTAVA [BUILD]
# OTAVA is a checkout of github.com/apache/otava; of it only otava/analysis.py is run, which needs numpy and
# scipy (Debian: python3-numpy, python3-scipy). PYTHON=/usr/bin/python3 chooses the interpreter.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
otava=$(readlink -f "${1:?usage: nightly_otava.sh OTAVA [BUILD]}")
build=$(readlink -f "${2:-$here/../build}")
cmake --build "$build" --target nightly_synthetic >/dev/null
"$build/tests/nightly_synthetic" | "${PYTHON:-python3}" "$here/nightly_otava.py" "$otava"
