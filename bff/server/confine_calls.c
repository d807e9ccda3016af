/*
 * seccomp: an allow-list of the system calls that a worker and its libraries make.
 *
 *   allowed   what stands in `allowed`, and with the arguments that limit() names
 *   ENOSYS    everything else: a libc or a libcurl that is newer than this list tries the call that
 *             it used before, as on an older kernel. Death, or EPERM, would make an update of a
 *             library an outage.
 *   death     what stands in `deadly`: no library falls into it by itself, so somebody else is at
 *             work, and the supervisor logs the worker's end with signal=31
 *
 * The kernel answers for those that are allowed whatever their arguments from a bitmap (Linux
 * 5.11), so that they cost nothing to speak of.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/confine_parts.h"

static const int allowed[] = {
    /* sockets and pipes */
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(bind),
    SCMP_SYS(close),
    SCMP_SYS(connect),
    SCMP_SYS(dup),
    SCMP_SYS(eventfd2),
    SCMP_SYS(fcntl),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    /* waiting */
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(futex),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pselect6),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(select),
    SCMP_SYS(time),
    /* files; Landlock says which */
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getdents64),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pread64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(stat),
    SCMP_SYS(statx),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mremap),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    /* threads, signals, the end */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(sigaltstack),
    /* what libraries ask of the system */
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getuid),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

/* The micro-cache's entries are made, exchanged and removed. */
static const int for_writers[] = {
    SCMP_SYS(open),     SCMP_SYS(openat), SCMP_SYS(fchmod),   SCMP_SYS(ftruncate),
    SCMP_SYS(renameat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(renameat2),
};

static const int deadly[] = {
    /* another program, another process */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    /* another view of files */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fspick),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(quotactl),
    /* another user */
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    /* the kernel itself */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* libseccomp returns a negative errno; the first failure ends everything. */
static bool done(int result)
{
    if (result < 0)
        errno = -result;
    return result >= 0;
}

static bool add_each(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!done(seccomp_rule_add(filter, action, calls[i], 0)))
            return false;
    return true;
}

/* Of an argument some bits are looked at. Those of an int are 32: the kernel drops the others, so a
 * filter that minded them could be led by the nose. */
static struct scmp_arg_cmp bits_are(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, mask, value};
}

static struct scmp_arg_cmp int_is(unsigned argument, uint64_t value)
{
    return bits_are(argument, UINT32_MAX, value);
}

static bool allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return done(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, condition));
}

static bool allow_if_both(scmp_filter_ctx filter, int call, struct scmp_arg_cmp one,
                          struct scmp_arg_cmp other)
{
    return done(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 2, one, other));
}

/* UNIX, IP, and what getaddrinfo(3) asks the kernel's addresses with. */
static bool limit_sockets(scmp_filter_ctx f)
{
    return allow_if(f, SCMP_SYS(socket), int_is(0, AF_UNIX)) &&
           allow_if(f, SCMP_SYS(socket), int_is(0, AF_INET)) &&
           allow_if(f, SCMP_SYS(socket), int_is(0, AF_INET6)) &&
           allow_if_both(f, SCMP_SYS(socket), int_is(0, AF_NETLINK), int_is(2, NETLINK_ROUTE)) &&
           allow_if(f, SCMP_SYS(socketpair), int_is(0, AF_UNIX)) &&
           allow_if(f, SCMP_SYS(ioctl), int_is(1, FIONREAD)) &&
           allow_if(f, SCMP_SYS(ioctl), int_is(1, FIONBIO)) &&
           allow_if(f, SCMP_SYS(ioctl), int_is(1, TCGETS));
}

/* What was written is never run: no mapping is both, and none becomes executable later. A library
 * that the name service loads is mapped as code from the start. */
static bool limit_memory(scmp_filter_ctx f)
{
    const uint64_t both = PROT_WRITE | PROT_EXEC;
    return allow_if(f, SCMP_SYS(mmap), bits_are(2, both, 0)) &&
           allow_if(f, SCMP_SYS(mmap), bits_are(2, both, PROT_WRITE)) &&
           allow_if(f, SCMP_SYS(mmap), bits_are(2, both, PROT_EXEC)) &&
           allow_if(f, SCMP_SYS(mprotect), bits_are(2, PROT_EXEC, 0));
}

/* Threads, not processes. clone3() cannot be looked into: glibc takes clone() where it gets ENOSYS.
 * Signals to oneself: abort(3). Limits are read, not set. */
static bool limit_processes(scmp_filter_ctx f)
{
    const uint64_t thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    return allow_if(f, SCMP_SYS(clone), bits_are(0, thread, thread)) &&
           allow_if(f, SCMP_SYS(tgkill), int_is(0, (uint32_t)getpid())) &&
           allow_if_both(f, SCMP_SYS(prlimit64), int_is(0, 0), bits_are(2, UINT64_MAX, 0));
}

/* Where the kernel has no Landlock this at least keeps files from being written. */
static bool limit_files(scmp_filter_ctx f, bool may_write_files)
{
    const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
    if (may_write_files)
        return add_each(f, SCMP_ACT_ALLOW, for_writers, COUNT(for_writers));
    return allow_if(f, SCMP_SYS(open), bits_are(1, writing, 0)) &&
           allow_if(f, SCMP_SYS(openat), bits_are(2, writing, 0));
}

static bool add_rules(scmp_filter_ctx filter, bool may_write_files)
{
    return add_each(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed)) && limit_sockets(filter) &&
           limit_memory(filter) && limit_processes(filter) &&
           limit_files(filter, may_write_files) &&
           add_each(filter, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
}

/* Calls of another processor (int 0x80, x32) would pass the list by: death. A thread that a library
 * has started already is caught with us (TSYNC). */
bool confine_calls(bool may_write_files)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter) {
        errno = ENOMEM;
        return false;
    }
    bool ok = done(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) &&
              done(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) &&
              add_rules(filter, may_write_files) && done(seccomp_load(filter));
    seccomp_release(filter);
    return ok;
}
