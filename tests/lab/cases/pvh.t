# SPDX-License-Identifier: BSD-3-Clause
# rule: an ELF vmlinux boots by its PVH entry, and its device cycles as under a bzImage
# kernels: 6.12
# needs: coldvm
# programs: zstd
# timeout: 120

# The ELF file inside the bzImage (boot.rst: setup_sects, payload_offset, payload_length).
field() { od -An -tu"$2" -j $(($1)) -N "$2" /guest/bzImage | tr -d ' '; }
start=$((($(field 0x1f1 1) + 1) * 512 + $(field 0x248 4)))
length=$(field 0x24c 4)
tail -c +$((start + 1)) /guest/bzImage | head -c $((length - 4)) | zstd -dq >/run/vmlinux
check_eq "$(head -c 4 /run/vmlinux | tail -c 3)" ELF "the bzImage holds an ELF file"

vm_start --kernel /run/vmlinux --memory size=384M
gout sum "disk >/dev/null; disk_sum 1"
check_eq "$sum" "$(expected_sum 1)" "it boots, and reads the disk"
guest idle
wait_event power-d3cold
guest touch_dev
gout sum "disk >/dev/null; disk_sum 2"
check_eq "$sum" "$(expected_sum 2)" "and reads it after a cycle"
guest_log_clean
vm_stop
