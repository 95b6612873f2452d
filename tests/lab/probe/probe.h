/* SPDX-License-Identifier: BSD-3-Clause */
/* The lab's helper: one static program with a table of subcommands, run in the host and in the
 * guest. */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* Prints "probe: ...: strerror(errno)" and exits 1. */
noreturn void die_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints "probe: ..." and exits 1. */
noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_now(void);
void clock_sleep_us(unsigned int us);

/* A number in C notation that fills its argument, or an exit with a message. */
uint64_t parse_number(const char *text);

/* Writes or reads all of it; 0 or -errno. */
int write_all(int fd, const void *data, size_t len);

/* Reads a small file (sysfs) into text without its line feed; length or -errno. */
int read_text(const char *path, char *text, size_t size);
int write_text(const char *path, const char *text);

/* Subcommands; argv[0] is the subcommand's own name. Each returns an exit status. */
int control_main(int argc, char **argv);
int port_out_main(int argc, char **argv);
int cfg_cf8_main(int argc, char **argv);
int slot_hammer_main(int argc, char **argv);
int mem_main(int argc, char **argv);
int cfg_ecam_main(int argc, char **argv);
int vfio_cycle_main(int argc, char **argv);
int sample_main(int argc, char **argv);
int bar_hold_main(int argc, char **argv);
int bar_hammer_main(int argc, char **argv);
int overshoot_main(int argc, char **argv);
int wake_time_main(int argc, char **argv);
int aml_rename_main(int argc, char **argv);
int heartbeat_main(int argc, char **argv);
int agent_main(int argc, char **argv);
int guest_main(int argc, char **argv);
int ask_main(int argc, char **argv);
int vsock_listen_main(int argc, char **argv);
int vsock_connect_main(int argc, char **argv);
int tap_exec_main(int argc, char **argv);
int unix_listen_main(int argc, char **argv);
int unix_connect_main(int argc, char **argv);
int wait_event_main(int argc, char **argv);
int wait_text_main(int argc, char **argv);
int wait_file_main(int argc, char **argv);
int zero_out_main(int argc, char **argv);
int acknowledge_main(int argc, char **argv);

#endif
