# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154,SC2064 # variables are the callers'; traps expand where they are set
# For sourcing: the patched sources, and the modules that are built of them.

supported="Debian's 6.12 (6.12.*-amd64) and 6.1 (6.1.0-*-amd64)"

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

# copy_iommufd SOURCE TREE
copy_iommufd() {
	mkdir -p "$2/drivers/iommu" && cp -a "$1/drivers/iommu/." "$2/drivers/iommu/" &&
		cp "$1/lib/interval_tree.c" "$2/drivers/iommu/iommufd/interval_tree_lib.c"
}

# compile_iommufd TREE HEADERS VERSION: iommufd and vfio with it, as if the kernel had been configured so. That touches
# modules, but for one iterator of a library (INTERVAL_TREE_SPAN_ITER), which goes into iommufd.ko; the rest of what
# iommufd needs is exported in any case. The types of vfio change, so all of its modules are built.
compile_iommufd() {
	local tree=$1 headers=$2 version=$3 log=$1/make.log module
	modules=(../iommu/iommufd/iommufd.ko vfio.ko vfio_iommu_type1.ko pci/vfio-pci-core.ko pci/vfio-pci.ko)
	write_kbuild "$tree"
	echo 'obj-m := iommu/iommufd/ vfio/' >"$tree/drivers/Kbuild"
	cat >"$tree/drivers/iommu/iommufd/span.c" <<-'END'
		#include <linux/export.h>
		#undef EXPORT_SYMBOL_GPL
		#define EXPORT_SYMBOL_GPL(symbol)
		#define CONFIG_INTERVAL_TREE_SPAN_ITER 1
		#include "interval_tree_lib.c"
	END
	printf 'include $(src)/Makefile\niommufd-y += span.o\n' >"$tree/drivers/iommu/iommufd/Kbuild"
	sed -i 's/^obj-m := .*/obj-m := $(filter vfio.o vfio_iommu_type1.o pci\/,$(obj-m))/' "$tree/drivers/vfio/Kbuild"
	sed -i 's/^obj-m := .*/obj-m := vfio-pci-core.o vfio-pci.o/' "$tree/drivers/vfio/pci/Kbuild"
	if ! make -C "$headers" M="$tree/drivers" CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_IOMMUFD=m CONFIG_IOMMUFD_TEST= \
		CONFIG_VFIO_DEVICE_CDEV=y KCFLAGS='-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1' \
		-j "$(nproc)" modules >"$log" 2>&1; then
		grep -vE '^make|^  (CC|LD|MODPOST)' "$log" | head -n 60 >&2
		die 1 "the modules for $version do not build with iommufd"
	fi
	for module in "${modules[@]}"; do
		[ -f "$tree/drivers/vfio/$module" ] || die 1 "make built no $module"
	done
}
