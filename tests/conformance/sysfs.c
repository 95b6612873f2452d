// SPDX-License-Identifier: BSD-3-Clause
#include "tests/conformance/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_MS 10000
#define BEGIN_MS  50
#define POLL_MS	  5

static const char *const state_names[] = { "D0", "D1", "D2", "D3hot", "D3cold", "unknown" };

int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void clock_sleep_ms(unsigned int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

int text_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return len;
	if (len && text[len - 1] == '\n')
		len--;
	text[len] = 0;
	return len;
}

int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int sysfs_read(const char *bdf, const char *name, char *text, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	return text_read(path, text, size);
}

int sysfs_write(const char *bdf, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	return text_write(path, text);
}

int64_t sysfs_number(const char *bdf, const char *name)
{
	char text[32];
	int ret = sysfs_read(bdf, name, text, sizeof(text));

	return ret < 0 ? ret : strtoll(text, NULL, 10);
}

int power_state(const char *bdf)
{
	char text[32];
	int ret = sysfs_read(bdf, "power_state", text, sizeof(text));

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (!strcmp(text, state_names[i]))
			return i;
	return -EPROTO;
}

const char *power_state_name(unsigned int state)
{
	return state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state] : "?";
}

bool is_suspended(const char *bdf)
{
	char text[32] = "";

	sysfs_read(bdf, "power/runtime_status", text, sizeof(text));
	return !strcmp(text, "suspended");
}

bool power_state_wait(const char *bdf, int state, unsigned int ms)
{
	int64_t end = clock_now() + ms * 1000000LL;

	while (power_state(bdf) != state) {
		if (clock_now() > end)
			return false;
		clock_sleep_ms(POLL_MS);
	}
	return true;
}

bool suspended_wait(const char *bdf, unsigned int ms)
{
	int64_t end = clock_now() + ms * 1000000LL;

	while (!is_suspended(bdf)) {
		if (clock_now() > end)
			return false;
		clock_sleep_ms(POLL_MS);
	}
	return true;
}

bool port_above(const char *bdf, char port[BDF_SIZE])
{
	char path[256], real[4096], *slash;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	if (!realpath(path, real))
		return false;
	slash = strrchr(real, '/');
	*slash = 0;
	slash = strrchr(real, '/');
	/* Above a root port stands the host bridge, "pci0000:00". */
	if (!bdf_number(slash + 1))
		return false;
	snprintf(port, BDF_SIZE, "%.15s", slash + 1);
	return true;
}

uint32_t bdf_number(const char *bdf)
{
	unsigned int domain, bus, device, function;
	int end = 0;

	if (sscanf(bdf, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    bdf[end])
		return 0;
	return domain << 16 | bus << 8 | device << 3 | function;
}

bool siblings_settle(const char *bdf)
{
	char sibling[BDF_SIZE];

	for (unsigned int function = 0; function < 8; function++) {
		snprintf(sibling, sizeof(sibling), "%.*s%u", (int)strlen(bdf) - 1, bdf, function);
		if (!strcmp(sibling, bdf) || power_state(sibling) < 0)
			continue;
		/* The port's resume may have asked for one that has not begun yet. */
		clock_sleep_ms(BEGIN_MS);
		if (!suspended_wait(sibling, SETTLE_MS))
			return false;
	}
	return true;
}

int host_config_read(const char *bdf, unsigned int offset, uint32_t *value)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, value, sizeof(*value), offset) != sizeof(*value))
		ret = -EIO;
	close(fd);
	return ret;
}
