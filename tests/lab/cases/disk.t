# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest's disks read, write, flush, discard and zero; what was flushed survives SIGKILL; a full host is an error
# kernels: 6.12 6.1
# needs: coldvm
# timeout: 240

VM_DEVICES=
images=/run/images
mkdir -p $images /run/small
host "mount -t tmpfs -o size=64m images $images && mount -t tmpfs -o size=3m small /run/small"
host "dd if=/dev/urandom of=$images/main bs=1M count=16; dd if=/dev/urandom of=$images/fixed bs=1M count=2"
host "truncate -s 8M /run/small/full"

# A block device of the host with blocks of 4 KiB, a cache that has to be flushed, and discard.
nullb=/sys/kernel/config/nullb/nullb1
host "mount -t configfs configfs /sys/kernel/config 2>/dev/null; mkdir $nullb
	cd $nullb && echo 4096 >blocksize && echo 40 >size && echo 1 >memory_backed && echo 1 >cache_size &&
	echo 1 >discard && echo 1 >power"
# Older kernels name it by its index, later ones by its folder.
block=/dev/nullb1
check "[ -b $block ]" "the host has a block device"

# host_count FIELD: of the block device's statistics: 12 discards, 16 flushes.
host_count() { awk "{ print \$$1 }" "/sys/block/${block#/dev/}/stat"; }

vm_start --cpus boot=2 \
	--disk path=$images/main,num_queues=2,serial=main-disk \
	--disk path=$images/fixed,readonly=on \
	--disk path=$block,direct=on \
	--disk path=/run/small/full,id=full --api-socket path=/run/api

# counter NAME: of vm.counters.
counter() { coldvm ctl /run/api counters | sed -n "s/^$1 //p"; }

gout sizes "for d in vda vdb vdc vdd; do blockdev --getsize64 /dev/\$d; done"
check_eq "$(echo $sizes)" "16777216 2097152 41943040 8388608" "the guest has four disks of their sizes"

# -- data

gout serial "cat /sys/block/vda/serial"
check_eq "$serial" main-disk "the first has its serial number"
gout queues "ls /sys/block/vda/mq | wc -l"
check_eq "$queues" 2 "and a queue for each CPU"
before=$(counter disk0.read_bytes)
gout sum "dd if=/dev/vda bs=1M iflag=direct 2>/dev/null | md5sum"
check_eq "$sum" "$(md5sum <$images/main)" "the guest reads all of the image"
check_eq $(($(counter disk0.read_bytes) - before)) 16777216 "which is counted"
gout sum "dd if=/dev/urandom of=/block bs=64k count=9 2>/dev/null
	for cpu in 1 2; do taskset \$cpu dd if=/block of=/dev/vda bs=4k seek=\$((cpu * 512)) conv=fsync 2>/dev/null; done
	md5sum </block"
for at in 2 4; do
	check_eq "$(dd if=$images/main bs=64k skip=$((at * 16)) count=9 2>/dev/null | md5sum)" "$sum" \
		"what it writes on CPU $((at / 2 - 1)) is in the image"
done
guest "dd if=/block of=/dev/vda bs=512 seek=3001 oflag=direct 2>/dev/null"
check_eq "$(dd if=$images/main bs=512 skip=3001 count=1152 2>/dev/null | md5sum)" "$sum" "also at an odd sector"

# -- readonly

gout ro "cat /sys/block/vdb/ro"
check_eq "$ro" 1 "the second is readonly"
before=$(md5sum <$images/fixed)
guest "! dd if=/block of=/dev/vdb bs=64k count=1 2>/dev/null"
gout sum "dd if=/dev/vdb bs=1M iflag=direct 2>/dev/null | md5sum"
check_eq "$sum" "$before" "it can be read"
check_eq "$(md5sum <$images/fixed)" "$before" "and not written"

# -- space

used() { stat -c %b $images/main; }
full=$(used)
guest "blkdiscard -o 8388608 -l 4194304 /dev/vda"
check_le "$(used)" $((full - 8000)) "a discard gives 4 MiB back to the host"
guest "probe zero-out /dev/vda 1048576 65536"
check_eq "$(dd if=$images/main bs=64k skip=16 count=1 2>/dev/null | tr -d '\0' | wc -c)" 0 "zeroes are written"
check "[ \$(dd if=$images/main bs=64k skip=17 count=1 2>/dev/null | tr -d '\0' | wc -c) -gt 60000 ]" \
	"and not behind them"

# -- a block device, past the page cache

