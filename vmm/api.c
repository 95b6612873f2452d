/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket. All of it runs on the main thread, in short steps: nothing here waits for a
 * client, and a client has bytes, time and connections up to a limit.
 *
 *   client_ready()     reads what came, feeds the parser
 *   client_process()   a request is complete: api_route() runs its verb, the response goes out
 *   take_line()        any thread: an event for the listeners, into a queue
 *   feed_ready()       the queue goes to each listener; one that lags too far is told and dropped
 */
#include "vmm/api.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "vmm/api_route.h"
#include "vmm/bits.h"
#include "vmm/http.h"
#include "vmm/log.h"

#define SECOND	     UINT64_C(1000000000)
#define ACCEPT_BATCH 16
#define QUEUE_MAX    (256 << 10) /* bytes of events that the main loop may be behind */
#define GOODBYE_MS   200

struct client {
	struct api *api;
	struct client *next;
	struct loop_source source;
	struct http_request request;
	char in[4096]; /* what came in and was not parsed yet */
	size_t in_at, in_len;
	char *out; /* what the client has not taken yet */
	size_t out_at, out_len;
	uint64_t deadline_ns; /* 0: none */
	uint64_t idle_ns;     /* since when */
	bool close_after;     /* when out is empty */
	bool listener;
	bool chunks;			  /* a listener that knows them */
	const struct api_verb *waits_for; /* its answer; nothing is read until then */
};

struct api {
	struct api_config config;
	struct loop_source accept, timer, feed;
	bool ticking;
	struct client *clients;
	unsigned nr_clients, nr_listeners;

	pthread_mutex_t lock; /* of what follows; a leaf, below the event monitor's */
	char *queue;	      /* lines for the listeners */
	size_t queue_len;
	bool queue_lost; /* lines did not fit */
};

static void client_process(struct client *client);

/* --- time --------------------------------------------------------------------------------------
 */

static void tick(struct api *api, bool on)
{
	const struct itimerspec second = { .it_value = { .tv_sec = on },
					   .it_interval = { .tv_sec = on } };

	if (api->ticking == on)
		return;
	api->ticking = on;
	timerfd_settime(api->timer.fd, 0, &second, NULL);
}

static void set_deadline(struct client *client)
{
	client->deadline_ns = now_ns() + client->api->config.time_limit_s * SECOND;
	tick(client->api, true);
}

/* --- clients -----------------------------------------------------------------------------------
 */

static void unlisten(struct api *api)
{
	if (--api->nr_listeners == 0)
		event_monitor_listen(api->config.events, NULL, NULL);
}

static void client_close(struct client *client)
{
	struct api *api = client->api;
	struct client **at = &api->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	api->nr_clients--;
	if (client->listener)
		unlisten(api);
	loop_del(api->config.loop, &client->source);
	close_fd(&client->source.fd);
	http_request_reset(&client->request);
	free(client->out);
	free(client);
}

static bool sends(const struct client *client)
{
	return client->out_len != 0;
}

/* Listens for what is worth something now: a client that does not take its response is not read
 * any further. False if the client had to be closed. */
static bool client_watch(struct client *client)
{
	short events = sends(client) ? POLLOUT : 0;
	struct loop *loop = client->api->config.loop;

	if ((!sends(client) && !client->waits_for) || client->listener)
		events |= POLLIN;
	if (client->source.active && client->source.events == events)
		return true;
	loop_del(loop, &client->source);
	client->source.events = events;
	if (loop_add(loop, &client->source) == 0)
		return true;
	client_close(client);
	return false;
}

