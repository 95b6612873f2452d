# SPDX-License-Identifier: BSD-3-Clause
# rule: an idle device of the emulated host loses its power with its port, once per vfio cycle
# kernels: 6.12 6.1
# timeout: 60

set -- $LAB_DEVICES
device=$1
port=$(port_of "$device")
name=$(port_name "$device")

wait_state "$device" D3cold
wait_state "$port" D3cold
check_eq "$(powerlog | tail -n 1 | cut -d' ' -f2-)" "$name off" "the slot of an idle device has no power"

hout result monitor "info qtree"
check 'echo "$result" | grep -q nvme' "the device is plugged in all the same"

# Opening the device wakes it, closing it lets it sleep: the marks stand around that.
power_mark
hout result probe vfio-cycle "$device" 5
echo "$result"
check_eq "$(echo "$result" | grep -c '^cycle')" 5 "five cycles come back alive"
wait_power off 6
check_eq "$(power_count on)" 6 "one on per cycle, and one for the open"
check_eq "$(power_count off)" 6 "one off per cycle, and one for the close"
check_eq "$(power_new | cut -d' ' -f3 | tr '\n' ' ')" "on off on off on off on off on off on off " "they alternate"

exits=$(echo "$result" | sed 's/.*exit_ns \([0-9]*\).*/\1/' | sort -n)
check_le "$(echo "$exits" | tail -n 1)" 1000000000 "the slowest exit in ns"
host_log_clean
