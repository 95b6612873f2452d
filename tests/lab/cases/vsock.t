# SPDX-License-Identifier: BSD-3-Clause
# rule: programs of host and guest talk by vsock both ways, and what one has said arrives whole before its end does
# kernels: 6.1
# needs: coldvm
# timeout: 240

VM_DEVICES=
socket=/run/v.sock

sum() { md5sum <"$1" | cut -c 1-32; }

# wait_for FILE: of a listener in the host, when its connection is over.
wait_for() { probe wait-file "$1" "$LAB_LIMIT" || fail "nothing has come for $1"; }

vm_start -v --cpus boot=2 --vsock "cid=42,socket=$socket"
host "dd if=/dev/urandom of=/run/mine bs=1024 count=1024"
guest "dd if=/dev/urandom of=/mine bs=1024 count=1024 2>/dev/null"
gout theirs "md5sum </mine | cut -c 1-32"
mine=$(sum /run/mine)
check_eq "$(stat -c %a $socket)" 600 "the socket is private"

# -- host to guest

guest "probe vsock-listen 52 /mine /got"
host "probe unix-connect $socket 52 </run/mine >/run/got"
check_eq "$(sum /run/got)" "$theirs" "1 MiB comes whole from the guest, that was called"
gout got "probe wait-file /got 60 && md5sum </got | cut -c 1-32"
check_eq "$got" "$mine" "and 1 MiB goes whole to it at the same time"

guest "echo answer >/answer; probe vsock-listen 53 /answer /question answer"
hout answer "echo question | probe unix-connect $socket 53"
check_eq "$answer" answer "a host program that has said all is still answered"
gout question "probe wait-file /question 60 && cat /question"
check_eq "$question" question "and was heard"

hout refused "echo | probe unix-connect $socket 54 2>&1 || true"
check_eq "$refused" "probe: port 54 is refused" "a port that nobody in the guest listens on is closed without an answer"

# -- guest to host

host "probe unix-listen ${socket}_1024 /run/mine /run/got2"
guest "probe vsock-connect 2 1024 </mine >/got2"
wait_for /run/got2
check_eq "$(sum /run/got2)" "$theirs" "1 MiB comes whole from the guest, that has called"
gout got "md5sum </got2 | cut -c 1-32"
check_eq "$got" "$mine" "and 1 MiB goes whole to it at the same time"

echo answer >/run/answer
host "probe unix-listen ${socket}_1025 /run/answer /run/question answer"
gout answer "echo question | probe vsock-connect 2 1025"
check_eq "$answer" answer "a guest program that has said all is still answered"
wait_for /run/question
check_eq "$(cat /run/question)" question "and was heard"

gout refused "probe vsock-connect 2 1026 </dev/null 2>&1 || true"
check_eq "${refused##*: }" "Connection reset by peer" "a port that nobody on the host listens on is refused"

# -- systemd's readiness: a datagram's text, and the end

host "probe unix-listen ${socket}_1027 /dev/null /run/notify"
guest "printf 'READY=1\n' | probe vsock-connect 2 1027"
wait_for /run/notify
check_eq "$(cat /run/notify)" "READY=1" "the guest's readiness arrives"

# -- the end, with a connection open

host "probe unix-listen ${socket}_1028 /dev/null /run/last answer"
guest "(echo last; exec sleep 1000) | probe vsock-connect 2 1028 >/dev/null 2>&1 &"
host "probe wait-text /run/last.part $LAB_LIMIT last"
guest_log_clean
vm_stop
wait_for /run/last
check_eq "$(cat /run/last)" last "a connection that is open at the end is closed behind its data"
check "[ ! -e $socket ]" "the socket is removed"
host_log_clean
