/* SPDX-License-Identifier: BSD-3-Clause */
/* What vm.info says, by the names that cloud-hypervisor's clients read. */
#include "vmm/vm_info.h"

#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct vm_options options;
static struct vm_state state;
static json_t *info;
static char why[256];

static void set_up(void)
{
	static char kernel[] = "--kernel=k";
	static char disk[] = "--disk=path=/d,id=x,readonly=on";
	char *args[] = { kernel, disk };

	ck_assert_int_eq(options_parse(&options, 2, args, false, why, sizeof(why)), OPTIONS_RUN);
	state = (struct vm_state){
		.name = "Paused",
		.uptime_ns = 5,
		.console_path = "",
		.device_tree = json_pack("{s:{s:s}}", "x", "pci_bdf", "0000:00:01.0"),
	};
}

static void tear_down(void)
{
	json_decref(info);
	info = NULL;
}

/* The value at @path, names parted by dots. */
static const json_t *at(const char *path)
{
	char copy[128], *rest = copy;
	const json_t *value = info;

	strcpy(copy, path);
	for (char *name; (name = strsep(&rest, "."));)
		value = json_is_array(value) ? json_array_get(value, (size_t)(name[0] - '0'))
					     : json_object_get(value, name);
	return value;
}

START_TEST(configuration_and_state_have_their_names)
{
	info = vm_info(&options, &state);
	ck_assert_str_eq(json_string_value(at("state")), "Paused");
	ck_assert_int_eq(json_integer_value(at("uptime_ns")), 5);
	ck_assert_str_eq(json_string_value(at("config.payload.kernel")), "k");
	ck_assert_int_eq(json_integer_value(at("config.cpus.boot_vcpus")), 1);
	ck_assert_int_eq(json_integer_value(at("config.cpus.max_vcpus")), 1);
	ck_assert_int_eq(json_integer_value(at("config.memory.size")), MIB(512));
	ck_assert_str_eq(json_string_value(at("config.serial.mode")), "Tty");
	ck_assert_str_eq(json_string_value(at("config.console.mode")), "Off");
}
END_TEST

START_TEST(devices_are_in_configuration_and_tree)
{
	info = vm_info(&options, &state);
	ck_assert_str_eq(json_string_value(at("config.disks.0.id")), "x");
	ck_assert(json_is_true(at("config.disks.0.readonly")));
	ck_assert_str_eq(json_string_value(at("device_tree.x.pci_bdf")), "0000:00:01.0");
}
END_TEST

START_TEST(a_pseudo_terminal_is_told_by_its_path)
{
	options.console = CONSOLE_PTY;
	state.console_path = "/dev/pts/7";
	info = vm_info(&options, &state);
	ck_assert_str_eq(json_string_value(at("config.console.mode")), "Pty");
	ck_assert_str_eq(json_string_value(at("config.console.file")), "/dev/pts/7");
}
END_TEST

START_TEST(what_the_balloon_has_is_no_memory_of_the_guests)
{
	state.balloon = MIB(64);
	info = vm_info(&options, &state);
	ck_assert_int_eq(json_integer_value(at("memory_actual_size")), MIB(448));
}
END_TEST

START_TEST(text_that_is_no_utf_8_is_left_out)
{
	options.kernel = "\xff";
	info = vm_info(&options, &state);
	ck_assert_ptr_nonnull(info);
	ck_assert_ptr_null(at("config.payload.kernel"));
	ck_assert_str_eq(json_string_value(at("state")), "Paused");
}
END_TEST

START_TEST(way_to_the_devices_is_named)
{
	info = vm_info(&options, &state);
	ck_assert(json_is_null(at("iommu")));
	json_decref(info);
	state.device_tree = json_object();
	state.iommu = "iommufd";
	info = vm_info(&options, &state);
	ck_assert_str_eq(json_string_value(at("iommu")), "iommufd");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vm.info");
	TCase *t = suite_case(s, "vm.info", set_up, tear_down);

	tcase_add_test(t, configuration_and_state_have_their_names);
	tcase_add_test(t, devices_are_in_configuration_and_tree);
	tcase_add_test(t, a_pseudo_terminal_is_told_by_its_path);
	tcase_add_test(t, what_the_balloon_has_is_no_memory_of_the_guests);
	tcase_add_test(t, text_that_is_no_utf_8_is_left_out);
	tcase_add_test(t, way_to_the_devices_is_named);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
