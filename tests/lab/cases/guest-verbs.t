# SPDX-License-Identifier: BSD-3-Clause
# rule: the lab's guest verbs tell the truth: output, status, long output, noise on the console, power off
# needs: coldvm
# timeout: 180

VM_DEVICES= vm_start
wanted='a "b" <c> \d $HOME'
gout text "printf '%s' '$wanted'"
check_eq "$text" "$wanted" "output comes back as it is"
gout text "seq 1 5000"
check_eq "$(echo "$text" | md5sum)" "$(seq 1 5000 | md5sum)" "long output comes back whole"
gout text "yes ' a  b' | head -n 400"
check_eq "$(echo "$text" | md5sum)" "$(yes ' a  b' | head -n 400 | md5sum)" "and so do blanks"
check '! guest_run "exit 3"' "a failing command fails"
guest_run "exit 3"
check_eq $? 3 "and its status comes back"

# Kernel messages fall into the answer; the checksum notices, and the answer is asked for again.
guest "(while :; do echo '<1>noise' >/dev/kmsg; usleep 3000; done) >/dev/null 2>&1 & echo \$! >/run/noise"
gout text "seq 1 300"
check_eq "$(echo "$text" | md5sum)" "$(seq 1 300 | md5sum)" "output comes back whole through the kernel's noise"
guest 'kill $(cat /run/noise)'

before=$(probe now)
gout there probe now
after=$(probe now)
check_le $(((after - before) / 2)) 2000000000 "the clocks compare within, in ns"
vm_stop
ok "power off ends coldvm with 0"
