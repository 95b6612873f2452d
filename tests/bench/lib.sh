# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the benches beside QEMU share: sourced by bash, in the root of the tree.

# An emulator that the lab cannot mend freezes a host under --icount now and then (tests/lab/README.md); so often another one
# is booted.
MAX_FROZEN=${MAX_FROZEN:-8}
FROZEN=123
QEMU=${QEMU:-$(command -v qemu-system-x86_64)}
QBOOT=/usr/share/qemu/qboot.rom
BENCH=tests/bench/$(basename "$0")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# usage TEXT: what is wrong with the command line.
usage() {
	echo "$BENCH: $*; see the head of this file" >&2
	exit 2
}

# check_rows "KNOWN..." ROW...
check_rows() {
	local known=" $1 " row
	shift
	for row in "$@"; do
		[[ $known = *" $row "* ]] || usage "--row '$row': there is no such row"
	done
}

# compile NAME: a static program for guest and host, from tests/bench/NAME.c.
compile() { gcc -std=gnu11 -O2 -static -Wall -Wextra -Werror -o "$scratch/$1" "tests/bench/$1.c"; }

# pack DIRECTORY: an archive on standard output.
pack() { (cd "$1" && find . -mindepth 1 | cpio -o -H newc --quiet); }

# The start of each job: how the host starts a VMM with a guest of one vCPU. Both replace the calling shell, so that
# "coldvm_run ... &" leaves the VMM's process id in $!. More options follow; of an option given twice the last counts.
cat >"$scratch/job.head" <<'EOF_HEAD'
cmdline='console=ttyS0 quiet panic=-1'
coldvm_run() {
	exec coldvm run --kernel /guest/bzImage --initramfs /run/initrd --memory size=${MEMORY:-256M} \
		--cmdline "$cmdline" "$@"
}
# What QEMU's manual gives for the fastest boot, with a serial port and a PCIe bus.
qemu_run() {
	exec qemu -L /qemu -bios qboot.rom \
		-M microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on,pcie=on \
		-accel kvm -cpu host -smp 1 -m ${MEMORY:-256M} -nodefaults -no-user-config -no-reboot -display none \
		-serial stdio -kernel /guest/bzImage -initrd /run/initrd -append "$cmdline" "$@"
}
die() {
	echo "bench: $*"
	cat /run/*.err
	exit 1
}
# await TEXT: the next line with that text from descriptor 8, in $line; the others are shown.
await() {
	while read -r line <&8; do
		case $line in *"$1"*) return ;; esac
		echo "$line"
	done
	die "the guest ended before '$1'"
}
EOF_HEAD

# host ROW OPTION-OF-LAB-RUN...: runs $scratch/job in a host of its own, behind the line ROW=..., with the VMM that the
# row's name begins with; its output is $scratch/out. Another host is booted for one that the emulator froze. $clock
# names how its time goes: --icount, or nothing for real time.
clock=--icount
host() {
	local row=$1 try status
	shift
	{ echo "ROW=$row"; cat "$scratch/job.head" "$scratch/job"; } >"$scratch/job.$row"
	case $row in
	coldvm*) set -- --coldvm "${COLDVM:-build/coldvm}" "$@" ;;
	qemu*) set -- --program "$QEMU:bin/qemu" --file "$QBOOT:qemu/qboot.rom" "$@" ;;
	esac
	for try in $(seq "$MAX_FROZEN"); do
		status=0
		# shellcheck disable=SC2086 # an option or none
		tests/lab/run $clock "$@" "$scratch/job.$row" >"$scratch/out" || status=$?
		[ $status = $FROZEN ] || break
		echo "$BENCH: the emulator froze the host of $row, try $try; booting another" >&2
	done
	[ $status = 0 ] || give_up "$row" $status
}

# give_up ROW STATUS: the row has no figures.
give_up() {
	tail -n 20 "$scratch/out" >&2
	echo "$BENCH: $1 gave not all figures (status $2)" >&2
	exit "$(($2 ? $2 : 1))"
}
