#include "server/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "flow/caller.h"

#define BUCKETS 1024 /* a hash of the cookie is uniform: its first bytes choose */

struct tasks {
    size_t n; /* in all buckets: mostly there is none, and then nothing is searched */
    int64_t next_due_ms;
    struct session_task *buckets[BUCKETS];
};

struct tasks *tasks_make(void)
{
    struct tasks *t = calloc(1, sizeof *t);
    if (t)
        t->next_due_ms = INT64_MAX;
    return t;
}

static void free_visited(struct session_task *task, void *self)
{
    tasks_remove(self, task);
    task_free(task);
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    tasks_each(t, free_visited, t);
    free(t);
}

static struct session_task **bucket_of(struct tasks *t, const unsigned char *hash)
{
    return &t->buckets[((unsigned)hash[0] << 8 | hash[1]) % BUCKETS];
}

struct session_task *tasks_find(struct tasks *t, enum task_kind kind, const unsigned char *hash)
{
    for (struct session_task *task = *bucket_of(t, hash); task; task = task->next)
        if (task->kind == kind && memcmp(task->name.hash, hash, SESSION_HASH_BYTES) == 0)
            return task;
    return NULL;
}

bool task_renew(struct session_task *task, const struct call *call, size_t arena_limit)
{
    arena_free(&task->arena);
    task->arena = arena_make(arena_limit);
    task->renewal = (struct renewal){0};
    return arena_copy(&task->arena, call->name.cookie, &task->name.cookie) &&
           caller_copy(&call->caller, &task->arena, &task->caller);
}

struct session_task *tasks_add(struct tasks *t, enum task_kind kind, const struct call *call,
                               size_t arena_limit)
{
    struct session_task *task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    task->kind = kind;
    task->name = call->name;
    task->parked_last = &task->parked;
    if (!task_renew(task, call, arena_limit)) {
        task_free(task);
        return NULL;
    }
    struct session_task **bucket = bucket_of(t, task->name.hash);
    task->next = *bucket;
    *bucket = task;
    t->n++;
    return task;
}

void tasks_remove(struct tasks *t, struct session_task *task)
{
    struct session_task **at = bucket_of(t, task->name.hash);
    while (*at && *at != task)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = task->next;
    t->n--;
}

void task_free(struct session_task *task)
{
    arena_free(&task->arena);
    free(task);
}

static void note_due(struct tasks *t, int64_t at_ms)
{
    if (at_ms < t->next_due_ms)
        t->next_due_ms = at_ms;
}

void task_rest(struct tasks *t, struct session_task *task, enum task_state state, int64_t due_ms)
{
    task->state = state;
    task->due_ms = due_ms;
    note_due(t, due_ms);
}

void task_park(struct tasks *t, struct session_task *task, struct conn *c, int64_t until_ms)
{
    note_due(t, until_ms);
    c->state = CONN_PARKED;
    c->task = task;
    c->park_until_ms = until_ms;
    c->next_parked = NULL;
    *task->parked_last = c;
    task->parked_last = &c->next_parked;
}

void task_unpark(struct conn *c)
{
    struct session_task *task = c->task;
    struct conn **at = &task->parked;
    while (*at && *at != c)
        at = &(*at)->next_parked;
    if (!*at)
        return;
    *at = c->next_parked;
    if (!*at)
        task->parked_last = at;
    c->task = NULL;
}

struct conn *task_take_parked(struct session_task *task)
{
    struct conn *first = task->parked;
    for (struct conn *c = first; c; c = c->next_parked)
        c->task = NULL;
    task->parked = NULL;
    task->parked_last = &task->parked;
    return first;
}

void tasks_each(struct tasks *t, void (*visit)(struct session_task *task, void *self), void *self)
{
    for (size_t i = 0; i < BUCKETS && t->n > 0; i++) {
        struct session_task *task = t->buckets[i];
        while (task) {
            struct session_task *next = task->next;
            visit(task, self);
            task = next;
        }
    }
}

static void visit_due(struct session_task *task, void *self)
{
    struct tasks *t = self;
    if (task->state != TASK_RUNNING)
        note_due(t, task->due_ms);
    for (const struct conn *c = task->parked; c; c = c->next_parked)
        note_due(t, c->park_until_ms);
}

int64_t tasks_next_due(const struct tasks *t)
{
    return t->next_due_ms;
}

void tasks_look(struct tasks *t)
{
    t->next_due_ms = INT64_MAX;
    tasks_each(t, visit_due, t);
}
