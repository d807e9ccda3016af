#include "flow/revoke.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/caller.h"

#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS 60000
#define GIVE_UP_MS (60 * 60 * 1000)
#define PENDING_BYTES (128 * 1024) /* of one: two tokens and its caller */
#define RETRY_BYTES (4 * 1024 * 1024)

struct pending {
    struct pending *next;
    struct arena arena; /* holds all below, wiped with it */
    struct str access, refresh;
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

static enum bff_err call_backend(struct tools *tools, struct str access, struct str refresh,
                                 const struct caller *caller, struct arena *arena,
                                 struct backend_answer *answer)
{
    const struct config *config = tools->config;
    struct backend_request request;
    enum bff_err err = backend_compose(&config->revoke.request, &config->revoke.send, access,
                                       refresh, arena, &request);
    if (err == BFF_OK && config->revoke.auth_access)
        err = backend_attach(&config->backend.attach, access, arena, &request);
    if (err != BFF_OK)
        return err;
    caller_describe(caller, &request);
    return backend_call(tools->backend, &request, BACKEND_REUSE, arena, answer);
}

/* A token that is blacklisted already is refused, too, so a refusal is no error by itself; but a
 * path that is not there revokes nothing, and somebody has to be told. */
static enum revoke_result log_last_word(int status, const struct caller *caller)
{
    bool is_done = status >= 200 && status < 300;
    bool is_wrong_path = status == 404 || status == 405;
    log_event(
        is_done         ? SEVERITY_INFO
        : is_wrong_path ? SEVERITY_ERROR
                        : SEVERITY_WARN,
        is_done ? "revoked" : "revoke_refused", LOG_NUMBER("status", status),
        LOG_TEXT("reason", is_wrong_path ? STR("revoke.request names no such endpoint") : STR("")),
        LOG_TEXT("request_id", caller->request_id));
    return is_done ? REVOKE_DONE : REVOKE_REFUSED;
}

/* Any answer below 500 but 429 is the backend's last word. */
static enum revoke_result tell(struct tools *tools, struct str access, struct str refresh,
                               const struct caller *caller, struct arena *arena)
{
    struct backend_answer answer;
    enum bff_err err = call_backend(tools, access, refresh, caller, arena, &answer);
    if (err == BFF_OK && answer.status < 500 && answer.status != 429)
        return log_last_word(answer.status, caller);
    log_event(SEVERITY_WARN, "revoke_failed",
              LOG_TEXT("reason", err == BFF_OK ? STR("status") : err_code(err)),
              LOG_NUMBER("status", err == BFF_OK ? answer.status : 0),
              LOG_TEXT("request_id", caller->request_id));
    return REVOKE_WAITS;
}

static struct pending *pending_make(struct str access, struct str refresh,
                                    const struct caller *caller)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    int64_t now = clock_mono_ms();
    p->arena = arena_make(PENDING_BYTES);
    p->delay_ms = FIRST_RETRY_MS;
    p->due_ms = now + p->delay_ms;
    p->give_up_ms = now + GIVE_UP_MS;
    if (arena_copy(&p->arena, access, &p->access) && arena_copy(&p->arena, refresh, &p->refresh) &&
        caller_copy(caller, &p->arena, &p->caller))
        return p;
    pending_free(p);
    return NULL;
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

static void give_up(struct pending *p)
{
    log_event(SEVERITY_WARN, "revocations_given_up", LOG_NUMBER("count", 1),
              LOG_TEXT("request_id", p->caller.request_id));
    pending_free(p);
}

enum revoke_result revoke_or_queue(struct tools *tools, struct str access, struct str refresh,
                                   const struct caller *caller, struct arena *arena)
{
    if (tools->config->revoke.request.method.n == 0 || refresh.n == 0)
        return REVOKE_DONE;
    enum revoke_result result = tell(tools, access, refresh, caller, arena);
    struct pending *p = result == REVOKE_WAITS ? pending_make(access, refresh, caller) : NULL;
    if (p && !push(tools->revocations, p))
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
        told = tell(tools, p->access, p->refresh, &p->caller, &arena) != REVOKE_WAITS;
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
