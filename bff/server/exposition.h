/*
 * The metrics as text (Prometheus' text format, version 0.0.4) and the workers as JSON.
 *
 * Both are answered by whichever worker is asked, in its hot thread and from shared memory, so that
 * they come while lanes, Redis and Django hang; over the socket that nginx uses, as legs of their
 * own. That is one mechanism for monitoring and for bffctl, with no other socket to guard: who may
 * connect there could ask for any session's token, and counters are nothing beside that. A browser
 * cannot ask: nginx names the leg, and has a location for the first one only where bff-metrics.conf
 * is included. All workers gone, nobody answers, which is an answer, too.
 *
 * The memory is the host's, so are the numbers: each host is asked for itself.
 */
#ifndef BFF_SERVER_EXPOSITION_H
#define BFF_SERVER_EXPOSITION_H

#include "base/buf.h"
#include "base/metrics.h"
#include "codec/seal.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_MAX (64 * 1024)
#define STATUS_WORKER_MAX 512 /* of JSON for one worker */

/* `flows`: the names of the flows that are counted, NULL for one that is not; `n` of them. */
void exposition_add(struct buf *b, const struct metrics *m, const char *const flows[], size_t n);

/* now_ms of the monotonic clock; `keys` are those that are in use, and named by their ids.
 * STATUS_WORKER_MAX for each worker and once more is enough. */
void status_add(struct buf *b, const struct metrics *m, const struct keyring *keys, int64_t now_ms);

#endif
