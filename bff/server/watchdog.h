/*
 * Who answers. Each worker's hot thread notes when its loop turns, in memory that it shares with
 * the supervisor, which looks at it as often as systemd wants to hear of us
 * (sd_watchdog_enabled(3)). Where systemd does not ask, nobody looks.
 */
#ifndef BFF_SERVER_WATCHDOG_H
#define BFF_SERVER_WATCHDOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On a cache line of its own, for it is written at every turn. */
struct pulse {
    _Alignas(64) _Atomic int64_t turned_ms;
};

struct watchdog;

/* For so many workers; made before they are forked. NULL: out of memory. */
struct watchdog *watchdog_create(size_t n_workers);
void watchdog_destroy(struct watchdog *w); /* NULL is fine */
struct pulse *watchdog_pulse(struct watchdog *w, size_t worker);

/* The worker's loop turns, or the worker begins. */
void pulse_beat(struct pulse *p, int64_t now_ms);

/* When the next look is due; INT64_MAX: never. */
int64_t watchdog_due_ms(const struct watchdog *w);
/* A look begins: before any of watchdog_is_silent(). */
void watchdog_look(struct watchdog *w, int64_t now_ms);
/* Nothing has turned there for half of what systemd waits for us. Never so when this look is late:
 * what has held us up may have held up the worker. */
bool watchdog_is_silent(struct watchdog *w, size_t worker);

#endif
