// Timers: of alarm and setitimer, of files, and of timer_create.
#include "saw.h"

static volatile int count;
static volatile long value;

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    count++;
    value = info->si_value.sival_int;
    saw("signal %d at %ld ms", signal, ms());
}

static void on_thread(union sigval value) {
    saw("a thread with %d at %ld ms", value.sival_int, ms());
    count++;
}

int main(void) {
    ms();
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    alarm(10);
    sleep_ms(1500);
    saw("of 10 s there are %u s left", alarm(1));
    saw("pause: %s", result(pause()));
    struct itimerval every = {{0, 100000}, {0, 50000}}, now;
    setitimer(ITIMER_REAL, &every, NULL);
    for (count = 0; count < 3;) pause();
    getitimer(ITIMER_REAL, &now);
    saw("every %ld us, next in %ld ms", (long)now.it_interval.tv_usec, (long)now.it_value.tv_usec / 1000);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);

    int file = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec spec = {after_ms(100), after_ms(30)};
    timerfd_settime(file, 0, &spec, NULL);
    uint64_t times;
    for (int i = 0; i < 2; i++) {
        if (read(file, &times, 8) != 8) return 1;
        saw("timerfd: %lu at %ld ms", times, ms());
    }
    sleep_ms(350);
    struct pollfd in = {.fd = file, .events = POLLIN};
    saw("poll: %d", poll(&in, 1, -1));
    if (read(file, &times, 8) != 8) return 1;
    saw("timerfd: %lu at %ld ms", times, ms());
    timerfd_gettime(file, &spec);
    saw("next in %ld ms", spec.it_value.tv_nsec / 1000000);
    fcntl(file, F_SETFL, O_NONBLOCK);
    saw("read: %s", result(read(file, &times, 8)));
    clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
    spec.it_value.tv_sec += 1;
    timerfd_settime(file, TFD_TIMER_ABSTIME, &spec, NULL);
    poll(&in, 1, -1);
    saw("at a moment: at %ld ms", ms());
    close(file);

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    spec = (struct itimerspec){after_ms(200), after_ms(100)};
    timer_settime(timer, 0, &spec, NULL);
    for (count = 0; count < 2;) pause();
    timer_gettime(timer, &spec);
    saw("its value is %ld, next in %ld ms", value, spec.it_value.tv_nsec / 1000000);
    timer_delete(timer);
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 43};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    spec = (struct itimerspec){after_ms(100), after_ms(100)};
    timer_settime(timer, 0, &spec, NULL);
    for (count = 0; count < 3;) sleep_ms(1000);
    timer_delete(timer);

    // Two at the same moment, while no thread waits.
    timer_t timers[2];
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 44};
    spec = (struct itimerspec){after_ms(0), after_ms(5)};
    for (int i = 0; i < 2; i++) {
        timer_create(CLOCK_MONOTONIC, &event, &timers[i]);
        timer_settime(timers[i], 0, &spec, NULL);
        event.sigev_signo = SIGALRM;
    }
    for (count = 0; count < 2;) ms();
    saw("both: at %ld ms", ms());
}
