/*
 * A disk that fails for a while: LD_PRELOAD it, with FAILING_DISK naming a file. While that file exists, each write to a transaction
 * log (log.ZXID) takes DELAY_MS and then fails with EIO, as a disk does that is tried again and given up. A system call that no
 * server makes is not here.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define DELAY_MS 300

static int fails(int fd)
{
    const char *mark = getenv("FAILING_DISK");
    if (mark == NULL || access(mark, F_OK) != 0)
        return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    const char *name = strrchr(path, '/');
    if (name == NULL || strncmp(name, "/log.", 5) != 0)
        return 0;
    usleep(DELAY_MS * 1000);
    errno = EIO;
    return 1;
}

#define FAILING(name, parameters, ...)                                     \
    ssize_t name parameters                                                \
    {                                                                      \
        static ssize_t(*real) parameters;                                  \
        if (real == NULL)                                                  \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                     \
        return fails(fd) ? -1 : real(__VA_ARGS__);                         \
    }

FAILING(write, (int fd, const void *bytes, size_t count), fd, bytes, count)
FAILING(writev, (int fd, const struct iovec *parts, int count), fd, parts, count)
FAILING(pwrite, (int fd, const void *bytes, size_t count, off_t at), fd, bytes, count, at)
FAILING(pwrite64, (int fd, const void *bytes, size_t count, off64_t at), fd, bytes, count, at)
FAILING(pwritev, (int fd, const struct iovec *parts, int count, off_t at), fd, parts, count, at)
FAILING(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), fd, parts, count, at)
