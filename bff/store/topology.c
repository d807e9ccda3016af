#include "store/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wipe.h"
#include "store/cluster.h"
#include "store/sentinel.h"

/* A subscriber is the client's id, of 40 bits, below a name of its server. */
#define CLIENT_ID_BITS 40
#define CLIENT_ID_MASK ((INT64_C(1) << CLIENT_ID_BITS) - 1)
#define SERVER_BITS 22
#define DOUBT_AGAIN_MS 1000
#define MOVING_PAUSE_MS 50

static char *copy_cstr(struct str s)
{
    char *p = malloc(s.n + 1);
    if (!p)
        return NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

static bool credentials_init(struct credentials *c, struct str user, struct str password)
{
    c->user = copy_cstr(user);
    c->password = copy_cstr(password);
    return c->user && c->password;
}

static void credentials_free(struct credentials *c)
{
    if (c->password)
        wipe(c->password, strlen(c->password));
    free(c->password);
    free(c->user);
    c->user = c->password = NULL;
}

bool topology_init(struct topology *t, const struct store_options *options)
{
    const struct config *config = options->config;
    *t = (struct topology){
        .connect_ms = config->redis.connect_ms,
        .command_ms = config->redis.command_ms,
    };
    t->has_place = redis_url_parse(config->redis.url, &t->place);
    if (!credentials_init(&t->redis, config->redis.user, options->password) ||
        !credentials_init(&t->sentinel, config->redis.sentinel_user, options->sentinel_password)) {
        topology_close(t);
        return false;
    }
    t->server = (struct connection){
        .address = t->place.seeds[0],
        .db = t->place.db,
        .connect_ms = t->connect_ms,
        .command_ms = t->command_ms,
        .user = t->redis.user,
        .password = t->redis.password,
        .error = t->error,
    };
    if (t->place.kind != REDIS_CLUSTER || (t->cluster = cluster_open(t)))
        return true;
    topology_close(t);
    return false;
}

void topology_close(struct topology *t)
{
    cluster_close(t->cluster);
    connection_drop(&t->server);
    credentials_free(&t->redis);
    credentials_free(&t->sentinel);
}

static enum bff_err connect_to_primary(struct topology *t, bool *is_new)
{
    struct connection *c = &t->server;
    if (connection_is_open(c)) {
        *is_new = false;
        return connection_ready(c, NULL);
    }
    connection_drop(c);
    *is_new = true;
    enum bff_err err = sentinel_find_primary(t, &c->address);
    if (err == BFF_OK)
        err = connection_ready(c, NULL);
    if (err == BFF_OK)
        err = sentinel_verify_primary(c);
    return err;
}

enum bff_err topology_connect(struct topology *t, struct str key, struct connection **out,
                              bool *is_new)
{
    bool ignored;
    *out = &t->server;
    if (!t->has_place)
        return connection_fail(&t->server, "redis.url is of no form that bffd knows");
    if (!is_new)
        is_new = &ignored;
    t->server.limit_ms = t->limit_ms;
    enum bff_err err = BFF_OK;
    switch (t->place.kind) {
    case REDIS_SINGLE:
        err = connection_ready(&t->server, is_new);
        break;
    case REDIS_SENTINEL:
        err = connect_to_primary(t, is_new);
        break;
    case REDIS_CLUSTER:
        err = cluster_connect(t, key, out, is_new);
        break;
    }
    t->limit_ms = t->server.limit_ms = 0;
    return err;
}

bool topology_each(struct topology *t, size_t i, struct connection **out, bool *is_new,
                   enum bff_err *err)
{
    if (i == 0)
        *err = topology_connect(t, (struct str){NULL, 0}, out, is_new);
    if (t->place.kind != REDIS_CLUSTER || (i == 0 && *err != BFF_OK))
        return i == 0;
    if (!cluster_server(t, i, out))
        return false;
    *err = connection_ready(*out, is_new);
    return true;
}

/* Does the answer say that another server may execute what this one has not? */
static bool is_elsewhere(struct topology *t, const struct connection *failed)
{
    switch (t->place.kind) {
    case REDIS_SINGLE:
        return false;
    case REDIS_SENTINEL:
        return failed->refusal == REFUSAL_READONLY || failed->refusal == REFUSAL_ALONE;
    case REDIS_CLUSTER:
        return cluster_follow(t, failed);
    }
    return false;
}

bool topology_can_repeat(struct topology *t, const struct connection *failed, int64_t began_ms)
{
    int64_t left_ms = began_ms + t->command_ms - clock_mono_ms();
    if (!is_elsewhere(t, failed) || left_ms <= 0)
        return false;
    t->limit_ms = (uint32_t)left_ms;
    return true;
}

bool topology_awaits_primary(struct topology *t, const struct connection *failed,
                             int64_t subscriber, int64_t began_ms)
{
    int64_t left_ms = began_ms + t->command_ms - clock_mono_ms() - MOVING_PAUSE_MS;
    if (t->place.kind != REDIS_SINGLE || failed->refusal != REFUSAL_READONLY || left_ms <= 0)
        return false;
    clock_pause_ms(MOVING_PAUSE_MS);
    t->left_subscriber = subscriber;
    t->limit_ms = (uint32_t)left_ms;
    return true;
}

/* FNV-1a, folded. Never 0. */
static int64_t server_name(const struct redis_address *a)
{
    uint32_t hash = 2166136261u;
    for (const char *p = a->host; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    hash = (hash ^ (a->port & 0xffu)) * 16777619u;
    hash = (hash ^ (uint32_t)(a->port >> 8)) * 16777619u;
    return (int64_t)((hash ^ hash >> SERVER_BITS) & ((1u << SERVER_BITS) - 1)) | 1;
}

int64_t topology_subscriber(const struct topology *t, const struct connection *c, int64_t client_id)
{
    if (t->place.kind == REDIS_SINGLE)
        return client_id;
    if (t->place.kind == REDIS_CLUSTER)
        return WATCH_UNTRACKED;
    return server_name(&c->address) << CLIENT_ID_BITS | (client_id & CLIENT_ID_MASK);
}

int64_t topology_client_id(const struct topology *t, const struct connection *c, int64_t subscriber)
{
    if (t->place.kind == REDIS_SINGLE)
        return subscriber != t->left_subscriber ? subscriber : 0;
    if (t->place.kind == REDIS_CLUSTER)
        return 0;
    return subscriber >> CLIENT_ID_BITS == server_name(&c->address) ? subscriber & CLIENT_ID_MASK
                                                                    : 0;
}

void topology_doubt(struct topology *t, int64_t subscriber)
{
    if (t->place.kind != REDIS_SENTINEL || subscriber == 0 || !t->server.redis ||
        topology_client_id(t, &t->server, subscriber) != 0)
        return;
    int64_t now_ms = clock_mono_ms();
    if (now_ms < t->doubted_ms + DOUBT_AGAIN_MS)
        return;
    t->doubted_ms = now_ms;
    connection_drop(&t->server);
}
