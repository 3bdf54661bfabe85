# SPDX-License-Identifier: Apache-2.0
# Two real interfaces on one wire as the two ends of a measurement: moved into namespaces, put back;
# the kernel gives them back when we are killed; refused when somebody configured them.
. "$(dirname "$0")/check.sh"
driver=$(dirname "$iomodes")/../tests/peer_driver

state() { ip -o link show dev "$1" 2>&1 | grep -o '<[^>]*>'; }
mac() { cat "/sys/class/net/$1/address" 2>&1; }
settings() { grep -s '' /proc/sys/net/ipv?/conf/eth[01]/* /sys/class/net/eth[01]/{mtu,tx_queue_len,threaded,gro_flush_timeout}; }
# refused WORDS: eth0 is not taken, for this reason
refused() {
	local said
	said=$("$driver" eth0,eth1 < /dev/null 2>&1) && said="taken: $said"
	case $said in *"$1"*) said=$1 ;; esac
	is "refused: $1" "$said" "$1"
}
# start PAIR: the driver runs, its answer is in /tmp/peer
start() {
	rm -f /tmp/in
	mkfifo /tmp/in
	"$driver" "$1" < /tmp/in > /tmp/peer 2>&1 &
	pid=$!
	exec 9> /tmp/in
	local n=0
	until grep -q '^ready' /tmp/peer || [ ! -d "/proc/$pid" ] || [ $n = 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	is "$1: both ends answer" "$(grep -o '^ready' /tmp/peer || cat /tmp/peer)" ready
}
# home WHEN: both are where and as they were
home() {
	local n=0
	until [ -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ] || [ $n = 600 ]; do
		sleep 0.1 # a namespace is taken down in the background
		n=$((n + 1))
	done
	is "$1: eth0" "$(state eth0) $(mac eth0)" "$before0"
	is "$1: eth1" "$(state eth1) $(mac eth1)" "$before1"
	is "$1: a setting of the driver" "$(cat /sys/class/net/eth0/napi_defer_hard_irqs)" 7
	is "$1: addresses" "$(ip -o addr show dev eth0)$(ip -o addr show dev eth1)" ""
	settings > /tmp/settings
	holds "$1: settings of IPv4, IPv6 and the device" diff /tmp/settings-before /tmp/settings
}

for dev in eth0 eth1 eth2; do
	ip addr flush dev $dev
	ip link set $dev down
done
echo 7 > /sys/class/net/eth0/napi_defer_hard_irqs
settings > /tmp/settings-before
before0="$(state eth0) $(mac eth0)"
before1="$(state eth1) $(mac eth1)"

start eth0,eth1
holds "eth0 and eth1 are not here meanwhile" test ! -e /sys/class/net/eth0 -a ! -e /sys/class/net/eth1
path=$(awk '/^server/ { print $2 }' /tmp/peer)
is "in its namespace, with its address" \
	"$(nsenter --net="$path" ip -o -4 addr show dev eth1 | grep -o 'inet [^ ]*')" "inet 198.18.0.2/30"
exec 9>&-
wait $pid
is "closing says nothing" "$? $(grep -v -e '^client' -e '^server' -e '^{' -e ready /tmp/peer)" "0 "
home "closed"

start eth0,eth1
kill -KILL $pid
wait $pid 2> /dev/null
exec 9>&-
home "after kill -9"

# Somebody else takes the name: theirs stays, ours comes back under another.
start eth0,eth1
ip link add eth0 type dummy 2> /dev/null || ip link add eth0 type veth peer name other0
exec 9>&-
wait $pid
is "the name was taken: exit status" $? 1
holds "the name was taken: said" grep -q "eth0: somebody took its name" /tmp/peer
n=0
until ip -o link | grep -q "${before0##* }" || [ $n = 600 ]; do sleep 0.1; n=$((n + 1)); done
given=$(ip -o link | awk -F': ' -v mac="${before0##* }" '$0 ~ mac { print $2 }')
is "the name was taken: given back as" "${given%%[0-9]*}" dev
ip link del eth0
ip link set "$given" name eth0
home "renamed"

ip link set eth0 up
refused "eth0 is up"
ip link set eth0 down
ip addr add 10.99.0.1/24 dev eth0
refused "has the address 10.99.0.1/24"
ip addr flush dev eth0
echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects
refused "net.ipv4.conf.eth0.send_redirects is 0"
echo 1 > /proc/sys/net/ipv4/conf/eth0/send_redirects
if tc qdisc add dev eth0 root handle 1: pfifo limit 5 2> /dev/null; then
	refused "has the queueing discipline pfifo"
	tc qdisc del dev eth0 root
else
	echo "skip - this kernel has no pfifo"
fi
if ip link add link eth0 name vlan5 type vlan id 5 2> /dev/null; then
	refused "eth0 carries the interface vlan5"
	ip link del vlan5
else
	echo "skip - this kernel has no VLANs"
fi
# eth2 is virtio on another wire
said=$("$driver" eth0,eth2 1 3000 < /dev/null 2>&1)
case $said in *"are not cabled to each other"*) said="not cabled" ;; esac
is "eth0 and eth2 are on different wires" "$said" "not cabled"
home "after that"
holds "eth2 is back, too" test -e /sys/class/net/eth2
echo 0 > /sys/class/net/eth0/napi_defer_hard_irqs
