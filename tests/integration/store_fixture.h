/* What the store's tests share: a private Redis, a configuration, keys, a cookie and two workers.
 */
#ifndef TESTS_INTEGRATION_STORE_FIXTURE_H
#define TESTS_INTEGRATION_STORE_FIXTURE_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../assert_str.h"
#include "codec/backend.h"
#include "private_redis.h"
#include "store/record.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

#define assert_ok(err) assert_int_equal((err), BFF_OK)

static struct private_redis redis;
static redisContext *raw; /* the test's own connection */
static struct config config;
static struct arena arena;
static struct keyring *keys;
static char cookie[43];
static struct session_name name;
static struct store *worker, *other;

static const struct session_tokens first_tokens = {
    .access = {"access-token-1", 14},
    .refresh = {"refresh-token-1", 15},
    .access_life_ms = 5 * 60000,
    .refresh_life_ms = 24 * 3600000,
    .user_id = {"42", 2},
    .user = {"{\"username\":\"alice\"}", 20},
};
static const struct session_tokens second_tokens = {
    .access = {"access-token-2", 14},
    .refresh = {"refresh-token-2", 15},
    .access_life_ms = 5 * 60000,
    .refresh_life_ms = 24 * 3600000,
};

static inline struct store_options options_now(void)
{
    return (struct store_options){.config = &config, .keys = keys};
}

static inline void set_configuration(void)
{
    config = (struct config){0};
    config.redis.url = str_from(redis.url);
    config.redis.prefix = STR("test:");
    config.redis.connect_ms = 1000;
    config.redis.command_ms = 2000;
    config.session.idle_s = 3600;
    config.session.absolute_s = 7 * 86400;
    config.session.touch_s = 60;
    config.refresh.lease_ms = 20000;
    config.refresh.grace_ms = 30000;
    config.refresh.backoff_min_ms = 1000;
    config.refresh.backoff_max_ms = 8000;
}

static inline void open_raw(void)
{
    raw = private_redis_connect(&redis);
}

/* Run a command on the test's own connection and give its integer, or whether it answered OK. */
__attribute__((format(printf, 1, 2))) static inline long long ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(raw, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    long long n = reply->integer;
    if (reply->type == REDIS_REPLY_STRING)
        n = atoll(reply->str);
    freeReplyObject(reply);
    return n;
}

static inline int64_t redis_now_ms(void)
{
    redisReply *reply = redisCommand(raw, "TIME");
    assert_non_null(reply);
    int64_t ms = atoll(reply->element[0]->str) * 1000 + atoll(reply->element[1]->str) / 1000;
    freeReplyObject(reply);
    return ms;
}

/* A field of the record by its name in scripts/session.lua: read, or written when there is a value.
 * Nothing else of the record is changed, and the key keeps its end. Its fields are then all there:
 * no longer at rest. */
#define AT_FIELD                                                                                   \
    "local names = {'version', 'state', 'gen', 'created', 'seen', 'granted', 'access_exp', "       \
    "'refresh_exp', 'epoch', 'commit', 'uid', 'device', 'lease', 'backoff', 'ambiguous', "         \
    "'fails', 'owner'} "                                                                           \
    "local format = '>BBI4I6I6I6I6I6I7c8c16c2I6I6I6Bc8' "                                          \
    "local value = redis.call('GET', KEYS[1]) "                                                    \
    "if value:byte(2) == 0 then value = value:sub(1, 1) .. '\\1' .. value:sub(3, 69) .. "          \
    "string.rep('\\0', 27) .. value:sub(70) end "                                                  \
    "local fields, at = {struct.unpack(format, value)} "                                           \
    "for i, name in ipairs(names) do if name == ARGV[1] then at = i end end "                      \
    "if ARGV[2] then fields[at] = tonumber(ARGV[2]) "                                              \
    "redis.call('SET', KEYS[1], struct.pack(format, unpack(fields, 1, #names)) .. "                \
    "value:sub(fields[#names + 1]), 'KEEPTTL') end "                                               \
    "return string.format('%.0f', fields[at])"

static inline long long field(const char *which)
{
    return ask("EVAL %s 1 %s %s", AT_FIELD, name.key, which);
}

/* Time is moved by moving the times in the record. */
static inline void set_field(const char *which, int64_t value)
{
    ask("EVAL %s 1 %s %s %lld", AT_FIELD, name.key, which, (long long)value);
}

/* What stands at the session's key, in the arena. */
static inline struct str stored_value(void)
{
    redisReply *reply = redisCommand(raw, "GET %s", name.key);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    struct str value;
    assert_true(arena_copy(&arena, (struct str){reply->str, (size_t)reply->len}, &value));
    freeReplyObject(reply);
    return value;
}

static inline void run_out_lease(void)
{
    set_field("lease", redis_now_ms() - 1);
}

static inline int start_redis(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (!seal_init())
        return -1;
    private_redis_make(&redis);
    private_redis_start(&redis, NULL);
    return 0;
}

static inline int remove_redis(void **state)
{
    (void)state;
    private_redis_remove(&redis);
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    if (redis.pid == 0)
        private_redis_start(&redis, NULL);
    set_configuration();
    open_raw();
    ask("FLUSHALL");
    arena = arena_make(1024 * 1024);
    char line[SEAL_KEY_LINE + 1];
    keyring_generate(line);
    struct str message;
    if (!keyring_parse(&arena, str_from(line), &keys, &message))
        return -1;
    seal_new_cookie(cookie);
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    struct store_options options = options_now();
    worker = store_open(&options);
    other = store_open(&options);
    return worker && other ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    store_close(worker);
    store_close(other);
    redisFree(raw);
    keyring_free(keys);
    arena_free(&arena);
    return 0;
}

static inline struct session create_session(void)
{
    struct session s;
    assert_ok(store_create(worker, &name, &first_tokens, &arena, &s));
    return s;
}

static inline struct session load_session(void)
{
    struct session s;
    assert_ok(store_load(worker, &name, false, &arena, &s));
    return s;
}

static inline void store_value(struct str value)
{
    redisReply *reply = redisCommand(raw, "SET %s %b KEEPTTL", name.key, value.p, value.n);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

/* With its refresh token, which loading leaves packed. */
static inline struct session stored_session(void)
{
    struct record record;
    struct session s;
    assert_ok(record_read(redis_now_ms(), stored_value(), &record));
    assert_ok(record_open(&config, keys, &name, &record, RECORD_ALL, &arena, &s));
    return s;
}

static inline void assert_no_session(void)
{
    struct session s;
    assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_MISSING);
    assert_int_equal(ask("EXISTS %s", name.key), 0);
}

static inline struct begin begin_as(struct store *who, uint64_t seen)
{
    struct begin b;
    assert_ok(store_begin(who, &name, seen, &arena, &b));
    return b;
}

static inline struct begin begin_and_go(struct store *who)
{
    struct begin b = begin_as(who, 0);
    assert_int_equal(b.result, BEGIN_GO);
    return b;
}

static inline enum commit_result commit_as(struct store *who, const struct begin *b,
                                           const struct session_tokens *tokens, struct session *out)
{
    enum commit_result result;
    assert_ok(store_commit(who, &name, &b->session, tokens, &arena, &result, out));
    return result;
}

static inline enum reject_result reject_as(struct store *who, const struct begin *b,
                                           int64_t *wait_ms)
{
    enum reject_result result;
    assert_ok(store_reject(who, &name, b->session.generation, b->epoch, &result, wait_ms));
    return result;
}

#endif
