// Waits in a call that is not virtual, for a lock that another process has.
#include "saw.h"
#include <sys/file.h>

int main(void) {
    char name[] = "/tmp/flock-XXXXXX";
    int first = mkstemp(name), second = open(name, O_RDWR);
    unlink(name);
    flock(first, LOCK_EX);
    if (!fork()) {
        sleep_ms(2000);
        _exit(0);
    }
    close(first);
    saw("flock: %s", result(flock(second, LOCK_EX)));
    wait(NULL);
}
