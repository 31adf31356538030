// One process, one thread, many connections, closed loop: each connection sends a batch of DEPTH messages of SIZE bytes,
// waits for all of them to come back, checks every byte, and sends the next batch.
//
//   load --port P --connections N --size BYTES --depth D --warmup S --seconds S --pid SERVER [--host H]
//       measures after the warm-up and prints "key value" lines; a wrong or missing byte ends it with an error
//       --rate R: not as fast as answers come, but R messages a second over all connections, sent once a millisecond
//   load --port P --connections N --size BYTES --hold
//       echoes once on each connection, prints "holding N", and holds them idle until standard input ends
//
// --pid: the server's CPU clock is read here, at the very edges of the measured window (the same user + system time that
// /proc/PID/stat shows, at nanosecond resolution).
// Several --port and --pid, eight at most: processes that are one server; connections go to each in turn.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "measure.h"

enum { EVENTS = 256, RECEIVE_BYTES = 64 * 1024, SERVERS = 8 };

struct connection {
    int fd;
    size_t to_send, to_receive;
    uint64_t sent_at;
    int blocked;
};

static struct connection *connections;
static int epoll_fd, connection_count = 64, depth = 1;
static size_t size = 1024, batch;
static struct connection **idle;
static unsigned idle_head, idle_tail;
static double rate;
static char *pattern, receive_buffer[RECEIVE_BYTES];

static void interest(struct connection *connection, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, operation, connection->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void send_rest(struct connection *connection) {
    ssize_t sent = send(connection->fd, pattern + (batch - connection->to_send), connection->to_send, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) {
            die("send");
        }
        sent = 0;
    }
    connection->to_send -= (size_t)sent;
    int blocked = connection->to_send > 0;
    if (blocked != connection->blocked) {
        connection->blocked = blocked;
        interest(connection, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }
}

static void next_batch(struct connection *connection, uint64_t time) {
    connection->sent_at = time;
    connection->to_send = connection->to_receive = batch;
    send_rest(connection);
}

static void answered(struct connection *connection, uint64_t time) {
    if (rate > 0) {
        idle[idle_tail++ % (unsigned)connection_count] = connection;
    } else {
        next_batch(connection, time);
    }
}

// Sends what is due by now, as far as connections are free.
static void keep_pace(uint64_t start, uint64_t time) {
    static uint64_t sent;
    uint64_t due = (uint64_t)((double)(time - start) * rate / 1e9 / depth);
    for (; sent < due && idle_head != idle_tail; sent++) {
        next_batch(idle[idle_head++ % (unsigned)connection_count], time);
    }
}

// Returns whether the batch is complete.
static int receive(struct connection *connection) {
    ssize_t received = recv(connection->fd, receive_buffer, sizeof receive_buffer, 0);
    if (received <= 0) {
        if (received < 0 && errno == EAGAIN) {
            return 0;
        }
        fprintf(stderr, "the server closed a connection: %s\n", received < 0 ? strerror(errno) : "end of stream");
        exit(1);
    }
    if ((size_t)received > connection->to_receive ||
        memcmp(receive_buffer, pattern + (batch - connection->to_receive), (size_t)received) != 0) {
        fprintf(stderr, "the server answered bytes that were not sent\n");
        exit(1);
    }
    connection->to_receive -= (size_t)received;
    return connection->to_receive == 0;
}

static void connect_all(const char *host, const int *ports, int port_count) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", host);
        exit(2);
    }
    for (int i = 0; i < connection_count; i++) {
        struct connection *connection = &connections[i];
        address.sin_port = htons((uint16_t)ports[i % port_count]);
        connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection->fd < 0) {
            die("socket");
        }
        if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0) {
            die("connect");
        }
        int on = 1;
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(connection->fd, F_SETFL, O_NONBLOCK);
        interest(connection, EPOLLIN, EPOLL_CTL_ADD);
    }
}

