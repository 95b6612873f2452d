/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID: one package of single-threaded cores, whatever the host looks like. */
#include "vmm/x86/cpuid.h"

#include <string.h>

#include "tests/unit/suite.h"

#define MAX_ENTRIES 64

static union {
	struct kvm_cpuid2 cpuid;
	uint8_t room[sizeof(struct kvm_cpuid2) + MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
} table;

static void add(uint32_t leaf, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
		uint32_t edx)
{
	table.cpuid.entries[table.cpuid.nent++] = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = index,
		.eax = eax,
		.ebx = ebx,
		.ecx = ecx,
		.edx = edx,
	};
}

static const struct kvm_cpuid_entry2 *get(uint32_t leaf, uint32_t index)
{
	const struct kvm_cpuid_entry2 *found = NULL;

	for (uint32_t i = 0; i < table.cpuid.nent; i++) {
		if (table.cpuid.entries[i].function != leaf ||
		    table.cpuid.entries[i].index != index)
			continue;
		ck_assert_msg(!found, "leaf 0x%x.%u is there twice", leaf, index);
		found = &table.cpuid.entries[i];
	}
	return found;
}

static void tailor(unsigned id, unsigned nr_cpus)
{
	const struct cpuid_config config = { .id = id, .nr_cpus = nr_cpus, .tsc_deadline = true };

	cpuid_tailor(&table.cpuid, &config);
}

/* What KVM might say on a host CPU that is number 0x55 of a large package. */
static void setup_common(uint32_t max_leaf, uint32_t vendor_ebx)
{
	memset(&table, 0, sizeof(table));
	add(0, 0, max_leaf, vendor_ebx, 0, 0);
	add(1, 0, 0x806f8, 0x55800800, 0x0000800b, 0x1fabfbff); /* MONITOR, PDCM, HTT */
	add(5, 0, 0x40, 0x40, 3, 0x11);
	add(0xa, 0, 0x08300805, 0, 7, 0x8604);
	add(0xb, 0, 1, 2, 0x100, 0x55);
	add(0xb, 1, 7, 112, 0x201, 0x55);
	add(0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
	add(0x40000001, 0, 0x01007efb, 0, 0, 0);
	add(0x80000008, 0, 0x3030, 0, 0x203f, 0);
}

static void setup_intel(void)
{
	setup_common(0x20, 0x756e6547);
	add(4, 0, 0xfc004121, 0x02c0003f, 0x3f, 0);  /* L1d, two threads */
	add(4, 1, 0xfc1fc163, 0x0380003f, 0x1ff, 4); /* L3, 128 */
	add(4, 2, 0, 0, 0, 0);
	add(0x1f, 0, 1, 2, 0x100, 0x55);
	add(0x80000001, 0, 0, 0, 0x121, 0);
}

static void setup_amd(void)
{
	setup_common(0xd, 0x68747541);
	add(0x80000001, 0, 0, 0, 0x00c00121, 0); /* TOPOEXT, PerfCtrExtCore */
	add(0x8000001d, 0, 0x4121, 0, 0, 0);
	add(0x8000001d, 3, 0x3c163, 0, 0, 0);
	add(0x8000001e, 0, 0x55, 0x12a, 0x101, 0);
	add(0x80000022, 0, 1, 6, 0, 0);
	add(0x80000026, 0, 1, 2, 0x100, 0x55);
}

START_TEST(apic_id_is_the_vcpus)
{
	tailor(3, 4);
	ck_assert_uint_eq(get(1, 0)->ebx >> 24, 3);
	ck_assert_uint_eq(get(0xb, 0)->edx, 3);
	ck_assert_uint_eq(get(0xb, 1)->edx, 3);
}
END_TEST

START_TEST(guest_knows_that_it_is_one)
{
	tailor(0, 1);
	ck_assert(get(1, 0)->ecx & 1u << 31);
	ck_assert_uint_eq(get(0x40000000, 0)->ebx, 0x4b4d564b);
	ck_assert_uint_eq(get(0x40000001, 0)->eax, 0x01007efb);
}
END_TEST

START_TEST(mwait_and_counters_are_hidden)
{
	tailor(0, 1);
	ck_assert_uint_eq(get(1, 0)->ecx & (1u << 3 | 1u << 15), 0);
	ck_assert_uint_eq(get(5, 0)->edx, 0);
	ck_assert_uint_eq(get(0xa, 0)->eax, 0);
	ck_assert_uint_eq(get(1, 0)->ecx & 3, 3);
}
END_TEST

START_TEST(tsc_deadline_follows_kvm)
{
	struct cpuid_config config = { .nr_cpus = 1, .tsc_deadline = true };

	cpuid_tailor(&table.cpuid, &config);
	ck_assert(get(1, 0)->ecx & 1u << 24);
	config.tsc_deadline = false;
	cpuid_tailor(&table.cpuid, &config);
	ck_assert(!(get(1, 0)->ecx & 1u << 24));
}
END_TEST

START_TEST(one_cpu_has_no_siblings)
{
	tailor(0, 1);
	ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 1);
	ck_assert_uint_eq(get(1, 0)->edx & 1u << 28, 0);
	ck_assert_uint_eq(get(0xb, 1)->eax, 0);
	ck_assert_uint_eq(get(0xb, 1)->ebx, 1);
}
END_TEST

