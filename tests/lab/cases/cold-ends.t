# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest that reboots, panics, crashes or powers off while its device is cold leaves it usable
# needs: coldvm
# timeout: 300

set -- $LAB_DEVICES
device=$1

# end NAME STATUS COMMAND [CMDLINE]
end() {
	VM_CMDLINE=$4 vm_start
	guest disk
	guest idle
	wait_event power-d3cold
	guest_send "$3"
	vm_wait "$2"
	ok "$1 while cold: coldvm ends with $2"
	wait_state "$device" D3cold
}

end "power off" 0 "poweroff -f"
end "reboot" 3 "reboot -f"
end "panic" 3 "echo c >/proc/sysrq-trigger"
end "triple fault" 4 "reboot -f" "reboot=triple"

# The power button: the guest's agent switches off, as a login manager would.
vm_start
guest disk
guest idle
wait_event power-d3cold
vm_signal TERM
vm_wait 0
ok "SIGTERM while cold: the guest switches off, and coldvm ends with 0"
wait_state "$device" D3cold

vm_start
gout sum disk_sum 4
check_eq "$sum" "$(expected_sum 4)" "the next VM reads the disk"
vm_stop
host_log_clean
