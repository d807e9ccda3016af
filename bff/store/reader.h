/*
 * Sessions read without waiting for Redis: what is asked for at one turn of a loop goes out in one
 * write, and answers are taken as they come. One connection to one server, so there is none for a
 * cluster. Belongs to one thread at a time: connecting waits, and is for a thread that may.
 *
 * Only the usual case is here. When a connection ends, or Redis refuses, or says what nobody
 * understands, the loads come back as they went, for store_load() to ask again and to say what is
 * wrong: to read twice does no harm.
 */
#ifndef BFF_STORE_READER_H
#define BFF_STORE_READER_H

#include "store/store.h"

#define READER_LOADS_MAX 1024 /* asked and not answered */

/* Embed it in what waits for it. The reader's from reader_ask() until it is given back. */
struct reader_load {
    struct store_load load;
    struct reader_load *next;
    int64_t asked_us;
    bool is_first; /* of those that were sent together: the time is told before it */
};

struct reader;

/* Does not connect yet. NULL: out of memory, or a cluster (*possible says which). */
struct reader *reader_open(const struct store_options *options, bool *possible);
void reader_close(struct reader *r); /* NULL is fine; nothing is asked */

/* Connect if need be, and have what is read tracked for this subscriber (store_redirect()). While
 * nothing is asked, in any thread, and waits. BFF_ERR_STORE_UNAVAILABLE, BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err reader_connect(struct reader *r, int64_t subscriber);

int reader_fd(const struct reader *r);              /* -1: not connected */
bool reader_is_in_doubt(const struct reader *r);    /* connected, but another one went silent */
int64_t reader_tracked_for(const struct reader *r); /* as store_tracked_for() */
bool reader_lost_reads(struct reader *r);           /* as store_lost_reads() */
size_t reader_asked(const struct reader *r);

/* To be sent by reader_send(). On a connected reader, of fewer than READER_LOADS_MAX. */
void reader_ask(struct reader *r, struct reader_load *load);

/* false: the connection is no good (any more), reader_drop() it. */
BFF_MUST_CHECK bool reader_send(struct reader *r);

/* Those that were answered, in their order, as a list by `next`; *ok as above, and what had been
 * answered before stands. */
struct reader_load *reader_receive(struct reader *r, bool *ok);

/* When the oldest of those asked has waited for redis.command_timeout: INT64_MAX, for none.
 * clock_mono_ms(). */
int64_t reader_due_ms(const struct reader *r);

/* Redis has been silent for that long: all connections are in doubt. reader_drop() it. */
void reader_is_silent(struct reader *r);

/* Close the connection. Those that were asked and not answered, in their order. */
struct reader_load *reader_drop(struct reader *r);

#endif
