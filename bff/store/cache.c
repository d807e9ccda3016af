#include "store/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

#define BYTES_PER_BUCKET 2048 /* about one entry: a token and a little JSON */
#define MALLOC_OVERHEAD 16
#define SWEPT_BUCKETS 8192 /* at a time: the cache as it comes */

struct entry {
    struct entry *next_in_bucket;
    struct entry *newer, *older;
    struct cached_session session; /* its views point into data[] */
    uint32_t ticket;
    unsigned char hash[SESSION_HASH_BYTES];
    char data[];
};

struct cache {
    size_t limit;
    size_t buckets; /* a power of two */
    struct entry **table;
    size_t next_swept; /* bucket */
    struct entry *newest, *oldest;
    struct cache_counters counters;
};

struct cache *cache_open(size_t bytes)
{
    size_t buckets = 1;
    while (buckets < bytes / BYTES_PER_BUCKET)
        buckets *= 2;
    struct cache *c = calloc(1, sizeof *c);
    struct entry **table = calloc(buckets, sizeof *table);
    if (!c || !table) {
        free(c);
        free(table);
        return NULL;
    }
    size_t own = sizeof *c + buckets * sizeof *table;
    *c = (struct cache){.limit = bytes, .buckets = buckets, .table = table};
    c->counters.bytes = own;
    return c;
}

void cache_close(struct cache *c)
{
    if (!c)
        return;
    cache_clear(c);
    free(c->table);
    free(c);
}

/* Other bytes of the hash than the fence's, so that the two are independent. */
static struct entry **bucket_of(struct cache *c, const unsigned char *hash)
{
    uint64_t n;
    memcpy(&n, hash + 8, sizeof n);
    return &c->table[n & (c->buckets - 1)];
}

static size_t data_size(const struct entry *e)
{
    return e->session.attached.n + e->session.user.n;
}

static size_t cost_of(size_t data)
{
    return sizeof(struct entry) + data + MALLOC_OVERHEAD;
}

static void list_add_newest(struct cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    if (c->newest)
        c->newest->newer = e;
    else
        c->oldest = e;
    c->newest = e;
}

static void list_remove(struct cache *c, struct entry *e)
{
    if (e->newer)
        e->newer->older = e->older;
    else
        c->newest = e->older;
    if (e->older)
        e->older->newer = e->newer;
    else
        c->oldest = e->newer;
}

static void remove_entry(struct cache *c, struct entry *e)
{
    struct entry **link = bucket_of(c, e->hash);
    while (*link != e)
        link = &(*link)->next_in_bucket;
    *link = e->next_in_bucket;
    list_remove(c, e);
    size_t data = data_size(e);
    c->counters.bytes -= cost_of(data);
    c->counters.entries--;
    wipe(e, sizeof *e + data);
    free(e);
}

static struct entry *find(struct cache *c, const unsigned char *hash)
{
    struct entry *e = *bucket_of(c, hash);
    while (e && memcmp(e->hash, hash, SESSION_HASH_BYTES) != 0)
        e = e->next_in_bucket;
    return e;
}

static struct str copy_to(char *to, struct str s)
{
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    return (struct str){to, s.n};
}

bool cache_put(struct cache *c, const unsigned char hash[SESSION_HASH_BYTES], uint32_t ticket,
               const struct cached_session *session)
{
    struct entry *e = find(c, hash);
    struct entry *old = e;
    size_t data = session->attached.n + session->user.n;
    size_t own = sizeof *c + c->buckets * sizeof *c->table;
    bool fits = own < c->limit && data < c->limit && cost_of(data) <= c->limit - own;
    e = fits ? malloc(sizeof *e + data) : NULL;
    if (e) {
        *e = (struct entry){.session = *session, .ticket = ticket};
        memcpy(e->hash, hash, SESSION_HASH_BYTES);
        e->session.attached = copy_to(e->data, session->attached);
        e->session.user = copy_to(e->data + session->attached.n, session->user);
    }
    /* Only now: the caller's views may be those of the old entry. */
    if (old)
        remove_entry(c, old);
    if (!e)
        return false;
    while (c->counters.bytes + cost_of(data) > c->limit) {
        remove_entry(c, c->oldest);
        c->counters.evictions++;
    }
    struct entry **bucket = bucket_of(c, hash);
    e->next_in_bucket = *bucket;
    *bucket = e;
    list_add_newest(c, e);
    c->counters.bytes += cost_of(data);
    c->counters.entries++;
    return true;
}

static bool is_current(const struct entry *e, const struct fence *fence, int64_t now_ms)
{
    const struct cached_session *s = &e->session;
    return fence_read(fence, e->hash) == e->ticket && now_ms < s->entry_until_ms &&
           now_ms < s->idle_until_ms && now_ms < s->absolute_until_ms;
}

bool cache_get(struct cache *c, const struct fence *fence,
               const unsigned char hash[SESSION_HASH_BYTES], int64_t now_ms,
               struct cached_session *out)
{
    struct entry *e = find(c, hash);
    if (e && !is_current(e, fence, now_ms)) {
        remove_entry(c, e);
        e = NULL;
    }
    if (!e) {
        c->counters.misses++;
        return false;
    }
    if (c->newest != e) {
        list_remove(c, e);
        list_add_newest(c, e);
    }
    c->counters.hits++;
    *out = e->session;
    return true;
}

void cache_sweep(struct cache *c, const struct fence *fence, int64_t now_ms)
{
    size_t n = c->buckets < SWEPT_BUCKETS ? c->buckets : SWEPT_BUCKETS;
    for (; n > 0; n--) {
        struct entry *e = c->table[c->next_swept++ & (c->buckets - 1)];
        while (e) {
            struct entry *next = e->next_in_bucket;
            if (!is_current(e, fence, now_ms))
                remove_entry(c, e);
            e = next;
        }
    }
}

void cache_clear(struct cache *c)
{
    while (c->oldest)
        remove_entry(c, c->oldest);
}

struct cache_counters cache_counters(const struct cache *c)
{
    return c->counters;
}
