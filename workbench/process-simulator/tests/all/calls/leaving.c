// The first thread ends before the others; then one of these crashes while the others wait.
#include "saw.h"

static void *wait_for_ever(void *unused) {
    (void)unused;
    pause();
    return NULL;
}

static void *crash(void *unused) {
    (void)unused;
    sleep_ms(50);
    saw("the first thread has left, at %ld ms", ms());
    abort();
}

int main(void) {
    ms();
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    pthread_create(&thread, NULL, crash, NULL);
    pthread_exit(NULL);
}
