/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines for people, on standard error.
 *
 * A function logs or returns an error, never both: the caller of a function that returns -errno
 * decides. Levels are named after who has to act: error, the VM cannot go on or a device is lost;
 * warn, somebody should change something on the host; info (-v), the story of a run; debug (-vv),
 * for people who change coldvm.
 *
 * @dev is the name of the device or part that the line is about ("nvme0", "kvm", "memory").
 */
#ifndef COLDVM_VMM_LOG_H
#define COLDVM_VMM_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Lines at once, and then one a period: what a whole VM may say, errors apart from the rest. */
#define LOG_BURST     1000
#define LOG_PERIOD_NS UINT64_C(50000000)

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	LOG_NR_LEVELS,
};

/* Sets what is printed: @level and everything more serious. Called once, before threads exist. */
void log_set_level(enum log_level level);

/* Whether lines of @level are printed at all. */
bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *dev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "coldvm: " and one line about what the user wants: a command line, or a tool that has no log. */
void log_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_error(dev, ...) log_line(LOG_ERROR, dev, __VA_ARGS__)
#define log_warn(dev, ...)  log_line(LOG_WARN, dev, __VA_ARGS__)
#define log_info(dev, ...)  log_line(LOG_INFO, dev, __VA_ARGS__)
#define log_debug(dev, ...) log_line(LOG_DEBUG, dev, __VA_ARGS__)

#endif
