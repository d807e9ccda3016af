/*
 * A worker fed whatever could come over one of its connections: its real loop, connections,
 * records, dispatch and flows, in this process and without threads. Redis is down; one session is
 * in the cache. Whatever comes, the loop never waits for more of it, every answer is one that nginx
 * understands, and nothing is left when the connection is gone.
 * Input: a byte, how many bytes are sent at a time (0: all at once), then what is sent.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "codec/json.h"
#include "fuzz_keys.h"
#include "records_mutator.h"
/* A lane's queue without its threads, what the watch tells without the watch, the loop's turns one
 * by one. */
#include "server/invalidation.c"
#include "server/lane.c"
#include "server/loop.c"

#define READ_MS 200 /* for which a read of the loop would wait */
#define TOKEN "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl"
#define COOKIE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ANSWERS_MAX (8 << 20)
#define GOOD_ONE_EVERY 256
#define PIECES_MAX 12

static struct worker w;
static struct tools tools;
static bool token_was_sent; /* then it may be in an answer */
static char answers[ANSWERS_MAX];
static size_t n_answers;

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return records_mutate(data, size, max_size, seed);
}

/* --- the worker --- */

static const struct config *the_config(void)
{
    static struct config config;
    static struct arena arena = {.limit = 1 << 20};
    struct str message;
    demand(config_parse(&arena, "fuzz.conf",
                        STR("[server]\nkey_file = /nowhere/key\n"
                            "[backend]\nurl = http://127.0.0.1:1\n"
                            "[redis]\nurl = unix:///nowhere/redis.sock\n"
                            "[csrf]\norigins = https://app.example\n"
                            "[compat]\nenabled = yes\n"),
                        &config, &message));
    config.server.read_ms = READ_MS;
    return &config;
}

static void open_worker(void)
{
    static struct worker_setup setup = {.listen_fd = -1};
    static struct pulse pulse;
    static struct invalidation hears = {.redirect = 1, .mutex = PTHREAD_MUTEX_INITIALIZER};
    static struct lane_shared *shared = &w.shared;
    json_init();
    log_setup(SEVERITY_ERROR, false);
    demand(backend_init() && FCGX_Init() == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    setup.config = the_config();
    setup.keys = the_keys();
    setup.pulse = &pulse;
    setup.fence = fence_create();
    setup.metrics = metrics_create(1);
    demand(setup.fence && setup.metrics);
    metrics_use(setup.metrics, 0);
    metrics_worker_stands(setup.metrics, 0, getpid(), WORKER_SERVING);
    w.setup = &setup;
    w.config = setup.config;
    w.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w.signal_fd = -1;
    w.listening = true; /* or the sweep would begin to */
    *shared = (struct lane_shared){
        .config = w.config,
        .keys = setup.keys,
        .fence = setup.fence,
        .revocations = revocations_make(),
        .breaker = &w.breaker,
        .wake_fd = w.wake_fd,
        .redirect_client = &hears.redirect,
        .cache_epoch = &hears.epoch,
    };
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &w.wake_fd};
    demand(epoll_ctl(w.epoll_fd, EPOLL_CTL_ADD, w.wake_fd, &event) == 0);
    hears.shared = shared;
    w.invalidation = &hears;
    w.tasks = tasks_make();
    w.cache = cache_open(1 << 20);
    w.store_lane = lane_start(shared, 0, 1000);
    w.backend_lane = lane_start(shared, 0, 1000);
    demand(w.tasks && w.cache && w.store_lane && w.backend_lane);
    demand(lane_open_tools(shared, &tools));
}

/* A session that lives for long. What a request does to it is undone by the next. */
static void cache_one(void)
{
    struct session_name name;
    session_name_make(w.config, STR(COOKIE), &name);
    int64_t later = w.now_ms + 3600000;
    struct cached_session session = {
        .generation = 7,
        .attached = STR("Bearer " TOKEN),
        .user = STR("{\"user_id\":1}"),
        .access_until_ms = later,
        .renew_at_ms = later,
        .idle_until_ms = later,
        .absolute_until_ms = later,
        .touch_due_ms = later,
        .entry_until_ms = later,
    };
    demand(cache_put(w.cache, name.hash, fence_read(w.setup->fence, name.hash), &session));
}

/* What stands in a lane's queue. */
static void run_queue(struct lane *lane)
{
    while (lane->queue.first) {
        struct job *job = list_pop(&lane->queue);
        job->run(job, &tools);
        hand_back(lane, job);
    }
}

/* --- the other side --- */

