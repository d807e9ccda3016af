/* Landlock: files that are not named here cannot be opened, and nothing can be run, by nobody. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/confine_parts.h"

/* Newer than Debian 12's headers, and part of the kernel's interface for good. */
#define FS_REFER (1ULL << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define SCOPE_ALL 3ULL            /* ABI 6: signals and abstract sockets */

/* As of ABI 6. An older kernel takes it as long as what it does not know is 0. */
struct ruleset {
    uint64_t fs, net, scoped;
};

#define FS_READ LANDLOCK_ACCESS_FS_READ_FILE
#define FS_KEEP                                                                                    \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |  \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define FS_FIRST_ABI ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* What getaddrinfo(3) and OpenSSL read by name. They may be replaced: confine_files_mark(). */
static const char *const read_by_name[] = {
    "/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf", "/etc/host.conf",
    "/etc/gai.conf",    "/etc/services", "/etc/protocols",     "/etc/ssl/openssl.cnf",
};

/* Certificates, what nsswitch.conf(5) names as libraries, randomness, and malloc's question for how
 * many threads it makes room. */
static const char *const read_below[] = {
    "/etc/ssl/certs",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/dev/random",
    "/sys/devices/system/cpu/online",
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static uint64_t everything(long abi)
{
    return FS_FIRST_ABI | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
           (abi >= 5 ? FS_IOCTL_DEV : 0);
}

/* What is not there needs no permission. */
static bool allow(int ruleset, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

/* A path of the configuration, which no kernel takes when it does not fit. */
static bool allow_configured(int ruleset, struct str path, uint64_t access)
{
    char name[PATH_MAX];
    if (path.n == 0 || path.n >= sizeof name)
        return true;
    memcpy(name, path.p, path.n);
    name[path.n] = 0;
    return allow(ruleset, name, access);
}

static bool allow_all(int ruleset, const struct config *config, const struct str *writable,
                      size_t n_writable, long abi)
{
    bool ok = allow_configured(ruleset, config->backend.ca_file, FS_READ);
    for (size_t i = 0; i < COUNT(read_by_name); i++)
        ok = ok && allow(ruleset, read_by_name[i], FS_READ);
    for (size_t i = 0; i < COUNT(read_below); i++)
        ok = ok && allow(ruleset, read_below[i], FS_READ);
    for (size_t i = 0; i < n_writable; i++)
        ok = ok && allow_configured(ruleset, writable[i], FS_KEEP | (abi >= 3 ? FS_TRUNCATE : 0));
    return ok;
}

bool confine_files(const struct config *config, const struct str *writable, size_t n_writable,
                   long abi)
{
    const struct ruleset handled = {
        .fs = everything(abi),
        .net = abi >= 4 ? NET_BIND_TCP : 0,
        .scoped = abi >= 6 ? SCOPE_ALL : 0,
    };
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0)
        return false;
    bool ok = allow_all(ruleset, config, writable, n_writable, abi) &&
              syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int why = errno;
    close(ruleset);
    errno = why;
    return ok;
}

/* FNV-1a over which file it is; that a file is not there counts as well. */
static uint64_t mark(uint64_t so_far, const char *path)
{
    struct stat st;
    uint64_t which[2] = {0, 0};
    if (stat(path, &st) == 0) {
        which[0] = st.st_dev;
        which[1] = st.st_ino;
    }
    for (size_t i = 0; i < 2; i++)
        for (unsigned shift = 0; shift < 64; shift += 8)
            so_far = (so_far ^ (which[i] >> shift & 0xFF)) * 0x100000001B3;
    return so_far;
}

uint64_t confine_files_mark(const struct config *config)
{
    uint64_t all = 0xCBF29CE484222325;
    char ca_file[PATH_MAX];
    struct str path = config->backend.ca_file;
    if (!config->server.sandbox || confine_kernel().landlock == 0)
        return 0;
    for (size_t i = 0; i < COUNT(read_by_name); i++)
        all = mark(all, read_by_name[i]);
    snprintf(ca_file, sizeof ca_file, "%.*s", STR_ARG(path));
    return path.n > 0 ? mark(all, ca_file) : all;
}
