# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154,SC2064 # variables are the callers'; traps expand where they are set
# For sourcing: the patched modules below /lib/modules.

# For install and uninstall: reads the options into version and root; updates is the folder of our modules.
install_options() {
	version=$(uname -r) root=
	while [ $# -gt 0 ]; do
		case $1 in
		--help) usage "$0" ;;
		--kernel) has_value "$1" $# && version=$2 ;;
		--root) has_value "$1" $# && root=${2%/} ;;
		*) die 2 "unknown option '$1': --help lists the options" ;;
		esac
		shift 2
	done
	series_of "$version" >/dev/null || exit
	updates=/lib/modules/$version/updates/coldvm
	[ -d "$root/lib/modules/$version/kernel" ] ||
		die 1 "kernel $version is not installed: there is no $root/lib/modules/$version/kernel"
	[ -n "$root" ] || [ "$(id -u)" = 0 ] || die 1 "needs root to write to /lib/modules"
	need depmod kmod
}

# After a change of a kernel's modules: their index, and the initramfs if it carries some of them.
refresh_modules() {
	local image=/boot/initrd.img-$version
	depmod -b "${root:-/}" "$version" || die 1 "depmod $version failed"
	[ -f "$root$image" ] || return 0
	if [ -n "$root" ]; then
		say "if $root$image has vfio in it, run there: update-initramfs -u -k $version"
	elif command -v lsinitramfs >/dev/null && lsinitramfs "$image" | grep '/vfio[^/]*\.ko' >/dev/null; then
		say "$image carries vfio: rebuilding it"
		update-initramfs -u -k "$version" || die 1 "update-initramfs -u -k $version failed"
	fi
}

# say_reload WHAT: how to get WHAT used; by force nothing is reloaded.
say_reload() {
	[ -z "$root" ] || return 0
	if [ "$version" != "$(uname -r)" ]; then
		say "$1 is used from the next boot of $version on"
	elif [ -d /sys/module/vfio ]; then
		say "vfio is loaded: $1 is used from the next boot on, or now: end the VMs, take the devices from vfio-pci," \
			"then run: modprobe -r vfio_pci vfio_iommu_type1 vfio && modprobe vfio_pci"
	else
		say "$1 is used from the next modprobe vfio-pci on"
	fi
}
