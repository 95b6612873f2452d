/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks of open file descriptions (fcntl(2), F_OFD_SETLK): they end with the descriptor, also after
 * a SIGKILL, and QEMU's byte locks conflict with them. The kernel does not say who holds one: it
 * belongs to no process. So whoever has the file open, and a lock in its fdinfo, is looked for.
 *
 * A lock without a holder is waited for, a second at most: a killed VM's io_uring, which the kernel
 * takes apart after the process is gone, still has the file open.
 */
#include "devices/virtio/blk_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRIES 50
#define PAUSE_MS  20

/* True if descriptor @fd of @pid has a lock (proc(5), fdinfo). */
static bool has_lock(const char *pid, const char *fd)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, "lock:", 5) == 0;
	fclose(file);
	return found;
}

/* True if @pid has locked the file of @st, through another descriptor than @own of ours. */
static bool holds(const char *pid, const struct stat *st, int own)
{
	bool self = atoi(pid) == getpid(), found = false;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false; /* another user's, or gone */
	while (!found && (entry = readdir(dir))) {
		struct stat other;

		if (self && atoi(entry->d_name) == own)
			continue;
		found = fstatat(dirfd(dir), entry->d_name, &other, 0) == 0 &&
			other.st_dev == st->st_dev && other.st_ino == st->st_ino &&
			has_lock(pid, entry->d_name);
	}
	closedir(dir);
	return found;
}

static void name_holder(const char *pid, char *why, size_t why_len)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	name[strcspn(name, "\n")] = '\0';
	if (atoi(pid) == getpid())
		snprintf(why, why_len, "this VM, as another disk");
	else
		snprintf(why, why_len, "process %s (%s)", pid, name);
}

/* False if nobody is to be seen. */
static bool find_holder(int fd, char *why, size_t why_len)
{
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *proc;

	proc = opendir("/proc");
	if (!proc)
		return false;
	if (fstat(fd, &st) == 0)
		while (!found && (entry = readdir(proc))) {
			found = atoi(entry->d_name) > 0 && holds(entry->d_name, &st, fd);
			if (found)
				name_holder(entry->d_name, why, why_len);
		}
	closedir(proc);
	return found;
}

int blk_lock(int fd, bool shared, char *why, size_t why_len)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct flock lock = {
		.l_type = shared ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET, /* l_len 0: to the end, however far that moves */
	};

	snprintf(why, why_len, "another process");
	for (unsigned tries = 0; fcntl(fd, F_OFD_SETLK, &lock) < 0; tries++) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (find_holder(fd, why, why_len) || tries == MAX_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}
