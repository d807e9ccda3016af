/*
 * Preloaded into bffd, this makes one allocation or system call of its fail, and says which there
 * are. Whoever tells it shares the file that BFF_TORTURE names, laid out as `struct torture`.
 *
 * "Of its" means: made by the program's own text, by the address that the call returns to. What
 * libcurl and jansson allocate is among them, for they allocate through bffd (base/wiping_heap.h).
 * With BFF_TORTURE_OF (names of shared libraries, divided by blanks) it is their calls instead.
 *
 * A call site is known by its address, so the tenth read of a flow is the same one in its next
 * run, whatever the threads that have nothing to do with it did meanwhile.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ways to fail besides an errno: one byte where more were asked for; the end of what is read. */
enum { SHORT = -1001, ENDED = -1002 };

/* How a call says that it failed. */
enum says { MINUS_1, NOTHING, NUMBER };

/* Each call and the ways in which it may fail. What has two names has them for files of any size:
 * which of them a program is linked to depends on how it is compiled. */
#define CALLS(X)                                                                                   \
    X(strndup, NOTHING, ENOMEM)                                                                    \
    X(strdup, NOTHING, ENOMEM)                                                                     \
    X(sodium_malloc, NOTHING, ENOMEM)                                                              \
    X(mmap, MINUS_1, ENOMEM)                                                                       \
    X(mmap64, MINUS_1, ENOMEM)                                                                     \
    X(munmap, MINUS_1, ENOMEM)                                                                     \
    X(mlock, MINUS_1, ENOMEM, EPERM)                                                               \
    X(read, MINUS_1, EINTR, EIO, SHORT, ENDED)                                                     \
    X(write, MINUS_1, EINTR, EIO, ENOSPC, SHORT)                                                   \
    X(recv, MINUS_1, EINTR, ECONNRESET, SHORT, ENDED)                                              \
    X(send, MINUS_1, EINTR, EPIPE, SHORT)                                                          \
    X(sendto, MINUS_1, EINTR, ENOBUFS)                                                             \
    X(sendmsg, MINUS_1, EINTR, EPIPE)                                                              \
    X(accept4, MINUS_1, EINTR, EMFILE, ECONNABORTED)                                               \
    X(socket, MINUS_1, EMFILE, ENOBUFS)                                                            \
    X(connect, MINUS_1, ECONNREFUSED, EAGAIN)                                                      \
    X(bind, MINUS_1, EADDRINUSE, EACCES)                                                           \
    X(listen, MINUS_1, EADDRINUSE)                                                                 \
    X(setsockopt, MINUS_1, ENOMEM)                                                                 \
    X(getaddrinfo, NUMBER, EAI_MEMORY, EAI_AGAIN)                                                  \
    X(epoll_create1, MINUS_1, EMFILE, ENOMEM)                                                      \
    X(epoll_ctl, MINUS_1, ENOMEM, ENOSPC)                                                          \
    X(epoll_wait, MINUS_1, EINTR)                                                                  \
    X(poll, MINUS_1, EINTR, ENOMEM)                                                                \
    X(ppoll, MINUS_1, EINTR, ENOMEM)                                                               \
    X(eventfd, MINUS_1, EMFILE)                                                                    \
    X(signalfd, MINUS_1, EMFILE)                                                                   \
    X(pipe2, MINUS_1, EMFILE)                                                                      \
    X(open, MINUS_1, EMFILE, EACCES, EINTR)                                                        \
    X(open64, MINUS_1, EMFILE, EACCES, EINTR)                                                      \
    X(openat, MINUS_1, EMFILE, ENOSPC)                                                             \
    X(openat64, MINUS_1, EMFILE, ENOSPC)                                                           \
    X(close, MINUS_1, EIO)                                                                         \
    X(fcntl, MINUS_1, EINVAL)                                                                      \
    X(fcntl64, MINUS_1, EINVAL)                                                                    \
    X(stat, MINUS_1, EACCES, ENOMEM)                                                               \
    X(stat64, MINUS_1, EACCES, ENOMEM)                                                             \
    X(fstat, MINUS_1, EIO)                                                                         \
    X(fstat64, MINUS_1, EIO)                                                                       \
    X(fstatat, MINUS_1, EACCES, ENOMEM)                                                            \
    X(fstatat64, MINUS_1, EACCES, ENOMEM)                                                          \
    X(fstatfs, MINUS_1, EIO)                                                                       \
    X(fstatfs64, MINUS_1, EIO)                                                                     \
    X(access, MINUS_1, EACCES)                                                                     \
    X(faccessat, MINUS_1, EACCES)                                                                  \
    X(chmod, MINUS_1, EPERM)                                                                       \
    X(fchmod, MINUS_1, EPERM)                                                                      \
    X(fchown, MINUS_1, EPERM)                                                                      \
    X(fsync, MINUS_1, EIO)                                                                         \
    X(ftruncate, MINUS_1, ENOSPC)                                                                  \
    X(ftruncate64, MINUS_1, ENOSPC)                                                                \
    X(rename, MINUS_1, ENOSPC)                                                                     \
    X(renameat2, MINUS_1, ENOENT, ENOSPC)                                                          \
    X(unlink, MINUS_1, EACCES)                                                                     \
    X(unlinkat, MINUS_1, EACCES)                                                                   \
    X(fdopendir, NOTHING, ENOMEM)                                                                  \
    X(readdir, NOTHING, EIO)                                                                       \
    X(readdir64, NOTHING, EIO)                                                                     \
    X(fork, MINUS_1, EAGAIN, ENOMEM)                                                               \
    X(waitpid, MINUS_1, EINTR, ECHILD)                                                             \
    X(kill, MINUS_1, EPERM)                                                                        \
    X(sigaction, MINUS_1, EINVAL)                                                                  \
    X(signal, MINUS_1, EINVAL)                                                                     \
    X(sigprocmask, MINUS_1, EINVAL)                                                                \
    X(sigtimedwait, MINUS_1, EINTR, EAGAIN)                                                        \
    X(sigwaitinfo, MINUS_1, EINTR)                                                                 \
    X(nanosleep, MINUS_1, EINTR)                                                                   \
    X(prctl, MINUS_1, EINVAL)                                                                      \
    X(syscall, MINUS_1, ENOSYS, EPERM, ENOMEM)                                                     \
    X(getrandom, MINUS_1, EINTR)                                                                   \
    X(getrlimit, MINUS_1, EPERM)                                                                   \
    X(getrlimit64, MINUS_1, EPERM)                                                                 \
    X(setrlimit, MINUS_1, EPERM)                                                                   \
    X(setrlimit64, MINUS_1, EPERM)                                                                 \
    X(sysconf, MINUS_1, EINVAL)                                                                    \
    X(tcgetattr, MINUS_1, EIO)                                                                     \
    X(tcsetattr, MINUS_1, EIO)                                                                     \
    X(fflush, MINUS_1, ENOSPC)                                                                     \
    X(pthread_create, NUMBER, EAGAIN)                                                              \
    X(pthread_mutex_init, NUMBER, ENOMEM)                                                          \
    X(pthread_cond_init, NUMBER, EAGAIN)                                                           \
    X(pthread_sigmask, NUMBER, EINVAL)