gout block_size "cat /sys/block/vdc/queue/logical_block_size"
check_eq "$block_size" 4096 "the third has the host's block size"
before=$(host_count 16)
gout sum "dd if=/block of=/dev/vdc bs=4k conv=fsync 2>/dev/null; md5sum </block"
check "[ $(host_count 16) -gt $before ]" "a flush of the guest flushes the host's disk"
dd if=$block of=/run/first bs=64k count=9 iflag=direct 2>/dev/null
check_eq "$(md5sum </run/first)" "$sum" "with the data before it"
before=$(host_count 12)
guest "dd if=/block of=/dev/vdc bs=64k seek=480 conv=fsync 2>/dev/null; blkdiscard -o 65536 -l 33554432 /dev/vdc"
check "[ $(host_count 12) -gt $before ]" "a discard reaches it"
check_eq "$(dd if=$block bs=64k skip=480 count=9 iflag=direct 2>/dev/null | tr -d '\0' | wc -c)" 0 "to its end"
check_eq "$(dd if=$block bs=64k count=1 iflag=direct 2>/dev/null | md5sum)" "$(dd if=/run/first bs=64k count=1 2>/dev/null | md5sum)" \
	"and not before its start"
# More than the host takes at once, with O_DIRECT at both ends.
check_le "$(cat /sys/block/${block#/dev/}/queue/max_sectors_kb)" 1024 "3 MiB is more than the host's disk takes at once"
gout sum "dd if=/dev/urandom of=/large bs=1M count=3 2>/dev/null
	dd if=/large of=/dev/vdc bs=3M seek=4 oflag=direct 2>/dev/null
	dd if=/dev/vdc bs=3M skip=4 count=1 iflag=direct 2>/dev/null | cmp - /large && md5sum </large"
dd if=$block bs=3M skip=4 count=1 iflag=direct 2>/dev/null >/run/large
check_eq "$(md5sum </run/large)" "$sum" "large requests are whole"
guest "probe zero-out /dev/vdc 131072 65536"
check_eq "$(dd if=$block bs=64k skip=2 count=1 iflag=direct 2>/dev/null | tr -d '\0' | wc -c)" 0 "and zeroes"

# -- a host without space

guest "! dd if=/dev/zero of=/dev/vdd bs=64k conv=fsync 2>/dev/null"
check_eq "$(grep -c 'No space left on device' $RUN/vm.err)" 1 "a full host is an I/O error, and one line of the log"
wait_event disk-io-error
check_eq "$(event_field id) $(event_field operation) $(event_field errno)" "full write ENOSPC" "and an event"
check "[ $(event_field sector) -ge 4096 -a $(event_field sector) -lt 16384 ]" "with the sector, $(event_field sector)"
errors=$(counter full.io_errors)
check "[ $errors -ge $(events disk-io-error) ]" "each of $errors errors is counted"
check_eq "$(coldvm ctl /run/api metrics | sed -n 's/^coldvm_disk_io_errors_total{id="full"} //p')" "$errors" \
	"also for Prometheus"
guest "dd if=/dev/vdd of=/dev/null bs=64k iflag=direct 2>/dev/null"
rm -f /run/small/*
vm_alive
gout sum "dd if=/block of=/dev/vda bs=64k seek=32 conv=fsync 2>/dev/null; md5sum </block"
check_eq "$(dd if=$images/main bs=64k skip=32 count=9 2>/dev/null | md5sum)" "$sum" "the other disks go on"
guest_log_clean 'I/O error'

# -- in use

status=0
coldvm run --kernel /guest/bzImage --memory size=64M --disk path=$images/main </dev/null >$RUN/second.err 2>&1 || status=$?
note "$(cat $RUN/second.err)"
check_eq "$status" 1 "a second coldvm does not get the image"
check "grep -q \"$images/main is in use by process $(vm_pid) (coldvm)\" $RUN/second.err" "and says who has it"

# -- what was flushed survives SIGKILL

guest "probe acknowledge /dev/vda 30000 >/dev/ttyS0 2>&1 &"
end=$(($(probe now) + LAB_LIMIT * 1000000000))
until [ "$(grep -c '^safe ' $RUN/vm.console)" -ge 200 ]; do
	[ "$(probe now)" -lt $end ] || fail "the guest acknowledges nothing"
	usleep 20000
done
vm_kill KILL
# The last line may be a part of one.
last=$(grep -a '^safe ' $RUN/vm.console | tail -n 2 | head -n 1 | tr -cd 0-9)
seq 0 "$last" | sed 's/^/number /' >$RUN/numbers.wanted
dd if=$images/main bs=512 count=$((last + 1)) 2>/dev/null | tr -d '\0' >$RUN/numbers.found
check "cmp $RUN/numbers.wanted $RUN/numbers.found" "each of $((last + 1)) acknowledged writes is in the image"
host_log_clean
