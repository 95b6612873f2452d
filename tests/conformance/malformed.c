// SPDX-License-Identifier: BSD-3-Clause
// Calls that are wrong: each is refused with its error, and changes nothing.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/conformance/cold.h"
#include "tests/conformance/power_log.h"
#include "tests/conformance/rows.h"

#define PAGE   4096
#define NO_FD  (-1)
#define INDEX  VFIO_DEVICE_FEATURE_PCI_D3COLD
#define SET    VFIO_DEVICE_FEATURE_SET
#define GET    VFIO_DEVICE_FEATURE_GET
#define PROBE  VFIO_DEVICE_FEATURE_PROBE
#define WAKEUP VFIO_PCI_D3COLD_WAKEUP
#define ENTER  VFIO_PCI_D3COLD_ENTER
#define EXIT   VFIO_PCI_D3COLD_EXIT

struct bad_call {
	const char *name;
	int error;
	uint32_t flags; /* of the feature */
	size_t cut;	/* bytes that argsz is short of */
	struct vfio_pci_d3cold_control control;
};

static int file_that_is_no_eventfd;
static int closed_file;

/* Places for descriptors that are known only when it runs. */
#define FD_FILE	  (-100)
#define FD_CLOSED (-101)

static const struct bad_call bad_calls[] = {
	{ "ENTER, argsz short by 8", EINVAL, SET, 8, { .op = ENTER } },
	{ "ENTER, argsz without data",
	  EINVAL,
	  SET,
	  sizeof(struct vfio_pci_d3cold_control),
	  { .op = ENTER } },
	{ "EXIT, argsz short by 1", EINVAL, SET, 1, { .op = EXIT } },
	{ "GET, argsz short by 8", EINVAL, GET, 8, { 0 } },
	{ "GET and SET at once", EINVAL, GET | SET, 0, { .op = ENTER } },
	{ "neither GET nor SET", EINVAL, 0, 0, { .op = ENTER } },
	{ "op 0", EINVAL, SET, 0, { .op = 0 } },
	{ "op 3", EINVAL, SET, 0, { .op = 3 } },
	{ "ENTER, unknown flag", EINVAL, SET, 0, { .op = ENTER, .flags = 1 << 1 } },
	{ "ENTER, all flags but WAKEUP", EINVAL, SET, 0, { .op = ENTER, .flags = ~1U } },
	{ "EXIT, WAKEUP", EINVAL, SET, 0, { .op = EXIT, .flags = WAKEUP } },
	{ "ENTER, reserved is 1", EINVAL, SET, 0, { .op = ENTER, .reserved = 1 } },
	{ "EXIT, reserved is 1", EINVAL, SET, 0, { .op = EXIT, .reserved = 1 } },
	{ "ENTER, eventfd -1",
	  EBADF,
	  SET,
	  0,
	  { .op = ENTER, .flags = WAKEUP, .wakeup_eventfd = NO_FD } },
	{ "ENTER, a closed eventfd",
	  EBADF,
	  SET,
	  0,
	  { .op = ENTER, .flags = WAKEUP, .wakeup_eventfd = FD_CLOSED } },
	{ "ENTER, a file for an eventfd",
	  EINVAL,
	  SET,
	  0,
	  { .op = ENTER, .flags = WAKEUP, .wakeup_eventfd = FD_FILE } },
};

static int raw_call(int fd, const struct bad_call *bad)
{
	uint64_t buffer[64] = { 0 };
	struct vfio_device_feature *feature = (struct vfio_device_feature *)buffer;
	struct vfio_pci_d3cold_control control = bad->control;
	size_t size = bad->flags & GET && !(bad->flags & SET)
			      ? sizeof(struct vfio_pci_d3cold_status)
			      : sizeof(control);

	if (control.wakeup_eventfd == FD_FILE)
		control.wakeup_eventfd = file_that_is_no_eventfd;
	if (control.wakeup_eventfd == FD_CLOSED)
		control.wakeup_eventfd = closed_file;
	memcpy(feature->data, &control, sizeof(control));
	feature->argsz = sizeof(*feature) + size - bad->cut;
	feature->flags = bad->flags | INDEX;
	return ioctl(fd, VFIO_DEVICE_FEATURE, feature) < 0 ? errno : 0;
}

