/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM: the way from a guest's address to memory, and the slots that come and go. */
#include "vmm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

static struct kvm kvm;
static struct memory memory;

static int init(uint64_t size, uint64_t low_limit)
{
	const struct memory_config config = { .size = size, .low_limit = low_limit };

	return memory_init(&memory, &kvm, &config);
}

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
}

/* 4 MiB of RAM, half of it above 4 GiB. */
static void setup_memory(void)
{
	setup();
	ck_assert_int_eq(init(MIB(4), MIB(2)), 0);
}

static void teardown_memory(void)
{
	memory_exit(&memory);
	ck_assert_uint_eq(fake_kvm_nr_slots(), 0);
}

START_TEST(every_byte_of_ram_can_be_reached)
{
	uint8_t *first = memory_at(&memory, 0, 1);

	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_eq(memory_at(&memory, MIB(2) - 1, 1), first + MIB(2) - 1);
	ck_assert_ptr_eq(memory_at(&memory, 0, MIB(2)), first);
	ck_assert_ptr_nonnull(memory_at(&memory, GIB(4), MIB(2)));
	memset(memory_at(&memory, 0, MIB(2)), 1, MIB(2));
	memset(memory_at(&memory, GIB(4), MIB(2)), 2, MIB(2));
	ck_assert_uint_eq(*(uint8_t *)memory_at(&memory, MIB(2) - 1, 1), 1);
}
END_TEST

START_TEST(guest_address_outside_ram_is_refused)
{
	ck_assert_ptr_null(memory_at(&memory, MIB(2), 1));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) - 1, 1));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) + MIB(2), 1));
	ck_assert_ptr_null(memory_at(&memory, UINT64_MAX, 1));
}
END_TEST

START_TEST(guest_range_that_leaves_ram_is_refused)
{
	ck_assert_ptr_null(memory_at(&memory, MIB(2) - 1, 2));
	ck_assert_ptr_null(memory_at(&memory, 0, MIB(2) + 1));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) - 1, 2));
	ck_assert_ptr_null(memory_at(&memory, 0, GIB(4) + MIB(2)));
}
END_TEST

START_TEST(guest_address_that_wraps_is_refused)
{
	ck_assert_ptr_null(memory_at(&memory, 4096, UINT64_MAX));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) + 1, UINT64_MAX - GIB(4)));
	ck_assert_ptr_null(memory_at(&memory, UINT64_MAX, 2));
}
END_TEST

START_TEST(guest_range_of_length_0_is_refused)
{
	ck_assert_ptr_null(memory_at(&memory, 0, 0));
}
END_TEST

START_TEST(kvm_sees_the_regions_as_memory_at_does)
{
	const struct fake_kvm_slot *low = fake_kvm_slot_at(0);
	const struct fake_kvm_slot *high = fake_kvm_slot_at(GIB(4));

	ck_assert_uint_eq(fake_kvm_nr_slots(), 2);
	ck_assert_ptr_nonnull(low);
	ck_assert_ptr_nonnull(high);
	ck_assert_ptr_eq(low->hva, memory_at(&memory, 0, 1));
	ck_assert_ptr_eq(high->hva, memory_at(&memory, GIB(4), 1));
	ck_assert_uint_eq(low->size + high->size, MIB(4));
}
END_TEST

START_TEST(host_and_guest_agree_on_2_mib_pages)
{
	for (unsigned i = 0; i < memory.nr_ram; i++)
		ck_assert_uint_eq((uintptr_t)memory.ram[i].hva % MIB(2),
				  memory.ram[i].gpa % MIB(2));
}
END_TEST

START_TEST(ram_that_fits_below_the_hole_is_one_region)
{
	ck_assert_int_eq(init(MIB(2), MIB(2)), 0);
	ck_assert_uint_eq(memory.nr_ram, 1);
	ck_assert_ptr_null(memory_at(&memory, GIB(4), 1));
	teardown_memory();
}
END_TEST

