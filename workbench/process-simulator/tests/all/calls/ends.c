// Ends for which others wait: of the first thread, of a lock's owner, and of a process that shares memory.
#include "saw.h"
#include <semaphore.h>

static pthread_t first;

static struct timespec date_in(long time) {
    struct timespec date;
    clock_gettime(CLOCK_REALTIME, &date);
    date.tv_sec += time / 1000;
    return date;
}

static void *join_first(void *unused) {
    saw("the first thread: %s", strerror(pthread_join(first, NULL)));
    saw("joined at %ld ms", ms());
    return unused;
}

static void *take(void *semaphore) {
    struct timespec date = date_in(2000);
    saw("the semaphore: %s", result(sem_timedwait(semaphore, &date)));
    saw("taken at %ld ms", ms());
    return NULL;
}

int main(void) {
    ms();
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_t *lock = (pthread_mutex_t *)page;
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &robust);
    if (!fork()) {
        pthread_mutex_lock(lock);
        sleep_ms(100);
        _exit(0);
    }
    sleep_ms(20);
    struct timespec date = date_in(2000);
    saw("the lock: %s", strerror(pthread_mutex_timedlock(lock, &date)));
    saw("at %ld ms", ms());
    wait(NULL);

    // The thread begins to wait while there is one process only.
    sem_t *semaphore = (sem_t *)(page + 1024);
    sem_init(semaphore, 1, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, take, semaphore);
    sleep_ms(20);
    if (!fork()) {
        sleep_ms(30);
        sem_post(semaphore);
        _exit(0);
    }
    pthread_join(thread, NULL);
    wait(NULL);

    first = pthread_self();
    pthread_create(&thread, NULL, join_first, NULL);
    sleep_ms(50);
    pthread_exit(NULL);
}
