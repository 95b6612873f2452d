# SPDX-License-Identifier: BSD-3-Clause
# rule: a guest has a console and entropy, gives memory back when asked and when it is free, and its watchdog resets it
# kernels: 6.12
# needs: coldvm
# timeout: 240

api=/run/vm.api
VM_DEVICES=

# Resident MiB of coldvm.
rss() { awk '{ print int($2 / 256) }' "/proc/$(vm_pid)/statm"; }

# until_true EXPRESSION MESSAGE
until_true() {
	local end
	end=$(($(probe now) + LAB_LIMIT * 1000000000))
	until eval "$1"; do
		[ "$(probe now)" -lt $end ] || fail "$2: never $1; coldvm has $(rss) MiB"
		[ ! -e $RUN/vm.status ] || fail "$2: coldvm has ended with $(cat $RUN/vm.status)"
		usleep 50000
	done
	ok "$2"
}

mem_total() { guest_run "awk '/^MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo" && cat $RUN/verb.out; }

vm_start -v --console pty --rng src=/dev/urandom --balloon size=0 --api-socket "path=$api"

# -- console, on a pseudo terminal

pty=$(sed -n "s,.*console is \(/dev/pts/[0-9]*\).*,\1,p" $RUN/vm.err)
check "[ -c '$pty' ]" "the console is a pseudo terminal: $pty"
cat "$pty" >$RUN/hvc.out 7>&- &
reader=$!
guest "stty -F /dev/hvc0 raw -echo; echo to the host >/dev/hvc0"
until_true "grep -q 'to the host' $RUN/hvc.out" "what the guest writes to hvc0 comes out"
guest "head -n 1 /dev/hvc0 >/got 2>&1 &"
echo "to the guest" >"$pty"
gout got "until [ -s /got ]; do usleep 10000; done; cat /got"
check_eq "$got" "to the guest" "what is typed reaches hvc0"
guest "dd if=/dev/zero bs=1024 count=300 2>/dev/null | tr '\0' x >/dev/hvc0"
until_true "[ \$(tr -cd x <$RUN/hvc.out | wc -c) = 307200 ]" "300 KiB of output come out whole"
kill $reader

# -- entropy

gout rng "cat /sys/class/misc/hw_random/rng_current"
check_eq "$rng" virtio_rng.0 "the guest takes its entropy from virtio"
gout one "dd if=/dev/hwrng bs=4096 count=16 iflag=fullblock 2>/dev/null | tee /one | wc -c; md5sum </one"
gout two "dd if=/dev/hwrng bs=4096 count=16 iflag=fullblock 2>/dev/null | tee /two | wc -c; md5sum </two"
check_eq "$(echo $one | cut -d ' ' -f 1) $(echo $two | cut -d ' ' -f 1)" "65536 65536" "it reads 64 KiB, twice"
check "[ '$one' != '$two' ]" "which are not the same"

# -- balloon: the memory has been used, and without free page reporting it stays the guest's

guest "dd if=/dev/zero of=/dev/shm/fill bs=1M count=96 2>/dev/null && rm /dev/shm/fill"
before=$(rss) total=$(mem_total)
coldvm ctl $api resize --balloon 96M >$RUN/verb.out 2>&1 || fail "coldvm ctl resize: $(cat $RUN/verb.out)"
until_true "[ \$(rss) -le $((before - 70)) ]" "the guest gives 96 MiB back: coldvm had $before MiB"
until_true "[ \$(mem_total) = $((total - 96)) ]" "which it has less"
note "coldvm has $(rss) MiB"
coldvm ctl $api resize --balloon 0 >$RUN/verb.out 2>&1 || fail "coldvm ctl resize: $(cat $RUN/verb.out)"
until_true "[ \$(mem_total) = $total ]" "it gets them again"
guest "dd if=/dev/zero of=/dev/shm/fill bs=1M count=96 2>/dev/null && rm /dev/shm/fill"
guest_log_clean
vm_stop

# -- what is free goes back without being asked; the watchdog

VM_REBOOT=yes vm_start --balloon size=0,free_page_reporting=on --watchdog
guest "dd if=/dev/zero of=/dev/shm/fill bs=1M count=96 2>/dev/null"
high=$(rss)
guest "rm /dev/shm/fill"
until_true "[ \$(rss) -le $((high - 70)) ]" "when a file of 96 MiB is gone, coldvm shrinks: it had $high MiB"
note "coldvm has $(rss) MiB"

wdt=/sys/class/watchdog/watchdog0
gout who "cat $wdt/identity $wdt/bootstatus"
check_eq "$(echo $who)" "wdat_wdt 0" "the guest has a watchdog, which reset nobody yet"
guest "watchdog -T 60 -t 1 /dev/watchdog0"
gout left "n=60; until [ \$n -lt 60 ]; do n=\$(cat $wdt/timeleft); done
	until [ \$(cat $wdt/timeleft) -gt \$n ]; do usleep 20000; done; cat $wdt/state $wdt/timeout"
check_eq "$(echo $left)" "active 60" "which a ping winds up again"
guest "killall watchdog; until ! pidof watchdog >/dev/null; do usleep 10000; done"
# It was closed in good order, so it stands still; the next one is not.
gout state "cat $wdt/state"
check_eq "$state" inactive "it is stopped by the guest"
guest "watchdog -T 5 -t 1 /dev/watchdog0"
guest "killall -KILL watchdog"
wait_event watchdog-expired
wait_event rebooted
until_true "[ \$(grep -c '<lab ready>' $RUN/vm.console) = 2 ]" "left alone, it resets the guest"
gout status "cat $wdt/bootstatus $wdt/state"
check_eq "$(echo $status)" "32 inactive" "which is told who did it, and has a watchdog that stands still"
vm_stop
host_log_clean