START_TEST(size_that_cannot_be_laid_out_is_refused)
{
	const struct memory_config huge = {
		.size = MIB(3),
		.hugepages = true,
		.low_limit = LAYOUT_RAM_LOW_LIMIT,
	};

	ck_assert_int_eq(init(0, LAYOUT_RAM_LOW_LIMIT), -EINVAL);
	ck_assert_int_eq(init(4097, LAYOUT_RAM_LOW_LIMIT), -EINVAL);
	ck_assert_int_eq(init(MIB(4) + 1, MIB(2)), -EINVAL);
	ck_assert_int_eq(init(UINT64_MAX & ~UINT64_C(0xfff), LAYOUT_RAM_LOW_LIMIT), -EINVAL);
	ck_assert_int_eq(memory_init(&memory, &kvm, &huge), -EINVAL);
	memory_exit(&memory);
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_SET_MEMSLOT], 0);
}
END_TEST

/* Where the host commits to anything (vm.overcommit_memory=1) only the address space is an end. */
START_TEST(size_that_the_host_does_not_have_is_refused)
{
	FILE *file = fopen("/proc/sys/vm/overcommit_memory", "r");
	uint64_t size = GIB(1) << 17;
	struct sysinfo info;

	ck_assert_int_eq(sysinfo(&info), 0);
	if (file && fgetc(file) == '0')
		size = align_up((info.totalram + info.totalswap) * info.mem_unit, MIB(2)) + GIB(1);
	if (file)
		fclose(file);
	ck_assert_int_eq(init(size, LAYOUT_RAM_LOW_LIMIT), -ENOMEM);
	memory_exit(&memory);
}
END_TEST

START_TEST(shared_ram_is_a_memfd)
{
	const struct memory_config config = {
		.size = MIB(4),
		.shared = true,
		.low_limit = MIB(2),
	};
	uint8_t *file;

	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	ck_assert(memory_is_shared(&memory));
	*(uint8_t *)memory_at(&memory, GIB(4) + 5, 1) = 0xa5;
	file = mmap(NULL, MIB(4), PROT_READ, MAP_SHARED, memory.ram[1].fd, 0);
	ck_assert_ptr_ne(file, MAP_FAILED);
	ck_assert_uint_eq(file[MIB(2) + 5], 0xa5);
	munmap(file, MIB(4));
	teardown_memory();
	ck_assert(!memory_is_shared(&memory));
}
END_TEST

