# SPDX-License-Identifier: Apache-2.0
# Every knob that exists here takes another value, and comes back byte for byte.
. "$(dirname "$0")/check.sh"

"$(dirname "$0")/knobs.py" "$iomodes" || echo "not ok - knobs.py ended with $?"
is "nothing is left of it" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
