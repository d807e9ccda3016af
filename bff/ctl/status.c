/* bffctl status, bffctl pending: what the running bffd says of its workers. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "codec/json.h"
#include "ctl/ask.h"
#include "ctl/command.h"

json_t *ctl_ask_status(struct ctl *ctl)
{
    struct str body, message;
    if (!ask_bffd(&ctl->config, STR("status"), &ctl->arena, &body, &message)) {
        ctl_complain(message);
        return NULL;
    }
    json_t *status = json_read(body);
    if (!status)
        ctl_complain(STR("bffd's answer is not readable"));
    return status;
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "?";
}

static void print_worker(const json_t *worker, int64_t now_s)
{
    char age[CTL_DURATION_MAX], queues[48];
    snprintf(queues, sizeof queues, "%" PRId64 "/%" PRId64, number(worker, "store_queue"),
             number(worker, "backend_queue"));
    printf("%-8" PRId64 "%-10s%-10s%-12" PRId64 "%-8" PRId64 "%-8" PRId64 "%-8s%-10" PRId64
           "%-8" PRId64 "%-7s%s\n",
           number(worker, "pid"), text(worker, "state"),
           ctl_duration(now_s - number(worker, "started"), age), number(worker, "answered"),
           number(worker, "connections"), number(worker, "parked"), queues,
           number(worker, "cache_entries"), number(worker, "revocations_waiting"),
           flag(worker, "hears_redis") ? "yes" : "NO",
           flag(worker, "reaches_backend") ? "yes" : "NO");
}

enum ctl_status ctl_show_status(struct ctl *ctl)
{
    json_t *status = ctl_ask_status(ctl), *worker;
    int64_t now_s = (int64_t)time(NULL);
    char age[CTL_DURATION_MAX];
    size_t i;
    if (!status)
        return CTL_FAILED;
    if (ctl->as_json)
        return ctl_print_json(status);
    printf("bffd %s, for %s; workers that crashed meanwhile: %" PRId64 "\n",
           text(status, "version"), ctl_duration(now_s - number(status, "started"), age),
           number(status, "crashes"));
    printf("%-8s%-10s%-10s%-12s%-8s%-8s%-8s%-10s%-8s%-7s%s\n", "PID", "STATE", "FOR", "ANSWERED",
           "CONNS", "PARKED", "QUEUES", "CACHED", "PENDING", "REDIS", "BACKEND");
    json_array_foreach(json_object_get(status, "workers"), i, worker) print_worker(worker, now_s);
    json_decref(status);
    return CTL_OK;
}

static json_t *pending_of(const json_t *worker)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "pid", number(worker, "pid"), "waiting",
                     number(worker, "revocations_waiting"), "oldest_s",
                     number(worker, "oldest_revocation_s"), "next_attempt_s",
                     number(worker, "next_revocation_s"));
}

static void print_pending(const json_t *worker)
{
    char oldest[CTL_DURATION_MAX], next[CTL_DURATION_MAX];
    if (number(worker, "revocations_waiting") > 0)
        printf("worker %" PRId64 ": %" PRId64 ", the oldest for %s, tried next in %s\n",
               number(worker, "pid"), number(worker, "revocations_waiting"),
               ctl_duration(number(worker, "oldest_revocation_s"), oldest),
               ctl_duration(number(worker, "next_revocation_s"), next));
}

/* NULL: out of memory. */
static json_t *list_pending(const json_t *status)
{
    json_t *list = json_array(), *worker;
    size_t i;
    json_array_foreach(json_object_get(status, "workers"), i, worker)
    {
        if (json_array_append_new(list, pending_of(worker)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

enum ctl_status ctl_show_pending(struct ctl *ctl)
{
    json_t *status = ctl_ask_status(ctl), *worker;
    int64_t waiting = 0;
    size_t i;
    if (!status)
        return CTL_FAILED;
    json_array_foreach(json_object_get(status, "workers"), i, worker) waiting +=
        number(worker, "revocations_waiting");
    if (ctl->as_json) {
        json_t *list = list_pending(status);
        json_decref(status);
        return ctl_print_json(list ? json_pack("{s:I,s:o}", "waiting", waiting, "workers", list)
                                   : NULL);
    }
    printf("%" PRId64 " revocations wait to be told to the backend%s\n", waiting,
           waiting > 0 ? ":" : ".");
    json_array_foreach(json_object_get(status, "workers"), i, worker) print_pending(worker);
    json_decref(status);
    return CTL_OK;
}
