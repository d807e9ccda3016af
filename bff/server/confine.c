#include "server/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "server/confine_parts.h"

struct confine_kernel confine_kernel(void)
{
    uint32_t death = SECCOMP_RET_KILL_PROCESS;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return (struct confine_kernel){
        .landlock = abi > 0 ? abi : 0,
        .seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &death) == 0,
    };
}

static bool refused(const char *what)
{
    log_event(SEVERITY_ERROR, "sandbox_failed", LOG_TEXT("part", str_from(what)),
              LOG_NUMBER("errno", errno));
    return false;
}

/* At most two: that of the micro-cache, and that of the crash points in a build that has them. */
static size_t writable_directories(const struct config *config, struct str directories[2])
{
    size_t n = 0;
    if (config->server.microcache.n > 0)
        directories[n++] = config->server.microcache;
#ifdef BFF_CRASH_POINTS
    const char *crash_points = getenv("BFF_CRASH_POINTS");
    if (crash_points)
        directories[n++] = str_from(crash_points);
#endif
    return n;
}

bool confine(const struct config *config)
{
    struct str writable[2];
    size_t n_writable = writable_directories(config, writable);
    struct confine_kernel kernel = confine_kernel();
    if (!config->server.sandbox)
        return true;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused("no_new_privs");
    if (kernel.landlock > 0 && !confine_files(config, writable, n_writable, kernel.landlock))
        return refused("landlock");
    if (kernel.seccomp && !confine_calls(n_writable > 0))
        return refused("seccomp");
    return true;
}
