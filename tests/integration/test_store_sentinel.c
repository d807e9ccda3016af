/* Three servers and three sentinels: what a failover does to sessions. */
#include "store/watch.h"
#include "store_load.h"

#define SERVERS 3
#define SENTINEL_WORD "sentinel-word"

static const char acl_text[] =
#include "redis.acl.h"
    ;

static struct private_redis servers[SERVERS], sentinels[SERVERS];
static char url[128];
static struct watch *watch;
static _Atomic int watch_losses, watch_changes;

static void on_key(void *self, struct str key)
{
    (void)key;
    if (self)
        watch_changes++;
}

static void on_refreshed(void *self, struct str key)
{
    (void)self, (void)key;
}

static void on_connected(void *self, int64_t who)
{
    (void)self;
    load_subscriber = who;
    watch_losses += who == 0;
}

#define wait_long_for(condition)                                                                   \
    for (int64_t until_ = clock_mono_ms() + LOAD_PATIENCE_MS; !(condition); clock_pause_ms(10))    \
        if (clock_mono_ms() > until_)                                                              \
    fail_msg("it does not come: %s", #condition)

/* A text out of what a server answers to a command; "" when it is not there. */
static void look_up(const struct private_redis *r, const char *command, const char *after,
                    char out[32])
{
    redisContext *c = private_redis_connect(r);
    redisReply *reply = redisCommand(c, command);
    out[0] = 0;
    const char *found = NULL;
    if (reply && reply->type == REDIS_REPLY_STRING && (found = strstr(reply->str, after)))
        snprintf(out, 32, "%.*s", (int)strcspn(found + strlen(after), "\r\n,"),
                 found + strlen(after));
    for (size_t i = 0; reply && reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2)
        if (reply->element[i]->str && strcmp(reply->element[i]->str, after) == 0)
            snprintf(out, 32, "%s", reply->element[i + 1]->str);
    if (reply)
        freeReplyObject(reply);
    redisFree(c);
}

static bool says(const struct private_redis *r, const char *command, const char *after,
                 const char *wanted)
{
    char text[32];
    look_up(r, command, after, text);
    return strcmp(text, wanted) == 0;
}

static void tell(const struct private_redis *r, const char *command)
{
    redisContext *c = private_redis_connect(r);
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", command, reply->str);
    freeReplyObject(reply);
    redisFree(c);
}

static void start_server(size_t i, const struct private_redis *primary)
{
    static char line[SERVERS][sizeof acl_text + 16];
    const char *options[96];
    const char *user[USER_OPTION_MAX];
    char port[8];
    size_t n = 0;
    snprintf(line[i], sizeof line[i], "%s +role", acl_text);
    private_redis_user_option(line[i], user);
    for (size_t k = 0; user[k]; k++)
        options[n++] = user[k];
    options[n++] = "--min-replicas-to-write";
    options[n++] = "1";
    options[n++] = "--repl-diskless-sync-delay";
    options[n++] = "0";
    if (primary) {
        snprintf(port, sizeof port, "%d", primary->port);
        options[n++] = "--replicaof";
        options[n++] = "127.0.0.1";
        options[n++] = port;
    }
    options[n] = NULL;
    private_redis_start(&servers[i], options);
}

static void start_sentinel(struct private_redis *r, const struct private_redis *primary, int quorum)
{
    char path[80];
    private_redis_make(r);
    r->port = private_redis_free_port();
    snprintf(path, sizeof path, "%s/sentinel.conf", r->directory);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\nlogfile sentinel.log\n"
            "sentinel monitor main 127.0.0.1 %d %d\n"
            "sentinel down-after-milliseconds main 1000\n"
            "sentinel failover-timeout main 3000\n"
            "sentinel parallel-syncs main 2\n"
            "user watcher on >" SENTINEL_WORD " -@all +sentinel|get-master-addr-by-name\n",
            r->port, r->socket, r->directory, primary->port, quorum);
    fclose(f);
    private_redis_start_sentinel(r, path);
}

static int start_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (!seal_init())
        return -1;
    for (size_t i = 0; i < SERVERS; i++) {
        private_redis_make(&servers[i]);
        servers[i].port = private_redis_free_port();
        start_server(i, i > 0 ? &servers[0] : NULL);
    }
    wait_long_for(says(&servers[0], "INFO replication", "slave0:ip=127.0.0.1,port=", "") == false &&
                  says(&servers[0], "INFO replication", "connected_slaves:", "2"));
    for (size_t i = 1; i < SERVERS; i++)
        wait_long_for(says(&servers[i], "INFO replication", "master_link_status:", "up"));
    for (size_t i = 0; i < SERVERS; i++)
        start_sentinel(&sentinels[i], &servers[0], 2);
    for (size_t i = 0; i < SERVERS; i++)
        wait_long_for(says(&sentinels[i], "SENTINEL MASTER main", "num-slaves", "2") &&
                      says(&sentinels[i], "SENTINEL MASTER main", "num-other-sentinels", "2"));
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        private_redis_remove(&sentinels[i]);
        private_redis_remove(&servers[i]);
    }
    return 0;
}

