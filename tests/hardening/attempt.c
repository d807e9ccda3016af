/*
 * What a worker must not be able to do, tried by a process that is confined as one.
 *
 *     attempt yes|no NAME [PATH]     yes, no: server.sandbox
 *
 * Prints "done", or the name of the errno that was the answer. PATH is the attempt's; CA_FILE and
 * MICROCACHE in the environment are the configuration's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/confine.h"

static bool file_read(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) >= 0;
}

static bool file_write(const char *path)
{
    int fd = open(path, O_WRONLY);
    return fd >= 0 && write(fd, "x", 1) == 1;
}

static bool file_create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0;
}

static bool file_truncate(const char *path)
{
    return truncate(path, 0) == 0;
}

static bool file_remove(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0) == 0;
}

static bool file_rename(const char *path)
{
    char other[4096];
    snprintf(other, sizeof other, "%s.other", path);
    return renameat2(AT_FDCWD, path, AT_FDCWD, other, 0) == 0;
}

static bool file_chmod(const char *path)
{
    return chmod(path, 0777) == 0;
}

static bool file_link(const char *path)
{
    char other[4096];
    snprintf(other, sizeof other, "%s.link", path);
    return symlink(path, other) == 0;
}

static bool directory_list(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY) >= 0;
}

/* As the micro-cache's entries are put in each other's place. */
static bool file_exchange(const char *path)
{
    char other[4096];
    snprintf(other, sizeof other, "%s.other", path);
    return file_create(other) && renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE) == 0 &&
           unlink(other) == 0;
}

static bool program_run(const char *path)
{
    execl(path, path, NULL);
    return false;
}

static bool process_fork(const char *path)
{
    (void)path;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static bool process_trace(const char *path)
{
    (void)path;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool process_signal(const char *path)
{
    (void)path;
    return kill(getppid(), 0) == 0;
}

static bool process_signal_thread(const char *path)
{
    (void)path;
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool process_read(const char *path)
{
    char from[8] = "from", to[8];
    struct iovec local = {to, sizeof to}, remote = {from, sizeof from};
    (void)path;
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == sizeof to;
}

static bool limits_set(const char *path)
{
    struct rlimit files = {64, 64};
    (void)path;
    return setrlimit(RLIMIT_NOFILE, &files) == 0;
}

static bool user_set(const char *path)
{
    (void)path;
    return setuid(getuid()) == 0;
}

static bool namespace_make(const char *path)
{
    (void)path;
    return unshare(CLONE_FILES) == 0;
}

static bool filesystem_mount(const char *path)
{
    return mount("none", path, "tmpfs", 0, NULL) == 0;
}

static bool kernel_program(const char *path)
{
    union bpf_attr attr;
    (void)path;
    memset(&attr, 0, sizeof attr);
    return syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof attr) == 0;
}

static bool memory_written_and_run(const char *path)
{
    (void)path;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool memory_made_code(const char *path)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)path;
    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool memory_file(const char *path)
{
    (void)path;
    return memfd_create("program", 0) >= 0;
}

static bool socket_listen(const char *path)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)path;
    return fd >= 0 && listen(fd, 1) == 0;
}

static bool socket_bind(const char *path)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)path;
    return fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof any) == 0;
}

static bool socket_of_the_kernel(const char *path)
{
    (void)path;
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT) >= 0;
}

static bool name_resolve(const char *path)
{
    struct addrinfo *found;
    (void)path;
    return getaddrinfo("localhost", "http", NULL, &found) == 0;
}

/* What another thread gets to see; errno comes along. */
static void *read_it(void *path)
{
    return file_read(path) ? NULL : (void *)(intptr_t)errno;
}

static bool file_read_by_a_thread(const char *path)
{
    pthread_t thread;
    void *error;
    if (pthread_create(&thread, NULL, read_it, (void *)path) != 0 ||
        pthread_join(thread, &error) != 0)
        return false;
    errno = (int)(intptr_t)error;
    return !error;
}

static bool process_abort(const char *path)
{
    (void)path;
    abort();
}

static const struct attempt {
    const char *name;
    bool (*make)(const char *path);
} attempts[] = {
#define X(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
    X(file_read),
    X(file_write),
    X(file_create),
    X(file_truncate),
    X(file_remove),
    X(file_rename),
    X(file_chmod),
    X(file_link),
    X(file_exchange),
    X(file_read_by_a_thread),
    X(directory_list),
    X(program_run),
    X(process_fork),
    X(process_trace),
    X(process_signal),
    X(process_signal_thread),
    X(process_read),
    X(process_abort),
    X(limits_set),
    X(user_set),
    X(namespace_make),
    X(filesystem_mount),
    X(kernel_program),
    X(memory_written_and_run),
    X(memory_made_code),
    X(memory_file),
    X(socket_listen),
    X(socket_bind),
    X(socket_of_the_kernel),
    X(name_resolve),
#undef X
};

static struct str from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? str_from(value) : (struct str){NULL, 0};
}

int main(int argc, char **argv)
{
    const struct config config = {
        .server.sandbox = argc > 1 && strcmp(argv[1], "yes") == 0,
        .server.microcache = from_environment("MICROCACHE"),
        .backend.ca_file = from_environment("CA_FILE"),
    };
    if (argc < 3 || !confine(&config))
        return 2;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (strcmp(argv[2], attempts[i].name) != 0)
            continue;
        errno = 0;
        puts(attempts[i].make(argc > 3 ? argv[3] : "") ? "done" : strerrorname_np(errno));
        return 0;
    }
    return 2;
}
