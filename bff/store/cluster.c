#include "store/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NODES_MAX 128
#define NOBODY UINT8_MAX
#define MAP_AGAIN_MS 1000

_Static_assert(NODES_MAX < NOBODY, "a node's number fits");

struct cluster {
    struct connection *nodes[NODES_MAX]; /* owned; the seeds come first */
    size_t n_nodes;
    uint8_t owners[SLOTS]; /* number of the node, or NOBODY */
    bool is_mapped, is_stale;
    int64_t mapped_ms;
    size_t turn;              /* who is asked first next time */
    struct connection *asked; /* goes on to be asked with ASKING until the next connect */
    struct connection *next;  /* where the last answer pointed; NULL: where the key is */
    bool next_asks;
};

static bool is_same(const struct redis_address *a, const struct redis_address *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool serves(const struct cluster *k, size_t node)
{
    return memchr(k->owners, (int)node, sizeof k->owners) != NULL;
}

/* A place for one more node: a new one, or that of one that serves nothing. NODES_MAX: none. */
static size_t place_for_node(const struct cluster *k, size_t n_seeds)
{
    if (k->n_nodes < NODES_MAX)
        return k->n_nodes;
    for (size_t i = n_seeds; i < NODES_MAX; i++)
        if (!serves(k, i))
            return i;
    return NODES_MAX;
}

/* The number of the node at this address, which may be new. NODES_MAX: no memory, or too many. */
static size_t node_at(struct topology *t, const struct redis_address *address)
{
    struct cluster *k = t->cluster;
    for (size_t i = 0; i < k->n_nodes; i++)
        if (is_same(&k->nodes[i]->address, address))
            return i;
    size_t place = place_for_node(k, t->place.n_seeds);
    if (place == NODES_MAX)
        return NODES_MAX;
    if (place == k->n_nodes) {
        k->nodes[place] = calloc(1, sizeof *k->nodes[place]);
        if (!k->nodes[place])
            return NODES_MAX;
        k->n_nodes++;
    }
    connection_drop(k->nodes[place]);
    *k->nodes[place] = (struct connection){
        .address = *address,
        .connect_ms = t->connect_ms,
        .command_ms = t->command_ms,
        .user = t->redis.user,
        .password = t->redis.password,
        .in_cluster = true,
        .error = t->error,
    };
    return place;
}

struct cluster *cluster_open(struct topology *t)
{
    struct cluster *k = t->cluster = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    memset(k->owners, NOBODY, sizeof k->owners);
    for (size_t i = 0; i < t->place.n_seeds; i++) {
        if (node_at(t, &t->place.seeds[i]) == NODES_MAX) {
            cluster_close(k);
            return t->cluster = NULL;
        }
    }
    return k;
}

void cluster_close(struct cluster *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n_nodes; i++) {
        connection_drop(k->nodes[i]);
        free(k->nodes[i]);
    }
    free(k);
}

/* false: there is nothing in it that can be used. What it does not mention is served by nobody. */
static bool read_map(struct topology *t, const redisReply *reply, const struct redis_address *asked)
{
    uint8_t owners[SLOTS];
    bool some = false;
    memset(owners, NOBODY, sizeof owners);
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        struct slot_range range;
        if (!slot_range_read(reply->element[i], asked, &range))
            continue;
        size_t node = node_at(t, &range.primary);
        if (node == NODES_MAX)
            continue;
        memset(owners + range.first, (int)node, (size_t)(range.last - range.first) + 1);
        some = true;
        /* Known to serve from here on, so that its place is not given to the next row's. */
        t->cluster->owners[range.first] = (uint8_t)node;
    }
    if (some)
        memcpy(t->cluster->owners, owners, sizeof owners);
    return some;
}

/* c->error says why not. */
static bool ask_for_map(struct topology *t, struct connection *c, uint32_t limit_ms)
{
    struct redis_address asked = c->address;
    c->asking = false;
    c->limit_ms = limit_ms;
    enum bff_err err = connection_ready(c, NULL);
    c->limit_ms = 0;
    if (err != BFF_OK)
        return false;
    const char *argv[] = {"CLUSTER", "SLOTS"};
    redisReply *reply = connection_call(c, 2, argv, NULL);
    if (!reply)
        return false;
    bool ok = false;
    if (reply->type == REDIS_REPLY_ERROR)
        connection_refused(c, reply);
    else if (!(ok = read_map(t, reply, &asked)))
        connection_fail(c, "this Redis knows of no server that serves slots");
    freeReplyObject(reply);
    return ok;
}

