// Real-time signals: with a value, among threads, nested, and those of the library itself.
#include "saw.h"

static volatile int count;

static void on_signal(int signal, siginfo_t *info, void *context) {
    sigset_t *blocked = &((ucontext_t *)context)->uc_sigmask, now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    saw("signal %d with %d from %s, blocked before: %d, now: %d", signal - SIGRTMIN, info->si_value.sival_int,
        info->si_pid == getpid() ? "here" : "elsewhere", sigismember(blocked, signal), sigismember(&now, signal));
    count++;
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &action, NULL);
}

static void *wait_for_ever(void *unused) {
    pause();
    return unused;
}

static void *read_one(void *ends) {
    char byte;
    saw("read: %s", result(read(*(int *)ends, &byte, 1)));
    return NULL;
}

int main(void) {
    ms();
    handle(SIGRTMIN, 0);
    handle(SIGRTMIN + 1, SA_RESTART);
    sigqueue(getpid(), SIGRTMIN, (union sigval){7});
    struct timespec time = after_ms(1000);
    if (!fork()) {
        sleep_ms(50);
        kill(getppid(), SIGRTMIN + 1);
        _exit(0);
    }
    saw("a sleep: %s", result(nanosleep(&time, NULL)));
    saw("at %ld ms", ms());
    wait(NULL);

    int ends[2];
    if (pipe(ends)) return 1;
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, read_one, ends);
        sleep_ms(10);
        pthread_kill(thread, SIGRTMIN + i);
        sleep_ms(10);
        if (i && write(ends[1], "x", 1) != 1) return 1;
        pthread_join(thread, NULL);
    }

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGRTMIN);
    saw("blocked: %d", count);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    saw("received: %d", count);

    pthread_t thread;
    void *returned;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    sleep_ms(10);
    pthread_cancel(thread);
    pthread_join(thread, &returned);
    saw("cancelled: %d", returned == PTHREAD_CANCELED);
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    sleep_ms(10);
    saw("in all threads: %s", result(setuid(getuid())));
    raise(SIGRTMIN + 2);
}
