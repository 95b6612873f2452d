/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest of coldvm, in a process of its own as any other: its events tell what happens, its
 * control socket takes the policy, and its serial port leads to the guest's part of the bench.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/bench/agent.h"
#include "vmm/bench/target.h"
#include "vmm/bench/vm_events.h"
#include "vmm/bits.h"
#include "vmm/client.h"

#define DEVICE_ID     "bench"
#define BOOT_MS	      120000
#define ANSWER_MS     60000
#define ALIVE_NS      UINT64_C(20000000000)
#define END_NS	      UINT64_C(20000000000)
#define STEP_US	      10000
#define MAX_ARGUMENTS 96
#define GUEST_MEMORY  "256M"
#define GUEST_CMDLINE "quiet panic=-1"
#define LOG_NAME      "vm.log"

struct vm {
	pid_t pid;
	int to_guest, from_guest; /* its serial port */
	int events;
	pthread_t thread;
	bool has_thread;
	bool is_asked; /* our program is in it */
	struct agent agent;
	char socket[PATH_MAX + 16];
	char kernel[PATH_MAX], initramfs[PATH_MAX + 64];
};

/* --- the process --------------------------------------------------------------------------------
 */

/* The guest's archive lies beside the program that was built, or where it was installed. */
static int find_guest(const struct target *target, char *ret, size_t len, char *why)
{
	static const char *const places[] = { "coldvm-bench-guest.cpio",
					      "../share/coldvm/coldvm-bench-guest.cpio" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (target->options->guest) {
		snprintf(ret, len, "%s", target->options->guest);
		return 0;
	}
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(ret, len, "%s/%s", self, places[i]);
		if (access(ret, R_OK) == 0)
			return 0;
	}
	snprintf(why, TARGET_WHY,
		 "the bench's guest, coldvm-bench-guest.cpio, is not beside %.300s: say --guest "
		 "FILE",
		 self);
	return -ENOENT;
}

static int find_kernel(const struct target *target, char *ret, size_t len, char *why)
{
	struct utsname uts;

	if (target->options->kernel) {
		snprintf(ret, len, "%s", target->options->kernel);
		return 0;
	}
	uname(&uts);
	snprintf(ret, len, "/boot/vmlinuz-%s", uts.release);
	if (access(ret, R_OK) == 0)
		return 0;
	snprintf(why, TARGET_WHY, "%.300s, this host's kernel, cannot be read: say --kernel FILE",
		 ret);
	return -ENOENT;
}

struct arguments { /* of coldvm run */
	char *argv[MAX_ARGUMENTS];
	int nr;
	char device[PATH_MAX + 256], socket[PATH_MAX + 32], events[32];
};

static void add(struct arguments *args, const char *word)
{
	if (args->nr < MAX_ARGUMENTS - 1)
		args->argv[args->nr++] = (char *)word;
}

static int build_arguments(struct target *target, struct arguments *args, int events, char *why)
{
	const struct bench_options *options = target->options;
	struct vm *vm = target->state;
	int r;

	*args = (struct arguments){ 0 };
	add(args, options->coldvm);
	add(args, "run");
	if (!bench_options_own_guest(options)) {
		r = find_guest(target, vm->initramfs, sizeof(vm->initramfs), why);
		if (r == 0)
			r = find_kernel(target, vm->kernel, sizeof(vm->kernel), why);
		if (r < 0)
			return r;
		add(args, "--kernel");
		add(args, vm->kernel);
		add(args, "--initramfs");
		add(args, vm->initramfs);
		add(args, "--cmdline");
		add(args, GUEST_CMDLINE);
		add(args, "--memory");
		add(args, "size=" GUEST_MEMORY);
	}
	snprintf(args->device, sizeof(args->device), "path=%s,id=" DEVICE_ID "%s%s", target->bdf,
		 options->device_keys[0] ? "," : "", options->device_keys);
	snprintf(args->socket, sizeof(args->socket), "path=%s", vm->socket);
	snprintf(args->events, sizeof(args->events), "fd=%d", events);
	add(args, "--device");
	add(args, args->device);
	add(args, "--api-socket");
	add(args, args->socket);
	add(args, "--event-monitor");
	add(args, args->events);
	if (options->verbose)
		add(args, options->verbose > 1 ? "-vv" : "-v");
	for (int i = 0; i < options->run_argc; i++)
		add(args, options->run_argv[i]);
	if (args->nr == MAX_ARGUMENTS - 1) {
		snprintf(why, TARGET_WHY, "too many options for coldvm run behind --");
		return -E2BIG;
	}
	return 0;
}

