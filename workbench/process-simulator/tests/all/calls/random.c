// Random numbers and ids come from the seed.
#include "saw.h"
#include <sys/auxv.h>

static void show(const char *name, const unsigned char *bytes) {
    char text[33];
    for (int i = 0; i < 16; i++) sprintf(text + 2 * i, "%02x", bytes[i]);
    saw("%s %s", name, text);
}

int main(void) {
    unsigned char bytes[16];
    show("at the start", (const unsigned char *)getauxval(AT_RANDOM));
    if (getrandom(bytes, 16, 0) != 16) return 1;
    show("getrandom", bytes);
    int file = open("/dev/urandom", O_RDONLY);
    if (read(file, bytes, 16) != 16) return 1;
    show("/dev/urandom", bytes);
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    saw("%d processor, and this is %d", CPU_COUNT(&set), sched_getcpu());
    saw("the id %d", getpid());
}
