/*
 * Session tasks: what one session waits for, once, however many requests wait with it. A LOAD reads
 * it from Redis, by server/reads.h or in an I/O lane, a REFRESH renews its token in a lane. The
 * requests are parked meanwhile, which costs no thread.
 *
 *   RUNNING   it is read, or in a lane
 *   SLEEPING  another worker refreshes: look again at due_ms, or when the watch says so
 *   RESTING   the backend does not refresh: until due_ms nobody asks again; requests may wait
 *
 * Owned by the hot thread; who runs it has a task while it is RUNNING.
 */
#ifndef BFF_SERVER_TASKS_H
#define BFF_SERVER_TASKS_H

#include "flow/renewal.h"
#include "server/conn.h"
#include "store/reader.h"

enum task_kind { TASK_LOAD, TASK_REFRESH };
enum touch { TOUCH_NOT, TOUCH_IF_DUE, TOUCH_NOW };
enum task_state { TASK_RUNNING, TASK_SLEEPING, TASK_RESTING };

struct session_task {
    struct job job;            /* first: the lane hands back a job, which is this task */
    struct session_task *next; /* in its bucket */
    enum task_kind kind;
    enum task_state state;
    enum touch touch;     /* of a LOAD */
    bool is_away;         /* RESTING: until the backend can be reached, if that is before due_ms */
    bool woken;           /* while RUNNING: a refresh ended elsewhere, do not sleep on it */
    uint64_t seen;        /* of a REFRESH */
    unsigned watch_epoch; /* when it ran: its result is cached only if the watch held */
    bool remembered;      /* its session is in the cache */
    int64_t due_ms;
    struct arena arena; /* holds the name's cookie, the caller and the renewal; wiped with it */
    struct session_name name;
    struct caller caller;
    struct reader_load read; /* of a LOAD that the hot thread reads */
    struct renewal renewal;
    struct conn *parked; /* oldest first */
    struct conn **parked_last;
};

struct tasks;

struct tasks *tasks_make(void); /* NULL: out of memory */
void tasks_free(struct tasks *t);

struct session_task *tasks_find(struct tasks *t, enum task_kind kind, const unsigned char *hash);

/* A new task for the call's session, in the table, RUNNING but in no lane yet. NULL: out of memory.
 */
struct session_task *tasks_add(struct tasks *t, enum task_kind kind, const struct call *call,
                               size_t arena_limit);

/* Make a task that has run ready to run for this call; nothing of what it found stays. false: out
 * of memory, and it must not run. */
bool task_renew(struct session_task *task, const struct call *call, size_t arena_limit);

/* Out of the table; still the caller's to free. */
void tasks_remove(struct tasks *t, struct session_task *task);
void task_free(struct session_task *task);

/* In this state until due_ms. */
void task_rest(struct tasks *t, struct session_task *task, enum task_state state, int64_t due_ms);

void task_park(struct tasks *t, struct session_task *task, struct conn *c, int64_t until_ms);
void task_unpark(struct conn *c);

/* All parked requests, oldest first (by next_parked); the task then has none. */
struct conn *task_take_parked(struct session_task *task);

/* Calls `visit` for each task; it may remove the one it is given. */
void tasks_each(struct tasks *t, void (*visit)(struct session_task *task, void *self), void *self);

/*
 * Nothing is due before: neither a task that does not run nor a parked request. INT64_MAX: nothing
 * at all. The loop asks at each of its turns, so this is kept, not searched for: it may be the time
 * of what has gone since. tasks_look() makes it exact.
 */
int64_t tasks_next_due(const struct tasks *t);
void tasks_look(struct tasks *t);

#endif
