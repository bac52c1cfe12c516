// What the small programs here share: they print what they saw, a line each.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static inline void saw(const char *format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length] = '\n';
    if (write(1, line, length + 1) < 0) exit(9);
}

// Milliseconds of the monotonic clock since the first call.
static inline long ms(void) {
    static long start;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long time = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (!start) start = time;
    return time - start;
}

static inline struct timespec after_ms(long time) {
    return (struct timespec){time / 1000, time % 1000 * 1000000};
}

static inline void sleep_ms(long time) {
    struct timespec left = after_ms(time);
    nanosleep(&left, NULL);
}

static inline const char *result(long it) { return it < 0 ? strerror(errno) : "ok"; }
