/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot loses its power as a whole: what the functions do that the VM does not have. */
#include "devices/vfio/left_out.h"

#include <stdio.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "vmm/log.h"

#define MAX_FUNCTIONS 8

/* With @driver "" for none. What keeps a function awake differs by who has it. */
static const char *why_awake(const char *driver, const char *control)
{
	if (!strcmp(control, "on"))
		return "its power/control is 'on'";
	if (!*driver)
		return "without a driver it should sleep soon";
	if (host_driver_is_vfio(driver))
		return "another program has it open";
	return "its driver does not let it sleep";
}

bool left_out_describe(const char *root, const char *bdf, char *text, size_t len)
{
	char driver[64], status[32], control[16];
	bool awake;

	if (host_link(driver, sizeof(driver), "%s/bus/pci/devices/%s/driver", root, bdf))
		driver[0] = '\0';
	if (host_read(status, sizeof(status), "%s/bus/pci/devices/%s/power/runtime_status", root,
		      bdf))
		strcpy(status, "of unknown state");
	if (host_read(control, sizeof(control), "%s/bus/pci/devices/%s/power/control", root, bdf))
		control[0] = '\0';
	awake = strcmp(status, "suspended");
	if (awake)
		snprintf(text, len,
			 "%s (%s) is not given to the VM and is %s: it keeps the slot on; %s", bdf,
			 *driver ? driver : "no driver", status, why_awake(driver, control));
	else
		snprintf(text, len,
			 "%s (%s) is not given to the VM and sleeps: the slot can go to D3cold "
			 "until "
			 "something wakes it",
			 bdf, *driver ? driver : "no driver");
	return awake;
}

void left_out_log(const char *root, const char *slot, unsigned functions, const char *id)
{
	for (unsigned n = 0; n < MAX_FUNCTIONS; n++) {
		char bdf[HOST_BDF_LEN + 8], text[256];
		bool awake;

		if (!(functions & (1u << n)))
			continue;
		snprintf(bdf, sizeof(bdf), "%s.%u", slot, n);
		awake = left_out_describe(root, bdf, text, sizeof(text));
		log_line(awake ? LOG_WARN : LOG_INFO, id, "%s", text);
	}
}
