// What a key-value operation costs before anybody reads it: the raw epoll server, sending a reply that was made beforehand for each request.
// It neither parses nor looks up nor stores. It tells GET, SET and INCR by one letter and counts asterisks, so it understands nobody but redis-benchmark,
// and only while each receive begins with a request: it ends when one does not.
//
//   raw_resp PORT [THREADS]
#define _GNU_SOURCE
#define ANSWERS_OTHERWISE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { REPLIES = 4096, LETTER = 8 }; // "*2\r\n$3\r\nG": where the command's name begins

#define EIGHT "xxxxxxxx"
#define VALUE "$64\r\n" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT "\r\n"

static char values[REPLIES * (sizeof VALUE - 1)], numbers[REPLIES * 4], oks[REPLIES * 5];

static void fill(char *replies, size_t size, const char *reply, size_t length) {
    for (size_t i = 0; i < size; i += length) {
        memcpy(replies + i, reply, length);
    }
}

__attribute__((constructor)) static void make_replies(void) {
    fill(values, sizeof values, VALUE, sizeof VALUE - 1);
    fill(numbers, sizeof numbers, ":1\r\n", 4);
    fill(oks, sizeof oks, "+OK\r\n", 5);
}

static const char *answer(const char *bytes, ssize_t *length) {
    if (bytes[0] != '*') {
        fputs("raw_resp: a receive began inside a request, so its answers cannot be told\n", stderr);
        exit(1);
    }
    const char *end = bytes + *length, *at = bytes;
    ssize_t requests = 0;
    while (requests < REPLIES && (at = memchr(at, '*', (size_t)(end - at))) != NULL) {
        requests++;
        at++;
    }
    char letter = *length > LETTER ? bytes[LETTER] : 0;
    const char *reply = letter == 'G' ? values : letter == 'I' ? numbers : oks;
    *length = requests * (ssize_t)(letter == 'G' ? sizeof VALUE - 1 : letter == 'I' ? 4 : 5);
    return reply;
}

#include "raw_epoll.c"