/* A daemon's mapping does not hold it. */
START_TEST(shared_ram_is_given_back_though_others_have_it)
{
	const struct memory_config config = {
		.size = MIB(4),
		.shared = true,
		.low_limit = MIB(4),
	};
	struct stat file;
	int fd;

	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	fd = fcntl(memory.ram[0].fd, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_ge(fd, 0);
	*(uint8_t *)memory_at(&memory, 5, 1) = 0xa5;
	teardown_memory();
	ck_assert_int_eq(fstat(fd, &file), 0);
	ck_assert_int_eq(file.st_blocks, 0);
	close(fd);
}
END_TEST

/* How many pages of the first 2 MiB are there. */
static unsigned pages_there(void)
{
	unsigned char pages[MIB(2) / 4096];
	unsigned n = 0;

	ck_assert_int_eq(mincore(memory.ram[0].hva, MIB(2), pages), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		n += pages[i] & 1;
	return n;
}

START_TEST(ram_that_is_asked_for_is_there_at_once)
{
	struct memory_config config = { .size = MIB(2), .low_limit = LAYOUT_RAM_LOW_LIMIT };

	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	ck_assert_uint_eq(pages_there(), 0);
	teardown_memory();
	for (unsigned shared = 0; shared < 2; shared++) {
		config.prefault = true;
		config.shared = shared;
		ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
		ck_assert_uint_eq(pages_there(), MIB(2) / 4096);
		teardown_memory();
	}
}
END_TEST

/* --- zones --------------------------------------------------------------------------------------
 */

static int init_zones(const struct memory_zone *zones, unsigned nr, uint64_t low_limit)
{
	unsigned failed;

	return memory_init_zones(&memory, &kvm, zones, nr, low_limit, &failed);
}

/* The hole begins in the second one. */
static const struct memory_zone three[] = {
	{ .size = MIB(2) },
	{ .size = MIB(6), .shared = true },
	{ .size = MIB(4) },
};

START_TEST(zones_follow_each_other_and_one_of_them_is_cut_by_the_hole)
{
	static const struct memory_region wanted[] = {
		{ .gpa = 0, .size = MIB(2), .zone = 0 },
		{ .gpa = MIB(2), .size = MIB(2), .zone = 1 },
		{ .gpa = GIB(4), .size = MIB(4), .zone = 1, .fd_at = MIB(2) },
		{ .gpa = GIB(4) + MIB(4), .size = MIB(4), .zone = 2 },
	};
	struct memory_region regions[MEMORY_MAX_RAM];

	ck_assert_int_eq(memory_lay_out(three, 3, MIB(4), regions), 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(regions[i].gpa, wanted[i].gpa);
		ck_assert_uint_eq(regions[i].size, wanted[i].size);
		ck_assert_uint_eq(regions[i].zone, wanted[i].zone);
		ck_assert_uint_eq(regions[i].fd_at, wanted[i].fd_at);
	}
	/* At the end of a zone it cuts none. */
	ck_assert_int_eq(memory_lay_out(three, 3, MIB(2), regions), 3);
	ck_assert_uint_eq(regions[1].gpa, GIB(4));
	ck_assert_uint_eq(regions[1].fd_at, 0);
	ck_assert_int_eq(memory_lay_out(three, 3, GIB(3), regions), 3);
	ck_assert_uint_eq(regions[2].gpa, MIB(8));
}
END_TEST

START_TEST(zones_that_cannot_be_laid_out_are_refused)
{
	struct memory_zone zones[MEMORY_MAX_ZONES + 1];
	struct memory_region regions[MEMORY_MAX_RAM];

	for (unsigned i = 0; i < ARRAY_SIZE(zones); i++)
		zones[i] = (struct memory_zone){ .size = MIB(2) };
	ck_assert_int_eq(memory_lay_out(zones, MEMORY_MAX_ZONES, MIB(3), regions), MEMORY_MAX_RAM);
	ck_assert_int_eq(memory_lay_out(zones, MEMORY_MAX_ZONES + 1, MIB(3), regions), -EINVAL);
	ck_assert_int_eq(memory_lay_out(zones, 0, MIB(3), regions), -EINVAL);
	zones[1].size = 0;
	ck_assert_int_eq(memory_lay_out(zones, 2, MIB(3), regions), -EINVAL);
	zones[1].size = UINT64_MAX & ~UINT64_C(0xfff);
	ck_assert_int_eq(memory_lay_out(zones, 2, MIB(3), regions), -EINVAL);
	/* The page of the host that the hole or the zone before would cut. */
	zones[1] = (struct memory_zone){ .size = MIB(4), .hugepages = true };
	ck_assert_int_eq(memory_lay_out(zones, 2, MIB(3), regions), -EINVAL);
	ck_assert_int_eq(memory_lay_out(zones, 2, MIB(4), regions), 3);
	zones[0].size = MIB(1);
	ck_assert_int_eq(memory_lay_out(zones, 2, MIB(5), regions), -EINVAL);
	zones[0] = (struct memory_zone){ .size = MIB(2), .bound = true, .host_node = 1024 };
	ck_assert_int_eq(memory_lay_out(zones, 1, MIB(4), regions), -EINVAL);
}
END_TEST

START_TEST(a_range_may_go_from_zone_to_zone_but_not_over_the_hole)
{
	uint8_t *first;

	ck_assert_int_eq(init_zones(three, 3, MIB(4)), 0);
	first = memory_at(&memory, 0, MIB(4));
	ck_assert_ptr_nonnull(first);
	memset(first, 1, MIB(4));
	memset(memory_at(&memory, GIB(4), MIB(8)), 2, MIB(8));
	ck_assert_uint_eq(*(uint8_t *)memory_at(&memory, MIB(2) + 5, 1), 1);
	ck_assert_uint_eq(*(uint8_t *)memory_at(&memory, GIB(4) + MIB(4) - 1, 2), 2);
	ck_assert_ptr_null(memory_at(&memory, MIB(4) - 1, 2));
	ck_assert_ptr_null(memory_at(&memory, MIB(4), 1));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) + MIB(8) - 1, 2));
	ck_assert_ptr_null(memory_at(&memory, GIB(4) + MIB(8), 1));
	teardown_memory();
}
END_TEST

