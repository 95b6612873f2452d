# SPDX-License-Identifier: BSD-3-Clause
# rule: a wake costs the guest at most 20 ms more than the host's exit from low power
# kernels: 6.12
# needs: coldvm
# icount: yes
# timeout: 240

# measure NAME: the guest's wake less the host's exit in COST, over three wakes the worst.
measure() {
	local n
	guest disk
	gout dev nvme_dev
	guest idle
	COST=0
	for n in 1 2 3; do
		wait_event power-d3cold
		guest usleep 200000
		gout text probe wake-time "/sys/bus/pci/devices/$dev"
		wait_event power-exit-returned
		exit_ns=$(event_field took_ns)
		wait_event power-alive
		wake=$(echo "$text" | sed 's/.* answer_ns \([0-9]*\).*/\1/')
		note "$1: guest's wake $((wake / 1000)) us, host's exit $((exit_ns / 1000)) us," \
			"difference $(((wake - exit_ns) / 1000)) us"
		[ $((wake - exit_ns)) -le $COST ] || COST=$((wake - exit_ns))
		guest usleep 300000
		guest idle
	done
}

vm_start
measure "with the delay _DSMs"
check_le "$COST" 20000000 "the guest's wake less the host's exit, in ns"
guest 'mkdir -p /run/t; for t in DSDT SSDT SSDT1 SSDT2; do
	[ -e /sys/firmware/acpi/tables/$t ] && cat /sys/firmware/acpi/tables/$t >/run/t/$t; done; ls /run/t'
gout tables 'cd /run/t; for t in *; do probe aml-rename $t _DSM XDSM >/dev/null; mkdir -p kernel/firmware/acpi
	mv $t kernel/firmware/acpi/$t.aml; done; find kernel | cpio -o -H newc 2>/dev/null | gzip | base64'
vm_stop

# The same tables without the methods: Linux loads newer ones from the front of its initramfs.
echo "$tables" | base64 -d | gunzip >/run/initrd.no-dsm
cat /guest/initrd >>/run/initrd.no-dsm
vm_start --initramfs /run/initrd.no-dsm
gout text 'dmesg | grep -c "Table Upgrade: override" || true'
check "[ '$text' -ge 1 ]" "the guest takes the tables without _DSM ($text of them)"
measure "without the delay _DSMs"
note "without the delay _DSMs the difference is $((COST / 1000)) us"
vm_stop
