/* The calls to Django's token endpoints, against a backend that misbehaves as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/http.h"
#include "base/clock.h"

#define FAKE "tests/django/fake_backend.py"
#define PATIENT_MS 10000 /* a busy machine is no fault of the backend's */

static pid_t fake;
static char directory[] = "/tmp/bff-test-XXXXXX";
static char url[64];
static struct config config;
static struct backend *backend;
static struct arena arena;

static void start_fake(int out)
{
    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(127);
    execl("/usr/bin/python3", "python3", FAKE, "--port", "0", "--dir", directory, (char *)NULL);
    _exit(127);
}

static int start(void **state)
{
    int pipe_fds[2], port = 0;
    (void)state;
    if (!mkdtemp(directory) || pipe(pipe_fds) != 0 || !backend_init())
        return -1;
    fake = fork();
    if (fake == 0)
        start_fake(pipe_fds[1]);
    close(pipe_fds[1]);
    FILE *out = fdopen(pipe_fds[0], "r");
    if (!out || fscanf(out, "ready %d", &port) != 1)
        return -1;
    fclose(out);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    return 0;
}

static int stop(void **state)
{
    char command[64];
    (void)state;
    kill(fake, SIGKILL);
    waitpid(fake, NULL, 0);
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static struct backend_request post(const char *path, const char *body)
{
    return (struct backend_request){
        .method = STR("POST"),
        .path = str_from(path),
        .content_type = STR("application/json"),
        .body = str_from(body),
    };
}

static enum bff_err call(const struct backend_request *request, struct backend_answer *answer)
{
    return backend_call(backend, request, BACKEND_FRESH, &arena, answer);
}

static void tell_fake(const char *control)
{
    struct backend_request r = post("/control", control);
    struct backend_answer answer;
    assert_int_equal(call(&r, &answer), BFF_OK);
    assert_int_equal(answer.status, 200);
}

static int set_up(void **state)
{
    (void)state;
    config = (struct config){
        .backend = {.url = str_from(url),
                    .connect_ms = 1000,
                    .answer_ms = PATIENT_MS,
                    .answer_bytes = 64 * 1024},
    };
    arena = arena_make(4 * 1024 * 1024);
    backend = backend_open(&config);
    tell_fake("{\"reset\": true}");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    backend_close(backend);
    arena_free(&arena);
    return 0;
}

static enum bff_err log_in(struct backend_answer *answer)
{
    struct backend_request r =
        post("/api/token/", "{\"username\":\"alice\",\"password\":\"wonderland\"}");
    return call(&r, answer);
}

static void an_answer_comes_with_status_type_and_body(void **state)
{
    (void)state;
    struct backend_answer answer;
    assert_int_equal(log_in(&answer), BFF_OK);
    assert_int_equal(answer.status, 200);
    assert_true(str_starts(answer.content_type, STR("application/json")));
    assert_true(str_contains(answer.body, STR("\"access\"")));
    assert_true(answer.received_s > 1600000000);
}

static void a_refusal_is_an_answer_too(void **state)
{
    (void)state;
    struct backend_answer answer;
    struct backend_request r = post("/api/token/", "{\"username\":\"alice\",\"password\":\"x\"}");
    assert_int_equal(call(&r, &answer), BFF_OK);
    assert_int_equal(answer.status, 401);
    tell_fake("{\"login\": {\"status\": 429, \"body\": \"slow down\", "
              "\"headers\": [[\"Retry-After\", \"17\"]]}}");
    assert_int_equal(log_in(&answer), BFF_OK);
    assert_int_equal(answer.status, 429);
    assert_true(str_eq(answer.retry_after, STR("17")));
}

static void a_redirect_is_not_followed_but_told(void **state)
{
    (void)state;
    struct backend_answer answer;
    tell_fake("{\"login\": {\"status\": 302, \"headers\": [[\"Location\", \"/api/token/\"]]}}");
    assert_int_equal(log_in(&answer), BFF_OK);
    assert_int_equal(answer.status, 302);
    assert_true(str_eq(answer.location, STR("/api/token/")));
    tell_fake("{\"reset\": true}");
    assert_int_equal(log_in(&answer), BFF_OK);
    assert_int_equal(answer.location.n, 0);
}

static void set_cookies_are_kept_one_by_one(void **state)
{
    (void)state;
    struct backend_answer answer;
    tell_fake(
        "{\"login\": {\"status\": 200, \"headers\": [[\"Set-Cookie\", \"access=a; HttpOnly\"],"
        "[\"Set-Cookie\", \"refresh=b; Path=/api/\"]]}}");
    assert_int_equal(log_in(&answer), BFF_OK);
    assert_int_equal(answer.n_set_cookie, 2);
    assert_true(str_eq(answer.set_cookie[1], STR("refresh=b; Path=/api/")));
}

static void headers_describe_the_browser_and_cannot_smuggle_lines(void **state)
{
    (void)state;
    struct backend_answer answer;
    struct backend_request r = post("/api/token/", "{}");
    r.client_address = STR("203.0.113.9");
    r.forwarded_proto = STR("https");
    r.forwarded_host = STR("app.example:8443");
    r.request_id = STR("r-1");
    r.user_agent = STR("Mozilla\r\nX-Evil: 1");
    assert_int_equal(call(&r, &answer), BFF_OK);
    struct backend_request calls = {.method = STR("GET"), .path = STR("/calls")};
    assert_int_equal(call(&calls, &answer), BFF_OK);
    assert_true(str_contains(answer.body, STR("203.0.113.9")));
    assert_true(str_contains(answer.body, STR("app.example:8443")));
    assert_true(str_contains(answer.body, STR("r-1")));
    assert_false(str_contains(answer.body, STR("X-Evil")));
    assert_false(str_contains(answer.body, STR("Expect")));
}

/* What the backend was asked, headers and all, as JSON. */
static struct str asked(const struct backend_request *request)
{
    struct backend_request forget = {.method = STR("DELETE"), .path = STR("/calls")};
    struct backend_request calls = {.method = STR("GET"), .path = STR("/calls")};
    struct backend_answer answer;
    assert_int_equal(call(&forget, &answer), BFF_OK);
    assert_int_equal(call(request, &answer), BFF_OK);
    assert_int_equal(call(&calls, &answer), BFF_OK);
    return answer.body;
}

static void a_csrf_token_comes_with_a_referer_of_our_own_origin(void **state)
{
    (void)state;
    struct backend_request r = post("/api/token/", "{}");
    r.forwarded_proto = STR("https");
    r.forwarded_host = STR("app.example:8443");
    struct str plain = asked(&r);
    assert_false(str_contains(plain, STR("X-CSRFToken")));
    assert_false(str_contains(plain, STR("Referer")));
    r.csrf_token = STR("0123456789abcdef");
    r.cookie = STR("csrftoken=0123456789abcdef");
    struct str submitted = asked(&r);
    assert_true(str_contains(submitted, STR("\"X-CSRFToken\"")));
    assert_true(str_contains(submitted, STR("\"0123456789abcdef\"")));
    assert_true(str_contains(submitted, STR("\"csrftoken=0123456789abcdef\"")));
    assert_true(str_contains(submitted, STR("\"https://app.example:8443/\"")));
}

static void without_a_host_there_is_no_referer(void **state)
{
    (void)state;
    struct backend_request r = post("/api/token/", "{}");
    r.csrf_token = STR("0123456789abcdef");
    r.forwarded_proto = STR("https");
    struct str submitted = asked(&r);
    assert_true(str_contains(submitted, STR("\"X-CSRFToken\"")));
    assert_false(str_contains(submitted, STR("Referer")));
}

static void a_pending_token_goes_in_a_header_of_its_own(void **state)
{
    (void)state;
    struct backend_request r = post("/api/token/", "{}");
    r.attach_header = STR("X-Access: a.b.c");
    r.pending_header = STR("X-Session-Token: pending-1");
    struct str sent = asked(&r);
    assert_true(str_contains(sent, STR("\"X-Access\"")));
    assert_true(str_contains(sent, STR("\"X-Session-Token\"")));
    assert_true(str_contains(sent, STR("\"pending-1\"")));
    r.pending_header = STR("X-Session-Token: pending-2\r\nX-Evil: 1");
    sent = asked(&r);
    assert_false(str_contains(sent, STR("pending-2")));
    assert_false(str_contains(sent, STR("X-Evil")));
}

static void silence_and_slowness_end_at_the_time_limit(void **state)
{
    (void)state;
    const char *faults[] = {
        "{\"login\": {\"hang\": true}}",
        "{\"login\": {\"drip\": 0.1}}",
    };
    for (size_t i = 0; i < 2; i++) {
        struct backend_answer answer;
        tell_fake(faults[i]);
        config.backend.answer_ms = 400;
        int64_t began_ms = clock_mono_ms();
        assert_int_equal(log_in(&answer), BFF_ERR_BACKEND_TIMEOUT);
        assert_true(clock_mono_ms() - began_ms < PATIENT_MS / 2);
        config.backend.answer_ms = PATIENT_MS;
        tell_fake("{\"reset\": true}");
    }
}

static void a_connection_that_breaks_is_unavailable(void **state)
{
    (void)state;
    const char *faults[] = {
        "{\"login\": {\"close\": true}}",
        "{\"login\": {\"reset\": true}}",
        "{\"login\": {\"truncate\": 10}}",
    };
    for (size_t i = 0; i < 3; i++) {
        struct backend_answer answer;
        tell_fake(faults[i]);
        assert_int_equal(log_in(&answer), BFF_ERR_BACKEND_UNAVAILABLE);
        assert_true(strlen(backend_last_error(backend)) > 0);
    }
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    struct backend_answer answer;
    config.backend.url = STR("http://127.0.0.1:1");
    assert_int_equal(log_in(&answer), BFF_ERR_BACKEND_UNAVAILABLE);
    config.backend.url = str_from(url);
    assert_int_equal(log_in(&answer), BFF_OK);
}

static void an_answer_above_the_limit_is_unreadable(void **state)
{
    (void)state;
    struct backend_answer answer;
    tell_fake("{\"login\": {\"status\": 200, \"body\": \"{}\", \"pad\": 70000}}");
    assert_int_equal(log_in(&answer), BFF_ERR_BACKEND_UNREADABLE);
    tell_fake("{\"login\": {\"pad\": 10000000}}");
    assert_int_equal(log_in(&answer), BFF_ERR_BACKEND_UNREADABLE);
}

static void a_proxy_in_the_environment_is_not_used(void **state)
{
    (void)state;
    struct backend_answer answer;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(log_in(&answer), BFF_OK);
    unsetenv("http_proxy");
}

static void memory_that_is_out_is_an_answer(void **state)
{
    (void)state;
    struct arena none = arena_make(64);
    struct backend_answer answer;
    struct backend_request r = post("/api/token/", "{}");
    assert_int_equal(backend_call(backend, &r, BACKEND_FRESH, &none, &answer), BFF_ERR_NO_MEMORY);
    arena_free(&none);
}

/* Calls, stands still after the request went out and until long after backend.timeout, goes on. The
 * answer, `came` of it, has come meanwhile. */
static enum bff_err call_and_stand_still(const char *came)
{
    char scratch[4096];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int status, listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    pid_t caller = fork();
    if (caller == 0) {
        struct backend_answer answer;
        snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
        config.backend.url = str_from(url);
        config.backend.answer_ms = 1000;
        struct backend_request r = post("/api/token/refresh/", "{}");
        _exit((int)backend_call(backend_open(&config), &r, BACKEND_FRESH, &arena, &answer));
    }
    int fd = accept(listening, NULL, NULL);
    assert_true(read(fd, scratch, sizeof scratch) > 0);
    kill(caller, SIGSTOP);
    assert_int_equal(waitpid(caller, &status, WUNTRACED), caller);
    int64_t until_ms = clock_mono_ms() + 1100;
    assert_int_equal(write(fd, came, strlen(came)), strlen(came));
    while (clock_mono_ms() < until_ms)
        clock_pause_ms(10);
    kill(caller, SIGCONT);
    assert_int_equal(waitpid(caller, &status, 0), caller);
    close(fd);
    close(listening);
    return (enum bff_err)WEXITSTATUS(status);
}

static void who_stood_still_reads_what_came_before_he_looks_at_the_clock(void **state)
{
    (void)state;
    assert_int_equal(call_and_stand_still("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
                     BFF_OK);
}

static void who_stood_still_waits_no_longer_for_the_rest(void **state)
{
    (void)state;
    assert_int_equal(call_and_stand_still("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"),
                     BFF_ERR_BACKEND_TIMEOUT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_with_status_type_and_body),
        TEST(a_refusal_is_an_answer_too),
        TEST(a_redirect_is_not_followed_but_told),
        TEST(set_cookies_are_kept_one_by_one),
        TEST(headers_describe_the_browser_and_cannot_smuggle_lines),
        TEST(a_csrf_token_comes_with_a_referer_of_our_own_origin),
        TEST(without_a_host_there_is_no_referer),
        TEST(a_pending_token_goes_in_a_header_of_its_own),
        TEST(silence_and_slowness_end_at_the_time_limit),
        TEST(who_stood_still_reads_what_came_before_he_looks_at_the_clock),
        TEST(who_stood_still_waits_no_longer_for_the_rest),
        TEST(a_connection_that_breaks_is_unavailable),
        TEST(nobody_there_is_unavailable),
        TEST(an_answer_above_the_limit_is_unreadable),
        TEST(a_proxy_in_the_environment_is_not_used),
        TEST(memory_that_is_out_is_an_answer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