START_TEST(a_host_address_leads_back_to_the_guests)
{
	static const uint64_t at[] = {
		0, MIB(2) - 1, MIB(2), MIB(4) - 1, GIB(4), GIB(4) + MIB(4), GIB(4) + MIB(8) - 1
	};

	ck_assert_int_eq(init_zones(three, 3, MIB(4)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
		ck_assert_uint_eq(memory_gpa(&memory, memory_at(&memory, at[i], 1)), at[i]);
	teardown_memory();
}
END_TEST

START_TEST(a_region_has_all_of_a_range_or_none)
{
	ck_assert_int_eq(init_zones(three, 3, MIB(4)), 0);
	ck_assert_ptr_eq(memory_region_at(&memory, 0, MIB(2)), &memory.ram[0]);
	ck_assert_ptr_eq(memory_region_at(&memory, MIB(2), 1), &memory.ram[1]);
	ck_assert_ptr_eq(memory_region_at(&memory, GIB(4), MIB(4)), &memory.ram[2]);
	ck_assert_ptr_null(memory_region_at(&memory, MIB(2) - 1, 2));
	ck_assert_ptr_null(memory_region_at(&memory, GIB(4), MIB(4) + 1));
	ck_assert_ptr_null(memory_region_at(&memory, MIB(4), 1));
	teardown_memory();
}
END_TEST

START_TEST(kvm_has_a_slot_for_each_region)
{
	ck_assert_int_eq(init_zones(three, 3, MIB(4)), 0);
	ck_assert_uint_eq(fake_kvm_nr_slots(), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_ptr_eq(fake_kvm_slot_at(memory.ram[i].gpa)->hva,
				 memory_at(&memory, memory.ram[i].gpa, 1));
	teardown_memory();
}
END_TEST

START_TEST(each_shared_zone_is_a_memfd_of_its_own)
{
	static const struct memory_zone zones[] = {
		{ .size = MIB(2), .shared = true },
		{ .size = MIB(4), .shared = true },
	};
	uint8_t *file;

	ck_assert_int_eq(init_zones(three, 3, MIB(4)), 0);
	ck_assert(!memory_is_shared(&memory));
	teardown_memory();
	ck_assert_int_eq(init_zones(zones, 2, MIB(4)), 0);
	ck_assert(memory_is_shared(&memory));
	ck_assert_int_ne(memory.ram[0].fd, memory.ram[1].fd);
	ck_assert_int_eq(memory.ram[1].fd, memory.ram[2].fd);
	*(uint8_t *)memory_at(&memory, GIB(4) + 5, 1) = 0xa5;
	file = mmap(NULL, MIB(2), PROT_READ, MAP_SHARED, memory.ram[2].fd,
		    (off_t)memory.ram[2].fd_at);
	ck_assert_ptr_ne(file, MAP_FAILED);
	ck_assert_uint_eq(file[5], 0xa5);
	munmap(file, MIB(2));
	teardown_memory();
}
END_TEST

static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Far beyond what a machine has. Where NUMA is missing the error is another one. */
START_TEST(a_zone_that_fails_is_named_and_leaves_nothing_behind)
{
	const struct memory_zone zones[] = {
		{ .size = MIB(2), .shared = true },
		{ .size = MIB(2), .shared = true, .bound = true, .host_node = 1023 },
		{ .size = MIB(2), .shared = true },
	};
	unsigned failed, fds = open_fds();
	int r = memory_init_zones(&memory, &kvm, zones, 3, MIB(4), &failed);

	ck_assert_msg(r == -EINVAL || r == -ENOSYS || r == -EPERM, "%s", strerror(-r));
	ck_assert_uint_eq(failed, 1);
	ck_assert_uint_eq(open_fds(), fds);
	ck_assert_uint_eq(memory.nr_ram, 0);
	ck_assert_ptr_null(memory_at(&memory, 0, 1));
	memory_exit(&memory);
	ck_assert_uint_eq(fake_kvm_nr_slots(), 0);
}
END_TEST

START_TEST(a_refused_memslot_of_a_zone_leaves_nothing_behind)
{
	unsigned fds = open_fds();

	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, EIO, 2);
	ck_assert_int_eq(init_zones(three, 3, MIB(4)), -EIO);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, 0, 0);
	ck_assert_uint_eq(open_fds(), fds);
}
END_TEST

/* The policy of the mapping at @hva; -1 where the kernel has none. */
static int policy_at(void *hva, unsigned long *node)
{
	unsigned long mask[MEMORY_MAX_NODES / 64] = { 0 };
	int mode = 0;

	if (syscall(SYS_get_mempolicy, &mode, mask, MEMORY_MAX_NODES, hva, MPOL_F_ADDR) < 0)
		return -1;
	*node = mask[0];
	return mode;
}

START_TEST(a_zone_is_bound_to_its_node_and_others_are_not)
{
	const struct memory_zone zones[] = {
		{ .size = MIB(2) },
		{ .size = MIB(2), .bound = true, .host_node = 0, .prefault = true },
		{ .size = MIB(2), .bound = true, .host_node = 0, .shared = true },
	};
	unsigned long node = 0;
	int r = init_zones(zones, 3, MIB(4));

	if (r == -ENOSYS || r == -EPERM)
		return; /* a kernel or a sandbox without NUMA */
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(policy_at(memory_at(&memory, 0, 1), &node), MPOL_DEFAULT);
	ck_assert_int_eq(policy_at(memory_at(&memory, MIB(2), 1), &node), MPOL_BIND);
	ck_assert_uint_eq(node, 1);
	ck_assert_int_eq(policy_at(memory_at(&memory, GIB(4), 1), &node), MPOL_BIND);
	ck_assert_uint_eq(node, 1);
	teardown_memory();
}
END_TEST

START_TEST(a_range_over_zones_is_discarded_in_each)
{
	uint8_t *page;

	ck_assert_int_eq(init_zones(three, 3, GIB(3)), 0);
	ck_assert_int_eq(madvise(memory_at(&memory, 0, MIB(12)), MIB(12), MADV_NOHUGEPAGE), 0);
	page = memory_at(&memory, MIB(2) - 8192, 4 * 4096);
	memset(page, 0x5a, 4 * 4096);
	ck_assert_int_eq(memory_discard(&memory, MIB(2) - 4096, 2 * 4096), 0);
	ck_assert_uint_eq(page[4095], 0x5a);
	ck_assert_uint_eq(page[4096], 0);
	ck_assert_uint_eq(page[2 * 4096], 0);
	ck_assert_uint_eq(page[3 * 4096], 0x5a);
	teardown_memory();
}
END_TEST

START_TEST(refused_memslot_of_ram_leaves_nothing_behind)
{
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, EIO, 1);
	ck_assert_int_eq(init(MIB(4), MIB(2)), -EIO);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, 0, 0);
	ck_assert_uint_eq(memory.nr_ram, 0);
	ck_assert_ptr_null(memory_at(&memory, 0, 1));
	memory_exit(&memory);
}
END_TEST

