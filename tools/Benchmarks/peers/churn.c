// One process, one thread: opens connections, echoes one message on each, closes it, and opens the next in its place;
// CONNECTIONS of them are under way at any time. Every byte is checked.
//
//   churn --port P --connections N --size BYTES --warmup S --seconds S --pid SERVER
//
// The client closes first, so its side of each connection stays in TIME_WAIT. It therefore connects from ADDRESSES loopback
// addresses in turn, which gives it enough ports of its own for millions of connections.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "measure.h"

enum { EVENTS = 256, RECEIVE_BYTES = 64 * 1024, ADDRESSES = 250 };

struct connection {
    int fd;
    size_t to_receive;
    uint64_t started_at;
};

static int epoll_fd;
static size_t size = 64;
static char *message, receive_buffer[RECEIVE_BYTES];
static struct sockaddr_in server_address = {.sin_family = AF_INET};
static unsigned next_address;

static void start(struct connection *connection) {
    connection->started_at = now();
    connection->to_receive = size;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        die("socket");
    }
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // The port is picked at connect, where the kernel knows the whole pair of addresses.
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + next_address++ % ADDRESSES)};
    if (bind(connection->fd, (struct sockaddr *)&own, sizeof own) < 0) {
        die("bind");
    }
    if (connect(connection->fd, (struct sockaddr *)&server_address, sizeof server_address) < 0 && errno != EINPROGRESS) {
        die("connect");
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void connected(struct connection *connection) {
    // A message fits into the send buffer of a new connection.
    if (send(connection->fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) {
        die("connect or send");
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void receive(struct connection *connection) {
    ssize_t received = recv(connection->fd, receive_buffer, sizeof receive_buffer, 0);
    if (received <= 0) {
        if (received < 0 && errno == EAGAIN) {
            return;
        }
        fprintf(stderr, "the server closed a connection: %s\n", received < 0 ? strerror(errno) : "end of stream");
        exit(1);
    }
    if ((size_t)received > connection->to_receive ||
        memcmp(receive_buffer, message + (size - connection->to_receive), (size_t)received) != 0) {
        fprintf(stderr, "the server answered bytes that were not sent\n");
        exit(1);
    }
    connection->to_receive -= (size_t)received;
    if (connection->to_receive == 0) {
        close(connection->fd);
        record(now() - connection->started_at);
        start(connection);
    }
}

int main(int argc, char **argv) {
    int connection_count = 64;
    pid_t server = 0;
    double warmup = 0.5, seconds = 3;
    static const struct option options[] = {
        {"port", required_argument, 0, 'p'},   {"connections", required_argument, 0, 'c'}, {"size", required_argument, 0, 's'},
        {"warmup", required_argument, 0, 'w'}, {"seconds", required_argument, 0, 't'},     {"pid", required_argument, 0, 'P'},
        {0, 0, 0, 0},
    };
    server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p': server_address.sin_port = htons((uint16_t)atoi(optarg)); break;
        case 'c': connection_count = atoi(optarg); break;
        case 's': size = (size_t)atol(optarg); break;
        case 'w': warmup = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'P': server = atoi(optarg); break;
        default: return 2;
        }
    }
    allow_all_descriptors();
    message = malloc(size);
    for (size_t i = 0; i < size; i++) {
        message[i] = i + 1 == size ? '\n' : (char)('a' + i % 25);
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc((size_t)connection_count, sizeof *connections);
    uint64_t begin = now(), window = begin + (uint64_t)(warmup * 1e9), deadline = window + (uint64_t)(seconds * 1e9);
    uint64_t opened = 0, client_cpu = 0, time;
    struct usage server_before = {0};
    for (int i = 0; i < connection_count; i++) {
        start(&connections[i]);
    }
    struct epoll_event events[EVENTS];
    while ((time = now()) < deadline) {
        if (opened == 0 && time >= window) {
            open_window();
            server_before = usage_of(server);
            client_cpu = now_of(CLOCK_PROCESS_CPUTIME_ID);
            opened = now();
        }
        int count = epoll_wait(epoll_fd, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                connected(connection);
            } else {
                receive(connection);
            }
        }
    }
    struct usage server_after = usage_of(server);
    client_cpu = now_of(CLOCK_PROCESS_CPUTIME_ID) - client_cpu;
    double elapsed = (double)(now() - opened) / 1e9;
    if (opened == 0 || recorded == 0) {
        fprintf(stderr, "no connection was completed within the measured window\n");
        return 1;
    }
    print_result(recorded, elapsed, server_before, server_after, client_cpu);
    return 0;
}
