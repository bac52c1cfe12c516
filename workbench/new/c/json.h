/* JSON that is read in place: a value is a piece of the line, and can be sent on as it came.
 * A missing value has no start; it has no fields and items, and is no string. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

struct json {
    const char *start;
    size_t length;
};

/* To print a value with printf: printf("[" JSON "]", PIECE(value)). */
#define JSON "%.*s"
#define PIECE(value) (int)(value).length, (value).start

/* The value that a text consists of; missing if the text is no JSON. */
struct json json_parse(const char *text);

/* A copy that outlives the line. */
struct json json_copy(struct json value);

struct json json_field(struct json object, const char *name);

struct json json_item(struct json array, size_t index);

/* A string without quotes and escapes, in UTF-8, to be freed; NULL if the value is no string.
 * For numbers, strtol and strtod can read a value's start. */
char *json_string(struct json value);

/* Whether the value is this string. */
int json_is(struct json value, const char *string);

#endif