START_TEST(slot_shows_memory_until_it_is_deleted)
{
	uint8_t *bar = memory_at(&memory, 0, MIB(1)); /* any mapping does */
	uint32_t slot;

	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 0x3000, bar, &slot), 0);
	ck_assert_ptr_eq(fake_kvm_slot_at(LAYOUT_MMIO32 + 0x2fff)->hva, bar);
	ck_assert_int_eq(memory_del_slot(&memory, slot), 0);
	ck_assert_ptr_null(fake_kvm_slot_at(LAYOUT_MMIO32));
	ck_assert_int_eq(memory_del_slot(&memory, slot), -ENOENT);
}
END_TEST

START_TEST(slot_over_ram_or_another_slot_is_refused)
{
	uint8_t *bar = memory_at(&memory, 0, MIB(1));
	uint32_t slot, other = 77;

	ck_assert_int_eq(memory_add_slot(&memory, MIB(2) - 4096, 8192, bar, &other), -EEXIST);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 8192, bar, &slot), 0);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32 + 4096, 4096, bar, &other),
			 -EEXIST);
	ck_assert_uint_eq(other, 77);
	/* The numbers that the refused ones had are free again. */
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32 + 8192, 4096, bar, &other), 0);
	ck_assert_uint_eq(other, slot + 1);
	ck_assert_int_eq(memory_del_slot(&memory, slot), 0);
	ck_assert_int_eq(memory_del_slot(&memory, other), 0);
}
END_TEST

