/* SPDX-License-Identifier: BSD-3-Clause */
/* Links about the card and the kernel: resets, a way back for a lost card, reports, features. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/known_bad.h"
#include "devices/vfio/preflight_walk.h"

/* --- reset ---------------------------------------------------------------------------------------
 */

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static void check_methods(struct survey *s, const char *methods)
{
	if (!*methods)
		survey_note(s, PREFLIGHT_RESET, NULL,
			    "the kernel knows no reset for %s alone: a VM that ends leaves in it "
			    "what it was doing",
			    s->bdf);
	else if (!strcmp(methods, "pm"))
		survey_note(s, PREFLIGHT_RESET, NULL,
			    "the only reset of %s is pm, a trip through D3hot: it does not help a "
			    "card that hangs",
			    s->bdf);
	else
		survey_ok(s, PREFLIGHT_RESET, "%s can be reset: %s", s->bdf, methods);
}

/* The hot-plug slot of the device: its number's name in /sys/bus/pci/slots. The attribute
 * `address` is answered from memory; `power` and `adapter` ask the hardware. */
static bool find_slot(struct survey *s, char *name, size_t len)
{
	char path[PATH_MAX], address[HOST_BDF_LEN];
	size_t device = strcspn(s->bdf, "."); /* the slot's address has no function */
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/bus/pci/slots", s->root) >= (int)sizeof(path))
		return false;
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= len ||
		    host_read(address, sizeof(address), "%s/%s/address", path, entry->d_name) ||
		    strlen(address) != device || strncmp(address, s->bdf, device) ||
		    !host_exists("%s/%s/power", path, entry->d_name))
			continue;
		strcpy(name, entry->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A card that no longer answers is out of reach of its own resets. */
static void check_way_back(struct survey *s, const char *methods)
{
	char slot[32], port[64] = "";

	if (s->nr_ports && host_read(port, sizeof(port), "%s/reset_method", s->ports[0].path))
		strcpy(port, "none");
	if (find_slot(s, slot, sizeof(slot)))
		survey_ok(s, PREFLIGHT_RESET,
			  "if it is ever lost: hot-plug slot %s can be switched off and on "
			  "(/sys/bus/pci/slots/%s/power)",
			  slot, slot);
	else if (has_word(methods, "bus") || has_word(port, "bus"))
		survey_ok(s, PREFLIGHT_RESET, "if it is ever lost: its port can reset the bus");
	else if (s->nr_ports)
		survey_note(s, PREFLIGHT_RESET, NULL,
			    "if it is ever lost, only switching the host off and on brings it back "
			    "(resets of port %s: %s)",
			    s->ports[0].bdf, port);
	else
		survey_note(s, PREFLIGHT_RESET, NULL,
			    "if it is ever lost, only switching the host off and on brings it "
			    "back");
}

static void check_reset(struct survey *s)
{
	char methods[64];

	if (host_read(methods, sizeof(methods), "%s/reset_method", s->path))
		methods[0] = '\0';
	check_methods(s, methods);
	check_way_back(s, methods);
}

/* --- reports of others ---------------------------------------------------------------------------
 */

static void check_known_bad(struct survey *s)
{
	const struct preflight *out = s->out;
	struct known_bad bad;
	char fix[PREFLIGHT_FIX];

	if (!known_bad_find(known_bad_text, out->vendor, out->device, &bad)) {
		survey_ok(s, PREFLIGHT_KNOWN_BAD, "no report about %04x:%04x", out->vendor,
			  out->device);
		return;
	}
	snprintf(fix, sizeof(fix), "# %s\n# see %s", bad.advice, bad.source);
	survey_note(s, PREFLIGHT_KNOWN_BAD, fix, "%s: others report: %s", bad.card, bad.seen);
}

/* --- the kernel ----------------------------------------------------------------------------------
 */

/* Which vfio-pci-core is loaded. The patched one of kernel/ has a version, the kernel's own has
 * none; another that was built outside the kernel's tree is marked with an O. */
static void describe_core(const struct survey *s, char *buf, size_t len)
{
	char version[64], taint[16];

	if (!host_read(version, sizeof(version), "%s/module/vfio_pci_core/version", s->root) &&
	    !strncmp(version, "coldvm-", 7))
		snprintf(buf, len, "vfio-pci is the patched one (%s): D3cold on request", version);
	else if (!host_read(taint, sizeof(taint), "%s/module/vfio_pci_core/taint", s->root) &&
		 strchr(taint, 'O'))
		snprintf(
			buf, len,
			"vfio-pci is not the kernel's own: what it can do is asked when a VM opens "
			"the device");
	else
		snprintf(buf, len, "vfio-pci has low power, without D3cold on request");
}

static void check_kernel(struct survey *s)
{
	unsigned major, minor;
	char release[64], core[128];

	if (host_read(release, sizeof(release), "%s/../proc/sys/kernel/osrelease", s->root) ||
	    sscanf(release, "%u.%u", &major, &minor) != 2) {
		survey_note(s, PREFLIGHT_KERNEL, NULL, "the kernel's release cannot be read");
		return;
	}
	if (major < 6 || (major == 6 && minor < 1)) {
		survey_limit(s, PREFLIGHT_KERNEL, HOST_POWER_D3HOT, "# run Linux 6.1 or later",
			     "Linux %s: vfio-pci has had low power since 6.1", release);
		return;
	}
	describe_core(s, core, sizeof(core));
	survey_ok(s, PREFLIGHT_KERNEL, "Linux %s: %s", release, core);
}

void survey_card(struct survey *s)
{
	check_reset(s);
	check_known_bad(s);
	check_kernel(s);
}
