/* SPDX-License-Identifier: BSD-3-Clause */
/* A passt of our own: started with one end of a socket pair, reaped, and gone when we are. */
#ifndef COLDVM_DEVICES_VIRTIO_NET_PASST_PROCESS_H
#define COLDVM_DEVICES_VIRTIO_NET_PASST_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct net_passt_process {
	const char *name; /* of the network device, for its lines */
	pid_t pid;
	int pid_fd;	/* readable when it has ended; -1: reaped */
	int stderr_fd;	/* what it complains about; -1: closed */
	unsigned lines; /* of it that were logged */
	char line[200]; /* the one that is coming in, or the last */
	size_t line_len;
	char last[200];
};

/* Starts passt from PATH. @args: more for its command line, split at spaces; may be NULL. *ret_fd
 * is our end of the stream. -errno, with one line in @why. Main thread: passt gets a SIGTERM when
 * the thread that has started it ends. */
int net_passt_start(struct net_passt_process *passt, const char *name, const char *args,
		    int *ret_fd, char *why, size_t why_len);
/* Logs (debug) what it has written to its standard error; closes that at its end. */
void net_passt_read_stderr(struct net_passt_process *passt);
/* Waits for its end, up to @ms milliseconds, and reaps it. @how then says how it ended, and what
 * it said last. -ETIMEDOUT, with an empty @how. */
int net_passt_wait(struct net_passt_process *passt, int ms, char *how, size_t how_len);
/* Ends it if it runs. Its stream is closed by then. */
void net_passt_stop(struct net_passt_process *passt);

#endif
