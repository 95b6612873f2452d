# SPDX-License-Identifier: BSD-3-Clause
# Prints the warnings and worse of a kernel log ("<N>[time] text", dmesg -r), but for known artefacts.
#
# A trace is held back until its end mark, then judged as a whole by the line that names its source.

function is_artefact(text)
{
	# XSAVE sizes of the emulated CPU in nested use: every guest, under every VMM. Its trace is followed by
	# what the kernel makes of that CPUID leaf.
	if (text ~ /WARNING:.*arch\/x86\/kernel\/fpu\/xstate\.c:/ || text ~ /CPUID\[0d, [0-9a-f][0-9a-f]\]:/)
		return 1
	# An AMD CPU whose firmware has no frequency control: every guest, under every VMM, and the host itself.
	if (text ~ /amd_pstate: the _CPC object is not present/)
		return 1
	# MSRs that the emulated CPU lacks: the host's log of the guest's attempts.
	if (text ~ /Unhandled WRMSR/)
		return 1
	# The guest's virtio_gpu, at an unbind: it takes its memory manager down with a buffer of its console left in it. Seen at
	# the first unbind, before any power management.
	if (text ~ /WARNING:.* drm_mm_takedown/)
		return 1
	# The machine under the emulation was busy elsewhere for a moment, and the kernel timed it. Late work of a guest's CPU is measured
	# where time does not depend on that: cases/overshoot.t.
	if (text ~ /clocksource: Long readout interval, skipping watchdog check/ ||
	    text ~ /hrtimer: interrupt took [0-9]+ ns/ ||
	    text ~ /perf: interrupt took too long/ ||
	    text ~ /workqueue: .* hogged CPU for >[0-9]+us/)
		return 1
	# Debian's device mapper tells of a choice in the configuration that its kernel was built with.
	if (text ~ /device-mapper: core: CONFIG_IMA_DISABLE_HTABLE is disabled/)
		return 1
	return 0
}

/------------\[ cut here \]------------/ {
	in_trace = 1
	known = 0
	trace = ""
}

in_trace {
	trace = trace $0 "\n"
	if (is_artefact($0))
		known = 1
	if (/---\[ end trace/) {
		if (!known)
			printf "%s", trace
		in_trace = 0
	}
	next
}

/^<[0-9]+>/ {
	level = $0
	sub(/^</, "", level)
	sub(/>.*/, "", level)
	# The low three bits are the level; the rest is the facility.
	if (level % 8 <= 4 && !is_artefact($0))
		print
}

END {
	if (in_trace && !known)
		printf "%s", trace
}