#define CALL_ID(name, ...) CALL_##name,
enum call_id { CALL_malloc, CALL_calloc, CALL_realloc, CALLS(CALL_ID) CALL_COUNT };

enum { NAME_MAX_BYTES = 20, CALLS_MAX = 100, WAYS_MAX = 4, HEAPS = 512, SITES = 4096 };

struct call {
    char name[NAME_MAX_BYTES];
    uint32_t n_ways;
};

/* What a process has allocated, whoever in it: `blocks` that it has not given back. */
struct heap {
    _Atomic int32_t pid;
    uint32_t unused;
    _Atomic int64_t blocks;
};

/* Where a call comes from: `at` is never 0. It was made so often since `counting` began. */
struct site {
    _Atomic uint64_t at;
    _Atomic uint32_t call;
    _Atomic uint32_t seen;
};

struct torture {
    _Atomic uint32_t counting;
    _Atomic int32_t pid;       /* counted is this process; -PID: all but this one; 0: each */
    _Atomic uint64_t at;       /* fail there, */
    _Atomic uint32_t nth;      /* at this call of those that are counted (the first is 1), */
    _Atomic uint32_t way;      /* in this way. */
    _Atomic uint32_t came;     /* it has come there */
    _Atomic int32_t failed_in; /* the process in which it failed there; 0: not in this way */
    _Atomic uint32_t n_heaps;
    struct call calls[CALLS_MAX];
    struct heap heaps[HEAPS];
    struct site sites[SITES];
};

