/*
 * What Redis says unasked, and what says where it is: messages of the watch, CLUSTER SLOTS, and
 * addresses that sentinels name. Input: a byte that chooses, then replies as they come over the
 * wire.
 */
#include "fuzz_redis.h"
#include "store/cluster.c"
#include "store/sentinel.c"
#include "store/watch.c"

#define PREFIX "bff:"

static void changed(void *self, struct str key)
{
    unsigned char hash[SESSION_HASH_BYTES], again[SESSION_HASH_BYTES];
    struct session_name name;
    (void)self;
    if (!key.p || !session_key_hash(redis_config(), key, hash))
        return;
    session_name_of_hash(redis_config(), hash, &name);
    demand(str_eq((struct str){name.key, name.key_length}, key));
    demand(session_key_hash(redis_config(), key, again) && memcmp(hash, again, sizeof hash) == 0);
}

static void refreshed(void *self, struct str key)
{
    demand(key.n > 0);
    changed(self, key);
}

static void hear_message(const redisReply *reply)
{
    static struct watch w = {.call = {.changed = changed, .refreshed = refreshed},
                             .refresh_channel = PREFIX "refresh",
                             .refresh_channel_length = sizeof PREFIX "refresh" - 1};
    handle(&w, reply);
}

static void check_address(const struct redis_address *a)
{
    demand(strnlen(a->host, sizeof a->host) < sizeof a->host && a->host[0] && a->port > 0);
}

static void hear_address(const redisReply *reply)
{
    struct redis_address address;
    if (read_address(reply, &address))
        check_address(&address);
}

/* Whoever owns a slot is a node that is known, and there are not more than there may be. */
static void hear_map(const redisReply *reply)
{
    static struct topology t = {
        .place = {.kind = REDIS_CLUSTER, .seeds = {{.host = "a", .port = 7000}}, .n_seeds = 1}};
    if (!t.cluster)
        demand(cluster_open(&t));
    const struct redis_address asked = t.place.seeds[0];
    (void)read_map(&t, reply, &asked);
    demand(t.cluster->n_nodes >= 1 && t.cluster->n_nodes <= NODES_MAX);
    for (size_t slot = 0; slot < SLOTS; slot += 61) {
        uint8_t owner = t.cluster->owners[slot];
        demand(owner == NOBODY || owner < t.cluster->n_nodes);
    }
    for (size_t i = 0; i < t.cluster->n_nodes; i++)
        check_address(&t.cluster->nodes[i]->address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const hear[])(const redisReply *reply) = {hear_message, hear_address, hear_map};
    struct str said = {(const char *)data, size};
    uint8_t which = take_byte(&said) % 3;
    if (has_long_array(said))
        return 0;
    redisReader *reader = redisReaderCreate();
    demand(reader && redisReaderFeed(reader, said.p ? said.p : "", said.n) == REDIS_OK);
    void *reply = NULL;
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
        hear[which](reply);
        freeReplyObject(reply);
        reply = NULL;
    }
    redisReaderFree(reader);
    return 0;
}
