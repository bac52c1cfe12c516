/* Unique ids, in C: a node's name and a counter. No two nodes share a name, so they need not
 * communicate, and a partition has no effect.
 *
 *     cc -O2 -o /tmp/unique-ids workbench/examples/unique_ids.c
 *     cargo workbench test -w unique-ids --bin /tmp/unique-ids --time-limit 5 \
 *         --nemesis partition --nemesis-interval 1 --availability total
 *     cargo workbench storm -w unique-ids --bin /tmp/unique-ids --time-limit 5 \
 *         --faults partition,loss,duplicate,delay --seeds 0..6
 *
 * C has no JSON library. A value is a piece of the line, from its first character to its last;
 * values that are returned are sent as they were received, with quotes and escapes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of text. Without a start it is a missing value. */
struct text {
    const char *start;
    int length;
};

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\r\n"); }

/* The end of the string that begins here; NULL if it is unterminated. A backslash escapes the next
 * character, so an escaped quote does not end a string. */
static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++) {
        if (*at == '\\') at++;
        if (*at == '\0') return NULL;
    }
    return at + 1;
}

/* The end of the value that begins here, with all that is nested in it; NULL if malformed. */
static const char *skip_value(const char *at) {
    int depth = 0;
    do {
        at = skip_blanks(at);
        if (*at == '"') {
            at = skip_string(at);
            if (at == NULL) return NULL;
        } else if (*at == '{' || *at == '[') {
            depth++, at++;
        } else if (*at == '}' || *at == ']') {
            depth--, at++;
        } else if (depth > 0 && (*at == ',' || *at == ':')) {
            at++;
        } else {
            size_t length = strspn(at, "+-.0123456789Eaeflnrstu");
            if (length == 0) return NULL;
            at += length;
        }
    } while (depth > 0);
    return depth == 0 ? at : NULL;
}

/* The value of an object's field. Only this object's own fields count: the same name in a nested
 * object, or inside a string, is ignored. */
static struct text field(struct text object, const char *name) {
    struct text none = {NULL, 0};
    if (object.start == NULL || *object.start != '{') return none;
    const char *at = skip_blanks(object.start + 1);
    while (*at == '"') {
        const char *key = at + 1, *end = skip_string(at);
        if (end == NULL) return none;
        at = skip_blanks(end);
        if (*at != ':') return none;
        const char *value = skip_blanks(at + 1);
        at = skip_value(value);
        if (at == NULL) return none;
        size_t length = (size_t)(end - 1 - key);
        if (length == strlen(name) && memcmp(key, name, length) == 0)
            return (struct text){value, (int)(at - value)};
        at = skip_blanks(at);
        if (*at == ',') at = skip_blanks(at + 1);
    }
    return none;
}

static int is(struct text value, const char *expected) {
    return value.start != NULL && (size_t)value.length == strlen(expected) &&
           memcmp(value.start, expected, strlen(expected)) == 0;
}

static int is_string(struct text value) { return value.start != NULL && *value.start == '"'; }

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    unsigned long counter = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        struct text message = {skip_blanks(line), 0};
        struct text src = field(message, "src"), dest = field(message, "dest");
        struct text body = field(message, "body");
        struct text type = field(body, "type"), msg_id = field(body, "msg_id");
        if (!is_string(src) || !is_string(dest) || !is_string(type)) {
            fprintf(stderr, "malformed message: %s", line);
            continue;
        }
        if (msg_id.start == NULL) continue; /* no answer is expected */
        printf("{\"src\":%.*s,\"dest\":%.*s,", dest.length, dest.start, src.length, src.start);
        printf("\"body\":{\"in_reply_to\":%.*s,\"type\":", msg_id.length, msg_id.start);
        if (is(type, "\"init\""))
            printf("\"init_ok\"}}\n");
        else if (is(type, "\"generate\"")) /* this node's name, without its last quote */
            printf("\"generate_ok\",\"id\":%.*s-%lu\"}}\n", dest.length - 1, dest.start, ++counter);
        else
            printf("\"error\",\"code\":10,\"text\":\"the only request type is generate\"}}\n");
        fflush(stdout);
    }
    free(line);
    return 0;
}