START_TEST(unaligned_slot_is_refused)
{
	uint8_t *bar = memory_at(&memory, 0, MIB(1));
	uint32_t slot;

	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32 + 1, 4096, bar, &slot), -EINVAL);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 4095, bar, &slot), -EINVAL);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 4096, bar + 1, &slot), -EINVAL);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 0, bar, &slot), -EINVAL);
	ck_assert_int_eq(memory_add_slot(&memory, UINT64_MAX - 4095, 8192, bar, &slot), -EINVAL);
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_SET_MEMSLOT], 2);
}
END_TEST

START_TEST(slots_end_where_kvm_says)
{
	uint8_t *bar;
	uint32_t slot[2];

	kvm.max_slots = 4;
	ck_assert_int_eq(init(MIB(4), MIB(2)), 0);
	bar = memory_at(&memory, 0, 4096);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(
			memory_add_slot(&memory, LAYOUT_MMIO32 + i * 4096, 4096, bar, &slot[i]), 0);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32 + 8192, 4096, bar, &slot[0]),
			 -ENOSPC);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(memory_del_slot(&memory, slot[i]), 0);
	teardown_memory();
}
END_TEST

START_TEST(ram_cannot_be_deleted_as_a_slot)
{
	ck_assert_int_eq(memory_del_slot(&memory, 0), -EINVAL);
	ck_assert_int_eq(memory_del_slot(&memory, 1), -EINVAL);
	ck_assert_int_eq(memory_del_slot(&memory, 100000), -EINVAL);
	ck_assert_uint_eq(fake_kvm_nr_slots(), 2);
}
END_TEST

START_TEST(slot_that_kvm_keeps_stays_in_use)
{
	uint8_t *bar = memory_at(&memory, 0, 4096);
	uint32_t slot, other;

	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32, 4096, bar, &slot), 0);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, ENOMEM, 0);
	ck_assert_int_eq(memory_del_slot(&memory, slot), -ENOMEM);
	fake_kvm_refuse(FAKE_KVM_SET_MEMSLOT, 0, 0);
	ck_assert_int_eq(memory_add_slot(&memory, LAYOUT_MMIO32 + 4096, 4096, bar, &other), 0);
	ck_assert_uint_ne(other, slot);
	ck_assert_int_eq(memory_del_slot(&memory, slot), 0);
	ck_assert_int_eq(memory_del_slot(&memory, other), 0);
}
END_TEST