/* The data ends where the memory does. */
static int call_across_end(int fd, uint32_t flags, size_t size)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_device_feature *feature;
	struct vfio_pci_d3cold_control control = { .op = ENTER };
	size_t there = sizeof(*feature) + 8;
	int ret;

	if (pages == MAP_FAILED)
		return ENOMEM;
	munmap(pages + PAGE, PAGE);
	feature = (struct vfio_device_feature *)(pages + PAGE - there);
	feature->argsz = sizeof(*feature) + size;
	feature->flags = flags | INDEX;
	memcpy(feature->data, &control, 8);
	ret = ioctl(fd, VFIO_DEVICE_FEATURE, feature) < 0 ? errno : 0;
	munmap(pages, PAGE);
	return ret;
}

static bool all_refused(struct device *device, const char *when, struct result *result)
{
	int error;

	for (size_t i = 0; i < sizeof(bad_calls) / sizeof(bad_calls[0]); i++) {
		error = raw_call(device->fd, &bad_calls[i]);
		REQUIRE(result, error == bad_calls[i].error, "%s, %s: %s: %s, not %s", device->bdf,
			when, bad_calls[i].name, strerror(error), strerror(bad_calls[i].error));
	}
	error = call_across_end(device->fd, SET, sizeof(struct vfio_pci_d3cold_control));
	REQUIRE(result, error == EFAULT, "%s, %s: SET across the end of memory: %s", device->bdf,
		when, strerror(error));
	error = call_across_end(device->fd, GET, sizeof(struct vfio_pci_d3cold_status));
	REQUIRE(result, error == EFAULT, "%s, %s: GET across the end of memory: %s", device->bdf,
		when, strerror(error));
	return true;
}

static bool refused_awake_and_cold(struct device *device, struct result *result)
{
	struct vfio_pci_d3cold_control control;
	struct vfio_pci_d3cold_status status;
	struct power_count before;
	int ret;

	if (!all_refused(device, "awake", result) || !cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		!status.entries && status.asked == VFIO_PCI_D3COLD_STATE_D0 &&
			status.state == VFIO_PCI_D3COLD_STATE_D0,
		"%s: refused calls left it in %s with %llu entries", device->bdf,
		power_state_name(status.state), status.entries);
	if (!cold_enter(device, -1, result))
		return false;
	before = power_log_count(device->bdf);
	ret = d3cold_enter(device->fd, -1, &control);
	REQUIRE(result, ret == -EBUSY, "%s: the second ENTER: %s", device->bdf, strerror(-ret));
	if (!all_refused(device, "in D3cold", result) || !cold_status(device, &status, result))
		return false;
	REQUIRE(result,
		status.entries == 1 && status.flags == VFIO_PCI_D3COLD_SEALED &&
			status.state == VFIO_PCI_D3COLD_STATE_D3COLD &&
			power_log_count(device->bdf).on == before.on,
		"%s: refused calls woke it: %s, flags %u", device->bdf,
		power_state_name(status.state), status.flags);
	return cold_exit(device, result);
}

bool malformed_is_refused(struct device *device, struct result *result)
{
	FILE *file = tmpfile();
	bool holds;

	REQUIRE(result, file, "no temporary file");
	file_that_is_no_eventfd = fileno(file);
	closed_file = dup(file_that_is_no_eventfd);
	close(closed_file);
	holds = refused_awake_and_cold(device, result);
	fclose(file);
	if (holds)
		result_note(result,
			    "%s %zu bad calls refused, awake and in D3cold, and a second ENTER",
			    device->bdf, sizeof(bad_calls) / sizeof(bad_calls[0]) + 2);
	return holds;
}