/* Sends what the socket takes. -errno if the client is lost. */
static int client_flush(struct client *client)
{
	while (client->out_len) {
		ssize_t done = send(client->source.fd, client->out + client->out_at,
				    client->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EAGAIN ? 0 : -errno;
		client->out_at += (size_t)done;
		client->out_len -= (size_t)done;
		if (!client->listener || client->close_after)
			set_deadline(client);
	}
	client->deadline_ns = 0;
	client->idle_ns = now_ns();
	return 0;
}

/* Adds to what is to be sent. -ENOMEM. */
static int client_put(struct client *client, const char *data, size_t len)
{
	char *out = malloc(client->out_len + len);

	if (!out)
		return -ENOMEM;
	if (client->out_len)
		memcpy(out, client->out + client->out_at, client->out_len);
	memcpy(out + client->out_len, data, len);
	free(client->out);
	client->out = out;
	client->out_at = 0;
	client->out_len += len;
	if (!client->listener)
		set_deadline(client);
	return 0;
}

/* After something was put or could be sent. The client may be gone afterwards. */
static void client_go_on(struct client *client)
{
	if (client_flush(client) < 0 || (client->close_after && !sends(client)))
		client_close(client);
	else if (client_watch(client) && !sends(client) && client->in_len && !client->listener)
		client_process(client);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void take_line(void *opaque, const char *line, size_t len);

static void become_listener(struct client *client)
{
	struct api *api = client->api;

	client->chunks = http_request_knows_chunks(&client->request);
	client->listener = true;
	client->deadline_ns = 0;
	if (api->nr_listeners++ == 0)
		event_monitor_listen(api->config.events, take_line, api);
}

/* Puts the response, and ends the request. -ENOMEM. */
static int client_reply(struct client *client, const struct api_reply *reply, const char *allow)
{
	struct http_response response;
	char *text;
	size_t len;
	int r;

	response = (struct http_response){
		.status = reply->status,
		.type = reply->type,
		.extra = allow,
		.body = reply->body,
		.body_len = reply->body_len,
		.chunked = client->listener && client->chunks,
		.endless = client->listener && !client->chunks,
		.keep_alive = http_request_keep_alive(&client->request) || client->listener,
	};
	text = http_response_format(&response, &len);
	r = text ? client_put(client, text, len) : -ENOMEM;
	client->close_after = !response.keep_alive;
	free(text);
	http_request_reset(&client->request);
	return r;
}

/* Answers the request, which is complete or has an error, or keeps it waiting. -ENOMEM. */
static int client_respond(struct client *client)
{
	char allow[API_ALLOW_SIZE];
	struct api_reply reply;
	int r;

	api_route(&client->api->config, &client->request, &reply, allow);
	if (reply.later) {
		client->waits_for = reply.verb;
		client->deadline_ns = 0;
		return 0;
	}
	if (reply.events)
		become_listener(client);
	r = client_reply(client, &reply, allow);
	free(reply.body);
	return r;
}

/* A client that asks for it is told to send the body. -errno. */
static int send_go_ahead(struct client *client)
{
	static const char go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uint64_t deadline = client->deadline_ns;
	int r;

	if (!client->request.expects_continue)
		return 0;
	client->request.expects_continue = false;
	r = client_put(client, go_ahead, sizeof(go_ahead) - 1);
	if (r == 0)
		r = client_flush(client);
	/* The request's own goes on. */
	client->deadline_ns = deadline;
	return r;
}

static void client_process(struct client *client)
{
	struct http_request *request = &client->request;
	int r;

	if (http_request_empty(request))
		set_deadline(client);
	do {
		size_t taken =
			http_request_feed(request, client->in + client->in_at, client->in_len);

		client->in_at += taken;
		client->in_len -= taken;
	} while (client->in_len && !request->complete && !request->error);
	if (request->complete || request->error)
		r = client_respond(client);
	else
		r = send_go_ahead(client);
	if (r < 0)
		client_close(client);
	else if (sends(client) || client->close_after)
		client_go_on(client);
	else if (client->waits_for)
		client_watch(client);
}

/* False if the client was closed. */
static bool client_read(struct client *client)
{
	ssize_t done = recv(client->source.fd, client->in, sizeof(client->in), MSG_DONTWAIT);

	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (done < 0 || (done == 0 && (client->listener || http_request_empty(&client->request)))) {
		client_close(client);
		return false;
	}
	client->in_at = 0;
	/* What a listener says is of no interest. */
	client->in_len = client->listener ? 0 : (size_t)done;
	return !client->listener;
}

static void client_ready(struct loop_source *source, int revents)
{
	struct client *client = source->opaque;

	if (revents & (POLLERR | POLLNVAL) || client->waits_for) {
		client_close(client);
	} else if (revents & POLLOUT) {
		client_go_on(client);
	} else if (sends(client)) {
		/* POLLHUP: nobody will take it. */
		client_close(client);
	} else if (client_read(client)) {
		client_process(client);
	}
}

void api_answer(struct api *api, const char *path, unsigned status, const char *error)
{
	for (struct client *c = api ? api->clients : NULL, *next; c; c = next) {
		struct api_reply reply = { .status = status };
		int r;

		next = c->next;
		if (!c->waits_for || strcmp(c->waits_for->path, path))
			continue;
		c->waits_for = NULL;
		if (error)
			api_reply_error(&reply, status, "%s", error);
		r = client_reply(c, &reply, "");
		free(reply.body);
		/* Sent by the loop: what the client has asked for meanwhile may be an order that
		 * leads here again. */
		if (r < 0)
			client_close(c);
		else
			client_watch(c);
	}
}

/* --- new clients -------------------------------------------------------------------------------
 */

/* The client that has been idle for longest makes room. */
static bool evict(struct api *api)
{
	struct client *oldest = NULL;

	for (struct client *c = api->clients; c; c = c->next)
		if (!c->listener && !c->waits_for && !sends(c) && http_request_empty(&c->request) &&
		    (!oldest || c->idle_ns < oldest->idle_ns))
			oldest = c;
	if (oldest)
		client_close(oldest);
	return oldest;
}

static void turn_away(int fd)
{
	static const char full[] = "{\"error\":\"all connections of this socket are in use: close "
				   "one\"}";
	const struct http_response response = {
		.status = 503,
		.type = "application/json",
		.body = full,
		.body_len = sizeof(full) - 1,
	};
	size_t len;
	char *text = http_response_format(&response, &len);

	/* A new socket takes so little at once. */
	if (text && send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("api", "a client that is turned away did not wait for the reason");
	free(text);
	close(fd);
}

static void add_client(struct api *api, int fd)
{
	struct client *client;

	if (api->nr_clients == API_MAX_CLIENTS && !evict(api)) {
		turn_away(fd);
		return;
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->api = api;
	client->idle_ns = now_ns();
	client->source = (struct loop_source){ .fd = fd, .ready = client_ready, .opaque = client };
	http_request_init(&client->request);
	client->next = api->clients;
	api->clients = client;
	api->nr_clients++;
	client_watch(client);
}

static void accept_ready(struct loop_source *source, int revents)
{
	struct api *api = source->opaque;

	(void)revents;
	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			add_client(api, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Without descriptors or memory the socket stays ready: look again in a second. */
		loop_del(api->config.loop, source);
		tick(api, true);
		return;
	}
}

static void timer_ready(struct loop_source *source, int revents)
{
	struct api *api = source->opaque;
	uint64_t count, now = now_ns();
	bool needed = false;

	(void)revents;
	if (read(source->fd, &count, sizeof(count)) != sizeof(count))
		return;
	if (!api->accept.active)
		needed = loop_add(api->config.loop, &api->accept) < 0;
	for (struct client *c = api->clients, *next; c; c = next) {
		next = c->next;
		if (c->deadline_ns && now >= c->deadline_ns)
			client_close(c);
		else
			needed |= c->deadline_ns != 0;
	}
	if (!needed)
		tick(api, false);
}

/* --- listeners ---------------------------------------------------------------------------------
 */

/* Any thread, one at a time: the event monitor's lock is held. */
static void take_line(void *opaque, const char *line, size_t len)
{
	struct api *api = opaque;
	char *queue = NULL;

	pthread_mutex_lock(&api->lock);
	if (!api->queue_lost && len <= QUEUE_MAX - api->queue_len)
		queue = realloc(api->queue, api->queue_len + len);
	if (queue) {
		memcpy(queue + api->queue_len, line, len);
		api->queue = queue;
		api->queue_len += len;
	} else {
		api->queue_lost = true;
	}
	pthread_mutex_unlock(&api->lock);
	eventfd_write(api->feed.fd, 1);
}

static int put_chunk(struct client *client, const char *data, size_t len)
{
	char head[HTTP_CHUNK_HEAD];
	int r = 0;

	if (!client->chunks)
		return client_put(client, data, len);
	r = client_put(client, head, http_chunk_head(head, len));
	if (r == 0)
		r = client_put(client, data, len);
	return r < 0 ? r : client_put(client, "\r\n", 2);
}

/* Nothing comes after what is still to be sent. */
static int end_stream(struct client *client)
{
	client->close_after = true;
	set_deadline(client);
	return client->chunks ? client_put(client, HTTP_LAST_CHUNK, strlen(HTTP_LAST_CHUNK)) : 0;
}

/* The last line of a listener that was too slow; it looks like an event. */
static int drop_listener(struct client *client)
{
	uint64_t now = now_ns();
	uint64_t since = now - client->api->config.events->start_ns;
	json_t *object =
		json_pack("{s:{s:I, s:I}, s:s, s:s, s:{s:I, s:I}}", "timestamp", "secs",
			  (json_int_t)(since / SECOND), "nanos", (json_int_t)(since % SECOND),
			  "source", "api", "event", "listener-dropped", "properties",
			  "waiting_bytes", (json_int_t)client->out_len, "t_ns", (json_int_t)now);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	int r = -ENOMEM;

	json_decref(object);
	log_warn("api", "a listener is too slow: it gets no more events");
	if (text) {
		text[len] = '\n'; /* in the place of the NUL: a line needs no end of its own */
		r = put_chunk(client, text, len + 1);
	}
	free(text);
	return r < 0 ? r : end_stream(client);
}

static void feed_client(struct client *client, const char *lines, size_t len, bool lost)
{
	int r = 0;

	if (client->close_after)
		return;
	if (len && (!sends(client) || client->out_len + len <= API_LISTENER_BUFFER))
		r = put_chunk(client, lines, len);
	else
		lost |= len != 0;
	if (r == 0 && lost)
		r = drop_listener(client);
	if (r < 0)
		client_close(client);
	else
		client_go_on(client);
}

static void feed_all(struct api *api)
{
	char *lines;
	size_t len;
	bool lost;

	pthread_mutex_lock(&api->lock);
	lines = api->queue;
	len = api->queue_len;
	lost = api->queue_lost;
	api->queue = NULL;
	api->queue_len = 0;
	api->queue_lost = false;
	pthread_mutex_unlock(&api->lock);
	for (struct client *c = api->clients, *next; c; c = next) {
		next = c->next;
		if (c->listener)
			feed_client(c, lines, len, lost);
	}
	free(lines);
}

static void feed_ready(struct loop_source *source, int revents)
{
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) == 0)
		feed_all(source->opaque);
}

/* --- life --------------------------------------------------------------------------------------
 */

static int watch(struct api *api, struct loop_source *source, int fd,
		 void (*ready)(struct loop_source *, int))
{
	*source = (struct loop_source){
		.fd = fd,
		.events = POLLIN,
		.ready = ready,
		.opaque = api,
	};
	return fd < 0 ? -errno : loop_add(api->config.loop, source);
}

int api_create(const struct api_config *config, struct api **ret_api)
{
	struct api *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return -ENOMEM;
	api->config = *config;
	if (!api->config.time_limit_s)
		api->config.time_limit_s = API_TIME_LIMIT_S;
	pthread_mutex_init(&api->lock, NULL);
	api->timer.fd = api->feed.fd = -1;
	r = watch(api, &api->accept, config->fd, accept_ready);
	if (r == 0)
		r = watch(api, &api->timer,
			  timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), timer_ready);
	if (r == 0)
		r = watch(api, &api->feed, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), feed_ready);
	if (r < 0) {
		api_destroy(api);
		return r;
	}
	*ret_api = api;
	return 0;
}

/* The last events, for those who take them soon. */
static void say_goodbye(struct api *api)
{
	uint64_t end = now_ns() + GOODBYE_MS * (SECOND / 1000);

	feed_all(api);
	for (struct client *c = api->clients, *next; c; c = next) {
		next = c->next;
		if (c->listener && !c->close_after && end_stream(c) == 0)
			client_go_on(c);
	}
	for (struct client *c = api->clients, *next; c; c = next) {
		next = c->next;
		while (sends(c) && now_ns() < end) {
			struct pollfd fd = { .fd = c->source.fd, .events = POLLOUT };

			if (poll(&fd, 1, (int)((end - now_ns()) / 1000000) + 1) <= 0 ||
			    client_flush(c) < 0)
				break;
		}
	}
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	say_goodbye(api);
	while (api->clients)
		client_close(api->clients);
	loop_del(api->config.loop, &api->accept);
	loop_del(api->config.loop, &api->timer);
	loop_del(api->config.loop, &api->feed);
	close_fd(&api->timer.fd);
	close_fd(&api->feed.fd);
	free(api->queue);
	pthread_mutex_destroy(&api->lock);
	free(api);
}
