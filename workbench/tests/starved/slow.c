/* Delays writes to files below $SLOW by $SLOW_MS milliseconds, as a slow disk does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void delay(int fd) {
    const char *folder = getenv("SLOW"), *ms = getenv("SLOW_MS");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!folder || !ms || length < 0) return;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder))) return;
    struct timespec pause = {atoi(ms) / 1000, atoi(ms) % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    delay(fd);
    return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    delay(fd);
    return ((ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev"))(fd, parts, count);
}

int fsync(int fd) {
    delay(fd);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
