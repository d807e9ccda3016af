/* What the supervisor does with processes, where no request is needed to see it. */
#include "../../assert_str.h"
#include "server/supervisor_state.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct setup setup;
static struct supervisor *supervisor;

static int set_up(void **state)
{
    (void)state;
    setup = (struct setup){.config.server.workers = 2};
    supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return -1;
    supervisor->setup = &setup;
    supervisor->fence = fence_create();
    supervisor->watchdog = watchdog_create(SLOTS);
    supervisor->metrics = metrics_create(SLOTS);
    supervisor->listen_fd = supervisor->retired_listen_fd = -1;
    sigemptyset(&supervisor->signals_before);
    return supervisor->fence && supervisor->watchdog && supervisor->metrics ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fence_destroy(supervisor->fence);
    watchdog_destroy(supervisor->watchdog);
    metrics_destroy(supervisor->metrics, SLOTS);
    free(supervisor);
    return 0;
}

static unsigned open_files(void)
{
    unsigned n = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory))
        n++;
    closedir(directory);
    return n;
}

static void as_many_are_wanted_as_there_are_processors_and_never_too_many(void **state)
{
    (void)state;
    assert_int_equal(workers_wanted(&setup.config), 2);
    setup.config.server.workers = WORKERS_MAX + 1;
    assert_int_equal(workers_wanted(&setup.config), WORKERS_MAX);
    setup.config.server.workers = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    assert_int_equal(workers_wanted(&setup.config),
                     processors < WORKERS_MAX ? processors : WORKERS_MAX);
}

static void a_generation_that_finds_no_room_leaves_nothing_open(void **state)
{
    (void)state;
    struct slot *free_slot = &supervisor->slots[SLOTS - 1];
    for (size_t i = 0; i < SLOTS - 1; i++)
        supervisor->slots[i].restart_at_ms = 1; /* taken, by nobody who could be hit by a signal */
    unsigned before = open_files();
    assert_false(workers_start_generation(supervisor));
    assert_int_equal(open_files(), before);
    assert_true(free_slot->pid > 0);
    kill(free_slot->pid, SIGKILL);
    assert_int_equal(waitpid(free_slot->pid, NULL, 0), free_slot->pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            as_many_are_wanted_as_there_are_processors_and_never_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_generation_that_finds_no_room_leaves_nothing_open, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("server/workers", tests, NULL, NULL);
}
