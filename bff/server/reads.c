#include "server/reads.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "server/worker_state.h"

#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 1000

bool reads_start(struct worker *w)
{
    struct store_options options = lane_store_options(&w->shared);
    bool possible;
    w->reads.reader = reader_open(&options, &possible);
    if (w->reads.reader)
        w->reads.state = READS_DOWN;
    return w->reads.reader || !possible;
}

void reads_stop(struct worker *w)
{
    reader_close(w->reads.reader);
}

/* Whom Redis is to tell of changes. What is not cached need not be tracked. */
static int64_t wanted_subscriber(const struct worker *w)
{
    return w->config->session.cache_ms > 0 ? atomic_load(w->shared.redirect_client) : 0;
}

/* Is Redis to be told anew for whom it tracks, or another server to be found that can? Nothing more
 * is asked until then. */
static bool is_outdated(const struct worker *w)
{
    return w->now_ms >= w->reads.again_ms &&
           reader_tracked_for(w->reads.reader) != wanted_subscriber(w);
}

static struct session_task *task_of(struct reader_load *load)
{
    return (struct session_task *)((char *)load - offsetof(struct session_task, read));
}

bool reads_take(struct worker *w, struct session_task *task)
{
    struct reads *r = &w->reads;
    if (r->state != READS_UP || is_outdated(w) || task->touch == TOUCH_NOW ||
        reader_asked(r->reader) >= READER_LOADS_MAX)
        return false;
    task->read.load = (struct store_load){
        .name = &task->name, .arena = &task->arena, .touch = task->touch == TOUCH_IF_DUE};
    task->renewal = (struct renewal){.ticket = fence_read(w->setup->fence, task->name.hash)};
    reader_ask(r->reader, &task->read);
    return true;
}

/* --- when reading has ended, well or not --- */

static void put_off(struct worker *w)
{
    struct reads *r = &w->reads;
    r->pause_ms = r->pause_ms * 2 < PAUSE_MIN_MS   ? PAUSE_MIN_MS
                  : r->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS
                                                   : r->pause_ms * 2;
    r->again_ms = w->now_ms + r->pause_ms;
}

static void give_up(struct worker *w, struct session_task *task)
{
    task->read.load.err = BFF_ERR_STORE_UNAVAILABLE;
    renewal_loaded(&task->read.load, "Redis did not answer in time", &task->renewal);
    waiting_has_run(w, task);
}

/* The connection is no good. With `is_silent` those that wait on it have waited long enough. */
static void lose(struct worker *w, bool is_silent)
{
    struct reads *r = &w->reads;
    if (is_silent)
        reader_is_silent(r->reader);
    struct reader_load *load = reader_drop(r->reader);
    r->state = READS_DOWN;
    put_off(w);
    lane_forget_lost_reads(&w->shared, reader_lost_reads(r->reader));
    while (load) {
        struct reader_load *next = load->next;
        struct session_task *task = task_of(load);
        if (is_silent)
            give_up(w, task);
        else
            waiting_needs_lane(w, task);
        load = next;
    }
}

void reads_receive(struct worker *w)
{
    struct reads *r = &w->reads;
    if (r->state != READS_UP)
        return; /* lost since epoll_wait() */
    bool ok;
    struct reader_load *load = reader_receive(r->reader, &ok);
    if (load)
        r->pause_ms = 0;
    while (load) {
        struct reader_load *next = load->next;
        struct session_task *task = task_of(load);
        if (load->load.touch_due) {
            task->touch = TOUCH_NOW;
            waiting_needs_lane(w, task);
        } else {
            renewal_loaded(&load->load, "", &task->renewal);
            waiting_has_run(w, task);
        }
        load = next;
    }
    if (!ok)
        lose(w, false);
}

/* --- the connection --- */

static bool watch_fd(struct worker *w, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &w->reads};
    return epoll_ctl(w->epoll_fd, operation, reader_fd(w->reads.reader), &event) == 0;
}

static void run_connect(struct job *job, struct tools *tools)
{
    struct reads *r = (struct reads *)job;
    (void)tools;
    r->failed = reader_connect(r->reader, r->subscriber) != BFF_OK;
}

static void connected(struct job *job, void *worker)
{
    struct reads *r = (struct reads *)job;
    struct worker *w = worker;
    r->state = READS_DOWN;
    lane_forget_lost_reads(&w->shared, reader_lost_reads(r->reader));
    put_off(w); /* until it has shown that it is good */
    if (r->failed)
        return;
    r->state = READS_UP;
    if (!watch_fd(w, EPOLL_CTL_ADD)) {
        log_event(SEVERITY_ERROR, "epoll_failed", LOG_NUMBER("errno", errno));
        lose(w, false);
    }
}

static void connect_in_lane(struct worker *w)
{
    struct reads *r = &w->reads;
    bool was_up = r->state == READS_UP;
    r->subscriber = wanted_subscriber(w);
    r->job = (struct job){.run = run_connect, .done = connected};
    r->state = READS_CONNECTING;
    if (was_up && !watch_fd(w, EPOLL_CTL_DEL))
        log_event(SEVERITY_ERROR, "epoll_failed", LOG_NUMBER("errno", errno));
    if (lane_submit(w->store_lane, &r->job))
        return;
    r->failed = true;
    connected(&r->job, w);
}

void reads_turn(struct worker *w)
{
    struct reads *r = &w->reads;
    if (r->state == READS_UP && reader_due_ms(r->reader) <= w->now_ms)
        lose(w, true);
    else if (r->state == READS_UP && (reader_is_in_doubt(r->reader) || !reader_send(r->reader)))
        lose(w, false);
    if ((r->state == READS_UP && is_outdated(w) && reader_asked(r->reader) == 0) ||
        (r->state == READS_DOWN && w->now_ms >= r->again_ms))
        connect_in_lane(w);
}

int64_t reads_due_ms(const struct worker *w)
{
    const struct reads *r = &w->reads;
    if (r->state == READS_UP)
        return reader_due_ms(r->reader);
    return r->state == READS_DOWN ? r->again_ms : INT64_MAX;
}
