#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "codec/backend.h"
#include "store/store_handle.h"

struct store *store_open(const struct store_options *options)
{
    assert(options->config->redis.prefix.n <= REDIS_PREFIX_MAX);
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->config = options->config;
    s->keys = options->keys;
    s->redirect = options->redirect_client;
    struct buf channel = buf_make(s->channel, sizeof s->channel);
    buf_add(&channel, options->config->redis.prefix);
    buf_add(&channel, STR("refresh"));
    s->channel_length = channel.n;
    if (!topology_init(&s->topology, options)) {
        free(s);
        return NULL;
    }
    s->connection = &s->topology.server;
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    topology_close(&s->topology);
    free(s);
}

void store_redirect(struct store *s, int64_t subscriber)
{
    s->redirect = subscriber;
}

int64_t store_tracked_for(const struct store *s)
{
    return s->connection->redis ? s->tracked_for : 0;
}

const char *store_last_error(const struct store *s)
{
    return s->topology.error;
}

/* Tell Redis who hears of what is read here. A subscriber that is gone, or that listens to another
 * server, leaves the reads untracked: no reason to fail them, and store_tracked_for() says so. */
static enum bff_err follow_redirect(struct store *s)
{
    int64_t client = topology_client_id(&s->topology, s->connection, s->redirect);
    int64_t wanted = client != 0 ? s->redirect : 0;
    if (s->tracked_for == wanted)
        return BFF_OK;
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, client);
    const char *argv[] = {"CLIENT", "TRACKING", wanted ? "ON" : "OFF", "REDIRECT", id, "NOLOOP"};
    redisReply *reply = connection_call(s->connection, wanted ? 6 : 3, argv, NULL);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    if (reply->type != REDIS_REPLY_ERROR)
        s->tracked_for = wanted;
    freeReplyObject(reply);
    return BFF_OK;
}

bool store_lost_reads(struct store *s)
{
    bool lost = s->has_lost_reads || (s->tracked_for != 0 && !s->connection->redis);
    s->has_lost_reads = false;
    if (!s->connection->redis)
        s->tracked_for = 0;
    return lost;
}

void store_look(struct store *s)
{
    if (s->tracked_for != 0 && s->connection->redis && !connection_is_open(s->connection))
        connection_drop(s->connection);
}

static enum bff_err connected(struct store *s, bool is_new)
{
    if (is_new && s->tracked_for != 0)
        s->has_lost_reads = true;
    if (is_new)
        s->tracked_for = 0;
    return follow_redirect(s);
}

void handle_args(const struct store *s, struct script_args *args)
{
    args->n = 0;
    script_add_number(args, (int64_t)s->config->session.idle_s * 1000);
    script_add_number(args, (int64_t)s->config->session.absolute_s * 1000);
    script_add(args, (struct str){s->channel, s->channel_length});
}

enum bff_err handle_connect(struct store *s, struct str key)
{
    bool is_new;
    topology_doubt(&s->topology, s->redirect);
    enum bff_err err = topology_connect(&s->topology, key, &s->connection, &is_new);
    return err == BFF_OK ? connected(s, is_new) : err;
}

/* What is asked for once, and in some cases once more. */
struct call {
    struct str key;
    enum script which;
    const struct script_args *args; /* NULL: it is only read */
    union {
        struct script_reply *reply;
        struct reading *reading;
    };
};

static enum bff_err call_once(struct store *s, const struct call *call)
{
    enum bff_err err = handle_connect(s, call->key);
    s->was_sent = err == BFF_OK;
    s->asked_ms = clock_mono_ms();
    if (err != BFF_OK)
        return err;
    if (!call->args)
        return reading_take(s->connection, call->key, call->reading);
    return script_run(&s->scripts, s->connection, call->which, call->key, call->args, call->reply);
}

/* Connecting included, where that is needed. */
static enum bff_err measured_call(struct store *s, const struct call *call)
{
    int64_t began_us = clock_mono_us();
    enum bff_err err = call_once(s, call);
    metrics_observe(HISTOGRAM_REDIS, clock_mono_us() - began_us);
    if (err == BFF_ERR_STORE_UNAVAILABLE)
        metrics_count(METRIC_REDIS_FAILURES);
    return err;
}

static enum bff_err make_call(struct store *s, const struct call *call)
{
    int64_t began_ms = clock_mono_ms();
    enum bff_err err = measured_call(s, call);
    if (err == BFF_ERR_STORE_UNAVAILABLE &&
        topology_can_repeat(&s->topology, s->connection, began_ms))
        err = measured_call(s, call);
    while (err == BFF_ERR_STORE_UNAVAILABLE &&
           topology_awaits_primary(&s->topology, s->connection, s->redirect, began_ms))
        err = measured_call(s, call);
    return err;
}

enum bff_err handle_read(struct store *s, const struct session_name *name, struct reading *out)
{
    return make_call(s, &(struct call){.key = handle_key(name), .reading = out});
}

enum bff_err handle_run(struct store *s, enum script which, const struct session_name *name,
                        const struct script_args *args, struct script_reply *out)
{
    return make_call(
        s, &(struct call){.key = handle_key(name), .which = which, .args = args, .reply = out});
}

