/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's part of `coldvm bench power`: lets its passthrough devices idle, and uses them, when
 * the other end of the serial port says so. As the first process of a guest it also makes the file
 * systems that it needs; in a guest of somebody's own it is started like any program:
 *
 *	coldvm-bench-guest /dev/ttyS0
 *
 * A request is a line, "VERB [ARGUMENT]". Its answer is "!" at the moment when it is done, which
 *the other end takes the time of, and then a line: "ok BEGUN_NS DONE_NS TEXT" or "error TEXT",
 *times by the guest's CLOCK_MONOTONIC. What is not of that form on the line is the kernel's, and is
 *passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEVICES	      "/sys/bus/pci/devices"
#define MAX_FUNCTIONS 32
#define MAX_LINE      4096
#define BRIDGE	      0x06
#define DONE	      "!"
#define ALIVE_TRIALS  10000
#define ALIVE_STEP_US 1000

struct function {
	char bdf[16];
};

struct agent {
	int in, out;
	struct function functions[MAX_FUNCTIONS];
	unsigned nr;
	char text[MAX_LINE / 2]; /* of the answer */
	char job[MAX_LINE];	 /* run when the device is back; empty: none */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static int fail(struct agent *agent, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(agent->text, sizeof(agent->text), fmt, args);
	va_end(args);
	return -1;
}

/* --- sysfs --------------------------------------------------------------------------------------
 */

static int attribute_write(const struct function *function, const char *name, const char *value)
{
	char path[512];
	int fd, r = 0;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", function->bdf, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int attribute_read(const char *bdf, const char *name, char *buf, size_t len)
{
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/* Passthrough functions are behind ports of their own, so not on a root bus: there the sysfs path
 * of a device has one address in it, else more. */
static bool behind_port(const char *bdf)
{
	char path[512], target[512];
	unsigned addresses = 0;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "/%s", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	for (const char *at = target; (at = strchr(at, '/')); at++) {
		unsigned domain, bus, device, number;

		addresses += sscanf(at, "/%4x:%2x:%2x.%1x", &domain, &bus, &device, &number) == 4;
	}
	return addresses > 1;
}

static int find_functions(struct agent *agent)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *entry;
	char class[32];

	if (!dir)
		return fail(agent, "%s: %s", DEVICES, strerror(errno));
	agent->nr = 0;
	while ((entry = readdir(dir)) && agent->nr < MAX_FUNCTIONS) {
		if (entry->d_name[0] == '.' ||
		    strlen(entry->d_name) >= sizeof(agent->functions[0].bdf) ||
		    !behind_port(entry->d_name) ||
		    attribute_read(entry->d_name, "class", class, sizeof(class)) ||
		    strtoul(class, NULL, 16) >> 16 == BRIDGE)
			continue;
		strcpy(agent->functions[agent->nr++].bdf, entry->d_name);
	}
	closedir(dir);
	return agent->nr ? 0 : fail(agent, "the guest has no passthrough device");
}

/* --- verbs --------------------------------------------------------------------------------------
 */

static int verb_hello(struct agent *agent, const char *argument)
{
	struct utsname uts;

	(void)argument;
	if (find_functions(agent))
		return -1;
	uname(&uts);
	snprintf(agent->text, sizeof(agent->text), "%s %u", uts.release, agent->nr);
	return 0;
}

static int verb_clock(struct agent *agent, const char *argument)
{
	(void)argument;
	agent->text[0] = '\0';
	return 0;
}

/* Without a driver a function follows its port: the surest way to idle, and what a device is like
 * whose driver has runtime PM. */
static int verb_unbind(struct agent *agent, const char *argument)
{
	(void)argument;
	for (unsigned i = 0; i < agent->nr; i++) {
		const struct function *function = &agent->functions[i];
		int r = attribute_write(function, "driver/unbind", function->bdf);

		if (r && r != -ENOENT)
			return fail(agent, "%s: cannot be unbound: %s", function->bdf,
				    strerror(-r));
	}
	return 0;
}

static int control(struct agent *agent, const char *word)
{
	for (unsigned i = 0; i < agent->nr; i++) {
		int r = attribute_write(&agent->functions[i], "power/control", word);

		if (r)
			return fail(agent, "%s: power/control: %s", agent->functions[i].bdf,
				    strerror(-r));
	}
	return 0;
}

static int verb_idle(struct agent *agent, const char *argument)
{
	(void)argument;
	return control(agent, "auto");
}

/* The first thing that a driver does: it asks the device who it is. */
static int answers(struct agent *agent, const struct function *function)
{
	char path[512];
	uint16_t vendor = 0xffff;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/config", function->bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(agent, "%s: config: %s", function->bdf, strerror(errno));
	for (unsigned i = 0; i < ALIVE_TRIALS && vendor == 0xffff; i++) {
		n = pread(fd, &vendor, sizeof(vendor), 0);
		if (n != sizeof(vendor) || vendor == 0xffff) {
			vendor = 0xffff;
			usleep(ALIVE_STEP_US);
		}
	}
	close(fd);
	return vendor != 0xffff ? 0 : fail(agent, "%s: the device does not answer", function->bdf);
}

static int run_job(struct agent *agent)
{
	pid_t child, ended;
	int status;

	if (!agent->job[0])
		return 0;
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execl("/bin/sh", "sh", "-c", agent->job, (char *)NULL);
		_exit(127);
	}
	/* The agent may be the first process: whatever else ends is reaped on the way. */
	do {
		ended = waitpid(-1, &status, 0);
	} while (ended != child && (ended > 0 || errno == EINTR));
	if (ended != child || !WIFEXITED(status) || WEXITSTATUS(status))
		return fail(agent, "the job failed, status %d",
			    ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}

static int verb_busy(struct agent *agent, const char *argument)
{
	(void)argument;
	if (control(agent, "on"))
		return -1;
	for (unsigned i = 0; i < agent->nr; i++)
		if (answers(agent, &agent->functions[i]))
			return -1;
	return run_job(agent);
}

static int verb_job(struct agent *agent, const char *argument)
{
	snprintf(agent->job, sizeof(agent->job), "%s", argument);
	return 0;
}

static int verb_end(struct agent *agent, const char *argument)
{
	(void)agent;
	(void)argument;
	if (getpid() != 1)
		exit(0);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct agent *agent, const char *argument);
} verbs[] = {
	{ "hello", verb_hello }, { "clock", verb_clock }, { "unbind", verb_unbind },
	{ "idle", verb_idle },	 { "busy", verb_busy },	  { "job", verb_job },
	{ "end", verb_end },
};

/* --- the line -----------------------------------------------------------------------------------
 */

static void answer(struct agent *agent, char *line)
{
	char reply[MAX_LINE];
	uint64_t begun = now_ns(), done;
	char *argument = strchr(line, ' ');
	int r, n;

	if (argument)
		*argument++ = '\0';
	agent->text[0] = '\0';
	r = fail(agent, "unknown verb");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, line))
			continue;
		agent->text[0] = '\0';
		r = verbs[i].run(agent, argument ? argument : "");
	}
	done = now_ns();
	if (write(agent->out, DONE, 1) < 0)
		return;
	n = r ? snprintf(reply, sizeof(reply), "error %s\n", agent->text)
	      : snprintf(reply, sizeof(reply), "ok %" PRIu64 " %" PRIu64 " %s\n", begun, done,
			 agent->text);
	if (write(agent->out, reply, (size_t)n) < 0)
		return;
}

static void serve(struct agent *agent)
{
	static char line[MAX_LINE];
	size_t len = 0;
	char byte;

	while (read(agent->in, &byte, 1) == 1) {
		if (byte != '\n') {
			if (len < sizeof(line) - 1)
				line[len++] = byte;
			continue;
		}
		line[len] = '\0';
		len = 0;
		if (line[0])
			answer(agent, line);
	}
}

static void first_process(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct termios mode;

	if (getpid() == 1)
		first_process();
	agent.in = open(argc > 1 && getpid() != 1 ? argv[1] : "/dev/ttyS0",
			O_RDWR | O_NOCTTY | O_CLOEXEC);
	agent.out = agent.in;
	if (agent.in < 0) {
		perror("coldvm-bench-guest");
		return 1;
	}
	if (tcgetattr(agent.in, &mode) == 0) {
		cfmakeraw(&mode);
		mode.c_cflag |= CLOCAL | CREAD;
		tcsetattr(agent.in, TCSANOW, &mode);
	}
	if (write(agent.out, "coldvm-bench-guest\n", 19) < 0)
		return 1;
	serve(&agent);
	return 0;
}
