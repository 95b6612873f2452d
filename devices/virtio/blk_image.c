/* SPDX-License-Identifier: BSD-3-Clause */
/* The file or block device behind a disk. All of its mistakes are found here, before a guest runs.
 */
#include "devices/virtio/blk_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "devices/virtio/blk_format.h"
#include "devices/virtio/blk_lock.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define SECTOR	  512u
#define MAX_BLOCK 4096u

/* One line for the user; returns @err. */
__attribute__((format(printf, 4, 5))) static int fail(char *why, size_t why_len, int err,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, why_len, fmt, args);
	va_end(args);
	return err;
}

/* What to do about an open(2) that failed with -@err. */
static const char *open_remedy(const struct blk_image *image, int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return image->readonly ? ": this user may not read it"
				       : ": this user may not write it; readonly=on reads only";
	case -EROFS:
		return ": use readonly=on";
	case -EBUSY:
		return ": the host uses it (mounted, or part of a RAID or a volume group)";
	case -ENOENT:
		return ": make one with truncate -s SIZE";
	}
	return "";
}

/* A killed VM's io_uring holds a block device a moment longer than its process lived: blk_lock.c.
 */
static int open_retrying(const char *path, int flags)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int fd = open(path, flags);

	for (unsigned tries = 0; fd < 0 && errno == EBUSY && tries < 50; tries++) {
		nanosleep(&pause, NULL);
		fd = open(path, flags);
	}
	return fd;
}

static int open_file(struct blk_image *image, const char *path, char *why, size_t why_len)
{
	/* Without O_NONBLOCK a FIFO would keep us here. */
	int flags = (image->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	int err;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return fail(why, why_len, -EISDIR, "%s is a directory", path);
		if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
			return fail(why, why_len, -EINVAL,
				    "%s is neither a file nor a block device", path);
		/* open(2): O_EXCL of a block device fails while the host has it mounted. */
		if (S_ISBLK(st.st_mode) && !image->readonly)
			flags |= O_EXCL;
	}
	image->fd = open_retrying(path, flags);
	if (image->fd < 0) {
		err = -errno;
		return fail(why, why_len, err, "%s: %s%s", path, strerror(-err),
			    open_remedy(image, err));
	}
	if (fstat(image->fd, &st) < 0) {
		err = -errno;
		return fail(why, why_len, err, "%s: fstat: %s", path, strerror(-err));
	}
	image->device = S_ISBLK(st.st_mode);
	if (!image->device && !S_ISREG(st.st_mode))
		return fail(why, why_len, -EINVAL, "%s is neither a file nor a block device", path);
	/* io_uring fails what would wait on an O_NONBLOCK file, instead of waiting elsewhere. */
	if (fcntl(image->fd, F_SETFL, 0) < 0) {
		err = -errno;
		return fail(why, why_len, err, "%s: fcntl: %s", path, strerror(-err));
	}
	return 0;
}

static int lock_file(const struct blk_image *image, const char *path, const char *name, char *why,
		     size_t why_len)
{
	char holder[64];
	int err = blk_lock(image->fd, image->readonly, holder, sizeof(holder));

	if (err == -EBUSY)
		return fail(why, why_len, err, "%s is in use by %s%s", path, holder,
			    image->readonly ? "" : "; only readonly=on disks can share an image");
	if (err)
		log_warn(name, "%s cannot be locked (%s): nothing keeps another VM from using it",
			 path, strerror(-err));
	return 0;
}

/* A number of the block device's queue in sysfs, or 0. */
static uint64_t queue_limit(dev_t device, const char *attribute)
{
	/* A partition has no queue of its own, but its disk has. */
	static const char *const places[] = { "queue", "../queue" };
	char path[128], text[32];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		FILE *file;
		bool read;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(device),
			 minor(device), places[i], attribute);
		file = fopen(path, "re");
		if (!file)
			continue;
		read = fgets(text, sizeof(text), file);
		fclose(file);
		if (read)
			return strtoull(text, NULL, 10);
	}
	return 0;
}

/* *value stays if the device does not tell. */
static void ask(int fd, unsigned long request, uint32_t *value)
{
	unsigned answer = 0;

	if (ioctl(fd, request, &answer) == 0 && answer && answer <= GIB(1))
		*value = answer;
}

static int measure_device(struct blk_image *image, const struct stat *st)
{
	uint64_t granularity;

	if (ioctl(image->fd, BLKGETSIZE64, &image->size) < 0)
		return -errno;
	ask(image->fd, BLKSSZGET, &image->block_size);
	image->physical_block = image->block_size;
	ask(image->fd, BLKPBSZGET, &image->physical_block);
	ask(image->fd, BLKIOOPT, &image->opt_io_size);
	image->discard = !image->readonly && queue_limit(st->st_rdev, "discard_max_bytes");
	granularity = queue_limit(st->st_rdev, "discard_granularity");
	image->discard_align = (uint32_t)min_u64(granularity, GIB(1));
	return 0;
}

static int measure_file(struct blk_image *image, const struct stat *st)
{
	image->size = (uint64_t)st->st_size;
	/* A file system reads and writes whole blocks: let the guest know what a block is. */
	if (st->st_blksize > 0 && st->st_blksize <= 65536)
		image->physical_block = (uint32_t)st->st_blksize;
	image->discard_align = image->physical_block;
	/* Behind the end there is nothing to lose: does the file system make holes? */
	image->discard =
		!image->readonly && fallocate(image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					      st->st_size, MAX_BLOCK) == 0;
	return 0;
}

