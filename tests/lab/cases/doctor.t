# SPDX-License-Identifier: BSD-3-Clause
# rule: doctor names the link that stands between a device and D3cold, its command cures it, and asking wakes nothing
# kernels: 6.12
# needs: coldvm
# timeout: 240
# variant: nvme kernels="6.12 6.1" CAUSE=settings
# variant: pair devices=pair CAUSE=sibling
# variant: iommu-off append=intel_iommu=off bind=no CAUSE=iommu
# variant: port-pm-off append=pcie_port_pm=off CAUSE=port-pm
# variant: no-pr3 append=acpi_no_static_ssdt CAUSE=no-pr3
# variant: patched driver=patched CAUSE=patched
# variant: idle-d3-off module-args=vfio_pci=disable_idle_d3=1 CAUSE=idle-d3
#
# Produced here: d3cold_allowed 0 and power/control "on", of the device and of the port; an armed wake; a device with
# its own driver; a group whose file belongs to somebody else; a port without its driver; a sibling that is awake with
# its own driver, in a group that is not viable for it; no IOMMU; pcie_port_pm=off; no _PR3, by a host that does not
# load the SSDT; disable_idle_d3=1, which must not matter. With the patched driver the trial is its work.
#
# Only in made-up trees (tests/unit/check_preflight*.c), with the reason:
#   BIOS of 2014, hot-plug port that may not sleep   the lab's command line has pcie_port_pm=force, which comes first
#   hot-plug of the firmware                         needs another _OSC answer than QEMU's
#   _EJ0 beside the power resource                   needs other ACPI tables than the lab's
#   a power resource of the device itself            the same
#   switches with several ports, Thunderbolt         QEMU's machine has one level of ports here
#   virtual functions that are on                    QEMU's NVMe offers none as the lab starts it
#   no reset, no way back, a card on the list        QEMU's devices have flr and bus, and are on no list
#   a kernel before 6.1                              the lab has 6.1 and 6.12

set -- $LAB_DEVICES
device=$1
second=$2
dir=$(pci_dir "$device")
port=$(port_of "$device")

