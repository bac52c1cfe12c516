// Signals to threads that wait, with a handler, without one, and blocked.
#include "saw.h"

static volatile int count;
static int ends[2];
static pthread_t reader;

static void on_signal(int signal) {
    count++;
    saw("signal %d in the %s thread", signal, pthread_equal(pthread_self(), reader) ? "reading" : "main");
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

static void *read_one(void *unused) {
    (void)unused;
    reader = pthread_self();
    char byte;
    long length = read(ends[0], &byte, 1);
    saw("read: %s at %ld ms", length == 1 ? "a byte" : strerror(errno), ms());
    return NULL;
}

static void interrupt(const char *name) {
    saw("%s:", name);
    pthread_t thread;
    pthread_create(&thread, NULL, read_one, NULL);
    sleep_ms(10);
    pthread_kill(thread, SIGUSR1);
    sleep_ms(10);
    if (write(ends[1], "x", 1) != 1) exit(1);
    pthread_join(thread, NULL);
    char byte;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    while (read(ends[0], &byte, 1) == 1) {}
    fcntl(ends[0], F_SETFL, 0);
}

int main(void) {
    ms();
    if (pipe(ends)) return 1;
    handle(SIGUSR1, 0);
    interrupt("a handler");
    handle(SIGUSR1, SA_RESTART);
    interrupt("a handler that lets calls go on");
    signal(SIGUSR1, SIG_IGN);
    interrupt("ignored");

    sigset_t set, none;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handle(SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    saw("blocked: %d", count);
    saw("sigsuspend: %s", result(sigsuspend(&none)));
    saw("received: %d", count);
    kill(getpid(), SIGUSR1);
    struct timespec time = after_ms(100);
    saw("ppoll with a mask: %s", result(ppoll(NULL, 0, &time, &none)));
    siginfo_t info;
    saw("sigtimedwait: %s", result(sigtimedwait(&set, &info, &time)));
    saw("at %ld ms", ms());
    if (!fork()) {
        sleep_ms(20);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    time = after_ms(1000);
    saw("sigtimedwait: %d", sigtimedwait(&set, &info, &time));
    saw("at %ld ms", ms());
    wait(NULL);
    saw("poll is interrupted:");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (!fork()) {
        sleep_ms(20);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    saw("poll: %s", result(poll(NULL, 0, 1000)));
    saw("at %ld ms", ms());
    wait(NULL);
    saw("another process: %s", result(kill(1, 0)));
    saw("no signal: %s", result(sigqueue(getpid(), 0, (union sigval){0})));
    raise(SIGTERM);
}
