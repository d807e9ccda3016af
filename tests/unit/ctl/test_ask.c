/* What bffctl makes of whatever answers at server.listen. */
#include "../../assert_str.h"
#include "base/buf.h"
#include "ctl/ask.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANOTHER "answers something else; does another version of bffd run there?"
#define HEAD "Status: 200 OK\r\nContent-Type: application/json\r\n\r\n"

enum { END_REQUEST = 3, STDOUT = 6, STDERR = 7 };

static struct arena arena;
static char directory[32], listening[96];
static struct str body, message;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(2 * ASK_MAX);
    strcpy(directory, "/tmp/bff-ask-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(listening, sizeof listening, "unix:%s/sock", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    unlink(listening + strlen("unix:"));
    return rmdir(directory);
}

static bool ask(void)
{
    const struct config config = {.server.listen = str_from(listening)};
    arena_reset(&arena);
    return ask_bffd(&config, STR("status"), &arena, &body, &message);
}

static void assert_refused(const char *reason)
{
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s (server.listen): %s", listening, reason);
    assert_false(ask());
    assert_str(message, str_from(sentence));
}

static int listen_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, listening + strlen("unix:"));
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void send_whole(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            _exit(0); /* the other side has read enough */
        s = (struct str){s.p + n, s.n - (size_t)n};
    }
}

/* Another process, which takes one question and answers so. */
static pid_t answer(int fd, struct str bytes)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char question[512];
        int asked = accept(fd, NULL, NULL);
        if (asked < 0 || recv(asked, question, sizeof question, 0) <= 0)
            _exit(1);
        send_whole(asked, bytes);
        _exit(0);
    }
    close(fd);
    return pid;
}

static void end_of(pid_t pid)
{
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void add_record(struct buf *b, int type, struct str content, size_t padding)
{
    const char header[] = {
        1, (char)type, 0, 1, (char)(content.n >> 8), (char)content.n, (char)padding, 0};
    buf_add(b, (struct str){header, sizeof header});
    buf_add(b, content);
    for (size_t i = 0; i < padding; i++)
        buf_add_char(b, 'p');
}

static void assert_answer_refused(struct str bytes)
{
    pid_t pid = answer(listen_unix(), bytes);
    assert_refused(ANOTHER);
    end_of(pid);
}

static void an_answer_is_put_together_from_its_records(void **state)
{
    (void)state;
    char memory[512];
    struct buf b = buf_make(memory, sizeof memory);
    add_record(&b, STDOUT, STR(HEAD "{\"a\":"), 3);
    add_record(&b, STDERR, STR("a word of warning"), 0);
    add_record(&b, STDOUT, STR("1}"), 0);
    add_record(&b, STDOUT, STR(""), 0);
    add_record(&b, END_REQUEST, STR("\0\0\0\0\0\0\0\0"), 0);
    pid_t pid = answer(listen_unix(), buf_str(&b));
    assert_true(ask());
    assert_str(body, STR("{\"a\":1}"));
    end_of(pid);
}

static void an_answer_that_is_cut_off_is_none(void **state)
{
    (void)state;
    char memory[512];
    struct buf b = buf_make(memory, sizeof memory);
    add_record(&b, STDOUT, STR(HEAD "{}"), 0);
    assert_answer_refused(buf_str(&b)); /* the end is missing */
    assert_answer_refused((struct str){memory, b.n - 1});
    assert_answer_refused((struct str){memory, 7});
    assert_answer_refused(STR(""));
}

static void what_is_no_answer_of_bffds_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Status: 404 Not Found\r\n\r\n{}",
        "Status: 200 OK\r\nContent-Type: text/plain\r\n",
        "Content-Type: application/json\r\n\r\n{}",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char memory[512];
        struct buf b = buf_make(memory, sizeof memory);
        add_record(&b, STDOUT, str_from(texts[i]), 0);
        add_record(&b, END_REQUEST, STR("\0\0\0\0\0\0\0\0"), 0);
        assert_answer_refused(buf_str(&b));
    }
    assert_answer_refused(STR("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
}

static void an_answer_without_end_is_given_up(void **state)
{
    (void)state;
    char *flood = calloc(1, 2 * ASK_MAX);
    assert_non_null(flood);
    pid_t pid = answer(listen_unix(), (struct str){flood, 2 * ASK_MAX});
    assert_refused("Message too long");
    end_of(pid);
    free(flood);
}

static void nobody_there_is_said_so(void **state)
{
    (void)state;
    assert_refused("No such file or directory");
    close(listen_unix());
    assert_refused("Connection refused");
}

static void a_path_that_no_socket_can_have_is_said_so(void **state)
{
    (void)state;
    struct config config = {.server.listen =
                                STR("unix:/"
                                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                    "xxxxxxx")};
    assert_false(ask_bffd(&config, STR("status"), &arena, &body, &message));
    assert_true(str_contains(message, STR("(server.listen): File name too long")));
}

static int listen_tcp(int family)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_six = family == AF_INET6;
    const struct sockaddr *wanted = is_six ? (const void *)&six : (const void *)&four;
    socklen_t size = is_six ? sizeof six : sizeof four;
    struct sockaddr_in6 bound;
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, wanted, size) != 0 || listen(fd, 1) != 0)
        return -1; /* without IPv6 */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
    snprintf(listening, sizeof listening, is_six ? "[::1]:%u" : "127.0.0.1:%u",
             ntohs(bound.sin6_port)); /* stands where IPv4 has it */
    return fd;
}

static void hosts_and_ports_are_asked_as_well(void **state)
{
    (void)state;
    static const int families[] = {AF_INET, AF_INET6};
    char memory[512], kept[sizeof listening];
    struct buf b = buf_make(memory, sizeof memory);
    add_record(&b, STDOUT, STR(HEAD "{}"), 0);
    add_record(&b, END_REQUEST, STR("\0\0\0\0\0\0\0\0"), 0);
    strcpy(kept, listening);
    for (size_t i = 0; i < 2; i++) {
        int fd = listen_tcp(families[i]);
        if (fd < 0)
            continue;
        pid_t pid = answer(fd, buf_str(&b));
        assert_true(ask());
        end_of(pid);
    }
    strcpy(listening, kept);
}

/* As a host that nobody knows, but without asking anybody for it. */
static void an_address_that_leads_nowhere_is_said_so(void **state)
{
    (void)state;
    char kept[sizeof listening];
    strcpy(kept, listening);
    strcpy(listening, "127.0.0.1:no-such-port");
    assert_refused("Servname not supported for ai_socktype");
    strcpy(listening, kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(an_answer_is_put_together_from_its_records),
        T(an_answer_that_is_cut_off_is_none),
        T(what_is_no_answer_of_bffds_is_refused),
        T(an_answer_without_end_is_given_up),
        T(nobody_there_is_said_so),
        T(a_path_that_no_socket_can_have_is_said_so),
        T(hosts_and_ports_are_asked_as_well),
        T(an_address_that_leads_nowhere_is_said_so),
#undef T
    };
    return cmocka_run_group_tests_name("ctl/ask", tests, NULL, NULL);
}
