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

# Prints the folder of a kernel's headers: the installed ones, or those of an unpacked package.
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
		download "$package" "$at" "$part" || exit
		names=$(dpkg-deb -f "$part"/*.deb Depends | tr ',|' '\n\n' | awk '{ print $1 }' |
			grep -E '^linux-(headers-.*-common|kbuild-)') || die 1 "$package names no common headers"
		for dependency in $names; do
			at=$(versions_of "$dependency" | head -n 1)
			download "$dependency" "$at" "$part" || exit
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

# Prints a kernel tarball of exactly that version on standard output: source_tarball SERIES VERSION
source_tarball() {
	local package=linux-source-$1 version=$2 tmp
	if [ "$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)" = "$version" ]; then
		cat "/usr/src/$package.tar.xz"
		return
	fi
	tmp=$(mktemp -d "$cache/.source.XXXXXX") || exit 1
	if [ ! -f "$cache/debs/${package}_${version}_all.deb" ] && ! versions_of "$package" | grep -qxF "$version"; then
		rmdir "$tmp"
		die 77 "apt has no $package $version any more (it has: $(versions_of "$package" | tr '\n' ' ')): update the" \
			"kernel, or put ${package}_${version}_all.deb from snapshot.debian.org into $cache/debs"
	fi
	download "$package" "$version" "$tmp" || { rm -rf "$tmp"; exit 77; }
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -xO "./usr/src/$package.tar.xz"
	rm -rf "$tmp"
}

# What the series may touch. The rest of a source entry is what checkpatch.pl reads.
patched_paths=(drivers/vfio include/linux include/uapi/linux Documentation/driver-api MAINTAINERS)
checkpatch_paths=(COPYING CREDITS Kbuild Kconfig Makefile README LICENSES scripts include/asm-generic
	arch/x86/include)

# Prints the folder of the pristine sources: source_for SERIES VERSION
source_for() {
	local series=$1 version=$2 entry=$cache/source/$2 part top=linux-source-$1
	if [ ! -d "$entry" ]; then
		part=$(begin_entry "$entry") || exit 1
		source_tarball "$series" "$version" |
			tar -C "$part" -xJ --strip-components=1 \
				"${patched_paths[@]/#/$top/}" "${checkpatch_paths[@]/#/$top/}"
		case ${PIPESTATUS[*]} in
		"0 0") ;;
		"77 "*) rm -rf "$part"; exit 77 ;;
		*) rm -rf "$part"; die 1 "cannot unpack $top $version" ;;
		esac
		# checkpatch.pl knows the top of a kernel tree by these.
		mkdir -p "$part"/{fs,init,ipc,kernel,lib}
		end_entry "$part" "$entry"
	fi
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
