/* old_kernel PROGRAM [ARGUMENT...]: runs it as on a kernel without Landlock and seccomp. */
#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const int missing[] = {SCMP_SYS(landlock_create_ruleset), SCMP_SYS(seccomp)};
    for (size_t i = 0; i < 2; i++)
        if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), missing[i], 0) != 0)
            return 2;
    if (argc < 2 || seccomp_load(filter) != 0)
        return 2;
    execv(argv[1], argv + 1);
    return 2;
}
