# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154,SC2064 # variables are the callers'; traps expand where they are set
# For sourcing: Debian's kernel packages, fetched into the lab's cache without installing them.

# The lab's cache, by the same rule (tests/lab/l0/kernels.py). It may be removed at any time.
cache_dir() {
	local path=${COLDVM_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coldvm-lab}
	mkdir -p "$path" || die 1 "cannot make the cache $path: set COLDVM_LAB_CACHE to a folder that can be written"
	(cd "$path" && pwd)
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

# The same for iommufd, which no patch touches.
iommu_source_for() {
	local entry=$cache/source/$2-iommu
	[ -d "$entry" ] || (unpack_source "$1" "$2" "$entry" drivers/iommu/iommufd drivers/iommu/iommu-priv.h \
		lib/interval_tree.c) || exit
	echo "$entry"
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