/* In a process group of its own: Ctrl-C is for the bench, which ends the VM in order. */
static int spawn(struct target *target, const struct arguments *args, int in, int out, int events,
		 char *why)
{
	struct vm *vm = target->state;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char log[PATH_MAX + 16];
	int r;

	snprintf(log, sizeof(log), "%s/" LOG_NAME, target->dir);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC,
					 0644);
	/* To itself: without its close-on-exec flag. */
	posix_spawn_file_actions_adddup2(&actions, events, events);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	r = posix_spawnp(&vm->pid, args->argv[0], &actions, &attr, args->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (r) {
		vm->pid = 0;
		snprintf(why, TARGET_WHY, "%s cannot be started: %s", args->argv[0], strerror(r));
	}
	return -r;
}

/* The last line of the VM's log is why it has ended. */
static void explain(struct target *target, char *why)
{
	char path[PATH_MAX + 16], line[TARGET_WHY / 2], last[TARGET_WHY / 2] = "";
	FILE *log;

	snprintf(path, sizeof(path), "%s/" LOG_NAME, target->dir);
	log = fopen(path, "re");
	while (log && fgets(line, sizeof(line), log))
		memcpy(last, line, sizeof(last));
	if (log)
		fclose(log);
	last[strcspn(last, "\n")] = '\0';
	if (last[0])
		snprintf(why, TARGET_WHY, "the VM has ended: %s", last);
}

/* --- events -------------------------------------------------------------------------------------
 */

static void *read_events(void *opaque)
{
	struct target *target = opaque;
	struct vm *vm = target->state;
	FILE *in = fdopen(vm->events, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (in && (n = getline(&line, &room, in)) > 0)
		vm_event_take(target->watch, line, (size_t)n, target->backend,
			      sizeof(target->backend));
	free(line);
	if (in)
		fclose(in);
	watch_fail(target->watch, "the VM has ended");
	return NULL;
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int open_pipes(int in[2], int out[2], int events[2], char *why)
{
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
	    pipe2(events, O_CLOEXEC) == 0)
		return 0;
	snprintf(why, TARGET_WHY, "no pipes: %s", strerror(errno));
	return -errno;
}

static int launch(struct target *target, char *why)
{
	struct vm *vm = target->state;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, events[2] = { -1, -1 };
	struct arguments args;
	int r = open_pipes(in, out, events, why);

	snprintf(vm->socket, sizeof(vm->socket), "%s/vm.api", target->dir);
	if (r == 0)
		r = build_arguments(target, &args, events[1], why);
	if (r == 0)
		r = spawn(target, &args, in[0], out[1], events[1], why);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&events[1]);
	vm->to_guest = in[1];
	vm->from_guest = out[0];
	vm->events = events[0];
	return r;
}

static int ask(struct target *target, const char *request, struct agent_answer *ret, char *why)
{
	struct vm *vm = target->state;
	int r = agent_ask(&vm->agent, request, target->watch->stop_fds[0], ANSWER_MS, ret, why,
			  TARGET_WHY);

	if (r == -EPIPE)
		explain(target, why);
	return r;
}

static int greet(struct target *target, char *why)
{
	const struct bench_options *options = target->options;
	struct vm *vm = target->state;
	struct agent_answer answer;
	char request[4096], release[128] = "";
	int r;

	agent_init(&vm->agent, vm->from_guest, vm->to_guest);
	r = agent_wait(&vm->agent, target->watch->stop_fds[0], BOOT_MS, why, TARGET_WHY);
	if (r == -EPIPE)
		explain(target, why);
	if (r == 0)
		r = ask(target, "hello", &answer, why);
	if (r < 0)
		return r;
	sscanf(answer.text, "%127s", release);
	target->guest = json_pack("{s:s?, s:s, s:s}", "kernel", vm->kernel[0] ? vm->kernel : NULL,
				  "release", release, "agent", "serial");
	if (options->job) {
		snprintf(request, sizeof(request), "job %s", options->job);
		r = ask(target, request, &answer, why);
	}
	if (r == 0 && !options->keep_driver)
		r = ask(target, "unbind", &answer, why);
	if (r == 0)
		r = ask(target, "busy", &answer, why);
	return r;
}