START_TEST(topology_leaf_counts_cores_of_one_thread)
{
	tailor(5, 6);
	ck_assert_uint_eq(get(0xb, 0)->eax, 0);
	ck_assert_uint_eq(get(0xb, 0)->ebx, 1);
	ck_assert_uint_eq(get(0xb, 0)->ecx, 0x100);
	ck_assert_uint_eq(get(0xb, 1)->eax, 3);
	ck_assert_uint_eq(get(0xb, 1)->ebx, 6);
	ck_assert_uint_eq(get(0xb, 1)->ecx, 0x201);
	ck_assert_uint_eq(get(0xb, 2)->ebx, 0);
	ck_assert_uint_eq(get(0xb, 2)->ecx, 0x002);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(get(0xb, i)->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}
END_TEST

START_TEST(leaf_1_counts_a_power_of_two)
{
	tailor(0, 6);
	ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 8);
	ck_assert(get(1, 0)->edx & 1u << 28);
	ck_assert_uint_eq(get(1, 0)->ebx & 0xffff, 0x0800);
}
END_TEST

START_TEST(most_vcpus_fit_every_field)
{
	tailor(63, 64);
	ck_assert_uint_eq(get(1, 0)->ebx >> 24, 63);
	ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 64);
	ck_assert_uint_eq(get(0xb, 1)->eax, 6);
}
END_TEST

START_TEST(intel_caches_are_shared_by_cores_of_this_vm)
{
	tailor(0, 4);
	ck_assert_uint_eq(get(4, 0)->eax >> 14 & 0xfff, 0);
	ck_assert_uint_eq(get(4, 1)->eax >> 14 & 0xfff, 3);
	ck_assert_uint_eq(get(4, 0)->eax >> 26, 3);
	ck_assert_uint_eq(get(4, 1)->eax >> 26, 3);
	ck_assert_uint_eq(get(4, 1)->eax & 0x3fff, 0xfc1fc163 & 0x3fff);
	ck_assert_uint_eq(get(4, 2)->eax, 0);
}
END_TEST

START_TEST(leaf_1f_says_the_same_as_leaf_b)
{
	tailor(1, 4);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(get(0x1f, i)->eax, get(0xb, i)->eax);
		ck_assert_uint_eq(get(0x1f, i)->ebx, get(0xb, i)->ebx);
		ck_assert_uint_eq(get(0x1f, i)->ecx, get(0xb, i)->ecx);
	}
}
END_TEST

START_TEST(amd_leaves_alone_on_intel)
{
	tailor(1, 4);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 0x121);
	ck_assert_uint_eq(get(0x80000008, 0)->ecx, 0x203f);
}
END_TEST