// Each connection does one batch, all at once in flight.
static void echo_once(void) {
    struct epoll_event events[EVENTS];
    int pending = connection_count;
    uint64_t deadline = now() + 30ull * 1000000000u;
    for (int i = 0; i < connection_count; i++) {
        next_batch(&connections[i], 0);
    }
    while (pending > 0) {
        if (now() > deadline) {
            fprintf(stderr, "no answer within 30 s on %d connections\n", pending);
            exit(1);
        }
        int count = epoll_wait(epoll_fd, events, EVENTS, 1000);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_rest(connection);
            } else if (receive(connection)) {
                pending--;
            }
        }
    }
}

int main(int argc, char **argv) {
    const char *host = "127.0.0.1";
    int ports[SERVERS] = {0}, port_count = 0, server_count = 0, hold = 0;
    pid_t servers[SERVERS] = {0};
    double warmup = 0.5, seconds = 3;
    static const struct option options[] = {
        {"host", required_argument, 0, 'h'},    {"port", required_argument, 0, 'p'},    {"connections", required_argument, 0, 'c'},
        {"size", required_argument, 0, 's'},    {"depth", required_argument, 0, 'd'},   {"warmup", required_argument, 0, 'w'},
        {"seconds", required_argument, 0, 't'}, {"pid", required_argument, 0, 'P'},     {"hold", no_argument, 0, 'H'},
        {"rate", required_argument, 0, 'r'},
        {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'h': host = optarg; break;
        case 'p':
            if (port_count == SERVERS) {
                return 2;
            }
            ports[port_count++] = atoi(optarg);
            break;
        case 'c': connection_count = atoi(optarg); break;
        case 's': size = (size_t)atol(optarg); break;
        case 'd': depth = atoi(optarg); break;
        case 'w': warmup = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'P':
            if (server_count == SERVERS) {
                return 2;
            }
            servers[server_count++] = atoi(optarg);
            break;
        case 'H': hold = 1; break;
        case 'r': rate = atof(optarg); break;
        default: return 2;
        }
    }
    if (port_count == 0 || (server_count == 0 && !hold)) {
        fprintf(stderr, "--port and, to measure, --pid are needed\n");
        return 2;
    }
    allow_all_descriptors();

    // Each message is a line, so that the same bytes suit servers that echo lines.
    batch = size * (size_t)depth;
    pattern = malloc(batch);
    for (size_t i = 0; i < batch; i++) {
        pattern[i] = (i + 1) % size == 0 ? '\n' : (char)('a' + i % 25);
    }
    connections = calloc((size_t)connection_count, sizeof *connections);
    idle = calloc((size_t)connection_count, sizeof *idle);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connect_all(host, ports, port_count);

    if (hold) {
        echo_once();
        printf("holding %d\n", connection_count);
        fflush(stdout);
        char byte;
        while (read(0, &byte, 1) > 0) {
        }
        return 0;
    }

    struct epoll_event events[EVENTS];
    uint64_t start = now(), window = start + (uint64_t)(warmup * 1e9), deadline = window + (uint64_t)(seconds * 1e9);
    uint64_t opened = 0, client_cpu = 0, time;
    struct usage server_before = {0};
    for (int i = 0; i < connection_count; i++) {
        answered(&connections[i], start);
    }
    while ((time = now()) < deadline) {
        if (opened == 0 && time >= window) {
            open_window();
            server_before = usage_of_all(servers, server_count);
            client_cpu = now_of(CLOCK_PROCESS_CPUTIME_ID);
            opened = now();
        }
        if (rate > 0) {
            keep_pace(start, time);
        }
        int count = epoll_wait(epoll_fd, events, EVENTS, rate > 0 ? 1 : 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_rest(connection);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) && receive(connection)) {
                uint64_t at = now();
                record(at - connection->sent_at);
                answered(connection, at);
            }
        }
    }
    struct usage server_after = usage_of_all(servers, server_count);
    client_cpu = now_of(CLOCK_PROCESS_CPUTIME_ID) - client_cpu;
    double elapsed = (double)(now() - opened) / 1e9;
    if (opened == 0 || recorded == 0) {
        fprintf(stderr, "no message was answered within the measured window\n");
        return 1;
    }
    print_result(recorded * (uint64_t)depth, elapsed, server_before, server_after, client_cpu);
    return 0;
}
