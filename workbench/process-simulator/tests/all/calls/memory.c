// Waits by reading memory: first for a thread that could run, then for one that sleeps; then for ever.
#include "saw.h"

static volatile int done;

static void *finish(void *time) {
    if (time) sleep_ms((long)(intptr_t)time);
    done++;
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, finish, NULL);
    while (done < 1) {}
    saw("a thread has run");
    pthread_create(&thread, NULL, finish, (void *)(intptr_t)30);
    while (done < 2) {}
    saw("a thread has slept");
    while (done < 3) {}
}
