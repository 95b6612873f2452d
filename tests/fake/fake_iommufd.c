/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fake/fake_iommufd.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/vfio/iommufd.h"
#include "vmm/bits.h"

#define MAX_FILES 16
#define MAX_FDS	  256

struct fake_iommufd fake_iommufd;

/* Open files of devices. Copies of a descriptor share the file's position, and two that were opened
 * by themselves do not: so the position is the open file's number. */
static struct file {
	dev_t dev;
	ino_t ino;
	off_t number; /* 0: free */
	bool bound, elsewhere;
	uint32_t ioas; /* attached to it; 0: to none */
} files[MAX_FILES];

static uint32_t spaces[MAX_FILES]; /* address spaces that are there; 0: free */
static off_t last_number;
static uint32_t last_space;

static struct {
	char op[24];
	int error;
	unsigned skip;
} refusal;

void fake_iommufd_reset(void)
{
	memset(files, 0, sizeof(files));
	memset(spaces, 0, sizeof(spaces));
	refusal.error = 0;
	fake_iommufd = (struct fake_iommufd){ .nr_ranges = 1, .ranges = { { 0, UINT64_MAX } } };
}

void fake_iommufd_refuse(const char *op, int error, unsigned skip)
{
	strcpy(refusal.op, op);
	refusal.error = error;
	refusal.skip = skip;
}

static int refused(const char *op)
{
	if (!refusal.error || strcmp(refusal.op, op))
		return 0;
	if (!refusal.skip)
		return -refusal.error;
	refusal.skip--;
	return 0;
}

static bool is_open(const struct file *file)
{
	struct stat st;

	for (int fd = 0; fd < MAX_FDS; fd++)
		if (fstat(fd, &st) == 0 && st.st_dev == file->dev && st.st_ino == file->ino &&
		    lseek(fd, 0, SEEK_CUR) == file->number)
			return true;
	return false;
}

void fake_iommufd_look(void)
{
	fake_iommufd.nr_bound = fake_iommufd.nr_attached = fake_iommufd.nr_ioas = 0;
	for (unsigned i = 0; i < MAX_FILES; i++) {
		if (files[i].number && !is_open(&files[i]))
			files[i].number = 0;
		fake_iommufd.nr_bound += files[i].number && files[i].bound;
		fake_iommufd.nr_attached += files[i].number && files[i].ioas;
		fake_iommufd.nr_ioas += spaces[i] != 0;
	}
}

/* NULL: this is no device. */
static struct file *get_file(int fd)
{
	off_t number = lseek(fd, 0, SEEK_CUR);
	struct file *file = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	fake_iommufd_look();
	for (unsigned i = 0; number && !file && i < MAX_FILES; i++)
		if (files[i].number == number)
			file = &files[i];
	for (unsigned i = 0; !file && i < MAX_FILES; i++)
		if (!files[i].number)
			file = &files[i];
	assert(file);
	if (!number) {
		number = ++last_number;
		lseek(fd, number, SEEK_SET);
		*file = (struct file){ .dev = st.st_dev, .ino = st.st_ino, .number = number };
	}
	return file;
}

static uint32_t *find_space(uint32_t ioas)
{
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (spaces[i] == ioas)
			return &spaces[i];
	return NULL;
}

int iommufd_ioas_alloc(int iommufd, uint32_t *ret_ioas)
{
	uint32_t *space = find_space(0);
	struct stat st;
	int err = refused("ioas_alloc");

	if (err)
		return err;
	if (fstat(iommufd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTTY;
	assert(space);
	*ret_ioas = *space = ++last_space;
	fake_iommufd_look();
	return 0;
}

int iommufd_ioas_destroy(int iommufd, uint32_t ioas)
{
	uint32_t *space = find_space(ioas);
	int err = refused("ioas_destroy");
	unsigned kept = 0;

	(void)iommufd;
	if (err || !space)
		return err ? err : -ENOENT;
	fake_iommufd_look();
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].number && files[i].ioas == ioas)
			return -EBUSY;
	*space = 0;
	for (unsigned i = 0; i < fake_iommufd.nr_maps; i++)
		if (fake_iommufd.maps[i].ioas != ioas)
			fake_iommufd.maps[kept++] = fake_iommufd.maps[i];
	fake_iommufd.nr_maps = kept;
	fake_iommufd_look();
	return 0;
}

int iommufd_ioas_ranges(int iommufd, uint32_t ioas, struct iommu_iova_range *ranges, unsigned room,
			unsigned *ret_nr)
{
	int err = refused("ioas_ranges");

	(void)iommufd;
	*ret_nr = 0;
	if (err || !find_space(ioas))
		return err ? err : -ENOENT;
	*ret_nr = (unsigned)min_u64(fake_iommufd.nr_ranges, room);
	for (unsigned i = 0; i < *ret_nr; i++)
		ranges[i] = (struct iommu_iova_range){ fake_iommufd.ranges[i].start,
						       fake_iommufd.ranges[i].last };
	return 0;
}

int iommufd_ioas_map(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size, void *hva)
{
	int err = refused("ioas_map");

	(void)iommufd;
	(void)hva;
	if (err || !find_space(ioas))
		return err ? err : -ENOENT;
	assert(fake_iommufd.nr_maps < FAKE_IOMMUFD_MAPS);
	fake_iommufd.maps[fake_iommufd.nr_maps].ioas = ioas;
	fake_iommufd.maps[fake_iommufd.nr_maps].iova = iova;
	fake_iommufd.maps[fake_iommufd.nr_maps++].size = size;
	return 0;
}

int iommufd_ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size)
{
	int err = refused("ioas_unmap");

	(void)iommufd;
	for (unsigned i = 0; !err && i < fake_iommufd.nr_maps; i++)
		if (fake_iommufd.maps[i].ioas == ioas && fake_iommufd.maps[i].iova == iova &&
		    fake_iommufd.maps[i].size == size) {
			fake_iommufd.maps[i] = fake_iommufd.maps[--fake_iommufd.nr_maps];
			return 0;
		}
	return err ? err : -ENOENT;
}

static int bind_file(int fd, bool elsewhere)
{
	struct file *file = get_file(fd);

	if (!file)
		return -ENOTTY;
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].number && files[i].bound && files[i].ino == file->ino &&
		    files[i].dev == file->dev)
			return -EINVAL;
	file->bound = true;
	file->elsewhere = elsewhere;
	fake_iommufd_look();
	return 0;
}

int iommufd_bind(int cdev, int iommufd)
{
	int err = refused("bind");

	(void)iommufd;
	if (!err)
		err = bind_file(cdev, false);
	fake_iommufd.nr_binds += !err;
	return err;
}

void fake_iommufd_bind_elsewhere(int cdev)
{
	int err = bind_file(cdev, true);

	assert(!err);
	(void)err; /* with NDEBUG */
}

bool iommufd_is_bound(int cdev)
{
	struct file *file = get_file(cdev);

	return file && file->bound;
}

int iommufd_attach(int cdev, uint32_t ioas)
{
	struct file *file = get_file(cdev);
	int err = refused("attach");

	if (err)
		return err;
	if (!file || !file->bound || file->ioas)
		return -EINVAL;
	if (file->elsewhere || !find_space(ioas))
		return -ENOENT;
	file->ioas = ioas;
	fake_iommufd_look();
	return 0;
}

int iommufd_detach(int cdev)
{
	struct file *file = get_file(cdev);
	int err = refused("detach");

	if (err || !file || !file->ioas)
		return err ? err : -EINVAL;
	file->ioas = 0;
	fake_iommufd_look();
	return 0;
}
