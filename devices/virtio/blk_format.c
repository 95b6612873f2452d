/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image formats by their magic. A guest that were given a qcow2 file as a raw disk would find no
 * partition in it, and would destroy it by making one.
 */
#include "devices/virtio/blk_format.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"

#define BLOCK 4096

#define CONVERT "qemu-img convert -O raw"

struct magic {
	struct blk_format format;
	unsigned off; /* from the file's start */
	unsigned len;
	const char *bytes;
};

static const struct magic magics[] = {
	{ { "a qcow2 image", CONVERT }, 0, 4, "QFI\xfb" },
	{ { "a QED image", CONVERT }, 0, 4, "QED" },
	{ { "a VMDK image", CONVERT }, 0, 4, "KDMV" },
	{ { "a VMDK image", CONVERT }, 0, 4, "COWD" },
	{ { "a VMDK descriptor", CONVERT }, 0, 21, "# Disk DescriptorFile" },
	{ { "a VDI image", CONVERT }, 64, 4, "\x7f\x10\xda\xbe" },
	{ { "a VHDX image", CONVERT }, 0, 8, "vhdxfile" },
	{ { "a VHD image", CONVERT }, 0, 8, "conectix" },
	{ { "a Parallels image", CONVERT }, 0, 16, "WithoutFreeSpace" },
	{ { "a Parallels image", CONVERT }, 0, 16, "WithouFreSpacExt" },
	{ { "compressed by gzip", "gzip -d" }, 0, 3, "\x1f\x8b\x08" },
	{ { "compressed by xz", "xz -d" }, 0, 6, "\xfd\x37\x7a\x58\x5a" },
	{ { "compressed by zstd", "zstd -d" }, 0, 4, "\x28\xb5\x2f\xfd" },
};

/* A VHD of fixed size is raw data and, in the last 512 bytes, this. */
static const struct blk_format fixed_vhd = { "a VHD image", CONVERT };

/* The whole of [off, off + len). */
static int read_at(int fd, void *data, size_t len, uint64_t off)
{
	ssize_t done;

	do
		done = pread(fd, data, len, (off_t)off);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;
	return (size_t)done == len ? 0 : -EIO;
}

static const struct blk_format *find(const uint8_t *start, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *magic = &magics[i];

		if (magic->off + magic->len <= len &&
		    memcmp(start + magic->off, magic->bytes, magic->len) == 0)
			return &magic->format;
	}
	return NULL;
}

int blk_format_detect(int fd, uint64_t size, const struct blk_format **ret)
{
	uint8_t block[BLOCK] __attribute__((aligned(BLOCK)));
	size_t len = size < BLOCK ? 512 : BLOCK;
	const struct blk_format *format;
	int err;

	err = read_at(fd, block, len, 0);
	if (err)
		return err;
	format = find(block, len);
	if (!format) {
		/* The last block as a whole where O_DIRECT may want that. */
		len = size % BLOCK ? 512 : BLOCK;
		err = read_at(fd, block, len, size - len);
		if (err)
			return err;
		if (memcmp(block + len - 512, "conectix", 8) == 0)
			format = &fixed_vhd;
	}
	*ret = format;
	return 0;
}
