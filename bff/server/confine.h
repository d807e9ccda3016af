/*
 * What an intruder finds in a worker: no file but the few that a worker reads, no program that he
 * could start, no other process that he could look into. Landlock (files, Linux 5.13) and seccomp
 * (system calls) take away what a worker does not need, for good.
 */
#ifndef BFF_SERVER_CONFINE_H
#define BFF_SERVER_CONFINE_H

#include "core/config.h"

struct confine_kernel {
    long landlock; /* its ABI; 0: this kernel has none, or it is switched off */
    bool seccomp;
};

/* What this kernel has. */
struct confine_kernel confine_kernel(void);

/*
 * For this process, before it starts threads: what the kernel has is taken, and nothing gives it
 * back. A server.sandbox of "no" changes nothing. false: the kernel has it and refuses it all the
 * same, which is logged; the process is not fit to meet strangers then.
 */
BFF_MUST_CHECK bool confine(const struct config *config);

/*
 * Changes when a file that workers read by its name is replaced, appears or goes. Landlock knows
 * files, not names: workers that are confined cannot read what took another's place, and have to be
 * replaced as well. Always 0 where nobody is confined.
 */
uint64_t confine_files_mark(const struct config *config);

#endif
