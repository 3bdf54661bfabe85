# SPDX-License-Identifier: Apache-2.0
# Placement on a kernel that tells neither which vectors it manages nor who the threads of NAPI are (6.1): a disk's vectors are
# taken for managed and met, a card's are moved, and NAPI threads are found by their names, pinned, and let go.
. "$(dirname "$0")/check.sh"

cat > /tmp/old-places.yaml <<'EOF'
name: old-places
target: /dev/nvme1n1
net_target: eth0
net_peer: eth1
design: {blocks: 6, ramp: 0.2s, runtime: 0.4s, cpu_left: 0}
groups:
  - {modes: [interrupt], rw: randread, bs: 4k, iodepth: 1, placement: [local, remote-node]}
  - {target: net, modes: [interrupt], placement: [remote-interrupt]}
  - {target: net, modes: [threaded], placement: [local]}
EOF
$busybox ip link set eth0 down
$busybox ip link set eth1 down
rm -rf /tmp/places
mkdir -m 700 /tmp/places
# where each NAPI thread of the cards may run: "pid CPUs"
allowed() {
	for comm in /proc/[0-9]*/comm; do
		case $(cat "$comm" 2>/dev/null) in
		napi/eth[01]-*) awk -v p="${comm%/comm}" '$1 == "Cpus_allowed_list:" { print p, $2 }' "${comm%/comm}/status" ;;
		esac
	done
}
"$iomodes" run /tmp/old-places.yaml --single-block -q -o /tmp/places > /tmp/places-out 2>&1
status=$?
holds "a run with placements ended well ($status)" test $status = 0 -o $status = 4
python3 - /tmp/places/2*-old-places <<'EOF' || echo "not ok - what was recorded of placements could not be read"
import json, sys
def say(good, text): print("ok" if good else "not ok", "-", text)
trials = [t for t in map(json.loads, open(sys.argv[1] + "/trials.jsonl")) if t["pass"] == "measure"]
at = {(t["mode"], t["placement"]["name"]): t for t in trials}
cells = json.load(open(sys.argv[1] + "/run.json"))["cells"]
say(len(trials) == 4, f"four were measured: {sorted(at)} {[c['reason'] for c in cells if not c['supported']]}")
for (mode, name), t in at.items():
    ours = [e for e in t["verdict"]["expectations"] if e["evidence"].startswith("placement_")] # not the mode's own: it may share the host
    say(len(ours) >= 3 and all(e["result"] == "passed" for e in ours),
        f"{mode} {name}: as placed {t['error'] or ''} {'; '.join(t['verdict']['reasons'])[:300]}")
    place = t["placement"]
    if "server" not in place:
        node = {"local": {"2", "3"}, "remote-node": {"0", "1"}}[name]
        say(not place["moves"] and set(place["effective"].values()) == {place["workers"]} <= node,
            f"{name}: no vector is moved, and the thread is on CPU {place['workers']}, where its own fires: {place['effective']}")
    elif mode == "interrupt":
        say(place["moves"] and all((cpu in "23") == v.startswith("eth0") for v, cpu in place["effective"].items()),
            f"{name}: the vectors that fired are on the other node: {place['effective']}")
    else:
        ran = place["napi_threads"]
        say({n["name"][:9] for n in ran} == {"napi/eth0", "napi/eth1"} and all(n["pinned"] and n["cpu"] == n["wanted_cpu"] for n in ran),
            f"{mode}: NAPI threads on {place['napi_cpu']}: {[(n['name'], n['cpu']) for n in ran]}")
EOF
is "afterwards each NAPI thread may run where it wants" "$(allowed | awk '$2 != "0-3"')" ""