START_TEST(amd_core_count_and_id_size)
{
	tailor(2, 6);
	ck_assert_uint_eq(get(0x80000008, 0)->ecx & 0xff, 5);
	ck_assert_uint_eq(get(0x80000008, 0)->ecx >> 12 & 0xf, 3);
	ck_assert(get(0x80000001, 0)->ecx & 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->eax, 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->ebx, 2);
	ck_assert_uint_eq(get(0x8000001e, 0)->ecx, 0);
}
END_TEST

START_TEST(amd_caches_are_shared_by_cores_of_this_vm)
{
	tailor(0, 6);
	ck_assert_uint_eq(get(0x8000001d, 0)->eax >> 14 & 0xfff, 0);
	ck_assert_uint_eq(get(0x8000001d, 3)->eax >> 14 & 0xfff, 5);
}
END_TEST

START_TEST(amd_counters_and_third_topology_are_hidden)
{
	tailor(0, 1);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 0x00400121);
	ck_assert_uint_eq(get(0x80000022, 0)->eax, 0);
	ck_assert_ptr_null(get(0x80000026, 0));
	ck_assert_uint_eq(get(0x80000008, 0)->ecx & 0xf0ff, 0);
}
END_TEST

START_TEST(leaf_1f_is_not_made_up)
{
	tailor(0, 4);
	ck_assert_ptr_null(get(0x1f, 0));
	ck_assert_uint_eq(get(0, 0)->eax, 0xd);
}
END_TEST

START_TEST(old_processor_gets_a_topology_leaf)
{
	memset(&table, 0, sizeof(table));
	add(0, 0, 5, 0x68747541, 0, 0);
	tailor(1, 2);
	ck_assert_uint_eq(get(0, 0)->eax, 0xb);
	ck_assert_uint_eq(get(0xb, 1)->ebx, 2);
}
END_TEST

START_TEST(added_entries_fit_the_room_that_is_promised)
{
	uint32_t before = table.cpuid.nent - 3; /* leaves 0xB and 0x1F are replaced */

	tailor(0, 4);
	ck_assert_uint_le(table.cpuid.nent, before + CPUID_EXTRA);
}
END_TEST

START_TEST(address_bits_are_what_kvm_can_map)
{
	memset(&table, 0, sizeof(table));
	ck_assert_uint_eq(cpuid_phys_bits(&table.cpuid), 36);
	add(0x80000008, 0, 0x3030, 0, 0, 0);
	ck_assert_uint_eq(cpuid_phys_bits(&table.cpuid), 48);
	table.cpuid.entries[0].eax = 0x00303934;
	ck_assert_uint_eq(cpuid_phys_bits(&table.cpuid), 48);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpuid");
	TCase *intel = suite_case(suite, "intel", setup_intel, NULL);
	TCase *amd = suite_case(suite, "amd", setup_amd, NULL);

	tcase_add_test(intel, apic_id_is_the_vcpus);
	tcase_add_test(intel, guest_knows_that_it_is_one);
	tcase_add_test(intel, mwait_and_counters_are_hidden);
	tcase_add_test(intel, tsc_deadline_follows_kvm);
	tcase_add_test(intel, one_cpu_has_no_siblings);
	tcase_add_test(intel, topology_leaf_counts_cores_of_one_thread);
	tcase_add_test(intel, leaf_1_counts_a_power_of_two);
	tcase_add_test(intel, most_vcpus_fit_every_field);
	tcase_add_test(intel, intel_caches_are_shared_by_cores_of_this_vm);
	tcase_add_test(intel, leaf_1f_says_the_same_as_leaf_b);
	tcase_add_test(intel, amd_leaves_alone_on_intel);
	tcase_add_test(intel, added_entries_fit_the_room_that_is_promised);
	tcase_add_test(amd, amd_core_count_and_id_size);
	tcase_add_test(amd, amd_caches_are_shared_by_cores_of_this_vm);
	tcase_add_test(amd, amd_counters_and_third_topology_are_hidden);
	tcase_add_test(amd, leaf_1f_is_not_made_up);
	tcase_add_test(amd, old_processor_gets_a_topology_leaf);
	tcase_add_test(amd, address_bits_are_what_kvm_can_map);
	return suite_run(suite);
}
