# SPDX-License-Identifier: BSD-3-Clause
# rule: `coldvm tables` writes, without opening the device, the very tables that the guest of the same options finds
# kernels: 6.12
# needs: coldvm
# timeout: 90

set -- $LAB_DEVICES
device=$1

wait_state "$device" D3cold
power_mark
host "coldvm tables /run/tables --cpus boot=2 --memory size=256M --device path=$device,pr3=both"
note "$(ls /run/tables | tr '\n' ' ')"
check_eq "$(power_new | wc -l)" 0 "the device is not woken for it"
check '[ -s /run/tables/dsdt.aml ] && [ -s /run/tables/ssdt-slot0.aml ]' "DSDT and the slot's SSDT are there"

vm_start --cpus boot=2 --device "path=$device,pr3=both"
gout found "cd /sys/firmware/acpi/tables; for t in DSDT SSDT* APIC MCFG FACP; do md5sum <\$t; done | sort"
rm /run/tables/xsdt.aml # Linux does not show that one
check_eq "$(echo "$found")" "$(for t in /run/tables/*.aml; do md5sum <$t; done | sort)" "the guest has the same, byte by byte"
guest_log_clean
vm_stop