static bool resident(uint64_t gpa)
{
	unsigned char in_core;

	ck_assert_int_eq(mincore(memory_at(&memory, gpa, 4096), 4096, &in_core), 0);
	return in_core & 1;
}

static void init_shared(bool shared)
{
	const struct memory_config config = {
		.size = MIB(4),
		.shared = shared,
		.low_limit = MIB(2),
	};

	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	/* Or a page comes and goes with 2 MiB around it. */
	ck_assert_int_eq(madvise(memory_at(&memory, 0, MIB(2)), MIB(2), MADV_NOHUGEPAGE), 0);
	ck_assert_int_eq(madvise(memory_at(&memory, GIB(4), MIB(2)), MIB(2), MADV_NOHUGEPAGE), 0);
}

/* 0 and 1: RAM that is not shared, and that is. */
START_TEST(discarded_ram_goes_to_the_host_and_reads_zero)
{
	const uint64_t at[] = { 0x3000, GIB(4) + 0x3000 };

	init_shared(_i);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		uint8_t *page = memory_at(&memory, at[i] - 4096, 4096 * 4);

		memset(page, 0x5a, 4096 * 4);
		ck_assert_int_eq(memory_discard(&memory, at[i], 4096 * 2), 0);
		ck_assert(resident(at[i] - 4096));
		ck_assert(!resident(at[i]));
		ck_assert(!resident(at[i] + 4096));
		ck_assert(resident(at[i] + 4096 * 2));
		ck_assert_uint_eq(page[4095], 0x5a);
		ck_assert_uint_eq(page[4096], 0);
		ck_assert_uint_eq(page[4096 * 3 - 1], 0);
		ck_assert_uint_eq(page[4096 * 3], 0x5a);
	}
	teardown_memory();
}
END_TEST

START_TEST(discarded_ram_can_be_written_again)
{
	uint8_t *page;

	init_shared(_i);
	page = memory_at(&memory, 0x1000, 4096);
	ck_assert_int_eq(memory_discard(&memory, 0x1000, 4096), 0);
	page[7] = 1;
	ck_assert_uint_eq(page[7], 1);
	teardown_memory();
}
END_TEST

START_TEST(nothing_is_discarded_outside_ram)
{
	ck_assert_int_eq(memory_discard(&memory, MIB(2), 4096), -EFAULT);
	ck_assert_int_eq(memory_discard(&memory, MIB(2) - 4096, 8192), -EFAULT);
	ck_assert_int_eq(memory_discard(&memory, GIB(4) - 4096, 4096), -EFAULT);
	ck_assert_int_eq(memory_discard(&memory, UINT64_MAX - 4095, 4096), -EFAULT);
	ck_assert_int_eq(memory_discard(&memory, 4096, UINT64_MAX - 4095), -EFAULT);
	ck_assert_int_eq(memory_discard(&memory, 4096, 0), -EFAULT);
}
END_TEST

START_TEST(nothing_is_discarded_but_whole_pages)
{
	*(uint8_t *)memory_at(&memory, 0x1000, 1) = 0x5a;
	ck_assert_int_eq(memory_discard(&memory, 0x1000, 4095), -EINVAL);
	ck_assert_int_eq(memory_discard(&memory, 0x1001, 4096), -EINVAL);
	ck_assert_int_eq(memory_discard(&memory, 0x800, 4096), -EINVAL);
	memory.page = MIB(2); /* as with hugepages */
	ck_assert_int_eq(memory_discard(&memory, 0x1000, 4096), -EINVAL);
	ck_assert_int_eq(memory_discard(&memory, 0, MIB(1)), -EINVAL);
	ck_assert_uint_eq(*(uint8_t *)memory_at(&memory, 0x1000, 1), 0x5a);
	ck_assert_int_eq(memory_discard(&memory, 0, MIB(2)), 0);
	ck_assert_uint_eq(*(uint8_t *)memory_at(&memory, 0x1000, 1), 0);
}
END_TEST

