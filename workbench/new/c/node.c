/* A node that passes echo. `workbench doc` describes all requests, errors and services. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

/* This node's name and those of all nodes, from init: JSON, so names have their quotes. */
static struct json node_id = {"null", 4}, node_ids;

static void print_body(struct json dest, const char *fields, va_list values) {
    printf("{\"src\":" JSON ",\"dest\":" JSON ",\"body\":{", PIECE(node_id), PIECE(dest));
    vprintf(fields, values);
}

/* Sends a body with these fields, in the format of printf. */
void send_to(struct json dest, const char *fields, ...) {
    va_list values;
    va_start(values, fields);
    print_body(dest, fields, values);
    va_end(values);
    printf("}}\n");
    fflush(stdout);
}

static void reply(struct json request, const char *fields, ...) {
    struct json msg_id = json_field(json_field(request, "body"), "msg_id");
    if (!msg_id.start) return;
    va_list values;
    va_start(values, fields);
    print_body(json_field(request, "src"), fields, values);
    va_end(values);
    printf(",\"in_reply_to\":" JSON "}}\n", PIECE(msg_id));
    fflush(stdout);
}

static void reply_error(struct json request, int code, const char *text) {
    reply(request, "\"type\":\"error\",\"code\":%d,\"text\":\"%s\"", code, text);
}

static void on_request(struct json request, struct json body) {
    struct json type = json_field(body, "type");
    if (json_is(type, "init")) {
        struct json id = json_field(body, "node_id"), ids = json_field(body, "node_ids");
        if (!id.start || !ids.start) {
            reply_error(request, 12, "malformed request: no node_id or no node_ids");
            return;
        }
        node_id = json_copy(id);
        node_ids = json_copy(ids);
        fprintf(stderr, JSON " of " JSON "\n", PIECE(node_id), PIECE(node_ids));
        reply(request, "\"type\":\"init_ok\"");
    } else if (json_is(type, "echo")) {
        struct json echo = json_field(body, "echo");
        if (!echo.start) reply_error(request, 12, "malformed request: no echo");
        else reply(request, "\"type\":\"echo_ok\",\"echo\":" JSON, PIECE(echo));
    } else { /* The next requests go before this: "generate" for unique-ids, "broadcast", ... */
        reply_error(request, 10, "not supported");
    }
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        struct json message = json_parse(line), body = json_field(message, "body");
        if (!json_field(body, "type").start || !json_field(message, "src").start)
            fprintf(stderr, "not a message: %s", line);
        else if (!json_field(body, "in_reply_to").start)
            on_request(message, body);
        /* else it is for the request that this node has sent with this number as its msg_id */
    }
    free(line);
    return 0;
}
