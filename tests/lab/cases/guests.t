# SPDX-License-Identifier: BSD-3-Clause
# rule: one cycle with every number of CPUs, size of memory and guest kernel, in pairs
# variant: 1cpu       kernels=6.12 CPUS=1 MEMORY=size=256M
# variant: 2cpu       kernels=6.12 CPUS=2 MEMORY=size=256M
# variant: 4cpu       kernels=6.1  CPUS=4 MEMORY=size=256M
# variant: shared     kernels=6.12 CPUS=2 MEMORY=size=256M,shared=on
# variant: guest61    kernels=6.1  CPUS=1 MEMORY=size=256M guest-kernel=6.1
# variant: guest61b   kernels=6.12 CPUS=2 MEMORY=size=256M guest-kernel=6.1
# variant: generic    kernels=6.12 CPUS=1 MEMORY=size=256M guest-flavour=generic
# variant: generic61  kernels=6.1  CPUS=2 MEMORY=size=256M guest-kernel=6.1 guest-flavour=generic
# variant: 6g         kernels=6.1  CPUS=1 MEMORY=size=6G,hugepages=on memory=8G append=hugepages=3080 timeout=300
# needs: coldvm
# timeout: 150

vm_start --cpus boot=$CPUS --memory "$MEMORY"
gout count nproc
check_eq "$count" "$CPUS" "the guest has its CPUs"
gout mem "awk '/MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo"
note "the guest has $mem MiB"
guest disk
gout sum disk_sum 0
check_eq "$sum" "$(expected_sum 0)" "the guest reads the disk"
power_mark
guest idle
wait_event power-d3cold
guest touch_dev
wait_event power-alive
gout sum disk_sum 1
check_eq "$sum" "$(expected_sum 1)" "and reads it after a cycle"
check_eq "$(power_count off) $(power_count on)" "1 1" "that switched the power once each way"
guest_log_clean
vm_stop
host_log_clean
