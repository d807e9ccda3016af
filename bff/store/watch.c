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
#include "store/connection.h"

#define INVALIDATIONS "__redis__:invalidate"
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 1000
#define PING_MS 1000

struct watch {
    pthread_t thread;
    struct connection connection; /* the thread's, once it runs */
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

static bool subscribe(struct watch *w, int64_t *client_id)
{
    struct connection *c = &w->connection;
    if (connection_ready(c, NULL) != BFF_OK)
        return false;
    const char *ask[] = {"CLIENT", "ID"};
    redisReply *reply = connection_call(c, 2, ask, NULL);
    if (!reply)
        return false;
    bool ok = reply->type == REDIS_REPLY_INTEGER;
    *client_id = reply->integer;
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
        if (redisReaderGetReply(w->connection.redis->reader, &reply) != REDIS_OK)
            return false;
        if (!reply)
            return true;
        handle(w, reply);
        freeReplyObject(reply);
    }
}

static bool send_ping(struct watch *w)
{
    redisContext *r = w->connection.redis;
    int done = 0;
    if (redisAppendCommand(r, "PING") != REDIS_OK)
        return false;
    while (!done)
        if (redisBufferWrite(r, &done) != REDIS_OK)
            return false;
    return true;
}

/* Until the connection is lost (true) or the watch is stopped (false). */
static bool listen_until_lost(struct watch *w)
{
    redisContext *r = w->connection.redis;
    int64_t ping_due = clock_mono_ms() + PING_MS;
    bool heard = true;
    for (;;) {
        if (!handle_received(w))
            return true;
        int64_t wait = ping_due - clock_mono_ms();
        struct pollfd fds[] = {{.fd = w->stop_fd, .events = POLLIN},
                               {.fd = r->fd, .events = POLLIN}};
        int n = wait > 0 ? poll(fds, 2, (int)wait) : 0;
        if (n > 0 && fds[0].revents)
            return false;
        if (n > 0 && fds[1].revents) {
            if (redisBufferRead(r) != REDIS_OK)
                return true;
            heard = true;
        }
        if (clock_mono_ms() < ping_due)
            continue;
        if (!heard || !send_ping(w))
            return true;
        heard = false;
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
        int64_t client_id = 0;
        if (subscribe(w, &client_id)) {
            retry_ms = RETRY_MIN_MS;
            w->call.connected(w->call.self, client_id);
            stopped = !listen_until_lost(w);
            w->call.connected(w->call.self, 0);
        }
        connection_drop(&w->connection);
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
    pthread_sigmask(SIG_SETMASK, &all, &before);
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
    struct buf channel = buf_make(w->refresh_channel, sizeof w->refresh_channel - 1);
    buf_add(&channel, options->config->redis.prefix);
    buf_add(&channel, STR("refresh"));
    w->refresh_channel_length = channel.n;
    w->stop_fd = eventfd(0, EFD_CLOEXEC);
    bool has_connection = w->stop_fd >= 0 && connection_init(&w->connection, options);
    if (has_connection && start_thread(w))
        return w;
    if (has_connection)
        connection_close(&w->connection);
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
    connection_close(&w->connection);
    close(w->stop_fd);
    free(w);
}