static void hear(int fd)
{
    for (;;) {
        demand(n_answers < sizeof answers);
        ssize_t n =
            recv(fd, answers + n_answers, sizeof answers - n_answers, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            return;
        n_answers += (size_t)n;
    }
}

/* One turn of the loop; false: nothing had happened. */
static bool turn(int fd)
{
    struct epoll_event events[EVENTS_MAX];
    struct rusage before, after;
    int n = epoll_wait(w.epoll_fd, events, EVENTS_MAX, 0);
    if (n <= 0)
        return false;
    int64_t began_us = clock_mono_us();
    getrusage(RUSAGE_THREAD, &before);
    w.now_ms = clock_mono_ms();
    take_events(&w, events, n);
    getrusage(RUSAGE_THREAD, &after);
    /* It has given the processor away of itself, for as long as it would wait for a peer. */
    demand(after.ru_nvcsw == before.ru_nvcsw ||
           clock_mono_us() - began_us < READ_MS * INT64_C(900));
    hear(fd);
    return true;
}

static void work(int fd)
{
    while (turn(fd)) {
        run_queue(w.store_lane);
        run_queue(w.backend_lane);
    }
}

static void converse(struct str bytes, size_t at_once)
{
    int fds[2];
    n_answers = 0;
    w.now_ms = clock_mono_ms();
    cache_one();
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    adopt(&w, fds[0]);
    demand(w.n_conns == 1);
    for (int i = 0; bytes.n > 0; i++) {
        bool is_last = at_once == 0 || at_once > bytes.n || i == PIECES_MAX;
        size_t n = is_last ? bytes.n : at_once;
        /* EPIPE: the worker has closed, and that may be right. */
        if (send(fds[1], bytes.p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
            break;
        bytes = (struct str){bytes.p + n, bytes.n - n};
        work(fds[1]);
    }
    shutdown(fds[1], SHUT_WR);
    work(fds[1]);
    /* What it waited for will not come. */
    w.now_ms += READ_MS + w.config->server.idle_ms;
    sweep_conns(&w);
    hear(fds[1]);
    close(fds[1]);
}

/* --- what must hold --- */

static void check_head(struct str head, struct str body)
{
    bool is_json = false, is_internal = false, is_no_store = false;
    const struct str status = head;
    demand(str_starts(head, STR("Status: ")) && head.n > 12 && head.p[11] == ' ');
    for (int i = 8; i < 11; i++)
        demand(head.p[i] >= '0' && head.p[i] <= '9');
    while (head.n > 0) {
        struct str_cut line = str_cut(head, '\n');
        head = line.tail;
        demand(line.head.n > 0 && line.head.p[line.head.n - 1] == '\r');
        struct str field = {line.head.p, line.head.n - 1};
        struct str_cut cut = str_cut(field, ':');
        demand(cut.found && cut.head.n > 0 && !str_has_control(field));
        struct str value = str_trim(cut.tail);
        uint64_t length;
        if (str_eq(cut.head, STR("Content-Length")))
            demand(str_to_u64(value, ANSWERS_MAX, &length) && length == body.n);
        is_json |= str_eq(cut.head, STR("Content-Type")) && str_contains(value, STR("json"));
        is_internal |= str_eq(cut.head, STR("X-Accel-Redirect"));
        is_no_store |= str_eq(field, STR("Cache-Control: no-store"));
    }
    bool is_yes = str_starts(status, STR("Status: 204")); /* nginx alone hears it */
    demand(is_no_store || is_internal || is_yes);
    json_t *value = json_read(body);
    demand(!is_json || value || body.n == 0);
    json_decref(value);
}

static void check_answer(struct str answer)
{
    const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
    demand(end != NULL);
    size_t head = (size_t)(end - answer.p) + 2;
    struct str body = {end + 4, answer.n - head - 2};
    demand(token_was_sent || !str_contains(body, STR(TOKEN)));
    check_head((struct str){answer.p, head}, body);
}

enum { ENDS = 3, OUTPUT = 6 };

/* One answer behind the other, each with its end, and nothing else. The contents of one are moved
 * together where they stand. */
static size_t check_answers(void)
{
    size_t n = 0, at = 0, start = 0, joined = 0;
    while (at < n_answers) {
        const unsigned char *r = (const unsigned char *)answers + at;
        demand(n_answers - at >= 8 && r[0] == 1);
        size_t content = (size_t)r[4] << 8 | r[5], size = 8 + content + r[6];
        demand(size <= n_answers - at);
        if (r[1] == OUTPUT) {
            memmove(answers + start + joined, answers + at + 8, content);
            joined += content;
        } else {
            demand(r[1] == ENDS && content == 8 && memcmp(r + 8, "\0\0\0\0\0", 5) == 0);
            check_answer((struct str){answers + start, joined});
            n++;
            start = at + size;
            joined = 0;
        }
        at += size;
    }
    demand(joined == 0);
    return n;
}

static int next_free_fd(void)
{
    int fd = dup(w.epoll_fd);
    close(fd);
    return fd;
}

static void check_nothing_is_left(int next_fd)
{
    demand(!w.conns && w.n_conns == 0 && w.n_parked == 0 && w.n_in_lane == 0);
    demand(!w.store_lane->queue.first && !w.backend_lane->queue.first);
    demand(next_free_fd() == next_fd);
}

/* Whatever went before, a good question has its answer. */
static void ask_a_good_one(void)
{
    static const char question[] = "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
                                   "\1\4\0\1\0\154\0\0"
                                   "\7\11BFF_LEGauthorize"
                                   "\16\3REQUEST_METHODGET"
                                   "\13\72HTTP_COOKIE__Host-session=" COOKIE "\1\4\0\1\0\0\0\0"
                                   "\1\5\0\1\0\0\0\0";
    converse((struct str){question, sizeof question - 1}, 50);
    demand(str_contains((struct str){answers, n_answers}, STR("Bearer " TOKEN)));
    demand(check_answers() == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned n_runs;
    struct str bytes = {(const char *)data, size};
    if (n_runs == 0) {
        open_worker();
        ask_a_good_one(); /* what is opened once is open now */
    }
    int next_fd = next_free_fd();
    /* Either end of it: the fuzzer finds it in this program, and records may be cut anywhere. */
    token_was_sent = str_contains(bytes, STR("eyJhbG")) || str_contains(bytes, STR("uYXR1cm"));
    size_t at_once = take_byte(&bytes);
    converse(bytes, at_once);
    check_answers();
    if (n_runs++ % GOOD_ONE_EVERY == 0)
        ask_a_good_one();
    check_nothing_is_left(next_fd);
    return 0;
}