static struct store_options sentinel_options(void)
{
    struct store_options options = options_now();
    options.password = STR("CHANGE-ME");
    options.sentinel_password = STR(SENTINEL_WORD);
    return options;
}

/* The server that the sentinels name. */
static struct private_redis *primary_now(void)
{
    char port[32];
    look_up(&sentinels[0], "SENTINEL MASTER main", "port", port);
    for (size_t i = 0; i < SERVERS; i++)
        if (servers[i].port == atoi(port))
            return &servers[i];
    fail_msg("the sentinels name a stranger: %s", port);
    return NULL;
}

static int set_up_sentinels(void **state)
{
    (void)state;
    redis = servers[0];
    set_configuration();
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/main",
             sentinels[0].port, sentinels[1].port, sentinels[2].port);
    config.redis.url = str_from(url);
    config.redis.user = STR("bffd");
    config.redis.sentinel_user = STR("watcher");
    config.redis.prefix = STR("bff:");
    config.refresh.lease_ms = 1000;
    arena = arena_make(16 * 1024 * 1024);
    char line[SEAL_KEY_LINE + 1];
    keyring_generate(line);
    struct str message;
    if (!keyring_parse(&arena, str_from(line), &keys, &message))
        return -1;
    seal_new_cookie(cookie);
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    static const struct watch_callbacks callbacks = {
        .self = &watch, .changed = on_key, .refreshed = on_refreshed, .connected = on_connected};
    struct store_options options = sentinel_options();
    watch_losses = watch_changes = 0;
    load_subscriber = 0;
    watch = watch_start(&options, &callbacks);
    worker = store_open(&options);
    return watch && worker ? 0 : -1;
}

static int tear_down_sentinels(void **state)
{
    (void)state;
    watch_stop(watch);
    store_close(worker);
    keyring_free(keys);
    arena_free(&arena);
    return 0;
}

/* The watch hears of a failover from the sentinels, and may be later than the worker. */
static bool is_tracked(void)
{
    int64_t subscriber = load_subscriber;
    store_redirect(worker, subscriber);
    load_session();
    return subscriber != 0 && store_tracked_for(worker) == subscriber;
}

/* Cached reads are told of, at the server that is primary now. */
static void assert_watch_follows(void)
{
    /* Once more when it moved between reading and writing, or the primary took no write yet. */
    for (int before = watch_changes, looks = 0; watch_changes == before; look_again(&looks)) {
        if (!is_tracked() || looks % 20 != 0)
            continue;
        redisContext *c = private_redis_connect(primary_now());
        freeReplyObject(redisCommand(c, "PEXPIRE %s 3600000", name.key));
        redisFree(c);
    }
}

static void report(const char *what, long failures, int64_t took_ms,
                   const struct load_balance *balance)
{
    print_message("    %s: %ld calls failed within %ld ms, %ld acknowledged writes lost, "
                  "%ld sessions gone\n",
                  what, failures, (long)took_ms, balance->writes_lost, balance->sessions_gone);
}

static void begin_load(void)
{
    struct store_options options = sentinel_options();
    create_session();
    assert_watch_follows();
    load_prepare(&options);
    redisContext *c = private_redis_connect(primary_now());
    redisReply *reply = redisCommand(c, "WAIT 2 10000");
    assert_int_equal(reply->integer, 2);
    freeReplyObject(reply);
    redisFree(c);
    load_start();
    load_expect_refreshes(200);
    assert_int_equal(load_failures(), 0);
}

static void an_ordered_failover_is_followed_by_sessions_and_watch(void **state)
{
    (void)state;
    begin_load();
    struct private_redis *old = primary_now();
    int64_t start_ms = clock_mono_ms();
    tell(&sentinels[0], "SENTINEL FAILOVER main");
    wait_long_for(primary_now() != old);
    wait_long_for(watch_losses > 0);
    load_expect_refreshes(200);
    int64_t took_ms = clock_mono_ms() - start_ms;
    load_stop();
    long failures = load_failures();
    struct load_balance balance = load_settle();
    report("an ordered failover", failures, took_ms, &balance);
    assert_int_equal(balance.sessions_gone, 0);
    assert_watch_follows();
    for (size_t i = 0; i < SERVERS; i++)
        wait_long_for(says(primary_now(), "INFO replication", "connected_slaves:", "2"));
}

static void a_killed_primary_is_replaced_and_sessions_go_on(void **state)
{
    (void)state;
    wait_long_for(says(&sentinels[0], "SENTINEL MASTER main", "flags", "master"));
    begin_load();
    struct private_redis *old = primary_now();
    int64_t start_ms = clock_mono_ms();
    private_redis_kill(old);
    load_expect_refreshes(200);
    int64_t took_ms = clock_mono_ms() - start_ms;
    load_stop();
    long failures = load_failures();
    struct load_balance balance = load_settle();
    report("a killed primary", failures, took_ms, &balance);
    wait_long_for(primary_now() != old);
    assert_true(failures > 0);
    assert_int_equal(balance.sessions_gone, 0);
    assert_watch_follows();
    /* The old one comes back in the belief that it is the primary: nobody asks it. */
    start_server((size_t)(old - servers), NULL);
    store_close(worker);
    struct store_options options = sentinel_options();
    worker = store_open(&options);
    load_session();
}

