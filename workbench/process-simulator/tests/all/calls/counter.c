// The time-stamp counter of x86-64 counts virtual nanoseconds.
#include "saw.h"
#include <x86intrin.h>

int main(void) {
    unsigned cpu = 9;
    unsigned long long first = __rdtsc(), second = __rdtscp(&cpu);
    saw("it moves by %llu, on processor %u", second - first, cpu);
    usleep(2000);
    saw("in 2 ms by %llu", (__rdtsc() - second) / 1000000);
}