/* What statx(2) says of O_DIRECT; else what reads of the first bytes show. */
static void measure_direct(struct blk_image *image)
{
	uint8_t buffer[MAX_BLOCK] __attribute__((aligned(MAX_BLOCK)));
	struct statx stx = { 0 };

	image->mem_align = MAX_BLOCK;
	if (statx(image->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN) && stx.stx_dio_offset_align) {
		image->mem_align = stx.stx_dio_mem_align;
		image->block_size = (uint32_t)max_u64(stx.stx_dio_offset_align, SECTOR);
		return;
	}
	if (image->device)
		return;
	while (image->block_size < MAX_BLOCK &&
	       pread(image->fd, buffer, image->block_size, 0) < 0 && errno == EINVAL)
		image->block_size *= 2;
}

/* A file's transfers go to the device that its file system is on, if it is on one. */
static void measure_pieces(struct blk_image *image, dev_t device)
{
	image->pieces = blk_piece_limits(KIB(1) * queue_limit(device, "max_sectors_kb"),
					 queue_limit(device, "max_segments"), image->block_size);
}

static bool power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* What does not fit the rules of blk_image.h counts as not told. */
static void tidy(struct blk_image *image)
{
	if (!power_of_two(image->block_size) || image->block_size < SECTOR ||
	    image->block_size > 65536)
		image->block_size = SECTOR;
	if (!power_of_two(image->physical_block) || image->physical_block < image->block_size)
		image->physical_block = image->block_size;
	if (!power_of_two(image->mem_align))
		image->mem_align = MAX_BLOCK;
	if (image->opt_io_size % image->block_size)
		image->opt_io_size = 0;
	if (!image->discard_align || image->discard_align % image->block_size)
		image->discard_align = image->block_size;
}

static int measure(struct blk_image *image, const char *path, char *why, size_t why_len)
{
	struct stat st;
	int err;

	image->block_size = SECTOR;
	image->physical_block = SECTOR;
	image->mem_align = 1;
	err = fstat(image->fd, &st) < 0 ? -errno : 0;
	if (!err)
		err = image->device ? measure_device(image, &st) : measure_file(image, &st);
	if (err)
		return fail(why, why_len, err, "%s: its size cannot be read: %s", path,
			    strerror(-err));
	if (image->direct)
		measure_direct(image);
	tidy(image);
	if (image->direct)
		measure_pieces(image, image->device ? st.st_rdev : st.st_dev);
	return 0;
}

static int check_size(const struct blk_image *image, const char *path, char *why, size_t why_len)
{
	if (!image->size)
		return fail(why, why_len, -EINVAL, "%s is empty: truncate -s SIZE gives it a size",
			    path);
	if (image->size % SECTOR)
		return fail(why, why_len, -EINVAL,
			    "%s has %" PRIu64
			    " bytes, which is no multiple of 512: truncate -s %%512 rounds it up",
			    path, image->size);
	if (image->size % image->block_size)
		return fail(why, why_len, -EINVAL,
			    "%s has %" PRIu64 " bytes, and direct=on needs a multiple of %u here",
			    path, image->size, image->block_size);
	return 0;
}

static int check_format(const struct blk_image *image, const char *path, char *why, size_t why_len)
{
	const struct blk_format *format = NULL;
	int err = blk_format_detect(image->fd, image->size, &format);

	if (err)
		return fail(why, why_len, err, "%s cannot be read: %s", path, strerror(-err));
	if (format)
		return fail(why, why_len, -EINVAL, "%s is %s, and a disk has to be raw: use %s",
			    path, format->name, format->remedy);
	return 0;
}

static int set_direct(struct blk_image *image, const char *path, char *why, size_t why_len)
{
	int err;

	if (!image->direct || fcntl(image->fd, F_SETFL, O_DIRECT) == 0)
		return 0;
	err = -errno;
	return fail(why, why_len, err, "%s: no O_DIRECT here (%s): leave out direct=on", path,
		    strerror(-err));
}

static int open_image(struct blk_image *image, const char *path, const char *name, char *why,
		      size_t why_len)
{
	int err = open_file(image, path, why, why_len);

	/* First of all: what another VM writes is not worth reading. */
	if (!err)
		err = lock_file(image, path, name, why, why_len);
	if (!err)
		err = set_direct(image, path, why, why_len);
	if (!err)
		err = measure(image, path, why, why_len);
	if (!err)
		err = check_size(image, path, why, why_len);
	if (!err)
		err = check_format(image, path, why, why_len);
	return err;
}

int blk_image_open(struct blk_image *image, const struct blk_image_config *config, const char *name,
		   char *why, size_t why_len)
{
	int err;

	*image = (struct blk_image){
		.fd = -1,
		.readonly = config->readonly,
		.direct = config->direct,
	};
	err = open_image(image, config->path, name, why, why_len);
	if (err)
		blk_image_close(image);
	return err;
}

void blk_image_close(struct blk_image *image)
{
	close_fd(&image->fd);
}
