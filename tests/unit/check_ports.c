/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports above a device: which of them switches its power, and what is told about each. */
#include "devices/vfio/ports.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/host.h"
#include "tests/fake/fake_sysfs.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"

#define ROOT_PORT  "pci0000:00/0000:00:01.0"
#define UPSTREAM   ROOT_PORT "/0000:01:00.0"
#define DOWNSTREAM UPSTREAM "/0000:02:00.0"
#define BEHIND	   DOWNSTREAM "/0000:03:00.0"

static struct fake_sysfs sysfs;
static struct vfio_device device;

static const char *const switch_paths[] = { DOWNSTREAM, UPSTREAM, ROOT_PORT };

static void make_switch(void)
{
	fake_sysfs_make(&sysfs);
	for (unsigned i = 0; i < 3; i++)
		fake_sysfs_file(&sysfs, "D0\n", "sys/devices/%s/power_state", switch_paths[i]);
	fake_sysfs_device(&sysfs, BEHIND, "vfio-pci", 3);
	memset(&device, 0, sizeof(device));
}

static void remove_switch(void)
{
	ports_close(&device);
	fake_sysfs_remove(&sysfs);
}

static void give_resource(const char *path)
{
	fake_sysfs_file(&sysfs, "", "sys/devices/%s/firmware_node/power_resources_D3hot/x", path);
}

static void look(void)
{
	char path[PATH_MAX];

	ck_assert_int_eq(host_device_path(sysfs.root, "0000:03:00.0", path, sizeof(path)), 0);
	ports_open(&device, path);
}

START_TEST(ports_are_listed_up_to_the_one_with_the_resource)
{
	static const char *const bdfs[] = { "0000:02:00.0", "0000:01:00.0", "0000:00:01.0" };

	give_resource(switch_paths[_i]);
	look();
	ck_assert_uint_eq(device.nr_ports, _i + 1);
	ck_assert_uint_eq(device.power_port, _i);
	for (int i = 0; i <= _i; i++) {
		char text[4];

		ck_assert_str_eq(device.ports[i].bdf, bdfs[i]);
		ck_assert_int_eq(pread(device.ports[i].power_fd, text, 3, 0), 3);
		ck_assert(!memcmp(text, "D0\n", 3));
	}
}
END_TEST

START_TEST(of_two_resources_the_nearer_one_counts)
{
	give_resource(DOWNSTREAM);
	give_resource(ROOT_PORT);
	look();
	ck_assert_uint_eq(device.nr_ports, 1);
	ck_assert_str_eq(device.ports[device.power_port].bdf, "0000:02:00.0");
}
END_TEST

START_TEST(without_a_resource_all_are_listed_and_the_nearest_stands_for_them)
{
	look();
	ck_assert_uint_eq(device.nr_ports, 3);
	ck_assert_uint_eq(device.power_port, 0);
}
END_TEST

START_TEST(a_device_with_its_own_resource_has_the_nearest_port)
{
	give_resource(BEHIND);
	give_resource(ROOT_PORT);
	look();
	ck_assert_uint_eq(device.nr_ports, 1);
	ck_assert_uint_eq(device.power_port, 0);
}
END_TEST

START_TEST(a_device_on_the_root_bus_has_no_port)
{
	char path[PATH_MAX];

	fake_sysfs_device(&sysfs, "pci0000:00/0000:00:02.0", "vfio-pci", 4);
	ck_assert_int_eq(host_device_path(sysfs.root, "0000:00:02.0", path, sizeof(path)), 0);
	ports_open(&device, path);
	ck_assert_uint_eq(device.nr_ports, 0);
}
END_TEST

START_TEST(closing_closes_every_file_once)
{
	int fd;

	look();
	fd = device.ports[2].power_fd;
	ports_close(&device);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq(device.nr_ports, 0);
	ports_close(&device);
}
END_TEST

/* --- events --------------------------------------------------------------------------------------
 */

/* The slot sits behind a switch whose root port has the resource. */
static void put_behind_switch(void)
{
	struct fake_vfio *fake = host.functions[0].fake;

	for (unsigned i = 0; i < 3; i++) {
		strcpy(fake->device.ports[i].bdf, strrchr(switch_paths[i], '/') + 1);
		fake->upstream[i] = i == 1 ? HOST_POWER_D3HOT : HOST_POWER_D3COLD;
	}
	fake->device.nr_ports = 3;
	fake->device.power_port = 2;
}

static void slot_behind_switch(void)
{
	slot_rig_make(1);
	put_behind_switch();
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
}

START_TEST(an_event_about_the_depth_tells_every_port)
{
	json_t *ports;

	power_slot_command(host.slot, CVM_CMD_OFF);
	ports = json_object_get(wait_event("power-d3cold"), "ports");
	ck_assert_uint_eq(json_array_size(ports), 3);
	ck_assert_str_eq(event_text(json_array_get(ports, 0), "bdf"), "0000:02:00.0");
	ck_assert_str_eq(event_text(json_array_get(ports, 0), "state"), "D3cold");
	ck_assert_str_eq(event_text(json_array_get(ports, 1), "state"), "D3hot");
	ck_assert_str_eq(event_text(json_array_get(ports, 2), "bdf"), "0000:00:01.0");
}
END_TEST

static void explicit_slot_behind_switch(void)
{
	slot_rig_make(1);
	put_behind_switch();
	slot_rig_explicit();
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
}

START_TEST(a_verdict_is_read_at_the_port_with_the_resource)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
	ck_assert_str_eq(event_text(wait_event("power-d3cold"), "port_state"), "D3cold");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("ports");
	TCase *t = suite_case(s, "sysfs", make_switch, remove_switch);

	tcase_add_loop_test(t, ports_are_listed_up_to_the_one_with_the_resource, 0, 3);
	tcase_add_test(t, of_two_resources_the_nearer_one_counts);
	tcase_add_test(t, without_a_resource_all_are_listed_and_the_nearest_stands_for_them);
	tcase_add_test(t, a_device_with_its_own_resource_has_the_nearest_port);
	tcase_add_test(t, a_device_on_the_root_bus_has_no_port);
	tcase_add_test(t, closing_closes_every_file_once);

	t = suite_case(s, "events", slot_behind_switch, slot_rig_free);
	tcase_add_test(t, an_event_about_the_depth_tells_every_port);

	t = suite_case(s, "verdicts", explicit_slot_behind_switch, slot_rig_free);
	tcase_add_test(t, a_verdict_is_read_at_the_port_with_the_resource);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