static struct torture *shared;
static _Atomic(struct heap *) heap;

static const struct {
    const char *name;
    int ways[WAYS_MAX];
    enum says says;
} calls[CALL_COUNT] = {
#define CALL_ROW(call, how, ...) [CALL_##call] = {#call, {__VA_ARGS__}, how},
    CALL_ROW(malloc, NOTHING, ENOMEM) CALL_ROW(calloc, NOTHING, ENOMEM)
        CALL_ROW(realloc, NOTHING, ENOMEM) CALLS(CALL_ROW)};

/* --- whose calls --- */

enum { RANGES_MAX = 16, MODULE_SHIFT = 48 };

static struct range {
    uintptr_t start, end, base;
    uint64_t module;
} ranges[RANGES_MAX];
static size_t n_ranges;

static bool is_wanted(const char *of, const char *path)
{
    if (!of)
        return !*path; /* the program itself has no name */
    const char *file = strrchr(path, '/');
    const char *name = file ? file + 1 : path;
    size_t n = strcspn(name, ".");
    const char *found = n > 0 ? strstr(of, strndupa(name, n)) : NULL;
    return found && (found[n] == ' ' || !found[n]) && (found == of || found[-1] == ' ');
}

static int note_text(struct dl_phdr_info *info, size_t size, void *module)
{
    uint64_t *number = module;
    (void)size;
    if (!is_wanted(getenv("BFF_TORTURE_OF"), info->dlpi_name))
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum && n_ranges < RANGES_MAX; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
            ranges[n_ranges++] =
                (struct range){start, start + p->p_memsz, info->dlpi_addr, *number};
    }
    ++*number;
    return 0;
}

/* 0: not one of those whose calls fail. Else the module and the address in its file. */
static uint64_t place_of(const void *address)
{
    uintptr_t a = (uintptr_t)address;
    for (size_t i = 0; i < n_ranges; i++)
        if (a >= ranges[i].start && a < ranges[i].end)
            return ranges[i].module << MODULE_SHIFT | (a - ranges[i].base);
    return 0;
}

/* --- which call --- */

static bool is_counted_process(void)
{
    int32_t wanted = atomic_load(&shared->pid), self = getpid();
    return wanted == 0 || wanted == self || (wanted < 0 && wanted != -self);
}

/* How often this place has called by now. Beyond what there is room for none is counted. */
static uint32_t count(uint64_t at, enum call_id call)
{
    for (size_t i = 0; i < SITES; i++) {
        struct site *s = &shared->sites[(at * 31 + i) % SITES];
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&s->at, &there, at))
            atomic_store(&s->call, call);
        else if (there != at)
            continue;
        return atomic_fetch_add(&s->seen, 1) + 1;
    }
    return 0;
}

/* 0: this call is to be made as it is; else the way in which it fails. */
static int trouble(enum call_id call, const void *returns_to)
{
    if (!shared || !atomic_load(&shared->counting))
        return 0;
    uint64_t at = place_of(returns_to);
    if (at == 0 || !is_counted_process())
        return 0;
    uint32_t n = count(at, call), way = atomic_load(&shared->way);
    if (at != atomic_load(&shared->at) || n != atomic_load(&shared->nth) || way >= WAYS_MAX)
        return 0;
    atomic_store(&shared->came, 1);
    return calls[call].ways[way];
}

static void note_failure(void)
{
    atomic_store(&shared->failed_in, getpid());
}

/* --- memory --- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);

static void add_block(const void *p, int64_t n)
{
    struct heap *h = atomic_load(&heap);
    if (p && h)
        atomic_fetch_add(&h->blocks, n);
}

static bool fails(enum call_id call, const void *returns_to)
{
    int way = trouble(call, returns_to);
    if (way == 0)
        return false;
    note_failure();
    errno = way;
    return true;
}

void *malloc(size_t n)
{
    if (fails(CALL_malloc, __builtin_return_address(0)))
        return NULL;
    void *p = __libc_malloc(n);
    add_block(p, 1);
    return p;
}

void *calloc(size_t n, size_t size)
{
    if (fails(CALL_calloc, __builtin_return_address(0)))
        return NULL;
    void *p = __libc_calloc(n, size);
    add_block(p, 1);
    return p;
}

void *realloc(void *p, size_t n)
{
    if (fails(CALL_realloc, __builtin_return_address(0)))
        return NULL;
    void *moved = __libc_realloc(p, n);
    if (!p)
        add_block(moved, 1);
    else if (n == 0)
        add_block(p, -1);
    return moved;
}

void free(void *p)
{
    add_block(p, -1);
    __libc_free(p);
}

void *memalign(size_t alignment, size_t n)
{
    void *p = __libc_memalign(alignment, n);
    add_block(p, 1);
    return p;
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    void *p = memalign(alignment, n);
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

/* --- system calls, and what is made of them --- */

