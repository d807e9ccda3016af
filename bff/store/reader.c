#include "store/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "store/store_handle.h"

#define SENT_TOGETHER 64
#define RECEIVED_TOGETHER (64 * 1024)

struct load_list {
    struct reader_load *first, **last;
};

struct reader {
    struct store *store;
    struct load_list asked; /* the first of them have been sent */
    struct reader_load *unsent;
    size_t n;
    bool has_time; /* of those sent together of which the first is */
    int64_t now_ms;
    /* Here and not on the stack, where the compiler clears them each time. */
    char commands[READING_TIME_MAX + SENT_TOGETHER * READING_GET_MAX];
    char received[RECEIVED_TOGETHER];
};

static void list_clear(struct load_list *l)
{
    *l = (struct load_list){.first = NULL, .last = &l->first};
}

static void list_push(struct load_list *l, struct reader_load *load)
{
    load->next = NULL;
    *l->last = load;
    l->last = &load->next;
}

static struct reader_load *list_pop(struct load_list *l)
{
    struct reader_load *load = l->first;
    l->first = load->next;
    if (!l->first)
        l->last = &l->first;
    return load;
}

struct reader *reader_open(const struct store_options *options, bool *possible)
{
    struct reader *r = calloc(1, sizeof *r);
    struct store *s = r ? store_open(options) : NULL;
    *possible = !s || s->topology.place.kind != REDIS_CLUSTER;
    if (!s || !*possible) {
        store_close(s);
        free(r);
        return NULL;
    }
    r->store = s;
    list_clear(&r->asked);
    return r;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    store_close(r->store);
    free(r);
}

enum bff_err reader_connect(struct reader *r, int64_t subscriber)
{
    assert(r->n == 0);
    store_redirect(r->store, subscriber);
    return handle_connect(r->store, (struct str){NULL, 0});
}

static const struct connection *connection_of(const struct reader *r)
{
    return r->store->connection;
}

int reader_fd(const struct reader *r)
{
    return connection_of(r)->redis ? connection_of(r)->redis->fd : -1;
}

bool reader_is_in_doubt(const struct reader *r)
{
    return connection_of(r)->redis && connection_is_in_doubt(connection_of(r));
}

int64_t reader_tracked_for(const struct reader *r)
{
    return store_tracked_for(r->store);
}

bool reader_lost_reads(struct reader *r)
{
    return store_lost_reads(r->store);
}

size_t reader_asked(const struct reader *r)
{
    return r->n;
}

void reader_ask(struct reader *r, struct reader_load *load)
{
    assert(r->n < READER_LOADS_MAX && reader_fd(r) >= 0);
    list_push(&r->asked, load);
    r->n++;
    if (!r->unsent)
        r->unsent = load;
}

/* Into what the kernel holds for Redis, which is more than all that may be asked. */
static bool send_at_once(int fd, struct str commands)
{
    ssize_t sent;
    do
        sent = send(fd, commands.p, commands.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)commands.n;
}

bool reader_send(struct reader *r)
{
    int64_t now_us = r->unsent ? clock_mono_us() : 0;
    while (r->unsent) {
        struct buf commands = buf_make(r->commands, sizeof r->commands);
        struct reader_load *load = r->unsent;
        reading_add_time(&commands);
        for (size_t i = 0; load && i < SENT_TOGETHER; i++) {
            load->is_first = i == 0;
            load->asked_us = now_us;
            reading_add_get(&commands, handle_key(load->load.name));
            load = load->next;
        }
        assert(!commands.overflowed);
        if (!send_at_once(reader_fd(r), buf_str(&commands)))
            return false;
        r->unsent = load;
    }
    return true;
}

/* One reply of those that are due. */
static bool take(struct reader *r, const redisReply *reply, struct load_list *answered)
{
    struct reader_load *load = r->asked.first;
    struct reading reading = {.now_ms = r->now_ms};
    if (!load || load == r->unsent)
        return false; /* nobody asked for it */
    if (load->is_first && !r->has_time) {
        metrics_observe(HISTOGRAM_REDIS, clock_mono_us() - load->asked_us);
        r->has_time = reading_of_time(reply, &r->now_ms);
        return r->has_time;
    }
    if (!reading_of_value(reply, &reading))
        return false;
    r->store->asked_ms = load->asked_us / 1000;
    handle_take(r->store, &reading, &load->load);
    list_push(answered, list_pop(&r->asked));
    r->n--;
    load = r->asked.first;
    r->has_time = load && load != r->unsent && !load->is_first;
    return true;
}

static bool take_all(struct reader *r, struct load_list *answered)
{
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(connection_of(r)->redis->reader, &reply) != REDIS_OK)
            return false;
        if (!reply)
            return true;
        bool ok = take(r, reply, answered);
        freeReplyObject(reply);
        if (!ok)
            return false;
    }
}

struct reader_load *reader_receive(struct reader *r, bool *ok)
{
    struct load_list answered;
    list_clear(&answered);
    ssize_t n = recv(reader_fd(r), r->received, sizeof r->received, MSG_DONTWAIT);
    if (n < 0)
        *ok = errno == EAGAIN || errno == EINTR;
    else
        *ok =
            n > 0 &&
            redisReaderFeed(connection_of(r)->redis->reader, r->received, (size_t)n) == REDIS_OK &&
            take_all(r, &answered);
    return answered.first;
}

int64_t reader_due_ms(const struct reader *r)
{
    const struct reader_load *oldest = r->asked.first;
    if (!oldest || oldest == r->unsent)
        return INT64_MAX;
    return oldest->asked_us / 1000 + r->store->config->redis.command_ms;
}

void reader_is_silent(struct reader *r)
{
    connection_is_silent(connection_of(r));
}

struct reader_load *reader_drop(struct reader *r)
{
    struct reader_load *asked = r->asked.first;
    connection_drop(r->store->connection);
    list_clear(&r->asked);
    r->unsent = NULL;
    r->n = 0;
    r->has_time = false;
    if (asked)
        metrics_count(METRIC_REDIS_FAILURES);
    return asked;
}
