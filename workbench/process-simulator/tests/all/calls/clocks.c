// Clocks: a look takes a microsecond, a sleep exactly its time.
#include "saw.h"

static long ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

int main(void) {
    long first = ns(CLOCK_MONOTONIC), second = ns(CLOCK_MONOTONIC);
    saw("a look takes %ld ns", second - first);
    time_t now = time(NULL);
    struct tm *date = gmtime(&now);
    saw("the date is %d-%02d-%02d", date->tm_year + 1900, date->tm_mon + 1, date->tm_mday);
    struct timeval tv;
    gettimeofday(&tv, NULL);
    saw("CLOCK_REALTIME is %ld us after gettimeofday", ns(CLOCK_REALTIME) / 1000 - tv.tv_sec * 1000000L - tv.tv_usec);
    first = ns(CLOCK_MONOTONIC_COARSE);
    saw("the coarse clock is as exact: %ld ns", ns(CLOCK_MONOTONIC_COARSE) - first);
    long before = ns(CLOCK_MONOTONIC), cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
    sleep_ms(1500);
    saw("a sleep of 1500 ms takes %ld us", (ns(CLOCK_MONOTONIC) - before) / 1000);
    saw("and %ld us of processor time", (ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / 1000);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    saw("getrusage: %ld s", usage.ru_utime.tv_sec);
    struct tms ticks;
    clock_t uptime = times(&ticks);
    struct sysinfo info;
    sysinfo(&info);
    saw("up for %ld s, by sysinfo %ld s, load %lu", uptime / sysconf(_SC_CLK_TCK), info.uptime, info.loads[0]);
    saw("half of the memory is free: %d", info.freeram == info.totalram / 2);
}