/* Integers and pointers go in registers, six of them, whatever the function is: so one kind of
 * function stands for all. The names by which they are linked are their only ones. */
typedef long real_call(long a, long b, long c, long d, long e, long f);

static bool is_stream(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 &&
           (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
}

/* A look (MSG_PEEK) shows all that is there, and the kernel gives an eventfd's bytes together. */
static bool may_be_short(enum call_id call, int fd, long size, long flags)
{
    return size > 1 && is_stream(fd) && !(call == CALL_recv && (flags & MSG_PEEK));
}

static long say(enum says says, int why)
{
    if (says != NUMBER)
        errno = why;
    return says == NUMBER ? why : says == MINUS_1 ? -1 : 0;
}

/* A descriptor or a mapping is gone even if that fails. */
static bool is_done_all_the_same(enum call_id call)
{
    return call == CALL_close || call == CALL_munmap;
}

enum turn { AS_IT_IS, FAILED, MADE_AND_FAILED };

/* What becomes of a call with these arguments; *result is what it says where it failed. */
static enum turn take_turn(enum call_id call, const void *returns_to, long a, long *c, long d,
                           long *result)
{
    int way = trouble(call, returns_to);
    if (way == 0 || (way == SHORT && !may_be_short(call, (int)a, *c, d)) ||
        (way == ENDED && !is_stream((int)a)))
        return AS_IT_IS;
    note_failure();
    if (way == SHORT) {
        *c = 1;
        return AS_IT_IS;
    }
    *result = way == ENDED ? 0 : say(calls[call].says, way);
    return is_done_all_the_same(call) ? MADE_AND_FAILED : FAILED;
}

#define WRAP(call, ...)                                                                            \
    long fail_##call(long a, long b, long c, long d, long e, long f) __asm__(#call);               \
    long fail_##call(long a, long b, long c, long d, long e, long f)                               \
    {                                                                                              \
        static _Atomic(real_call *) found;                                                         \
        real_call *real = atomic_load(&found);                                                     \
        long result = 0;                                                                           \
        if (!real) {                                                                               \
            real = (real_call *)dlsym(RTLD_NEXT, #call);                                           \
            atomic_store(&found, real);                                                            \
        }                                                                                          \
        enum turn turn = take_turn(CALL_##call, __builtin_return_address(0), a, &c, d, &result);   \
        if (turn == FAILED)                                                                        \
            return result;                                                                         \
        if (turn == AS_IT_IS)                                                                      \
            return real(a, b, c, d, e, f);                                                         \
        int why = errno;                                                                           \
        real(a, b, c, d, e, f);                                                                    \
        errno = why;                                                                               \
        return result;                                                                             \
    }
CALLS(WRAP)

/* --- at the start --- */

static void take_heap(void)
{
    struct heap *mine = &shared->heaps[atomic_fetch_add(&shared->n_heaps, 1) % HEAPS];
    const struct heap *before = atomic_load(&heap);
    atomic_store(&mine->blocks, before ? atomic_load(&before->blocks) : 0);
    atomic_store(&mine->pid, getpid());
    atomic_store(&heap, mine);
}

static void write_calls(void)
{
    for (size_t i = 0; i < CALL_COUNT; i++) {
        struct call *c = &shared->calls[i];
        strncpy(c->name, calls[i].name, sizeof c->name - 1);
        c->n_ways = 0;
        while (c->n_ways < WAYS_MAX && calls[i].ways[c->n_ways] != 0)
            c->n_ways++;
    }
}

__attribute__((constructor)) static void begin(void)
{
    _Static_assert((int)CALL_COUNT <= (int)CALLS_MAX, "room for all");
    const char *path = getenv("BFF_TORTURE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    uint64_t module = 0;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return;
    dl_iterate_phdr(note_text, &module);
    shared = p;
    write_calls();
    take_heap();
    pthread_atfork(NULL, NULL, take_heap);
}