# asked STATUS PATTERN [ARGUMENT...]: doctor's status, and a line of its report.
asked() {
	local status=$1 pattern=$2 got
	shift 2
	[ $# -gt 0 ] || set -- "$device"
	timeout -s KILL 60 coldvm doctor "$@" >/run/doctor 2>/run/doctor.err
	got=$?
	if [ $got != "$status" ] || ! cat /run/doctor /run/doctor.err | grep -q -e "$pattern"; then
		note "status $got, wanted $status and '$pattern'; it said:"
		sed 's/^/#   /' /run/doctor /run/doctor.err
		fail "coldvm doctor $*"
	fi
	ok "$status: $(cat /run/doctor /run/doctor.err | grep -m 1 -e "$pattern" | sed 's/^ *//')"
}

# cured LINK: runs the commands that doctor printed below the bad links of that name.
cured() {
	awk -v link="$1" '
		/^  (note|limits|blocks) / { on = $2 == link; next }
		/^  [^ ]/ { on = 0 }
		on && /^        [^ ]/ { print }
	' /run/doctor >/run/cure
	check '[ -s /run/cure ]' "$1: there is a command"
	host "set -e; modprobe() { :; }; $(cat /run/cure)"
}

good() {
	asked 0 '=> reaches D3cold$'
}

# What is said to be reached is what happens: the trial, with the power log as a witness.
reaches() {
	power_mark
	asked 0 '=> reached D3cold and came back$' --try "$device"
	note "$(grep -e 'reached  ' /run/doctor), $(grep -e 'exit  ' /run/doctor)"
	check_eq "$(power_new | awk '{ printf "%s ", $3 }')" "$1" "the power log says so too"
}

stops_short() {
	power_mark
	asked 6 '=> did not reach D3cold' --try "$device"
	check_eq "$(power_count off)" 0 "and the power log says so too"
}

settings() {
	wait_state "$device" D3cold
	good

	# Asking wakes nothing.
	power_mark
	host "for n in \$(seq 100); do coldvm doctor && coldvm doctor --json $device; done >/run/many"
	check_eq "$(grep -c -e '=> reaches D3cold' /run/many) $(grep -c '"verdict": "reaches D3cold"' /run/many)" "100 100" "200 runs"
	check_eq "$(power_new | wc -l)" 0 "the power log is as before"
	check_eq "$(power_state "$device")" D3cold "the device is cold"

	host "echo 0 >$dir/d3cold_allowed"
	asked 6 "=> D3hot only: $device: d3cold_allowed is 0"
	stops_short
	asked 6 D3hot
	cured d3cold
	good
	host "echo 0 >$(pci_dir "$port")/d3cold_allowed"
	asked 6 "=> D3hot only: port $port: d3cold_allowed is 0"
	cured d3cold
	good
	host "echo on >$dir/power/control"
	asked 6 "=> D0 only: $device: power/control is 'on'"
	cured control
	good
	host "echo on >$(pci_dir "$port")/power/control"
	asked 6 "=> D3hot only: port $port: power/control is 'on'"
	cured control
	good
	host "echo enabled >$dir/power/wakeup"
	asked 0 "note .*wake .*$device is armed"
	cured wake
	good
	host "echo $port >/sys/bus/pci/drivers/pcieport/unbind"
	# Its driver leaves power/control "on" behind, and puts it right when it comes back.
	asked 6 "limits ports     port $port: not bound to pcieport"
	cured ports
	good
	wait_state "$device" D3cold

	# One real cycle, and the device is as it was: open, entry, exit, close.
	reaches "on off on off "
	check_eq "$(grep -c 'afterwards .*D3cold, port D3cold, as before' /run/doctor)" 1 "it is cold again"
	power_mark
	host "coldvm doctor --json --try $device >/run/json"
	check_eq "$(grep -c '"alive": true' /run/json) $(grep -c '"restored": true' /run/json)" "1 1" "JSON has the trial"
	check_eq "$(power_new | wc -l)" 4 "which was a real one"

	group=$(basename "$(readlink "$dir/iommu_group")")
	exec 8<>"/dev/vfio/$group"
	asked 1 'another VM or program has it' --try "$device"
	exec 8>&-
	mkdir -p /etc
	echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
	su -s /bin/sh nobody -c "$(which coldvm) doctor $device" >/run/doctor 2>/run/doctor.err
	check_eq $? 7 "somebody else may not open the group"
	note "$(grep -A 1 'limits\|blocks\|note ' /run/doctor)"
	check "grep -q '=> cannot be passed through: /dev/vfio/$group is not yours to open' /run/doctor" "and is told so"
	check "grep -q 'note   memlock   RLIMIT_MEMLOCK is ' /run/doctor" "and of the limit on locked memory"

	# The device is none the worse: its own driver reads the right data.
	host "echo $device >$dir/driver/unbind; echo >$dir/driver_override; echo $device >/sys/bus/pci/drivers_probe"
	asked 7 "=> cannot be passed through: $device is bound to nvme, not to vfio-pci"
	asked 7 'blocks driver' --try "$device"
	hout sum "until [ -b /dev/nvme0n1 ]; do usleep 10000; done; dd if=/dev/nvme0n1 bs=1M skip=1 count=1 2>/dev/null | sha256sum | cut -d' ' -f1"
	check_eq "$sum" "$(expected_sum 1)" "the disk has its data"
	asked 7 "blocks driver"
	cured driver
	good
	wait_state "$device" D3cold

	# What is no device.
	asked 2 "'gpu' is no PCI device" gpu
	asked 2 "'01:00' is no PCI device" 01:00
	asked 2 "'/dev/null' is no PCI device" /dev/null
	asked 2 'unknown option --jsno' --jsno
	asked 2 'wants one device, and 0 are named' --try
	asked 1 '0000:7f:1f.7: no such PCI device' 7f:1f.7
	asked 2 "$port is a bridge" "$port"
	host_log_clean
}

# Function 0 with its own driver keeps the group from being viable, and the slot from losing its power.
sibling() {
	good
	host "echo $device >$dir/driver/unbind; echo >$dir/driver_override; echo $device >/sys/bus/pci/drivers_probe"
	check_eq "$(basename "$(readlink "$dir/driver")")" virtio-pci "function 0 has its own driver"
	asked 7 "limits siblings  $device (virtio-pci) shares the power and is active" "$second"
	asked 7 "=> cannot be passed through: group .* is not viable: $device (virtio-pci)" "$second"
	cured group
	asked 0 '=> reaches D3cold$' "$device" "$second"
	check_eq "$(grep -c -e '=> reaches D3cold$' /run/doctor)" 2 "for both functions"
	device=$second
	reaches "on off on off "
}

case $CAUSE in
settings) settings ;;
sibling) sibling ;;
iommu)
	asked 7 "=> cannot be passed through: $device has no IOMMU group: the IOMMU is off"
	asked 7 '# boot the host with intel_iommu=on'
	;;
port-pm)
	asked 6 "=> D3hot only: port $port: the host runs with pcie_port_pm=off"
	asked 6 '# boot the host without pcie_port_pm=off'
	stops_short
	;;
no-pr3)
	asked 6 "=> D3hot only: $device: the firmware has no power resource (_PR3)"
	stops_short
	;;
patched)
	asked 0 'vfio-pci is the patched one'
	reaches "on off on off "
	check "grep -q 'tried back end   explicit' /run/doctor" "by D3cold on request"
	;;
idle-d3)
	asked 0 'note   idle      vfio-pci has disable_idle_d3=Y'
	check_eq "$(power_state "$device")" D0 "an unopened device stays in D0"
	reaches "off on "
	check_eq "$(grep -c 'afterwards .*D0, port D0, as before' /run/doctor)" 1 "it is in D0 again"
	;;
esac
