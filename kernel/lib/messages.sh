# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154,SC2064 # variables are the callers'; traps expand where they are set
# For sourcing: messages, options and needs of the scripts in this folder. PROG names the caller.

kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { echo "$PROG: $*" >&2; }

# die STATUS TEXT...
die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

# need COMMAND PACKAGE: 77 if this machine lacks the command.
need() {
	command -v "$1" >/dev/null || die 77 "there is no $1: install the package $2 (apt-get install $2)"
}

# usage SCRIPT: the comment at its head.
usage() {
	sed -n '3,/^set/{/^set/d;s/^# \?//;p}' "$1"
	exit 0
}

# has_value OPTION COUNT-OF-WORDS-LEFT: an option at the end of the line has none.
has_value() {
	[ "$2" -ge 2 ] || die 2 "$1 needs a value: --help shows which"
}