/* Events are read from the start: the pipe must not fill. */
static int start(struct target *target, char *why)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return -ENOMEM;
	vm->to_guest = vm->from_guest = vm->events = -1;
	target->state = vm;
	r = launch(target, why);
	if (r < 0)
		return r;
	r = -pthread_create(&vm->thread, NULL, read_events, target);
	vm->has_thread = r == 0;
	vm->is_asked = !bench_options_only_watch(target->options);
	if (r == 0 && vm->is_asked)
		r = greet(target, why);
	if (r == 0)
		watch_state(target->watch, now_ns(), BENCH_D0);
	return r;
}

static int idle(struct target *target, char *why)
{
	struct agent_answer answer;

	return ask(target, "idle", &answer, why);
}

/* The guest is ready some microseconds after the VM says that the device is alive; both have to be
 * known before the next step. */
static int busy(struct target *target, char *why)
{
	struct agent_answer answer;
	struct cycle cycle;
	int r = ask(target, "busy", &answer, why);

	if (r < 0)
		return r;
	watch_moment(target->watch, offsetof(struct cycle, guest_wake_ns), answer.guest_ns);
	watch_moment(target->watch, offsetof(struct cycle, ready), answer.done_ns);
	watch_cycle(target->watch, &cycle);
	if (!cycle.on)
		return 0;
	r = watch_wait_moment(target->watch, offsetof(struct cycle, alive), now_ns() + ALIVE_NS);
	if (r == -ETIMEDOUT)
		snprintf(why, TARGET_WHY, "the device did not come back");
	return r;
}

static int forbid(struct target *target, bool forbid, char *why)
{
	struct vm *vm = target->state;
	const char *text = forbid ? "{\"id\": \"" DEVICE_ID "\", \"power\": \"d3hot\"}"
				  : "{\"id\": \"" DEVICE_ID "\", \"power\": \"d3cold\"}";
	char *body = NULL;
	int r = client_ask(vm->socket, "PUT", "/api/v1/vm.device-power-policy", text, &body, why,
			   TARGET_WHY);

	if (r > 204 || (r >= 0 && r < 200)) {
		client_error_text((unsigned)r, body ? body : "", why, TARGET_WHY);
		r = -EREMOTEIO;
	}
	free(body);
	return r < 0 ? r : 0;
}

/* True if it has ended by itself. */
static bool wait_end(pid_t pid)
{
	uint64_t until = now_ns() + END_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ns() >= until)
			return false;
		usleep(STEP_US);
	}
	return true;
}

/* The guest powers off; who does not is stopped, and at last killed. Then the device is the host's
 * again. */
static void stop(struct target *target)
{
	struct vm *vm = target->state;

	if (!vm)
		return;
	/* SIGTERM presses the power button. */
	if (vm->pid && (!vm->is_asked || write(vm->to_guest, "end\n", 4) < 0))
		kill(vm->pid, SIGTERM);
	if (vm->pid && !wait_end(vm->pid)) {
		kill(vm->pid, SIGTERM);
		kill(vm->pid, SIGTERM);
		if (!wait_end(vm->pid)) {
			kill(vm->pid, SIGKILL);
			waitpid(vm->pid, NULL, 0);
		}
	}
	if (vm->has_thread)
		pthread_join(vm->thread, NULL);
	else
		close_fd(&vm->events);
	close_fd(&vm->to_guest);
	close_fd(&vm->from_guest);
	json_decref(target->guest);
	target->guest = NULL;
	free(vm);
	target->state = NULL;
}

const struct target_ops target_vm_ops = {
	.name = "vm",
	.start = start,
	.idle = idle,
	.busy = busy,
	.forbid = forbid,
	.stop = stop,
};
