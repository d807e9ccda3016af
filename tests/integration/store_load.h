/*
 * Workers that refresh sessions without pause, each its own, and keep a ledger of what Redis has
 * acknowledged. For tests in which a server fails meanwhile.
 */
#ifndef TESTS_INTEGRATION_STORE_LOAD_H
#define TESTS_INTEGRATION_STORE_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "store_fixture.h"

#define LOAD_WORKERS 4
#define LOAD_SESSIONS 25 /* of each worker */
#define LOAD_PATIENCE_MS 40000

struct load_session {
    char cookie[43];
    struct session_name name;
    uint64_t acknowledged; /* generation */
    bool is_gone;
};

static struct load_worker {
    pthread_t thread;
    struct store *store;
    struct load_session sessions[LOAD_SESSIONS];
    _Atomic long refreshes, failures;
    long writes_lost; /* acknowledged generations that were not there any more */
    char last_failure[256];
} load_workers[LOAD_WORKERS];
static _Atomic bool load_stops;
static _Atomic int64_t load_subscriber; /* as the watch tells; 0: none */

static inline void load_failed(struct load_worker *w)
{
    snprintf(w->last_failure, sizeof w->last_failure, "%s", store_last_error(w->store));
    w->failures++;
    clock_pause_ms(5);
}

/* A commit is sent until it is known what became of it: that is what a worker would do. */
static inline bool load_commit(struct load_worker *w, struct load_session *s, const struct begin *b,
                               struct arena *scratch)
{
    char access[32], refresh[32];
    uint64_t next = b->session.generation + 1;
    struct session_tokens tokens = second_tokens;
    tokens.access = (struct str){
        access, (size_t)snprintf(access, sizeof access, "access-%lu", (unsigned long)next)};
    tokens.refresh = (struct str){
        refresh, (size_t)snprintf(refresh, sizeof refresh, "refresh-%lu", (unsigned long)next)};
    for (int64_t until = clock_mono_ms() + LOAD_PATIENCE_MS; clock_mono_ms() < until;) {
        enum commit_result result;
        struct session out;
        enum bff_err err =
            store_commit(w->store, &s->name, &b->session, &tokens, scratch, &result, &out);
        if (err == BFF_OK && result == COMMIT_STORED)
            s->acknowledged = out.generation;
        if (err == BFF_OK && result == COMMIT_GONE)
            s->is_gone = true;
        if (err == BFF_OK)
            return result == COMMIT_STORED;
        load_failed(w);
    }
    return false;
}

static inline void load_refresh(struct load_worker *w, struct load_session *s)
{
    struct arena scratch = arena_make(1024 * 1024);
    struct begin b;
    store_redirect(w->store, load_subscriber);
    enum bff_err err = store_begin(w->store, &s->name, 0, &scratch, &b);
    if (err != BFF_OK)
        load_failed(w);
    else if (b.result == BEGIN_NONE)
        s->is_gone = true;
    if (err == BFF_OK && b.result == BEGIN_GO) {
        if (b.session.generation < s->acknowledged)
            w->writes_lost += (long)(s->acknowledged - b.session.generation);
        w->refreshes += load_commit(w, s, &b, &scratch);
    }
    arena_free(&scratch);
}

static inline void *load_run(void *self)
{
    struct load_worker *w = self;
    /* Not as fast as can be: servers that get no processor time take each other for dead. */
    for (size_t i = 0; !load_stops; i = (i + 1) % LOAD_SESSIONS) {
        load_refresh(w, &w->sessions[i]);
        clock_pause_ms(2);
    }
    return NULL;
}

/* Open the workers' stores and create their sessions. */
static inline void load_prepare(const struct store_options *options)
{
    load_stops = false;
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++) {
        w->refreshes = w->failures = w->writes_lost = 0;
        w->last_failure[0] = 0;
        w->store = store_open(options);
        assert_non_null(w->store);
        for (struct load_session *s = w->sessions; s < w->sessions + LOAD_SESSIONS; s++) {
            *s = (struct load_session){.acknowledged = 1};
            seal_new_cookie(s->cookie);
            session_name_make(&config, (struct str){s->cookie, sizeof s->cookie}, &s->name);
            struct session out;
            if (store_create(w->store, &s->name, &first_tokens, &arena, &out) != BFF_OK)
                fail_msg("%s", store_last_error(w->store));
        }
    }
}

static inline void load_start(void)
{
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++)
        assert_int_equal(pthread_create(&w->thread, NULL, load_run, w), 0);
}

/* Every worker refreshes so many more times. */
static inline void load_expect_refreshes(long more)
{
    int64_t until = clock_mono_ms() + LOAD_PATIENCE_MS;
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++)
        for (long goal = w->refreshes + more; w->refreshes < goal;) {
            if (clock_mono_ms() > until)
                fail_msg("refreshes do not go on: %s", w->last_failure);
            clock_pause_ms(5);
        }
}

static inline long load_failures(void)
{
    long n = 0;
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++)
        n += w->failures;
    return n;
}

static inline void load_stop(void)
{
    load_stops = true;
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++)
        pthread_join(w->thread, NULL);
}

struct load_balance {
    long sessions_gone, writes_lost;
};

/* What the ledger has and Redis has not. Closes the stores. */
static inline struct load_balance load_settle(void)
{
    struct load_balance balance = {0};
    for (struct load_worker *w = load_workers; w < load_workers + LOAD_WORKERS; w++) {
        balance.writes_lost += w->writes_lost;
        for (struct load_session *s = w->sessions; s < w->sessions + LOAD_SESSIONS; s++) {
            struct session now;
            enum bff_err err = store_load(w->store, &s->name, false, &arena, &now);
            if (s->is_gone || err == BFF_ERR_MISSING)
                balance.sessions_gone++;
            else if (err != BFF_OK)
                fail_msg("%s", store_last_error(w->store));
            else if (now.generation < s->acknowledged)
                balance.writes_lost += (long)(s->acknowledged - now.generation);
        }
        store_close(w->store);
    }
    return balance;
}

#endif
