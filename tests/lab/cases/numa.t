# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest has the NUMA nodes that it was given, on the memory of the host's nodes that were named, and a device knows its node
# kernels: 6.12
# needs: coldvm
# numa: 2
# devices: nvme nic
# programs: /usr/lib/qemu/virtiofsd
# timeout: 240

set -- $LAB_DEVICES
device=$1 nic=$2
nodes=/sys/devices/system/node
huge1=$nodes/node1/hugepages/hugepages-2048kB
share=/run/share socket=/run/fs.sock

# pages BOUND NODE SIZE: pages of SIZE KiB on the host's node NODE of the memory that is bound to node BOUND. A zone can
# be in several lines, for advice divides mappings.
pages() {
	awk -v policy="bind:$1" -v key="N$2" -v size="kernelpagesize_kB=$3" '$2 == policy && $NF == size {
		for (i = 3; i < NF; i++) if (split($i, part, "=") == 2 && part[1] == key) sum += part[2]
	} END { print sum + 0 }' "/proc/$(vm_pid)/numa_maps"
}

# refused STATUS PATTERN WHAT OPTION...: coldvm ends with that before a guest starts, and says why in one line.
refused() {
	local status=$1 pattern=$2 what=$3
	shift 3
	VM_DEVICES= vm_launch "$@"
	vm_wait "$status"
	check "grep -q -- '$pattern' $RUN/vm.err" "$what"
	note "$(cat $RUN/vm.err)"
	check_eq "$(wc -l <$RUN/vm.err)" 1 "in one line"
}

two="--numa guest_numa_id=0,cpus=[0],memory_zones=[near],distances=[1@31] guest_numa_id=1,cpus=[1],memory_zones=[far]"

check_eq "$(cat $nodes/has_memory)" 0-1 "the host has two nodes"
host "echo 1 >$(pci_dir "$device")/numa_node"
host "echo 0 >$(pci_dir "$nic")/numa_node"
check_eq "$(cat "$(pci_dir "$device")/numa_node" "$(pci_dir "$nic")/numa_node" | xargs)" "1 0" "a disk is at the second one, a card at the first"

# -- what cannot be had

host "echo 16 >$huge1/nr_hugepages"
check_eq "$(cat $huge1/free_hugepages)" 16 "there are 16 huge pages on node 1"
refused 1 'far: host_numa_node=7: .*nodes with memory are 0-1' "a node that the host has not is named, with those that it has" \
	--memory size=0 --memory-zone id=far,size=64M,host_numa_node=7
refused 1 'far: zones on host node 1 want 2048 MiB' "so is one that is too small" \
	--memory size=0 --memory-zone id=far,size=2G,host_numa_node=1
refused 1 'far: zones on host node 1 want 700 MiB at once, .* MiB to give' "or has not enough just now" \
	--memory size=0 --memory-zone id=far,size=700M,host_numa_node=1,prefault=on
refused 1 'far: 64 MiB in 2 MiB huge pages on host node 1 cannot be had.*node1/hugepages' "or too few huge pages" \
	--memory size=0 --memory-zone id=near,size=64M id=far,size=64M,host_numa_node=1,hugepages=on

# -- with a device, and huge pages of node 1

host "echo 48 >$huge1/nr_hugepages"
vm_start -v --cpus boot=2 --memory size=0 \
	--memory-zone id=near,size=128M,host_numa_node=0 id=far,size=96M,host_numa_node=1,hugepages=on,prefault=on $two
check_eq "$(pages 1 1 2048)" 48 "its 48 huge pages are of node 1"
check_eq "$(cat $huge1/free_hugepages)" 0 "which has none left"
check_eq "$(pages 0 0 4)" 32768 "the other 128 MiB, pinned for the devices, are of node 0"
gout text "cd $nodes; cat online node0/cpulist node1/cpulist node0/distance node1/distance"
check_eq "$(echo $text)" "0-1 0 1 10 31 31 10" "the guest has two nodes with a vCPU each, 31 apart"
gout text "dmesg | sed -n 's/.*SRAT: Node . PXM \(. .mem .*\)/\1/p'"
check_eq "$(echo $text)" "0 [mem 0x00000000-0x07ffffff] 1 [mem 0x08000000-0x0dffffff]" "with 128 and 96 MiB"
gout text "for n in 0 1; do sed -n 's/.*MemTotal: *\([0-9]*\) kB/\1/p' $nodes/node\$n/meminfo; done"
set -- $text
check "[ $1 -gt 90000 ] && [ $1 -le 131072 ] && [ $2 -gt 40000 ] && [ $2 -le 98304 ]" \
	"which its memory management has: $1 and $2 KiB"
gout text "cat /sys/devices/system/cpu/cpu*/topology/physical_package_id"
check_eq "$(echo $text)" "0 1" "each node is a package"
gout text 'cat /sys/bus/pci/devices/$(nvme_dev)/numa_node'
check_eq "$text" 1 "the disk is at the guest's node 1"
gout text 'cat /sys/bus/pci/devices/$(dev_of 0x0200)/numa_node'
check_eq "$text" 0 "and the card at its node 0"
gout text "ls -d /sys/devices/pci* | xargs"
check_eq "$text" "/sys/devices/pci0000:00 /sys/devices/pci0000:01 /sys/devices/pci0000:03" "each node has a host bridge of its own"
gout text 'cat /sys/bus/pci/devices/$(nvme_dev)/local_cpulist'
check_eq "$text" 1 "the disk is near to that one's vCPU"
gout sum disk_sum 1
check_eq "$sum" "$(expected_sum 1)" "and reads the right data"
guest idle
wait_event power-d3cold
wait_state "$device" D3cold
guest touch_dev
wait_event power-alive
gout sum disk_sum 2
check_eq "$sum" "$(expected_sum 2)" "so it does behind D3cold"
guest_log_clean
vm_stop
check_eq "$(cat $huge1/free_hugepages)" 48 "at its end the huge pages are free again"

# -- shared zones, without a device: only what shall be filled is

host "mkdir -p $share /var/run/virtiofsd; dd if=/dev/urandom of=$share/big bs=1024 count=3000"
virtiofsd -f --socket-path=$socket -o source=$share -o sandbox=chroot >$RUN/daemon.log 2>&1 7>&- </dev/null &
probe wait-file $socket "$LAB_LIMIT" || fail "virtiofsd does not start: $(cat $RUN/daemon.log)"
VM_DEVICES= vm_start --cpus boot=2 --fs "tag=home,socket=$socket" --memory-zone id=near,size=128M,host_numa_node=1,shared=on \
	id=far,size=128M,host_numa_node=0,shared=on,prefault=on --memory size=0 $two
check_eq "$(pages 0 0 4)" 32768 "a zone with prefault=on is there as a whole"
near=$(pages 1 1 4)
check "[ $near -gt 0 ] && [ $near -lt 32768 ]" "one without is not: $near pages"
check_eq "$(pages 1 0 4) $(pages 0 1 4)" "0 0" "and what there is is of its node"
guest "mkdir /mnt; mount -t virtiofs home /mnt"
gout sum "taskset 2 md5sum </mnt/big | cut -c 1-32"
check_eq "$sum" "$(md5sum <$share/big | cut -c 1-32)" "virtiofsd reaches both zones"
gout text "cat /sys/bus/pci/devices/0000:00:01.0/numa_node"
check_eq "$text" 0 "emulated devices are at the node of vCPU 0"
guest "umount /mnt"
vm_stop
# What the lab itself did with the devices' nodes.
host_log_clean 'Overriding NUMA node'
