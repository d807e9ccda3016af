/* A directory on a tmpfs, with entries as nginx would write them. */
#ifndef TESTS_STORE_KEPT_DIRECTORY_H
#define TESTS_STORE_KEPT_DIRECTORY_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixtures.h"
#include "store/kept_file.h"

#define SECRET "a token"

struct kept_directory {
    char path[32];
    int fd;
};

static int make_directory(void **state)
{
    const char *why;
    struct kept_directory *d = malloc(sizeof *d);
    assert_non_null(d);
    strcpy(d->path, "/dev/shm/bff-test-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    d->fd = kept_directory_open(d->path, &why);
    assert_true(d->fd >= 0);
    *state = d;
    return 0;
}

static void each_file(const struct kept_directory *d, void (*visit)(int fd, const char *name),
                      size_t *n)
{
    DIR *files = opendir(d->path);
    const struct dirent *file;
    assert_non_null(files);
    *n = 0;
    while ((file = readdir(files)))
        if (file->d_name[0] != '.') {
            if (visit)
                visit(d->fd, file->d_name);
            ++*n;
        }
    closedir(files);
}

static inline size_t count_files(const struct kept_directory *d)
{
    size_t n;
    each_file(d, NULL, &n);
    return n;
}

static void remove_one(int fd, const char *name)
{
    assert_int_equal(unlinkat(fd, name, 0), 0);
}

static int remove_directory(void **state)
{
    struct kept_directory *d = *state;
    size_t n;
    each_file(d, remove_one, &n);
    close(d->fd);
    assert_int_equal(rmdir(d->path), 0);
    free(d);
    return 0;
}

static void write_entry(const struct kept_directory *d, const char *name)
{
    int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, SECRET, sizeof SECRET - 1), sizeof SECRET - 1);
    close(fd);
}

/* Does the file hold what write_entry() has written? */
static bool is_kept(const struct kept_directory *d, const char *name)
{
    char content[sizeof SECRET] = "";
    int fd = openat(d->fd, name, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, content, sizeof SECRET - 1) : 0;
    if (fd >= 0)
        close(fd);
    return n == sizeof SECRET - 1 && strcmp(content, SECRET) == 0;
}

#endif
