/* Three primaries with a replica each: sessions find their servers while slots and servers move. */
#include <sys/wait.h>
#include <unistd.h>

#include "store/slots.h"
#include "store/watch.h"
#include "store_load.h"

#define SERVERS 6
#define MOVED_SLOTS 1500

static const char acl_text[] =
#include "redis.acl.h"
    ;

static struct private_redis servers[SERVERS];
static char addresses[SERVERS][24]; /* HOST:PORT */
static char url[200];
static struct watch *watch;
static _Atomic int64_t subscriber;
static _Atomic int watch_refreshes;

static void on_changed(void *self, struct str key)
{
    (void)self, (void)key;
}

static void on_refreshed(void *self, struct str key)
{
    (void)self, (void)key;
    watch_refreshes++;
}

static void on_connected(void *self, int64_t who)
{
    (void)self;
    subscriber = who;
}

#define wait_long_for(condition)                                                                   \
    for (int64_t until_ = clock_mono_ms() + LOAD_PATIENCE_MS; !(condition); clock_pause_ms(10))    \
        if (clock_mono_ms() > until_)                                                              \
    fail_msg("it does not come: %s", #condition)

/* Run redis-cli; its output is shown when it fails. */
static void redis_cli(const char *const *args)
{
    char path[80];
    snprintf(path, sizeof path, "%s/redis-cli.log", servers[0].directory);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *argv[24] = {"redis-cli"};
        for (size_t n = 1; *args && n < 23; n++)
            argv[n] = *args++;
        if (freopen(path, "w", stdout) && dup2(1, 2) == 2)
            execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status == 0)
        return;
    FILE *f = fopen(path, "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        fputs(line, stderr);
    fail_msg("redis-cli ended with status %d", status);
}

static redisReply *tell(const struct private_redis *r, const char *format, ...)
{
    redisContext *c = private_redis_connect(r);
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    redisFree(c);
    assert_non_null(reply);
    return reply;
}

static bool says(const struct private_redis *r, const char *command, const char *text)
{
    redisReply *reply = tell(r, command);
    bool ok = reply->type == REDIS_REPLY_STRING && strstr(reply->str, text);
    freeReplyObject(reply);
    return ok;
}

static void must(const struct private_redis *r, const char *command)
{
    redisReply *reply = tell(r, command);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static long long count(const struct private_redis *r, const char *pattern)
{
    redisReply *reply = tell(r, "KEYS %s", pattern);
    long long n = (long long)reply->elements;
    freeReplyObject(reply);
    return n;
}

static void start_server(struct private_redis *r)
{
    static char line[SERVERS][sizeof acl_text + 40];
    size_t i = (size_t)(r - servers);
    const char *options[96], *user[USER_OPTION_MAX];
    size_t n = 0;
    char port[8];
    snprintf(line[i], sizeof line[i], "%s +cluster|slots +asking +scan", acl_text);
    private_redis_user_option(line[i], user);
    for (size_t k = 0; user[k]; k++)
        options[n++] = user[k];
    snprintf(port, sizeof port, "%d", private_redis_free_port());
    const char *const cluster[] = {
        "--cluster-enabled",      "yes",  "--cluster-config-file",      "nodes.conf",
        "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0",
        "--cluster-port",         port};
    for (size_t k = 0; k < sizeof cluster / sizeof *cluster; k++)
        options[n++] = cluster[k];
    options[n] = NULL;
    private_redis_start(r, options);
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
        snprintf(addresses[i], sizeof addresses[i], "127.0.0.1:%d", servers[i].port);
        start_server(&servers[i]);
    }
    const char *const create[] = {"--cluster",          "create",     addresses[0],    addresses[1],
                                  addresses[2],         addresses[3], addresses[4],    addresses[5],
                                  "--cluster-replicas", "1",          "--cluster-yes", NULL};
    redis_cli(create);
    for (size_t i = 0; i < SERVERS; i++)
        wait_long_for(says(&servers[i], "CLUSTER INFO", "cluster_state:ok"));
    for (size_t i = 3; i < SERVERS; i++)
        wait_long_for(says(&servers[i], "INFO replication", "master_link_status:up"));
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++)
        private_redis_remove(&servers[i]);
    return 0;
}

