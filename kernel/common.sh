# SPDX-License-Identifier: GPL-2.0-only
# For sourcing by the scripts of this folder: Debian's kernel packages, and the patched tree. PROG names the caller.

kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
supported="Debian's 6.12 (6.12.*-amd64) and 6.1 (6.1.0-*-amd64)"

say() { echo "$PROG: $*" >&2; }

# die STATUS TEXT...
die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

# need COMMAND PACKAGE: 77 if this machine lacks the command.
need() {
	command -v "$1" >/dev/null || die 77 "there is no $1: install the package $2 (apt-get install $2)"
}

# usage SCRIPT: the comment at its head.
usage() {
	sed -n '3,/^set/{/^set/d;s/^# \?//;p}' "$1"
	exit 0
}

# has_value OPTION COUNT-OF-WORDS-LEFT: an option at the end of the line has none.
has_value() {
	[ "$2" -ge 2 ] || die 2 "$1 needs a value: --help shows which"
}

# The lab's cache, by the same rule (tests/lab/l0/kernels.py). It may be removed at any time.
cache_dir() {
	local path=${COLDVM_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coldvm-lab}
	mkdir -p "$path" || die 1 "cannot make the cache $path: set COLDVM_LAB_CACHE to a folder that can be written"
	(cd "$path" && pwd)
}

# Prints the series of a kernel, 6.12 or 6.1.
series_of() {
	if [[ $1 =~ ^6\.12\.[0-9]+(\+[a-z0-9.~+]+)?(-(cloud|rt))?-amd64$ ]]; then
		echo 6.12
	elif [[ $1 =~ ^6\.1\.0-[0-9]+(-(cloud|rt))?-amd64$ ]]; then
		echo 6.1
	else
		die 2 "there are no patches for kernel $1, only for $supported: name such a kernel by --kernel"
	fi
}

# download PACKAGE VERSION DIR: one .deb, without installing it. A file put into CACHE/debs by hand is as good.
download() {
	local package=$1 version=$2 dir=$3 given
	for given in "$cache/debs/${package}_${version}"_{all,amd64}.deb; do
		[ ! -f "$given" ] || { ln -s "$given" "$dir/"; return 0; }
	done
	need apt-get apt
	say "fetching $package $version"
	(cd "$dir" && apt-get -q -o APT::Sandbox::User=root download "$package=$version") >"$dir/apt.log" 2>&1 ||
		die 77 "apt-get download $package=$version failed: $(tail -n 1 "$dir/apt.log")"
}

# Versions of a package that apt offers, newest first.
versions_of() {
	command -v apt-cache >/dev/null || return 0
	apt-cache madison "$1" 2>/dev/null | awk -F ' *[|] *' '!seen[$2]++ { print $2 }'
}

# A folder that appears in the cache only when it is whole: begin_entry PATH prints a place to fill, end_entry moves it.
begin_entry() {
	mkdir -p "$(dirname "$1")" && mktemp -d "$(dirname "$1")/.part.XXXXXX"
}

end_entry() {
	chmod 755 "$1" && mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ] || die 1 "cannot write $2"
	rm -rf "$1"
}

