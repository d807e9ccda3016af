/*
 * The hot thread reads sessions itself (store/reader.h), for as long as its connection stands. A
 * thread of the store lane makes the connection; until then, in a cluster, and where anything is
 * out of the ordinary, the lane reads.
 *
 *   DOWN -> CONNECTING -> UP
 *     ^---------+---------+
 */
#ifndef BFF_SERVER_READS_H
#define BFF_SERVER_READS_H

#include "server/lane.h"
#include "store/reader.h"

enum reads_state { READS_NONE, READS_DOWN, READS_CONNECTING, READS_UP };

struct reads {
    struct job job; /* first: connects. The reader is a lane's while CONNECTING */
    enum reads_state state;
    struct reader *reader; /* NULL: NONE */
    int64_t subscriber;    /* it was connected for */
    bool failed;
    int64_t again_ms, pause_ms; /* before it is connected once more */
};

struct worker;
struct session_task;

/* false: out of memory. */
BFF_MUST_CHECK bool reads_start(struct worker *w);
void reads_stop(struct worker *w);

/* Have the task's session read: task->renewal, then waiting_has_run(), or waiting_needs_lane().
 * false: the lane must. */
BFF_MUST_CHECK bool reads_take(struct worker *w, struct session_task *task);

/* Something has come. Answers requests, and so may free connections. */
void reads_receive(struct worker *w);

/* At the end of each turn of the loop: what was taken goes out, what is late is given up. */
void reads_turn(struct worker *w);

/* When reads_turn() wants to be called next. */
int64_t reads_due_ms(const struct worker *w);

#endif
