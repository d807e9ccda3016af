/* Where a socket is made, what is in its way, and who may hand one over. */
#include "../../assert_str.h"
#include "server/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEMD_FD 3

static char directory[] = "/tmp/bff-listen-XXXXXX", path[64], address[80];
static char message[LISTEN_MESSAGE_MAX];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen("/tmp/bff-listen-"), "XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/bff.sock", directory);
    snprintf(address, sizeof address, "unix:%s", path);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static struct config at(const char *listen)
{
    return (struct config){.server.listen = str_from(listen), .server.socket_mode = 0640};
}

static int open_at(const char *listen)
{
    struct config config = at(listen);
    bool inherited = true;
    int fd = listen_open(&config, &inherited, message);
    assert_false(inherited);
    return fd;
}

static void close_at(const char *listen, int fd)
{
    struct config config = at(listen);
    listen_close(fd, &config, false);
}

static void assert_refused(const char *listen, const char *reason)
{
    char sentence[2 * LISTEN_MESSAGE_MAX];
    snprintf(sentence, sizeof sentence, "server.listen: %s: %s", listen, reason);
    assert_int_equal(open_at(listen), -1);
    assert_string_equal(message, sentence);
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(lstat(name, &st), 0);
    return st.st_mode;
}

static void a_unix_socket_has_its_permissions_and_goes_with_us(void **state)
{
    (void)state;
    int fd = open_at(address);
    assert_true(fd >= 0);
    assert_int_equal(mode_of(path), S_IFSOCK | 0640);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close_at(address, fd);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_socket_that_nobody_answers_on_is_replaced(void **state)
{
    (void)state;
    int fd = open_at(address);
    close(fd); /* as after a crash: the file stays */
    assert_int_equal(mode_of(path) & S_IFMT, S_IFSOCK);
    fd = open_at(address);
    assert_true(fd >= 0);
    close_at(address, fd);
}

static void a_socket_that_answers_is_anothers(void **state)
{
    (void)state;
    int fd = open_at(address);
    assert_refused(address, "bind: another process answers there");
    assert_int_equal(mode_of(path), S_IFSOCK | 0640);
    close_at(address, fd);
}

static void a_file_that_is_no_socket_is_not_removed(void **state)
{
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_refused(address, "bind: there is a file that is no socket");
    assert_int_equal(mode_of(path) & S_IFMT, S_IFREG);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_refused("unix:/nowhere/bff.sock", "bind: No such file or directory");
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
    (void)state;
    char longest[8 + 108] = "unix:/";
    memset(longest + 6, 'x', 107);
    longest[6 + 107] = 0;
    assert_refused(longest, "path: is too long for a unix socket");
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &n), 0);
    /* The port stands in one place in both families. */
    return ntohs(((const struct sockaddr_in *)&bound)->sin_port);
}

static void a_host_and_its_port_are_listened_on(void **state)
{
    (void)state;
    char again[32];
    int fd = open_at("127.0.0.1:0");
    assert_true(fd >= 0);
    snprintf(again, sizeof again, "127.0.0.1:%u", port_of(fd));
    assert_refused(again, "bind: Address already in use");
    close_at(again, fd);
    fd = open_at(again);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close_at(again, fd);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    int fd = open_at("[::1]:0");
    if (fd < 0) /* a machine without IPv6 says so */
        assert_non_null(strstr(message, "[::1]:0: bind: "));
    else
        close_at("[::1]:0", fd);
    assert_refused("[::1:0", "address: Name or service not known");
}

static void an_address_that_is_none_is_refused(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_refused("localhost", "address: has no port");
    assert_refused("127.0.0.1:http-not", "address: Servname not supported for ai_socktype");
    assert_refused("192.0.2.1:0", "bind: Cannot assign requested address");
    assert_refused(longest, "address: is too long");
}

static void hand_over(pid_t pid, const char *fds)
{
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", fds, 1);
}

static void a_socket_of_systemds_is_taken_and_its_file_left(void **state)
{
    (void)state;
    struct config config = at(address);
    bool inherited;
    int made = open_at(address);
    int kept = fcntl(SYSTEMD_FD, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(dup2(made, SYSTEMD_FD), SYSTEMD_FD);
    hand_over(getpid(), "1");
    assert_int_equal(listen_open(&config, &inherited, message), SYSTEMD_FD);
    assert_true(inherited);
    assert_int_equal(fcntl(SYSTEMD_FD, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(SYSTEMD_FD, F_GETFL) & O_NONBLOCK);
    listen_close(SYSTEMD_FD, &config, inherited);
    assert_int_equal(mode_of(path) & S_IFMT, S_IFSOCK);
    assert_int_equal(listen_open(&config, &inherited, message), -1);
    assert_non_null(strstr(message, "socket from systemd: Bad file descriptor"));
    if (kept >= 0) {
        assert_int_equal(dup2(kept, SYSTEMD_FD), SYSTEMD_FD);
        close(kept);
    }
    close(made);
}

/* The environment is inherited by every child of whoever was started by systemd. */
static void what_was_handed_to_somebody_else_is_not_taken(void **state)
{
    (void)state;
    static const char *const fds[] = {"0", "", "-1", "1025", "many"};
    int fd;
    hand_over(getpid() + 1, "1");
    assert_true((fd = open_at(address)) >= 0);
    close_at(address, fd);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        hand_over(getpid(), fds[i]);
        assert_true((fd = open_at(address)) >= 0);
        close_at(address, fd);
    }
    setenv("LISTEN_PID", "me", 1);
    assert_true((fd = open_at(address)) >= 0);
    close_at(address, fd);
    unsetenv("LISTEN_FDS");
    assert_true((fd = open_at(address)) >= 0);
    close_at(address, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_unix_socket_has_its_permissions_and_goes_with_us),
        T(a_socket_that_nobody_answers_on_is_replaced),
        T(a_socket_that_answers_is_anothers),
        T(a_file_that_is_no_socket_is_not_removed),
        T(a_directory_that_is_not_there_is_named),
        T(a_path_that_no_socket_can_have_is_refused),
        T(a_host_and_its_port_are_listened_on),
        T(an_ipv6_address_stands_in_brackets),
        T(an_address_that_is_none_is_refused),
        T(a_socket_of_systemds_is_taken_and_its_file_left),
        T(what_was_handed_to_somebody_else_is_not_taken),
#undef T
    };
    return cmocka_run_group_tests_name("server/listen", tests, NULL, NULL);
}