static void assert_no_primary(const char *reason)
{
    struct session s;
    assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_STORE_UNAVAILABLE);
    if (!strstr(store_last_error(worker), reason))
        fail_msg("\"%s\" does not say \"%s\"", store_last_error(worker), reason);
}

static void reopen(const struct store_options *options)
{
    store_close(worker);
    worker = store_open(options);
    assert_non_null(worker);
}

static void what_sentinels_refuse_is_told(void **state)
{
    (void)state;
    struct store_options options = sentinel_options();
    options.sentinel_password = STR("wrong-word");
    reopen(&options);
    assert_no_primary("it refuses the password in redis.sentinel_password_file");
    assert_null(strstr(store_last_error(worker), "wrong-word"));
    options = sentinel_options();
    options.password = STR("wrong-word");
    reopen(&options);
    assert_no_primary("refuses the password in redis.password_file");
    options = sentinel_options();
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/other", sentinels[0].port);
    config.redis.url = str_from(url);
    reopen(&options);
    assert_no_primary("no sentinel names the primary of \"other\"; the last one: it knows no "
                      "primary of that name");
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/main", servers[0].port);
    config.redis.url = str_from(url);
    config.redis.sentinel_user = STR("");
    options.sentinel_password = STR("");
    reopen(&options);
    assert_no_primary("it is not a sentinel");
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/main", private_redis_free_port());
    config.redis.url = str_from(url);
    reopen(&options);
    assert_no_primary("the last one: cannot connect");
}

static void a_sentinel_that_hangs_leaves_time_for_the_others(void **state)
{
    (void)state;
    create_session();
    config.redis.connect_ms = 600;
    struct store_options options = sentinel_options();
    reopen(&options);
    private_redis_pause(&sentinels[0]);
    int64_t start_ms = clock_mono_ms();
    struct session s;
    enum bff_err err = store_load(worker, &name, false, &arena, &s);
    int64_t took_ms = clock_mono_ms() - start_ms;
    private_redis_resume(&sentinels[0]);
    assert_ok(err);
    assert_in_range(took_ms, 0, 600);
}

/* Two servers and a sentinel of their own, whose mind the test makes up. */
static void a_server_that_is_no_primary_any_more_is_left_within_the_call(void **state)
{
    (void)state;
    static struct private_redis old, new, sentinel;
    private_redis_make(&old);
    private_redis_make(&new);
    old.port = private_redis_free_port();
    private_redis_start(&old, NULL);
    new.port = private_redis_free_port();
    private_redis_start(&new, NULL);
    start_sentinel(&sentinel, &old, 1);
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/main", sentinel.port);
    config.redis.url = str_from(url);
    config.redis.user = STR("");
    struct store_options options = sentinel_options();
    options.password = STR("");
    reopen(&options);
    create_session();
    char command[64];
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", new.port);
    tell(&old, command);
    struct begin b;
    enum bff_err stale = store_begin(worker, &name, 0, &arena, &b);
    char why[256];
    snprintf(why, sizeof why, "%s", store_last_error(worker));
    tell(&sentinel, "SENTINEL REMOVE main");
    snprintf(command, sizeof command, "SENTINEL MONITOR main 127.0.0.1 %d 1", old.port);
    store_close(worker);
    tell(&old, "REPLICAOF NO ONE");
    tell(&sentinel, command);
    worker = store_open(&options);
    struct session s;
    enum bff_err before = store_load(worker, &name, false, &arena, &s);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", new.port);
    tell(&old, command);
    tell(&sentinel, "SENTINEL REMOVE main");
    snprintf(command, sizeof command, "SENTINEL MONITOR main 127.0.0.1 %d 1", new.port);
    tell(&sentinel, command);
    seal_new_cookie(cookie);
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    enum bff_err within = store_create(worker, &name, &first_tokens, &arena, &s);
    redisContext *c = private_redis_connect(&new);
    redisReply *reply = redisCommand(c, "EXISTS %s", name.key);
    assert_non_null(reply);
    long long is_there = reply->integer;
    freeReplyObject(reply);
    redisFree(c);
    private_redis_remove(&sentinel);
    private_redis_remove(&old);
    private_redis_remove(&new);
    assert_int_equal(stale, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(why, "no primary"));
    assert_true(before == BFF_OK || before == BFF_ERR_MISSING);
    assert_ok(within);
    assert_int_equal(is_there, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_sentinels, tear_down_sentinels)
        T(what_sentinels_refuse_is_told),
        T(a_sentinel_that_hangs_leaves_time_for_the_others),
        T(a_server_that_is_no_primary_any_more_is_left_within_the_call),
        T(an_ordered_failover_is_followed_by_sessions_and_watch),
        T(a_killed_primary_is_replaced_and_sessions_go_on),
    };
    return cmocka_run_group_tests_name("store/sentinel", tests, start_all, remove_all);
}
