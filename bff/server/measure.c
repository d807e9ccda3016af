#include "server/measure.h"

#include "base/clock.h"
#include "flow/revoke.h"
#include "server/exposition.h"

_Static_assert(LEG_COUNT <= METRICS_FLOWS, "each leg has a row in the metrics");

static unsigned outcome_of(const struct reply *reply)
{
    if (reply->err != BFF_OK || reply->status < 400)
        return reply->err;
    return reply->status < 500 ? OUTCOME_BACKEND_REFUSED : OUTCOME_BACKEND_FAILED;
}

void measure_answer(const struct conn *c)
{
    if (leg_is_probe(c->call.leg))
        return;
    metrics_request(c->call.leg, outcome_of(&c->reply));
    if (c->call.leg == LEG_RENEW && c->reply.status == 200)
        metrics_count(METRIC_REPLAYS);
}

void measure_wait(const struct worker *w, const struct conn *c)
{
    metrics_observe(HISTOGRAM_PARKED, w->now_ms * 1000 - c->started_us);
}

static void add_difference(enum metric which, uint64_t now, uint64_t *before)
{
    metrics_add(which, (int64_t)(now - *before));
    *before = now;
}

static void measure_cache(struct worker *w)
{
    struct cache_counters now = cache_counters(w->cache);
    struct cache_counters *before = &w->measured.cache;
    add_difference(METRIC_CACHE_HITS, now.hits, &before->hits);
    add_difference(METRIC_CACHE_MISSES, now.misses, &before->misses);
    add_difference(METRIC_CACHE_EVICTIONS, now.evictions, &before->evictions);
    metrics_set(METRIC_CACHE_ENTRIES, (int64_t)now.entries);
    metrics_set(METRIC_CACHE_BYTES, (int64_t)now.bytes);
}

static void measure_lanes(struct worker *w)
{
    struct lane_counters store = lane_counters(w->store_lane);
    struct lane_counters backend = lane_counters(w->backend_lane);
    metrics_set(METRIC_STORE_QUEUE, store.waiting);
    metrics_set(METRIC_BACKEND_QUEUE, backend.waiting);
    add_difference(METRIC_STORE_REFUSED, store.refused, &w->measured.store_refused);
    add_difference(METRIC_BACKEND_REFUSED, backend.refused, &w->measured.backend_refused);
}

static void measure_revocations(struct worker *w)
{
    int64_t oldest_ms, next_ms;
    revocations_look(w->shared.revocations, &oldest_ms, &next_ms);
    metrics_set(METRIC_REVOCATIONS_WAITING, (int64_t)revocations_waiting(w->shared.revocations));
    atomic_store(&metrics_here->oldest_revocation, oldest_ms);
    atomic_store(&metrics_here->next_revocation, next_ms);
}

void measure_worker(struct worker *w)
{
    measure_cache(w);
    measure_lanes(w);
    measure_revocations(w);
    metrics_set(METRIC_CONNECTIONS, w->n_conns);
    metrics_set(METRIC_PARKED, w->n_parked);
    metrics_set(METRIC_WITHOUT_REDIS, !invalidation_is_up(w->invalidation));
    metrics_set(METRIC_WITHOUT_BACKEND, breaker_is_in_trouble(&w->breaker));
}

static void add_text(struct buf *b, const struct metrics *m)
{
    const char *flows[LEG_COUNT];
    for (unsigned leg = 0; leg < LEG_COUNT; leg++)
        flows[leg] = leg_is_probe((enum leg)leg) ? NULL : leg_name((enum leg)leg);
    exposition_add(b, m, flows, LEG_COUNT);
}

void measure_reply(const struct worker *w, struct conn *c)
{
    const struct metrics *m = w->setup->metrics;
    bool is_text = c->call.leg == LEG_METRICS;
    size_t room = is_text ? EXPOSITION_MAX : STATUS_WORKER_MAX * ((size_t)m->n_used + 1);
    char *memory = arena_alloc(&c->arena, room);
    struct buf b = buf_make(memory, memory ? room : 0);
    if (is_text)
        add_text(&b, m);
    else
        status_add(&b, m, w->setup->keys, w->now_ms);
    if (b.overflowed) {
        reply_problem(&c->reply, BFF_ERR_NO_MEMORY, &c->call.caller, 0, &c->arena);
        return;
    }
    reply_json(&c->reply, 200, buf_str(&b));
    if (is_text)
        c->reply.content_type = STR(EXPOSITION_TYPE);
}
