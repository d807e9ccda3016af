/* A worker ends by _exit(2), which writes no counters down: in a build for coverage it is linked to
 * this one (ld's --wrap). */
#include <gcov.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
