#include "flow/revoke.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "flow/caller.h"

#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS 60000
#define GIVE_UP_MS (60 * 60 * 1000)
#define PENDING_BYTES (128 * 1024) /* of one: two tokens and its caller */
#define RETRY_BYTES (4 * 1024 * 1024)

struct pending {
    struct pending *next;
    struct arena arena; /* holds all below, wiped with it */
    struct revocation tokens;
    struct caller caller;
    int64_t due_ms, delay_ms, give_up_ms;
};

struct revocations {
    pthread_mutex_t mutex;
    struct pending *list;
    size_t n;
};

struct revocations *revocations_make(void)
{
    struct revocations *r = calloc(1, sizeof *r);
    if (r && pthread_mutex_init(&r->mutex, NULL) != 0) {
        free(r);
        r = NULL;
    }
    return r;
}

size_t revocations_waiting(struct revocations *r)
{
    pthread_mutex_lock(&r->mutex);
    size_t n = r->n;
    pthread_mutex_unlock(&r->mutex);
    return n;
}

void revocations_look(struct revocations *r, int64_t *oldest_ms, int64_t *next_ms)
{
    *oldest_ms = *next_ms = 0;
    pthread_mutex_lock(&r->mutex);
    for (struct pending *p = r->list; p; p = p->next) {
        int64_t began_ms = p->give_up_ms - GIVE_UP_MS;
        if (*oldest_ms == 0 || began_ms < *oldest_ms)
            *oldest_ms = began_ms;
        if (*next_ms == 0 || p->due_ms < *next_ms)
            *next_ms = p->due_ms;
    }
    pthread_mutex_unlock(&r->mutex);
}

static void pending_free(struct pending *p)
{
    arena_free(&p->arena);
    free(p);
}

void revocations_free(struct revocations *r)
{
    if (!r)
        return;
    if (r->n > 0)
        log_event(SEVERITY_WARN, "revocations_given_up", LOG_NUMBER("count", r->n));
    metrics_add(METRIC_REVOKE_GIVEN_UP, (int64_t)r->n);
    while (r->list) {
        struct pending *p = r->list;
        r->list = p->next;
        pending_free(p);
    }
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

bool revocations_due(struct revocations *r, int64_t now_ms)
{
    bool due = false;
    pthread_mutex_lock(&r->mutex);
    for (struct pending *p = r->list; p && !due; p = p->next)
        due = p->due_ms <= now_ms;
    pthread_mutex_unlock(&r->mutex);
    return due;
}

static struct pending *pending_make(const struct revocation *tokens, const struct caller *caller)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    int64_t now = clock_mono_ms();
    p->arena = arena_make(PENDING_BYTES);
    p->delay_ms = FIRST_RETRY_MS;
    p->due_ms = now + p->delay_ms;
    p->give_up_ms = now + GIVE_UP_MS;
    if (arena_copy(&p->arena, tokens->access, &p->tokens.access) &&
        arena_copy(&p->arena, tokens->refresh, &p->tokens.refresh) &&
        caller_copy(caller, &p->arena, &p->caller))
        return p;
    pending_free(p);
    return NULL;
}

/* The same with the tokens that an attempt brought, if it did; the old ones are dead then. */
static struct pending *pending_renew(struct pending *p, const struct revocation *tokens)
{
    if (tokens->access.p == p->tokens.access.p)
        return p;
    struct pending *renewed = pending_make(tokens, &p->caller);
    if (!renewed)
        return p;
    renewed->delay_ms = p->delay_ms;
    renewed->give_up_ms = p->give_up_ms;
    pending_free(p);
    return renewed;
}

static bool push(struct revocations *r, struct pending *p)
{
    pthread_mutex_lock(&r->mutex);
    bool room = r->n < REVOCATIONS_MAX;
    if (room) {
        p->next = r->list;
        r->list = p;
        r->n++;
    }
    pthread_mutex_unlock(&r->mutex);
    return room;
}

static struct pending *pop_due(struct revocations *r, int64_t now_ms)
{
    struct pending *found = NULL;
    pthread_mutex_lock(&r->mutex);
    for (struct pending **at = &r->list; *at; at = &(*at)->next) {
        if ((*at)->due_ms <= now_ms) {
            found = *at;
            *at = found->next;
            r->n--;
            break;
        }
    }
    pthread_mutex_unlock(&r->mutex);
    return found;
}

static void log_given_up(const struct caller *caller)
{
    metrics_count(METRIC_REVOKE_GIVEN_UP);
    log_event(SEVERITY_WARN, "revocations_given_up", LOG_NUMBER("count", 1), LOG_CALLER(caller));
}

static void give_up(struct pending *p)
{
    log_given_up(&p->caller);
    pending_free(p);
}

/* A call that carries neither token would revoke nothing. */
static bool has_something_to_say(const struct config *config, struct str refresh)
{
    const struct config_send *send = &config->revoke.send;
    bool is_template = send->kind == SEND_JSON || send->kind == SEND_FORM;
    return refresh.n > 0 || config->revoke.auth_access ||
           (is_template && str_contains(send->text, STR("$access")));
}

enum revoke_result revoke_or_queue(struct tools *tools, struct str access, struct str refresh,
                                   const struct caller *caller, struct arena *arena)
{
    struct revocation tokens = {access, refresh};
    const struct config *config = tools->config;
    if (config->revoke.request.method.n == 0 || !has_something_to_say(config, refresh))
        return REVOKE_DONE;
    enum revoke_result result = tell_backend(tools, &tokens, caller, arena);
    if (result != REVOKE_WAITS)
        return result;
    struct pending *p = pending_make(&tokens, caller);
    if (!p)
        log_given_up(caller);
    else if (!push(tools->revocations, p))
        give_up(p);
    return result;
}

/* What fails again waits twice as long; a first failure in a row stops the round: the backend is
 * down for all of them. */
static void retry_until(struct tools *tools, int64_t due_ms, int64_t now_ms)
{
    struct arena arena = arena_make(RETRY_BYTES);
    struct pending *p;
    bool told = true;
    while (told && (p = pop_due(tools->revocations, due_ms))) {
        struct revocation tokens = p->tokens;
        told = tell_backend(tools, &tokens, &p->caller, &arena) != REVOKE_WAITS;
        if (!told)
            p = pending_renew(p, &tokens);
        arena_reset(&arena);
        p->delay_ms = p->delay_ms * 2 < LAST_RETRY_MS ? p->delay_ms * 2 : LAST_RETRY_MS;
        p->due_ms = now_ms + p->delay_ms;
        if (told)
            pending_free(p);
        else if (now_ms >= p->give_up_ms || !push(tools->revocations, p))
            give_up(p);
    }
    arena_free(&arena);
}

void revocations_retry(struct tools *tools, int64_t now_ms)
{
    retry_until(tools, now_ms, now_ms);
}

void revocations_flush(struct tools *tools)
{
    retry_until(tools, INT64_MAX, clock_mono_ms());
}
