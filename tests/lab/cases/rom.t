# SPDX-License-Identifier: BSD-3-Clause
# rule: the guest reads the ROM image that it was given, also after the device was cold, and none without rom=
# kernels: 6.1
# needs: coldvm
# timeout: 120

set -- $LAB_DEVICES
device=$1
image=/run/rom.bin

# zeros COUNT: so many bytes.
zeros() { dd if=/dev/zero bs=1 count="$1" 2>/dev/null; }

# PCI Firmware Specification 3.3, 5.2.1: signature, pointer to "PCIR"; there the length of that structure,
# of the image in blocks of 512 bytes, and the mark of the last one. Linux reads no further than they say (drivers/pci/rom.c: pci_get_rom_size()).
{
	printf '\125\252\002' && zeros 21 && printf '\034\000' && zeros 2
	printf 'PCIR' && zeros 6 && printf '\030\000' && zeros 4 && printf '\002\000' && zeros 3 && printf '\200' && zeros 10
	yes 'a line of the image' | head -c 964
} >$image
sum=$(sha256sum <$image | cut -d' ' -f1)
check_eq "$(wc -c <$image)" 1024 "the image is two blocks"

# The driver is bound, so the device is on.
guest_sum() {
	gout found "cd /sys/bus/pci/devices/\$(nvme_dev) && echo 1 >rom && sha256sum <rom | cut -d' ' -f1; echo 0 >rom"
}

vm_start --device "path=$device,rom=$image"
guest disk
guest_sum
check_eq "$found" "$sum" "the guest reads its image"
guest idle
wait_event power-d3cold
guest touch_dev
wait_event power-alive
guest disk
guest_sum
check_eq "$found" "$sum" "and reads it again when the device is back"
guest_log_clean
vm_stop

vm_start
guest "[ ! -e /sys/bus/pci/devices/\$(nvme_dev)/rom ]"
ok "without rom= there is none"
vm_stop
host_log_clean
