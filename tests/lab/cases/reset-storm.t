# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest that does nothing but reset costs the host little, and its VM can be asked and stopped all the time
# kernels: 6.1
# needs: coldvm
# timeout: 120

api=/run/vm.api

# 1 MiB of hexadecimal digits at most, into bytes.
unhex() { printf "$(tr -d ' \n' | sed 's/../\\x&/g')"; }

# A whole PVH kernel: ELF header, a segment at 1 MiB, the note with its entry, and "mov $0xfe, %al; out %al, $0x64; hlt",
# which is a reset by the keyboard controller.
unhex >/run/reset.elf <<'EOF'
7f454c46 02010100 00000000 00000000 02003e00 01000000 00001000 00000000
40000000 00000000 00000000 00000000 00000000 40003800 02000000 00000000
01000000 05000000 c4000000 00000000 00001000 00000000 00001000 00000000
07000000 00000000 07000000 00000000 04000000 00000000 04000000 04000000
b0000000 00000000 00000000 00000000 00000000 00000000 14000000 00000000
14000000 00000000 04000000 00000000 04000000 04000000 12000000 58656e00
00001000 b0fee664 f4ebfd
EOF

# ticks: of the processor, of all threads of coldvm.
ticks() { cut -d' ' -f14,15 "/proc/$(vm_pid)/stat" | { read -r user system; echo $((user + system)); }; }

state() { coldvm ctl $api info | sed -n '1s/ .*//p'; }

VM_DEVICES= vm_launch --kernel /run/reset.elf --api-socket "path=$api"
vm_wait 3
ok "with --no-reboot its first reset ends coldvm with 3"

VM_REBOOT=yes VM_DEVICES= vm_launch --kernel /run/reset.elf --api-socket "path=$api"
pid=$(vm_pid)
probe wait-text $RUN/vm.err 60 'reset itself more than' >/dev/null || fail "no warning after $(events rebooted) reboots"
check "[ $(events rebooted) -ge 10 ]" "there is a warning after $(events rebooted) reboots"
before=$(events rebooted) used=$(ticks)
sleep 5
check_le $(($(events rebooted) - before)) 6 "reboots in the 5 s after it"
note "processor time in them: $((($(ticks) - used) * 10)) ms"
check_eq "$(grep -c 'reset itself' $RUN/vm.err)" 1 "the warning comes once"

# Whatever it is at just then, an order is answered, and harms nothing.
n=0 seen=
while [ $n -lt 10 ]; do
	seen="$seen $(state)"
	for verb in pause power-button resume reboot power counters ping; do
		coldvm ctl $api $verb >/run/out 2>/run/err
		[ $? -le 1 ] || fail "$verb: $(cat /run/err)"
	done
	n=$((n + 1))
done
note "states seen:$seen"
check_eq "$(coldvm ctl $api ping | sed 's/.*process //')" "$pid" "the same process answers after 10 rounds of orders"
host "coldvm ctl $api stop"
vm_wait 5
ok "and stops when it is told to"

# What the second boot needs is gone.
cp /guest/bzImage /run/kernel
VM_REBOOT=yes VM_DEVICES= vm_start --kernel /run/kernel --api-socket "path=$api"
rm /run/kernel
coldvm ctl $api reboot 2>/run/err
check_eq "$?" 1 "a reboot that cannot be made is an error: $(sed 's/.*vm.api: //' /run/err)"
vm_wait 1
check_eq "$(grep -c /run/kernel $RUN/vm.err)" 1 "one line says why: $(tail -n 1 $RUN/vm.err)"
check "grep '\"shutdown\"' $RUN/events.json | grep -q host-error" "and the last event says so"
host_log_clean
