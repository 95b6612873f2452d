/* SPDX-License-Identifier: BSD-3-Clause */
/* APIC identifiers: which vCPUs they put into one package. */
#include "vmm/x86/cpu_topology.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct cpu_topology topology;

START_TEST(without_nodes_the_identifier_is_the_number)
{
	ck_assert_int_eq(cpu_topology_init(&topology, 5, NULL), 0);
	ck_assert_uint_eq(topology.cores, 5);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(topology.apic_id[i], i);
}
END_TEST

START_TEST(vcpus_of_a_node_share_a_package_and_no_others)
{
	static const uint8_t node[] = { 7, 2, 2, 7, 2, 0 };

	ck_assert_int_eq(cpu_topology_init(&topology, 6, node), 0);
	ck_assert_uint_eq(topology.cores, 3);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < i; k++) {
			unsigned bits = cpu_topology_bits(topology.cores);

			ck_assert_uint_ne(topology.apic_id[i], topology.apic_id[k]);
			ck_assert_int_eq(topology.apic_id[i] >> bits == topology.apic_id[k] >> bits,
					 node[i] == node[k]);
		}
}
END_TEST

START_TEST(vcpu_0_has_identifier_0_whatever_its_node)
{
	static const uint8_t node[] = { 1, 0, 0 };

	ck_assert_int_eq(cpu_topology_init(&topology, 3, node), 0);
	ck_assert_uint_eq(topology.apic_id[0], 0);
	ck_assert_uint_eq(topology.apic_id[1], 2);
	ck_assert_uint_eq(topology.apic_id[2], 3);
}
END_TEST

START_TEST(identifiers_end_at_254)
{
	uint8_t node[CPU_TOPOLOGY_MAX] = { 0 };

	ck_assert_int_eq(cpu_topology_init(&topology, 255, NULL), 0);
	ck_assert_uint_eq(topology.apic_id[254], 254);
	ck_assert_int_eq(cpu_topology_init(&topology, 256, NULL), -ERANGE);
	ck_assert_int_eq(cpu_topology_init(&topology, 0, NULL), -ERANGE);
	/* 4 packages of 64 places; the last vCPU has 254, or 255. */
	for (unsigned i = 0; i < 255; i++)
		node[i] = (uint8_t)(i / 64);
	ck_assert_int_eq(cpu_topology_init(&topology, 255, node), 0);
	ck_assert_uint_eq(topology.apic_id[254], 254);
	memset(node, 0, sizeof(node));
	for (unsigned i = 65; i < 69; i++)
		node[i] = (uint8_t)i;
	ck_assert_int_eq(cpu_topology_init(&topology, 66, node), 0);
	ck_assert_uint_eq(topology.apic_id[65], 128);
	ck_assert_int_eq(cpu_topology_init(&topology, 67, node), -ERANGE);
}
END_TEST

START_TEST(bits_are_those_that_the_last_number_needs)
{
	static const unsigned bits[] = { 0, 0, 1, 2, 2, 3, 3, 3, 3, 4 };

	for (unsigned nr = 0; nr < ARRAY_SIZE(bits); nr++)
		ck_assert_uint_eq(cpu_topology_bits(nr), bits[nr]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("CPU topology");
	TCase *t = suite_case(suite, "identifiers", NULL, NULL);

	tcase_add_test(t, without_nodes_the_identifier_is_the_number);
	tcase_add_test(t, vcpus_of_a_node_share_a_package_and_no_others);
	tcase_add_test(t, vcpu_0_has_identifier_0_whatever_its_node);
	tcase_add_test(t, identifiers_end_at_254);
	tcase_add_test(t, bits_are_those_that_the_last_number_needs);
	return suite_run(suite);
}
