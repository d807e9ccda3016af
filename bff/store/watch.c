#include "store/watch.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/sentinel.h"

#define INVALIDATIONS "__redis__:invalidate"
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 1000
#define PING_MS 1000

struct watch {
    pthread_t thread;
    struct topology topology; /* the thread's, once it runs */
    struct connection *connection;
    struct connection sentinel; /* asked now and then whether that is still the primary */
    struct watch_callbacks call;
    int stop_fd; /* readable: stop */
    char refresh_channel[REDIS_PREFIX_MAX + 8];
    size_t refresh_channel_length;
};

static struct str text_of(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS
               ? (struct str){r->str, (size_t)r->len}
               : (struct str){NULL, 0};
}

static void invalidate(const struct watch *w, const redisReply *keys)
{
    if (keys->type != REDIS_REPLY_ARRAY) { /* nil: FLUSHALL, FLUSHDB */
        w->call.changed(w->call.self, (struct str){NULL, 0});
        return;
    }
    for (size_t i = 0; i < keys->elements; i++) {
        struct str key = text_of(keys->element[i]);
        if (key.n > 0)
            w->call.changed(w->call.self, key);
    }
}

/* ["message", CHANNEL, PAYLOAD]; anything else (pongs) says no more than that Redis is there. */
static void handle(const struct watch *w, const redisReply *r)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
        !str_eq(text_of(r->element[0]), STR("message")))
        return;
    struct str channel = text_of(r->element[1]);
    const redisReply *payload = r->element[2];
    if (str_eq(channel, STR(INVALIDATIONS)))
        invalidate(w, payload);
    else if (str_eq(channel, (struct str){w->refresh_channel, w->refresh_channel_length}) &&
             text_of(payload).n > 0)
        w->call.refreshed(w->call.self, text_of(payload));
}

static bool subscribe(struct watch *w, int64_t *subscriber)
{
    if (topology_connect(&w->topology, (struct str){NULL, 0}, &w->connection, NULL) != BFF_OK)
        return false;
    struct connection *c = w->connection;
    const char *ask[] = {"CLIENT", "ID"};
    redisReply *reply = connection_call(c, 2, ask, NULL);
    if (!reply)
        return false;
    bool ok = reply->type == REDIS_REPLY_INTEGER;
    *subscriber = topology_subscriber(&w->topology, c, reply->integer);
    freeReplyObject(reply);
    const char *listen[] = {"SUBSCRIBE", INVALIDATIONS, w->refresh_channel};
    reply = ok ? connection_call(c, 3, listen, NULL) : NULL;
    for (int confirmed = 0; reply && reply->type == REDIS_REPLY_ARRAY;) {
        freeReplyObject(reply);
        if (++confirmed == 2)
            return true;
        void *next = NULL;
        if (redisGetReply(c->redis, &next) != REDIS_OK)
            return false;
        reply = next;
    }
    if (reply)
        freeReplyObject(reply);
    return false;
}

static bool handle_received(struct watch *w)
{
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(w->connection->redis->reader, &reply) != REDIS_OK)
            return false;
        if (!reply)
            return true;
        handle(w, reply);
        freeReplyObject(reply);
    }
}

static bool send_ping(struct watch *w)
{
    redisContext *r = w->connection->redis;
    int done = 0;
    if (redisAppendCommand(r, "PING") != REDIS_OK)
        return false;
    while (!done)
        if (redisBufferWrite(r, &done) != REDIS_OK)
            return false;
    return true;
}

static bool is_primary_elsewhere(struct watch *w)
{
    return sentinel_hear(&w->topology, &w->sentinel, &w->connection->address);
}

/* Until the connection is lost (true) or the watch is stopped (false). */
static bool listen_until_lost(struct watch *w)
{
    redisContext *r = w->connection->redis;
    int64_t ping_due = clock_mono_ms() + PING_MS;
    bool heard = true;
    for (;;) {
        if (!handle_received(w))
            return true;
        int64_t wait = ping_due - clock_mono_ms();
        int sentinel_fd = w->sentinel.redis ? w->sentinel.redis->fd : -1;
        struct pollfd fds[] = {{.fd = w->stop_fd, .events = POLLIN},
                               {.fd = r->fd, .events = POLLIN},
                               {.fd = sentinel_fd, .events = POLLIN}};
        int n = wait > 0 ? poll(fds, 3, (int)wait) : 0;
        if (n > 0 && fds[0].revents)
            return false;
        if (n > 0 && fds[1].revents) {
            if (redisBufferRead(r) != REDIS_OK)
                return true;
            heard = true;
        }
        if (n > 0 && fds[2].revents && is_primary_elsewhere(w))
            return true;
        if (clock_mono_ms() < ping_due)
            continue;
        if (!heard)
            connection_is_silent(w->connection);
        if (!heard || !send_ping(w))
            return true;
        heard = false;
        if (w->topology.place.kind == REDIS_SENTINEL)
            sentinel_inquire(&w->topology, &w->sentinel);
        ping_due = clock_mono_ms() + PING_MS;
    }
}

static bool is_stopped_within(const struct watch *w, int ms)
{
    struct pollfd fd = {.fd = w->stop_fd, .events = POLLIN};
    return poll(&fd, 1, ms) > 0;
}

static void *watch_run(void *self)
{
    struct watch *w = self;
    int retry_ms = RETRY_MIN_MS;
    bool stopped = false;
    while (!stopped) {
        int64_t subscriber = 0;
        if (subscribe(w, &subscriber)) {
            retry_ms = RETRY_MIN_MS;
            w->call.connected(w->call.self, subscriber);
            stopped = !listen_until_lost(w);
            w->call.connected(w->call.self, 0);
        }
        connection_drop(w->connection);
        connection_drop(&w->sentinel);
        stopped = stopped || is_stopped_within(w, retry_ms);
        retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
    }
    return NULL;
}

/* Signals are for the threads that wait for them. */
static bool start_thread(struct watch *w)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool ok = pthread_create(&w->thread, NULL, watch_run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct watch *watch_start(const struct store_options *options,
                          const struct watch_callbacks *callbacks)
{
    assert(options->config->redis.prefix.n <= REDIS_PREFIX_MAX);
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->call = *callbacks;
    w->connection = &w->topology.server;
    struct buf channel = buf_make(w->refresh_channel, sizeof w->refresh_channel - 1);
    buf_add(&channel, options->config->redis.prefix);
    buf_add(&channel, STR("refresh"));
    w->refresh_channel_length = channel.n;
    w->stop_fd = eventfd(0, EFD_CLOEXEC);
    bool has_connection = w->stop_fd >= 0 && topology_init(&w->topology, options);
    if (has_connection && start_thread(w))
        return w;
    if (has_connection)
        topology_close(&w->topology);
    if (w->stop_fd >= 0)
        close(w->stop_fd);
    free(w);
    return NULL;
}

void watch_stop(struct watch *w)
{
    if (!w)
        return;
    uint64_t one = 1;
    while (write(w->stop_fd, &one, sizeof one) < 0)
        ;
    pthread_join(w->thread, NULL);
    topology_close(&w->topology);
    close(w->stop_fd);
    free(w);
}
