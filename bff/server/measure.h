/* What a worker's hot thread puts into the metrics, and who asks for them gets. */
#ifndef BFF_SERVER_MEASURE_H
#define BFF_SERVER_MEASURE_H

#include "server/worker_state.h"

/* A request is answered: one count, by flow and outcome. */
void measure_answer(const struct conn *c);

/* A request that was parked goes on, or is refused. */
void measure_wait(const struct worker *w, const struct conn *c);

/* Gauges, and what caches and lanes count for themselves: now and then, not at each request. */
void measure_worker(struct worker *w);

/* The answer to LEG_METRICS and LEG_STATUS. */
void measure_reply(const struct worker *w, struct conn *c);

#endif
