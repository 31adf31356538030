// The honest limit: an echo server with nothing between it and the kernel.
// Level-triggered epoll, one thread, nonblocking sockets, one receive buffer for all connections,
// one recv and one send per readiness, memory per connection only while the kernel does not take all.
//
//   raw_epoll PORT [THREADS]      (port 0 picks one; the first line says which)
//
// THREADS, 1 by default: each with an epoll and, by SO_REUSEPORT, a listener of its own; they share nothing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, ACCEPTS = 64, BACKLOG = 512, RECEIVE_BYTES = 64 * 1024 };

struct unsent {
    char *bytes;
    size_t length, offset;
};

static struct unsent *unsent_by_fd;
static __thread int epoll_fd;
static __thread char receive_buffer[RECEIVE_BYTES];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void interest(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void end(int fd) {
    free(unsent_by_fd[fd].bytes);
    unsent_by_fd[fd] = (struct unsent){0};
    close(fd);
}

static void accept_some(int listener) {
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == ECONNABORTED || errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN) {
                return;
            }
            die("accept4");
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        interest(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

// What the kernel did not take is kept, and no more is read until it did: a peer that does not read stops itself.
static void keep(int fd, const char *bytes, size_t length) {
    struct unsent *rest = &unsent_by_fd[fd];
    rest->bytes = malloc(length);
    rest->length = length;
    rest->offset = 0;
    memcpy(rest->bytes, bytes, length);
    interest(fd, EPOLLOUT, EPOLL_CTL_MOD);
}

// Returns what to send for the bytes received, and sets how much that is. Who includes this file may define another one before.
#ifndef ANSWERS_OTHERWISE
static const char *answer(const char *bytes, ssize_t *length) {
    (void)length;
    return bytes;
}
#endif

static void readable(int fd) {
    ssize_t length = recv(fd, receive_buffer, sizeof receive_buffer, 0);
    if (length <= 0) {
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        end(fd);
        return;
    }
    const char *reply = answer(receive_buffer, &length);
    ssize_t sent = send(fd, reply, (size_t)length, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            end(fd);
            return;
        }
        sent = 0;
    }
    if (sent < length) {
        keep(fd, reply + sent, (size_t)(length - sent));
    }
}

static void writable(int fd) {
    struct unsent *rest = &unsent_by_fd[fd];
    ssize_t sent = send(fd, rest->bytes + rest->offset, rest->length - rest->offset, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            end(fd);
        }
        return;
    }
    rest->offset += (size_t)sent;
    if (rest->offset == rest->length) {
        free(rest->bytes);
        *rest = (struct unsent){0};
        interest(fd, EPOLLIN, EPOLL_CTL_MOD);
    }
}

static int listen_on(struct sockaddr_in *address) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)address, sizeof *address) < 0) {
        die("bind");
    }
    if (listen(listener, BACKLOG) < 0) {
        die("listen");
    }
    socklen_t length = sizeof *address;
    getsockname(listener, (struct sockaddr *)address, &length);
    return listener;
}

static void *serve(void *argument) {
    int listener = (int)(long)argument;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    interest(listener, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_some(listener);
            } else if (events[i].events & EPOLLOUT) {
                writable(fd);
            } else if (unsent_by_fd[fd].bytes != NULL) {
                end(fd); // EPOLLHUP or EPOLLERR while only waiting to write
            } else {
                readable(fd);
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    unsent_by_fd = calloc(files.rlim_cur, sizeof *unsent_by_fd);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? (uint16_t)atoi(argv[1]) : 0)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    long first = listen_on(&address);
    for (int thread = 1; thread < (argc > 2 ? atoi(argv[2]) : 1); thread++) {
        pthread_t id;
        if (pthread_create(&id, NULL, serve, (void *)(long)listen_on(&address)) != 0) {
            die("pthread_create");
        }
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    serve((void *)first);
}
