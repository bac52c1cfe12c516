// Programs that wait by looking: at the clock, at a file, and at another thread.
#include "saw.h"

static volatile int done;

static void *finish(void *unused) {
    (void)unused;
    sleep_ms(30);
    done = 1;
    return NULL;
}

int main(void) {
    while (ms() < 20) {}
    saw("looked at the clock until %ld ms", ms());
    struct pollfd in = {.fd = 0, .events = POLLIN};
    long looks = 0;
    while (!poll(&in, 1, 0)) looks++;
    saw("a line is there, found in fewer than 100000 looks: %d", looks < 100000);
    pthread_t thread;
    pthread_create(&thread, NULL, finish, NULL);
    while (!done) sched_yield();
    saw("a thread is done, seen by yielding");
}
