#include "../../assert_str.h"
#include "server/tasks.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 4096

static struct tasks *tasks;

static int set_up(void **state)
{
    (void)state;
    tasks = tasks_make();
    return tasks ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tasks_free(tasks);
    return 0;
}

static struct call call_of(unsigned char session)
{
    struct call call = {.caller.request_id = STR("r-1")};
    call.name.cookie = STR("cookie");
    memset(call.name.hash, session, sizeof call.name.hash);
    return call;
}

static struct session_task *add(enum task_kind kind, unsigned char session)
{
    struct call call = call_of(session);
    struct session_task *task = tasks_add(tasks, kind, &call, ROOM);
    assert_non_null(task);
    return task;
}

static struct session_task *find(enum task_kind kind, unsigned char session)
{
    struct call call = call_of(session);
    return tasks_find(tasks, kind, call.name.hash);
}

static void a_task_is_found_by_session_and_kind(void **state)
{
    (void)state;
    struct session_task *load = add(TASK_LOAD, 1), *refresh = add(TASK_REFRESH, 1);
    struct session_task *other = add(TASK_LOAD, 2);
    assert_ptr_equal(find(TASK_LOAD, 1), load);
    assert_ptr_equal(find(TASK_REFRESH, 1), refresh);
    assert_ptr_equal(find(TASK_LOAD, 2), other);
    assert_null(find(TASK_REFRESH, 2));
    tasks_remove(tasks, load);
    task_free(load);
    assert_null(find(TASK_LOAD, 1));
    assert_ptr_equal(find(TASK_REFRESH, 1), refresh);
}

static void a_task_has_its_own_copy_of_the_cookie_and_the_caller(void **state)
{
    (void)state;
    char cookie[] = "cookie", id[] = "r-2";
    struct call call = call_of(3);
    call.name.cookie = str_from(cookie);
    call.caller.request_id = str_from(id);
    struct session_task *task = tasks_add(tasks, TASK_LOAD, &call, ROOM);
    memset(cookie, 'x', sizeof cookie - 1);
    memset(id, 'x', sizeof id - 1);
    assert_str(task->name.cookie, STR("cookie"));
    assert_str(task->caller.request_id, STR("r-2"));
}

static void what_does_not_fit_is_no_task(void **state)
{
    (void)state;
    struct call call = call_of(4);
    assert_null(tasks_add(tasks, TASK_LOAD, &call, 0));
    assert_null(find(TASK_LOAD, 4));
}

static void requests_are_taken_in_the_order_they_were_parked(void **state)
{
    (void)state;
    struct conn conns[4] = {0};
    struct session_task *task = add(TASK_REFRESH, 5);
    for (size_t i = 0; i < 4; i++)
        task_park(tasks, task, &conns[i], 100);
    assert_int_equal(conns[0].state, CONN_PARKED);
    task_unpark(&conns[1]);
    task_unpark(&conns[3]); /* the last one: the next goes behind conns[2] */
    task_park(tasks, task, &conns[1], 100);
    struct conn *c = task_take_parked(task);
    assert_ptr_equal(c, &conns[0]);
    assert_ptr_equal(c->next_parked, &conns[2]);
    assert_ptr_equal(c->next_parked->next_parked, &conns[1]);
    assert_null(c->next_parked->next_parked->next_parked);
    assert_null(task->parked);
    assert_null(conns[0].task);
    task_park(tasks, task, &conns[3], 100);
    assert_ptr_equal(task->parked, &conns[3]);
    task_take_parked(task);
}

static void what_is_due_next_is_known_without_a_search(void **state)
{
    (void)state;
    struct conn conns[2] = {0};
    struct session_task *load = add(TASK_LOAD, 6), *refresh = add(TASK_REFRESH, 6);
    assert_true(tasks_next_due(tasks) == INT64_MAX);
    task_park(tasks, load, &conns[0], 300);
    task_park(tasks, load, &conns[1], 200);
    assert_int_equal(tasks_next_due(tasks), 200);
    task_rest(tasks, refresh, TASK_SLEEPING, 100);
    assert_int_equal(refresh->state, TASK_SLEEPING);
    assert_int_equal(tasks_next_due(tasks), 100);
    task_rest(tasks, refresh, TASK_RESTING, 400);
    task_unpark(&conns[1]);
    assert_true(tasks_next_due(tasks) <= 300); /* never late */
    tasks_look(tasks);
    assert_int_equal(tasks_next_due(tasks), 300);
    task_take_parked(load);
    tasks_look(tasks);
    assert_int_equal(tasks_next_due(tasks), 400);
    refresh->state = TASK_RUNNING;
    tasks_look(tasks);
    assert_true(tasks_next_due(tasks) == INT64_MAX);
}

static void count_and_remove(struct session_task *task, void *count)
{
    (*(size_t *)count)++;
    tasks_remove(tasks, task);
    task_free(task);
}

static void a_visitor_may_remove_what_it_visits(void **state)
{
    (void)state;
    size_t count = 0;
    for (unsigned char i = 0; i < 200; i++)
        add(i % 2 ? TASK_LOAD : TASK_REFRESH, (unsigned char)(i / 4));
    tasks_each(tasks, count_and_remove, &count);
    assert_int_equal(count, 200);
    tasks_each(tasks, count_and_remove, &count);
    assert_int_equal(count, 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_is_found_by_session_and_kind),
        TEST(a_task_has_its_own_copy_of_the_cookie_and_the_caller),
        TEST(what_does_not_fit_is_no_task),
        TEST(requests_are_taken_in_the_order_they_were_parked),
        TEST(what_is_due_next_is_known_without_a_search),
        TEST(a_visitor_may_remove_what_it_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
