/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps that most promises of the explicit control begin and end with. */
#ifndef CONFORMANCE_COLD_H
#define CONFORMANCE_COLD_H

#include <stdbool.h>

#include "tests/conformance/device.h"
#include "tests/conformance/report.h"

/* ENTER, and D3cold at its return. An eventfd of -1 means without wakeup. */
bool cold_enter(const struct device *device, int eventfd, struct result *result);
/* EXIT, and D0 at its return. */
bool cold_exit(const struct device *device, struct result *result);
/* GET; false where it fails. */
bool cold_status(const struct device *device, struct vfio_pci_d3cold_status *status,
		 struct result *result);

#endif