/* Those that are connected first. All of it takes no more than redis.connect_timeout. */
static bool make_map(struct topology *t)
{
    struct cluster *k = t->cluster;
    bool was_tried[NODES_MAX] = {false};
    size_t n = k->n_nodes, left = n, turn = k->turn++;
    int64_t until_ms = clock_mono_ms() + t->connect_ms;
    for (size_t i = 0; i < 2 * n; i++) {
        size_t which = (turn + i) % n;
        if (was_tried[which] || (i < n && !connection_is_open(k->nodes[which])))
            continue;
        int64_t share_ms = (until_ms - clock_mono_ms()) / (int64_t)left;
        if (share_ms < 1)
            break;
        left--;
        was_tried[which] = true;
        if (!ask_for_map(t, k->nodes[which], (uint32_t)(share_ms + 1) / 2))
            continue;
        k->is_mapped = true;
        k->is_stale = false;
        k->mapped_ms = clock_mono_ms();
        return true;
    }
    return false;
}

static bool is_map_due(const struct cluster *k)
{
    return !k->is_mapped || (k->is_stale && clock_mono_ms() >= k->mapped_ms + MAP_AGAIN_MS);
}

bool cluster_server(struct topology *t, size_t i, struct connection **out)
{
    const struct cluster *k = t->cluster;
    for (size_t node = 0; node < k->n_nodes; node++) {
        if (!serves(k, node) || i-- > 0)
            continue;
        *out = k->nodes[node];
        return true;
    }
    return false;
}

/* NULL: nobody serves it. For no key: any server, not the same every time. */
static struct connection *server_of(struct topology *t, struct str key)
{
    struct cluster *k = t->cluster;
    if (key.n > 0) {
        uint8_t owner = k->owners[slot_of_key(key)];
        return owner == NOBODY ? NULL : k->nodes[owner];
    }
    struct connection *c = NULL;
    if (!cluster_server(t, k->turn++ % k->n_nodes, &c) && cluster_server(t, 0, &c))
        k->turn = 1;
    return c;
}

static enum bff_err connect_node(struct topology *t, struct connection *c, bool *is_new)
{
    c->limit_ms = t->limit_ms;
    enum bff_err err = connection_ready(c, is_new);
    c->limit_ms = 0;
    return err;
}

static struct connection *take_next(struct cluster *k)
{
    struct connection *c = k->next;
    if (k->asked)
        k->asked->asking = false;
    k->asked = k->next_asks ? c : NULL;
    if (k->asked)
        k->asked->asking = true;
    k->next = NULL;
    k->next_asks = false;
    return c;
}

enum bff_err cluster_connect(struct topology *t, struct str key, struct connection **out,
                             bool *is_new)
{
    struct cluster *k = t->cluster;
    struct connection *c = take_next(k);
    *out = k->nodes[0];
    if (!c && is_map_due(k) && !make_map(t) && !k->is_mapped)
        return BFF_ERR_STORE_UNAVAILABLE;
    if (!c)
        c = server_of(t, key);
    enum bff_err err = BFF_ERR_STORE_UNAVAILABLE;
    if (c) {
        *out = c;
        err = connect_node(t, c, is_new);
    }
    if (err != BFF_ERR_STORE_UNAVAILABLE)
        return err;
    /* Nothing was sent yet: another server may have taken over. */
    if (!make_map(t))
        return err;
    struct connection *now = server_of(t, key);
    if (!now)
        snprintf(t->error, sizeof t->error, "no server of the Redis cluster serves this slot");
    if (!now || (now == c && key.n > 0))
        return err;
    *out = now;
    return connect_node(t, now, is_new);
}

bool cluster_follow(struct topology *t, const struct connection *failed)
{
    struct cluster *k = t->cluster;
    k->is_stale = true;
    if (failed->refusal != REFUSAL_REDIRECTED)
        return false;
    const struct redirect to = failed->redirect;
    size_t node = node_at(t, &to.to);
    if (node == NODES_MAX)
        return false;
    k->next = k->nodes[node];
    k->next_asks = to.is_ask;
    if (!to.is_ask)
        k->owners[to.slot] = (uint8_t)node;
    return true;
}