/* True if the mapping of @hva has @flag in its VmFlags (Documentation/filesystems/proc.rst). */
static bool has_vm_flag(const void *hva, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool here = false, found = false;
	char line[512];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)hva && (uintptr_t)hva < end;
		else if (here && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	}
	fclose(file);
	return found;
}

START_TEST(what_is_written_before_the_guest_starts_is_no_huge_page)
{
	const struct memory_config config = { .size = MIB(16), .low_limit = GIB(3) };

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK) < 0)
		return; /* a kernel that has none */
	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	ck_assert(has_vm_flag(memory_at(&memory, MIB(2) - 1, 1), " nh "));
	ck_assert(has_vm_flag(memory_at(&memory, MIB(2), 1), " hg "));
	memory_exit(&memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *ram = suite_case(suite, "ram", setup_memory, teardown_memory);
	TCase *start = suite_case(suite, "start", setup, NULL);
	TCase *zones = suite_case(suite, "zones", setup, NULL);

	tcase_add_test(ram, every_byte_of_ram_can_be_reached);
	tcase_add_test(ram, guest_address_outside_ram_is_refused);
	tcase_add_test(ram, guest_range_that_leaves_ram_is_refused);
	tcase_add_test(ram, guest_address_that_wraps_is_refused);
	tcase_add_test(ram, guest_range_of_length_0_is_refused);
	tcase_add_test(ram, kvm_sees_the_regions_as_memory_at_does);
	tcase_add_test(ram, host_and_guest_agree_on_2_mib_pages);
	tcase_add_test(ram, slot_shows_memory_until_it_is_deleted);
	tcase_add_test(ram, slot_over_ram_or_another_slot_is_refused);
	tcase_add_test(ram, unaligned_slot_is_refused);
	tcase_add_test(ram, ram_cannot_be_deleted_as_a_slot);
	tcase_add_test(ram, slot_that_kvm_keeps_stays_in_use);
	tcase_add_test(ram, nothing_is_discarded_outside_ram);
	tcase_add_test(ram, nothing_is_discarded_but_whole_pages);
	tcase_add_loop_test(start, discarded_ram_goes_to_the_host_and_reads_zero, 0, 2);
	tcase_add_loop_test(start, discarded_ram_can_be_written_again, 0, 2);
	tcase_add_test(start, ram_that_fits_below_the_hole_is_one_region);
	tcase_add_test(start, size_that_cannot_be_laid_out_is_refused);
	tcase_add_test(start, size_that_the_host_does_not_have_is_refused);
	tcase_add_test(start, shared_ram_is_a_memfd);
	tcase_add_test(start, shared_ram_is_given_back_though_others_have_it);
	tcase_add_test(start, ram_that_is_asked_for_is_there_at_once);
	tcase_add_test(start, refused_memslot_of_ram_leaves_nothing_behind);
	tcase_add_test(start, slots_end_where_kvm_says);
	tcase_add_test(start, what_is_written_before_the_guest_starts_is_no_huge_page);
	tcase_add_test(zones, zones_follow_each_other_and_one_of_them_is_cut_by_the_hole);
	tcase_add_test(zones, zones_that_cannot_be_laid_out_are_refused);
	tcase_add_test(zones, a_range_may_go_from_zone_to_zone_but_not_over_the_hole);
	tcase_add_test(zones, a_host_address_leads_back_to_the_guests);
	tcase_add_test(zones, a_region_has_all_of_a_range_or_none);
	tcase_add_test(zones, kvm_has_a_slot_for_each_region);
	tcase_add_test(zones, each_shared_zone_is_a_memfd_of_its_own);
	tcase_add_test(zones, a_zone_that_fails_is_named_and_leaves_nothing_behind);
	tcase_add_test(zones, a_refused_memslot_of_a_zone_leaves_nothing_behind);
	tcase_add_test(zones, a_zone_is_bound_to_its_node_and_others_are_not);
	tcase_add_test(zones, a_range_over_zones_is_discarded_in_each);
	return suite_run(suite);
}
