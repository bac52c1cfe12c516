#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 500 };

static const char *blanks(const char *at) { return at + strspn(at, " \t\r\n"); }

/* The functions *_end return the end of what begins here, or NULL if it is malformed. */

static const char *string_end(const char *at) {
    if (*at != '"') return NULL;
    for (at++; *at != '"'; at++) {
        if ((unsigned char)*at < ' ') return NULL; /* or the end of the text */
        if (*at != '\\') continue;
        at++;
        if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4) at += 4;
        else if (*at == '\0' || !strchr("\"\\/bfnrt", *at)) return NULL;
    }
    return at + 1;
}

static const char *digits_end(const char *at) {
    size_t length = strspn(at, "0123456789");
    return length > 0 ? at + length : NULL;
}

static const char *number_end(const char *at) {
    if (*at == '-') at++;
    const char *end = *at == '0' ? at + 1 : digits_end(at);
    if (end && *end == '.') end = digits_end(end + 1);
    if (end && (*end == 'e' || *end == 'E')) {
        end++;
        end = digits_end(*end == '+' || *end == '-' ? end + 1 : end);
    }
    return end;
}

/* The value of the field that begins here. */
static const char *after_name(const char *at) {
    at = string_end(at);
    if (at) at = blanks(at);
    return at && *at == ':' ? blanks(at + 1) : NULL;
}

static const char *value_end(const char *at, int depth) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0) return at + strlen(words[i]);
    if (*at == '"') return string_end(at);
    if (*at != '{' && *at != '[') return number_end(at);
    if (depth == MAX_DEPTH) return NULL;
    char open = *at, close = open == '{' ? '}' : ']';
    at = blanks(at + 1);
    if (*at == close) return at + 1;
    for (;; at = blanks(at + 1)) {
        if (open == '{') at = after_name(at);
        if (at) at = value_end(at, depth + 1);
        if (!at) return NULL;
        at = blanks(at);
        if (*at == close) return at + 1;
        if (*at != ',') return NULL;
    }
}

static struct json value_at(const char *at) {
    return (struct json){at, (size_t)(value_end(at, 0) - at)};
}

struct json json_parse(const char *text) {
    const char *start = blanks(text), *end = value_end(start, 0);
    if (!end || *blanks(end) != '\0') return (struct json){NULL, 0};
    return value_at(start);
}

struct json json_copy(struct json value) {
    char *copy = malloc(value.length + 1);
    if (!copy || !value.start) return (struct json){NULL, 0};
    memcpy(copy, value.start, value.length);
    copy[value.length] = '\0';
    return (struct json){copy, value.length};
}

/* The item with this index, or the field with this name. */
static struct json find(struct json list, char open, size_t index, const char *name) {
    const char *at = list.start && *list.start == open ? blanks(list.start + 1) : "]";
    while (*at != ']' && *at != '}') {
        const char *start = name ? after_name(at) : at;
        struct json value = value_at(start);
        if (name ? json_is(value_at(at), name) : index-- == 0) return value;
        at = blanks(start + value.length);
        if (*at == ',') at = blanks(at + 1);
    }
    return (struct json){NULL, 0};
}

struct json json_field(struct json object, const char *name) { return find(object, '{', 0, name); }

struct json json_item(struct json array, size_t index) { return find(array, '[', index, NULL); }

static unsigned long hex4(const char *at) {
    char digits[5] = {at[0], at[1], at[2], at[3], '\0'};
    return strtoul(digits, NULL, 16);
}

/* Writes the character of \uXXXX, whose digits begin here, in UTF-8; returns where its text ends. */
static const char *unescape(const char *at, char **out) {
    unsigned long code = hex4(at);
    at += 4;
    if (code >> 10 == 0xD800 >> 10 && at[0] == '\\' && at[1] == 'u' &&
        hex4(at + 2) >> 10 == 0xDC00 >> 10) {
        code = 0x10000 + ((code & 0x3FF) << 10) + (hex4(at + 2) & 0x3FF);
        at += 6;
    }
    if (code == 0 || code >> 11 == 0xD800 >> 11) code = 0xFFFD; /* no text in C, or no character */
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    *(*out)++ = (char)(first[more] | code >> 6 * more);
    while (more-- > 0) *(*out)++ = (char)(0x80 | (code >> 6 * more & 0x3F));
    return at;
}

char *json_string(struct json value) {
    if (!value.start || *value.start != '"') return NULL;
    char *string = malloc(value.length), *out = string;
    const char *at = value.start + 1, *end = value.start + value.length - 1;
    while (string && at < end) {
        if (*at != '\\') {
            *out++ = *at++;
        } else if (at[1] == 'u') {
            at = unescape(at + 2, &out);
        } else {
            static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
            const char *letter = strchr(letters, at[1]);
            *out++ = letter ? meant[letter - letters] : at[1];
            at += 2;
        }
    }
    if (string) *out = '\0';
    return string;
}

int json_is(struct json value, const char *string) {
    char *own = json_string(value);
    int is_same = own && strcmp(own, string) == 0;
    free(own);
    return is_same;
}
