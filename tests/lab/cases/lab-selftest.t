# SPDX-License-Identifier: BSD-3-Clause
# rule: the lab's own parts tell the truth: clocks, monitor, image checksums, witness, config access, KVM
# kernels: 6.12 6.1
# timeout: 60

set -- $LAB_DEVICES
device=$1

hout clocks l0time
set -- $clocks
check_eq $# 3 "l0time gives two clocks and the error"
check_le "$3" 50000000 "the error in ns"
hout again l0time
first=$(($2 - $1))
set -- $again
drift=$((($2 - $1) - first))
[ "$LAB_ICOUNT" = 1 ] || check_le ${drift#-} 50000000 "two offsets agree, in ns"

hout reply monitor "info status"
check_eq "$reply" "VM status: running" "the monitor answers"
hout sum image_sum 3
check_eq "$sum" "$(expected_sum 3)" "the image is the one that was made"
check "! probe control imagesum 1 nonsense" "a bad request is refused"
check "! probe control no-such-verb" "an unknown verb is refused"

# The device sleeps; CF8/CFC goes past the kernel, and wakes nothing.
wait_state "$device" D3cold
power_mark
hout word probe cfg-cf8 1 0 0 0
check_eq "$word" 0xffffffff "config space of a device without power reads ones"
check_eq "$(power_new | wc -l)" 0 "and the read did not wake it"
probe sample -i 2 "$(pci_dir "$device")/power_state" >/run/sample &
sampler=$!
hout word cat "$(pci_dir "$device")/vendor"
host "hexdump -n 4 $(pci_dir "$device")/config"
wait_power off 1
kill $sampler
check_eq "$(head -n 2 /run/sample | cut -d' ' -f3- | tr '\n' ' ')" "- D3cold D3cold D0 " "the sampler sees it wake"
check_eq "$(tail -n 1 /run/sample | cut -d' ' -f4)" D3cold "and sees it sleep again"
check_eq "$(power_count on)" 1 "a config read by sysfs wakes the device"
check "[ -c /dev/kvm ]" "there is a KVM"
check "[ -d /sys/kernel/debug/kvm ]" "and its statistics"
check "[ -c /dev/vfio/vfio ]" "there is vfio"
host_log_clean
