# SPDX-License-Identifier: Apache-2.0
# Sourced. The guest's first file system: busybox, the modules it boots with, and the command.

# In this order, each after what it depends on. The rest is for modprobe, from the guest's /lib/modules.
LAB_MODULES=(virtio_pci virtio_console virtio_rng 9p 9pnet_virtio overlay
	nvme igb e1000e virtio_net null_blk loop ext4)

# What a boot cannot do without; devices that are missing are for the checks to miss.
LAB_MODULES_NEEDED=(virtio_pci virtio_console 9p 9pnet_virtio overlay)

# initramfs_need KERNEL-DIR: those are modules of this kernel, or built in
initramfs_need() {
	local release name has
	release=$(cat "$1/release")
	has=$(cat "$1/lib/modules/$release"/modules.{dep,builtin} 2>/dev/null | sed 's/:.*//; s|.*/||; s/[.]ko.*//; s/-/_/g') || true
	for name in "${LAB_MODULES_NEEDED[@]}"; do
		grep -qx "$name" <<< "$has" || lab_skip "kernel $release has no $name; choose another with --kernel"
	done
}

# initramfs_modules KERNEL-DIR: paths below lib/modules/RELEASE in the order of insmod
initramfs_modules() {
	awk -v want="${LAB_MODULES[*]}" '
		function load(path,   i, n, need) {
			if (path in loaded) return
			loaded[path] = 1
			n = split(needs[path], need, " ")
			for (i = n; i > 0; i--) load(need[i])
			print path
		}
		{
			path = $1; sub(":", "", path)
			name = path; sub(".*/", "", name); sub("[.]ko.*", "", name); gsub("-", "_", name)
			at[name] = path
			$1 = ""; needs[path] = $0
		}
		END { n = split(want, m, " "); for (i = 1; i <= n; i++) if (m[i] in at) load(at[m[i]]) }
	' "$1/lib/modules/$(cat "$1/release")/modules.dep"
}

# initramfs_make DIR KERNEL-DIR: DIR/root holds `run` and `shares` already; makes DIR/initrd
initramfs_make() {
	local root=$1/root modules path name
	modules=$2/lib/modules/$(cat "$2/release")
	mkdir -p "$root"/{bin,dev,proc,sys,mnt,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$LAB_DIR/guest-init" "$root/init"
	cp "$LAB_DIR/guest-main" "$root/guest-main"
	while read -r path; do
		name=${path##*/}
		case $path in
		*.xz) xz -dc "$modules/$path" > "$root/modules/${name%.xz}" ;;
		*.zst) zstd -qdc "$modules/$path" > "$root/modules/${name%.zst}" ;;
		*) cp "$modules/$path" "$root/modules/$name" ;;
		esac
		basename "${name%.*z*}" .ko
	done < <(initramfs_modules "$2") > "$root/modules/order"
	(cd "$root" && find . -print0 | cpio --null -o -H newc --quiet) > "$1/initrd"
}