static struct store_options cluster_options(void)
{
    struct store_options options = options_now();
    options.password = STR("CHANGE-ME");
    return options;
}

static int set_up_cluster(void **state)
{
    (void)state;
    redis = servers[0];
    set_configuration();
    /* The first of them fails in the last test; any that answers will do. */
    snprintf(url, sizeof url, "redis+cluster://%s,%s", addresses[0], addresses[1]);
    config.redis.url = str_from(url);
    config.redis.user = STR("bffd");
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
        .changed = on_changed, .refreshed = on_refreshed, .connected = on_connected};
    struct store_options options = cluster_options();
    subscriber = 0;
    watch = watch_start(&options, &callbacks);
    worker = store_open(&options);
    return watch && worker ? 0 : -1;
}

static int tear_down_cluster(void **state)
{
    (void)state;
    watch_stop(watch);
    store_close(worker);
    keyring_free(keys);
    arena_free(&arena);
    return 0;
}

/* Whoever serves the slot now, as another server sees it. */
static struct private_redis *server_of(uint16_t slot, const struct private_redis *witness)
{
    static const struct redis_address nobody;
    redisReply *map = tell(witness, "CLUSTER SLOTS");
    int port = 0;
    for (size_t i = 0; i < map->elements; i++) {
        struct slot_range range;
        if (slot_range_read(map->element[i], &nobody, &range) && range.first <= slot &&
            slot <= range.last)
            port = range.primary.port;
    }
    freeReplyObject(map);
    for (size_t i = 0; i < SERVERS; i++)
        if (servers[i].port == port)
            return &servers[i];
    return NULL;
}

static void node_id(const struct private_redis *r, char id[41])
{
    redisReply *reply = tell(r, "CLUSTER MYID");
    snprintf(id, 41, "%s", reply->str);
    freeReplyObject(reply);
}

static void report(const char *what, long failures, int64_t took_ms,
                   const struct load_balance *balance)
{
    print_message("    %s: %ld calls failed within %ld ms, %ld acknowledged writes lost, "
                  "%ld sessions gone\n",
                  what, failures, (long)took_ms, balance->writes_lost, balance->sessions_gone);
}

static bool count_visit(const struct store_visit *v, void *self)
{
    long long *left = self;
    assert_int_equal(v->user.n, SESSION_HASH_BYTES);
    return --*left > 0;
}

static void sessions_and_user_sets_are_spread_over_the_servers(void **state)
{
    (void)state;
    enum { N = 60 };
    long long sessions = 0, sets = 0;
    for (int i = 0; i < N; i++) {
        char id[8];
        struct session_tokens tokens = first_tokens;
        tokens.user_id = (struct str){id, (size_t)snprintf(id, sizeof id, "%d", i)};
        seal_new_cookie(cookie);
        session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
        struct session s;
        assert_ok(store_create(worker, &name, &tokens, &arena, &s));
        load_session();
    }
    for (size_t i = 0; i < 3; i++) {
        long long here = count(&servers[i], "bff:s:*");
        assert_true(here > 0);
        sessions += here;
        sets += count(&servers[i], "bff:u:*");
    }
    assert_int_equal(sessions, N);
    assert_int_equal(sets, N);
    long long left = N + 1;
    assert_ok(store_each_session(worker, count_visit, &left));
    assert_int_equal(left, 1);
    left = 5;
    assert_ok(store_each_session(worker, count_visit, &left));
    assert_int_equal(left, 0);
    struct session s;
    struct user_session found;
    size_t n = 0;
    for (int i = 0; i < N; i++) {
        char id[8];
        struct str user = {id, (size_t)snprintf(id, sizeof id, "%d", i)};
        assert_ok(store_user_sessions(worker, user, &found, 1, &n));
        assert_int_equal(n, 1);
    }
    assert_memory_equal(found.hash, name.hash, SESSION_HASH_BYTES);
    assert_ok(store_end(worker, found.hash));
    assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_MISSING);
    sets = 0;
    for (size_t i = 0; i < 3; i++)
        sets += count(&servers[i], "bff:u:*");
    assert_int_equal(sets, N - 1);
    assert_ok(store_check(worker));
    must(&servers[2], "CONFIG SET maxmemory-policy allkeys-lru");
    enum bff_err err = store_check(worker);
    must(&servers[2], "CONFIG SET maxmemory-policy noeviction");
    assert_int_equal(err, BFF_ERR_MALFORMED);
}

