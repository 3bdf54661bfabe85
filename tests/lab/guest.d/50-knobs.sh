# SPDX-License-Identifier: Apache-2.0
# Every knob that exists here takes another value, and comes back byte for byte.
. "$(dirname "$0")/check.sh"

mkdir -p /tmp/debug
mount -t debugfs debugfs /tmp/debug # the reader's; iomodes has a mount of its own
"$(dirname "$0")/knobs.py" "$iomodes" /tmp/debug || echo "not ok - knobs.py ended with $?"
umount /tmp/debug
is "nothing is left of it" "$("$iomodes" status)" "clean: nothing on this machine is as iomodes set it"
