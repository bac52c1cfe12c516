// Unique ids with a race: the lock is released between reading the counter and writing it.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char name[100];
static int counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void copy(char *to, const char *from) {
    int length = strcspn(from, "\"");
    memcpy(to, from, length);
    to[length] = 0;
}

static void *handle(void *text) {
    char source[100], out[500];
    copy(source, strstr(text, "\"src\":\"") + 7);
    int id = atoi(strstr(text, "\"msg_id\":") + 9), length;
    if (strstr(text, "\"type\":\"init\"")) {
        copy(name, strstr(text, "\"node_id\":\"") + 11);
        length = sprintf(out, "{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"init_ok\",\"in_reply_to\":%d}}\n", name, source, id);
    } else {
        pthread_mutex_lock(&lock);
        int number = counter;
        pthread_mutex_unlock(&lock);
        usleep(1);
        pthread_mutex_lock(&lock);
        counter = number + 1;
        pthread_mutex_unlock(&lock);
        length = sprintf(out, "{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"generate_ok\",\"in_reply_to\":%d,\"id\":\"%s-%d\"}}\n", name, source, id, name, number);
    }
    if (write(1, out, length) < 0) exit(1);
    free(text);
    return NULL;
}

int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, handle, strdup(line));
        pthread_detach(thread);
    }
}