static void the_end_of_a_refresh_is_told_and_nothing_is_tracked(void **state)
{
    (void)state;
    wait_long_for(subscriber != 0);
    assert_true(subscriber == WATCH_UNTRACKED);
    store_redirect(worker, subscriber);
    /* Wherever the watch listens, and wherever the sessions are. */
    for (int i = 0; i < 12; i++) {
        seal_new_cookie(cookie);
        session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
        create_session();
        struct begin b = begin_and_go(worker);
        struct session s;
        int before = watch_refreshes;
        assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
        wait_long_for(watch_refreshes > before);
        assert_int_equal(store_tracked_for(worker), 0);
    }
}

static void the_wrong_kind_of_redis_is_told(void **state)
{
    (void)state;
    char other_url[64];
    snprintf(other_url, sizeof other_url, "redis://%s", addresses[0]);
    config.redis.url = str_from(other_url);
    struct store_options options = cluster_options();
    struct store *single = store_open(&options);
    bool is_told = false;
    struct session s;
    for (int i = 0; i < 50 && !is_told; i++) {
        seal_new_cookie(cookie);
        session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
        if (store_load(single, &name, false, &arena, &s) != BFF_ERR_MISSING)
            is_told = strstr(store_last_error(single), "redis+cluster://") != NULL;
    }
    store_close(single);
    assert_true(is_told);
    static struct private_redis plain;
    private_redis_make(&plain);
    plain.port = private_redis_free_port();
    private_redis_start(&plain, NULL);
    snprintf(other_url, sizeof other_url, "redis+cluster://127.0.0.1:%d", plain.port);
    config.redis.url = str_from(other_url);
    config.redis.user = STR("");
    options.password = STR("");
    struct store *cluster = store_open(&options);
    enum bff_err err = store_load(cluster, &name, false, &arena, &s);
    char why[256];
    snprintf(why, sizeof why, "%s", store_last_error(cluster));
    store_close(cluster);
    private_redis_remove(&plain);
    assert_int_equal(err, BFF_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(why, "no cluster"));
}

/* A slot on its way from one server to another, by hand. */
struct move {
    uint16_t slot;
    struct private_redis *from, *to;
    char from_id[41], to_id[41];
};

static struct move move_begin(const char *key)
{
    struct move m = {.slot = slot_of_key(str_from(key))};
    char command[128];
    m.from = server_of(m.slot, &servers[0]);
    m.to = m.from == &servers[0] ? &servers[1] : &servers[0];
    node_id(m.from, m.from_id);
    node_id(m.to, m.to_id);
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d IMPORTING %s", m.slot, m.from_id);
    must(m.to, command);
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d MIGRATING %s", m.slot, m.to_id);
    must(m.from, command);
    return m;
}

static void move_end(const struct move *m)
{
    char command[128];
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d NODE %s", m->slot, m->to_id);
    must(m->to, command);
    must(m->from, command);
}

static void wait_until_all_know(const struct move *m)
{
    for (size_t i = 0; i < 3; i++)
        wait_long_for(server_of(m->slot, &servers[i]) == m->to);
}

static void ask_and_moved_are_followed_within_the_call(void **state)
{
    (void)state;
    struct session s;
    assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_MISSING);
    struct move m = move_begin(name.key);
    must(m.to, "SCRIPT FLUSH");
    /* What is not there any more is asked for at the other end, where scripts are loaded, too. */
    create_session();
    assert_int_equal(count(m.to, name.key), 1);
    assert_int_equal(count(m.from, name.key), 0);
    assert_str(load_session().access, first_tokens.access);
    struct begin b = begin_and_go(worker);
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    move_end(&m);
    assert_str(load_session().access, second_tokens.access);
    assert_ok(store_logout(worker, &name, &arena, &s));
    wait_until_all_know(&m);
}

