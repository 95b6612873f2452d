/* SPDX-License-Identifier: BSD-3-Clause */
/* The script is a file without a name, on its standard input. */
#include "vmm/bench/gnuplot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM	   "gnuplot"
#define WIDTH	   720
#define MAX_SVG	   (16u << 20)
#define MAX_QUOTED 48 /* more does not fit into a legend */

int gnuplot_begin(struct gnuplot *plot, unsigned height)
{
	plot->script = tmpfile();
	if (!plot->script)
		return -errno;
	fprintf(plot->script,
		"set terminal svg size %u,%u dynamic font 'sans-serif,13' background '#ffffff'\n"
		"set border 3 lc rgb '#555555'\n"
		"set tics nomirror\n"
		"set grid lc rgb '#e4e4e4'\n"
		"set key top outside horizontal center noenhanced\n"
		"set style line 1 lc rgb '#0a5ad6' lw 2\n"
		"set style line 2 lc rgb '#c2410c' lw 2\n"
		"set style line 3 lc rgb '#15803d' lw 2\n"
		"set style line 4 lc rgb '#7e22ce' lw 2\n",
		WIDTH, height);
	return 0;
}

void gnuplot_cancel(struct gnuplot *plot)
{
	fclose(plot->script);
}

void gnuplot_quote(FILE *script, const char *text)
{
	fputc('"', script);
	for (unsigned i = 0; *text && i < MAX_QUOTED; text++, i++)
		fputc(isalnum((unsigned char)*text) || strchr(" .:-_=,()/+", *text) ? *text : '_',
		      script);
	fputc('"', script);
}

static int start(int in, int out, pid_t *ret)
{
	char *const argv[] = { (char *)PROGRAM, NULL };
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	/* Its warnings are about taste. */
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(ret, PROGRAM, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static char *read_all(int fd)
{
	size_t room = 65536, len = 0;
	char *text = malloc(room);
	ssize_t n;

	while (text && (n = read(fd, text + len, room - len - 1)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		len += (size_t)n;
		if (len == room - 1) {
			char *more = room < MAX_SVG ? realloc(text, room *= 2) : NULL;

			if (!more) {
				free(text);
				return NULL;
			}
			text = more;
		}
	}
	if (text)
		text[len] = '\0';
	return text;
}

/* The element alone: no XML declaration, no document type. */
static char *take_element(const char *text)
{
	const char *begin = strstr(text, "<svg"), *end = strstr(text, "</svg>");

	return begin && end > begin ? strndup(begin, (size_t)(end - begin) + strlen("</svg>"))
				    : NULL;
}

int gnuplot_end(struct gnuplot *plot, char **ret_svg)
{
	int fds[2], r, status = 0;
	char *text = NULL;
	pid_t pid;

	if (fflush(plot->script) || fseek(plot->script, 0, SEEK_SET) || pipe2(fds, O_CLOEXEC) < 0) {
		gnuplot_cancel(plot);
		return -EIO;
	}
	lseek(fileno(plot->script), 0, SEEK_SET);
	r = start(fileno(plot->script), fds[1], &pid);
	close(fds[1]);
	if (r == 0)
		text = read_all(fds[0]);
	/* Before it is waited for: what is too much to be read must not hold it. */
	close(fds[0]);
	while (r == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	gnuplot_cancel(plot);
	if (r < 0)
		return r;
	*ret_svg = text && WIFEXITED(status) && !WEXITSTATUS(status) ? take_element(text) : NULL;
	free(text);
	return *ret_svg ? 0 : -EIO;
}
