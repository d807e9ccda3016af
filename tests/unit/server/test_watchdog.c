/* Which worker is silent, by a clock that is handed in; and what is said to systemd. */
#include "../../assert_str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/notify.h"
#include "server/watchdog.h"

#define PATIENCE_MS 4000

static int clear(void **state)
{
    (void)state;
    log_setup(SEVERITY_ERROR, false);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("NOTIFY_SOCKET");
    return 0;
}

static int64_t due_with(const char *usec, const char *pid)
{
    setenv("WATCHDOG_USEC", usec, 1);
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    else
        unsetenv("WATCHDOG_PID");
    struct watchdog *w = watchdog_create(1);
    assert_non_null(w);
    int64_t due_ms = watchdog_due_ms(w);
    watchdog_destroy(w);
    return due_ms;
}

static void it_looks_only_when_systemd_asks_this_process(void **state)
{
    (void)state;
    char own[16], another[16];
    snprintf(own, sizeof own, "%d", getpid());
    snprintf(another, sizeof another, "%d", getpid() + 1);
    int64_t soon_ms = clock_mono_ms() + 60000;
    assert_true(due_with("4000000", NULL) < soon_ms);
    assert_true(due_with("4000000", own) < soon_ms);
    assert_int_equal(due_with("4000000", another), INT64_MAX);
    assert_int_equal(due_with("4000000", "me"), INT64_MAX);
    assert_int_equal(due_with("0", NULL), INT64_MAX);
    assert_int_equal(due_with("often", NULL), INT64_MAX);
    assert_int_equal(due_with("86400000001", NULL), INT64_MAX);
    unsetenv("WATCHDOG_USEC");
    struct watchdog *w = watchdog_create(1);
    assert_int_equal(watchdog_due_ms(w), INT64_MAX);
    watchdog_destroy(w);
    watchdog_destroy(NULL);
}

static struct watchdog *patient(size_t workers)
{
    setenv("WATCHDOG_USEC", "4000000", 1);
    struct watchdog *w = watchdog_create(workers);
    assert_non_null(w);
    return w;
}

static void a_worker_is_silent_after_half_the_time(void **state)
{
    (void)state;
    struct watchdog *w = patient(2);
    int64_t begin_ms = watchdog_due_ms(w) - PATIENCE_MS / 4;
    pulse_beat(watchdog_pulse(w, 0), begin_ms);
    pulse_beat(watchdog_pulse(w, 1), begin_ms);
    watchdog_look(w, begin_ms + 1000);
    assert_false(watchdog_is_silent(w, 0));
    pulse_beat(watchdog_pulse(w, 1), begin_ms + 1);
    watchdog_look(w, begin_ms + 2000);
    assert_true(watchdog_is_silent(w, 0));
    assert_false(watchdog_is_silent(w, 1));
    assert_int_equal(watchdog_due_ms(w), begin_ms + 3000);
    pulse_beat(watchdog_pulse(w, 0), begin_ms + 2500);
    watchdog_look(w, begin_ms + 3000);
    assert_false(watchdog_is_silent(w, 0));
    watchdog_destroy(w);
}

/* What has held us up may have held up the worker: a machine that slept, a debugger. */
static void a_look_that_is_late_accuses_nobody(void **state)
{
    (void)state;
    struct watchdog *w = patient(1);
    int64_t begin_ms = watchdog_due_ms(w) - PATIENCE_MS / 4;
    pulse_beat(watchdog_pulse(w, 0), begin_ms);
    watchdog_look(w, begin_ms + 60000);
    assert_false(watchdog_is_silent(w, 0));
    watchdog_look(w, begin_ms + 61000);
    assert_true(watchdog_is_silent(w, 0));
    watchdog_destroy(w);
}

static void hear(int fd, const char *text)
{
    char heard[128] = "";
    assert_true(recv(fd, heard, sizeof heard - 1, MSG_DONTWAIT) > 0);
    assert_memory_equal(heard, text, strlen(text));
}

static void systemd_hears_of_us_where_it_says(void **state)
{
    (void)state;
    char named[64], path[64];
    snprintf(path, sizeof path, "/tmp/bff-notify-%d", getpid());
    snprintf(named, sizeof named, "@bff-notify-%d", getpid());
    const char *const places[] = {path, named};
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = strlen(places[i]);
        memcpy(address.sun_path, places[i], n);
        if (places[i][0] == '@')
            address.sun_path[0] = 0;
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
        setenv("NOTIFY_SOCKET", places[i], 1);
        notify_systemd("READY=1");
        hear(fd, "READY=1");
        notify_reloading();
        hear(fd, "RELOADING=1\nMONOTONIC_USEC=");
        close(fd);
    }
    notify_systemd("READY=1"); /* nobody listens there any more: logged, and no more */
    unlink(path);
}

static void without_a_place_nothing_is_said(void **state)
{
    (void)state;
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    notify_systemd("READY=1");
    setenv("NOTIFY_SOCKET", "/", 1);
    notify_systemd("READY=1");
    setenv("NOTIFY_SOCKET", longest, 1);
    notify_systemd("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, clear, clear)
        T(it_looks_only_when_systemd_asks_this_process),
        T(a_worker_is_silent_after_half_the_time),
        T(a_look_that_is_late_accuses_nobody),
        T(systemd_hears_of_us_where_it_says),
        T(without_a_place_nothing_is_said),
#undef T
    };
    return cmocka_run_group_tests_name("server/watchdog", tests, NULL, NULL);
}
