#include "server/invalidation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define REFRESHED_MAX 1024 /* kept for the hot thread; beyond that everybody looks again */

struct invalidation {
    const struct lane_shared *shared;
    struct watch *watch;
    _Atomic int64_t redirect;
    _Atomic unsigned epoch;
    _Atomic bool stopping; /* that the watch goes is then no news */
    pthread_mutex_t mutex;
    unsigned char refreshed[REFRESHED_MAX][SESSION_HASH_BYTES];
    size_t n_refreshed;
    bool refreshed_overflowed;
};

static void on_changed(void *self, struct str key)
{
    struct invalidation *i = self;
    unsigned char hash[SESSION_HASH_BYTES];
    if (!key.p) {
        atomic_fetch_add(&i->epoch, 1);
        microcache_forget_all(i->shared->microcache);
    } else if (session_key_hash(i->shared->config, key, hash)) {
        fence_bump(i->shared->fence, hash);
        microcache_forget_hash(i->shared->microcache, hash, clock_mono_ms());
        if (i->shared->microcache)
            lane_wake(i->shared); /* it is taken away again by the hot thread's clock */
    }
}

static void on_refreshed(void *self, struct str key)
{
    struct invalidation *i = self;
    unsigned char hash[SESSION_HASH_BYTES];
    if (!session_key_hash(i->shared->config, key, hash))
        return;
    pthread_mutex_lock(&i->mutex);
    if (i->n_refreshed < REFRESHED_MAX)
        memcpy(i->refreshed[i->n_refreshed++], hash, sizeof hash);
    else
        i->refreshed_overflowed = true;
    pthread_mutex_unlock(&i->mutex);
    lane_wake(i->shared);
}

static void on_connected(void *self, int64_t client_id)
{
    struct invalidation *i = self;
    bool was_up = atomic_load(&i->redirect) != 0;
    atomic_store(&i->redirect, client_id);
    atomic_fetch_add(&i->epoch, 1);
    /* When it is lost, and once more when it is back, for what nginx has written meanwhile. */
    microcache_forget_all(i->shared->microcache);
    if (was_up && client_id == 0 && !atomic_load(&i->stopping))
        log_event(SEVERITY_WARN, "store_lost", LOG_TEXT("effect", STR("sessions are not cached")));
    if (!was_up && client_id == WATCH_UNTRACKED)
        log_event(SEVERITY_INFO, "store_back",
                  LOG_TEXT("effect", STR("Redis is a cluster: sessions are not cached")));
    else if (!was_up && client_id != 0)
        log_event(SEVERITY_INFO, "store_back", LOG_NUMBER("client", client_id));
    lane_wake(i->shared);
}

struct invalidation *invalidation_start(const struct lane_shared *shared)
{
    struct invalidation *i = calloc(1, sizeof *i);
    struct store_options options = lane_store_options(shared);
    struct watch_callbacks callbacks = {i, on_changed, on_refreshed, on_connected};
    if (!i || pthread_mutex_init(&i->mutex, NULL) != 0) {
        free(i);
        return NULL;
    }
    i->shared = shared;
    i->watch = watch_start(&options, &callbacks);
    if (!i->watch) {
        free(i);
        return NULL;
    }
    return i;
}

void invalidation_stop(struct invalidation *i)
{
    if (!i)
        return;
    atomic_store(&i->stopping, true);
    watch_stop(i->watch);
    pthread_mutex_destroy(&i->mutex);
    free(i);
}

const _Atomic int64_t *invalidation_redirect(const struct invalidation *i)
{
    return &i->redirect;
}

_Atomic unsigned *invalidation_epoch_counter(struct invalidation *i)
{
    return &i->epoch;
}

unsigned invalidation_epoch(const struct invalidation *i)
{
    return atomic_load(&i->epoch);
}

bool invalidation_is_up(const struct invalidation *i)
{
    return atomic_load(&i->redirect) != 0;
}

bool invalidation_next_refreshed(struct invalidation *i, unsigned char hash[SESSION_HASH_BYTES],
                                 bool *all)
{
    pthread_mutex_lock(&i->mutex);
    *all = i->refreshed_overflowed;
    bool some = i->n_refreshed > 0;
    if (some)
        memcpy(hash, i->refreshed[--i->n_refreshed], SESSION_HASH_BYTES);
    i->refreshed_overflowed = false;
    pthread_mutex_unlock(&i->mutex);
    return some || *all;
}
