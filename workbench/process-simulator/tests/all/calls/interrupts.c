// Signals that come while a thread waits for a lock, a child, a set of signals or the rest of a write.
#include "saw.h"
#include <semaphore.h>

static pthread_mutex_t lock;
static sem_t semaphore;
static int ends[2], others[2];

static void on_signal(int signal) { saw("signal %d at %ld ms", signal, ms()); }

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

static void *take_lock(void *unused) {
    saw("the lock: %s", strerror(pthread_mutex_lock(&lock)));
    saw("taken at %ld ms", ms());
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *take_semaphore(void *unused) {
    saw("the semaphore: %s", result(sem_wait(&semaphore)));
    saw("taken at %ld ms", ms());
    return unused;
}

static void *write_much(void *unused) {
    static char bytes[300000];
    saw("a long write: %zd", write(ends[1], bytes, sizeof bytes));
    saw("a short one elsewhere: %zd", write(others[1], bytes, 10));
    return unused;
}

// Starts a thread, sends it a signal after 50 ms, and waits for its end 50 ms later.
static void interrupt(void *(*what)(void *), void (*release)(void)) {
    pthread_t thread;
    pthread_create(&thread, NULL, what, NULL);
    sleep_ms(50);
    pthread_kill(thread, SIGUSR1);
    sleep_ms(50);
    if (release) release();
    pthread_join(thread, NULL);
}

static void unlock(void) { pthread_mutex_unlock(&lock); }
static void post(void) { sem_post(&semaphore); }

static void *sleep_unblocked(void *unused) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    struct timespec time = after_ms(1000);
    saw("a sleep: %s", result(nanosleep(&time, NULL)));
    return unused;
}

int main(void) {
    ms();
    if (pipe(ends) || pipe(others)) return 1;
    handle(SIGUSR1, SA_RESTART);
    pthread_mutexattr_t inherits;
    pthread_mutexattr_init(&inherits);
    pthread_mutexattr_setprotocol(&inherits, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&lock, &inherits);
    pthread_mutex_lock(&lock);
    interrupt(take_lock, unlock);
    sem_init(&semaphore, 0, 0);
    interrupt(take_semaphore, post);
    handle(SIGUSR1, 0);
    interrupt(write_much, NULL);

    // A signal to itself is pending at once.
    sigset_t all, some;
    sigfillset(&all);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    raise(SIGUSR1);
    struct timespec time = after_ms(1000);
    saw("sigtimedwait: %d", sigtimedwait(&some, NULL, &time));

    // A signal that it does not wait for is for the other thread.
    handle(SIGUSR2, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_unblocked, NULL);
    if (!fork()) {
        sleep_ms(50);
        kill(getppid(), SIGUSR2);
        _exit(0);
    }
    saw("sigtimedwait: %s", result(sigtimedwait(&some, NULL, &time)));
    pthread_join(thread, NULL);
    saw("at %ld ms", ms());
}
