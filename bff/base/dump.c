#include "base/dump.h"

#include <sys/prctl.h>
#include <sys/resource.h>

bool dump_forbid(void)
{
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}
