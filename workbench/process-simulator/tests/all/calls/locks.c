// Locks, conditions, semaphores and barriers, between threads and between processes.
#include "saw.h"
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int turn;

static void *in_turn(void *number) {
    pthread_mutex_lock(&lock);
    while (turn != (int)(intptr_t)number) pthread_cond_wait(&changed, &lock);
    saw("thread %d at %ld ms", turn, ms());
    turn++;
    sleep_ms(5);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    int is_last = pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    return (void *)(intptr_t)is_last;
}

int main(void) {
    ms();
    pthread_t threads[4];
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 3; i >= 0; i--) pthread_create(&threads[i], NULL, in_turn, (void *)(intptr_t)i);
    int last = 0;
    for (int i = 0; i < 4; i++) {
        void *is_last;
        pthread_join(threads[i], &is_last);
        last += (intptr_t)is_last;
    }
    saw("%d of 4 is the last at the barrier", last);

    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&lock);
    int failed = pthread_cond_timedwait(&changed, &lock, &until);
    saw("a condition: %s at %ld ms", strerror(failed), ms());
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    failed = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until);
    saw("by the other clock: %s at %ld ms", strerror(failed), ms());

    // A lock that passes on priority.
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&lock, &attributes);
    turn = 0;
    pthread_barrier_destroy(&barrier);
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 1; i >= 0; i--) pthread_create(&threads[i], NULL, in_turn, (void *)(intptr_t)i);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);

    // A semaphore in memory that two processes share.
    sem_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(shared, 1, 0);
    if (!fork()) {
        sleep_ms(40);
        sem_post(shared);
        _exit(0);
    }
    sem_wait(shared);
    saw("the other process has posted at %ld ms", ms());
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    int again = sem_timedwait(shared, &until);
    saw("and not again: %s", result(again));
    saw("at %ld ms", ms());
    wait(NULL);
}