enum bff_err handle_read_record(const struct script_reply *reply, struct record *out)
{
    uint64_t now_ms;
    if (!str_to_u64(reply->values[0], INT64_MAX, &now_ms) ||
        record_read((int64_t)now_ms, reply->values[1], out) != BFF_OK)
        return BFF_ERR_SEAL_BROKEN;
    return BFF_OK;
}

bool handle_read_wait(struct str text, int64_t longest_ms, int64_t *out)
{
    uint64_t ms;
    if (!str_to_u64(text, INT64_MAX, &ms))
        return false;
    *out = (int64_t)ms < longest_ms ? (int64_t)ms : longest_ms;
    return true;
}

enum bff_err handle_open(const struct store *s, const struct session_name *name,
                         const struct record *record, enum record_part part, struct arena *arena,
                         struct session *out)
{
    struct session session;
    enum bff_err err = record_open(s->config, s->keys, name, record, part, arena, &session);
    session.asked_ms = s->asked_ms;
    if (err == BFF_OK)
        *out = session;
    return err;
}

void handle_add_life(struct script_args *args, int64_t life_ms)
{
    if (life_ms == TOKEN_LIFE_UNKNOWN)
        script_add(args, STR(""));
    else
        script_add_number(args, life_ms < 0                    ? 0
                                : life_ms > RECORD_LIFE_MAX_MS ? RECORD_LIFE_MAX_MS
                                                               : life_ms);
}

void handle_add_refresh_life(struct script_args *args, const struct session_tokens *tokens)
{
    handle_add_life(args, tokens->refresh.n > 0 ? tokens->refresh_life_ms : TOKEN_LIFE_UNKNOWN);
}

enum bff_err handle_stored(struct store *s, const struct session_tokens *tokens,
                           const struct script_reply *reply, struct arena *arena,
                           struct session *out, struct record *record)
{
    if (handle_read_record(reply, record) != BFF_OK)
        return script_misunderstood(s->connection);
    struct session session = {.asked_ms = s->asked_ms};
    record_times(s->config, record, &session);
    if (!arena_copy(arena, tokens->access, &session.access) ||
        !arena_copy(arena, tokens->refresh, &session.refresh) ||
        !arena_copy(arena, tokens->user_id, &session.user_id) ||
        !arena_copy(arena, tokens->user, &session.user))
        return BFF_ERR_NO_MEMORY;
    *out = session;
    return BFF_OK;
}

/* The value of "NAME:value\r\n" in what INFO answers. */
static struct str info_value(struct str info, struct str name)
{
    while (info.n > 0) {
        struct str_cut line = str_cut(info, '\n');
        struct str_cut field = str_cut(str_trim(line.head), ':');
        if (field.found && str_eq(field.head, name))
            return field.tail;
        info = line.tail;
    }
    return (struct str){NULL, 0};
}

static enum bff_err judge_info(struct store *s, struct str info)
{
    char *error = s->topology.error;
    size_t size = sizeof s->topology.error;
    struct str version = info_value(info, STR("redis_version"));
    struct str policy = info_value(info, STR("maxmemory_policy"));
    uint64_t major;
    if (!str_to_u64(str_cut(version, '.').head, UINT32_MAX, &major) || policy.n == 0)
        return script_misunderstood(s->connection);
    if (major < REDIS_MAJOR_MIN) {
        snprintf(error, size, "Redis %.*s is too old: version %d or newer is needed",
                 STR_ARG(version), REDIS_MAJOR_MIN);
        return BFF_ERR_MALFORMED;
    }
    if (!str_eq(policy, STR("noeviction"))) {
        snprintf(error, size,
                 "Redis would evict sessions (maxmemory-policy %.*s): set "
                 "\"maxmemory-policy noeviction\" in its configuration",
                 STR_ARG(policy));
        return BFF_ERR_MALFORMED;
    }
    return BFF_OK;
}

static enum bff_err check_server(struct store *s)
{
    const char *argv[] = {"INFO"};
    redisReply *reply = connection_call(s->connection, 1, argv, NULL);
    if (!reply)
        return BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = BFF_OK;
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(s->connection, reply);
        err = BFF_ERR_STORE_UNAVAILABLE;
    } else if (reply->type != REDIS_REPLY_STRING) {
        err = script_misunderstood(s->connection);
    } else {
        err = judge_info(s, (struct str){reply->str, (size_t)reply->len});
    }
    freeReplyObject(reply);
    return err;
}

bool handle_server(struct store *s, size_t i, struct connection **out, enum bff_err *err)
{
    bool is_new;
    *err = BFF_OK;
    if (!topology_each(&s->topology, i, &s->connection, &is_new, err))
        return false;
    if (*err == BFF_OK)
        *err = connected(s, is_new);
    *out = s->connection;
    return *err == BFF_OK;
}

enum bff_err store_check(struct store *s)
{
    enum bff_err err = BFF_OK;
    struct connection *c;
    for (size_t i = 0; err == BFF_OK && handle_server(s, i, &c, &err); i++)
        err = check_server(s);
    return err;
}