static bool find_user_set(char key[SESSION_KEY_MAX])
{
    bool found = false;
    for (size_t i = 0; i < 3; i++) {
        redisReply *reply = tell(&servers[i], "KEYS bff:u:*");
        if (reply->elements > 0)
            snprintf(key, SESSION_KEY_MAX, "%s", reply->element[0]->str);
        found = found || reply->elements > 0;
        freeReplyObject(reply);
    }
    return found;
}

static void user_sets_follow_their_slot_as_well(void **state)
{
    (void)state;
    char key[SESSION_KEY_MAX];
    struct session s;
    for (size_t i = 0; i < 3; i++)
        must(&servers[i], "FLUSHALL");
    create_session();
    assert_true(find_user_set(key));
    assert_ok(store_logout(worker, &name, &arena, &s));
    assert_false(find_user_set(key));
    struct move m = move_begin(key);
    create_session();
    assert_int_equal(count(m.to, key), 1);
    redisReply *reply = tell(m.to, "PTTL %s", key); /* a redirection, for it is being imported */
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    move_end(&m);
    reply = tell(m.to, "PTTL %s", key);
    assert_true(reply->integer > HOUR_MS);
    freeReplyObject(reply);
    assert_ok(store_logout(worker, &name, &arena, &s));
    assert_int_equal(count(m.to, key), 0);
    wait_until_all_know(&m);
}

static void begin_load(void)
{
    struct store_options options = cluster_options();
    load_prepare(&options);
    for (size_t i = 0; i < 3; i++)
        freeReplyObject(tell(&servers[i], "WAIT 1 5000"));
    load_start();
    load_expect_refreshes(200);
    assert_int_equal(load_failures(), 0);
}

static void slots_that_move_under_load_cost_no_call(void **state)
{
    (void)state;
    begin_load();
    char from[41], to[41], slots[8];
    node_id(&servers[0], from);
    node_id(&servers[1], to);
    snprintf(slots, sizeof slots, "%d", MOVED_SLOTS);
    int64_t start_ms = clock_mono_ms();
    const char *const reshard[] = {"--cluster", "reshard",       addresses[0], "--cluster-from",
                                   from,        "--cluster-to",  to,           "--cluster-slots",
                                   slots,       "--cluster-yes", NULL};
    redis_cli(reshard);
    int64_t took_ms = clock_mono_ms() - start_ms;
    load_expect_refreshes(100);
    load_stop();
    long failures = load_failures();
    struct load_balance balance = load_settle();
    report("1500 slots moved", failures, took_ms, &balance);
    assert_int_equal(failures, 0);
    assert_int_equal(balance.sessions_gone, 0);
    assert_int_equal(balance.writes_lost, 0);
}

static void a_killed_primary_is_replaced_and_sessions_go_on(void **state)
{
    (void)state;
    begin_load();
    int64_t start_ms = clock_mono_ms();
    private_redis_kill(&servers[0]);
    wait_long_for(says(&servers[1], "CLUSTER INFO", "cluster_state:ok") &&
                  server_of(0, &servers[1]) != &servers[0] &&
                  server_of(SLOTS / 3 - 1, &servers[1]) != &servers[0]);
    load_expect_refreshes(200);
    int64_t took_ms = clock_mono_ms() - start_ms;
    load_stop();
    long failures = load_failures();
    struct load_balance balance = load_settle();
    report("a killed primary", failures, took_ms, &balance);
    assert_true(failures > 0);
    assert_int_equal(balance.sessions_gone, 0);
    struct store_options options = cluster_options();
    store_close(worker);
    worker = store_open(&options); /* the first of its seeds is dead */
    for (int i = 0; i < 12; i++) {
        seal_new_cookie(cookie);
        session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
        create_session();
        load_session();
    }
    wait_long_for(subscriber != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_cluster, tear_down_cluster)
        T(sessions_and_user_sets_are_spread_over_the_servers),
        T(the_end_of_a_refresh_is_told_and_nothing_is_tracked),
        T(the_wrong_kind_of_redis_is_told),
        T(ask_and_moved_are_followed_within_the_call),
        T(user_sets_follow_their_slot_as_well),
        T(slots_that_move_under_load_cost_no_call),
        T(a_killed_primary_is_replaced_and_sessions_go_on),
    };
    return cmocka_run_group_tests_name("store/cluster", tests, start_all, remove_all);
}