# Prints the folder of a kernel's headers: the installed ones, or those of an unpacked package. For use in $(...).
headers_for() {
	local version=$1 installed=/lib/modules/$1/build entry=$cache/headers/$1 part package dependency at names
	if [ -f "$installed/Module.symvers" ] && [ -f "$installed/.config" ]; then
		(cd "$installed" && pwd -P)
		return
	fi
	if [ ! -d "$entry" ]; then
		package=linux-headers-$version
		at=$(versions_of "$package" | head -n 1)
		[ -n "$at" ] || die 77 "apt knows no $package: apt-get update, or install the headers of that kernel"
		part=$(begin_entry "$entry") || exit 1
		trap "rm -rf '$part'" EXIT
		download "$package" "$at" "$part"
		names=$(dpkg-deb -f "$part"/*.deb Depends | tr ',|' '\n\n' | awk '{ print $1 }' |
			grep -E '^linux-(headers-.*-common|kbuild-)') || die 1 "$package names no common headers"
		for dependency in $names; do
			at=$(versions_of "$dependency" | head -n 1)
			download "$dependency" "$at" "$part"
		done
		for package in "$part"/*.deb; do
			dpkg-deb -x "$package" "$part" || die 1 "cannot unpack $package"
		done
		rm -f "$part"/*.deb "$part/apt.log"
		# The packages' makefiles name each other below /usr/src; scripts and tools are relative links.
		sed -i "s|/usr/src/|$entry/usr/src/|" "$part/usr/src/linux-headers-$version/Makefile"
		end_entry "$part" "$entry"
	fi
	grep -q "$entry/" "$entry/usr/src/linux-headers-$version/Makefile" ||
		die 1 "$entry was made for another place: remove it and try again"
	echo "$entry/usr/src/linux-headers-$version"
}

# Prints the version of the Debian package that a headers folder belongs to.
package_version() {
	sed -n 's/^#define UTS_VERSION ".* Debian \([^ ]*\) .*/\1/p' "$1"/include/generated/{utsversion,compile}.h \
		2>/dev/null | head -n 1 | grep . || die 1 "$1 does not say which Debian package it is from"
}

# fetch_source SERIES VERSION DIR: the kernel tarball of exactly that version, as DIR/source.tar.xz.
fetch_source() {
	local package=linux-source-$1 version=$2 dir=$3
	if [ "$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)" = "$version" ]; then
		ln -s "/usr/src/$package.tar.xz" "$dir/source.tar.xz"
		return
	fi
	[ -f "$cache/debs/${package}_${version}_all.deb" ] || versions_of "$package" | grep -xF "$version" >/dev/null ||
		die 77 "apt has no $package $version any more (it has: $(versions_of "$package" | paste -sd ' ')): update the" \
			"kernel, or put ${package}_${version}_all.deb from snapshot.debian.org into $cache/debs"
	download "$package" "$version" "$dir"
	dpkg-deb --fsys-tarfile "$dir"/*.deb | tar -xO "./usr/src/$package.tar.xz" >"$dir/source.tar.xz" ||
		die 1 "cannot unpack $package $version"
	rm "$dir"/*.deb
}

# unpack_source SERIES VERSION ENTRY [PATH...]: the tarball, or those paths of it, as an entry of the cache. Sets a
# trap for EXIT.
unpack_source() {
	local series=$1 version=$2 entry=$3 part
	shift 3
	part=$(begin_entry "$entry") || exit 1
	trap "rm -rf '$part' '$part.tar'" EXIT
	mkdir "$part.tar" || exit 1
	fetch_source "$series" "$version" "$part.tar"
	tar -C "$part" -xJf "$part.tar/source.tar.xz" --strip-components=1 "${@/#/linux-source-$series/}" ||
		die 1 "cannot unpack linux-source-$series $version"
	rm -rf "$part.tar"
	# checkpatch.pl knows the top of a kernel tree by these.
	mkdir -p "$part"/{fs,init,ipc,kernel,lib}
	end_entry "$part" "$entry"
}

# What the series may touch. The rest of a source entry is what checkpatch.pl reads.
patched_paths=(drivers/vfio include/linux include/uapi/linux Documentation/driver-api MAINTAINERS)
checkpatch_paths=(COPYING CREDITS Kbuild Kconfig Makefile README LICENSES scripts include/asm-generic
	arch/x86/include)

# Prints the folder of the pristine sources: source_for SERIES VERSION
source_for() {
	local entry=$cache/source/$2
	[ -d "$entry" ] || (unpack_source "$1" "$2" "$entry" "${patched_paths[@]}" "${checkpatch_paths[@]}") || exit
	echo "$entry"
}

# Patches of a series in order, as paths: series_patches SERIES
series_patches() {
	local file=$kernel_dir/$1/series name
	[ -f "$file" ] || die 1 "there is no $file"
	while read -r name; do
		case $name in
		'' | '#'*) continue ;;
		esac
		[ -f "$kernel_dir/$1/$name" ] || die 1 "$file names $name, which is not there"
		echo "$kernel_dir/$1/$name"
	done <"$file"
}

# apply_all SERIES TREE
apply_all() {
	local patches patch
	patches=$(series_patches "$1") || exit
	while read -r patch; do
		[ -z "$patch" ] || apply_patch "$2" "$patch"
	done <<<"$patches"
}

# copy_sources SOURCE TREE: the part of the sources that patches may touch.
copy_sources() {
	local path
	for path in drivers/vfio Documentation/driver-api MAINTAINERS; do
		mkdir -p "$2/$(dirname "$path")" && cp -a "$1/$path" "$2/$path" || return
	done
	mkdir -p "$2/include/linux" "$2/include/uapi/linux"
	cp -a "$1"/include/linux/vfio*.h "$2/include/linux/" &&
		cp -a "$1"/include/uapi/linux/vfio*.h "$2/include/uapi/linux/"
}

# apply_patch TREE PATCH: all of it, exactly, or exit.
apply_patch() {
	local out
	out=$(patch -d "$1" -p1 --fuzz=0 --batch --no-backup-if-mismatch <"$2" 2>&1) ||
		die 1 "$(basename "$2") does not apply:"$'\n'"$out"
	! grep -q 'offset' <<<"$out" || say "note: $(basename "$2") applies at other lines:" \
		"$(grep -c offset <<<"$out") hunks"
}

# Which modules are built: those that the series changes. The kernel's own makefiles say of what.
modules=(vfio.ko pci/vfio-pci-core.ko)

# Prints coldvm's version; in a DKMS package, that of the package.
coldvm_version() {
	local file=$kernel_dir/../CMakeLists.txt
	[ -f "$file" ] || file=$kernel_dir/dkms.conf
	sed -n 's/^project(coldvm VERSION \([0-9.]*\).*/\1/p; s/^PACKAGE_VERSION="\(.*\)"/\1/p' "$file" | grep . ||
		die 1 "$file does not say coldvm's version"
}

# stamp TREE: marks the modules as ours, for modinfo and the kernel's log. DKMS does not install a module whose version
# equals that of the kernel's own, or that has none like the kernel's own.
stamp() {
	local main=$1/drivers/vfio/vfio_main.c core=$1/drivers/vfio/pci/vfio_pci_core.c mark
	mark=coldvm-$(coldvm_version) || exit
	sed -i "s/^\(#define DRIVER_VERSION[[:blank:]]*\"[0-9.]*\)\"/\1-$mark\"/" "$main" && grep -qF -- "-$mark\"" "$main" ||
		die 1 "$main has no DRIVER_VERSION to mark"
	! grep -q '^MODULE_VERSION' "$core" || die 1 "$core has a MODULE_VERSION already"
	printf '\nMODULE_VERSION("%s");\n' "$mark" >>"$core"
}

# write_kbuild TREE: a Kbuild file goes before the Makefile of a folder.
write_kbuild() {
	cat >"$1/drivers/vfio/Kbuild" <<-'END'
		include $(src)/Makefile
		# Only what the patches change; the stock kernel has the rest.
		obj-m := $(filter vfio.o pci/,$(obj-m))
		# Before the kernel's own: the patched headers.
		NOSTDINC_FLAGS += -I$(src)/../../include -I$(src)/../../include/uapi
	END
	cat >"$1/drivers/vfio/pci/Kbuild" <<-'END'
		include $(src)/Makefile
		obj-m := vfio-pci-core.o
		NOSTDINC_FLAGS += -I$(src)/../../../include -I$(src)/../../../include/uapi
	END
}

# compile TREE HEADERS VERSION: builds and checks the modules, in TREE/drivers/vfio. W=1, and a warning is an error:
# in a log of two modules nobody would read it. Without BTF, which would take pahole and serves only programs that
# look into these modules.
compile() {
	local tree=$1 headers=$2 version=$3 log=$1/make.log module
	write_kbuild "$tree"
	stamp "$tree"
	if ! make -C "$headers" M="$tree/drivers/vfio" W=1 CONFIG_DEBUG_INFO_BTF_MODULES= \
		-j "$(nproc)" modules >"$log" 2>&1; then
		grep -vE '^make|^  (CC|LD|MODPOST)' "$log" | head -n 60 >&2
		die 1 "the modules for $version do not build"
	fi
	! grep -iE 'warning:|undefined!' "$log" >&2 || die 1 "warnings, which count as errors"
	for module in "${modules[@]}"; do
		[ -f "$tree/drivers/vfio/$module" ] || die 1 "make built no $module"
	done
	check_crcs "$tree/drivers/vfio/Module.symvers" "$headers/Module.symvers" "$version"
	check_vermagic "$tree" "$version"
}

# check_crcs BUILT STOCK VERSION, two Module.symvers: stock modules go on loading on top of ours only if nothing that
# they import has changed its type.
check_crcs() {
	local built=$1 stock=$2 bad
	[ -s "$built" ] || die 1 "the build left no Module.symvers"
	bad=$(awk -F '\t' '
		FNR == 1 { file++ }
		{ name = $3; sub(/.*\//, "", name) }
		name != "vfio" && name != "vfio-pci-core" { next }
		file == 1 { crc[$2] = $1; owner[$2] = name; next }
		{ seen[$2] = 1 }
		$1 == "0x00000000" { print $2 " has no CRC" }
		$2 in crc && crc[$2] != $1 { print $2 ": stock " crc[$2] ", built " $1 }
		END {
			for (symbol in crc)
				if (!(symbol in seen))
					print symbol " of stock " owner[symbol] " is not exported"
			if (!length(crc))
				print "the stock Module.symvers names no symbol of vfio"
		}' "$stock" "$built")
	[ -z "$bad" ] || die 1 "the exports differ from those of stock $3:"$'\n'"$bad"
}

# check_vermagic TREE VERSION
check_vermagic() {
	local module magic stock stock_magic
	for module in "${modules[@]}"; do
		magic=$(modinfo -F vermagic "$1/drivers/vfio/$module") || die 1 "modinfo cannot read $module"
		[ "${magic%% *}" = "$2" ] || die 1 "$module is for '$magic', not for $2"
		for stock in "/lib/modules/$2/kernel/drivers/vfio/$module"*; do
			[ -f "$stock" ] || continue
			stock_magic=$(modinfo -F vermagic "$stock")
			[ "$magic" = "$stock_magic" ] || die 1 "$module is for '$magic', the kernel's for '$stock_magic'"
		done
	done
}

# Prints the newest cloud kernel of a series that apt knows, or whose headers are in the cache.
newest_kernel() {
	local version
	{
		command -v apt-cache >/dev/null && apt-cache pkgnames "linux-headers-$1." | sed 's/^linux-headers-//'
		ls "$cache/headers" 2>/dev/null
	} | grep -E -- '-cloud-amd64$' | sort -Vr | while read -r version; do
		[ "$(series_of "$version" 2>/dev/null)" = "$1" ] && echo "$version" && break
	done
}

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
