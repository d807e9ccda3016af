/*
 * Does freed or live heap memory still hold a text? Read through /proc/self/mem, for what is freed
 * may not be read by its old pointer. Sees the [heap] of glibc, so nothing under AddressSanitizer.
 */
#ifndef TESTS_CODEC_HEAP_H
#define TESTS_CODEC_HEAP_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixtures.h"

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_IS_VISIBLE false
#elif defined(__has_feature)
#define HEAP_IS_VISIBLE (!__has_feature(address_sanitizer))
#else
#define HEAP_IS_VISIBLE true
#endif

static inline bool heap_bounds(unsigned long *from, unsigned long *to)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (!found && fgets(line, sizeof line, maps))
        found = strstr(line, "[heap]") && sscanf(line, "%lx-%lx", from, to) == 2;
    fclose(maps);
    return found;
}

static inline bool heap_holds(struct str needle)
{
    unsigned long from, to;
    if (!heap_bounds(&from, &to))
        return false;
    size_t n = to - from;
    char *copy = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(copy != MAP_FAILED);
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, copy, n, (off_t)from), n);
    close(fd);
    bool held = memmem(copy, n, needle.p, needle.n) != NULL;
    munmap(copy, n);
    return held;
}

#endif
