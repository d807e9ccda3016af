#include "store/kept_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define NAME_DIGITS (2 * (size_t)MD5_BYTES)
#define SERIAL_DIGITS 10 /* nginx writes NAME.SERIAL, then renames it */
#define EMPTY_BYTES                                                                                \
    4096 /* more than nginx' own header; all of it a hole, which takes no memory                   \
          */
#define EMPTY_PREFIX "bffd." /* of what is about to take an entry's place */
#define EMPTY_NAME_MAX 64
#define LEFT_BEHIND_S 60 /* nobody writes for so long */

static const char *why_unfit(int fd)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) != 0 || fstat(fd, &st) != 0)
        return strerror(errno);
    if (fs.f_type != TMPFS_MAGIC)
        return "is not on a tmpfs, and access tokens must not reach a disk";
    if ((st.st_mode & S_IRWXO) != 0)
        return "holds access tokens, but others may look into it: chmod 0770 or stricter";
    if ((st.st_mode & S_ISVTX) != 0)
        return "has the sticky bit, so nginx' files could not be taken away: chmod 0770";
    if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        return "cannot be written in: let it belong to nginx' user and a group that bffd is in, "
               "chmod 0770";
    return NULL;
}

int kept_directory_open(const char *path, const char **why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *why = fd < 0 ? strerror(errno) : why_unfit(fd);
    if (fd >= 0 && *why) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A tmpfs without a limit says that it has 0 of it. */
bool kept_directory_has_room(int directory, uint64_t files, uint64_t bytes)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(directory, &fs) != 0 || fstat(directory, &st) != 0 || st.st_nlink == 0)
        return false;
    return (fs.f_files == 0 || fs.f_ffree >= files) &&
           (fs.f_blocks == 0 || fs.f_bavail >= bytes / (uint64_t)fs.f_bsize);
}

void kept_file_name(struct str cookie, char name[KEPT_FILE_NAME_MAX])
{
    unsigned char digest[MD5_BYTES];
    struct buf b = buf_make(name, NAME_DIGITS);
    md5_short(cookie, digest);
    buf_add_hex(&b, digest, sizeof digest);
    name[NAME_DIGITS] = 0;
}

/* nginx has to be able to read it, whoever's it is; there is nothing in it. */
static bool make_empty(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool ok = fchmod(fd, 0644) == 0 && ftruncate(fd, EMPTY_BYTES) == 0;
    close(fd);
    return ok;
}

static void remove_file(int directory, const char *name)
{
    if (unlinkat(directory, name, 0) != 0 && errno != ENOENT)
        log_event(SEVERITY_ERROR, "microcache_not_emptied", LOG_NUMBER("errno", errno));
}

void kept_file_empty(int directory, const char *name)
{
    static _Atomic unsigned long serial;
    char empty[EMPTY_NAME_MAX];
    struct stat st;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_blocks == 0)
        return; /* none, or one of ours */
    snprintf(empty, sizeof empty, EMPTY_PREFIX "%d.%lu", (int)getpid(),
             atomic_fetch_add(&serial, 1));
    /* Exchanged, and not moved over it: where nginx has just removed the entry none must appear. */
    bool done = make_empty(directory, empty) &&
                renameat2(directory, empty, directory, name, RENAME_EXCHANGE) == 0;
    remove_file(directory, empty);
    if (!done)
        remove_file(directory, name);
}

static size_t count_of(const char *s, int (*is_one)(int))
{
    size_t n = 0;
    while (is_one((unsigned char)s[n]))
        n++;
    return n;
}

static bool is_entry(const char *name)
{
    return count_of(name, isxdigit) == NAME_DIGITS && name[NAME_DIGITS] == 0;
}

static bool is_unfinished(const char *name)
{
    return strncmp(name, EMPTY_PREFIX, strlen(EMPTY_PREFIX)) == 0 ||
           (count_of(name, isxdigit) == NAME_DIGITS && name[NAME_DIGITS] == '.' &&
            count_of(name + NAME_DIGITS + 1, isdigit) == SERIAL_DIGITS &&
            name[NAME_DIGITS + 1 + SERIAL_DIGITS] == 0);
}

/* By a process that was killed while it wrote. */
static bool is_left_behind(int directory, const char *name)
{
    struct stat st;
    return is_unfinished(name) && fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_mtime < clock_real_ms() / 1000 - LEFT_BEHIND_S;
}

void kept_files_empty_all(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *files = fd >= 0 ? fdopendir(fd) : NULL;
    if (!files) {
        log_event(SEVERITY_ERROR, "microcache_not_emptied", LOG_NUMBER("errno", errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *file;
    while ((file = readdir(files))) {
        if (is_entry(file->d_name))
            kept_file_empty(directory, file->d_name);
        else if (is_left_behind(directory, file->d_name))
            remove_file(directory, file->d_name);
    }
    closedir(files);
}
