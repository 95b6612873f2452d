# SPDX-License-Identifier: BSD-3-Clause
# rule: a group that is not viable is explained: each other device, its driver, and the command that rebinds it
# kernels: 6.12
# needs: coldvm
# devices: pair
# timeout: 60

set -- $LAB_DEVICES
first=$1
second=$2
dir=$(pci_dir "$first")

# Function 0 goes back to a driver of the host, function 1 stays with vfio-pci.
host "echo '' >$dir/driver_override; echo $first >$dir/driver/unbind; echo $first >/sys/bus/pci/drivers_probe"
driver=$(basename "$(readlink "$dir/driver")")
check '[ -n "$driver" ] && [ "$driver" != vfio-pci ]' "the other function has a driver: $driver"

timeout -s KILL 30 coldvm run --kernel /guest/bzImage --device path="$second" </dev/null >/run/out 2>/run/err
check_eq $? 1 "coldvm refuses"
note "$(cat /run/err)"
check_eq "$(wc -l </run/err)" 1 "in one line"
check "grep -q '$first' /run/err" "it names the other device"
check "grep -q '$driver' /run/err" "and its driver"
check "grep -q 'driver_override' /run/err" "and the command"

# Whoever asks for all functions has asked for that one too.
timeout -s KILL 30 coldvm run --kernel /guest/bzImage --device "path=$second,functions=all" </dev/null >/run/out 2>/run/err
check_eq $? 1 "coldvm refuses all functions"
note "$(cat /run/err)"
check_eq "$(wc -l </run/err)" 1 "in one line"
check "grep -q 'functions=all of $second: $first is bound to $driver, not to vfio-pci; run: ' /run/err" "that says which one and what to run"
host "device_bind $first"
