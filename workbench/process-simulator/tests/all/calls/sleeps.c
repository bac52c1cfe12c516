// Sleeps: relative, absolute, very short, and interrupted.
#include "saw.h"

static void ignore(int signal) { (void)signal; }

int main(void) {
    ms();
    sleep_ms(20);
    saw("nanosleep: at %ld ms", ms());
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    saw("until a moment: at %ld ms", ms());
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    saw("until a date: at %ld ms", ms());
    until.tv_sec -= 100;
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    saw("until a date in the past: at %ld ms", ms());
    for (int i = 0; i < 50; i++) usleep(20);
    saw("after 50 short sleeps: at %ld ms", ms());
    struct timespec bad = {0, 2000000000};
    saw("too many nanoseconds: %s", result(nanosleep(&bad, NULL)));
    struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGALRM, &action, NULL);
    alarm(2);
    struct timespec time = {10, 0}, left = {0, 0};
    int slept = nanosleep(&time, &left);
    saw("a sleep of 10 s: %s, %ld.%ld s are left", result(slept), (long)left.tv_sec, left.tv_nsec / 100000000);
    alarm(1);
    saw("sleep(5) returns %u", sleep(5));
    sched_yield();
}
